"""Statements of composed programs: what the function is given, and what it returns.

    worded = word(program, "heaviest_crates", rng)
    worded.scene, worded.task        # sentences

A value whose phrase would grow too long gets a sentence of its own: either a name, which the
program then uses for its variable, or a pronoun, where the next sentence goes on with it.
"""

import re
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from code_ablate.synthesis.english import RESERVED, Phrase, identifier, plural, sentence
from code_ablate.synthesis.grammar import ANNOTATIONS
from code_ablate.synthesis.program import Constant, Function, Input, Node, Program
from code_ablate.synthesis.stock_phrases import varied

_MOST_WORDS = 13
"""Words of a phrase above which it is not built upon, but gets a sentence of its own."""

_SEQUENCES = ("Ints", "Words", "Records")


@dataclass
class Worded:
    """A statement in parts."""

    scene: list[str]
    """Sentences on where it happens."""
    task: list[str]
    """Sentences on what to do, in order."""


class _FunctionPhrase:
    """A test, key or label in a template: {p.one}, {p.many}, {f.one}, {f.many}, {f.of}."""

    def __init__(self, function: Function, subject: Phrase):
        self.function, self.subject = function, subject
        self.numbers: dict[str, Any] = {n: c.number for n, c in function.constants.items()}

    @property
    def one(self) -> str:
        """In the singular."""
        return self.function.one.format(xs=self.subject, **self.numbers)

    @property
    def many(self) -> str:
        """In the plural."""
        text = self.function.many
        if "{xs}" in text:  # a phrase with the list in it: here the noun alone is wanted
            text = plural_of(self.function.one)
        return text.format(xs=self.subject, **self.numbers)

    @property
    def of(self) -> str:
        """What the elements of the list have, as a noun phrase."""
        text = self.function.many
        if "{xs}" in text:
            return text.format(xs=self.subject, **self.numbers)
        return f"the {text.format(**self.numbers)} of {self.subject}"

    @property
    def item(self) -> str:
        """What one of the results is called."""
        noun = self.function.one
        return noun if "{" not in noun and "(" not in noun and len(noun.split()) < 4 else "value"


_AFTER_A_NOUN = re.compile(
    r" (of|with|without|in|from|to|for|over|that|rounded|capped|modulo) | ?[(,]"
)


def plural_of(noun: str) -> str:
    """The plural of a noun with what follows it: 'number of ones' -> 'numbers of ones'."""
    after = _AFTER_A_NOUN.search(noun)
    cut = after.start() if after else len(noun)
    return f"{plural(noun[:cut])}{noun[cut:]}"


class _Writer:
    def __init__(self, program: Program, rng: Random):
        self.program, self.rng = program, rng
        self.uses = program.uses()
        self.steps: list[str] = []
        self.phrases: dict[int, Phrase] = {}
        self.taken = {i.name for i in program.inputs}
        self.pronouns: set[str] = {i.phrase.items for i in program.inputs}
        self.by_pronoun = rng.choice((0.0, 0.6, 0.9))

    def phrase(self, value: Node | Input) -> Phrase:
        """What a value is called; a step is written for it first where it needs one."""
        if isinstance(value, Input):
            return value.phrase
        if id(value) in self.phrases:
            return self.phrases[id(value)]
        phrase, action = self.described(value)
        if value is not self.program.root and self.needs_step(value, phrase):
            phrase = self.step(value, phrase, action)
        self.phrases[id(value)] = phrase
        return phrase

    def needs_step(self, node: Node, phrase: Phrase) -> bool:
        if node.type == "Bool":
            return False
        if self.uses.get(id(node), 0) > 1 or phrase.words > _MOST_WORDS:
            return True
        if node.operation.name == "select" and phrase.words < 8:
            return False
        built_on = any(
            isinstance(i, Node)
            and i.operation.name != "select"
            and "`" not in str(self.phrases[id(i)])
            and not str(self.phrases[id(i)]).startswith(("these ", "the remaining "))
            for i in node.inner
        )
        return built_on or any(mark in str(phrase) for mark in "(,:")

    def described(self, node: Node) -> tuple[Phrase, str]:
        """A phrase for a value, and what to do to get it, in the imperative, or an empty string."""
        values: dict[str, Any] = {}
        subject: Phrase | None = None
        for name in node.operation.forms[0].parameters:
            argument = node.arguments[name]
            if isinstance(argument, Node | Input):
                values[name] = self.phrase(argument)
                subject = subject or values[name]
        assert subject is not None
        for name, argument in node.arguments.items():
            if isinstance(argument, Constant):
                values[name] = argument.number
            elif isinstance(argument, Function):
                values[name] = _FunctionPhrase(argument, subject)
        action = ""
        if node.operation.does:
            action = self.rng.choice(node.operation.does).format(**values)
        if node.operation.name == "select":
            test = values["p"]
            return subject.narrowed(test.function.adjective, test.many), action
        text = self.rng.choice(node.operation.says).format(**values)
        item, items = subject.item, subject.items
        if node.operation.item:
            item = node.operation.item.format(**values)
            items = plural_of(item)
        return Phrase(text, item, items), action

    def step(self, node: Node, phrase: Phrase, action: str) -> Phrase:
        """Writes a sentence about a value, and returns how it is called from then on."""
        rng = self.rng
        pronoun = self.pronoun(node, phrase)
        if pronoun:
            verb = rng.choice(
                ("take", "consider", "look at", "start from" if not self.steps else "take")
            )
            self.steps.append(action if action and rng.random() < 0.75 else f"{verb} {phrase}")
            return Phrase(pronoun, phrase.item, phrase.items)
        name = self.name_for(node, phrase)
        node.name = name
        call = f"`{name}`"
        if action and rng.random() < 0.55:
            text = rng.choice(
                (
                    f"{action}; call the result {call}",
                    f"{action}, which gives {call}",
                    f"{action} to get {call}",
                )
            )
            if ";" in action or "," in action or ":" in action:
                text = f"{action}. Call the result {call}"
        else:
            text = rng.choice(
                (
                    f"let {call} be {phrase}",
                    f"let {call} be {phrase}",
                    f"call {phrase} {call}" if phrase.words < 9 else f"let {call} be {phrase}",
                    f"{call} stands for {phrase}",
                    f"write {call} for {phrase}",
                )
            )
        self.steps.append(text)
        bare = f"{phrase.items} in {call}" if node.type in _SEQUENCES else ""
        return replace(Phrase(call, phrase.item, phrase.items), noun=bare)

    def pronoun(self, node: Node, phrase: Phrase) -> str:
        """'these weights', where nothing else can be meant; else empty."""
        if node.type not in _SEQUENCES or self.uses.get(id(node), 0) > 1:
            return ""
        if self.rng.random() >= self.by_pronoun or len(phrase.items.split()) > 2:
            return ""
        if self.program.nodes[-1] is not self.program.root:
            return ""
        if not self._is_chain():
            return ""
        if node.operation.name in ("select", "until", "from_first", "without_first", "singles"):
            return f"the remaining {phrase.items}"
        if phrase.items in self.pronouns:
            return f"the {phrase.items} in this order" if "order" in node.operation.name else ""
        self.pronouns.add(phrase.items)
        return f"these {phrase.items}"

    def _is_chain(self) -> bool:
        return all(len(list(node.inner)) == 1 for node in self.program.nodes)

    def name_for(self, node: Node, phrase: Phrase) -> str:
        """A name for the variable that holds a value."""
        rng = self.rng
        base = rng.choice(node.operation.names)
        function = next((a for a in node.arguments.values() if isinstance(a, Function)), None)
        candidates = [base]
        if node.operation.name in ("each_number", "each_label") and function is not None:
            candidates = [plural(name) for name in function.names]
        elif node.operation.name == "select":
            noun = identifier(phrase.items)
            candidates = [f"{base}_{noun}"]
            if function is not None:
                candidates.append(f"{rng.choice(function.names)}_{noun}")
        elif node.type in _SEQUENCES and rng.random() < 0.5 and len(phrase.items) < 14:
            noun = identifier(phrase.items)
            candidates.append(base if base in noun else f"{base}_{noun}")
        elif node.type in ("Int", "Word") and rng.random() < 0.5 and len(phrase.item) < 14:
            candidates.append(f"{base}_{identifier(phrase.item)}")
        elif node.type in ("Tally", "Groups", "Index") and rng.random() < 0.5:
            candidates.append(f"{base}_by_{identifier(phrase.item)}")
        name = rng.choice(candidates)
        while name in self.taken or name in RESERVED:
            prefix = rng.choice(("new", "other", "second", "next", "final", "inner"))
            name = f"{prefix}_{name}"
        self.taken.add(name)
        return name


_CONNECTORS = ("then", "next", "after that", "now")


def word(program: Program, function: str, rng: Random) -> Worded:
    """The statement of a program. Gives names to those of its values that the statement names."""
    writer = _Writer(program, rng)
    phrase = writer.phrase(program.root)
    result = f"whether {phrase}" if program.root.type == "Bool" else str(phrase)
    steps = list(writer.steps)
    for i in range(1, len(steps)):
        if rng.random() < 0.4 and "stands for" not in steps[i]:
            steps[i] = f"{rng.choice(_CONNECTORS)}, {steps[i]}"
    if len(steps) > 1 and rng.random() < 0.4 and "stands for" not in steps[0]:
        steps[0] = f"first, {steps[0]}"
    signature = ", ".join(i.name for i in program.inputs)
    call = f"`{function}({signature})`"
    task = _with_steps if steps else _in_one
    sentences = [varied(text, rng) for text in task(program, call, result, steps, rng)]
    return Worded([sentence(s) for s in program.scene if s], [sentence(s) for s in sentences])


def _verb(program: Program, rng: Random) -> str:
    if program.root.type == "Bool":
        return rng.choice(("return", "decide", "tell"))
    return rng.choice(("return", "return", "return", "compute", "find", "work out"))


def _in_one(program: Program, call: str, result: str, steps: list[str], rng: Random) -> list[str]:
    del steps
    given, verb = _given(program, rng), _verb(program, rng)
    function = call.partition("(")[0] + "`"
    return [
        rng.choice(
            (
                f"write a function {call} that takes {given} and returns {result}",
                f"given {given}, {verb} {result}",
                f"implement {call}: given {given}, it returns {result}",
                f"{verb} {result}, given {given}",
                f"for {given}, {function} should return {result}",
            )
        )
    ]


def _with_steps(
    program: Program, call: str, result: str, steps: list[str], rng: Random
) -> list[str]:
    given, verb = _given(program, rng), _verb(program, rng)
    first = rng.choice(
        (
            f"write a function {call} that takes {given}",
            f"{call} takes {given}",
            f"you are given {given}",
            f"the function {call} is given {given}",
            f"implement {call}, where {_where(program)}",
        )
    )
    last = rng.choice(
        (
            f"{verb} {result}",
            f"finally, {verb} {result}",
            f"the function returns {result}",
            f"the answer is {result}",
            f"the result is {result}",
        )
    )
    return [first, *steps, last]


def _given(program: Program, rng: Random) -> str:
    parts = []
    for made in program.inputs:
        if made.stands_for is not None:
            parts.append(f"an integer `{made.name}`")
        elif rng.random() < 0.75 or str(made.phrase).startswith("`"):
            parts.append(f"`{made.name}`, {made.about}")
        else:
            parts.append(f"{made.about} (`{made.name}`)")
    if len(parts) == 1:
        return parts[0]
    end = "," if "," in parts[-2] else ""
    return f"{'; '.join(parts[:-1])}{end} and {parts[-1]}"


def _where(program: Program) -> str:
    return " and ".join(f"`{made.name}` is {made.about}" for made in program.inputs)


def annotation(program: Program, value: Input | Node) -> str:
    """The type of a value, as Python writes it; empty where there is no short one."""
    if value.type == "Records":
        assert program.record is not None
        return f"list[{program.record.annotation}]"
    return ANNOTATIONS.get(value.type, "")
