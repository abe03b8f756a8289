"""What comes back of a corpus' text is measured, shown and bounded; EOS ends documents alone."""

import dataclasses
import json
from pathlib import Path

import pytest
import sentencepiece

from code_ablate.data.preparing import extract
from code_ablate.data.preparing.store_text import describe_store
from code_ablate.data.vocabulary import VocabularyConfig, load_vocabulary
from code_ablate.errors import UserError
from code_ablate.evaluation.domains import domain_items
from tests.data.preparing.corpora import HERE, one, register, texts


@pytest.fixture(scope="module")
def without_tabs(tmp_path_factory):
    """A vocabulary that knows letters and single spaces."""
    path = tmp_path_factory.mktemp("lossy") / "lossy.model"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["plain words of a text about tabs and lines"] * 50),
        model_prefix=str(path.with_suffix("")), vocab_size=60, hard_vocab_limit=False,
        minloglevel=2, eos_id=1, unk_id=2, pad_id=0, bos_id=-1, add_dummy_prefix=False,
    )  # fmt: skip
    return load_vocabulary(path, VocabularyConfig(str(path), size=0, allow_loss=True))


def test_a_trained_vocabulary_gives_everything_back(tmp_path, vocabulary):
    store = one(register(texts(200)), vocabulary, tmp_path)
    assert store.manifest.returned_share == 1
    assert 10 < store.manifest.returned["documents"] < 60  # one in eight is tried
    assert "100.0000% of the text comes back" in describe_store(store)


def test_a_corpus_that_loses_its_text_is_refused_until_the_bound_is_lowered(
    tmp_path, without_tabs, monkeypatch
):
    documents = [f"words {'ab' * i}\tof a text 漢" for i in range(40)]
    corpus = register(documents)
    with pytest.raises(UserError, match=r"min_returned is 0\.99\. Lost above all: '漢' 40 times"):
        one(corpus, without_tabs, tmp_path)

    def again(*args, **kwargs):
        raise AssertionError("what was extracted is not kept")

    monkeypatch.setattr(extract, "extract", again)
    lower = dataclasses.replace(HERE, min_returned=0.8, validation_fraction=0.5)
    store = one(corpus, without_tabs, tmp_path, dataclasses.replace(HERE, min_returned=0.8))
    total = sum(len(text.encode()) for text in documents)
    # The tab comes back as a space.
    assert store.manifest.returned == {
        "documents": 40, "tried_bytes": total, "returned_bytes": total - 40 * 4,
        "lost": {"漢": 40, "\t": 40},
    }  # fmt: skip
    assert "lost above all: '漢' 40 times, '\\t' 40 times" in describe_store(store)
    written = json.loads((Path(store.path) / "manifest.json").read_text())
    assert written["returned"]["lost"] == {"漢": 40, "\t": 40}

    monkeypatch.undo()
    # Bits per byte: over the bytes that the tokens stand for, whatever the probes said.
    for lossless in (False, True):
        claimed = dataclasses.replace(without_tabs, lossless=lossless)
        store = one(corpus, claimed, tmp_path / str(lossless), lower)
        found = domain_items(store, claimed, max_items=9, max_tokens=99, seq_len=16, seed=0)
        sizes = store.document_bytes("validation")
        assert [item.bytes for item in found.items] == [sizes[int(i.item)] - 3 for i in found.items]


def test_a_document_that_spells_eos_is_one_document(tmp_path, vocabulary):
    spelled = ["before</s>after", "</s>", "<s> </s> <pad>"]
    config = dataclasses.replace(HERE, validation_fraction=0)
    store = one(register(spelled), vocabulary, tmp_path, config)
    assert store.num_documents() == 3
    every = [store.read_document(i) for i in range(3)]
    assert sum(int((ids == vocabulary.eos_id).sum()) for ids in every) == 3
    assert sorted(vocabulary.decode(ids) for ids in every) == sorted(spelled)
