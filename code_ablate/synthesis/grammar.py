"""The typed grammar: operations, and the tests and keys that they are given.

    @operation("the sum of {xs}", names="total sum")
    def total(xs: Ints) -> Int:
        return sum(xs)

    @total.form
    def _(xs):
        result = 0
        for x in xs:
            result += x
        return result

An operation is a Python function: its annotations are its type in the grammar, its source is what
programs are built of, and it runs as it stands when a program is tried while it is composed. The
forms of an operation compute the same in other ways; of two different forms of everything a second
solution is made. A template of English may name an argument ({xs}), its elements ({xs.item},
{xs.items}), its noun without an article ({xs.bare}), and constants ({k}, {k:step}, {k:th}).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from code_ablate.synthesis.syntax import Form, read_form

Int = int
Bool = bool
Word = str
Text = str
Mark = str
"""A string that nothing more is asked of."""
Ints = list[int]
Nats = list[int]
"""Ints that are never negative."""
Words = list[str]
Records = list[Any]
Items = list[Any]
"""Ints, Words or Records."""
Tally = dict[str, int]
Groups = dict[str, list[int]]
Index = dict[str, list[str]]
Pairs = list[tuple[str, int]]
Ranking = list[tuple[str, int]]
Grid = list[list[int]]
Board = list[str]
Links = dict[str, list[str]]
Roads = list[tuple[str, str, int]]
Spans = list[tuple[int, int]]
Runs = list[tuple[int, int]]
Nested = list[Any]
Tree = tuple[Any, ...] | None
Moves = str
"""Moves of a walker: letters out of NSEW."""
Log = list[str]
Clock = list[str]
Natural = int
Packed = str
Formula = str
Any_ = Any

Test = Callable[[Any], bool]
"""A test of an element."""
Key = Callable[[Any], int]
"""A number that an element has."""
Label = Callable[[Any], str]
"""A string that an element has."""

FUNCTION_TYPES = ("Test", "Key", "Label")

ELEMENTS = {"Ints": "Int", "Words": "Word", "Records": "Record"}
"""Type of a list -> type of its elements."""

ANNOTATIONS = {
    "Int": "int",
    "Bool": "bool",
    "Word": "str",
    "Mark": "str",
    "Codes": "list[str]",
    "Text": "str",
    "Ints": "list[int]",
    "Words": "list[str]",
    "Tally": "dict[str, int]",
    "Groups": "dict[str, list[int]]",
    "Index": "dict[str, list[str]]",
    "Pairs": "list[tuple[str, int]]",
    "Ranking": "list[tuple[str, int]]",
    "Grid": "list[list[int]]",
    "Board": "list[str]",
    "Links": "dict[str, list[str]]",
    "Roads": "list[tuple[str, str, int]]",
    "Spans": "list[tuple[int, int]]",
    "Runs": "list[tuple[int, int]]",
    "Nested": "list",
    "Tree": "tuple | None",
    "Moves": "str",
    "Log": "list[str]",
    "Clock": "list[str]",
    "Natural": "int",
    "Packed": "str",
    "Formula": "str",
}
"""Type in the grammar -> how Python writes it."""

LEVEL, LETTER, SEEN = "level", "letter", "seen"
"""Constants drawn from what the sample values are: a number in their range, a letter in one, one
of the elements."""

Draw = tuple[int, int] | str | Sequence[Any]
"""How a constant is drawn: between two integers, by one of the rules above, or out of a list."""


@dataclass
class Operation:
    """Something to compute, in several forms, with its wordings."""

    name: str
    """Its own name: that of its first function."""

    room: str
    """The module it stands in: the family it counts to."""

    takes: Mapping[str, str]
    """Argument -> its type in the grammar, constants left out."""

    constants: Mapping[str, Draw]
    """Argument -> how its constant is drawn."""

    gives: str
    """The type of its result."""

    says: tuple[str, ...]
    """Wordings of the result, as templates."""

    does: tuple[str, ...]
    """Wordings of what is done, in the imperative, as templates; may be empty."""

    names: tuple[str, ...]
    """Names for a variable or function that holds or computes it."""

    item: str
    """What an element of the result is called, as a template; empty: as in the first argument."""

    adjective: str
    """Adjective that says the same as a test; empty if there is none."""

    functions: list[Callable]
    """The forms as functions that run."""

    forms: list[Form]
    """The forms as syntax trees."""

    weight: float
    """How often it is chosen, beside 1."""

    properties: list[tuple[Form, Callable]] = field(default_factory=list)
    """Functions of the arguments and the result that must be true."""

    def form(self, function: Callable) -> Callable:
        """Adds a form. A decorator."""
        self.functions.append(function)
        self.forms.append(read_form(function, self.name))
        return function

    def holds(self, function: Callable) -> Callable:
        """Adds a property: a function of the arguments, then of the result. A decorator."""
        self.properties.append((read_form(function), function))
        return function

    def __call__(self, *arguments: Any) -> Any:
        """Computes it."""
        return self.functions[0](*arguments)


OPERATIONS: dict[str, Operation] = {}
"""All operations on values, by name."""

ELEMENTARY: dict[tuple[str, str], dict[str, Operation]] = {}
"""(type of an element, 'Test', 'Key' or 'Label') -> what can be asked of it, by name."""


def operation(
    *says: str,
    does: str | tuple[str, ...] = (),
    names: str = "",
    item: str = "",
    weight: float = 1.0,
    **constants: Draw,
) -> Callable[[Callable], Operation]:
    """Registers the function below as an operation. Arguments given here are its constants."""

    def register(function: Callable) -> Operation:
        made = _made(function, says, does, names, item, "", weight, constants)
        _add(OPERATIONS, made)
        return made

    return register


def elementary(
    *says: str, names: str = "", adjective: str = "", weight: float = 1.0, **constants: Draw
) -> Callable[[Callable], Operation]:
    """Registers the function below as a test, a key or a label of an element, by its types.

    The first wording of a test is a verb in the plural ("are even"), the second in the singular;
    those of a key or label are a noun in the singular and in the plural.
    """

    def register(function: Callable) -> Operation:
        made = _made(function, says, (), names, "", adjective, weight, constants)
        kind = {"Bool": "Test", "Int": "Key", "Word": "Label"}[made.gives]
        [element] = made.takes.values()
        _add(ELEMENTARY.setdefault((element, kind), {}), made)
        return made

    return register


def _add(table: dict[str, Operation], made: Operation) -> None:
    if made.name in table:
        raise ValueError(f"two operations are called {made.name}: {made.room}")
    table[made.name] = made


def _made(
    function: Callable,
    says: Sequence[str],
    does: str | Sequence[str],
    names: str,
    item: str,
    adjective: str,
    weight: float,
    constants: Mapping[str, Draw],
) -> Operation:
    notes = {name: _type_name(note) for name, note in function.__annotations__.items()}
    return Operation(
        name=function.__name__,
        room=function.__module__.rpartition(".")[2],
        takes={n: t for n, t in notes.items() if n not in constants and n != "return"},
        constants=dict(constants),
        gives=notes["return"],
        says=tuple(says),
        does=(does,) if isinstance(does, str) else tuple(does),
        names=tuple(names.split()) or (function.__name__,),
        item=item,
        adjective=adjective,
        functions=[function],
        forms=[read_form(function)],
        weight=weight,
    )


def _type_name(annotation: Any) -> str:
    if not isinstance(annotation, str):
        raise TypeError("modules of operations need `from __future__ import annotations`")
    return annotation
