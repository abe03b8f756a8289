"""What stands in the tests for objects that live with the candidate.

    stack = proxies.find(wire.Handle(3, None))
    stack.push(1), len(stack), str(stack), stack == other       # each is asked of the candidate

What the program says is believed about its own objects alone. Compared with a plain value, an
object equals nothing; its order, `in` and arithmetic with plain values are asked only where the
reference solution defines that operator (`operators`), so that an object that agrees to everything
does not stand for a number. An instance of a subclass of a built-in type is compared by its
built-in value.
"""

from __future__ import annotations

import collections.abc
import operator

from . import library, operations, program_errors, wire
from .attached import ATTACHED, attached_to

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeGuard


class Remote:
    """An object of the candidate: a function, a class, an instance, an iterator."""

    __slots__ = ("__about__", "__home__", "__number__")

    def __init__(self, number: int, home: Proxies, about: Any):
        for name, value in (("number", number), ("home", home), ("about", about)):
            object.__setattr__(self, f"__{name}__", value)

    def __getattribute__(self, name: str) -> Any:
        if name == "__class__":
            return _class_of(self) or type(self)
        if name == "__deepcopy__":  # which copy.deepcopy asks of the object, not of its type
            return object.__getattribute__(self, name)
        return home_of(self).ask("getattr", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        home_of(self).ask("setattr", self, name, value)

    def __delattr__(self, name: str) -> None:
        home_of(self).ask("delattr", self, name)

    def __call__(self, /, *arguments: Any, **named: Any) -> Any:
        """What the candidate returns."""
        return home_of(self).ask("call", self, *arguments, **named)

    def __iter__(self) -> Any:
        return home_of(self).ask("iter", self)

    def __contains__(self, item: Any) -> bool:
        home = home_of(self)
        if home.number_of(item) is not None or "__contains__" in home.operators:
            return home.ask("contains", self, item) is True
        return any(item is part or item == part for part in iter(self))

    def __eq__(self, other: Any) -> Any:
        home = home_of(self)
        if home.number_of(other) is None:
            return NotImplemented  # the program is not asked about a plain value
        return home.ask("eq", self, other) is True

    def __hash__(self) -> int:
        return home_of(self).ask("hash", self)

    def __bool__(self) -> bool:
        return home_of(self).ask("bool", self) is True

    def __enter__(self) -> Any:
        return home_of(self).ask("enter", self)

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        home = home_of(self)
        if isinstance(error, program_errors.Ended):
            return False
        result = home.ask("exit", self, None if error is None else home.sendable(error))
        return bool(result) and not isinstance(error, AssertionError)

    def __instancecheck__(self, instance: Any) -> bool:
        return home_of(self).ask("isinstance", instance, self) is True

    def __subclasscheck__(self, kind: Any) -> bool:
        return home_of(self).ask("issubclass", kind, self) is True

    def __deepcopy__(self, memo: Any) -> Any:
        return home_of(self).ask("deepcopy", self)

    def __mro_entries__(self, bases: Any) -> tuple:
        raise program_errors.Unusable("the tests derive a class from one of the program")


class Container(Remote):
    """A list, dict, set or the like that the program holds on to, or an instance of a subclass."""

    __slots__ = ()

    def __eq__(self, other: Any) -> Any:
        home = home_of(self)
        if not is_container(other):
            return plain(self) == other
        if _subclass_name(self) or _subclass_name(other):
            return home.ask("eq", self, other) is True
        return plain(self) == plain(other)

    __hash__ = Remote.__hash__

    def __iter__(self) -> Any:
        if _subclass_name(self):
            return home_of(self).ask("iter", self)
        return iter(plain(self))

    def __contains__(self, item: Any) -> bool:
        if _subclass_name(self) and "__contains__" in home_of(self).operators:
            return home_of(self).ask("contains", self, item) is True
        return item in plain(self)


class Sequence(Container):
    """A list or deque: what patterns of sequences match."""

    __slots__ = ()
    __hash__ = Container.__hash__


collections.abc.Sequence.register(Sequence)


def is_container(value: Any) -> TypeGuard[Container]:
    """Whether a value stands for a list, dict, set or the like of the program."""
    return type(value) in (Container, Sequence)


def _slot(name: str) -> Callable[[Any], Any]:
    return vars(Remote)[name].__get__


home_of, _number, _about = _slot("__home__"), _slot("__number__"), _slot("__about__")


def plain(container: Container) -> Any:
    """The value of a container, as exactly its built-in type."""
    return home_of(container).ask("plain", container)


def _subclass_name(container: Container) -> str:
    """Name of the program's own class; "" of exactly a built-in type."""
    _, base, name = _about(container)
    return "" if base.endswith(f".{name}") else name


def _class_of(remote: Remote) -> type | None:
    """What `isinstance` with a built-in type goes by; None for the program's own class."""
    about = _about(remote)
    if about == "class":
        return type
    if not is_container(remote):
        return None
    base = library.value_of(("type", about[1]))
    return type(about[2], (base,), {}) if _subclass_name(remote) else base


def _asked(do: str) -> Any:
    """A special method that is asked, whatever its arguments."""

    def method(self, *arguments: Any) -> Any:
        return home_of(self).ask(do, self, *arguments)

    return method


def _compared(do: str) -> Any:
    """An order: `<` and the like."""

    def method(self, other: Any) -> Any:
        home = home_of(self)
        ordered = any(f"__{name}__" in home.operators for name in operations.ORDER)
        if home.number_of(other) is not None or (ordered and _has_own_operators(self)):
            return home.ask(do, self, other) is True
        if is_container(self):
            return getattr(operator, do)(plain(self), other)
        return NotImplemented

    return method


def _computed(do: str, name: str, *, exchanged: bool = False) -> Any:
    """Arithmetic: `+` and the like; with the sides exchanged, or in place."""

    def method(self, other: Any) -> Any:
        home = home_of(self)
        sides = (other, self) if exchanged else (self, other)
        own = name in home.operators and _has_own_operators(self)
        if home.number_of(other) is not None or own:
            return home.ask(do, *sides)
        if not is_container(self):
            return NotImplemented
        if name.startswith("__i") and do.startswith("i"):
            return home.ask(do, self, other)
        local: Any = getattr(operator, do, None) or getattr(operator, f"{do}_", divmod)
        return local(*(plain(side) if side is self else side for side in sides))

    return method


def _has_own_operators(remote: Remote) -> bool:
    return not is_container(remote) or bool(_subclass_name(remote))


_SEQUENCES = ("builtins.list", "collections.deque")

_ALWAYS_ASKED = (
    "len", "str", "repr", "format", "next", "reversed", "int", "float", "complex", "bytes", "round",
    "dir", "index", "neg", "pos", "invert", "abs", "getitem", "setitem", "delitem", "trunc",
    "floor", "ceil", "copy",
)  # fmt: skip
"""Special methods that give what the object has to say, about no value of the tests."""


def _arithmetic() -> dict[str, Any]:
    """The special methods of arithmetic, by name."""
    methods = {}
    for do in operations.ARITHMETIC:
        methods[f"__{do}__"] = _computed(do, f"__{do}__")
        methods[f"__r{do}__"] = _computed(do, f"__r{do}__", exchanged=True)
    for do in operations.IN_PLACE:
        methods[f"__i{do}__"] = _computed(f"i{do}", f"__i{do}__")
    return methods


for _do in _ALWAYS_ASKED:
    setattr(Remote, f"__{_do}__", _asked(_do))
for _do in operations.ORDER:
    setattr(Remote, f"__{_do}__", _compared(_do))
for _name, _method in _arithmetic().items():
    setattr(Remote, _name, _method)


class Proxies:
    """Makes what stands for an object, one for each, and knows which object that is."""

    def __init__(self, ask: Callable[..., Any], operators: frozenset[str] = frozenset()):
        self.ask, self.operators = ask, operators
        self._by_number: dict[int, Any] = {}

    def find(self, handle: wire.Handle) -> Any:
        """What stands for the object. The same for the same object."""
        if handle.number not in self._by_number:
            self._by_number[handle.number] = self._made(handle.number, handle.about)
        return self._by_number[handle.number]

    def _made(self, number: int, about: Any) -> Any:
        match about:
            case ("error class", str(name), str(origin), tuple(bases)):
                return program_errors.error_class(number, self, name, origin, bases)
            case ("error", kind, tuple(arguments), str(said), cause):
                return program_errors.error(number, kind, arguments, said, cause)
            case ("container", str(base), str(_)) if base in library.MUTABLE:
                kind = Sequence if base in _SEQUENCES else Container
                return kind(number, self, about)
            case ("value", value) if type(value) in ATTACHED:
                made = ATTACHED[type(value)](value)
                object.__getattribute__(made, "__dict__")["__object__"] = (number, self)
                return made
            case None | "class":
                return Remote(number, self, about)
        raise wire.Malformed("an object of no kind")

    def number_of(self, value: Any) -> int | None:
        """The number of the object that a value stands for; None of a plain value."""
        kind = type(value)
        if kind is Remote or is_container(value):
            return _number(value)
        if kind in ATTACHED.values():
            return attached_to(value)[0]
        return program_errors.number_of(value)

    def sendable(self, error: BaseException) -> BaseException:
        """An exception of the tests, for the program to see: without what the tests expected."""
        if program_errors.number_of(error) is not None:
            return error
        kind: Any = next(kind for kind in type(error).__mro__ if kind in library.ERRORS.values())
        return kind() if issubclass(kind, AssertionError) else kind(*error.args)
