"""Rules on repetition: documents that say the same again and again.

    DuplicateLines(0.3).judge(Document("a line\n" * 4)).value    # 0.75: three stood before
    preprocessors=[*repetition.GOPHER_REPETITION, *documents.TOKENIZE]

Gopher is arXiv 2112.11446, appendix A.1.1 and table A1; FineWeb is arXiv 2406.17557, section 3.6.
A line, paragraph or n-gram is a duplicate if it stood in the document before; the first one of
equals is none. Blank lines do not count. Words are what white space separates, and shares of
characters are of the characters of words; those of lines and paragraphs are of their own.
"""

# ruff: noqa: D102 - the base class says what `measure` is.

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Int, UInt

from code_ablate.data.filters.base import AtMost, Document
from code_ablate.data.filters.scales import SHARE, Scale
from code_ablate.data.filters.words import paragraphs_of, share, words_of, written_lines_of

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@dataclasses.dataclass(frozen=True)
class _Repeated(AtMost):
    scale: ClassVar[Scale] = SHARE


@dataclasses.dataclass(frozen=True)
class DuplicateLines(_Repeated):
    """Drops documents of repeated lines. Source: Gopher, table A1 (0.3)."""

    maximum: float = 0.3
    """Largest share of the lines that may be duplicates."""

    def measure(self, document: Document) -> float:
        return _duplicates(document.once(written_lines_of))[0]


@dataclasses.dataclass(frozen=True)
class DuplicateLineCharacters(_Repeated):
    """Drops documents of repeated lines. Source: Gopher, table A1 (0.2); FineWeb, 3.6 (0.1)."""

    maximum: float = 0.2
    """Largest share of the characters that may be in duplicate lines."""

    def measure(self, document: Document) -> float:
        return _duplicates(document.once(written_lines_of))[1]


@dataclasses.dataclass(frozen=True)
class DuplicateParagraphs(_Repeated):
    """Drops documents of repeated paragraphs. Source: Gopher, table A1 (0.3)."""

    maximum: float = 0.3
    """Largest share of the paragraphs that may be duplicates."""

    def measure(self, document: Document) -> float:
        return _duplicates(document.once(paragraphs_of))[0]


@dataclasses.dataclass(frozen=True)
class DuplicateParagraphCharacters(_Repeated):
    """Drops documents of repeated paragraphs. Source: Gopher, table A1 (0.2)."""

    maximum: float = 0.2
    """Largest share of the characters that may be in duplicate paragraphs."""

    def measure(self, document: Document) -> float:
        return _duplicates(document.once(paragraphs_of))[1]


@dataclasses.dataclass(frozen=True)
class TopNgram(_Repeated):
    """Drops documents of which one phrase makes up much.

    The value is the largest share of the characters of all words that the occurrences of one
    n-gram have together; one that occurs once does not count. Source: Gopher, table A1.
    """

    n: int
    """Words of an n-gram."""

    maximum: float
    """Largest share of the characters that one n-gram may have."""

    @property
    def kind(self) -> str:
        return f"top_{self.n}_gram"

    def measure(self, document: Document) -> float:
        words = document.once(_Words.of)
        order_G, first_G = words.ngrams(self.n)
        starts = np.flatnonzero(first_G)
        counts = np.diff(starts, append=len(first_G))
        if not (counts > 1).any():
            return 0.0
        repeated = starts[counts > 1]
        lengths = words.spans(self.n)[order_G[repeated]]
        return share(int((lengths * counts[counts > 1]).max()), words.characters)


@dataclasses.dataclass(frozen=True)
class DuplicateNgrams(_Repeated):
    """Drops documents of repeated phrases.

    The value is the share of the characters of all words that are in n-grams that stood before; a
    word in two of them counts once. Source: Gopher, table A1.
    """

    n: int
    """Words of an n-gram."""

    maximum: float
    """Largest share of the characters that may be in duplicate n-grams."""

    @property
    def kind(self) -> str:
        return f"duplicate_{self.n}_grams"

    def measure(self, document: Document) -> float:
        words = document.once(_Words.of)
        order_G, first_G = words.ngrams(self.n)
        again = order_G[~first_G]
        if not len(again):
            return 0.0
        # A word is covered if one of the n-grams that hold it is a duplicate.
        change = np.bincount(again, minlength=len(words.lengths_W) + 1)
        change -= np.bincount(again + self.n, minlength=len(words.lengths_W) + 1)
        covered_W = np.cumsum(change[:-1]) > 0
        return share(int(words.lengths_W[covered_W].sum()), words.characters)


def _duplicates(parts: Sequence[str]) -> tuple[float, float]:
    """(share of the parts that stood before, share of the characters in them)."""
    distinct = set(parts)
    characters = sum(map(len, parts))
    again = characters - sum(map(len, distinct))
    return share(len(parts) - len(distinct), len(parts)), share(again, characters)


@dataclasses.dataclass(frozen=True)
class _Words:
    """The words of a text as numbers."""

    numbers_W: UInt[np.ndarray, " W"]
    """A number for each different word."""
    lengths_W: Int[np.ndarray, " W"]
    """Characters of each word."""
    characters: int
    """Characters of all words."""

    @classmethod
    def of(cls, text: str) -> "_Words":
        words = words_of(text)
        known: dict[str, int] = {}
        numbers = [known.setdefault(word, len(known)) for word in words]
        lengths_W = np.fromiter(map(len, words), np.int64, len(words))
        return cls(np.array(numbers, np.uint64), lengths_W, int(lengths_W.sum()))

    def spans(self, n: int) -> Int[np.ndarray, " G"]:
        """Characters of each n-gram."""
        ends = np.concatenate([[0], np.cumsum(self.lengths_W)])
        return ends[n:] - ends[:-n]

    def ngrams(self, n: int) -> tuple[Int[np.ndarray, " G"], Bool[np.ndarray, " G"]]:
        """(starts of the n-grams, equal ones side by side and in order; which is the first of
        its equals)."""
        grams_G = np.zeros(max(0, len(self.numbers_W) - n + 1), np.uint64)
        for shift in range(n if len(grams_G) else 0):  # a hash: 2 of a million collide once in 10^7
            number_G = self.numbers_W[shift : shift + len(grams_G)] + np.uint64(1)
            mixed_G = (grams_G ^ number_G) * _MULTIPLIER
            grams_G = mixed_G ^ (mixed_G >> np.uint64(29))
        order_G = np.argsort(grams_G, kind="stable")
        sorted_G = grams_G[order_G]
        first_G = np.ones(len(grams_G), bool)
        first_G[1:] = sorted_G[1:] != sorted_G[:-1]
        return order_G, first_G


GOPHER_REPETITION = (
    DuplicateLines(0.3),
    DuplicateParagraphs(0.3),
    DuplicateLineCharacters(0.2),
    DuplicateParagraphCharacters(0.2),
    TopNgram(n=2, maximum=0.2),
    TopNgram(n=3, maximum=0.18),
    TopNgram(n=4, maximum=0.16),
    DuplicateNgrams(n=5, maximum=0.15),
    DuplicateNgrams(n=6, maximum=0.14),
    DuplicateNgrams(n=7, maximum=0.13),
    DuplicateNgrams(n=8, maximum=0.12),
    DuplicateNgrams(n=9, maximum=0.11),
    DuplicateNgrams(n=10, maximum=0.1),
)
"""Gopher's rules on repetition, all of table A1."""
