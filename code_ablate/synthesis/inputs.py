"""Arguments of composed functions: what they hold, what they are called, how they are drawn.

made, scene = make_input("Ints", context, rng)
made.draw(rng)              # [31, 7, 118]
"""

from collections.abc import Callable
from random import Random
from typing import Any

from code_ablate.synthesis.contexts import NAMES, WORDS, Context, Quantity
from code_ablate.synthesis.english import Phrase, identifier, plural, with_article
from code_ablate.synthesis.inputs_of_notation import NOTATIONS
from code_ablate.synthesis.inputs_of_structure import STRUCTURES
from code_ablate.synthesis.program import Input, Maker
from code_ablate.synthesis.record_types import (
    DATACLASS,
    DICTIONARY,
    NAMED,
    TUPLE,
    Field,
    RecordType,
)
from code_ablate.synthesis.seeding import weighted

TRIALS = 6
"""Sample inputs that a program is tried on while it is composed."""

_LONGEST = 11


def make_input(type_name: str, context: Context, rng: Random) -> tuple[Input, tuple[str, ...]]:
    """An argument of a type, and sentences that set the scene for it."""
    made, scene = MAKERS[type_name](context, rng)
    made.values = [made.draw(rng) for _ in range(TRIALS)]
    return made, scene


def amount(rng: Random, low: int, high: int) -> int:
    """A number between two bounds, the bounds themselves more often than others."""
    return rng.choice((low, high)) if rng.random() < 0.06 else rng.randint(low, high)


def count(rng: Random, least: int = 0) -> int:
    """The length of a list: now and then none, mostly a handful."""
    if rng.random() < 0.1:
        return rng.randint(least, least + 1)
    return rng.randint(max(3, least), _LONGEST)


def _numbers(quantity: Quantity) -> Callable[[Random], list[int]]:
    low, high = quantity.low, quantity.high

    def draw(rng: Random) -> list[int]:
        top = high if rng.random() < 0.7 else min(high, low + 9)
        values = [amount(rng, low, top) for _ in range(count(rng))]
        for i in range(1, len(values)):
            if rng.random() < 0.15:
                values[i] = values[rng.randrange(i)]
        return values

    return draw


def _strings(source: tuple[str, ...]) -> Callable[[Random], list[str]]:
    def draw(rng: Random) -> list[str]:
        few = rng.sample(source, min(len(source), rng.randint(3, 9)))
        return [rng.choice(few) for _ in range(count(rng))]

    return draw


def _ints(context: Context, rng: Random) -> tuple[Input, tuple[str, ...]]:
    quantity = rng.choice(context.quantities)
    article = with_article(context.place)
    scene = rng.choice(
        (
            f"{context.keeper} writes down the {quantity.noun} of each {context.thing}"
            f" {context.done} in a day, in {quantity.unit}",
            f"{article} keeps a list of the {quantity.plural} of its {context.things},"
            f" in {quantity.unit}",
            f"for every {context.thing} that is {context.done} at {article},"
            f" its {quantity.noun} in {quantity.unit} is added to a list",
            f"{context.keeper} of {article} looks through the {quantity.plural} of the"
            f" {context.things} of a week",
            "",
            "",
        )
    )
    about = rng.choice(
        (
            f"the {quantity.plural} of the {context.things} in {quantity.unit}",
            f"a list of {quantity.plural} ({quantity.unit})",
            f"the {quantity.plural} of some {context.things}, as whole numbers",
        )
    )
    names = [identifier(quantity.plural), identifier(f"{context.thing} {quantity.plural}")]
    phrase = Phrase(f"the {quantity.plural}", quantity.noun, quantity.plural, plain=True)
    return Input(rng.choice(names), "Ints", phrase, about, _numbers(quantity), []), (scene,)


def _words(context: Context, rng: Random) -> tuple[Input, tuple[str, ...]]:
    what = rng.randrange(3)
    if what == 0:
        noun, source = context.label, NAMES
        scene = (
            f"whenever {with_article(context.thing)} is {context.done},"
            f" {context.keeper} notes the {noun}"
        )
        about = f"the names of the {plural(noun)}"
    elif what == 1:
        noun, source = context.kind, context.kinds
        scene = f"{context.keeper} keeps a list with the {noun} of each {context.thing}"
        about = (
            f"the {plural(noun)} of the {context.things}, in the order in which they were"
            f" {context.done}"
        )
    else:
        noun, source = rng.choice(("word", "code word", "tag", "password", "label")), WORDS
        scene = rng.choice(
            (
                "",
                f"each {context.thing} at {with_article(context.place)} bears {with_article(noun)}",
            )
        )
        about = f"a list of {plural(noun)}"
    phrase = Phrase(f"the {plural(noun)}", noun, plural(noun), plain=True)
    made = Input(identifier(plural(noun)), "Words", phrase, about, _strings(source), [])
    return made, (rng.choice((scene, scene, "")),)


def record_type(context: Context, rng: Random) -> RecordType:
    """The record that a context keeps of each of its things."""
    fields = [
        Field(identifier(context.label), "str", context.label, plural(context.label), values=NAMES),
        Field(
            identifier(context.kind),
            "str",
            context.kind,
            plural(context.kind),
            values=context.kinds,
        ),
        *(
            Field(identifier(q.noun), "int", q.noun, q.plural, q.low, q.high)
            for q in context.quantities
        ),
    ]
    if rng.random() < 0.35:
        fields.pop(rng.randrange(len(fields)))
    names = {field.name for field in fields}
    if len(names) < len(fields):  # a baker's label and kind may be one word
        fields = list({field.name: field for field in fields}.values())
    rng.shuffle(fields)
    style = weighted(rng, ((3, DATACLASS), (1.5, NAMED), (2.5, DICTIONARY), (2, TUPLE)))
    title = "".join(word.capitalize() for word in context.thing.split())
    return RecordType(title, context.thing, context.things, tuple(fields), style)


def make_records(
    record: RecordType, context: Context, rng: Random
) -> tuple[Input, tuple[str, ...]]:
    """A list of records as an argument."""

    def draw(rng: Random) -> list[Any]:
        people = rng.sample(NAMES, 5)
        rows = []
        for _ in range(min(count(rng), 8)):
            values: list[Any] = []
            for field in record.fields:
                if field.type == "int":
                    values.append(amount(rng, field.low, field.high))
                else:
                    values.append(rng.choice(people if field.values is NAMES else field.values))
            rows.append(record.make(values))
        return rows

    parts = [with_article(field.noun) for field in record.fields]
    listing = ", ".join(parts[:-1]) + f" and {parts[-1]}"
    if record.style == TUPLE:
        form = f"each {record.noun} is a tuple of {listing}"
    elif record.style == DICTIONARY:
        keys = ", ".join(f"'{field.name}'" for field in record.fields)
        form = f"each {record.noun} is a dictionary with the keys {keys}"
    else:
        form = rng.choice(
            (
                f"a `{record.name}` has {listing}",
                f"each {record.noun} is a `{record.name}` with {listing}",
            )
        )
    opening = rng.choice(
        (
            f"{context.keeper} keeps a record of all {context.things} that are {context.done}",
            f"{with_article(context.place)} keeps its {context.things} in a list",
            "",
        )
    )
    phrase = Phrase(f"the {context.things}", context.thing, context.things, plain=True)
    about = f"a list of {context.things}"
    made = Input(identifier(context.things), "Records", phrase, about, draw, [])
    made.values = [draw(rng) for _ in range(TRIALS)]
    return made, (opening, form)


def _tally(context: Context, rng: Random) -> tuple[Input, tuple[str, ...]]:
    quantity = rng.choice(context.quantities)
    by_label = rng.random() < 0.5
    noun = context.label if by_label else context.kind
    source = NAMES if by_label else context.kinds

    def draw(rng: Random) -> dict[str, int]:
        few = rng.sample(source, min(len(source), min(count(rng), 7)))
        return {key: amount(rng, quantity.low, quantity.high) for key in few}

    total = rng.random() < 0.5
    held = f"{quantity.noun}" if not total else f"total {quantity.noun}"
    scene = rng.choice(
        (
            f"{context.keeper} adds up the {quantity.plural} of the {context.things}"
            f" for every {noun}",
            f"at {with_article(context.place)}, the {held} is kept for every {noun}",
            "",
        )
    )
    title = (
        identifier(f"{quantity.noun} by {noun}")
        if rng.random() < 0.6
        else identifier(f"{noun} {quantity.plural}")
    )
    about = f"a dictionary from {plural(noun)} to {quantity.plural} in {quantity.unit}"
    phrase = Phrase(f"`{title}`", noun, plural(noun))
    return Input(title, "Tally", phrase, about, draw, []), (scene,)


def _pairs(context: Context, rng: Random) -> tuple[Input, tuple[str, ...]]:
    quantity = rng.choice(context.quantities)

    def draw(rng: Random) -> list[tuple[str, int]]:
        few = rng.sample(NAMES, 4)
        return [
            (rng.choice(few), amount(rng, quantity.low, quantity.high))
            for _ in range(min(count(rng), 8))
        ]

    scene = rng.choice(
        (
            f"for each {context.thing}, {context.keeper} writes down the {context.label} and the"
            f" {quantity.noun}",
            f"the book of {with_article(context.place)} has one line for each {context.thing}:"
            f" {context.label} and {quantity.noun}",
            "",
        )
    )
    title = identifier(
        context.things if rng.random() < 0.5 else rng.choice(("entries", "lines", "log", "book"))
    )
    about = (
        f"a list of pairs of {with_article(context.label)} and {with_article(quantity.noun)}"
        f" in {quantity.unit}"
    )
    phrase = Phrase(f"`{title}`", "pair", "pairs")
    return Input(title, "Pairs", phrase, about, draw, []), (scene,)


def _text(context: Context, rng: Random) -> tuple[Input, tuple[str, ...]]:
    def draw(rng: Random) -> str:
        few = [*rng.sample(WORDS, 5), rng.choice(NAMES)]
        return " ".join(rng.choice(few) for _ in range(min(count(rng), 8)))

    title = rng.choice(
        ("message", "line", "sentence", "note", "text", "remark", "caption", "title")
    )
    scene = rng.choice(
        (f"{context.keeper} leaves {with_article(title)} for the next shift", "", "")
    )
    return Input(
        title,
        "Text",
        Phrase(f"`{title}`", "character", "characters"),
        "a string of words separated by single spaces",
        draw,
        [],
    ), (scene,)


MAKERS: dict[str, Maker] = {
    "Ints": _ints,
    "Words": _words,
    "Tally": _tally,
    "Pairs": _pairs,
    "Text": _text,
    **STRUCTURES,
    **NOTATIONS,
}
"""Type in the grammar -> what makes an argument of it; make_records makes those of records."""
