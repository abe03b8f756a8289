"""Arguments in a notation: moves, logs, times of the day, whole numbers, packed strings, formulas.

made, scene = make_input("Log", context, rng)       # of synthesis.inputs, which knows all types
"""

from random import Random

from code_ablate.synthesis.contexts import NAMES, Context
from code_ablate.synthesis.english import Phrase, with_article
from code_ablate.synthesis.program import Input, Maker


def _moves(context: Context, rng: Random) -> tuple[Input, tuple[str, ...]]:
    del context
    who = rng.choice(("robot", "snail", "drone", "tourist", "mower", "crane", "ant", "boat"))
    title = rng.choice(("moves", "path", "walk", "route", "steps"))

    def draw(rng: Random) -> str:
        return "".join(rng.choice("NSEW") for _ in range(rng.choice((0, 1, 4, 6, 8, 10, 12))))

    scene = rng.choice(
        (
            f"{with_article(who)} moves over a square grid, one cell at a time",
            f"the way of {with_article(who)} is written down as a string",
            "",
        )
    )
    return Input(
        title,
        "Moves",
        Phrase(f"`{title}`", "move", "moves"),
        f"the moves of {with_article(who)}: a string of the letters N, S, E and W",
        draw,
        [],
    ), (scene,)


def _log(context: Context, rng: Random) -> tuple[Input, tuple[str, ...]]:
    unit = context.quantities[0].unit

    def draw(rng: Random) -> list[str]:
        few = rng.sample(NAMES, 3)
        return [
            f"{rng.choice(few)} {rng.choice((-1, 1, 1)) * rng.randint(1, 60):+d}"
            for _ in range(rng.choice((0, 1, 4, 5, 6, 8)))
        ]

    title = rng.choice(("log", "journal", "ledger_lines", "records", "entries"))
    scene = rng.choice(
        (f"{context.keeper} keeps a log of what each {context.label} brings and takes", "")
    )
    about = (
        "a list of lines such as 'Ida +12' or 'Omar -5': a name and what is added or taken"
        f" ({unit})"
    )
    return Input(title, "Log", Phrase(f"`{title}`", "line", "lines"), about, draw, []), (scene,)


def _clock(context: Context, rng: Random) -> tuple[Input, tuple[str, ...]]:
    def draw(rng: Random) -> list[str]:
        return [
            f"{rng.randint(0, 23):02d}:{rng.choice((0, 5, 15, 30, 45, rng.randint(0, 59))):02d}"
            for _ in range(rng.choice((0, 1, 3, 4, 5, 7)))
        ]

    title = rng.choice(("times", "arrivals", "departures", "alarms", "clock_times"))
    scene = rng.choice(
        (f"{context.keeper} writes down at what time each {context.thing} is {context.done}", "")
    )
    return Input(
        title,
        "Clock",
        Phrase(f"`{title}`", "time", "times"),
        "a list of times of the day such as '07:45'",
        draw,
        [],
    ), (scene,)


def _natural(context: Context, rng: Random) -> tuple[Input, tuple[str, ...]]:
    del context
    top = rng.choice((40, 90, 200, 300))
    title = rng.choice(("n", "n", "number", "m", "start", "value"))
    about = f"a whole number from 2 to {top}"
    return Input(
        title,
        "Natural",
        Phrase(f"`{title}`", "number", "numbers"),
        about,
        lambda rng: rng.randint(2, top),
        [],
    ), ()


def _packed(context: Context, rng: Random) -> tuple[Input, tuple[str, ...]]:
    del context
    title = rng.choice(("packed", "code", "short", "pattern", "knitting"))

    def draw(rng: Random) -> str:
        letters = rng.sample("abcdeklmnst", 4)
        return "".join(
            f"{rng.choice(letters)}{rng.choice((1, 1, 2, 3, 4, 5, 11))}"
            for _ in range(rng.choice((0, 1, 3, 4, 5, 6)))
        )

    scene = (
        "a knitting pattern is written as letters for stitches, each with a number"
        if title == "knitting"
        else ""
    )
    return Input(
        title,
        "Packed",
        Phrase(f"`{title}`", "letter", "letters"),
        "a string of letters, each followed by a number, such as 'a3k12'",
        draw,
        [],
    ), (scene,)


def _formula(context: Context, rng: Random) -> tuple[Input, tuple[str, ...]]:
    del context
    title = rng.choice(("formula", "expression", "sum_text", "task"))

    def draw(rng: Random) -> str:
        text = str(rng.randint(1, 30))
        for _ in range(rng.choice((0, 1, 2, 3, 4, 5))):
            text += rng.choice("+-**") + str(rng.randint(1, 20))
        return text

    scene = rng.choice(("a pocket calculator reads what is typed", ""))
    return Input(
        title,
        "Formula",
        Phrase(f"`{title}`", "sign", "signs"),
        "a string of whole numbers joined by +, - and *, such as '3+4*2'",
        draw,
        [],
    ), (scene,)


NOTATIONS: dict[str, Maker] = {
    "Moves": _moves,
    "Log": _log,
    "Clock": _clock,
    "Natural": _natural,
    "Packed": _packed,
    "Formula": _formula,
}
"""Type in the grammar -> what makes an argument of it."""
