"""A prepared corpus as tables: they hold what was written into the store."""

import shutil

import pytest

import code_ablate
from code_ablate.errors import UserError
from tests.small_laboratory import SEQ_LEN, documents

NAME = "small.code"


@pytest.fixture
def corpus(laboratory):
    return code_ablate.open_corpus(NAME, data=laboratory.data)


def written(split):
    texts = documents()[NAME]
    held_out = len(texts) // 10
    return texts[held_out:] if split == "train" else texts[:held_out]


@pytest.mark.parametrize("split", ["train", "validation"])
def test_every_document_is_a_row_and_its_text_comes_back(corpus, split):
    frame, texts = corpus.documents, written(split)
    rows = frame[frame["split"] == split]
    assert rows["document"].tolist() == list(range(len(texts)))
    assert rows["bytes"].tolist() == [len(text.encode()) for text in texts]
    assert rows["tokens"].sum() == corpus.store.num_tokens(split)
    assert (rows["bytes_per_token"] * rows["tokens"]).round(6).tolist() == rows["bytes"].tolist()
    found = corpus.texts(100, split=split)
    assert found["text"].tolist() == texts
    assert found["tokens"].tolist() == rows["tokens"].tolist()
    assert corpus.texts(2, first=1, split=split)["text"].tolist() == texts[1:3]
    assert not len(corpus.texts(5, first=1000, split=split))


def test_windows_are_those_that_training_reads(corpus):
    frame = corpus.windows(1000, seq_len=SEQ_LEN)
    assert len(frame) == corpus.store.num_windows(SEQ_LEN)
    read = corpus.store.read_windows([3], SEQ_LEN)[0]
    ends = int((read == corpus.vocabulary.eos_id).sum())
    assert frame["document_ends"][3] == ends == frame["text"][3].count("<EOS>")
    assert corpus.vocabulary.decode(read[:20]) in frame["text"][3].replace("<EOS>\n", "")
    assert frame["document_ends"].sum() > 0


def test_the_funnel_ends_with_what_the_store_holds(corpus):
    funnel = corpus.funnel
    assert funnel["step"].tolist() == ["read", "longest_line_over_100", "exact_duplicate"]
    assert funnel["documents"].iloc[-1] == len(corpus.documents)
    assert funnel["bytes"].iloc[-1] == corpus.documents["bytes"].sum()
    (row,) = corpus.filters.to_dict("records")
    assert (row["filter"], row["seen"], row["dropped"]) == ("longest_line_over_100", 50, 1)


def test_a_store_is_opened_by_its_folder_and_finds_its_vocabulary(laboratory, corpus):
    same = code_ablate.open_corpus(corpus.store.path)
    assert same.texts(1)["text"].tolist() == corpus.texts(1)["text"].tolist()
    own = code_ablate.open_corpus(NAME, data=laboratory.data, vocabulary=laboratory.vocabulary.path)
    assert own.vocabulary == laboratory.vocabulary
    assert "longest_line_over_100" in str(corpus)


def test_what_cannot_be_opened_is_said_in_one_message(laboratory, corpus, tmp_path):
    with pytest.raises(UserError, match=r"no prepared corpus .*'small.cod'.*'small.code'"):
        code_ablate.open_corpus("small.cod", data=laboratory.data)
    with pytest.raises(UserError, match="holds none that this version reads"):
        code_ablate.open_corpus(NAME, data=tmp_path)
    with pytest.raises(UserError, match="no token store at"):
        code_ablate.open_corpus(tmp_path / "none")
    with pytest.raises(UserError, match="no split named 'test'"):
        corpus.texts(1, split="test")
    with pytest.raises(UserError, match="n is -1"):
        corpus.texts(-1)
    for length in (0, 1.5, True):
        with pytest.raises(UserError, match="seq_len is"):
            corpus.windows(1, seq_len=length)


def test_two_stores_of_a_corpus_are_told_apart_by_their_folders(laboratory, tmp_path):
    stores = tmp_path / "stores"
    for name in ("one", "two"):
        shutil.copytree(laboratory.stores[NAME].path, stores / f"{NAME}-{name}")
    with pytest.raises(UserError, match=rf"2 stores of '{NAME}'.*{NAME}-one, .*{NAME}-two"):
        code_ablate.open_corpus(NAME, data=tmp_path)
    alone = code_ablate.open_corpus(stores / f"{NAME}-two")
    assert len(alone.documents) == len(documents()[NAME])  # they need no vocabulary
    with pytest.raises(UserError, match=r"the vocabulary of the store of .* is not in"):
        alone.texts(1)
