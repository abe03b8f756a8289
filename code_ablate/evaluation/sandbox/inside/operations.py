"""What the driver can ask of the candidate's objects, by name: Python's own operators.

    OPERATIONS["len"]([1, 2])       # 2

The table is made before the program runs, so that a program that changes `builtins` changes no
entry of it.
"""

from __future__ import annotations

import builtins
import copy
import operator

from . import objects

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ARITHMETIC = (
    "add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "divmod", "pow", "lshift",
    "rshift", "and", "xor", "or",
)  # fmt: skip
"""Arithmetic, by the names of the special methods."""
IN_PLACE = tuple(name for name in ARITHMETIC if name != "divmod")
ORDER = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}
"""Comparison: the same with its sides exchanged."""

_STANDARD_METACLASSES = {"builtins", "abc", "typing", "enum"}


def _equal(one: Any, other: Any) -> bool:
    """Whether two objects of the program are equal, as it says.

    Raises AssertionError for those that equal whatever they are compared with.
    """
    if not one == other:  # noqa: SIM201 - `!=` is another method
        return False
    if one is not other and (_equals_anything(one) or _equals_anything(other)):
        raise AssertionError("objects of the program equal everything")
    return True


def _equals_anything(value: Any) -> bool:
    try:
        return bool(value == object())
    except Exception:  # it looks for attributes of its own class
        return False


def _is_instance(value: Any, kinds: Any) -> bool:
    """`isinstance`, but a metaclass of the program's own is not asked."""
    if type(kinds) is tuple:
        return any(_is_instance(value, kind) for kind in kinds)
    if type(type(kinds)) is type and type(kinds).__module__ not in _STANDARD_METACLASSES:
        return type.__instancecheck__(kinds, value)
    return isinstance(value, kinds)


def _is_subclass(kind: Any, kinds: Any) -> bool:
    """`issubclass`, but a metaclass of the program's own is not asked."""
    if type(kinds) is tuple:
        return any(_is_subclass(kind, each) for each in kinds)
    if type(kinds).__module__ not in _STANDARD_METACLASSES:
        return type.__subclasscheck__(kinds, kind)
    return issubclass(kind, kinds)


def _enter(manager: Any) -> Any:
    return type(manager).__enter__(manager)


def _exit(manager: Any, error: BaseException | None) -> Any:
    trace = error.__traceback__ if error else None
    return type(manager).__exit__(manager, type(error) if error else None, error, trace)


def _get(value: Any, name: str) -> Any:
    return getattr(value, name)


def _call(function: Any, /, *arguments: Any, **named: Any) -> Any:
    return function(*arguments, **named)


_NAMED = (
    "len", "str", "repr", "format", "hash", "bool", "iter", "next", "reversed", "int", "float",
    "complex", "bytes", "round", "dir", "callable", "divmod", "pow", "abs", "type", "setattr",
    "delattr",
)  # fmt: skip
_OPERATORS = (
    "getitem", "setitem", "delitem", "contains", "index", "lt", "le", "gt", "ge", "add", "sub",
    "mul", "matmul", "truediv", "floordiv", "mod", "lshift", "rshift", "and_", "xor", "or_", "neg",
    "pos", "invert",
)  # fmt: skip

OPERATIONS: dict[str, Any] = {
    **{name: getattr(builtins, name) for name in _NAMED},
    **{name.rstrip("_"): getattr(operator, name) for name in _OPERATORS},
    **{f"i{name}": getattr(operator, f"i{name}") for name in IN_PLACE},
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "global": _get,
    "set global": setattr,
    "getattr": _get,
    "call": _call,
    "eq": _equal,
    "isinstance": _is_instance,
    "issubclass": _is_subclass,
    "enter": _enter,
    "exit": _exit,
    "plain": objects.plain,
    "trunc": lambda value: value.__trunc__(),
    "floor": lambda value: value.__floor__(),
    "ceil": lambda value: value.__ceil__(),
}

GIVE_WHAT_IS_HELD = {"global", "getattr", "getitem", *(f"i{name}" for name in IN_PLACE)}
"""Operations whose result the program holds on to: a list that comes of them is not copied."""
