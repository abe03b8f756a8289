"""Where every document went."""

import dataclasses

import tensorflow as tf

from tests.data.preparing.corpora import (
    HERE,
    TOKENIZE,
    Shorter,
    one,
    register,
    stored,
    texts,
)


def test_dropped_documents_are_accounted_for_by_name(tmp_path, vocabulary):
    def no_seven(dataset):
        return dataset.filter(
            lambda d: tf.logical_not(tf.strings.regex_full_match(d["text"], "(?s).*7.*"))
        )

    def after_tokenizing(dataset):
        return dataset.filter(lambda d: tf.shape(d["targets"])[0] > 20)

    documents = [*texts(200), "", "same text 😀", "same text 😀", "same text 😀"]
    chain = [Shorter(200), no_seven, *TOKENIZE, after_tokenizing]
    manifest = one(register(documents, chain), vocabulary, tmp_path).manifest
    long = [d for d in documents if len(d.encode()) > 200]
    seven = [d for d in documents if d not in long and "7" in d]
    assert manifest.read == {"documents": 204, "bytes": sum(len(d.encode()) for d in documents)}
    assert manifest.dropped["bytes_over_200"] == {
        "documents": len(long),
        "bytes": sum(len(d.encode()) for d in long),
    }
    assert manifest.dropped["no_seven"]["documents"] == len(seven)
    assert (
        manifest.dropped["after_tokenizing"]["documents"] >= 4
    )  # the empty one and three small ones
    for unit in ("documents", "bytes"):
        dropped = sum(entry[unit] for entry in manifest.dropped.values())
        kept = sum(split[unit] for split in manifest.splits.values())
        assert manifest.read[unit] == kept + dropped
    assert not manifest.added


def test_empty_and_equal_documents_are_dropped_and_counted(tmp_path, vocabulary):
    documents = [*texts(20), "", "", *texts(5)]
    corpus = register(documents)
    store = one(corpus, vocabulary, tmp_path)
    everything = stored(store, vocabulary) + stored(store, vocabulary, "validation")
    assert sorted(everything) == sorted(texts(20))
    assert store.manifest.dropped["empty_document"] == {"documents": 2, "bytes": 0}
    assert store.manifest.dropped["exact_duplicate"] == {
        "documents": 5,
        "bytes": sum(len(t.encode()) for t in texts(5)),
    }
    config = dataclasses.replace(HERE, deduplicate=False)
    kept = one(corpus, vocabulary, tmp_path, config)
    everything = stored(kept, vocabulary) + stored(kept, vocabulary, "validation")
    assert sorted(everything) == sorted(texts(20) + texts(5))
    assert not set(stored(kept, vocabulary)) & set(stored(kept, vocabulary, "validation"))


def test_documents_that_a_preprocessor_adds_are_counted(tmp_path, vocabulary):
    def lines(dataset):
        return dataset.flat_map(
            lambda d: tf.data.Dataset.from_tensor_slices(
                {"text": tf.strings.split(d["text"], "\n")}
            )
        )

    store = one(register(["one\ntwo\nthree", "four"], [lines, *TOKENIZE]), vocabulary, tmp_path)
    both = stored(store, vocabulary) + stored(store, vocabulary, "validation")
    assert sorted(both) == ["four", "one", "three", "two"]
    assert store.manifest.added == {"lines": {"documents": 2, "bytes": 0}}
    assert store.manifest.dropped["lines"] == {"documents": 0, "bytes": 2}  # the line ends
