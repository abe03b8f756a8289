"""Training and finding vocabularies."""

import dataclasses
from collections.abc import Sequence

import pytest
import seqio
import tensorflow as tf

from code_ablate.data.preparing.signatures import split_bound, split_word
from code_ablate.data.preparing.vocabulary_training import (
    find_vocabulary,
    make_vocabulary,
    require_held_out,
    sample_texts,
    train_model,
    vocabulary_path,
)
from code_ablate.data.vocabulary import VocabularyConfig
from code_ablate.errors import UserError

TEXTS = [
    "def add(first, second):\n        return first + second\n" * 20,
    "\tfor index in range(1234):\n\t\tprint(index)  # a comment\n" * 20,
    "The quick brown fox jumps over the lazy dog, and then it returns.\n" * 20,
    "x" * 50_000,
]


def test_training_is_deterministic_and_changes_with_the_text():
    first = train_model(TEXTS, 380)
    assert train_model(TEXTS, 380) == first
    assert train_model(TEXTS[:2], 380) != first
    assert b"/tmp" not in first


def test_a_sample_too_small_is_refused():
    with pytest.raises(UserError, match="sample_bytes"):
        train_model(["abc"], 5000)


def register(name: str, texts: list[str], validation: Sequence[str] = ()) -> str:
    def dataset(split, shuffle_files):
        chosen = texts if split == "train" else list(validation)
        return tf.data.Dataset.from_tensor_slices({"targets": chosen})

    splits = ("train", "validation") if validation else ("train",)
    seqio.TaskRegistry.add(
        name,
        source=seqio.FunctionDataSource(dataset, splits=splits),
        preprocessors=[seqio.preprocessors.tokenize, seqio.preprocessors.append_eos],
        output_features={"targets": seqio.Feature(seqio.ByteVocabulary())},
    )
    return name


def test_train_keeps_the_model_and_resolve_finds_it(tmp_path):
    corpora = (register("vocabulary.code", TEXTS[:2]), register("vocabulary.prose", TEXTS[2:]))
    config = VocabularyConfig("mine", size=360, corpora=corpora, sample_bytes=8000, seed=1)
    with pytest.raises(UserError, match="code-ablate prepare"):
        find_vocabulary(config, tmp_path)
    trained = make_vocabulary(config, tmp_path, progress=False)
    assert trained == find_vocabulary(config, tmp_path)
    assert trained.path == str(vocabulary_path(config, tmp_path))
    assert trained.decode(trained.encode(["a  b\n"])[0]) == "a  b\n"
    # Other settings, another key: nothing is found by mistake.
    for change in ({"seed": 2}, {"size": 370}, {"sample_bytes": 9000}, {"corpora": corpora[:1]}):
        other = VocabularyConfig(**{**vars(config), **change})
        assert vocabulary_path(other, tmp_path) != vocabulary_path(config, tmp_path)
    # A second training elsewhere gives the same bytes.
    assert make_vocabulary(config, tmp_path / "again", progress=False).digest == trained.digest


def test_documents_that_may_be_held_out_are_not_in_the_sample():
    corpus = register("vocabulary.split", [f"Document number {i}." for i in range(40)])
    config = VocabularyConfig("v", 300, (corpus,), held_out=0.5)
    sample = set(sample_texts(corpus, 10**9, config, progress=False))
    everything = set(
        sample_texts(corpus, 10**9, dataclasses.replace(config, held_out=0.0), progress=False)
    )
    out = {text for text in everything if split_word(text.encode()) < split_bound(0.5)}
    assert out and sample == everything - out


def test_documents_that_equal_one_of_the_sources_own_validation_split_are_not_in_the_sample():
    documents = [f"Document number {i}." for i in range(40)]
    corpus = register("vocabulary.own_split", documents, [*documents[5:15], "Another document."])
    config = VocabularyConfig("v", 300, (corpus,), held_out=0.0)
    sample = sample_texts(corpus, 10**9, config, progress=False)
    assert sorted(sample) == sorted(documents[:5] + documents[15:])
    whole = register("vocabulary.all_in_validation", documents[:3], documents)
    with pytest.raises(UserError, match="nothing to train on"):
        sample_texts(whole, 10**9, config, progress=False)


def test_validation_documents_that_the_vocabulary_would_see_are_refused():
    config = VocabularyConfig("v", 300)
    require_held_out(config, 0.02)
    require_held_out(VocabularyConfig("own.model", 0), 0.5)
    with pytest.raises(UserError, match=r"set VocabularyConfig.held_out to 0\.1 or more"):
        require_held_out(config, 0.1)
