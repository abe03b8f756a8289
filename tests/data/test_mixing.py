import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from code_ablate.data.mixing import Mixture, Stream, blend, counts_at, permute
from code_ablate.errors import UserError

# Weights over nine orders of magnitude, zeros and lone corpora among them.
weights = st.lists(
    st.one_of(st.just(0.0), st.just(1.0), st.floats(1e-6, 1.0), st.floats(1.0, 1e3)),
    min_size=1,
    max_size=12,
).filter(lambda w: sum(w) > 0)


def mixture_of(w):
    return Mixture.of({f"corpus{i:02d}": x for i, x in enumerate(w)})


def stream_of(mixture, windows=97, **kwargs):
    return Stream(
        mixture,
        dict.fromkeys(mixture.active, windows),
        {c: f"identity of {c}" for c in mixture.active},
        **{"seed": 0, **kwargs},
    )


@given(weights, st.integers(0, 10**9))
@settings(max_examples=200, deadline=None)
def test_every_prefix_is_within_two_windows_of_the_request(w, start):
    rates = list(mixture_of(w).active.values())
    for begin in (0, start):
        positions = np.arange(begin, begin + 500)
        counts = counts_at(rates, positions)
        assert (counts.sum(axis=1) == positions).all()
        assert np.abs(counts - positions[:, None] * np.array(rates)).max() < 2
        assert set(np.unique(np.diff(counts, axis=0))) <= {0, 1}


@given(weights)
@settings(max_examples=50, deadline=None)
def test_positions_and_counts_tell_the_same_story(w):
    stream = stream_of(mixture_of(w))
    corpus, _ = stream.at(np.arange(300))
    for n in (0, 1, 150, 300):
        expected = {c: int((corpus[:n] == m).sum()) for m, c in enumerate(stream.corpora)}
        assert stream.counts(n) == expected


def test_zero_and_one_are_legal_rates():
    mixture = Mixture.of({"text": 1, "code": 0})
    assert mixture.active == {"text": 1.0}
    assert mixture.corpora == ("code", "text")
    assert stream_of(mixture).counts(1000) == {"text": 1000}


@given(weights, st.integers(0, 1000), st.integers(1, 400))
@settings(max_examples=50, deadline=None)
def test_a_piece_of_the_stream_is_the_same_wherever_it_is_cut(w, start, length):
    stream = stream_of(mixture_of(w), already_read={"corpus00": 31})
    whole = np.stack(stream.at(np.arange(start, start + length)))
    one_by_one = np.stack(
        [np.stack(stream.at(np.array([n])))[:, 0] for n in range(start, start + length)], 1
    )
    np.testing.assert_array_equal(whole, one_by_one)


def order_of(stream, corpus, positions=2000):
    corpora, windows = stream.at(np.arange(positions))
    return windows[corpora == stream.corpora.index(corpus)]


def test_changing_a_rate_leaves_the_order_within_the_others():
    first = stream_of(Mixture.of({"a": 0.6, "b": 0.3, "c": 0.1}))
    second = stream_of(Mixture.of({"a": 0.2, "b": 0.3, "c": 0.5}))
    for corpus in "abc":
        one, other = order_of(first, corpus), order_of(second, corpus)
        n = min(len(one), len(other))
        assert n > 100
        np.testing.assert_array_equal(one[:n], other[:n])


def test_an_epoch_reads_every_window_once_and_the_next_in_another_order():
    windows = order_of(stream_of(Mixture.of({"a": 1}), windows=50), "a", 100)
    assert sorted(windows[:50]) == sorted(windows[50:]) == list(range(50))
    assert (windows[:50] != windows[50:]).any()


def test_a_child_goes_on_where_its_parent_stopped():
    mixture = Mixture.of({"a": 0.7, "b": 0.3})
    parent = stream_of(mixture, windows=1000)
    child = stream_of(
        Mixture.of({"a": 0.1, "b": 0.9}), windows=1000, already_read=parent.counts(400)
    )
    for corpus in "ab":
        read = set(order_of(parent, corpus, 400))
        assert not read & set(order_of(child, corpus, 400))


def test_seed_store_and_epoch_each_change_the_order():
    base = stream_of(Mixture.of({"a": 1}), windows=500)
    order = order_of(base, "a", 500)
    for changed in (
        dataclasses.replace(base, seed=1),
        dataclasses.replace(base, identities={"a": "another store"}),
        dataclasses.replace(base, already_read={"a": 500}),
    ):
        assert (order_of(changed, "a", 500) != order).mean() > 0.9


@given(st.integers(1, 5000), st.integers(0, 2**64 - 1))
@settings(max_examples=50, deadline=None)
def test_permute_is_a_permutation(size, key):
    assert sorted(permute(np.arange(size), size, key)) == list(range(size))


def test_permute_is_golden():
    # If you meant to change the shuffle: every stream changes, so raise FORMAT in
    # training/phase.py.
    np.testing.assert_array_equal(permute(np.arange(8), 1000, 42), GOLDEN)


GOLDEN = [177, 117, 571, 133, 742, 990, 327, 996]


def test_permute_refuses_what_is_outside():
    with pytest.raises(ValueError, match="outside"):
        permute(np.array([10]), 10, 0)


def test_blend_of_shares():
    text, code = Mixture.of({"text": 1}), Mixture.of({"web": 0.8, "markup": 0.2})
    assert blend(text, code, 0.25).active == {"text": 0.75, "web": 0.2, "markup": 0.05}
    assert blend(text, code, 0.2) == Mixture.of({"text": 0.8, "web": 0.16, "markup": 0.04})
    assert blend(text, code, 0).share_of(("web", "markup")) == 0


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        ({}, "at least one corpus"),
        ({"a": -0.5, "b": 1}, "'a' is -0.5"),
        ({"a": 0, "b": 0}, "all rates are 0"),
        ({"a": float("nan")}, "'a' is nan"),
    ],
)
def test_bad_rates_are_refused(rates, message):
    with pytest.raises(UserError, match=message):
        Mixture.of(rates)
