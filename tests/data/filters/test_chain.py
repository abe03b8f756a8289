"""Filters that run together do what they do one after the other."""

import dataclasses

import pytest
import tensorflow as tf

from code_ablate.data import filters
from code_ablate.data.filters import Document, Without
from code_ablate.data.filters.chain import Chain, byte_length
from code_ablate.errors import UserError
from tests.data.filters.made_documents import documents

STEPS = (
    filters.RedactSecrets(),
    filters.NameLanguage(),
    *filters.MARKUP,
    filters.Length(3, but_not=("python",)),
)


def made(count=200):
    texts = [
        (f"mail a{i}@hive.io\n" if i % 5 == 0 else "") + text
        for i, (text, _) in enumerate(documents(count, seed=3))
    ]
    languages = [language for _, language in documents(count, seed=3)]
    paths = [("a.html", "a.py", "a", "a.json")[i % 4] for i in range(count)]
    return texts, languages, paths


def dataset(texts, languages, paths):
    features = {"text": texts, "language": languages, "path": paths, "number": range(len(texts))}
    return tf.data.Dataset.from_tensor_slices(features)


def test_in_tensorflow_together_and_one_by_one_and_without_it():
    texts, languages, paths = made()
    chain, outside = Chain(STEPS), Chain(STEPS)
    together = list(chain(dataset(texts, languages, paths)).as_numpy_iterator())
    single = dataset(texts, languages, paths)
    for step in STEPS:
        single = step(single)
    assert together == list(single.as_numpy_iterator())
    kept = []
    for number, values in enumerate(zip(texts, languages, paths, strict=True)):
        document = Document(*values, more={"number": number})
        after = outside.apply(document, byte_length(document.text))
        if after is not None:
            kept.append((number, after.text, after.language))
    assert kept == [(d["number"], d["text"].decode(), d["language"].decode()) for d in together]
    assert 20 < len(kept) < 180
    assert outside.counts == chain.counts
    assert [t.plain for t in outside.tallies] == [t.plain for t in chain.tallies]
    assert sum(tally.plain["dropped"] > 0 for tally in chain.tallies) > 5


def test_counts_are_what_is_left_after_each_step():
    chain = Chain((filters.RedactSecrets(), filters.Length(10)))
    for text in ("ann@hive.io", "a text of words", "é" * 10, "tiny"):
        chain.apply(Document(text), byte_length(text))
    assert chain.counts == [[4, 7 + 15 + 20 + 4], [2, 15 + 20]]
    redaction, length = (tally.plain for tally in chain.tallies)
    assert (redaction["seen"], redaction["seen_bytes"], redaction["dropped"]) == (4, 50, 1)
    assert (length["seen"], length["dropped"], length["dropped_bytes"]) == (4, 2, 7 + 4)


def test_a_document_in_another_language_passes_by():
    chain = Chain((filters.Length(10, only=("html",)),))
    document = Document("tiny", language="python")
    assert chain.apply(document, 4) is document
    assert chain.tallies[0].plain["passed_by"] == 1 and chain.counts == [[1, 4]]


def test_what_no_step_changes_keeps_its_bytes():
    wrong = b"not UTF-8: \xff\xfe"
    data = tf.data.Dataset.from_tensor_slices({"text": [wrong], "language": [b"\xff"]})
    for step in (Chain((filters.Length(3), filters.RedactSecrets())), filters.RedactSecrets()):
        (document,) = step(data).as_numpy_iterator()
        assert document == {"text": wrong, "language": b"\xff"}


@dataclasses.dataclass(frozen=True)
class ManyUsers(Without):
    needs = ("users",)

    def measure(self, document):
        return int(document.number("users") > 2)


def test_numbers_and_texts_beside_the_text_are_metadata():
    features = {"text": ["a", "b", "c"], "users": [1, 3, 2], "ids": [[1], [2], [3]]}
    left = Chain((ManyUsers(),))(tf.data.Dataset.from_tensor_slices(features))
    assert [d["text"] for d in left.as_numpy_iterator()] == [b"a", b"c"]
    assert left.element_spec["ids"].shape == (1,)
    texts = {"text": ["a", "b"], "users": ["3", "x"]}
    with pytest.raises(UserError, match="no feature 'users': add one in the source"):
        Chain((ManyUsers(),))(tf.data.Dataset.from_tensor_slices({"text": ["a"]}))
    with pytest.raises(tf.errors.OpError, match="it must be a number"):
        list(Chain((ManyUsers(),))(tf.data.Dataset.from_tensor_slices(texts)))


def test_filters_need_a_text():
    data = tf.data.Dataset.from_tensor_slices({"targets": ["a"]})
    with pytest.raises(UserError, match="put the filters before the steps that rename"):
        Chain((filters.Length(3),))(data)
