"""Vocabularies: SentencePiece models and Hugging Face's tokenizer.json, as one value.

    vocabulary = load_vocabulary("data/vocabularies/demo-84b3ec742785.model")
    vocabulary.decode(vocabulary.encode(["a  b\\r\\n"])[0])     # 'a  b\\r\\n'
    vocabulary.size, vocabulary.eos_id, vocabulary.digest       # all that training needs

Encoding and decoding need the vocabulary's library (sentencepiece or tokenizers), `seqio` needs
SeqIO; size, EOS and digest are known without them where a record beside the file names them.
Vocabularies are found and trained in `code_ablate.data.preparing.vocabulary_training`; their files
are read in `code_ablate.data.vocabulary_files`.
"""

import dataclasses
import functools
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from annotated_types import Ge, Le, Lt
from etils import epath
from jaxtyping import Int

from code_ablate import storage
from code_ablate.checked import PositiveInt, Seed, checked
from code_ablate.data.round_trip import loss_refused, lost_text, require_unspellable
from code_ablate.data.vocabulary_files import (
    VocabularyRecord,
    file_digest,
    library_missing,
    load_encoder,
    size_and_eos,
)
from code_ablate.errors import UserError
from code_ablate.names import require_name, require_path

if TYPE_CHECKING:
    import seqio


@checked
@dataclass(frozen=True)
class VocabularyConfig:
    """Which vocabulary a study uses, and how it is trained if it is not a file of the user's."""

    name: str = "vocabulary"
    """Path or URL of a SentencePiece `.model` or a Hugging Face `tokenizer.json`; or the plain name
    of a vocabulary that is trained and kept as `<data_dir>/vocabularies/<name>-<key>.model`."""
    size: Annotated[int, Ge(0), Le(10_000_000)] = 32768
    """Number of entries. A file must have this many, counting gaps in its ids; 0: any number."""
    corpora: tuple[str, ...] = ()
    """SeqIO Tasks that it is trained on, in equal parts."""
    sample_bytes: PositiveInt = 100_000_000
    """Bytes of text that it is trained on, over all corpora."""
    seed: Seed = 0
    """Seed of the choice of the sample."""
    held_out: Annotated[float, Ge(0), Lt(1)] = 0.02
    """Share of the documents that it is not trained on, by the hash that splits off validation
    documents: PrepareConfig.validation_fraction, or more."""
    allow_loss: bool = False
    """Whether a file may lose text, such as double spaces: bits per byte of a domain then count
    what is encoded. Otherwise such a file is refused."""
    eos_token: str = ""
    """Token of a tokenizer.json that ends a document. Empty: what tokenizer_config.json beside the
    file says, or the only special token there is."""

    def __post_init__(self):
        if not self.name:
            raise UserError("VocabularyConfig.name is empty: give a name, or the path of a model.")
        if self.is_file:
            require_path("VocabularyConfig.name", self.name)
            return
        if "/" in self.name or self.name.startswith("."):
            raise UserError(
                f"VocabularyConfig.name = {self.name!r} is neither a plain name nor the path of a "
                "SentencePiece .model or a tokenizer.json."
            )
        require_name("VocabularyConfig.name", self.name)
        if self.size < 300:
            raise UserError(
                f"VocabularyConfig.size is {self.size}: 256 bytes, pad, eos and unk come first; "
                "make it 300 or more."
            )

    @property
    def is_file(self) -> bool:
        """Whether `name` is a file of the user's own."""
        return self.name.endswith((".model", ".json"))


@dataclass(frozen=True)
class Vocabulary:
    """A vocabulary: plain values and a file, which is loaded when it is first needed."""

    name: str
    """Name in the configuration."""
    path: str
    """Path or URL of the model file."""
    size: int
    """Number of ids, those of gaps among them: the largest one and 1."""
    digest: str
    """SHA-256 of the model file, in hexadecimal."""
    eos_id: int
    """Id of the token that ends a document."""
    lossless: bool = True
    """Whether text comes back as it was, as far as probes can tell."""

    def encode(self, texts: Sequence[str]) -> list[Int[np.ndarray, " T"]]:
        """The ids of each text as int32, without EOS."""
        if self.path.endswith(".json"):
            encodings = self._model.encode_batch(list(texts), add_special_tokens=False)
            return [np.array(encoding.ids, np.int32) for encoding in encodings]
        return [np.array(ids, np.int32) for ids in self._model.encode(list(texts))]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of `ids`; EOS and padding give nothing."""
        plain = np.asarray(ids, np.int64).tolist()
        if self.path.endswith(".json"):
            return self._model.decode(plain, skip_special_tokens=True)
        return self._model.decode(plain)

    def piece(self, token: int) -> str:
        """One id, readable."""
        if self.path.endswith(".json"):
            return self._model.id_to_token(int(token)) or f"<{token}>"
        return self._model.id_to_piece(int(token))

    def bytes_of(self, ids: Iterable[int]) -> int:
        """UTF-8 bytes of the text of `ids`. An unknown token, which may stand for any text, has
        none."""
        unknown = self._unknown_id
        return len(self.decode([i for i in ids if i != unknown]).encode())

    @property
    def info(self) -> dict[str, Any]:
        """name, size, digest and eos_id, as a manifest holds them."""
        return {"name": self.name, "size": self.size, "digest": self.digest, "eos_id": self.eos_id}

    @property
    def seqio(self) -> "seqio.Vocabulary":
        """The same vocabulary for SeqIO Tasks: `encode_tf` gives the ids that `encode` gives."""
        return _seqio_vocabulary(self)

    @property
    def _unknown_id(self) -> int | None:
        if not self.path.endswith(".json"):
            return self._model.unk_id()
        unknown = getattr(self._model.model, "unk_token", None)
        return None if unknown is None else self._model.token_to_id(unknown)

    @property
    def _model(self) -> Any:
        try:
            return load_encoder(self.path, self.digest, self.eos_id)
        except ImportError as error:
            raise library_missing(self.path, error) from error


def load_vocabulary(
    path: epath.PathLike,
    config: VocabularyConfig | None = None,
    *,
    recorded: Mapping[str, Any] | None = None,
) -> Vocabulary:
    """The vocabulary in the file `path`.

    `config` says which size it must have and which token ends a document; None: any size.
    `recorded`: `size` and `eos_id` of the same file, for use where its library is not installed; a
    record beside the file has them too. Raises UserError if there is no such file, if it cannot be
    read, or is not the one that `config` means.
    """
    path = epath.Path(path)
    config = config or VocabularyConfig(str(path), size=0)
    if not path.exists():
        raise UserError(
            f"no vocabulary file at {path} (VocabularyConfig.name): correct the path, or give a "
            "plain name to have a vocabulary trained."
        )
    digest, can_encode = file_digest(path), True
    try:
        size, eos_id = size_and_eos(path, digest, config.eos_token)
    except ImportError as error:
        can_encode = False
        if recorded is None:
            record = VocabularyRecord.read(path)
            if record is None:
                raise library_missing(path, error) from error
            recorded = dataclasses.asdict(record)
        size, eos_id = recorded["size"], recorded["eos_id"]
    if eos_id < 0:
        raise UserError(
            f"{path} defines no EOS: documents need one, which no text can spell; train it with an "
            "eos_id."
        )
    if config.size not in (0, size):
        raise UserError(
            f"{path} has ids up to {size - 1}; VocabularyConfig.size is {config.size}: make it "
            f"{size}."
        )
    vocabulary = Vocabulary(config.name, str(path), size, digest, eos_id)
    if not can_encode:  # nor is anything encoded here
        return vocabulary
    require_unspellable(str(path), vocabulary.piece(eos_id), eos_id, vocabulary.encode)
    lost = lost_text(vocabulary.encode, vocabulary.decode)
    if lost and not config.allow_loss:
        raise loss_refused(str(path), lost)
    return dataclasses.replace(vocabulary, lossless=not lost)


@functools.lru_cache(maxsize=8)
def _seqio_vocabulary(vocabulary: Vocabulary) -> "seqio.Vocabulary":
    if vocabulary.path.endswith(".json"):
        return _huggingface_class()(vocabulary)
    import seqio

    if not storage.is_remote(vocabulary.path):
        return seqio.SentencePieceVocabulary(vocabulary.path)
    # SeqIO would have TensorFlow read it, which has credentials of its own and knows no s3://.
    with tempfile.TemporaryDirectory() as scratch:
        copy = epath.Path(scratch) / "vocabulary.model"
        copy.write_bytes(epath.Path(vocabulary.path).read_bytes())
        loaded = seqio.SentencePieceVocabulary(str(copy))
        loaded.load_model()
    return loaded


@functools.cache
def _huggingface_class() -> "type[seqio.Vocabulary]":
    """The class is made when it is first needed: its base is SeqIO's."""
    import seqio
    import tensorflow as tf

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
            def encode(text: bytes | np.ndarray) -> np.ndarray:
                # Bytes in a graph, an array in eager mode.
                content = text if isinstance(text, bytes) else text.item()
                return self._vocabulary.encode([content.decode("utf-8", "replace")])[0]

            return tf.ensure_shape(tf.numpy_function(encode, [s], tf.int32), [None])

        def _decode_tf(self, ids: tf.Tensor) -> tf.Tensor:
            def decode(some: np.ndarray) -> bytes | np.ndarray:
                if some.ndim == 1:
                    return self._vocabulary.decode(some).encode()
                return np.array(
                    [self._vocabulary.decode(row).encode() for row in some], dtype=object
                )

            text = tf.numpy_function(decode, [ids], tf.string)
            return tf.ensure_shape(text, ids.shape[:-1])

        def __eq__(self, other: object) -> bool:
            return (
                isinstance(other, HuggingFaceVocabulary) and self._vocabulary == other._vocabulary
            )

        def __hash__(self) -> int:
            return hash(self._vocabulary)

        def __str__(self) -> str:
            return (
                f"HuggingFaceVocabulary({self._vocabulary.path}, sha256={self._vocabulary.digest})"
            )

    return HuggingFaceVocabulary
