"""What machines are made of: commands and rules on a level, a queue or a store, each in two codings.

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
    says: str
    first: str
    second: str
    constants: tuple[tuple[str, int, int], ...] = ()
    """Name, lowest and highest value of each constant."""
    uses: tuple[str, ...] = ()
    """Variables of the state that it needs beside the main one."""


@dataclass(frozen=True)
class Rule:
    """What happens after each command."""

    says: str
    first: str
    second: str
    constants: tuple[tuple[str, int, int], ...] = ()
    uses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """What is returned in the end."""

    says: str
    code: str
    uses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kind:
    """A kind of machine."""

    name: str
    scenes: tuple[tuple[str, str], ...]
    """(sentence, what the main variable is called)."""
    start: str
    commands: tuple[Command, ...]
    rules: tuple[Rule, ...]
    results: tuple[Result, ...]


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

LEVEL = Kind(
    "level",
    (
        ("a tank is filled and emptied by commands", "level"),
        ("a lift moves between the floors of a tower", "floor"),
        ("an account is changed by a list of orders", "balance"),
        ("a battery is charged and used", "charge"),
        ("a player of a game gains and loses points", "points"),
        ("a dam lets water in and out", "depth"),
        ("a thermostat is turned up and down", "warmth"),
        ("a climber moves up and down a wall", "height"),
        ("a silo takes in grain and gives it out", "stock"),
        ("a radio is tuned with a handful of buttons", "volume"),
    ),
    "{S}",
    (
        Command(
            ("add", "raise", "gain", "load", "push"),
            NUMBER,
            "adds n to the {name}",
            "{name} += {n}",
            "{name} = {name} + {n}",
        ),
        Command(
            ("take", "drain", "spend", "lower", "draw"),
            NUMBER,
            "takes n from the {name}, which never falls below 0",
            "{name} = max(0, {name} - {n})",
            "{name} -= min({n}, {name})",
        ),
        Command(
            ("double", "boost", "surge"),
            NOTHING,
            "doubles the {name}, up to {A} at most",
            "{name} = min({A}, 2 * {name})",
            "{name} *= 2\nif {name} > {A}:\n    {name} = {A}",
            (("A", 30, 120),),
        ),
        Command(
            ("halve", "leak", "cut"),
            NOTHING,
            "halves the {name}, rounded down",
            "{name} //= 2",
            "{name} -= ({name} + 1) // 2",
        ),
        Command(
            ("lift", "atleast", "floor_at"),
            NUMBER,
            "raises the {name} to n if it is lower",
            "{name} = max({name}, {n})",
            "if {name} < {n}:\n    {name} = {n}",
        ),
        Command(
            ("cap", "limit", "trim"),
            NUMBER,
            "lowers the {name} to n if it is higher",
            "{name} = min({name}, {n})",
            "if {n} < {name}:\n    {name} = {n}",
        ),
        Command(
            ("fill", "charge", "order"),
            NUMBER,
            "adds n to the {name} unless that would make it more than {A}; then the command is refused",
            "if {name} + {n} > {A}:\n    refused += 1\nelse:\n    {name} += {n}",
            "if {name} + {n} <= {A}:\n    {name} = {name} + {n}\nelse:\n    refused = refused + 1",
            (("A", 25, 70),),
            ("refused",),
        ),
        Command(
            ("pay", "use", "withdraw"),
            NUMBER,
            "takes n from the {name}, but is refused if the {name} is smaller than n",
            "if {n} > {name}:\n    refused += 1\nelse:\n    {name} -= {n}",
            "if {name} >= {n}:\n    {name} = {name} - {n}\nelse:\n    refused = refused + 1",
            (),
            ("refused",),
        ),
        Command(
            ("swap", "exchange", "trade"),
            NOTHING,
            "exchanges the {name} and the spare amount",
            "{name}, spare = spare, {name}",
            "before = {name}\n{name} = spare\nspare = before",
            (),
            ("spare",),
        ),
        Command(
            ("save", "store", "stash"),
            NUMBER,
            "moves n from the {name} to the spare amount, or all of it if it is less than n",
            "moved = min({n}, {name})\n{name} -= moved\nspare += moved",
            "if {n} > {name}:\n    spare += {name}\n    {name} = 0\nelse:\n    spare += {n}\n    {name} -= {n}",
            (),
            ("spare",),
        ),
        Command(
            ("mark", "note", "keep"),
            NOTHING,
            "remembers the {name}",
            "mark = {name}",
            "mark = {name} + 0",
            (),
            ("mark",),
        ),
        Command(
            ("back", "undo", "recall"),
            NOTHING,
            "sets the {name} to the remembered value",
            "{name} = mark",
            "{name} += mark - {name}",
            (),
            ("mark",),
        ),
        Command(
            ("round", "settle", "snap"),
            NOTHING,
            "rounds the {name} down to a multiple of {A}",
            "{name} -= {name} % {A}",
            "{name} = {name} // {A} * {A}",
            (("A", 3, 9),),
        ),
        Command(
            ("bonus", "prize", "top_up"),
            NOTHING,
            "adds {A} to the {name} if it is even, and {B} otherwise",
            "{name} += {B} if {name} % 2 else {A}",
            "if {name} % 2 == 0:\n    {name} += {A}\nelse:\n    {name} += {B}",
            (("A", 2, 9), ("B", 10, 19)),
        ),
        Command(
            ("multiply", "scale", "grow"),
            NUMBER,
            "multiplies the {name} by n and keeps the remainder modulo {A}",
            "{name} = {name} * {n} % {A}",
            "product = {name} * {n}\n{name} = product - product // {A} * {A}",
            (("A", 37, 101),),
        ),
    ),
    (
        Rule(
            "after every {A:th} command, the {name} loses {B}, but never falls below 0",
            "steps += 1\nif steps % {A} == 0:\n    {name} = max(0, {name} - {B})",
            "steps = (steps + 1) % {A}\nif not steps:\n    {name} -= min({B}, {name})",
            (("A", 2, 4), ("B", 1, 9)),
            ("steps",),
        ),
        Rule(
            "whenever the {name} is above {A} after a command, what exceeds {A} is lost",
            "if {name} > {A}:\n    lost += {name} - {A}\n    {name} = {A}",
            "over = max(0, {name} - {A})\nlost += over\n{name} -= over",
            (("A", 20, 60),),
            ("lost",),
        ),
        Rule(
            "the highest {name} after any command is kept as the peak",
            "peak = max(peak, {name})",
            "if {name} > peak:\n    peak = {name}",
            (),
            ("peak",),
        ),
        Rule(
            "after a command that leaves the {name} at a multiple of {A}, it grows by 1",
            "if {name} % {A} == 0:\n    {name} += 1",
            "{name} += int(not {name} % {A})",
            (("A", 3, 8),),
        ),
        Rule(
            "the {name} is written down after every command",
            "log.append({name})",
            "log = [*log, {name}]",
            (),
            ("log",),
        ),
    ),
    (
        Result("the {name} after all commands", "{name}"),
        Result(
            "the {name} and the number of refused commands, as a tuple",
            "({name}, refused)",
            ("refused",),
        ),
        Result("the sum of the {name} and the spare amount", "{name} + spare", ("spare",)),
        Result("the {name} and the spare amount, as a tuple", "({name}, spare)", ("spare",)),
        Result("the peak", "peak", ("peak",)),
        Result("the peak minus the {name} at the end", "peak - {name}", ("peak",)),
        Result("the {name} and what was lost in all, as a tuple", "({name}, lost)", ("lost",)),
        Result("the list of what was written down", "log", ("log",)),
        Result("the number of different values that were written down", "len(set(log))", ("log",)),
    ),
)

QUEUE = Kind(
    "queue",
    (
        ("people stand in line at a counter", "line"),
        ("cars wait in front of a ferry", "lane"),
        ("a printer keeps its jobs in order of arrival", "jobs"),
        ("patients wait in a doctor's office", "waiting"),
        ("records lie on a pile beside the player", "pile"),
        ("planes circle above an airport until they may land", "sky"),
        ("runners pass each other in a race", "order"),
        ("dancers form a row", "row"),
    ),
    "[]",
    (
        Command(
            ("join", "arrive", "enter", "queue"),
            NAME,
            "puts the name at the end of the {name}",
            "{name}.append({who})",
            "{name} = [*{name}, {who}]",
        ),
        Command(
            ("rush", "cut_in", "vip"),
            NAME,
            "puts the name at the beginning of the {name}",
            "{name}.insert(0, {who})",
            "{name} = [{who}, *{name}]",
        ),
        Command(
            ("leave", "quit", "cancel"),
            NAME,
            "removes the first entry with that name from the {name}, if there is one",
            "if {who} in {name}:\n    {name}.remove({who})",
            "for i, other in enumerate({name}):\n    if other == {who}:\n        {name} = {name}[:i] + {name}[i + 1:]\n        break",
        ),
        Command(
            ("serve", "call", "next"),
            NOTHING,
            "takes the first one from the {name}, if there is one, and adds the name to those served",
            "if {name}:\n    served.append({name}.pop(0))",
            "served = served + {name}[:1]\n{name} = {name}[1:]",
            (),
            ("served",),
        ),
        Command(
            ("last", "give_up", "drop"),
            NOTHING,
            "removes the last one from the {name}, if there is one",
            "if {name}:\n    {name}.pop()",
            "{name} = {name}[:-1]",
        ),
        Command(
            ("turn", "reverse", "flip"),
            NOTHING,
            "turns the {name} around",
            "{name}.reverse()",
            "{name} = {name}[::-1]",
        ),
        Command(
            ("sort", "tidy", "by_name"),
            NOTHING,
            "sorts the {name} alphabetically",
            "{name}.sort()",
            "{name} = sorted({name})",
        ),
        Command(
            ("rotate", "pass", "cycle"),
            NUMBER,
            "moves the first n of the {name} (all if there are fewer) to its end, in their order",
            "{name} = {name}[{n}:] + {name}[:{n}]",
            "for _ in range(min({n}, len({name}))):\n    {name}.append({name}.pop(0))",
        ),
        Command(
            ("skip", "lose", "dismiss"),
            NUMBER,
            "removes the one at position n of the {name}, counted from 1, if there is one",
            "if {n} <= len({name}):\n    del {name}[{n} - 1]",
            "{name} = [x for i, x in enumerate({name}, 1) if i != {n}]",
        ),
        Command(
            ("swap", "switch", "change"),
            NUMBER,
            "exchanges the one at position n of the {name}, counted from 1, with the one after it, if both are there",
            "if {n} < len({name}):\n    {name}[{n} - 1], {name}[{n}] = {name}[{n}], {name}[{n} - 1]",
            "if len({name}) > {n}:\n    {name}.insert({n} - 1, {name}.pop({n}))",
        ),
        Command(
            ("favour", "promote", "up"),
            NAME,
            "moves the first entry with that name one place forward in the {name}, if it is there and not first",
            "if {who} in {name}[1:] and {name}[0] != {who}:\n    place = {name}.index({who})\n    {name}.insert(place - 1, {name}.pop(place))",
            "for i in range(1, len({name})):\n    if {name}[0] != {who} and {name}[i] == {who}:\n        {name}[i - 1], {name}[i] = {name}[i], {name}[i - 1]\n        break",
        ),
        Command(
            ("only", "unique", "once"),
            NOTHING,
            "keeps of equal names in the {name} only the first",
            "{name} = list(dict.fromkeys({name}))",
            "{name} = [x for i, x in enumerate({name}) if x not in {name}[:i]]",
        ),
    ),
    (
        Rule(
            "if the {name} is longer than {A} after a command, its last one is sent away",
            "if len({name}) > {A}:\n    {name}.pop()\n    refused += 1",
            "refused += max(0, len({name}) - {A})\n{name} = {name}[:{A}]",
            (("A", 2, 4),),
            ("refused",),
        ),
        Rule(
            "after every {A:th} command, the first one in the {name}, if there is one, is served as well",
            "steps += 1\nif steps % {A} == 0 and {name}:\n    served.append({name}.pop(0))",
            "steps += 1\nif steps == {A}:\n    steps = 0\n    served = served + {name}[:1]\n    {name} = {name}[1:]",
            (("A", 2, 4),),
            ("steps", "served"),
        ),
        Rule(
            "the greatest length of the {name} after a command is kept as the peak",
            "peak = max(peak, len({name}))",
            "if peak < len({name}):\n    peak = len({name})",
            (),
            ("peak",),
        ),
        Rule(
            "after each command the first name of the {name}, or '-' if it is empty, is noted",
            "log.append({name}[0] if {name} else '-')",
            "log = log + ({name}[:1] or ['-'])",
            (),
            ("log",),
        ),
    ),
    (
        Result("the {name} at the end", "{name}"),
        Result("the names of the {name} at the end, joined by commas", "','.join({name})"),
        Result("those served, in order", "served", ("served",)),
        Result(
            "a tuple of those served and those still in the {name}", "(served, {name})", ("served",)
        ),
        Result(
            "the {name} at the end and the number of those sent away, as a tuple",
            "({name}, refused)",
            ("refused",),
        ),
        Result(
            "the peak and the length of the {name} at the end, as a tuple",
            "(peak, len({name}))",
            ("peak",),
        ),
        Result("the notes", "log", ("log",)),
        Result(
            "the name that was noted most often (the alphabetically first one in case of a tie, '' if there are no notes)",
            "min(log, key=lambda x: (-log.count(x), x), default='')",
            ("log",),
        ),
    ),
)

KINDS = (LEVEL, QUEUE)
