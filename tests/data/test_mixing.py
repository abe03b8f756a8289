import dataclasses
import hashlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from code_ablate.data.mixing import (
    DRAWN_WHOLE,
    Mixture,
    Stream,
    blend,
    counts_at,
    permute,
    shuffle_keys,
)
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
        **{"keys": {c: f"key of {c}" for c in mixture.active}, "seed": 0, **kwargs},
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
        dataclasses.replace(base, keys={"a": "another store"}),
        dataclasses.replace(base, already_read={"a": 500}),
    ):
        assert (order_of(changed, "a", 500) != order).mean() > 0.9


def test_corpora_of_equal_content_are_read_in_different_orders():
    keys = shuffle_keys(("c", "b", "a"), {"a": "same", "b": "same", "c": "other"})
    assert keys == {"c": "other", "b": "same", "a": "same/a"}  # the first one keeps its order
    stream = stream_of(Mixture.of({"a": 1, "b": 1}), windows=500, keys=keys)
    order = order_of(stream, "a", 1000)
    assert (order != order_of(stream, "b", 1000)).mean() > 0.9
    assert sorted(order) == list(range(500))


@given(st.integers(1, 5000), st.integers(0, 2**64 - 1))
@settings(max_examples=50, deadline=None)
def test_permute_is_a_permutation(size, key):
    assert sorted(permute(np.arange(size), size, key)) == list(range(size))


def many_keys(count):
    """64-bit keys as streams make them."""
    digests = (hashlib.sha256(f"0/store/{epoch}".encode()).digest() for epoch in range(count))
    return [int.from_bytes(digest[:8], "little") for digest in digests]


def orders_of(size, count):
    return np.stack([permute(np.arange(size), size, key) for key in many_keys(count)])


@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_every_order_of_a_few_windows_is_equally_likely(size):
    cells = math.factorial(size)
    _, counts = np.unique(orders_of(size, 100 * cells), axis=0, return_counts=True)
    assert len(counts) == cells
    assert stats.chisquare(counts).pvalue > 1e-3  # of the Feistel network below 1e-100


@pytest.mark.parametrize("size", [6, 8, 9, DRAWN_WHOLE, DRAWN_WHOLE + 1])
def test_windows_are_neighbours_as_often_as_chance_has_it(size):
    orders = orders_of(size, 10 * size * (size - 1))
    counts = np.zeros((size, size))
    np.add.at(counts, (orders[:, 0], orders[:, 1]), 1)
    pairs = counts[~np.eye(size, dtype=bool)]
    assert stats.chisquare(pairs).pvalue > 1e-3


@pytest.mark.parametrize("size", [5, 8, 12, DRAWN_WHOLE])
def test_half_of_the_orders_are_even(size):
    orders = orders_of(size, 1000)
    inversions = (np.triu(orders[:, :, None] > orders[:, None, :], k=1)).sum((1, 2))
    assert stats.binomtest(int((inversions % 2).sum()), len(orders)).pvalue > 1e-3


def test_permute_is_golden():
    # If you meant to change the shuffle: every stream changes, so raise FORMAT in
    # training/phase.py.
    np.testing.assert_array_equal(permute(np.arange(8), 1000, 42), GOLDEN)
    np.testing.assert_array_equal(permute(np.arange(8), 8, 2**63 + 42), GOLDEN_OF_FEW)


GOLDEN = [177, 117, 571, 133, 742, 990, 327, 996]
GOLDEN_OF_FEW = [6, 3, 4, 2, 0, 5, 1, 7]


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
        ({"a": 1e308, "b": 1e308}, "too large"),  # or both shares would be 0
        ({"a": float("nan")}, "'a' is nan"),
    ],
)
def test_bad_rates_are_refused(rates, message):
    with pytest.raises(UserError, match=message):
        Mixture.of(rates)


@pytest.mark.parametrize("share", [1e-13, 6e-13, 5e-12])
def test_a_share_that_would_be_rounded_away_is_refused(share):
    with pytest.raises(UserError, match=r"share of 'b' is \S+ of the tokens: .* at least 1e-11"):
        Mixture.of({"a": 1.0, "b": share})
    with pytest.raises(UserError, match="share of 'b'"):
        blend(Mixture.of({"a": 1.0}), Mixture.of({"b": 1.0}), share)
    with pytest.raises(UserError, match="share of 'a'"):
        blend(Mixture.of({"a": 1.0}), Mixture.of({"b": 1.0}), 1 - share)


def test_the_smallest_share_is_kept_and_zero_is_legal():
    assert Mixture.of({"a": 1.0, "b": 1e-11}).active["b"] == pytest.approx(1e-11, rel=0.05)
    assert Mixture.of({"a": 1.0, "b": 0.0}).active == {"a": 1.0}
    assert blend(Mixture.of({"a": 1.0}), Mixture.of({"b": 1.0}), 1.0).active == {"b": 1.0}
    assert Mixture.of({"a": 1e-13}).active == {"a": 1.0}
