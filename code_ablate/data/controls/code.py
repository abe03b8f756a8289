"""Controls of source code: its meaning, its text, or its structure taken away.

    ScrambledNames().text_of(Document("total = price * count", language="python"))
    # such as "gurec = wafid * losot"

They cut documents by their `language` (`lexing`), and raise UserError where it is not known.
"""

# ruff: noqa: D102 - the base class says what `name` and `text_of` are.

import dataclasses
import random
import re
from collections.abc import Iterable, Sequence
from typing import Literal

from code_ablate.data.controls.base import Control, generator, permuted
from code_ablate.data.controls.lexing import Piece, pieces, python_docstrings
from code_ablate.data.filters.base import Document
from code_ablate.errors import UserError

_MARKS = re.compile(
    r"^[ \t]*(?:/\*+|\*+/|//+!?|#+!?|--+|;+|%+|<!--|\*)?[ \t]?(.*?)[ \t]*(?:\*+/|-->)?$"
)
_QUOTES = re.compile(r"^[a-zA-Z]{0,2}(\"\"\"|'''|\"|')(.*)\1$", re.DOTALL)
_RESERVED = frozenset(
    [
        "as",
        "do",
        "if",
        "in",
        "is",
        "or",
        "def",
        "del",
        "for",
        "get",
        "int",
        "let",
        "new",
        "not",
        "set",
        "try",
        "use",
        "var",
        "elif",
        "else",
        "case",
        "char",
        "enum",
        "from",
        "long",
        "null",
        "None",
        "self",
        "this",
        "true",
        "True",
        "type",
        "void",
        "with",
        "async",
        "await",
        "yield",
    ]
)
"""Words that a made-up name must not be, because some language reserves them."""

_VOWELS, _CONSONANTS = "aeiou", "bcdfghjklmnpqrstvwxyz"


@dataclasses.dataclass(frozen=True)
class ScrambledNames(Control):
    """Every identifier of a document replaced by another, the same one at every place.

    Keywords, strings, numbers and comments stay. Take the comments out too (`WithoutComments`) if
    they must not tell what the names meant.
    """

    by: Literal["letters", "exchange"] = "letters"
    """What stands in the place of a name: "letters", made-up ones of the same length, case and
    underscores, which cost more tokens each; or "exchange", another name of the same document, so
    that the vocabulary of the corpus stays as it was."""

    within: Literal["document", "corpus"] = "document"
    """Where a name has one replacement: in a document, so that nothing can be learned of it
    elsewhere; or in the whole corpus, a cipher whose names mean what they meant. "corpus" needs
    `by="letters"`."""

    seed: int = 0
    """Seed of the replacements."""

    def __post_init__(self):
        super().__post_init__()
        if self.by not in ("letters", "exchange") or self.within not in ("document", "corpus"):
            raise UserError(
                f"ScrambledNames(by={self.by!r}, within={self.within!r}): `by` is 'letters' or "
                "'exchange', `within` is 'document' or 'corpus'."
            )
        if (self.by, self.within) == ("exchange", "corpus"):
            raise UserError(
                "ScrambledNames exchanges the names of one document: within='corpus' needs "
                "by='letters'."
            )

    @property
    def name(self) -> str:
        return f"scrambled_names_by_{self.by}_within_{self.within}"

    def text_of(self, document: Document) -> str:
        parts = pieces(document.text, document.language)
        names = list(dict.fromkeys(part.text for part in parts if part.kind == "name"))
        whole = document.text if self.within == "document" else ""
        if self.by == "exchange":
            others = permuted(names, generator(self.seed, whole))
        else:
            others = _made_up(names, self.seed, whole, {p.text for p in parts} - set(names))
        replacement = dict(zip(names, others, strict=True))
        return "".join(
            replacement[part.text] if part.kind == "name" else part.text for part in parts
        )


def _made_up(names: Sequence[str], seed: int, document: str, taken: set[str]) -> list[str]:
    """A made-up name for each; no two alike, unless `document` is empty (a corpus' cipher)."""
    used = taken | _RESERVED
    others = []
    rng = generator(seed, document)
    for name in names:
        if not document:
            rng = generator(seed, name)
        other = _word_like(name, rng)
        # A short name soon has no free form of its own length: it grows.
        while other in _RESERVED or (document and other in used):
            other = _word_like(name, rng) + (_word_like("a", rng) if rng.random() < 0.5 else "")
        used.add(other)
        others.append(other)
    return others


def _word_like(name: str, rng: random.Random) -> str:
    """Letters, vowels and consonants in turn, in the case of `name`; the rest of it as it is."""
    vowel = rng.random() < 0.5
    letters = []
    for letter in name:
        if not letter.isalpha():
            letters.append(letter)
            continue
        alphabet = _VOWELS if vowel else _CONSONANTS
        other = alphabet[int(rng.random() * len(alphabet))]
        letters.append(other.upper() if letter.isupper() else other)
        vowel = not vowel
    return "".join(letters)


@dataclasses.dataclass(frozen=True)
class CommentsOnly(Control):
    """The comments and docstrings of a document, one after the other, without the code."""

    with_marks: bool = False
    """Whether the marks of comments and the quotes of docstrings stay."""

    @property
    def name(self) -> str:
        return "comments_only" + ("_with_marks" if self.with_marks else "")

    def text_of(self, document: Document) -> str:
        parts = pieces(document.text, document.language)
        prose = [part for part in parts if part.kind in ("comment", "docstring")]
        texts = [part.text if self.with_marks else _unmarked(part) for part in prose]
        return "".join(f"{text}\n" for text in texts if text.strip())


def _unmarked(part: Piece) -> str:
    """A comment's or docstring's lines without marks, quotes, and common indentation."""
    quoted = _QUOTES.match(part.text) if part.kind == "docstring" else None
    lines = (quoted[2] if quoted else part.text).split("\n")
    if part.kind == "comment":
        return "\n".join(_MARKS.sub(r"\1", line) for line in lines).strip("\n")
    indents = [len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()]
    indent = min(indents, default=0)
    return "\n".join([lines[0].strip(), *(line[indent:].rstrip() for line in lines[1:])]).strip()


@dataclasses.dataclass(frozen=True)
class WithoutComments(Control):
    """The code without comments and docstrings, and without the lines that they leave empty.

    In Python a docstring that is all that a function or class has becomes `...`.
    """

    name = "without_comments"

    def text_of(self, document: Document) -> str:
        parts = pieces(document.text, document.language)
        python = document.language == "python"
        alone = (python_docstrings(document.text) or {}) if python else {}
        lines: list[list[str]] = [[]]
        touched = [False]
        line = 1
        for part in parts:
            first = line
            line += part.text.count("\n")
            if part.kind in ("comment", "docstring"):
                touched[-1] = True
                lines[-1].append("..." if part.kind == "docstring" and alone.get(first) else "")
                continue
            for number, text in enumerate(part.text.split("\n")):
                if number:
                    lines.append([])
                    touched.append(False)
                lines[-1].append(text)
        return "\n".join(_kept(map("".join, lines), touched))


def _kept(lines: Iterable[str], touched: Sequence[bool]) -> list[str]:
    """The lines without those that are empty now; what was removed leaves no space at an end."""
    pairs = zip(lines, touched, strict=True)
    return [text.rstrip() if was else text for text, was in pairs if not was or text.strip()]


@dataclasses.dataclass(frozen=True)
class StructureOnly(Control):
    """Keywords, signs, indentation and line ends; the rest replaced by the name of its kind.

    `total = f(3)  # so` becomes `NAME = NAME(NUMBER)`. Comments and docstrings are left out as by
    `WithoutComments`.
    """

    name = "structure_only"

    def text_of(self, document: Document) -> str:
        code = WithoutComments().text_of(document)
        written: list[str] = []
        for part in pieces(code, document.language):
            if part.kind in ("name", "number", "string"):
                kind = part.kind.upper()
                if part.kind == "string" and written and written[-1] == kind:
                    continue  # quotes, escapes and the rest of one string
                written.append(kind)
            elif part.kind in ("docstring", "comment"):  # a string that only looks like one
                written.append("STRING")
            else:
                written.append(part.text)
        return "".join(written)
