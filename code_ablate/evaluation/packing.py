"""Requests for log-likelihoods, packed into rows in which nothing is computed twice.

    rows = pack([(0, Request(np.array([1, 5, 6, 7]), first=3)), ...], longest=512, cost=cost)

A row is a forest of tokens in depth-first order. Requests that begin alike share the tokens they
begin with: the context of an item's options, the solved examples before all items of a task, the
EOS before every text. A token sees those on the path that leads to it, so `ends` says all that a
mask has to know: position t sees position s where s <= t < ends[s].
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

SHORTEST = 32
"""Tokens of the shortest row. Longer ones have this times a power of two, or half as much again."""


@dataclass(frozen=True)
class Request:
    """A sequence of which the tail is scored."""

    tokens: Int[np.ndarray, " T"]
    """Context and continuation. The first token is never scored."""
    first: int
    """Position of the first token that is scored, at least 1."""

    def __post_init__(self):
        if not 1 <= self.first < len(self.tokens):
            raise ValueError(f"scores start at {self.first} of {len(self.tokens)} tokens")

    @property
    def fed(self) -> Int[np.ndarray, " T-1"]:
        """What the model is given: the last token predicts nothing."""
        return self.tokens[:-1]

    def pieces(self, longest: int) -> list["Request"]:
        """The same tokens scored in requests of at most `longest` tokens.

        Context that does not fit is dropped from the left. What is scored is never dropped: where
        it is too long for one request, it is cut into several, each with the token before it as
        context.
        """
        length = len(self.tokens)
        if length - self.first < longest:
            start = max(0, length - longest)
            return [Request(self.tokens[start:], self.first - start)]
        starts = range(self.first - 1, length - 1, longest - 1)
        return [Request(self.tokens[start : start + longest], 1) for start in starts]


@dataclass(frozen=True)
class Row:
    """Some requests, in arrays of the row's length T and of its P scored tokens."""

    requests: int
    """Number of requests."""
    used: int
    """Tokens before the padding."""
    tokens: Int[np.ndarray, " T"]
    """Tokens that the model is fed, then zeros."""
    positions: Int[np.ndarray, " T"]
    """Position of each token in its own requests."""
    ends: Int[np.ndarray, " T"]
    """Index in the row behind the last token that sees each one."""
    sources: Int[np.ndarray, " P"]
    """Index in the row at which each scored token is predicted."""
    targets: Int[np.ndarray, " P"]
    """Tokens that are scored."""
    owners: Int[np.ndarray, " P"]
    """Number of the request that each scored token belongs to."""

    @property
    def branching(self) -> bool:
        """Whether there are tokens that some after them do not see."""
        return bool((self.ends < len(self.ends)).any())

    @classmethod
    def of(cls, pieces: Sequence[tuple[int, Request]], length: int) -> "Row":
        """The row of these (owner, request), which stand in the order of what is fed."""
        tokens, positions = np.zeros((2, length), np.int32)
        ends = np.full(length, length, np.int32)
        sources, targets, owners = [], [], []
        used, last, path = 0, tokens[:0], np.zeros(0, np.int32)
        for owner, piece in pieces:
            common = _common(last, piece.fed)
            last, start, used = piece.fed, used, used + len(piece.fed) - common
            ends[path[common:]] = start
            tokens[start:used] = last[common:]
            positions[start:used] = np.arange(common, len(last))
            path = np.concatenate([path[:common], np.arange(start, used)])
            sources.append(path[piece.first - 1 :])
            targets.append(piece.tokens[piece.first :])
            owners.append(np.full(len(piece.tokens) - piece.first, owner))
        scored = map(np.concatenate, (sources, targets, owners))
        return cls(len(pieces), used, tokens, positions, ends, *scored)


def padded_length(length: int) -> int:
    """The length a sequence of `length` tokens is padded to: 32, 48, 64, 96, 128, 192, ..."""
    size = SHORTEST
    while size < length:
        if size + size // 2 >= length:
            return size + size // 2
        size *= 2
    return size


def pack(
    pieces: Iterable[tuple[int, Request]], longest: int, cost: Callable[[int, int], float]
) -> list[Row]:
    """The (owner, request) in rows of one length, which is chosen so that they cost least.

    That length is a power of two, at least SHORTEST and else at most `longest`; a request that
    alone has more tokens begins a row of its padded length. cost(length, rows) is the
    cost of `rows` rows of `length` tokens, in any unit.
    """
    # Big-endian bytes sort as the numbers do, so each request is next to what it shares most with.
    ordered = sorted(pieces, key=lambda owned: owned[1].fed.astype(">u4").tobytes())
    fed = [piece.fed for _, piece in ordered]
    sizes = [len(tokens) for tokens in fed]
    shared = [_common(*pair) for pair in itertools.pairwise([*fed[:1], *fed])]
    scored = [len(piece.tokens) - piece.first for _, piece in ordered]

    def total_cost(spans: list[tuple[int, int, int]]) -> float:
        lengths, counts = np.unique([length for *_, length in spans], return_counts=True)
        return sum(map(cost, lengths.tolist(), counts.tolist()))

    doublings = max(0, (longest // SHORTEST).bit_length() - 1)
    candidates = (
        _spans(sizes, shared, scored, SHORTEST << doubling) for doubling in range(doublings + 1)
    )
    return [Row.of(ordered[start:end], n) for start, end, n in min(candidates, key=total_cost)]


def _spans(sizes, shared, scored, length: int) -> list[tuple[int, int, int]]:
    """(start, end, length of the row) of consecutive requests that fit into a row together.

    A request of `sizes` tokens has `shared` of them in common with the one before it.
    """
    spans, start, used, targets, room = [], 0, 0, 0, 0
    for index, (size, common, count) in enumerate(zip(sizes, shared, scored, strict=True)):
        if used + size - common <= room and targets + count <= room:
            used, targets = used + size - common, targets + count
            continue
        spans.append((start, index, room))
        start, used, targets, room = index, size, count, max(length, padded_length(size))
    spans.append((start, len(sizes), room))
    return [span for span in spans if span[0] < span[1]]


def _common(a: Int[np.ndarray, " A"], b: Int[np.ndarray, " B"]) -> int:
    """How many tokens both begin with."""
    shorter = min(len(a), len(b))
    different = np.flatnonzero(a[:shorter] != b[:shorter])
    return int(different[0]) if len(different) else shorter
