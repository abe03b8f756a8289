"""StarCoder's rules for commits (arXiv 2305.06161, section 3.4, table of its filters).

    preprocessors=[*commits.COMMITS, *documents.TOKENIZE]     # in a SeqIO Task

The source gives, beside the text of the commit, its `subject` (the first line of the message) and
`changed_lines`: the lines from the first to the last one that it changes in the old file. What is
thinned out is drawn by a hash of the text, so that the same documents stay in every preparation.
"""

# ruff: noqa: D102 - the base class says what `measure` is.

import dataclasses
import hashlib
import re
from typing import Any, ClassVar

from code_ablate.data.filters.base import AtMost, Document, Drop, Filter, Verdict, Without
from code_ablate.data.filters.rules import Length


@dataclasses.dataclass(frozen=True)
class Thinned(Filter):
    """Base of filters that keep some of the documents in a range: a subclass says `drops`."""

    kept: float
    """Share of the documents in the range that is kept, 0 to 1."""

    def drops(self, value: Any) -> bool:
        """Whether documents with this value are thinned out."""
        raise NotImplementedError

    def judge(self, document: Document) -> Verdict:
        value = self.measure(document)
        gone = self.drops(value) and _lot(self.kind, document.text) >= self.kept
        return Verdict(value, Drop(self.name, value) if gone else None)


def _lot(kind: str, text: str) -> float:
    """A number from 0 to 1 that is drawn for the text, for this filter alone."""
    content = f"{kind}\n{text}".encode("utf-8", "replace")
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big") / 2**64


@dataclasses.dataclass(frozen=True)
class SmallChange(Thinned):
    """Thins out commits that change next to nothing. Source: StarCoder's table (2 lines, 10 %)."""

    lines: int = 2
    """Changed lines up to which a commit is small."""

    kept: float = 0.1
    """Share of the small commits that is kept, 0 to 1."""

    needs: ClassVar[tuple[str, ...]] = ("changed_lines",)

    @property
    def name(self) -> str:
        return f"small_change_up_to_{self.lines}_lines"

    @property
    def bounds(self) -> tuple[float, ...]:
        return (self.lines,)

    def measure(self, document: Document) -> int:
        return int(document.number("changed_lines"))

    def drops(self, value: int) -> bool:
        return value <= self.lines


@dataclasses.dataclass(frozen=True)
class LargeChange(Thinned):
    """Thins out commits that change very much. Source: StarCoder's table (200 lines, 10 %)."""

    lines: int = 200
    """Changed lines from which on a commit is large."""

    kept: float = 0.1
    """Share of the large commits that is kept, 0 to 1."""

    needs: ClassVar[tuple[str, ...]] = ("changed_lines",)

    @property
    def name(self) -> str:
        return f"large_change_from_{self.lines}_lines"

    @property
    def bounds(self) -> tuple[float, ...]:
        return (self.lines,)

    def measure(self, document: Document) -> int:
        return int(document.number("changed_lines"))

    def drops(self, value: int) -> bool:
        return value >= self.lines


@dataclasses.dataclass(frozen=True)
class ShortMessage(Thinned):
    """Thins out commits with a short message.

    Source: StarCoder's published code (5 words, 50 %).
    """

    words: int = 5
    """Words below which a message is short."""

    kept: float = 0.5
    """Share of the commits with a short message that is kept, 0 to 1."""

    needs: ClassVar[tuple[str, ...]] = ("subject",)

    @property
    def name(self) -> str:
        return f"short_message_under_{self.words}_words"

    @property
    def bounds(self) -> tuple[float, ...]:
        return (self.words,)

    def measure(self, document: Document) -> int:
        return len(_subject(document).split())

    def drops(self, value: int) -> bool:
        return value < self.words


@dataclasses.dataclass(frozen=True)
class EmptyMessage(Without):
    """Drops commits without a message. Source: StarCoder's table."""

    needs: ClassVar[tuple[str, ...]] = ("subject",)

    def measure(self, document: Document) -> int:
        """1 if the message is empty, else 0."""
        return int(not _subject(document).split())


@dataclasses.dataclass(frozen=True)
class BoilerplateMessage(Without):
    """Drops commits whose message says nothing: automatic ones, versions, "update readme".

    Source: StarCoder's table, and its published code for the words.
    """

    whole: tuple[str, ...] = (
        "readme",
        "update",
        "updated",
        "dummy",
        "debug",
        "test",
        "update readme",
        "update readme.md",
        "updated readme",
        "updated readme.md",
    )
    """Messages that say nothing, in small letters."""

    within: tuple[str, ...] = ("auto commit", "update contributing", "<?xml")
    """Phrases that stand in automatic messages, in small letters."""

    name = "boilerplate_message"
    needs: ClassVar[tuple[str, ...]] = ("subject",)

    def measure(self, document: Document) -> int:
        """1 if the message says nothing, else 0."""
        subject = _subject(document).strip().lower()
        return int(
            subject in self.whole
            or any(phrase in subject for phrase in self.within)
            or bool(_VERSION.match(subject))
        )


_VERSION = re.compile(r"v?\d+\.\d+\.\d+(?=$|\S)")


@dataclasses.dataclass(frozen=True)
class HashMessage(AtMost):
    """Drops commits whose message is a hash or a path: many characters for each word.

    Source: StarCoder's table (20).
    """

    maximum: float = 20.0
    """Most characters of the message for each of its words."""

    needs: ClassVar[tuple[str, ...]] = ("subject",)

    def measure(self, document: Document) -> float:
        subject = _subject(document)
        return len(subject) / max(1, len(subject.split()))


def _subject(document: Document) -> str:
    return str(document.more["subject"])


COMMITS = (
    Length(1, 100_000),
    EmptyMessage(),
    BoilerplateMessage(),
    HashMessage(20.0),
    SmallChange(lines=2, kept=0.1),
    LargeChange(lines=200, kept=0.1),
    ShortMessage(words=5, kept=0.5),
)
"""What commits are filtered by; 100,000 characters is StarCoder's limit for the old file."""
