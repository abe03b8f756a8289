"""Values of configuration, checked against their annotations before anything is made of them.

    @checked
    @dataclass(frozen=True)
    class Schedule:
        peak: Positive = 1e-3
        shape: Annotated[str, OneOf(("cosine", "linear"))] = "cosine"

    Schedule(peak="1e-3")   # UserError: Schedule.peak is '1e-3': it must be a number above 0.

Types are strict: a bool is no number, text is no number, and no number is infinite. What loses
nothing is converted: 1e9 to a whole number, a list to a tuple, a path to text, NumPy's
numbers to Python's.
pydantic checks; the classes stay plain dataclasses, and the functions plain functions.
"""

import dataclasses
import difflib
import functools
import inspect
import os
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import numpy as np
import pydantic
from annotated_types import Ge, Gt, Le, Lt

from code_ablate.errors import UserError
from code_ablate.shown import brief

LARGEST = 2**53
"""Largest whole number, in either direction: up to here floats are exact."""

PositiveInt = Annotated[int, Ge(1)]
NonNegativeInt = Annotated[int, Ge(0)]
Seed = Annotated[int, Ge(0), Lt(2**31)]
Positive = Annotated[float, Gt(0)]
NonNegative = Annotated[float, Ge(0)]
Share = Annotated[float, Ge(0), Le(1)]

_STRICT = pydantic.ConfigDict(strict=True, arbitrary_types_allowed=True, allow_inf_nan=False)

T = TypeVar("T")


@dataclass(frozen=True)
class OneOf:
    """In an annotation: the names that are allowed."""

    choices: tuple[str, ...]
    """All of them."""


@dataclass(frozen=True)
class Given:
    """In an annotation: what may be given, where `__post_init__` makes the declared type of it."""

    annotation: Any
    """The annotation of what may be given."""


class FieldError(UserError):
    """A value that its field does not allow."""

    def __init__(self, owner: str, field: str, message: str):
        super().__init__(message)
        self.owner, self.field = owner, field
        """Class or function, and field or parameter, as gin names them."""


def checked(thing: T) -> T:
    """A dataclass or function whose arguments are checked, and converted, before it is called.

    Raises FieldError for the first argument that its annotation does not allow, or that is missing.
    """
    is_class = isinstance(thing, type)
    function: Callable = thing.__init__ if is_class else thing  # type: ignore[misc, assignment]
    signature = inspect.signature(function)
    name = thing.__name__  # type: ignore[attr-defined]

    @functools.wraps(function)
    def call(*args, **kwargs):
        return function(*args[:is_class], **_arguments(thing, name, signature, args, kwargs))

    # gin reads this one: it does not look behind a wrapper.
    call.__signature__ = signature  # type: ignore[attr-defined]
    if not is_class:
        return call  # type: ignore[return-value]
    thing.__init__ = call  # type: ignore[misc]
    return thing


def _arguments(thing: Any, name: str, signature: inspect.Signature, args, kwargs) -> dict[str, Any]:
    """The arguments by name, checked; defaults are left to the function."""
    given = signature.bind_partial(*args, **kwargs).arguments
    given.pop("self", None)
    for parameter in signature.parameters.values():
        missing = parameter.default is inspect.Parameter.empty and parameter.name not in given
        if missing and parameter.name != "self":
            raise FieldError(name, parameter.name, _missing(name, parameter.name))
    return {field: _check(thing, name, field, value) for field, value in given.items()}


def _missing(owner: str, field: str) -> str:
    if field == "setting":  # of a recipe
        return f"{owner} was called without a setting: in gin write @{owner}, without ()."
    return f"{owner}.{field} is not set, and has no default: set it."


def _check(thing: Any, owner: str, field: str, value: Any) -> Any:
    annotation = annotations(thing)[field]
    try:
        return _validator(thing, field).validate_python(value)
    except pydantic.ValidationError:
        pass
    message = f"{owner}.{field} is {brief(value)}: it must be {describe(annotation)}."
    raise FieldError(owner, field, message + _hint(annotation, value))


@functools.cache
def annotations(thing: Any) -> dict[str, Any]:
    """The annotations of the fields of a dataclass, or of the parameters of a function."""
    return typing.get_type_hints(inspect.unwrap(thing), include_extras=True)


@functools.cache
def _validator(thing: Any, field: str) -> pydantic.TypeAdapter:
    return pydantic.TypeAdapter(_strict(annotations(thing)[field]), config=_STRICT)


def _strict(annotation: Any) -> Any:
    """The annotation as pydantic has to see it: with our conversions, and instances left alone."""
    given = find(annotation, Given)
    if given:
        return _strict(given.annotation)
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        choices = find(annotation, OneOf)
        extras = [part for part in parts[1:] if not isinstance(part, OneOf)]
        if choices:
            extras.append(pydantic.AfterValidator(_require_choice(choices.choices)))
        return Annotated[(_strict(parts[0]), *extras)]
    if origin in (typing.Union, types.UnionType):
        return typing.Union[tuple(_strict(part) for part in parts)]  # noqa: UP007
    if origin is tuple:
        inner = (part if part is Ellipsis else _strict(part) for part in parts)
        return Annotated[(origin[tuple(inner)], pydantic.BeforeValidator(_tuple))]
    if origin is not None and origin is not Callable and parts:
        return origin[tuple(_strict(part) for part in parts)]
    convert = {int: _whole, float: _plain, str: _text}.get(annotation)
    if convert:
        return Annotated[annotation, pydantic.BeforeValidator(convert)]
    if dataclasses.is_dataclass(annotation):  # pydantic would look into it, and make a copy
        return Annotated[Any, pydantic.AfterValidator(_require_instance(annotation))]
    return annotation


def _require_choice(choices: tuple[str, ...]) -> Callable[[str], str]:
    def require(value: str) -> str:
        if value not in choices:
            raise ValueError("not among the choices")
        return value

    return require


def _require_instance(cls: Any) -> Callable[[Any], Any]:
    def require(value: Any) -> Any:
        if not isinstance(value, cls):
            raise ValueError("of another class")
        return value

    return require


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.integer | np.floating) else value


def _whole(value: Any) -> Any:
    value = _plain(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and abs(value) > LARGEST:
        raise ValueError("too large")
    return value


def _text(value: Any) -> Any:
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def find(annotation: Any, kind: type[T]) -> T | None:
    """What an annotation says of this kind, e.g. its bounds; looks into unions, not deeper."""
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return next((part for part in parts[1:] if isinstance(part, kind)), None)
    if origin in (typing.Union, types.UnionType):
        return next((found for part in parts if (found := find(part, kind))), None)
    return None


def describe(annotation: Any) -> str:
    """What an annotation allows, as it stands behind "must be"."""
    given = find(annotation, Given)
    if given:
        return describe(given.annotation)
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        choices = find(annotation, OneOf)
        if choices:
            return f"one of {', '.join(map(repr, choices.choices))}"
        return " ".join(filter(None, (describe(parts[0]), _bounds(annotation))))
    if origin in (typing.Union, types.UnionType):
        return " or ".join(describe(part) for part in parts)
    if origin is tuple:
        return f"a tuple of items that are each {describe(parts[0])}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"a mapping {{{describe(parts[0])}: {describe(parts[1])}}}"
    if origin is Callable:
        return "a function"
    plain = {int: "a whole number", float: "a finite number", bool: "True or False", str: "text"}
    if annotation in (None, type(None)):
        return "None"
    if annotation is Any:
        return "any value"
    return plain.get(annotation) or f"a {annotation.__name__}"


def _bounds(annotation: Any) -> str:
    """The bounds of a number: "of 1 or more", "above 0", "from 0 to 1"."""
    least, most = find(annotation, Ge), find(annotation, Le)
    above, below = find(annotation, Gt), find(annotation, Lt)
    if least and most:
        return f"from {least.ge:,} to {most.le:,}"
    words = [
        f"of {least.ge:,} or more" if least else "",
        f"above {above.gt:,}" if above else "",
        f"of at most {most.le:,}" if most else "",
        f"below {below.lt:,}" if below else "",
    ]
    return " and ".join(filter(None, words))


def allowed(annotation: Any) -> str:
    """Bounds or choices alone, for a table; empty if the type says it all."""
    choices = find(annotation, OneOf)
    if choices:
        return ", ".join(choices.choices)
    for part in (annotation, *typing.get_args(annotation)):
        if typing.get_origin(part) is Annotated and _bounds(part):
            return _bounds(part).removeprefix("of ").replace("and of", "and")
    return ""


def _hint(annotation: Any, value: Any) -> str:
    """What was probably meant."""
    if isinstance(value, int | float) and abs(value) > LARGEST and int in _leaves(annotation):
        return f" The largest is {LARGEST:,}."
    if callable(value) and describe(annotation).startswith("a tuple"):
        return f" For one item write ({_in_gin(value)},)."
    if callable(value) and any(map(dataclasses.is_dataclass, _leaves(annotation))):
        return " In gin an instance is written with (): @Name()."
    choices = find(annotation, OneOf)
    close = choices and difflib.get_close_matches(str(value), choices.choices, n=1)
    if close:
        return f" Did you mean {close[0]!r}?"
    if isinstance(value, str) and "a tuple" in describe(annotation):
        return f" For one item write ({value!r},)."
    return ""


def _in_gin(value: Any) -> str:
    return f"@{getattr(value, '__name__', 'Name')}"


def _leaves(annotation: Any) -> list[Any]:
    """The types that an annotation is made of."""
    given = find(annotation, Given)
    if given:
        return _leaves(given.annotation)
    parts = typing.get_args(annotation)
    return [leaf for part in parts for leaf in _leaves(part)] if parts else [annotation]
