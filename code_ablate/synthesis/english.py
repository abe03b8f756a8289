"""English for what a program computes: noun phrases that grow, tests that become clauses.

weights = Phrase("the weights", "weight", "weights")
str(weights.narrowed("even", "are even"))       # "the even weights"
"the sum of {xs}".format(xs=weights)            # "the sum of the weights"
"""

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass

_VOWELS = "aeiou"
_LIKE_A_CONSONANT = re.compile(r"(?i)(uni|use|euro|one\b|u[bkst][aeiou])")
_LIKE_A_VOWEL = re.compile(r"(?i)(hour|honest|heir)")
_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]
_ORDINALS = [
    "zeroth",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
]

RESERVED = frozenset(
    [
        "and",
        "as",
        "assert",
        "async",
        "await",
        "break",
        "class",
        "continue",
        "def",
        "del",
        "elif",
        "else",
        "except",
        "finally",
        "for",
        "from",
        "global",
        "if",
        "import",
        "in",
        "is",
        "lambda",
        "nonlocal",
        "not",
        "or",
        "pass",
        "raise",
        "return",
        "try",
        "while",
        "with",
        "yield",
        "None",
        "True",
        "False",
        "list",
        "dict",
        "set",
        "str",
        "int",
        "len",
        "sum",
        "max",
        "min",
        "sorted",
        "range",
        "print",
        "type",
        "id",
        "input",
        "map",
        "filter",
        "any",
        "all",
        "bool",
        "tuple",
        "abs",
        "zip",
        "enumerate",
        "reversed",
        "format",
        "next",
        "iter",
        "hash",
        "vars",
        "ord",
        "chr",
        "bin",
    ]
)
"""Words of Python, and built-in functions: no name of a problem may hide one."""


@dataclass(frozen=True)
class Phrase:
    """A noun phrase about a value of a program."""

    text: str
    """The phrase without the clauses that narrow it."""

    item: str = "value"
    """What one of its elements is called."""

    items: str = "values"
    """What several of its elements are called."""

    clauses: tuple[str, ...] = ()
    """Clauses that narrow it: each follows "that"."""

    plain: bool = False
    """Whether an adjective can stand before its noun."""

    noun: str = ""
    """What stands after a word of quantity, where it is not the phrase without its article."""

    def __str__(self) -> str:
        if not self.clauses:
            return self.text
        return f"{self.text} that {' and '.join(self.clauses)}"

    @property
    def bare(self) -> str:
        """The phrase without its article, to stand after a word of quantity."""
        if self.noun:
            return self.noun
        text = str(self)
        for article in ("the ", "these ", "those "):
            if text.startswith(article):
                return text[len(article) :]
        return text

    @property
    def words(self) -> int:
        """Words of the phrase."""
        return len(str(self).split())

    def narrowed(self, adjective: str, clause: str) -> "Phrase":
        """The phrase for those of its elements of which a test is true."""
        if adjective and self.plain and not self.clauses and self.text.startswith("the "):
            return dataclasses.replace(self, text=f"the {adjective} {self.text[4:]}")
        return dataclasses.replace(self, clauses=(*self.clauses, clause))


@dataclass(frozen=True)
class Number:
    """A constant of a program in its statement: "3", or the name of the argument that it is."""

    value: object
    """The constant."""

    named: str = ""
    """The name of the argument; empty for a constant."""

    def __str__(self) -> str:
        if self.named:
            return f"`{self.named}`"
        return repr(self.value) if isinstance(self.value, str) else str(self.value)

    def __format__(self, spec: str) -> str:
        if not spec:
            return str(self)
        if spec == "times":
            words = {1: "once", 2: "twice", 3: "three times"}
            return words.get(self.value, f"{self} times") if not self.named else f"{self} times"  # type: ignore[call-overload]
        if spec == "th":
            return f"`{self.named}`-th" if self.named else ordinal(int(self.value))  # type: ignore[call-overload]
        if spec == "word":
            return str(self) if self.named else in_words(int(self.value))  # type: ignore[call-overload]
        noun = plural(spec) if self.named or self.value != 1 else spec
        number = str(self) if self.named else in_words(int(self.value))  # type: ignore[call-overload]
        return f"{number} {noun}"


def in_words(number: int) -> str:
    """Numbers up to twelve in words, as books write them."""
    return _SMALL[number] if 0 <= number < len(_SMALL) else str(number)


def ordinal(number: int) -> str:
    """'first', 'second', ..., '21st'."""
    if 0 <= number < len(_ORDINALS):
        return _ORDINALS[number]
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ending}"


_IRREGULAR = {"person": "people", "species": "species"}


def plural(noun: str) -> str:
    """The plural of a noun."""
    if noun in _IRREGULAR:
        return _IRREGULAR[noun]
    if noun.endswith(("s", "x", "ch", "sh")):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2:-1] not in _VOWELS:
        return f"{noun[:-1]}ies"
    return f"{noun}s"


def with_article(noun: str) -> str:
    """'a weight', 'an owner', 'an hour'."""
    vowel = noun[0].lower() in _VOWELS and not _LIKE_A_CONSONANT.match(noun)
    return f"{'an' if vowel or _LIKE_A_VOWEL.match(noun) else 'a'} {noun}"


def listed(words: Sequence[str], last: str = "and") -> str:
    """'a, b and c'."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def sentence(text: str) -> str:
    """With a capital letter and a full stop."""
    text = text.strip()
    first = text[:1].upper() if text[:1] != "`" else "`"
    return f"{first}{text[1:]}{'' if text.endswith(('.', '?', '!', ':')) else '.'}"


def identifier(words: str) -> str:
    """'cubic metres' -> 'cubic_metres'."""
    return re.sub(r"\W+", "_", words.lower()).strip("_")
