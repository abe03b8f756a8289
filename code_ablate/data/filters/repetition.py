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
from jaxtyping import Int

from code_ablate.data.filters.base import AtMost, Document
from code_ablate.data.filters.scales import SHARE, Scale
from code_ablate.data.filters.words import paragraphs_of, share, words_of, written_lines_of


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

    @property
    def kind(self) -> str:
        return f"top_{self.n}_gram"

    def measure(self, document: Document) -> float:
        words = document.once(_Words.of)
        return share(int(words.repeats(self.n).characters_G.max(initial=0)), words.characters)


@dataclasses.dataclass(frozen=True)
class DuplicateNgrams(_Repeated):
    """Drops documents of repeated phrases.

    The value is the share of the characters of all words that are in n-grams that stood before; a
    word in two of them counts once. Source: Gopher, table A1.
    """

    n: int
    """Words of an n-gram."""

    @property
    def kind(self) -> str:
        return f"duplicate_{self.n}_grams"

    def measure(self, document: Document) -> float:
        words = document.once(_Words.of)
        again = words.repeats(self.n).again
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
class _Repeats:
    """The n-grams of a text that occur more than once. R: their occurrences, G: different ones."""

    starts_R: Int[np.ndarray, " R"]
    """Words at which they start, in ascending order."""
    number_R: Int[np.ndarray, " R"]
    """A number of the n-gram that starts there, below the number of words."""
    again: Int[np.ndarray, " A"]
    """Starts of those that stood before."""
    characters_G: Int[np.ndarray, " G"]
    """Characters of the words of all occurrences of each together."""


class _Words:
    """The words of a text as numbers."""

    def __init__(self, words: Sequence[str]):
        known: dict[str, int] = {}
        numbers = [known.setdefault(word, len(known)) for word in words]
        self.numbers_W = np.array(numbers, np.int64)
        self.lengths_W = np.fromiter(map(len, words), np.int64, len(words))
        self.characters = int(self.lengths_W.sum())
        self._ends = np.concatenate([[0], np.cumsum(self.lengths_W)])
        self._levels: list[_Repeats] = []

    @classmethod
    def of(cls, text: str) -> "_Words":
        """The words of a text."""
        return cls(words_of(text))

    def repeats(self, n: int) -> _Repeats:
        """The n-grams that occur more than once.

        They begin with a shorter one that does: so each length looks at fewer words than the last.
        """
        while len(self._levels) < n:
            self._levels.append(self._next_level(len(self._levels) + 1))
        return self._levels[n - 1]

    def _next_level(self, n: int) -> _Repeats:
        if n == 1:
            starts, keys = np.arange(len(self.numbers_W)), self.numbers_W
        else:
            before = self._levels[-1]
            fits = before.starts_R + n <= len(self.numbers_W)
            starts = before.starts_R[fits]
            keys = before.number_R[fits] * len(self.numbers_W) + self.numbers_W[starts + n - 1]
        order = np.argsort(keys, kind="stable")
        is_first = np.ones(len(keys), bool)
        is_first[1:] = keys[order[1:]] != keys[order[:-1]]
        group = np.cumsum(is_first) - 1
        counts = np.bincount(group, minlength=1)
        number, first = np.empty(len(keys), np.int64), np.empty(len(keys), bool)
        number[order], first[order] = group, is_first
        repeated = counts[number] > 1
        leaders = starts[repeated & first]
        spans = self._ends[leaders + n] - self._ends[leaders]
        return _Repeats(
            starts_R=starts[repeated],
            number_R=number[repeated],
            again=starts[repeated & ~first],
            characters_G=spans * counts[number[repeated & first]],
        )


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
