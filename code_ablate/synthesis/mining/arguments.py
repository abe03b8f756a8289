"""Arguments for functions of others: by annotation, by name, by doctest, and by trying.

guesses(found)[0]                    # ("words", "count"): kinds of its arguments, likeliest first
doctest_calls(found)                 # "('a b',)", ...: arguments that its docstring shows
"""

import ast
import itertools
import re
from collections.abc import Callable, Sequence
from random import Random

from code_ablate.synthesis.contexts import NAMES, WORDS
from code_ablate.synthesis.mining.found_functions import FoundFunction

_MOST_GUESSES = 36

KINDS: dict[str, tuple[str, Callable[[Random], object]]] = {
    "count": (
        "a whole number that is not negative",
        lambda r: r.choice((0, 1, 2, 3, r.randint(4, 40))),
    ),
    "number": ("an integer", lambda r: r.choice((0, 1, -1, r.randint(-60, 200), r.randint(2, 30)))),
    "numbers": (
        "a list of integers",
        lambda r: [r.randint(-20, 60) for _ in range(r.choice((0, 1, 4, 6, 8)))],
    ),
    "ordered": (
        "a sorted list of integers",
        lambda r: sorted(r.randint(-20, 60) for _ in range(r.choice((0, 1, 4, 6, 8)))),
    ),
    "word": (
        "a string",
        lambda r: r.choice(
            (r.choice(WORDS), r.choice(NAMES), "", f"{r.choice(WORDS)}_{r.choice(NAMES)}")
        ),
    ),
    "text": (
        "a string of several words",
        lambda r: " ".join(r.choice(WORDS + NAMES) for _ in range(r.choice((0, 1, 3, 5)))),
    ),
    "digits": ("a string of digits", lambda r: str(r.randint(0, 99999))),
    "words": (
        "a list of strings",
        lambda r: [r.choice(WORDS) for _ in range(r.choice((0, 1, 3, 5)))],
    ),
    "pairs": (
        "a list of pairs of integers",
        lambda r: [(r.randint(0, 20), r.randint(0, 20)) for _ in range(r.choice((1, 3, 4)))],
    ),
    "grid": (
        "a list of rows of integers",
        lambda r: [[r.randint(0, 9) for _ in range(3)] for _ in range(r.choice((1, 2, 3)))],
    ),
    "table": (
        "a dictionary from strings to integers",
        lambda r: {w: r.randint(0, 30) for w in r.sample(WORDS, r.choice((0, 2, 4)))},
    ),
    "flag": ("True or False", lambda r: r.random() < 0.5),
}
"""Kind of argument -> what it is, and how one is drawn."""

_BY_ANNOTATION = (
    (re.compile(r"^(builtins\.)?int$"), ("number", "count")),
    (re.compile(r"^str$"), ("word", "text", "digits")),
    (re.compile(r"^bool$"), ("flag",)),
    (re.compile(r"(?i)^(list|sequence|iterable|collection)\[int\]$"), ("numbers", "ordered")),
    (re.compile(r"(?i)^(list|sequence|iterable|collection)\[str\]$"), ("words",)),
    (re.compile(r"(?i)^(list|sequence|iterable)\[(list|sequence)\[int\]\]$"), ("grid",)),
    (re.compile(r"(?i)^(dict|mapping)\[str, int\]$"), ("table",)),
)
_BY_NAME = (
    (re.compile(r"^(n|k|m|num|number|x|y|a|b|i|count|size|index|value|base|year|limit|target)$"), ("number", "count")),
    (re.compile(r"^(s|text|string|word|name|line|sentence|sub|pattern|path|key|label|prefix)\d?$"), ("word", "text", "digits")),
    (re.compile(r"^(arr|array|nums|numbers|lst|list|l|seq|values|data|items|array_\w+|array\d?)$"), ("numbers", "ordered", "words")),
    (re.compile(r"^(words|strings|lines|names|strs)$"), ("words",)),
    (re.compile(r"^(matrix|grid|board|mat|table|rows)$"), ("grid",)),
    (re.compile(r"^(pairs|intervals|points|edges)$"), ("pairs",)),
)  # fmt: skip
_ANY = ("number", "word", "numbers", "count", "words", "text", "grid", "table")


def guesses(found: FoundFunction) -> list[tuple[str, ...]]:
    """Kinds of its arguments, one for each, the likeliest combinations first."""
    each = [_kinds_of(name, found.annotations.get(name, "")) for name in found.parameters]
    combinations = list(itertools.product(*(enumerate(kinds) for kinds in each)))
    combinations.sort(key=lambda chosen: sum(rank for rank, _ in chosen))
    return [tuple(kind for _, kind in chosen) for chosen in combinations[:_MOST_GUESSES]]


def _kinds_of(name: str, annotation: str) -> Sequence[str]:
    for pattern, kinds in _BY_ANNOTATION:
        if pattern.search(annotation):
            return kinds
    for pattern, kinds in _BY_NAME:
        if pattern.search(name):
            return (*kinds, *(kind for kind in _ANY if kind not in kinds))
    return _ANY


def drawn(kinds: Sequence[str], rng: Random) -> str:
    """Arguments of these kinds, as the text of a tuple."""
    return repr(tuple(KINDS[kind][1](rng) for kind in kinds))


def doctest_calls(found: FoundFunction) -> list[str]:
    """Arguments of the calls that a docstring shows, as texts of tuples."""
    shown = []
    for line in found.docstring.splitlines():
        code = line.strip().removeprefix(">>>").strip()
        if not code.startswith(f"{found.name}("):
            continue
        try:
            call = ast.parse(code, mode="eval").body
            if isinstance(call, ast.Call) and not call.keywords:
                shown.append(repr(tuple(ast.literal_eval(argument) for argument in call.args)))
        except (SyntaxError, ValueError):
            continue
    return [
        text
        for text in dict.fromkeys(shown)
        if len(ast.literal_eval(text)) == len(found.parameters)
    ]
