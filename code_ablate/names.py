"""Names that users give: those that name files and folders, and those that are only shown.

    require_name("Study.name", "small-models")      # UserError for "../x"
    require_label("Side.name", "code and markup")   # UserError for control characters
    file_part("code and markup")                    # "code_and_markup"
    require_path("Paths.data", "/disk/../data")     # UserError for what no file can be called

A name of the first kind may not lead out of its folder, hide its file, or be read as an option.
"""

import os
import re

from code_ablate.errors import UserError
from code_ablate.shown import brief

LONGEST = 100
"""Characters of a name. Files have names of at most 255, and more is put before and behind it."""

LONGEST_LABEL = 200
"""Characters of a name that is only shown."""

LONGEST_PART = 255
"""Bytes of a name between two slashes of a path."""

_CONTROL = re.compile("[\x00-\x1f\x7f]")

_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.@:+-]*[A-Za-z0-9_@:+-])?")


def require_name(kind: str, name: str) -> None:
    """Raises UserError if `name` cannot name a file. `kind`: what it is, such as "Study.name"."""
    if not isinstance(name, str) or len(name) > LONGEST or not _NAME.fullmatch(name):
        raise UserError(
            f"{kind} is {brief(name, 60)}: use 1 to {LONGEST} letters, digits and any of '_ . - @ "
            ": +', a letter, digit or '_' first, and no '.' at the end."
        )


def require_path(kind: str, path: str | os.PathLike) -> None:
    """Raises UserError if no file can be at `path`, a pattern or an address of an object store too.

    Control characters are in paths by mistake: a line end from a list, a NUL from `find -print0`.
    """
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else path
    if not isinstance(text, str) or not text:
        raise UserError(f"{kind} is {brief(path, 60)}: give a path, as text.")
    wrong = _CONTROL.search(text)
    if wrong:
        raise UserError(
            f"{kind} is {brief(text, 60)}: a path cannot have the character {wrong[0]!r} in it."
        )
    try:
        longest = max(len(os.fsencode(part)) for part in text.split("/"))
    except UnicodeEncodeError as error:
        lone = error.object[error.start]
        raise UserError(
            f"{kind} is {brief(text, 60)}: a path cannot have the character {lone!r} in it."
        ) from None
    if longest > LONGEST_PART:
        raise UserError(
            f"{kind} is {brief(text, 60)}: a name in it has {longest} bytes, and files have names "
            f"of at most {LONGEST_PART}."
        )


def require_label(kind: str, name: str) -> None:
    """Raises UserError if `name` cannot stand in one line of a table. Spaces within are no harm."""
    plain = isinstance(name, str) and name.isprintable() and name == name.strip() and name
    if not plain or len(name) > LONGEST_LABEL:
        raise UserError(
            f"{kind} is {brief(name, 60)}: use 1 to {LONGEST_LABEL} printable characters, no space "
            "at either end."
        )


def file_part(label: str, longest: int = 40) -> str:
    """A label as a part of a file's name: with '_' for what `require_name` refuses, and short."""
    return re.sub(r"[^A-Za-z0-9_.@:+-]+", "_", label)[:longest].strip(".-") or "_"
