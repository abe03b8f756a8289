"""Text from outside, for a terminal: what would move the cursor or hide text is made visible.

print(shown(document))      # 'a\\x1b[2Jb', and not a cleared screen
"""

import re

_HARMFUL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, but for tab and line feed; escape is one of them
    "\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"  # direction of writing
    "\ud800-\udfff]"  # halves of surrogate pairs, which no terminal can be sent
)


def shown(text: str) -> str:
    """`text` with harmful characters as escapes of Python; tabs and line feeds stay."""
    return _HARMFUL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def storable(text: str) -> str:
    """`text` with U+FFFD for halves of surrogate pairs, which no encoding can hold."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)
