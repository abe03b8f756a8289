"""Quality filters: which documents of a corpus are kept, and by which rule the others go.

    preprocessors=[*filters.CODE, *documents.TOKENIZE]          # in a SeqIO Task
    filters.LongestLine(1000).keep("a short line")              # True
    filters.verdict(filters.CODE, text, "python")               # None, or the rule that drops it

Each filter is a SeqIO preprocessor and a frozen dataclass: its arguments are its identity, its
`name` says in a table what was dropped. The rules are StarCoder's (arXiv 2305.06161) and those "To
Code, or Not To Code?" (arXiv 2408.10914) adds. A bound given is a bound that is still kept, except
where a field says otherwise.
"""

# ruff: noqa: D102 - the base class says what `name` and `keep` are.

import dataclasses
import html.parser
import re
import string
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from code_ablate.errors import UserError

_NOT_ALPHABETIC = bytes(set(range(256)) - set(string.ascii_letters.encode()))
_NOT_ALPHANUMERIC = bytes(set(_NOT_ALPHABETIC) - set(string.digits.encode()))
_FLOAT = re.compile(r"(?<![\w.])\d+\.\d+(?:[eE][+-]?\d+)?[fFlL]?(?![\w.])")


@dataclasses.dataclass(frozen=True)
class Filter:
    """Base of the filters: a subclass says `name` and `keep`."""

    only: tuple[str, ...] = dataclasses.field(default=(), kw_only=True)
    """Languages the rule applies to; documents in others pass. Empty: all languages."""

    but_not: tuple[str, ...] = dataclasses.field(default=(), kw_only=True)
    """Languages the rule does not apply to."""

    @property
    def name(self) -> str:
        """What the filter drops, for the table of dropped documents."""
        raise NotImplementedError

    def keep(self, text: str) -> bool:
        """Whether a document with this text is kept."""
        raise NotImplementedError

    def applies_to(self, language: str) -> bool:
        """Whether documents in this language are looked at."""
        return (not self.only or language in self.only) and language not in self.but_not

    def __call__(self, dataset: tf.data.Dataset) -> tf.data.Dataset:
        """The dataset without the documents that are not kept."""
        by_language = bool(self.only or self.but_not)
        if by_language and "language" not in dataset.element_spec:
            raise UserError(
                f"filter {self.name!r} depends on the language, but the documents have no feature "
                "'language'; add one in the source, or use the filter without `only` and `but_not`."
            )

        def keep(text: bytes, language: bytes) -> np.bool_:
            if not self.applies_to(language.decode("utf-8", "replace")):
                return np.bool_(True)
            return np.bool_(self.keep(text.decode("utf-8", "replace")))

        def predicate(document):
            language = document["language"] if by_language else tf.constant("")
            return tf.ensure_shape(
                tf.numpy_function(keep, [document["text"], language], tf.bool), []
            )

        return dataset.filter(predicate)


def verdict(filters: Sequence[Filter], text: str, language: str = "") -> str | None:
    """The name of the first filter that drops the document; None when it is kept."""
    for rule in filters:
        if rule.applies_to(language) and not rule.keep(text):
            return rule.name
    return None


@dataclasses.dataclass(frozen=True)
class Undecodable(Filter):
    """Drops documents with U+FFFD, which stands where a source met bytes that are not UTF-8."""

    name = "undecodable"

    def keep(self, text: str) -> bool:
        return "�" not in text


@dataclasses.dataclass(frozen=True)
class Length(Filter):
    """Bounds on the length of the whole document."""

    minimum: int = 1
    """Fewest characters."""

    maximum: int | None = None
    """Most characters; None is no bound."""

    @property
    def name(self) -> str:
        most = "" if self.maximum is None else f"_or_over_{self.maximum}"
        return f"length_under_{self.minimum}{most}"

    def keep(self, text: str) -> bool:
        return len(text) >= self.minimum and (self.maximum is None or len(text) <= self.maximum)


@dataclasses.dataclass(frozen=True)
class LongestLine(Filter):
    """Drops documents with a very long line: data and minified code."""

    maximum: int = 1000
    """Most characters in a line."""

    @property
    def name(self) -> str:
        return f"longest_line_over_{self.maximum}"

    def keep(self, text: str) -> bool:
        return max(map(len, text.split("\n"))) <= self.maximum


@dataclasses.dataclass(frozen=True)
class MeanLine(Filter):
    """Drops documents whose lines are long on average."""

    maximum: float = 100.0
    """Most characters per line, averaged over the lines, empty ones too."""

    @property
    def name(self) -> str:
        return f"mean_line_over_{self.maximum:g}"

    def keep(self, text: str) -> bool:
        lines = text.removesuffix("\n").count("\n") + 1
        return (len(text) - text.count("\n")) / lines <= self.maximum


@dataclasses.dataclass(frozen=True)
class AlphanumericFraction(Filter):
    """Drops documents of symbols. An empty document has the fraction 0."""

    minimum: float = 0.25
    """Least share of letters and digits among all characters."""

    @property
    def name(self) -> str:
        return f"alphanumeric_fraction_under_{self.minimum:g}"

    def keep(self, text: str) -> bool:
        return _share(text, _NOT_ALPHANUMERIC, str.isalnum) >= self.minimum


@dataclasses.dataclass(frozen=True)
class AlphabeticFraction(Filter):
    """Drops documents of numbers and symbols. An empty document has the fraction 0."""

    minimum: float = 0.5
    """Least share of letters among all characters."""

    @property
    def name(self) -> str:
        return f"alphabetic_fraction_under_{self.minimum:g}"

    def keep(self, text: str) -> bool:
        return _share(text, _NOT_ALPHABETIC, str.isalpha) >= self.minimum


def _share(text: str, others: bytes, belongs) -> float:
    if not text:
        return 0.0
    if text.isascii():  # thirty times as fast as character by character
        return len(text.encode().translate(None, others)) / len(text)
    return sum(map(belongs, text)) / len(text)


@dataclasses.dataclass(frozen=True)
class GeneratedBy(Filter):
    """Drops files that say near their beginning that a program wrote them."""

    within: int = 400
    """How many characters count as the beginning."""

    @property
    def name(self) -> str:
        return f"generated_by_in_first_{self.within}"

    def keep(self, text: str) -> bool:
        return "generated by" not in text[: self.within].lower()


@dataclasses.dataclass(frozen=True)
class FloatNumbers(Filter):
    """Drops tables of numbers written as code."""

    maximum: int = 1000
    """Most decimal fractions, such as 0.5 or 1.0e-3f; versions such as 1.2.3 do not count."""

    @property
    def name(self) -> str:
        return f"float_numbers_over_{self.maximum}"

    def keep(self, text: str) -> bool:
        # Every number holds a point: counting points first spares most texts the regex.
        return text.count(".") <= self.maximum or len(_FLOAT.findall(text)) <= self.maximum


@dataclasses.dataclass(frozen=True)
class HexNumbers(Filter):
    """Drops binary data written as code."""

    maximum: int = 1000
    """Most occurrences of `0x`. The paper gives no number; "any" would delete most C."""

    @property
    def name(self) -> str:
        return f"hex_numbers_over_{self.maximum}"

    def keep(self, text: str) -> bool:
        return text.count("0x") <= self.maximum


@dataclasses.dataclass(frozen=True)
class XmlPrologue(Filter):
    """Drops XML that goes by another suffix. Stylesheets are programs, and stay."""

    within: int = 100
    """The prologue is looked for in this many first characters."""

    @property
    def name(self) -> str:
        return f"xml_prologue_in_first_{self.within}"

    def keep(self, text: str) -> bool:
        return "<?xml version=" not in text[: self.within] or "<xsl:" in text


@dataclasses.dataclass(frozen=True)
class HtmlVisibleText(Filter):
    """Drops pages that show little text."""

    fraction: float = 0.2
    """The text a reader sees must be more than this share of the document's characters."""

    characters: int = 100
    """It must be more than this many characters."""

    @property
    def name(self) -> str:
        return f"html_visible_text_at_most_{self.fraction:g}_or_{self.characters}"

    def keep(self, text: str) -> bool:
        shown = len(visible_text(text))
        return shown > self.characters and shown > self.fraction * len(text)


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
)
"""Programs."""

MARKUP = (
    Undecodable(),
    LongestLine(1000, but_not=("markdown",)),
    MeanLine(100, but_not=("markdown",)),
    AlphanumericFraction(0.25),
    AlphabeticFraction(0.5, only=("json", "yaml")),
    Length(50, 5000, only=("json", "yaml")),
    HtmlVisibleText(0.2, 100, only=("html",)),
    GeneratedBy(400),
    FloatNumbers(1000),
    HexNumbers(1000),
    XmlPrologue(100),
)
"""Markup and data; a paragraph of Markdown is one line, so the rules on lines leave it alone."""

TEXT = (
    Undecodable(),
    Length(200),
    AlphabeticFraction(0.5),
)
"""Prose."""
