"""Values of the standard library's types as plain parts, and back; and names of its functions.

    parts_of(Fraction(1, 2))                        # ("fractions.Fraction", 1, 2)
    value_of(("fractions.Fraction", 1, 2))          # Fraction(1, 2)

Only exact types: an instance of a program's own subclass is an object, not a value. `value_of`
builds the types of TYPES, PLAIN_TYPES and ERRORS and calls nothing else, whatever names arrive.
"""

from __future__ import annotations

import builtins
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def _time_of_day(value: Any) -> tuple:
    return (value.hour, value.minute, value.second, value.microsecond, value.tzinfo, value.fold)


def _built_with_fold(kind: Any, *parts: Any) -> Any:
    return kind(*parts[:-1], fold=parts[-1])


TYPES: dict[str, tuple[Callable[[Any], tuple], Callable[..., Any] | None]] = {
    "builtins.range": (lambda v: (v.start, v.stop, v.step), None),
    "builtins.slice": (lambda v: (v.start, v.stop, v.step), None),
    "builtins.bytearray": (lambda v: (bytes(v),), None),
    "fractions.Fraction": (lambda v: (v.numerator, v.denominator), None),
    "decimal.Decimal": (lambda v: (str(v),), None),
    "datetime.date": (lambda v: (v.year, v.month, v.day), None),
    "datetime.time": (_time_of_day, _built_with_fold),
    "datetime.datetime": (
        lambda v: (v.year, v.month, v.day, *_time_of_day(v)),
        _built_with_fold,
    ),
    "datetime.timedelta": (lambda v: (v.days, v.seconds, v.microseconds), None),
    "datetime.timezone": (lambda v: v.__getinitargs__(), None),
    "zoneinfo.ZoneInfo": (lambda v: (v.key,), None),
    "collections.deque": (lambda v: (list(v), v.maxlen), None),
    "collections.OrderedDict": (lambda v: (list(v.items()),), None),
    "collections.Counter": (lambda v: (dict(v),), None),
    "collections.defaultdict": (lambda v: (v.default_factory, dict(v)), None),
    "uuid.UUID": (lambda v: (str(v),), None),
    "pathlib.PosixPath": (lambda v: (str(v),), None),
    "pathlib.PurePosixPath": (lambda v: (str(v),), None),
}
"""Module and name of a type: its parts, and what builds it of them if not the type itself."""

MUTABLE = {
    "builtins.list", "builtins.dict", "builtins.set", "builtins.bytearray", "collections.deque",
    "collections.OrderedDict", "collections.Counter", "collections.defaultdict",
}  # fmt: skip
"""Types whose values change: where a program holds on to one, the tests get the object itself."""

IMMUTABLE = (int, float, complex, str, bytes, tuple, frozenset)
"""Types of whose subclasses the built-in value crosses with the object."""

PLAIN_TYPES = (bool, *IMMUTABLE, list, dict, set, object, range, slice, bytearray, type(None))
"""Types that a value may name: a factory, what a field must be."""

ERRORS = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type)
    and issubclass(kind, BaseException)
    and not name.endswith(("Group", "EncodeError", "DecodeError", "TranslateError"))
}
"""The built-in exceptions, those that are made of any arguments."""

_CONSTANTS = {"Ellipsis": Ellipsis, "NotImplemented": NotImplemented}
# Kept here, so that a program that changes `builtins` changes nothing.
_ERROR_NAMES = {kind: name for name, kind in ERRORS.items()}
_PLAIN_NAMES = {kind: f"builtins.{kind.__name__}" for kind in PLAIN_TYPES}
_PLAIN = {name: kind for kind, name in _PLAIN_NAMES.items()}


def parts_of(value: Any) -> tuple | None:
    """("kind", parts...) of a value, a type, an exception or a constant; None for other objects."""
    kind = type(value)
    name = name_of(kind)
    if name in TYPES:
        parts = TYPES[name][0](value)
        return (name, *parts) if _can_be_built(parts) else None
    if kind is type:
        name = _ERROR_NAMES.get(value) or name_of(value)
        return ("type", name) if name else None
    if kind in _ERROR_NAMES:
        return ("exception", _ERROR_NAMES[kind], value.args, value.__cause__)
    for name, constant in _CONSTANTS.items():
        if value is constant:
            return ("constant", name)
    return None


def value_of(parts: Any) -> Any:
    """What `parts_of` took apart. Raises TypeError, ValueError, LookupError or ArithmeticError."""
    if type(parts) is not tuple or not parts or type(parts[0]) is not str:
        raise TypeError("a value without a type")
    name, *rest = parts
    if name in TYPES:
        kind, build = _type_named(name), TYPES[name][1]
        return build(kind, *rest) if build else kind(*rest)
    if name == "type":
        return _type_named(*rest)
    if name == "constant":
        return _CONSTANTS[rest[0]]
    if name == "exception":
        return _exception(*rest)
    raise LookupError(f"no type named {name!r}")


def name_of(kind: type) -> str:
    """Module and name of a type of TYPES or PLAIN_TYPES; "" of every other."""
    if kind in _PLAIN_NAMES:
        return _PLAIN_NAMES[kind]
    name = f"{kind.__module__}.{kind.__qualname__}"
    if name not in TYPES:
        return ""
    here = getattr(sys.modules.get(kind.__module__), kind.__qualname__, None)
    return name if here is kind else ""


def reference_to(value: Any) -> tuple | None:
    """("function", module, name) of what the standard library has under a name, else None."""
    owner = getattr(value, "__objclass__", value)  # of str.upper: str
    module, name = getattr(owner, "__module__", None), getattr(value, "__qualname__", None)
    if module == "builtins" and isinstance(value, type) and name not in vars(builtins):
        names = vars(__import__("types")).items()  # a generator's type, a function's
        module, name = "types", next((n for n, kind in names if kind is value), None)
    if type(module) is not str or type(name) is not str:
        return None
    if module.partition(".")[0] not in sys.stdlib_module_names:
        return None
    try:
        return ("function", module, name) if function_named(module, name) is value else None
    except (ImportError, AttributeError):
        return None


def function_named(module: str, name: str) -> Any:
    """What `reference_to` names. Only the candidate takes such names, from the driver."""
    found = __import__(module, fromlist=["_"])
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _can_be_built(parts: tuple) -> bool:
    """False of a time in a program's own time zone: that is an object."""
    return all(not hasattr(part, "utcoffset") or name_of(type(part)) != "" for part in parts)


def _exception(name: Any, arguments: Any, cause: Any) -> BaseException:
    error = ERRORS[name](*arguments)
    if isinstance(cause, BaseException):
        error.__cause__ = cause
    return error


def _type_named(name: Any) -> type:
    if name in _PLAIN:
        return _PLAIN[name]
    if name in ERRORS:
        return ERRORS[name]
    if name not in TYPES:
        raise LookupError(f"no type named {name!r}")
    module, _, last = name.rpartition(".")
    return getattr(__import__(module, fromlist=["_"]), last)
