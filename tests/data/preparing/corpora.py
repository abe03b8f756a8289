"""Corpora for tests of preparation: registered from texts, and read back from their stores."""

import dataclasses
import functools
import itertools

import seqio
import tensorflow as tf

from code_ablate.data.preparing.prepare import PrepareConfig, make_stores, store_settings
from code_ablate.data.preparing.task_run import task_fingerprint
from code_ablate.data.store import TokenStore
from code_ablate.data.vocabulary import Vocabulary
from code_ablate.identity import identity

FEATURES = {"targets": seqio.Feature(seqio.ByteVocabulary(), add_eos=True)}

TOKENIZE = (
    functools.partial(seqio.preprocessors.rekey, key_map={"targets": "text"}),
    seqio.preprocessors.tokenize,
    seqio.preprocessors.append_eos,
)

HERE = PrepareConfig(workers=1, validation_fraction=0.1)

_numbers = itertools.count()


def texts(count: int, first: int = 0) -> list[str]:
    """Different documents of different lengths, with what text files have in them."""
    words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"]
    return [
        f"document {i}\r\n\t" + f"  {words[i % 10]} line {i * i} é😀 " * (i % 13)
        for i in range(first, first + count)
    ]


@dataclasses.dataclass(frozen=True)
class Shorter:
    """A filter as users write them."""

    limit: int

    @property
    def name(self):
        return f"bytes_over_{self.limit}"

    def __call__(self, dataset):
        return dataset.filter(lambda d: tf.strings.length(d["text"]) <= self.limit)


def halves(dataset):
    """A preprocessor that no corpus may have: two examples of one text, with other tokens."""
    return dataset.flat_map(
        lambda d: tf.data.Dataset.from_tensor_slices([0, 1]).map(
            lambda i: {**d, "targets": d["targets"][i::2]}
        )
    )


def with_inputs(dataset):
    """A preprocessor that no corpus may have: inputs beside the targets."""
    return dataset.map(lambda d: {"inputs": [3, 4], **d})


def register(
    documents, preprocessors=TOKENIZE, *, splits=None, name=None, features=FEATURES
) -> str:
    """A corpus of these documents under a new name."""
    by_split = {"train": documents, **(splits or {})}

    def dataset(split, shuffle_files):
        return tf.data.Dataset.from_tensor_slices({"text": tf.constant(by_split[split], tf.string)})

    name = name or f"prepare.corpus_{next(_numbers)}"
    seqio.TaskRegistry.add(
        name,
        source=seqio.FunctionDataSource(dataset, splits=tuple(by_split)),
        preprocessors=list(preprocessors),
        output_features=features,
    )
    return name


def stored(store: TokenStore, vocabulary: Vocabulary, split: str = "train") -> list[str]:
    result = []
    for i in range(store.num_documents(split)):
        ids = store.read_document(i, split)
        assert ids[-1] == vocabulary.eos_id and vocabulary.eos_id not in ids[:-1]
        result.append(vocabulary.decode(ids))
    return result


def one(corpus, vocabulary, data_dir, config=HERE, **kwargs) -> TokenStore:
    return make_stores((corpus,), vocabulary, data_dir, config, progress=False, **kwargs)[corpus]


def store_key(task: seqio.Task, vocabulary: Vocabulary, config: PrepareConfig) -> str:
    return identity({**task_fingerprint(task), **store_settings(vocabulary, config)})
