"""What machines are made of: commands, rules and results, commands and rules in two codings.

A machine is a state that commands change one by one. A part says in English what it does, and in
Python, twice: {name} stands for a variable of the state, {n} for the number of a command, {who} for
its name, {A} and {B} for constants.
"""

from dataclasses import dataclass

NUMBER, NAME, NOTHING = "number", "name", "nothing"
"""What a command comes with."""


@dataclass(frozen=True)
class Command:
    """A command of a machine."""

    words: tuple[str, ...]
    """What it may be called."""
    takes: str
    """What comes with it: NUMBER, NAME or NOTHING."""
    says: str
    """What it does, in English: "adds n to the {name}", {name} standing for the main variable."""
    first: str
    """What it does, in Python, for the solution."""
    second: str
    """The same in other words, for the second solution."""
    constants: tuple[tuple[str, int, int], ...] = ()
    """Name, lowest and highest value of each constant."""
    uses: tuple[str, ...] = ()
    """Variables of the state that it needs beside the main one."""


@dataclass(frozen=True)
class Rule:
    """What happens after each command."""

    says: str
    """What happens, in English."""
    first: str
    """What happens, in Python, for the solution."""
    second: str
    """The same in other words, for the second solution."""
    constants: tuple[tuple[str, int, int], ...] = ()
    """Name, lowest and highest value of each constant."""
    uses: tuple[str, ...] = ()
    """Variables of the state that it needs beside the main one."""


@dataclass(frozen=True)
class Result:
    """What is returned in the end."""

    says: str
    """What it is, in English."""
    code: str
    """An expression for it, in Python."""
    uses: tuple[str, ...] = ()
    """Variables of the state that it needs beside the main one."""


@dataclass(frozen=True)
class Kind:
    """A kind of machine."""

    name: str
    """What kind of state it has, in a word."""
    scenes: tuple[tuple[str, str], ...]
    """(sentence, what the main variable is called)."""
    start: str
    """First value of the main variable, in Python; {S}: a number that is drawn."""
    commands: tuple[Command, ...]
    """Commands that its machines draw from."""
    rules: tuple[Rule, ...]
    """Rules that they draw from."""
    results: tuple[Result, ...]
    """Results that they draw from."""


EXTRAS = {
    "refused": ("0", "the number of refused commands, which begins at 0"),
    "spare": ("0", "a spare amount, which begins at 0"),
    "peak": ("0", "the highest value so far, which begins at 0"),
    "served": ("[]", "the list of those served, which begins empty"),
    "earned": ("0", "the money earned, which begins at 0"),
    "steps": ("0", "the number of commands so far"),
    "mark": ("0", "a remembered value, which begins at 0"),
    "lost": ("0", "what was lost, which begins at 0"),
    "log": ("[]", "a list of notes, which begins empty"),
}
"""Further variables of a state: their first value, and what they are."""
