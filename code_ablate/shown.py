"""Text from outside, made safe to show and to keep: documents, answers, replies, errors, names.

    print(shown(document))             # "\\x1b[2J" instead of an empty screen
    print(f"corpus {one_line(name)}")
    table.to_parquet(path)             # of storable(reply)
    f"seed is {brief(value)}"          # 'abcabc...'

A terminal obeys control characters: text may clear it, rename it, or show itself as other text.
"""

import re
import sys
from typing import Any, TextIO

from code_ablate.errors import NobodyReads

_UNSAFE = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # control characters, but for tabs and line ends
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # they turn the direction of writing
    "\u2028\u2029"  # line ends that not every terminal knows
    "\ud800-\udfff"  # halves of surrogate pairs, which no encoding has
)
_IN_TEXT = re.compile(f"[{_UNSAFE}]|\r(?!\n)")
_IN_A_LINE = re.compile(f"[{_UNSAFE}\t\n\r]")


def shown(text: object) -> str:
    """The text with control characters written out, as "\\x1b"; tabs and line ends stay."""
    return _IN_TEXT.sub(_written_out, str(text))


def one_line(text: object) -> str:
    """The text as part of a line: tabs and line ends are written out, too."""
    return _IN_A_LINE.sub(_written_out, str(text))


def show(text: object, *, end: str = "\n", file: TextIO | None = None, flush: bool = False) -> None:
    """Prints what `shown` makes of the text; on stdout, unless `file` is given.

    Raises NobodyReads if the program that reads it has ended.
    """
    try:
        print(shown(text), end=end, file=file or sys.stdout, flush=flush)
    except BrokenPipeError as error:
        raise NobodyReads from error


def flush() -> None:
    """Has everything written that was shown. Raises NobodyReads."""
    try:
        sys.stdout.flush()
    except BrokenPipeError as error:
        raise NobodyReads from error


def brief(value: object, most: int = 120) -> str:
    """A value as Python writes it, of at most `most` characters and three points."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    try:
        text = repr(value)
    except ValueError:  # Python does not print integers of thousands of digits
        return "a number with more digits than Python prints"
    return text if len(text) <= most else f"{text[:most]}..."


def _written_out(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


def storable(value: Any) -> Any:
    """Text that UTF-8 can hold: half a surrogate pair becomes U+FFFD. What is no text, as it is."""
    if not isinstance(value, str):
        return value
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
