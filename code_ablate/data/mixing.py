"""Which window stands at which position of a phase's stream: a pure function, exact in tokens.

    mixture = Mixture.of({"demo.text": 0.5, "demo.web_code": 0.5})
    stream = Stream(mixture, windows={...}, keys={...}, seed=0)
    corpora_N, windows_N = stream.at(np.arange(1_000_000, 1_000_016))

**Order of corpora.** The corpora are leaves of a Huffman tree over their rates. A node that has
been visited k times has sent round(k * p) of the visits to its lighter child, which has the share
p <= 1/2 of the node's rate, and the rest to the other one. The number of windows a corpus has had
after n positions is therefore a closed form of n: no table, no state, no scan from the start, and
any real rates. A leaf's deviation from rate * n obeys e <= 1/2 + p * e(parent); Huffman trees
shrink by the golden ratio or faster from level to level in the long run, so that |count - rate *
n| stays under two windows at every prefix.

**Order within a corpus.** Each corpus has a cursor of its own, which goes on across the phases of a
recipe, and a shuffle of its own, keyed by seed, store and epoch: changing one corpus' rate leaves
the order within the others as it was. Corpora of equal content are told apart (`shuffle_keys`).
"""

import hashlib
import heapq
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Int

from code_ablate.errors import UserError
from code_ablate.names import require_name

DRAWN_WHOLE = 16
"""Most windows of a store whose order is drawn as a whole, so that all orders are equally likely.
Four bits are too few for a Feistel network: of 16 windows it makes even permutations only."""


SMALLEST_SHARE = 1e-11
"""Smallest share above 0. Shares are kept to twelve decimals; a smaller one would be off by more
than 5 %, or be 0."""


@dataclass(frozen=True)
class Mixture:
    """Corpora with rates that mean shares of tokens. Build it with `Mixture.of`."""

    rates: tuple[tuple[str, float], ...]
    """(corpus, share of tokens), sorted by corpus; shares sum to 1. A share of 0 is legal."""

    @classmethod
    def of(cls, rates: Mapping[str, float]) -> "Mixture":
        """Normalises `rates` (any non-negative weights).

        Raises UserError if they are not, or if one makes a share below SMALLEST_SHARE.
        """
        if not rates:
            raise UserError("a mixture needs at least one corpus: give {'corpus': rate, ...}.")
        for corpus, rate in rates.items():
            require_name("the name of a corpus", corpus)
            if not np.isfinite(rate) or rate < 0:
                raise UserError(f"rate of {corpus!r} is {rate}: rates must be 0 or more.")
        total = float(sum(rates.values()))
        if total <= 0:
            raise UserError(f"all rates are 0 in {dict(rates)}: at least one must be above 0.")
        if not math.isfinite(total):
            raise UserError(f"the rates {dict(rates)} are too large to be added: scale them down.")
        for corpus, rate in rates.items():
            if rate > 0 and round(rate / total, 12) < SMALLEST_SHARE:
                raise UserError(
                    f"the share of {corpus!r} is {rate / total:.3g} of the tokens: give it 0, or "
                    f"at least {SMALLEST_SHARE:g}."
                )
        # Twelve digits: 0.2 * 0.8 and 0.16 must be one mixture, with one identity.
        shares = {corpus: round(float(rate) / total, 12) for corpus, rate in rates.items()}
        return cls(tuple(sorted(shares.items())))

    @property
    def corpora(self) -> tuple[str, ...]:
        """Names of all corpora, those with a share of 0 among them."""
        return tuple(corpus for corpus, _ in self.rates)

    @cached_property
    def active(self) -> dict[str, float]:
        """Share by corpus, of the corpora that have one."""
        return {corpus: share for corpus, share in self.rates if share > 0}

    def share_of(self, corpora: tuple[str, ...]) -> float:
        """The share of tokens that come from `corpora`."""
        return sum(share for corpus, share in self.rates if corpus in corpora)

    def __str__(self) -> str:
        return " + ".join(f"{100 * share:g}% {corpus}" for corpus, share in self.rates if share)


def blend(first: Mixture, second: Mixture, second_share: float) -> Mixture:
    """`first` and `second` in the proportion (1 - second_share) : second_share, in tokens."""
    if not 0 <= second_share <= 1:
        raise UserError(f"a share of {second_share} was asked for: shares lie between 0 and 1.")
    rates: dict[str, float] = {}
    for mixture, weight in ((first, 1 - second_share), (second, second_share)):
        for corpus, share in mixture.rates:
            rates[corpus] = rates.get(corpus, 0.0) + weight * share
    return Mixture.of(rates)


@dataclass(frozen=True)
class _Split:
    """An inner node: of k visits, round(k * share) go to `light` and the rest to `heavy`."""

    light: "_Split | int"
    heavy: "_Split | int"
    share: float


def _huffman(rates: list[float]) -> "_Split | int":
    """The tree over the indices of `rates` (all > 0); ties go to the earlier one."""
    queue: list[tuple[float, int, _Split | int]] = [(r, i, i) for i, r in enumerate(rates)]
    heapq.heapify(queue)
    order = len(rates)
    while len(queue) > 1:
        (a, _, light), (b, _, heavy) = heapq.heappop(queue), heapq.heappop(queue)
        heapq.heappush(queue, (a + b, order, _Split(light, heavy, a / (a + b))))
        order += 1
    return queue[0][2]


def windows_in(tokens: int, seq_len: int) -> int:
    """Whole windows in this many tokens; the tail of up to seq_len - 1 targets is in none."""
    return max(0, tokens - 1) // seq_len


def counts_at(rates: list[float], positions_N: Int[np.ndarray, " N"]) -> Int[np.ndarray, "N M"]:
    """How many of the first n positions each of M corpora has had, for every n in `positions_N`."""
    counts_NM = np.zeros((len(positions_N), len(rates)), np.int64)

    def visit(node: _Split | int, visits_N: np.ndarray) -> None:
        if isinstance(node, int):
            counts_NM[:, node] = visits_N
            return
        light_N = np.floor(visits_N * node.share + 0.5).astype(np.int64)
        visit(node.light, light_N)
        visit(node.heavy, visits_N - light_N)

    visit(_huffman(rates), np.asarray(positions_N, np.int64))
    return counts_NM


def permute(index_N: Int[np.ndarray, " N"], size: int, key: int) -> Int[np.ndarray, " N"]:
    """A pseudo-random permutation of range(size), evaluated only at `index_N`.

    Up to DRAWN_WHOLE elements: the permutation of number `key` % size! (64-bit keys make each one
    equally likely to 1e-6). More: a Feistel network of six rounds over the next even number of
    bits, with cycle walking for the values that fall outside; the round function is the finaliser
    of MurmurHash3 (64 bit). Needs no memory that grows with `size`, and does not change with
    NumPy's version.
    """
    value = np.array(index_N, np.uint64)
    if value.size and int(value.max()) >= size:
        raise ValueError(f"index {int(value.max())} outside of a permutation of {size}")
    if size <= DRAWN_WHOLE:
        return _permutation(size, key % math.factorial(size))[value.astype(np.int64)]
    half = ((size - 1).bit_length() + 1) // 2
    mask, shift = np.uint64((1 << half) - 1), np.uint64(half)
    walking = np.ones(value.shape, bool)
    while walking.any():
        left, right = value[walking] >> shift, value[walking] & mask
        for round_key in range(6):
            left, right = right, left ^ (_mix(right, key, round_key) & mask)
        value[walking] = (left << shift) | right
        walking[walking] = value[walking] >= np.uint64(size)
    return value.astype(np.int64)


def _permutation(size: int, number: int) -> Int[np.ndarray, " size"]:
    """The permutation of range(size) with this number, below size!, in lexicographic order."""
    rest, order = list(range(size)), []
    for radix in range(size, 0, -1):
        place, number = divmod(number, math.factorial(radix - 1))
        order.append(rest.pop(place))
    return np.array(order, np.int64)


def _mix(value: np.ndarray, key: int, round_key: int) -> np.ndarray:
    seed = (key * 0x9E3779B97F4A7C15 + round_key * 0xD1B54A32D192ED03) % (1 << 64)
    value = value ^ np.uint64(seed)
    for multiplier in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        value = (value ^ (value >> np.uint64(33))) * np.uint64(multiplier)
    return value ^ (value >> np.uint64(33))


def shuffle_keys(corpora: Iterable[str], identities: Mapping[str, str]) -> dict[str, str]:
    """What keys the shuffle of each corpus; `corpora` in the order in which a recipe reads them.

    It is the identity of its store, with its name where the store of an earlier corpus has the same
    content: they would be read in lockstep otherwise, each window twice within a batch.
    """
    keys: dict[str, str] = {}
    for corpus in dict.fromkeys(corpora):
        content = identities[corpus]
        keys[corpus] = f"{content}/{corpus}" if content in keys.values() else content
    return keys


@dataclass(frozen=True)
class Stream:
    """The windows of one phase, in order. Depends on its fields and on nothing else."""

    mixture: Mixture
    """What is mixed, in shares of windows (which are shares of tokens: windows have one length)."""
    windows: Mapping[str, int]
    """Number of windows in each active corpus' token store."""
    keys: Mapping[str, str]
    """What keys the shuffle of each active corpus; see `shuffle_keys`."""
    seed: int
    """Keys the shuffles; the same in every phase of a recipe."""
    already_read: Mapping[str, int] = field(default_factory=dict)
    """Windows of each corpus that the phases before this one have read; 0 for a corpus that is
    missing here."""

    @cached_property
    def corpora(self) -> tuple[str, ...]:
        """The active corpora; `at` returns indices into this."""
        return tuple(self.mixture.active)

    def counts(self, position: int) -> dict[str, int]:
        """Windows of each active corpus among the first `position` positions of this phase."""
        counts_1M = counts_at(list(self.mixture.active.values()), np.array([position]))
        return {corpus: int(n) for corpus, n in zip(self.corpora, counts_1M[0], strict=True)}

    def at(
        self, positions_N: Int[np.ndarray, " N"]
    ) -> tuple[Int[np.ndarray, " N"], Int[np.ndarray, " N"]]:
        """(index of the corpus in `corpora`, index of the window in its store) at each position."""
        positions_N = np.asarray(positions_N, np.int64)
        rates = list(self.mixture.active.values())
        before_NM = counts_at(rates, positions_N)
        corpus_N = np.argmax(counts_at(rates, positions_N + 1) - before_NM, axis=1)
        window_N = np.empty(len(positions_N), np.int64)
        for m, corpus in enumerate(self.corpora):
            rows = corpus_N == m
            if rows.any():
                cursor = before_NM[rows, m] + self.already_read.get(corpus, 0)
                window_N[rows] = self._shuffled(corpus, cursor)
        return corpus_N, window_N

    def _shuffled(self, corpus: str, cursor_N: np.ndarray) -> np.ndarray:
        size = self.windows[corpus]
        epoch_N, index_N = np.divmod(cursor_N, size)
        result_N = np.empty_like(index_N)
        for epoch in np.unique(epoch_N):
            text = f"{self.seed}/{self.keys[corpus]}/{epoch}"
            key = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
            rows = epoch_N == epoch
            result_N[rows] = permute(index_N[rows], size, key)
        return result_N


@dataclass(frozen=True)
class CorpusUse:
    """What a chain of phases reads from one corpus."""

    requested_share: float
    """Share of the chain's tokens that is asked for, 0 to 1."""
    tokens: int
    """Tokens trained on, repeats included."""
    unique_tokens: int
    """Different tokens trained on."""
    epochs: float
    """Passes over the corpus: windows read / windows in the store."""
