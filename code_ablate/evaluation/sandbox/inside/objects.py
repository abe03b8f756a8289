"""The candidate's objects that the tests use: kept under numbers, and what is said of each.

    handle = kept.keep(stack)       # wire.Handle(3, None); kept.objects[3] is the stack

What is said of an object ("about") is plain and decides which of its operations the driver can do
by itself, by value: `proxies` is the other side of it.
"""

from __future__ import annotations

from . import library, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Kept:
    """Objects by number. They are kept to the end, so that no other object takes over an id."""

    def __init__(self) -> None:
        self.objects: list[Any] = []
        self._numbers: dict[int, int] = {}

    def keep(self, value: Any) -> wire.Handle:
        """The handle of an object; the same number for the same object."""
        return wire.Handle(self._number(value), about(value))

    def held(self, value: Any) -> Any:
        """A handle of a value that changes, such as a list; else the value."""
        if library.name_of(type(value)) in library.MUTABLE:
            return wire.Handle(self._number(value), ("container", library.name_of(type(value)), ""))
        return value

    def _number(self, value: Any) -> int:
        if id(value) not in self._numbers:
            self._numbers[id(value)] = len(self.objects)
            self.objects.append(value)
        return self._numbers[id(value)]


def about(value: Any) -> Any:
    """What the driver has to know of an object.

    ("error class", name, bases), ("error", class, arguments, message, cause), "class",
    ("value", built-in value), ("container", built-in type, name of the class), or None.
    """
    kind = type(value)
    if issubclass(kind, type):
        if issubclass(value, BaseException):
            bases = tuple(base for base in value.__bases__ if issubclass(base, BaseException))
            origin = f"{value.__module__}.{value.__qualname__}"
            return ("error class", value.__name__, origin, bases)
        return "class"
    if issubclass(kind, BaseException):
        return ("error", kind, value.args, message(value), value.__cause__)
    for base in kind.__mro__:
        if base in library.IMMUTABLE:
            return ("value", _built_in(base, value))
        if library.name_of(base) in library.MUTABLE:
            return ("container", library.name_of(base), kind.__name__)
    return None


def _built_in(base: Any, value: Any) -> Any:
    """The value of exactly the built-in type, whatever methods the subclass has."""
    if base is int:
        return int.__index__(value)
    if base is float:
        return float.__float__(value)
    if base is complex:
        return complex.__complex__(value)
    if base is str:
        return str.__str__(value)
    if base is bytes:
        return bytes.__bytes__(value)
    return base(base.__iter__(value))


def plain(value: Any) -> Any:
    """A list, dict, deque or the like as exactly that type, whatever methods its subclass has."""
    kinds: Any = type(value).__mro__
    base = next(kind for kind in kinds if library.name_of(kind) in library.MUTABLE)
    name = library.name_of(base)
    if issubclass(base, dict):
        items = dict(dict.items(value))
        if name == "collections.defaultdict":
            return base(value.default_factory, items)
        return base(items)
    if name == "collections.deque":
        return base(base.__iter__(value), value.maxlen)
    return base(base.__iter__(value))


def message(error: BaseException) -> str:
    """What the exception says, in at most 300 characters."""
    try:
        return str.__str__(str(error))[:300]
    except BaseException:  # a program's own exception may fail to describe itself
        return ""
