"""Names that users give: those that name files and folders, and those that are only shown.

    require_name("Study.name", "small-models")      # UserError for "../x"
    require_label("Side.name", "code and markup")   # UserError for control characters
    file_part("code and markup")                    # "code_and_markup"

A name of the first kind may not lead out of its folder, hide its file, or be read as an option.
"""

import re

from code_ablate.errors import UserError
from code_ablate.shown import brief

LONGEST = 100
"""Characters of a name. Files have names of at most 255, and more is put before and behind it."""

LONGEST_LABEL = 200
"""Characters of a name that is only shown."""

_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.@:+-]*[A-Za-z0-9_@:+-])?")


def require_name(kind: str, name: str) -> None:
    """Raises UserError if `name` cannot name a file. `kind`: what it is, such as "Study.name"."""
    if not isinstance(name, str) or len(name) > LONGEST or not _NAME.fullmatch(name):
        raise UserError(
            f"{kind} is {brief(name, 60)}: use 1 to {LONGEST} letters, digits and any of '_ . - @ "
            ": +', a letter, digit or '_' first, and no '.' at the end."
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
