"""Words and n-grams of texts as 64-bit hashes: what near-duplicates and leaks are found by.

    words = words_of(["The same text.", "the SAME; text"])
    words.ngrams(3).of(0) == words.ngrams(3).of(1)        # array([ True])

A word is a run of letters, digits and underscores in lower case; each character of a script that is
written without spaces (Chinese characters, kana) is a word. Punctuation, white space and layout do
not count. The hashes are sums of products modulo 2^64, so they are the same on every machine;
`VERSION` says which they are.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Shaped, UInt

VERSION = 1
"""Raised when a text gets other hashes: it enters what stores are kept under."""

_NO_WORD, _IN_WORD, _A_WORD = 0, 1, 2
_BETWEEN = (  # code points above ASCII that stand between words: spaces, punctuation, symbols
    *((0x80, 0xA9), (0xAB, 0xB1), (0xB4, 0xB4), (0xB6, 0xB8), (0xBB, 0xBF), (0xD7, 0xD7)),
    *((0xF7, 0xF7), (0x2000, 0x206F), (0x20A0, 0x20CF), (0x2190, 0x2BFF), (0x2E00, 0x2E7F)),
    *((0x3000, 0x3004), (0x3008, 0x3020), (0xE000, 0xF8FF), (0xFE10, 0xFE1F), (0xFE30, 0xFE6F)),
    *((0xFF01, 0xFF0F), (0xFF1A, 0xFF20), (0xFF3B, 0xFF40), (0xFF5B, 0xFF65), (0xFFF0, 0xFFFF)),
    *((0xFEFF, 0xFEFF), (0x1F000, 0x1FAFF)),
)
_WITHOUT_SPACES = ((0x3041, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x9FFF), (0xF900, 0xFAFF),
                   (0x20000, 0x3FFFF))  # fmt: skip
_BASE = np.uint64(0x9E3779B97F4A7C15)
_POWERS = 2**16
"""Characters after which the factors of a word's characters repeat."""


@dataclass(frozen=True)
class Ragged:
    """Values of several texts behind each other."""

    values: Shaped[np.ndarray, " V"]
    """The values, text by text."""
    ends: Int[np.ndarray, " texts"]
    """Where the values of each text end."""

    def of(self, text: int) -> UInt[np.ndarray, " some"]:
        """The values of one text."""
        return self.values[self.ends[text - 1] if text else 0 : self.ends[text]]

    @property
    def counts(self) -> Int[np.ndarray, " texts"]:
        """Values of each text."""
        return np.diff(self.ends, prepend=0)

    @property
    def text_of(self) -> Int[np.ndarray, " V"]:
        """Number of the text that each value belongs to."""
        return np.repeat(np.arange(len(self.ends)), self.counts)

    def ngrams(self, n: int) -> "Ragged":
        """A hash of each `n` values that follow each other in a text; none of a shorter text."""
        return self.windows(sequence_hashes(self.values, n), n)

    def windows(self, hashes: Shaped[np.ndarray, " W"], n: int) -> "Ragged":
        """Those of `hashes`, one for every `n` values in a row, whose values are in one text."""
        ends = np.cumsum(np.maximum(self.counts - n + 1, 0))
        return Ragged(hashes[self.starts(n)], ends)

    def starts(self, n: int) -> Int[np.ndarray, " W"]:
        """Where `n` values begin that follow each other in one text."""
        counts = np.maximum(self.counts - n + 1, 0)
        ends = np.cumsum(counts)
        first = np.repeat(self.ends - self.counts - (ends - counts), counts)
        return np.arange(len(first)) + first


def words_of(texts: Sequence[str]) -> Ragged:
    """A hash of each word of each text."""
    return tokens_of(texts, "")[0]


def tokens_of(texts: Sequence[str], signs: str) -> tuple[Ragged, UInt[np.ndarray, " V"]]:
    """(hash of each word, and of each of the ASCII characters `signs`; its first character)."""
    lowered = [text.lower() for text in texts]
    joined = "\0".join([*lowered, ""])
    if joined.isascii():
        characters_C = np.frombuffer(joined.encode(), np.uint8)
    else:
        characters_C = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), "<u4")
    ends = np.cumsum([len(text) + 1 for text in lowered], dtype=np.int64)
    class_C = _classes(signs)[characters_C]
    place_W = np.flatnonzero(class_C)
    if not len(place_W):
        none = np.zeros(0, np.uint64)
        return Ragged(none, np.zeros(len(texts), np.int64)), none
    class_W = class_C[place_W]
    begins_W = np.ones(len(place_W), bool)
    begins_W[1:] = (place_W[1:] != place_W[:-1] + 1) | ((class_W[1:] | class_W[:-1]) > _IN_WORD)
    first = np.flatnonzero(begins_W)
    lengths = np.diff(first, append=len(place_W))
    position_W = np.arange(len(place_W)) - np.repeat(first, lengths)
    terms_W = (characters_C[place_W] + np.uint64(1)) * _powers()[position_W % _POWERS]
    hashes = mixed(np.add.reduceat(terms_W, first) + lengths.astype(np.uint64))
    starts = place_W[first]
    return Ragged(hashes, np.searchsorted(starts, ends)), characters_C[starts]


def sequence_hashes(values: UInt[np.ndarray, " V"], n: int) -> UInt[np.ndarray, " V-n+1"]:
    """A hash of each `n` values that follow each other, in their order."""
    count = max(0, len(values) - n + 1)
    blocks, size, total, place = values, 1, np.zeros(count, np.uint64), 0
    while count:
        if n & size:
            total = mixed(total * _BASE + blocks[place : place + count])
            place += size
        if 2 * size > n:
            break
        blocks = mixed(blocks[: len(blocks) - size] * _BASE + blocks[size:])
        size *= 2
    return total


def mixed(values: UInt[np.ndarray, " V"]) -> UInt[np.ndarray, " V"]:
    """A bijection that lets each bit change half of the others (MurmurHash3's finaliser)."""
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return values ^ (values >> np.uint64(33))


@functools.cache
def _classes(signs: str) -> np.ndarray:
    table = np.full(0x110000, _IN_WORD, np.uint8)
    ascii_words = [chr(i).isalnum() or chr(i) == "_" for i in range(128)]
    table[:128] = np.array(ascii_words, np.uint8)
    table[[ord(sign) for sign in signs]] = _A_WORD
    for low, high in _BETWEEN:
        table[low : high + 1] = _NO_WORD
    for low, high in _WITHOUT_SPACES:
        table[low : high + 1] = _A_WORD
    return table


@functools.cache
def _powers() -> np.ndarray:
    return np.cumprod(np.full(_POWERS, _BASE, np.uint64), dtype=np.uint64)
