"""The rules of StarCoder (arXiv 2305.06161), and those that "To Code, or Not To Code?" adds.

    LongestLine(1000).judge(Document("a short line"))    # Verdict(12, None): it is kept
    first_drop(CODE, Document("x" * 2000))     # Drop("longest_line_over_1000", 2000)

A document exactly at a bound is kept, except where a filter says otherwise. "The paper" is arXiv
2408.10914. StarCoder's limits are in its section 3.1 and in the table of its published filters.
"""

# ruff: noqa: D102 - the base class says what `measure` is.

import dataclasses
import html.parser
import re
import string
from typing import ClassVar

from code_ablate.data.filters.base import AtLeast, AtMost, Between, Document, Without
from code_ablate.data.filters.scales import SHARE, Scale
from code_ablate.data.filters.top_level_domains import TopLevelDomains

_NOT_ALPHABETIC = bytes(set(range(256)) - set(string.ascii_letters.encode()))
_NOT_ALPHANUMERIC = bytes(set(_NOT_ALPHABETIC) - set(string.digits.encode()))
_AFTER_POINT = re.compile(r"\.\d+(?:[eE][+-]?\d+)?[fFlL]?(?![\w.])")


@dataclasses.dataclass(frozen=True)
class Undecodable(Without):
    """Drops documents with U+FFFD, which stands where a source met bytes that are not UTF-8.

    Source: ours.
    """

    def measure(self, document: Document) -> int:
        return document.text.count("�")

    def place(self, document: Document) -> int:
        return line_of(document.text, "�")


@dataclasses.dataclass(frozen=True)
class Length(Between):
    """Drops documents that are very short or very long.

    Source: StarCoder, section 3.1 for JSON and YAML (50 to 5000), 3.3 for issues (200), 3.4 for the
    old file of a commit (100,000); the 200 for prose is ours.
    """

    minimum: int = 1
    """Fewest characters that a document may have."""

    maximum: int | None = None
    """Most characters that a document may have; None: no bound."""

    def measure(self, document: Document) -> int:
        return len(document.text)


@dataclasses.dataclass(frozen=True)
class LongestLine(AtMost):
    """Drops documents with a very long line: data and minified code.

    Source: StarCoder, section 3.1 (1000).
    """

    maximum: int = 1000
    """Characters that a line may have at most."""

    def measure(self, document: Document) -> int:
        return max(map(len, document.once(lines_of)))

    def place(self, document: Document) -> int:
        lines = lines_of(document.text)
        longest = max(range(len(lines)), key=lambda number: len(lines[number]))
        return sum(len(line) + 1 for line in lines[:longest])


@dataclasses.dataclass(frozen=True)
class MeanLine(AtMost):
    """Drops documents whose lines are long on average.

    Source: StarCoder, section 3.1 (100).
    """

    maximum: float = 100.0
    """Characters that lines may have at most, on average; empty lines count."""

    def measure(self, document: Document) -> float:
        text = document.text
        lines = text.removesuffix("\n").count("\n") + 1
        return (len(text) - text.count("\n")) / lines


@dataclasses.dataclass(frozen=True)
class AlphanumericFraction(AtLeast):
    """Drops documents of symbols. An empty document has the fraction 0.

    Source: StarCoder, section 3.1 (0.25).
    """

    minimum: float = 0.25
    """Share of letters and digits among all characters, at the least."""

    scale: ClassVar[Scale] = SHARE

    def measure(self, document: Document) -> float:
        return _share(document.text, _NOT_ALPHANUMERIC, str.isalnum)


@dataclasses.dataclass(frozen=True)
class AlphabeticFraction(AtLeast):
    """Drops documents of numbers and symbols. An empty document has the fraction 0.

    Source: StarCoder, section 3.1, for JSON and YAML (0.5); the same bound for prose is ours.
    """

    minimum: float = 0.5
    """Share of letters among all characters, at the least."""

    scale: ClassVar[Scale] = SHARE

    def measure(self, document: Document) -> float:
        return _share(document.text, _NOT_ALPHABETIC, str.isalpha)


def lines_of(text: str) -> list[str]:
    """The lines of a text; one that ends with a line end has an empty one behind it."""
    return text.split("\n")


def line_of(text: str, part: str) -> int:
    """The character at which the line begins that first holds `part`; 0 if none does."""
    return text.rfind("\n", 0, max(0, text.find(part))) + 1


def _share(text: str, others: bytes, belongs) -> float:
    if not text:
        return 0.0
    if text.isascii():  # thirty times as fast as character by character
        return len(text.encode().translate(None, others)) / len(text)
    return sum(map(belongs, text)) / len(text)


@dataclasses.dataclass(frozen=True)
class GeneratedBy(Without):
    """Drops files that say near their beginning that a program wrote them.

    Source: the paper, section 2.1 (400).
    """

    within: int = 400
    """Characters that count as the beginning."""

    @property
    def name(self) -> str:
        return f"generated_by_in_first_{self.within}"

    def measure(self, document: Document) -> int:
        return document.text[: self.within].lower().count("generated by")


@dataclasses.dataclass(frozen=True)
class FloatNumbers(AtMost):
    """Drops tables of numbers written as code.

    Source: the paper, section 2.1 (1000).
    """

    maximum: int = 1000
    """Most decimal fractions (0.5, 1.0e-3f) a document may hold; versions (1.2.3) do not count."""

    def measure(self, document: Document) -> int:
        text = document.text
        # From the point on: a search for a sign is five times as fast as one for digits.
        points = [match.start() for match in _AFTER_POINT.finditer(text)]
        return sum(text[point - 1 : point].isdecimal() and _begins(text, point) for point in points)

    def place(self, document: Document) -> int:
        text = document.text
        first = _DECIMAL.search(text)
        return text.rfind("\n", 0, first.start()) + 1 if first else 0


_DECIMAL = re.compile(r"\d\.\d")


def _begins(text: str, point: int) -> bool:
    """Whether digits that belong to no word or version end at `point`."""
    start = point
    while start and text[start - 1].isdecimal():
        start -= 1
    before = text[start - 1 : start]
    return not (before.isalnum() or before in ("_", "."))


@dataclasses.dataclass(frozen=True)
class HexNumbers(AtMost):
    """Drops binary data written as code.

    Source: the paper, section 2.1, which gives no number; "any" would delete most C.
    """

    maximum: int = 1000
    """Most occurrences of `0x`."""

    def measure(self, document: Document) -> int:
        return document.text.count("0x")

    def place(self, document: Document) -> int:
        return line_of(document.text, "0x")


@dataclasses.dataclass(frozen=True)
class XmlPrologue(Without):
    """Drops XML that goes by another suffix. Stylesheets are programs, and stay.

    Source: StarCoder, section 3.1 (100).
    """

    within: int = 100
    """Characters at the beginning in which the prologue is looked for."""

    @property
    def name(self) -> str:
        return f"xml_prologue_in_first_{self.within}"

    def measure(self, document: Document) -> int:
        count = document.text[: self.within].count("<?xml version=")
        return 0 if count and "<xsl:" in document.text else count


@dataclasses.dataclass(frozen=True)
class Svg(Without):
    """Drops drawings: documents whose first element is `<svg`, whatever suffix they go by.

    Source: StarCoder, section 3.1, leaves the language SVG out; how one is told is ours.
    """

    within: int = 1000
    """Characters at the beginning in which the element is looked for."""

    @property
    def name(self) -> str:
        return f"svg_in_first_{self.within}"

    def measure(self, document: Document) -> int:
        return int(bool(_SVG.match(document.text[: self.within])))


_SVG = re.compile(r"\s*(?:<\?xml[^>]*>\s*|<!DOCTYPE[^>]*>\s*|<!--(?:(?!-->).)*-->\s*)*<svg\b", re.S)


@dataclasses.dataclass(frozen=True)
class HtmlVisibleFraction(AtLeast):
    """Drops pages that show little text for their size.

    Source: StarCoder, section 3.1 (0.2, which a page must exceed).
    """

    minimum: float = 0.2
    """Share of the document's characters that a reader sees; the share must be above it."""

    excluded: ClassVar[bool] = True
    scale: ClassVar[Scale] = SHARE

    def measure(self, document: Document) -> float:
        return len(document.once(visible_text)) / max(1, len(document.text))


@dataclasses.dataclass(frozen=True)
class HtmlVisibleCharacters(AtLeast):
    """Drops pages that show little text.

    Source: StarCoder, section 3.1 (100, which a page must exceed).
    """

    minimum: int = 100
    """Characters that a reader sees; the number must be above it."""

    excluded: ClassVar[bool] = True

    def measure(self, document: Document) -> int:
        return len(document.once(visible_text))


class _Visible(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag, attrs):
        self._hidden += tag in ("script", "style")

    def handle_endtag(self, tag):
        if tag in ("script", "style"):
            self._hidden = max(0, self._hidden - 1)

    def parse_marked_section(self, i, report=1):
        try:
            return super().parse_marked_section(i, report)
        except AssertionError:  # "<![" with a word that the parser does not know
            return self.parse_bogus_comment(i)

    def handle_data(self, data):
        if not self._hidden:
            self.words.extend(data.split())


def visible_text(page: str) -> str:
    """The words of an HTML page outside tags, scripts and styles, one space between them."""
    parser = _Visible()
    parser.feed(page)
    parser.close()
    return " ".join(parser.words)


CODE = (
    Undecodable(),
    LongestLine(1000),
    MeanLine(100),
    AlphanumericFraction(0.25),
    GeneratedBy(400),
    FloatNumbers(1000),
    HexNumbers(1000),
    XmlPrologue(100),
    TopLevelDomains(100),
)
"""What a corpus of programs is filtered by."""

MARKUP = (
    Undecodable(),
    LongestLine(1000, but_not=("markdown",)),
    MeanLine(100, but_not=("markdown",)),
    AlphanumericFraction(0.25),
    AlphabeticFraction(0.5, only=("json", "yaml")),
    Length(50, 5000, only=("json", "yaml")),
    HtmlVisibleFraction(0.2, only=("html",)),
    HtmlVisibleCharacters(100, only=("html",)),
    GeneratedBy(400),
    FloatNumbers(1000),
    HexNumbers(1000),
    XmlPrologue(100),
    Svg(1000),
    TopLevelDomains(100),
)
"""What markup and data are filtered by. A paragraph of Markdown is one line, so the rules on lines
leave it alone."""

TEXT = (
    Undecodable(),
    Length(200),
    AlphabeticFraction(0.5),
)
"""What a corpus of prose is filtered by."""

CODE_TEXT = (Undecodable(), Length(200), AlphanumericFraction(0.25))
"""What text with code in it is filtered by: it has neither the lines of prose nor of programs."""
