"""Exceptions in the tests: those of the program's own classes, and those of the sandbox itself.

kind = error_class(7, home, "Overdrawn", "solution.Overdrawn", (ValueError,))
try: ...
except kind as error: error.balance        # asked of the candidate's exception
"""

from __future__ import annotations

import sys

from . import library, objects

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Ended(BaseException):
    """The candidate can be asked no more. Not an Exception: tests may not catch it."""


class Unusable(BaseException):
    """The tests do what cannot be done here. Not an Exception: tests may not catch it."""


class ErrorType(type):
    """The class of what stands for the program's exception classes: real classes, for `except`."""

    def __call__(cls, /, *arguments: Any, **named: Any) -> Any:
        """An exception that the program makes."""
        return _home(cls).ask("call", cls, *arguments, **named)

    def __getattr__(cls, name: str) -> Any:
        return _home(cls).ask("getattr", cls, name)


def error_class(number: int, home: Any, name: str, origin: str, bases: tuple) -> type:
    """What stands for an exception class of the program; the standard library's own is itself."""
    known = _loaded(origin)
    if known is not None:
        return known
    kinds = tuple(b for b in bases if isinstance(b, type) and issubclass(b, BaseException))
    members = {
        "__object__": (number, home),
        "__getattr__": _attribute,
        "__str__": lambda self: self.__dict__["__said__"],
        "__repr__": lambda self: _home(type(self)).ask("repr", self),
    }
    try:
        return ErrorType(name, kinds or (Exception,), members)
    except TypeError:  # built-in classes that do not go together here
        return ErrorType(name, kinds[:1], members)


def _loaded(origin: str) -> type | None:
    """The standard library's exception, if it is loaded: else no test can name it."""
    module, _, name = origin.rpartition(".")
    if module == "builtins":
        return library.ERRORS.get(name)
    if module.partition(".")[0] not in sys.stdlib_module_names:
        return None
    kind = getattr(sys.modules.get(module), name, None)
    return kind if isinstance(kind, type) and issubclass(kind, BaseException) else None


def error(number: int, kind: Any, arguments: tuple, said: str, cause: Any) -> BaseException:
    """What stands for an exception of the program. Raises TypeError for what is none."""
    if not (isinstance(kind, type) and issubclass(kind, BaseException)):
        raise TypeError("an exception of no class")
    create: Any = kind.__new__
    if type(kind) is ErrorType:
        made = create(kind, *arguments)
        made.__dict__.update(__said__=said, __object__=number)
    else:  # the standard library's
        made = create(kind, said)
    made.args = arguments
    if isinstance(cause, BaseException):
        made.__cause__ = cause
    return made


def number_of(value: Any) -> int | None:
    """The number of the program's exception, or exception class, that a value stands for."""
    if type(value) is ErrorType:
        return value.__dict__["__object__"][0]
    if type(type(value)) is ErrorType:
        return value.__dict__["__object__"]
    return None


def _home(kind: Any) -> Any:
    return type.__getattribute__(kind, "__dict__")["__object__"][1]


def _attribute(self: Any, name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return _home(type(self)).ask("getattr", self, name)


def described(error: BaseException) -> str:
    """The exception in a line of at most some 300 characters."""
    said = objects.message(error)
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
