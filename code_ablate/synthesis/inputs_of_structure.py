"""Arguments with a structure: grids, floor plans, graphs, roads, bookings, nested lists, trees.

made, scene = make_input("Grid", context, rng)      # of synthesis.inputs, which knows all types
"""

from random import Random
from typing import Any

from code_ablate.synthesis.contexts import NAMES, WORDS, Context
from code_ablate.synthesis.english import Phrase, plural, with_article
from code_ablate.synthesis.program import Input, Maker

TOWNS = (
    *("Aram", "Belo", "Cori", "Dunmore", "Elba", "Fenwick", "Galt", "Hove", "Ilmen", "Jura"),
    *("Kells", "Lorne", "Mull", "Nairn"),
)

_GRIDS = (
    (
        "heights",
        "the heights of a piece of land, cell by cell",
        "a surveyor divides a field into square cells and measures the height of each",
    ),
    (
        "rain",
        "the rainfall in each cell of a map",
        "a map is divided into cells, and the rainfall of a day is written into each",
    ),
    (
        "seats",
        "how often each seat of a hall was sold",
        "the box office counts how often each seat of a hall is sold",
    ),
    (
        "pixels",
        "the brightness of each pixel of a picture",
        "a camera stores a picture as rows of brightness values",
    ),
    (
        "crops",
        "what each bed of a garden bore, in kilograms",
        "a gardener notes what each bed of a square garden bears",
    ),
    (
        "tolls",
        "what it costs to enter each square of a board",
        "in a board game, entering a square costs a number of coins",
    ),
    (
        "scores",
        "the points of each player (row) in each round (column)",
        "the points of all players are kept round by round",
    ),
    (
        "stock",
        "how many pieces each shelf (row) holds of each article (column)",
        "a shop counts its stock shelf by shelf",
    ),
    (
        "traffic",
        "how many cars pass each crossing of a town, street by street",
        "cameras count the cars at each crossing of a town",
    ),
    (
        "depths",
        "the depths of a lake at the crossings of a net, in metres",
        "a boat measures the depth of a lake at regular distances",
    ),
)
_GRAPHS = (
    (
        "town",
        "roads",
        "from each town to the towns that a one-way road leads to",
        "in a valley, all roads are one-way",
        TOWNS,
    ),
    (
        "module",
        "imports",
        "from each module to the modules it imports",
        "a build tool reads which modules of a program import which",
        WORDS,
    ),
    (
        "room",
        "doors",
        "from each room to the rooms that its doors open to",
        "the doors of a castle open in one direction only",
        WORDS,
    ),
    (
        "person",
        "follows",
        "from each person to those whom he or she follows",
        "in a small network, people follow each other",
        NAMES,
    ),
    (
        "page",
        "links",
        "from each page to the pages it links to",
        "a crawler stores which page of a site links to which",
        WORDS,
    ),
    (
        "task",
        "needs",
        "from each task to the tasks it needs to be done before it",
        "the plan of a project says which tasks have to wait for which",
        WORDS,
    ),
    (
        "species",
        "eats",
        "from each species to those it eats",
        "a biologist draws a food web",
        WORDS,
    ),
    (
        "station",
        "lines",
        "from each station to the next stations of its lines",
        "a tram network is given station by station",
        TOWNS,
    ),
)
_SPANS = ("bookings", "meetings", "visits", "shifts", "lessons", "sessions", "watches", "tours")


def _grid(context: Context, rng: Random) -> tuple[Input, tuple[str, ...]]:
    del context
    title, about, scene = rng.choice(_GRIDS)
    top = rng.choice((9, 9, 20, 50))

    def draw(rng: Random) -> list[list[int]]:
        height, width = rng.randint(1, 4), rng.randint(1, 5)
        return [[rng.randint(0, top) for _ in range(width)] for _ in range(height)]

    phrase = Phrase(f"`{title}`", "row", "rows")
    about = rng.choice(
        (f"{about}, as a list of rows", f"a grid (a list of rows of equal length) with {about}")
    )
    return Input(title, "Grid", phrase, about, draw, []), (rng.choice((scene, scene, "")),)


def _board(context: Context, rng: Random) -> tuple[Input, tuple[str, ...]]:
    def draw(rng: Random) -> list[str]:
        width = rng.randint(3, 7)
        share = rng.choice((0.25, 0.4, 0.5))
        return [
            "".join("#" if rng.random() < share else "." for _ in range(width))
            for _ in range(rng.randint(1, 5))
        ]

    title = rng.choice(("plan", "floor", "cave", "maze", "board", "field"))
    scene = rng.choice(
        (
            f"{with_article(title)} is drawn with '#' for a wall and '.' for a free cell",
            f"the {title} of {with_article(context.place)} is given line by line",
        )
    )
    phrase = Phrase(f"`{title}`", "row", "rows")
    return Input(
        title,
        "Board",
        phrase,
        "lines of equal length, in which '#' is a wall and '.' is free",
        draw,
        [],
    ), (scene,)


def _links(context: Context, rng: Random) -> tuple[Input, tuple[str, ...]]:
    del context
    noun, title, about, scene, source = rng.choice(_GRAPHS)

    def draw(rng: Random) -> dict[str, list[str]]:
        nodes = rng.sample(source, rng.randint(2, 6))
        share = rng.choice((0.2, 0.3, 0.45))
        return {a: [b for b in nodes if b != a and rng.random() < share] for a in nodes}

    phrase = Phrase(f"`{title}`", noun, plural(noun))
    return Input(
        title, "Links", phrase, f"a dictionary {about}, with every {noun} as a key", draw, []
    ), (rng.choice((scene, scene, "")),)


def _roads(context: Context, rng: Random) -> tuple[Input, tuple[str, ...]]:
    del context
    title = rng.choice(("roads", "cables", "pipes", "tracks", "ferries", "bridges"))

    def draw(rng: Random) -> list[tuple[str, str, int]]:
        towns = rng.sample(TOWNS, rng.randint(2, 6))
        pairs = [(a, b) for i, a in enumerate(towns) for b in towns[:i]]
        return [
            (a, b, rng.randint(1, 40))
            for a, b in rng.sample(pairs, min(len(pairs), rng.randint(1, 8)))
        ]

    scene = rng.choice((f"{title} connect the towns of a district, each in both directions", ""))
    phrase = Phrase(f"`{title}`", "road", "roads")
    about = (
        f"a list of the {title} between towns as tuples of the two towns and the length, each"
        " usable in both directions"
    )
    return Input(title, "Roads", phrase, about, draw, []), (scene,)


def _spans(context: Context, rng: Random) -> tuple[Input, tuple[str, ...]]:
    title = rng.choice(_SPANS)

    def draw(rng: Random) -> list[tuple[int, int]]:
        made = []
        for _ in range(rng.choice((0, 1, 3, 4, 5, 6, 7))):
            start = rng.randint(0, 20)
            made.append((start, start + rng.randint(1, 6)))
        return made

    noun = title[:-2] if title == "watches" else title[:-1]
    scene = rng.choice(
        (
            f"{context.keeper} plans the {title} of a day",
            f"{with_article(context.place)} keeps a list of its {title}",
            "",
        )
    )
    phrase = Phrase(f"the {title}", noun, title)
    about = f"the {title} as pairs of the hour at which one begins and the hour at which it is over"
    return Input(title, "Spans", phrase, about, draw, []), (scene,)


def _nested(context: Context, rng: Random) -> tuple[Input, tuple[str, ...]]:
    del context

    def part(rng: Random, depth: int) -> list[Any]:
        made: list[Any] = []
        for _ in range(rng.randint(0, 4)):
            made.append(
                part(rng, depth + 1) if depth < 3 and rng.random() < 0.35 else rng.randint(0, 30)
            )
        return made

    title = rng.choice(("nested", "boxes", "parts", "folders", "outline", "bundle"))
    phrase = Phrase(f"`{title}`", "element", "elements")
    scene = {
        "boxes": "boxes hold coins and smaller boxes",
        "folders": "a folder holds file sizes and further folders",
    }.get(title, "")
    return Input(
        title,
        "Nested",
        phrase,
        "a list whose elements are integers or lists of the same kind",
        lambda rng: part(rng, 0),
        [],
    ), (scene,)


def _tree(context: Context, rng: Random) -> tuple[Input, tuple[str, ...]]:
    del context

    def grow(rng: Random, depth: int) -> tuple | None:
        if depth > 3 or (depth > 0 and rng.random() < 0.35):
            return None
        return rng.randint(1, 40), grow(rng, depth + 1), grow(rng, depth + 1)

    title = rng.choice(("tree", "root", "tree"))
    phrase = Phrase(f"`{title}`", "value", "values")
    about = "a binary tree: None, or a tuple of a value, the left part and the right part"
    return Input(
        title, "Tree", phrase, about, lambda rng: grow(rng, 0) if rng.random() < 0.95 else None, []
    ), ()


STRUCTURES: dict[str, Maker] = {
    "Grid": _grid,
    "Board": _board,
    "Links": _links,
    "Roads": _roads,
    "Spans": _spans,
    "Nested": _nested,
    "Tree": _tree,
}
"""Type in the grammar -> what makes an argument of it."""
