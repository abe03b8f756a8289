"""Brings the arguments of a call up to what the call made of them, as if they had been passed.

update(numbers, [1, 2, 3])          # the same list, with other numbers
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def update(value: Any, after: Any) -> None:
    """Changes lists, dicts, sets and the like within `value` to what they are in `after`.

    They stay the same objects, so that the tests see the change wherever they hold them.
    """
    if type(value) is not type(after):
        return
    if isinstance(value, tuple):
        for part, part_after in zip(value, after, strict=False):
            update(part, part_after)
    elif isinstance(value, dict):
        items = {key: _updated(value.get(key), item) for key, item in after.items()}
        value.clear()
        value.update(items)
    elif isinstance(value, set):
        value.clear()
        value.update(after)
    elif isinstance(value, bytearray):
        value[:] = after
    elif isinstance(value, list) or type(value).__name__ == "deque":
        old = list(value)
        parts = [
            _updated(old[place] if place < len(old) else None, part)
            for place, part in enumerate(after)
        ]
        value.clear()
        value.extend(parts)


def _updated(value: Any, after: Any) -> Any:
    """The same object if it can be changed to what it is afterwards, else the new one."""
    if type(value) is type(after) and isinstance(value, list | dict | set | bytearray):
        update(value, after)
        return value
    return after
