"""Values of a program's own subclasses of built-in types: a member of an IntEnum, a named tuple.

    ATTACHED[int]           # a subclass of int
    attached_to(value)      # the number of the object it belongs to, and where that is asked

Such a value is one of the built-in type, compared and hashed as that. Its attributes, its text and
the operators that the reference solution defines are asked of the program's object.
"""

from __future__ import annotations

from . import library, operations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Attached:
    """What a value has beside it: the object of the program that it belongs to."""

    def __getattribute__(self, name: str) -> Any:
        return attached_to(self)[1].ask("getattr", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        attached_to(self)[1].ask("setattr", self, name, value)

    def __str__(self) -> str:
        return attached_to(self)[1].ask("str", self)

    def __repr__(self) -> str:
        return attached_to(self)[1].ask("repr", self)

    def __format__(self, form: str) -> str:
        return attached_to(self)[1].ask("format", self, form)

    def __call__(self, /, *arguments: Any, **named: Any) -> Any:
        """What the candidate returns."""
        return attached_to(self)[1].ask("call", self, *arguments, **named)


def attached_to(value: Any) -> tuple[int, Any]:
    """The number of the object that a value is attached to, and where it is asked."""
    return object.__getattribute__(value, "__dict__")["__object__"]


def _own_or_built_in(base: type, name: str, do: str, *, exchanged: bool) -> Any:
    built_in = getattr(base, name, None)

    def method(self, *others: Any) -> Any:
        home = attached_to(self)[1]
        if name in home.operators:
            return home.ask(do, *((*others, self) if exchanged else (self, *others)))
        return NotImplemented if built_in is None else built_in(self, *others)

    return method


def _attached_type(base: type) -> type:
    members: dict[str, Any] = {}
    for do in operations.ARITHMETIC:  # in place, Python then takes the operator itself
        for name, exchanged in ((f"__{do}__", False), (f"__r{do}__", True)):
            members[name] = _own_or_built_in(base, name, do, exchanged=exchanged)
    for do in ("len", "getitem", "contains", "bool", "iter", "neg", "abs"):
        if hasattr(base, f"__{do}__"):
            name = f"__{do}__"
            members[name] = _own_or_built_in(base, name, do, exchanged=False)
    return type(f"Attached{base.__name__.title()}", (Attached, base), members)


ATTACHED = {base: _attached_type(base) for base in library.IMMUTABLE}
