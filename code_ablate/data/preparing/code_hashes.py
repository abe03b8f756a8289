"""Programs as hashes that survive renaming and reformatting: windows of normalised tokens.

    found = code_windows(["def f(a):\n    return a+1", "def g(xs): return (xs + 1)  # one more"], 8)
    (found.of(0) == found.of(1)).all()

What goes before tokens are compared: comments, texts in triple quotes, lines that import, white
space, quotes, brackets of calls, commas and semicolons; escapes of JSON strings are undone first,
so that a notebook shows its cells. What is left are words and single signs. A name counts by where
it stood before within the window (B. S. Baker's encoding for parameterized matching, 1993): two
windows are equal if one becomes the other by renaming one to one. Keywords, builtins, numbers and
what follows a point keep their spelling. The rules fit Python best, and are the same for all
languages.
"""

import functools
import re
from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt

from code_ablate.data.preparing.word_hashes import Ragged, mixed, tokens_of

VERSION = 1
"""Raised when a text gets other hashes: it enters what stores are kept under."""

_JSON_LINE_END = re.compile(r'(?:\\r)?\\n(?:",?\s*")?')
_GONE = re.compile(
    r'"""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\'|/\*[\s\S]*?\*/'
    r"|(?:^|(?<=\s))#[^\n]*|^[ \t]*//[^\n]*"
    r"|^[ \t]*(?:import|from|using|package|use)[ \t][^\n(]*(?:\([^)]*\))?[^\n]*",
    re.MULTILINE,
)
_SIGNS = "+-*/%=<>!&|^~.:?@[]{}$"
"""Signs that are tokens; other signs and white space stand between tokens and do not count."""

_KEYWORDS = """
    and as assert async await auto bool boolean break byte case catch char class const
    continue def default defer del delete do double elif else elseif elsif end enum except
    extends extern false final finally float fn for foreach func function global go goto if
    impl implements import in instanceof int interface is lambda let local long loop map match
    mod module mut namespace new nil none nonlocal not null object or pass private protected
    pub public raise range repeat return self short signed sizeof static str string struct
    super switch template then this throw throws trait true try type typedef typename typeof
    union unless unsigned until use using val var virtual void volatile when where while with
    yield abs all any ascii bin bytes chr complex dict divmod enumerate filter format
    frozenset getattr hasattr hash hex id input isinstance issubclass iter len list max min
    next oct open ord pow print property repr reversed round set setattr slice sorted sum
    tuple vars zip
"""


def shown_code(text: str) -> str:
    """The text with JSON's escapes undone, if it has any: a notebook's cells as they are shown."""
    if "\\n" not in text:
        return text
    return _JSON_LINE_END.sub("\n", text).replace('\\"', '"').replace("\\t", "\t")


def code_windows(texts: Sequence[str], size: int) -> Ragged:
    """A hash of each `size` normalised tokens that follow each other in a text."""
    tokens, is_name_T = _tokens(texts)
    distance_T = _distances(tokens.values, is_name_T)
    count = max(0, len(tokens.values) - size + 1)
    total = np.zeros(count, np.uint64)
    for place in range(size):
        here = slice(place, place + count)
        seen = distance_T[here]
        seen = np.where(seen <= place, seen, 0)  # what stood before the window does not count
        term = np.where(is_name_T[here], _NAME + seen.astype(np.uint64), tokens.values[here])
        total = (total ^ (total >> np.uint64(29))) * _FACTOR + term
    return tokens.windows(mixed(total), size)


_NAME = np.uint64(0x1234567)
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


def _tokens(texts: Sequence[str]) -> tuple[Ragged, np.ndarray]:
    """(hash of each token, whether it is a name)."""
    tokens, first_T = tokens_of([_GONE.sub("", shown_code(text)) for text in texts], _SIGNS)
    hashes = tokens.values
    literal_T = (first_T >= ord("0")) & (first_T <= ord("9")) | np.isin(hashes, _literals())
    literal_T[1:] |= first_T[:-1] == ord(".")
    return tokens, ~literal_T


@functools.cache
def _literals() -> np.ndarray:
    """Hashes of what keeps its spelling."""
    return np.sort(tokens_of([f"{_KEYWORDS} {_SIGNS}"], _SIGNS)[0].values)


def _distances(values: UInt[np.ndarray, " T"], is_name_T: np.ndarray) -> np.ndarray:
    """How many tokens before each name it last stood; 0 where it did not, and for other tokens."""
    distance_T = np.zeros(len(values), np.int64)
    places = np.flatnonzero(is_name_T)
    order = places[np.argsort(values[places], kind="stable")]
    same = values[order[1:]] == values[order[:-1]]
    distance_T[order[1:][same]] = (order[1:] - order[:-1])[same]
    return distance_T
