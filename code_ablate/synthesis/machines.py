"""Machines: problems in which commands change a state, one after the other, under some rules.

    machine = draw_machine(rng)
    machine.statement(rng), machine.first_code()

Commands, rules and result are drawn from the parts of one kind (level_machines, queue_machines),
with words and constants of their own. The second solution is a class with a method for each
command, written with the other coding of every part.
"""

import ast
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from code_ablate.synthesis.contexts import NAMES
from code_ablate.synthesis.english import Number, sentence
from code_ablate.synthesis.level_machines import LEVEL
from code_ablate.synthesis.machine_parts import (
    EXTRAS,
    NAME,
    NOTHING,
    NUMBER,
    Command,
    Kind,
    Result,
    Rule,
)
from code_ablate.synthesis.queue_machines import QUEUE
from code_ablate.synthesis.syntax import source

KINDS = (LEVEL, QUEUE)
"""Kinds of machines. Their order enters the draw."""

_MOST_NUMBER = 24


@dataclass(frozen=True)
class Chosen:
    """A command with its word and constants."""

    command: Command
    """The command."""
    word: str
    """What it is called."""
    constants: Mapping[str, int]
    """Value of each of its constants."""


@dataclass(frozen=True)
class Machine:
    """A machine."""

    kind: Kind
    """What kind of state it has."""
    scene: str
    """Sentence that sets the scene."""
    variable: str
    """Name of the main variable of its state."""
    start: int
    """First value of that variable, where it is a number."""
    commands: tuple[Chosen, ...]
    """Commands that it understands."""
    rules: tuple[tuple[Rule, Mapping[str, int]], ...]
    """What happens after each command, each rule with the values of its constants."""
    result: Result
    """What the function returns."""
    function: str
    """Name of the function that is asked for."""
    argument: str
    """Name of its argument, the list of commands."""
    tuples: bool
    """Whether a command is a tuple; else it is a string of words."""

    @property
    def extras(self) -> list[str]:
        """Further variables of the state, in the order of EXTRAS."""
        used = {name for chosen in self.commands for name in chosen.command.uses}
        used |= {name for rule, _ in self.rules for name in rule.uses} | set(self.result.uses)
        return [name for name in EXTRAS if name in used]

    @property
    def class_name(self) -> str:
        """Name of the class in that solution."""
        return self.variable.capitalize()

    @property
    def skeleton(self) -> str:
        """What it does, without words and constants."""
        parts = sorted(chosen.command.says for chosen in self.commands)
        rules = [rule.says for rule, _ in self.rules]
        return "|".join((self.kind.name, *parts, "", *rules, "", self.result.says))

    def statement(self, rng: Random) -> list[str]:
        """The paragraphs of its statement."""
        start = (
            f"The {self.variable} is {self.start}"
            if self.kind.start == "{S}"
            else f"The {self.variable} is empty"
        )
        form = self._form(rng)
        opening = " ".join((sentence(self.scene), f"{start} at first.", sentence(form)))
        lines = [
            f"`{self._shape(chosen)}` {self._text(chosen.command.says, chosen.constants)}"
            for chosen in self.commands
        ]
        rules = [sentence(self._text(rule.says, constants)) for rule, constants in self.rules]
        verb = rng.choice(("Return", "Return", "Find", "Compute"))
        ending = " ".join((*rules, f"{verb} {self._text(self.result.says, {})}."))
        if rng.random() < 0.5:
            return [opening, *[f"* {line}" for line in lines], ending]
        return [f"{opening} {' '.join(sentence(line) for line in lines)} {ending}"]

    def _form(self, rng: Random) -> str:
        shape = (
            "tuples of a word and, where it needs one, a number or a name"
            if self.tuples
            else "strings: a word and, where it needs one, a number or a name"
        )
        call = f"`{self.function}({self.argument})`"
        return rng.choice(
            (
                f"{call} is given the commands in order, as {shape}",
                f"write {call}, which carries out a list of commands; they are {shape}",
                f"`{self.argument}` is a list of commands, written as {shape}; implement {call}",
            )
        )

    def _shape(self, chosen: Chosen) -> str:
        holder = {NUMBER: "n", NAME: "name", NOTHING: ""}[chosen.command.takes]
        if self.tuples:
            return f"('{chosen.word}', {holder})" if holder else f"('{chosen.word}',)"
        return f"{chosen.word} {holder}".strip()

    def _text(self, template: str, constants: Mapping[str, int]) -> str:
        numbers = {name: Number(value) for name, value in constants.items()}
        return template.format(name=self.variable, **numbers)

    def draw(self, rng: Random) -> tuple[list[Any]]:
        """A list of commands."""
        few = rng.sample(NAMES, 4)
        rows: list[Any] = []
        for _ in range(rng.choice((0, 1, 3, 4, 5, 6, 7, 8, 9))):
            chosen = rng.choice(self.commands)
            value: Any = None
            if chosen.command.takes == NUMBER:
                value = rng.randint(1, 4 if self.kind.name == "queue" else _MOST_NUMBER)
            elif chosen.command.takes == NAME:
                value = rng.choice(few)
            if self.tuples:
                rows.append((chosen.word,) if value is None else (chosen.word, value))
            else:
                rows.append(chosen.word if value is None else f"{chosen.word} {value}")
        return (rows,)

    def first_code(self) -> str:
        """A function with a branch for each command."""
        lines = [f"def {self.function}({self.argument}):"]
        lines += [f"    {name} = {value}" for name, value in self._state()]
        lines.append(f"    for command in {self.argument}:")
        if not self.tuples:
            lines.append("        word, *rest = command.split()")
        else:
            lines.append("        word, *rest = command")
        for i, chosen in enumerate(self.commands):
            lines.append(f"        {'if' if i == 0 else 'elif'} word == {chosen.word!r}:")
            lines.append(
                textwrap.indent(self._coded(chosen.command.first, chosen.constants), " " * 12)
            )
        for rule, constants in self.rules:
            lines.append(textwrap.indent(self._coded(rule.first, constants), " " * 8))
        lines.append(f"    return {self.result.code.format(name=self.variable)}")
        return source(ast.parse("\n".join(lines)))

    def second_code(self) -> str:
        """A class that keeps the state, with a method for each command."""
        state = [name for name, _ in self._state()]
        lines = [f"class {self.class_name}:", "    def __init__(self):"]
        lines += [f"        self.{name} = {value}" for name, value in self._state()]
        for chosen in self.commands:
            lines.append(f"    def do_{chosen.word}(self, rest):")
            lines.append(
                textwrap.indent(self._coded(chosen.command.second, chosen.constants), " " * 8)
            )
        lines.append("    def after(self):" if self.rules else "    def after(self):\n        pass")
        for rule, constants in self.rules:
            lines.append(textwrap.indent(self._coded(rule.second, constants), " " * 8))
        lines.append("    def result(self):")
        lines.append(f"        return {self.result.code.format(name=self.variable)}")
        tree = ast.parse("\n".join(lines))
        _Owned(set(state)).visit(tree)
        split = "command" if self.tuples else "command.split()"
        driver = f"""
def {self.function}({self.argument}):
    machine = {self.class_name}()
    for command in {self.argument}:
        word, *rest = {split}
        getattr(machine, 'do_' + word)(rest)
        machine.after()
    return machine.result()
"""
        return f"{source(tree)}\n\n{driver}"

    def _state(self) -> list[tuple[str, str]]:
        start = str(self.start) if self.kind.start == "{S}" else self.kind.start
        return [(self.variable, start), *((name, EXTRAS[name][0]) for name in self.extras)]

    def _coded(self, template: str, constants: Mapping[str, int]) -> str:
        number = "rest[0]" if self.tuples else "int(rest[0])"
        return template.format(name=self.variable, n=number, who="rest[0]", **constants)


class _Owned(ast.NodeTransformer):
    """Makes variables of the state attributes of `self`."""

    def __init__(self, names: set[str]):
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """A variable of the state."""
        if node.id not in self.names:
            return node
        return ast.Attribute(ast.Name("self", ast.Load()), node.id, node.ctx)


def draw_machine(rng: Random) -> Machine:
    """A machine of some kind."""
    kind = rng.choice(KINDS)
    scene, variable = rng.choice(kind.scenes)
    commands = rng.sample(kind.commands, rng.randint(3, 5))
    words: list[str] = []
    chosen = []
    for command in commands:
        word = rng.choice(
            [w for w in command.words if w not in words] or [f"{command.words[0]}_all"]
        )
        words.append(word)
        chosen.append(Chosen(command, word, _constants(command.constants, rng)))
    rules = rng.sample(kind.rules, rng.choice((0, 1, 1, 2)))
    known = {name for c in commands for name in c.uses} | {n for r in rules for n in r.uses}
    fitting = [r for r in kind.results if set(r.uses) <= known]
    telling = [r for r in fitting if r.uses] or fitting
    verb = rng.choice(("run", "simulate", "play", "follow", "process"))
    function = rng.choice(
        (f"{verb}_{variable}", f"final_{variable}", f"{verb}_commands", f"{variable}_after")
    )
    return Machine(
        kind=kind,
        scene=scene,
        variable=variable,
        start=rng.choice((0, 0, 5, 10, rng.randint(1, 30))),
        commands=tuple(chosen),
        rules=tuple((rule, _constants(rule.constants, rng)) for rule in rules),
        result=rng.choice(telling if rng.random() < 0.7 else fitting),
        function=function,
        argument=rng.choice(("commands", "orders", "instructions", "events", "steps_taken")),
        tuples=rng.random() < 0.5,
    )


def _constants(ranges: tuple[tuple[str, int, int], ...], rng: Random) -> dict[str, int]:
    return {name: rng.randint(low, high) for name, low, high in ranges}
