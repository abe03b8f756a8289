"""A Hugging Face `tokenizer.json` as a SeqIO vocabulary.

vocabulary = resolve(VocabularyConfig("path/to/tokenizer.json", size=0), data_dir)
vocabulary.seqio.encode_tf(tf.constant("text"))     # the ids of vocabulary.encode(["text"])[0]
"""

from collections.abc import Sequence

import numpy as np
import seqio
import tensorflow as tf

from code_ablate.data.vocabulary import Vocabulary


class HuggingFaceVocabulary(seqio.Vocabulary):
    """Encodes with the `tokenizers` library; in TensorFlow graphs through `tf.numpy_function`.

    SeqIO pads with id 0, whatever that id is in tokenizer.json.
    """

    def __init__(self, vocabulary: Vocabulary):
        super().__init__()
        self._vocabulary = vocabulary

    @property
    def eos_id(self) -> int:
        """The id that ends a document."""
        return self._vocabulary.eos_id

    @property
    def bos_id(self) -> None:
        """None: documents have no beginning mark."""
        return None

    @property
    def unk_id(self) -> None:
        """None: ids outside of the vocabulary are an error."""
        return None

    @property
    def _base_vocab_size(self) -> int:
        return self._vocabulary.size

    def _encode(self, s: str) -> Sequence[int]:
        return self._vocabulary.encode([s])[0].tolist()

    def _decode(self, ids: Sequence[int]) -> str:
        return self._vocabulary.decode(ids)

    def _encode_tf(self, s: tf.Tensor) -> tf.Tensor:
        def encode(
            text: bytes | np.ndarray,
        ) -> np.ndarray:  # bytes in a graph, an array in eager mode
            content = text if isinstance(text, bytes) else text.item()
            return self._vocabulary.encode([content.decode("utf-8", "replace")])[0]

        return tf.ensure_shape(tf.numpy_function(encode, [s], tf.int32), [None])

    def _decode_tf(self, ids: tf.Tensor) -> tf.Tensor:
        def decode(some: np.ndarray) -> bytes | np.ndarray:
            if some.ndim == 1:
                return self._vocabulary.decode(some).encode()
            return np.array([self._vocabulary.decode(row).encode() for row in some], dtype=object)

        text = tf.numpy_function(decode, [ids], tf.string)
        return tf.ensure_shape(text, ids.shape[:-1])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HuggingFaceVocabulary) and self._vocabulary == other._vocabulary

    def __hash__(self) -> int:
        return hash(self._vocabulary)

    def __str__(self) -> str:
        return f"HuggingFaceVocabulary({self._vocabulary.path}, sha256={self._vocabulary.digest})"
