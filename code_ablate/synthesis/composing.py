"""Programs drawn from the grammar: a chain of operations on an input, with branches.

    program = compose(rng)              # or None, where the walk came to nothing

Each operation is run on sample inputs as soon as it is added. One whose result is the same for
most of them, is empty, or grows without bound is taken back, and another one is tried.
"""

from collections.abc import Sequence
from random import Random
from typing import Any

from code_ablate.synthesis import operations as operations
from code_ablate.synthesis.contexts import CONTEXTS, Context
from code_ablate.synthesis.english import Phrase
from code_ablate.synthesis.functions import constant_noun, draw_constant, draw_function
from code_ablate.synthesis.grammar import ELEMENTS, FUNCTION_TYPES, OPERATIONS, Operation
from code_ablate.synthesis.inputs import TRIALS, amount, make_input, make_records, record_type
from code_ablate.synthesis.program import (
    Constant,
    Function,
    Input,
    Node,
    Program,
    evaluate,
    has_idle_step,
)
from code_ablate.synthesis.record_types import RecordType
from code_ablate.synthesis.seeding import weighted

_STARTS = (
    (3.0, "Ints"), (2.2, "Words"), (4.5, "Records"), (1.6, "Tally"), (1.5, "Pairs"), (1.6, "Text"),
    (1.8, "Grid"), (1.0, "Board"), (1.6, "Links"), (1.1, "Roads"), (1.3, "Spans"), (0.9, "Nested"),
    (1.0, "Tree"), (0.5, "Moves"), (0.9, "Log"), (0.6, "Clock"), (1.2, "Natural"), (0.5, "Packed"),
    (0.6, "Formula"),
)  # fmt: skip
"""Types of the first argument, by weight."""

_ENDS = {
    *("Int", "Bool", "Word", "Mark", "Codes", "Ints", "Words", "Tally", "Groups", "Index"),
    *("Pairs", "Ranking", "Records", "Result", "Grid", "Board", "Spans", "Runs", "Clock"),
    *("Links", "Roads", "Nested", "Tree"),
}
"""Types that a function may return."""

_LENGTHS = ((0.8, 2), (3.5, 3), (3.0, 4), (1.0, 5))
"""Operations in the main chain, by weight."""

_FOR_CODES = {
    "word_counts", "distinct_words", "unique_words", "joined", "commonest_word", "frequency_ranking"
}  # fmt: skip
"""Operations that make sense of strings that only stand for something, such as 'low'."""

_SAME = {
    ("sum_of_values", "counts_by"), ("sum_of_values", "word_counts"), ("distinct", "unique"),
    ("all_different", "unique"), ("increasing", "ascending"), ("group_numbers", "numbers_by"),
    ("size", "each_number"), ("size", "each_label"), ("size", "alphabetical"),
    ("size", "ordered_by"),
    ("total", "differences"), ("sum_of_values", "shares"), ("sum_of_values", "letter_presence"),
}  # fmt: skip
"""(operation, the one before it) whose result is known without the work of the first."""

_ORDERINGS = {
    *("ascending", "descending", "ordered_by", "ranked_by", "backwards_order", "alphabetical"),
    *("by_length", "sorted_values", "keys_by_value", "rotated", "good_first"),
}
"""Operations of which nobody asks for two in a row."""

_MAY_RECUR = ("select", "each_number", "size", "count_if", "largest", "total")

_ORDINARY = ("Ints", "Words", "Tally", "Records", "Text")
"""Types of arguments that a second argument goes with."""

_LEAST = 4
"""Operations of a program, with the tests and keys of elements they are given: there are so few
programs with fewer that they would be made again and again."""
_MOST = 6
"""Operations in a whole program, those of branches included."""

_DEEPEST = 2
"""Branches within branches: what is deeper is no branch, but another attempt."""

_TRIES = 12
_LARGEST = 10**9
_LONGEST = 400
_LIFTED = 0.3
"""Share of the programs in which a constant is an argument."""


class Composer:
    """Draws one program."""

    def __init__(self, rng: Random):
        self.rng = rng
        self.context: Context = rng.choice(CONTEXTS)
        self.record: RecordType | None = None
        self.inputs: list[Input] = []
        self.scene: list[str] = []
        self.used: list[str] = []
        self.closed = False
        self.depth = 0

    def compose(self) -> Program | None:
        """A program, or None."""
        rng = self.rng
        start = self.add_input(weighted(rng, _STARTS))
        value: Node | Input = start
        length = weighted(rng, _LENGTHS)
        for step in range(length + 3):
            done = isinstance(value, Node) and value.type in _ENDS and step >= length
            if done:
                break
            grown = self.grow(value, closing=step >= length - 1)
            if grown is None:
                break
            value = grown
        if not isinstance(value, Node) or value.type not in _ENDS:
            return None
        root = self.crowned(value)
        program = Program(self.inputs, root, self.record, tuple(s for s in self.scene if s))
        used = {id(inner) for node in program.nodes for inner in node.inner}
        if not all(id(made) in used for made in self.inputs):
            return None
        if (
            _parts(program) < _LEAST
            or len(program.nodes) > _MOST
            or not _varied(root.values, root.type, final=True)
        ):
            return None
        if has_idle_step(program):
            return None
        if rng.random() < _LIFTED:
            self.lift(program)
        return program

    def add_input(self, type_name: str) -> Input:
        """A new argument of a type."""
        if type_name == "Records":
            self.record = self.record or record_type(self.context, self.rng)
            made, scene = make_records(self.record, self.context, self.rng)
        else:
            made, scene = make_input(type_name, self.context, self.rng)
        taken = {i.name for i in self.inputs}
        if made.name in taken:
            made.name = f"other_{made.name}"
            text = str(made.phrase)
            other = f"`{made.name}`" if text[:1] == "`" else f"the other {text[4:]}"
            made.phrase = Phrase(other, made.phrase.item, made.phrase.items)
            scene = ()
        self.inputs.append(made)
        self.scene += scene
        return made

    def grow(self, value: Node | Input, closing: bool = False, goal: str = "") -> Node | None:
        """One operation more on a value; None where none of those tried makes sense."""
        rng = self.rng
        choices = [
            (self._weight(made, closing, goal), made)
            for made in OPERATIONS.values()
            if _fits(made, value.type)
        ]
        choices = [choice for choice in choices if choice[0] > 0]
        if not choices:
            return None
        for _ in range(_TRIES):
            made = self.apply(weighted(rng, choices), value)
            if made is not None:
                return made
        return None

    def _weight(self, made: Operation, closing: bool, goal: str) -> float:
        gives = made.gives
        if goal:
            return made.weight if gives == goal else 0.0
        weight = made.weight
        if gives in ("Int", "Bool", "Word", "Result"):
            # Little can be done with a single value: it comes last.
            return weight * (1.5 if closing else 0.15)
        return weight * (0.5 if closing else 1.0)

    def apply(self, operation: Operation, value: Node | Input) -> Node | None:
        """An operation on a value, its other arguments drawn; None if the result is no good."""
        arguments: dict[str, Node | Input | Function | Constant] = {}
        seen = _elements(value)
        for name in operation.forms[0].parameters:
            drawn: Node | Input | Function | Constant | None
            if name in operation.constants:
                noun = constant_noun(name, self.rng)
                drawn = draw_constant(operation.constants[name], noun, seen, self.rng)
            elif operation.takes[name] in FUNCTION_TYPES:
                kind = operation.takes[name]
                grouping = name == "g"
                drawn = draw_function(kind, value.type, seen, self.record, self.rng, grouping)
            elif not any(isinstance(a, Node | Input) for a in arguments.values()):
                drawn = value
            else:
                drawn = self.branch(operation.takes[name], value)
            if drawn is None:
                return None
            arguments[name] = drawn
        before = _name_of(value)
        if (operation.name, before) in _SAME or {operation.name, before} <= _ORDERINGS:
            return None
        if operation.name in self.used and operation.name not in _MAY_RECUR:
            return None
        functions = [a.parts for a in arguments.values() if isinstance(a, Function)]
        if len(set(functions)) < len(functions):
            return None
        if "Nats" in operation.takes.values() and any(x < 0 for x in seen if isinstance(x, int)):
            return None
        try:
            values = evaluate(operation, arguments, range(TRIALS))
        except (ValueError, IndexError, ZeroDivisionError, OverflowError, TypeError, KeyError):
            return None
        type_name = value.type if operation.gives == "Items" else operation.gives
        type_name = "Word" if type_name == "Text" else type_name
        if operation.name == "each_label" and value.type != "Records":
            type_name = "Codes"
        if not _varied(values, type_name) or _same(values, value.values):
            return None
        self.used.append(operation.name)
        return Node(operation, arguments, type_name, values)

    def branch(self, type_name: str, beside: Node | Input) -> Node | Input | None:
        """Another value of a type, computed from an input."""
        if self.depth == _DEEPEST:
            return None
        self.depth += 1
        try:
            return self._branch(type_name, beside)
        finally:
            self.depth -= 1

    def _branch(self, type_name: str, beside: Node | Input) -> Node | Input | None:
        rng = self.rng
        type_name = "Ints" if type_name == "Nats" else type_name
        for _ in range(4):
            source = rng.choice(self.inputs)
            if self.may_ask_more() and rng.random() < 0.12:
                source = self.add_input(rng.choice(("Ints", "Words", "Tally")))
            value: Node | Input = source
            if value.type != type_name and rng.random() < 0.5:
                value = self.grow(value) or source
            if value.type != type_name:
                value = self.grow(value, goal=type_name) or source
            if value.type == type_name and not _same(value.values, beside.values):
                return value
        if type_name in _ORDINARY and self.may_ask_more():
            return self.add_input(type_name)
        return None

    def may_ask_more(self) -> bool:
        """Whether another argument may be added: one, and only beside one that is as plain."""
        return len(self.inputs) < 2 and not self.closed and self.inputs[0].type in _ORDINARY

    def crowned(self, value: Node) -> Node:
        """The value with one more operation, of those that join two results; or as it is."""
        self.closed = True  # what it is joined with comes from the same arguments
        if self.rng.random() < 0.3:
            name = self.rng.choice(("pair", "choice"))
            made = OPERATIONS[name]
            if _fits(made, value.type):
                return self.apply(made, value) or value
        return value

    def lift(self, program: Program) -> None:
        """Makes one of the constants an argument."""
        constants = [
            constant
            for node in program.nodes
            for argument in node.arguments.values()
            for constant in _constants_of(argument)
            if constant.low < constant.high and constant.noun
        ]
        taken = {i.name for i in program.inputs}
        constants = [c for c in constants if c.noun not in taken]
        if not constants:
            return
        chosen = self.rng.choice(constants)
        low, high = chosen.low, chosen.high
        made = Input(
            chosen.noun,
            "Int",
            Phrase(f"`{chosen.noun}`"),
            "an integer",
            lambda rng: amount(rng, low, high),
            [chosen.value] * TRIALS,
            stands_for=chosen,
        )
        chosen.lifted = made
        program.inputs.append(made)


def compose(rng: Random) -> Program | None:
    """A program, or None where the walk through the grammar came to nothing."""
    return Composer(rng).compose()


def _constants_of(argument: Any) -> list[Constant]:
    if isinstance(argument, Constant):
        return [argument]
    return list(argument.constants.values()) if isinstance(argument, Function) else []


def _parts(program: Program) -> int:
    if len(program.nodes) < 2:
        return 0
    return len(program.operations)


def _name_of(value: Node | Input) -> str:
    return value.operation.name if isinstance(value, Node) else ""


def _fits(operation: Operation, type_name: str) -> bool:
    first = next(iter(operation.takes.values()))
    if first == type_name or (first == "Any_" and type_name in _ENDS):
        return True
    if (first, type_name) in (("Word", "Text"), ("Nats", "Ints")):
        return True
    if type_name == "Codes":
        return operation.name in _FOR_CODES
    return first == "Items" and type_name in ELEMENTS


def _elements(value: Node | Input) -> Sequence[Any]:
    """What the sample values hold, to draw constants from."""
    found: list[Any] = []
    for sample in value.values:
        if isinstance(sample, dict):
            found += [v for v in sample.values() if isinstance(v, int)]
        elif isinstance(sample, list | tuple):
            for element in sample:
                if value.type in ("Pairs", "Roads"):
                    found += [part for part in element if isinstance(part, int)]
                elif isinstance(element, list):
                    found += element
                else:
                    found.append(element)
        else:
            found.append(sample)
    return found


def _varied(values: Sequence[Any], type_name: str, final: bool = False) -> bool:
    """Whether results say something about the inputs they come from."""
    texts = [repr(value) for value in values]
    if any(len(text) > _LONGEST for text in texts):
        return False
    if type_name == "Int" and any(abs(value) > _LARGEST for value in values):
        return False
    if type_name in ("Ints",) and any(abs(x) > _LARGEST for value in values for x in value):
        return False
    if not _says_something(values, type_name):
        return False
    different = len(set(texts))
    if type_name == "Bool":
        return different == 2
    empty = sum(1 for value in values if not value)
    return different >= (4 if final else 3) and empty <= (2 if final else 3)


def _says_something(values: Sequence[Any], type_name: str) -> bool:
    """Whether the parts of results differ: a dictionary of nothing but ones counts nothing."""
    if type_name == "Tally":
        return len({number for value in values for number in value.values()}) > 2
    if type_name in ("Groups", "Index"):
        return any(len(part) > 1 for value in values for part in value.values())
    if type_name == "Ints":
        return len({number for value in values for number in value}) > 2
    return True


def _same(values: Sequence[Any], others: Sequence[Any]) -> bool:
    return all(type(a) is type(b) and a == b for a, b in zip(values, others, strict=True))
