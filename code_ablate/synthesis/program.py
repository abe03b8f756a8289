"""What a composed program is: inputs, and operations on them, as a graph of values.

program.root.values         # its results for the sample inputs it was tried on
"""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from code_ablate.synthesis.contexts import Context
from code_ablate.synthesis.english import Number, Phrase
from code_ablate.synthesis.grammar import Operation
from code_ablate.synthesis.record_types import RecordType


@dataclass(eq=False)
class Input:
    """An argument of the function that is asked for."""

    name: str
    """Name of the argument."""
    type: str
    """Type in the grammar, such as "Ints"."""
    phrase: Phrase
    """What its value is called in the statement."""
    about: str
    """What it is, to follow its name: 'the weights of the crates, in kilograms'."""
    draw: Callable[[Random], Any]
    """Draws a value."""
    values: list[Any]
    """Sample values: one for each trial."""
    stands_for: "Constant | None" = None
    """The constant of the program that it takes the place of."""


Maker = Callable[[Context, Random], tuple[Input, tuple[str, ...]]]
"""Makes an argument in a context, without sample values, and sentences that set the scene."""


@dataclass(eq=False)
class Constant:
    """A number or string that an operation is given."""

    value: Any
    """The number or string."""
    low: int = 0
    """Least value of an argument in its place; see `high`."""
    high: int = 0
    """The range that an argument in its place is drawn from; equal: it stays a constant."""
    noun: str = ""
    """Name of such an argument."""
    lifted: Input | None = None
    """That argument."""

    @property
    def number(self) -> Number:
        """How it is written in the statement."""
        return Number(self.value, self.lifted.name if self.lifted else "")

    @property
    def tree(self) -> ast.expr:
        """How it is written in the program."""
        if self.lifted:
            return ast.Name(self.lifted.name, ast.Load())
        if isinstance(self.value, int) and self.value < 0:
            return ast.UnaryOp(ast.USub(), ast.Constant(-self.value))
        return ast.Constant(self.value)

    def at(self, trial: int) -> Any:
        """Its value in one trial."""
        return self.lifted.values[trial] if self.lifted else self.value


@dataclass(eq=False)
class Function:
    """A test, key or label of an element, with its constants."""

    kind: str
    """"Test", "Key" or "Label"."""
    one: str
    """Template: a verb in the singular, or a noun in the singular."""
    many: str
    """Template: a verb in the plural, or a noun in the plural, or a phrase with {xs}."""
    adjective: str
    """The test in one word, to stand before a noun; empty where there is none."""
    names: tuple[str, ...]
    """Words that variables are named by which hold what it gives or lets pass."""
    apply: Callable[[ast.expr], ast.expr]
    """The tree of its value for the tree of an element."""
    python: Callable[..., Any]
    """The function itself: of the element, then of the constants."""
    constants: Mapping[str, Constant] = field(default_factory=dict)
    """Its constants, by name."""
    imports: frozenset[str] = frozenset()
    """Import statements that it needs."""
    parts: tuple[str, ...] = ()
    """Names of the operations it is made of."""

    def at(self, trial: int) -> Callable[[Any], Any]:
        """It, with its constants as they are in one trial."""
        constants = [constant.at(trial) for constant in self.constants.values()]
        return lambda x: self.python(x, *constants)


@dataclass(eq=False)
class Node:
    """The value of an operation."""

    operation: Operation
    """What computes it."""
    arguments: dict[str, "Node | Input | Function | Constant"]
    """What the operation is given, by the name of the parameter."""
    type: str
    """Type in the grammar, such as "Ints"."""
    values: list[Any]
    """Its values in the trials."""
    name: str = ""
    """The name that the statement gives it; empty if it gives none."""
    form: int = 0
    """Place of the form that the solution written last has, among those of the operation."""

    @property
    def inner(self) -> Iterator["Node | Input"]:
        """The values it is computed from."""
        for argument in self.arguments.values():
            if isinstance(argument, Node | Input):
                yield argument


@dataclass(eq=False)
class Program:
    """What a problem asks for."""

    inputs: list[Input]
    """Arguments of the function."""
    root: Node
    """The value that it returns."""
    record: RecordType | None
    """Type of the records that it works on; None without records."""
    scene: tuple[str, ...]
    """Sentences that set the scene; may be empty."""

    @property
    def nodes(self) -> list[Node]:
        """All values but the inputs, each after those it is computed from."""
        found: dict[int, Node] = {}

        def visit(node: Node | Input) -> None:
            if isinstance(node, Node) and id(node) not in found:
                for inner in node.inner:
                    visit(inner)
                found[id(node)] = node

        visit(self.root)
        return list(found.values())

    @property
    def operations(self) -> list[str]:
        """Names of the operations, with those of tests and keys."""
        names = []
        for node in self.nodes:
            names.append(node.operation.name)
            for argument in node.arguments.values():
                if isinstance(argument, Function):
                    names += argument.parts
        return names

    def uses(self) -> Mapping[int, int]:
        """How many operations use each value, by the value's id()."""
        counts: dict[int, int] = {}
        for node in self.nodes:
            for inner in node.inner:
                counts[id(inner)] = counts.get(id(inner), 0) + 1
        return counts


def has_idle_step(program: "Program") -> bool:
    """Whether the result stays the same in all trials when one of the steps is left out.

    Sorting what is only added up is such a step: nobody would ask for it.
    """
    trials = range(len(program.root.values))
    for idle in program.nodes:
        inner = next(idle.inner)
        if idle is program.root or inner.type != idle.type:
            continue
        values: dict[int, list[Any]] = {id(idle): inner.values}
        for node in program.nodes:
            if id(node) not in values and any(id(i) in values for i in node.inner):
                changed: dict[str, Any] = {
                    name: _Stand(values[id(a)]) if id(a) in values else a
                    for name, a in node.arguments.items()
                }
                try:
                    values[id(node)] = evaluate(node.operation, changed, trials)
                except MemoryError:  # of the machine: no draw may depend on it
                    raise
                except Exception:  # without the step it cannot be worked out
                    break
        if repr(values.get(id(program.root))) == repr(program.root.values):
            return True
    return False


@dataclass(eq=False)
class _Stand:
    """Values in the place of those of a node."""

    values: list[Any]


def evaluate(
    operation: Operation,
    arguments: Mapping[str, "Node | Input | Function | Constant"],
    trials: Sequence[int],
) -> list[Any]:
    """Values of an operation in the trials. Raises what the operation raises."""
    results = []
    for trial in trials:
        values = []
        for name in operation.forms[0].parameters:
            argument = arguments[name]
            if isinstance(argument, Function | Constant):
                values.append(argument.at(trial))
            else:
                values.append(argument.values[trial])
        results.append(operation(*values))
    return results
