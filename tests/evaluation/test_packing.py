import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from code_ablate.evaluation.packing import Request, pack, padded_length


def requests_that_share(data):
    """Requests over three tokens, many of which begin alike, are equal, or prefixes of others."""
    tokens = st.lists(st.integers(0, 2), min_size=2, max_size=70)
    roots = data.draw(st.lists(tokens, min_size=1, max_size=3))
    texts = data.draw(st.lists(st.tuples(st.sampled_from(roots), tokens), min_size=1, max_size=12))
    requests = []
    for root, more in texts:
        whole = np.array((root + more)[: data.draw(st.integers(2, 140))], np.int32)
        requests.append(Request(whole, data.draw(st.integers(1, len(whole) - 1))))
    return requests


def tokens_and_price(length, rows):
    """Longer rows cost more a token, a row costs something by itself."""
    return rows * (length * (1 + length / 256) + 10)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_every_scored_token_sees_what_comes_before_it_in_its_request(data):
    requests = requests_that_share(data)
    longest = data.draw(st.sampled_from([1, 32, 64, 256]))
    rows = pack(enumerate(requests), longest, tokens_and_price)
    assert sum(row.requests for row in rows) == len(requests)
    scored = {owner: [] for owner in range(len(requests))}
    for row in rows:
        assert len(row.tokens) == len(row.positions) == len(row.ends)
        for source, target, owner in zip(row.sources, row.targets, row.owners, strict=True):
            (seen,) = np.nonzero(source < row.ends[: source + 1])
            position = len(seen)
            assert row.positions[seen].tolist() == list(range(position))
            assert row.tokens[seen].tolist() == requests[owner].tokens[:position].tolist()
            assert target == requests[owner].tokens[position]
            scored[owner].append(position)
    for owner, request in enumerate(requests):
        assert scored[owner] == list(range(request.first, len(request.tokens)))


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_no_row_holds_a_beginning_twice_or_more_than_its_length(data):
    for row in pack(enumerate(requests_that_share(data)), 256, tokens_and_price):
        assert row.used <= len(row.tokens) and len(row.targets) <= len(row.tokens)
        paths = set()
        for t in range(row.used):
            (seen,) = np.nonzero(t < row.ends[: t + 1])
            paths.add(tuple(row.tokens[seen]))
        assert len(paths) == row.used


def test_the_length_of_the_rows_is_the_one_that_costs_least():
    requests = [Request(np.array([1, *[i] * 40], np.int32), 30) for i in range(2, 20)]
    for best in (64, 128, 256):
        rows = pack(enumerate(requests), 256, lambda length, rows, best=best: length != best)
        assert {len(row.tokens) for row in rows} == {best}
        assert len(rows) == -(-len(requests) // ((best - 1) // 39))


def test_solved_examples_before_all_items_are_computed_once():
    examples = np.arange(100)
    requests = [
        Request(np.concatenate([examples, [item] * 10, [7, option] * 3]).astype(np.int32), 110)
        for item, option in itertools.product((200, 201), range(4))
    ]
    (row,) = pack(enumerate(requests), 256, lambda length, rows: rows)
    assert row.branching
    assert row.used == 100 + 2 * (10 + 1 + 4 * 4)  # all options begin with 7, none feeds its last


def test_a_request_that_is_longer_than_the_rows_has_one_of_its_own():
    long, short = np.arange(1, 102, dtype=np.int32), np.array([0, 1, 2], np.int32)
    rows = pack([(0, Request(long, 100)), (1, Request(short, 1))], 64, tokens_and_price)
    assert sorted((len(row.tokens), row.requests) for row in rows) == [(32, 1), (128, 1)]
    both = pack([(0, Request(long, 100)), (1, Request(long, 50))], 64, tokens_and_price)
    assert [(row.requests, row.branching) for row in both] == [(2, False)]


def test_nothing_is_packed_into_no_rows():
    assert pack([], 64, tokens_and_price) == []


@given(st.integers(2, 300), st.integers(1, 299), st.integers(2, 70))
@settings(max_examples=200, deadline=None)
def test_pieces_score_every_token_once(length, first, longest):
    tokens = np.arange(length, dtype=np.int32)
    first = min(first, length - 1)
    pieces = Request(tokens, first).pieces(longest)
    scored = np.concatenate([piece.tokens[piece.first :] for piece in pieces])
    np.testing.assert_array_equal(scored, tokens[first:])
    assert all(2 <= len(piece.tokens) <= longest for piece in pieces)


@given(st.integers(1, 10_000))
@settings(max_examples=200, deadline=None)
def test_padding_is_enough_and_never_more_than_half_again(length):
    assert length <= padded_length(length) <= max(32, 1.5 * length)


def test_requests_without_anything_to_score_are_refused():
    for first in (0, 3):
        with pytest.raises(ValueError, match="scores start"):
            Request(np.array([1, 2, 3], np.int32), first=first)


def test_there_are_few_lengths():
    assert {padded_length(n) for n in range(1, 129)} == {32, 48, 64, 96, 128}
