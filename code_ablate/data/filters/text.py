"""Rules for prose: those of Gopher, C4 and FineWeb. Those on repetition are in `repetition`.

    Words(50).judge(Document("Five words are not enough."))    # Verdict(5, Drop(...))
    preprocessors=[*text.C4, *text.GOPHER, *documents.TOKENIZE]       # in a SeqIO Task

Gopher is arXiv 2112.11446, its rules are in appendix A.1.1; C4 is arXiv 1910.10683, section 2.2;
FineWeb is arXiv 2406.17557, section 3.6. Words are what white space separates. A document exactly
at a bound is kept, except where a filter says otherwise.
"""

# ruff: noqa: D102 - the base class says what `measure` is.

import dataclasses
import re
from collections.abc import Mapping
from typing import ClassVar

from code_ablate.data.filters.base import (
    AtLeast,
    AtMost,
    Between,
    Document,
    Rewriter,
    Without,
)
from code_ablate.data.filters.repetition import DuplicateLineCharacters
from code_ablate.data.filters.rules import line_of
from code_ablate.data.filters.scales import SHARE, Scale
from code_ablate.data.filters.words import share, words_of, written_lines_of

_ELLIPSES = ("...", "…")
_BULLETS = ("•", "‣", "⁃", "●", "▪", "◦", "-", "*", "–")


@dataclasses.dataclass(frozen=True)
class Words(Between):
    """Drops documents of very few or very many words. Source: Gopher, A.1.1 (50 to 100,000)."""

    minimum: int = 50
    """Fewest words that a document may have."""

    maximum: int | None = 100_000
    """Most words that a document may have; None: no bound."""

    def measure(self, document: Document) -> int:
        return len(document.once(words_of))


@dataclasses.dataclass(frozen=True)
class MeanWord(Between):
    """Drops documents whose words are very short or very long. Source: Gopher, A.1.1 (3 to 10)."""

    minimum: float = 3.0
    """Fewest characters that words may have, on average."""

    maximum: float | None = 10.0
    """Most characters that words may have, on average; None: no bound."""

    def measure(self, document: Document) -> float:
        words = document.once(words_of)
        return share(sum(map(len, words)), len(words))


@dataclasses.dataclass(frozen=True)
class HashSigns(AtMost):
    """Drops documents with many hash signs. Source: Gopher, A.1.1 (0.1)."""

    maximum: float = 0.1
    """Most signs for each word."""

    scale: ClassVar[Scale] = SHARE

    def measure(self, document: Document) -> float:
        return share(document.text.count("#"), len(document.once(words_of)))


@dataclasses.dataclass(frozen=True)
class Ellipses(AtMost):
    """Drops documents with many ellipses, of one sign or of three. Source: Gopher, A.1.1 (0.1)."""

    maximum: float = 0.1
    """Most ellipses for each word."""

    scale: ClassVar[Scale] = SHARE

    def measure(self, document: Document) -> float:
        count = sum(document.text.count(sign) for sign in _ELLIPSES)
        return share(count, len(document.once(words_of)))


@dataclasses.dataclass(frozen=True)
class BulletLines(AtMost):
    """Drops documents that are lists.

    Source: Gopher, A.1.1 (0.9); which signs are bullets is ours.
    """

    maximum: float = 0.9
    """Largest share of the lines that may begin with a bullet; blank lines do not count."""

    scale: ClassVar[Scale] = SHARE

    def measure(self, document: Document) -> float:
        lines = document.once(written_lines_of)
        return share(sum(line.startswith(_BULLETS) for line in lines), len(lines))


@dataclasses.dataclass(frozen=True)
class EllipsisLines(AtMost):
    """Drops documents of lines that are cut off. Source: Gopher, A.1.1 (0.3)."""

    maximum: float = 0.3
    """Largest share of the lines that may end with an ellipsis; blank lines do not count."""

    scale: ClassVar[Scale] = SHARE

    def measure(self, document: Document) -> float:
        lines = document.once(written_lines_of)
        return share(sum(line.endswith(_ELLIPSES) for line in lines), len(lines))


_ALPHABETIC = re.compile(r"[^\W\d_]")


@dataclasses.dataclass(frozen=True)
class AlphabeticWords(AtLeast):
    """Drops documents of numbers and signs. Source: Gopher, A.1.1 (0.8)."""

    minimum: float = 0.8
    """Smallest share of the words that may have a letter."""

    scale: ClassVar[Scale] = SHARE

    def measure(self, document: Document) -> float:
        words = document.once(words_of)
        # A word of letters alone is told at once; the search is for the others.
        has_letter = (word.isalpha() or bool(_ALPHABETIC.search(word)) for word in words)
        return share(sum(has_letter), len(words))


@dataclasses.dataclass(frozen=True)
class StopWords(AtLeast):
    """Drops documents that are not written in English sentences.

    The value is the number of different words of the list in the text, in small or large letters.
    Source: Gopher, A.1.1 (2 of 8).
    """

    minimum: int = 2
    """Fewest words of the list that must be in the text."""

    words: tuple[str, ...] = ("the", "be", "to", "of", "and", "that", "have", "with")
    """The list."""

    def measure(self, document: Document) -> int:
        found = set(document.once(words_of))
        return sum(not found.isdisjoint((w, w.capitalize(), w.upper())) for w in self.words)


GOPHER = (
    Words(50, 100_000),
    MeanWord(3.0, 10.0),
    HashSigns(0.1),
    Ellipses(0.1),
    BulletLines(0.9),
    EllipsisLines(0.3),
    AlphabeticWords(0.8),
    StopWords(2),
)
"""Gopher's rules on quality."""

_ENDINGS = (".", "!", "?", '"', "'", "”", "’")
_POLICIES = (
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
)
_CITATION = re.compile(r"\[(?:\d+|edit|citation needed)\]")
_SENTENCE_END = re.compile(r"[.!?][\"'”’)]*(?=\s|$)")


@dataclasses.dataclass(frozen=True)
class C4Lines(Rewriter):
    """Leaves out the lines that C4 leaves out, and Wikipedia's marks of citations.

    Lines go, and are counted, that do not end in a terminal punctuation mark (`no_end_mark`), have
    few words (`few_words`), have a very long word (`long_word`), name Javascript (`javascript`) or
    a policy on cookies and the like (`policy`); marks of citations are counted as `citation`.
    Source: C4, section 2.2 (5 words; earlier versions of the paper have 3); the policies, citations
    and the 1000 characters of a word are in its published code alone.
    """

    words: int = 5
    """Fewest words that a line may have."""

    word_characters: int = 1000
    """Most characters that a word may have."""

    end_marks: bool = True
    """Whether lines without a terminal punctuation mark go."""

    def rewrite(self, document: Document) -> tuple[Document, Mapping[str, int]]:
        """(document of the lines that stay, how many lines went by kind)."""
        kept: list[str] = []
        counts: dict[str, int] = {}
        for line in document.text.split("\n"):
            line, citations = _CITATION.subn("", line)
            if citations:
                counts["citation"] = counts.get("citation", 0) + citations
            why = self._why_not(line.strip()) if line.strip() else ""
            if why:
                counts[why] = counts.get(why, 0) + 1
            else:
                kept.append(line)
        text = "\n".join(kept)
        return (dataclasses.replace(document, text=text) if counts else document), counts

    def _why_not(self, line: str) -> str:
        words, small = line.split(), line.lower()
        if self.end_marks and (not line.endswith(_ENDINGS) or line.endswith(_ELLIPSES)):
            return "no_end_mark"
        if len(words) < self.words:
            return "few_words"
        if max(map(len, words)) > self.word_characters:
            return "long_word"
        if "javascript" in small:
            return "javascript"
        return "policy" if any(policy in small for policy in _POLICIES) else ""


@dataclasses.dataclass(frozen=True)
class Sentences(AtLeast):
    """Drops pages of few sentences.

    A sentence ends at a point, an exclamation or a question mark before white space or the end.
    Source: C4, section 2.2 (3; earlier versions have 5).
    """

    minimum: int = 3
    """Fewest sentences that a page may have."""

    def measure(self, document: Document) -> int:
        return len(_SENTENCE_END.findall(document.text))


@dataclasses.dataclass(frozen=True)
class LoremIpsum(Without):
    """Drops pages with the printers' dummy text. Source: C4, section 2.2."""

    def measure(self, document: Document) -> int:
        return document.text.lower().count("lorem ipsum")

    def place(self, document: Document) -> int:
        return line_of(document.text.lower(), "lorem ipsum")


@dataclasses.dataclass(frozen=True)
class CurlyBrackets(Without):
    """Drops pages with a curly bracket, which are mostly code. Source: C4, section 2.2."""

    def measure(self, document: Document) -> int:
        return document.text.count("{")

    def place(self, document: Document) -> int:
        return line_of(document.text, "{")


@dataclasses.dataclass(frozen=True)
class ListedWords(Without):
    """Drops pages with a word of a list, in small or large letters.

    Source: C4, section 2.2, with a list of "dirty, naughty, obscene or otherwise bad words". None
    comes with this project: give your own.
    """

    words: tuple[str, ...]
    """The words, in small letters."""

    name = "listed_words"

    def measure(self, document: Document) -> int:
        words = words_of(document.text.lower())
        return sum(word.strip(_AROUND_WORDS) in self.words for word in words)


_AROUND_WORDS = ".,;:!?\"'()[]{}“”‘’"

C4 = (C4Lines(), Sentences(3), LoremIpsum(), CurlyBrackets())
"""C4's rules, but for its list of words, its language model, and its duplicates."""


@dataclasses.dataclass(frozen=True)
class EndMarks(AtLeast):
    """Drops pages of which few lines end like sentences.

    Source: FineWeb, section 3.6 (0.12, which a page must exceed).
    """

    minimum: float = 0.12
    """Share of the lines that end in a terminal punctuation mark; blank lines do not count. The
    share must be above it."""

    excluded: ClassVar[bool] = True
    scale: ClassVar[Scale] = SHARE

    def measure(self, document: Document) -> float:
        lines = document.once(written_lines_of)
        return share(sum(line.endswith(_ENDINGS) for line in lines), len(lines))


@dataclasses.dataclass(frozen=True)
class ShortLines(AtMost):
    """Drops pages of short lines: menus and tables.

    Source: FineWeb, section 3.6 (0.67 of the lines under 30 characters, from which on a page goes).
    """

    maximum: float = 0.67
    """Share of the lines that are short; blank lines do not count. The share must be below it."""

    characters: int = 30
    """Characters below which a line is short."""

    excluded: ClassVar[bool] = True
    scale: ClassVar[Scale] = SHARE

    def measure(self, document: Document) -> float:
        lines = document.once(written_lines_of)
        return share(sum(len(line) < self.characters for line in lines), len(lines))


FINEWEB = (EndMarks(0.12), DuplicateLineCharacters(0.1), ShortLines(0.67))
"""FineWeb's own rules; it applies them after Gopher's and C4's (without C4's rule on end marks)."""
