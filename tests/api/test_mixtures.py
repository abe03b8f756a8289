"""A mixture as tables: window by window what training reads."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

import code_ablate
from code_ablate.api import mixtures
from code_ablate.data.loader import Batches
from code_ablate.data.mixing import Mixture
from code_ablate.errors import UserError
from tests.small_laboratory import SEQ_LEN

RATES = {"small.text": 0.75, "small.code": 0.25}


@pytest.fixture
def mixture(laboratory):
    return code_ablate.open_mixture(RATES, data=laboratory.data, seq_len=SEQ_LEN, seed=3)


def test_windows_stand_in_the_order_of_training(laboratory, mixture):
    batches = Batches(mixture.stream, laboratory.stores, 8, SEQ_LEN)
    batch = batches.read(2)
    frame = mixture.windows(8, first=16)
    assert frame["position"].tolist() == list(range(16, 24))
    names = [mixture.stream.corpora[i] for i in batch.corpus_B]
    assert frame["corpus"].tolist() == names and set(names) == set(RATES)
    for row, tokens in zip(frame.itertuples(), batch.tokens_RT, strict=True):
        store = laboratory.stores[row.corpus]
        assert np.array_equal(store.read_windows([row.window], SEQ_LEN)[0], tokens)
        assert laboratory.vocabulary.decode(tokens[:16]) in row.text.replace("<EOS>\n", "")
    assert not len(mixture.windows(0))
    with pytest.raises(UserError, match="first -1"):
        mixture.windows(1, first=-1)


def test_another_seed_gives_another_order(laboratory, mixture):
    other = code_ablate.open_mixture(
        Mixture.of(RATES), data=laboratory.data, seq_len=SEQ_LEN, seed=4
    )
    assert other.windows(8)["corpus"].tolist() == mixture.windows(8)["corpus"].tolist()
    assert other.windows(8)["window"].tolist() != mixture.windows(8)["window"].tolist()


def test_realised_tokens_keep_the_request_within_two_windows(mixture):
    for tokens in (SEQ_LEN, 37 * SEQ_LEN, 4000 * SEQ_LEN + 5):
        frame = mixture.realised_tokens(tokens).set_index("corpus")
        windows = tokens // SEQ_LEN
        assert frame["tokens"].sum() == windows * SEQ_LEN
        assert frame["share"].sum() == pytest.approx(1, rel=1e-12)
        for name, rate in RATES.items():
            assert abs(frame["tokens"][name] / SEQ_LEN - rate * windows) < 2
            assert frame["requested_share"][name] == rate
    assert mixture.realised_tokens(0)["tokens"].tolist() == [0, 0]
    repeated = frame[frame["epochs"] > 1]
    assert len(repeated) and (repeated["unique_tokens"] < repeated["tokens"]).all()
    with pytest.raises(UserError, match="say how many tokens"):
        mixture.realised_tokens()


def test_shares_and_documents_are_those_of_the_stores(laboratory, mixture):
    shares = mixture.shares.set_index("corpus")
    assert shares["share"].to_dict() == RATES
    assert shares["tokens"].to_dict() == laboratory.stores.tokens
    assert shares["windows"].to_dict() == laboratory.stores.windows(SEQ_LEN)
    counts = mixture.documents.groupby(["corpus", "split"]).size()
    for name, store in laboratory.stores.items():
        assert counts[name, "train"] == store.num_documents()


@pytest.mark.parametrize("which", ["first", "then"])
def test_what_a_run_reads_is_what_it_has_logged(laboratory, which):
    run = code_ablate.open_run(getattr(laboratory, which).path)
    mixture = code_ablate.open_mixture(run.directory.path, data=laboratory.data)
    assert mixture.tokens == run.phase.realised_tokens and mixture.seq_len == SEQ_LEN
    logged = run.realised_tokens
    pd.testing.assert_frame_equal(mixture.realised_tokens(), logged, check_exact=True)
    assert dataclasses.astuple(run.mixture(laboratory.data).stream) == dataclasses.astuple(
        mixture.stream
    )
    if which == "then":  # it goes on where its parent stopped
        assert logged["epochs"][0] * mixture.shares["windows"][0] * SEQ_LEN > logged["tokens"][0]


def test_a_name_is_that_of_a_prepared_corpus_or_of_a_registered_mixture(laboratory, monkeypatch):
    where = {"data": laboratory.data, "seq_len": SEQ_LEN}
    alone = code_ablate.open_mixture("small.text", **where)
    assert alone.stream.mixture == Mixture.of({"small.text": 1.0})
    asked = []

    def register(modules):
        asked.append(modules)

    monkeypatch.setattr(mixtures, "import_modules", register)
    monkeypatch.setattr(mixtures, "resolve_mixture", lambda name: Mixture.of(RATES))
    named = code_ablate.open_mixture("half.and.half", modules=("mine",), **where)
    assert named.stream.mixture == Mixture.of(RATES) and asked == [("mine",)]


def test_what_cannot_be_mixed_is_said_in_one_message(laboratory, tmp_path):
    where = {"data": laboratory.data}
    with pytest.raises(UserError, match="give seq_len"):
        code_ablate.open_mixture(RATES, **where)
    with pytest.raises(UserError, match="leave these arguments out"):
        code_ablate.open_mixture(laboratory.first.path, seq_len=8, **where)
    with pytest.raises(UserError, match="is not a run directory"):
        code_ablate.open_mixture(f"{tmp_path}/none", **where)
    with pytest.raises(UserError, match="no prepared corpus"):
        code_ablate.open_mixture({"small.tex": 1}, seq_len=8, **where)
    with pytest.raises(UserError, match="less than one window"):
        code_ablate.open_mixture(RATES, seq_len=10**6, **where)
    with pytest.raises(UserError, match="rates must be 0 or more"):
        code_ablate.open_mixture({"small.text": -1}, seq_len=8, **where)
    with pytest.raises(UserError, match=r"are not in .*: small.text, small.code|small.code, small"):
        code_ablate.open_mixture(laboratory.first.path, data=tmp_path)
