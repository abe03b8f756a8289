"""Operations on the moves of a walker on a square grid."""

from __future__ import annotations

from code_ablate.synthesis.grammar import (
    Int,
    Ints,
    Mark,
    Moves,
    Tally,
    Text,
    operation,
)


@operation(
    "the place where {m} ends, as the string 'x,y': it starts at 0,0, N adds 1 to y, S takes 1"
    " from it, E adds 1 to x and W takes 1 from it",
    names="end place",
)
def end_of_walk(m: Moves) -> Mark:
    x = m.count("E") - m.count("W")
    y = m.count("N") - m.count("S")
    return f"{x},{y}"


@end_of_walk.form
def _(m):
    x = y = 0
    for step in m:
        if step == "N":
            y += 1
        elif step == "S":
            y -= 1
        elif step == "E":
            x += 1
        else:
            x -= 1
    return f"{x},{y}"


@operation(
    "the distances from the start, counted in steps along the streets, after each move of {m}",
    does="follow {m} and note the distance from the start, in steps along the streets, after"
    " each move",
    names="distances",
    item="distance",
    weight=1.3,
)
def walk_distances(m: Moves) -> Ints:
    x = y = 0
    distances = []
    for step in m:
        x += (step == "E") - (step == "W")
        y += (step == "N") - (step == "S")
        distances.append(abs(x) + abs(y))
    return distances


@walk_distances.form
def _(m):
    moves = {"N": (0, 1), "S": (0, -1), "E": (1, 0), "W": (-1, 0)}
    place = (0, 0)
    distances = []
    for step in m:
        place = (place[0] + moves[step][0], place[1] + moves[step][1])
        distances.append(abs(place[0]) + abs(place[1]))
    return distances


@operation(
    "the number of different places that {m} visits, the start included", names="visited places"
)
def places_visited(m: Moves) -> Int:
    x = y = 0
    seen = {(0, 0)}
    for step in m:
        if step in "NS":
            y += 1 if step == "N" else -1
        else:
            x += 1 if step == "E" else -1
        seen.add((x, y))
    return len(seen)


@places_visited.form
def _(m):
    east = [m[:i].count("E") - m[:i].count("W") for i in range(len(m) + 1)]
    north = [m[:i].count("N") - m[:i].count("S") for i in range(len(m) + 1)]
    return len(set(zip(east, north)))


@operation(
    "{m} with pairs of opposite moves that follow each other removed, until there are none",
    does="cross out opposite moves of {m} that follow each other, again and again until there"
    " are none",
    names="shortened simplified",
)
def simplified_walk(m: Moves) -> Text:
    opposite = {"N": "S", "S": "N", "E": "W", "W": "E"}
    kept: list = []
    for step in m:
        if kept and kept[-1] == opposite[step]:
            kept.pop()
        else:
            kept.append(step)
    return "".join(kept)


@simplified_walk.form
def _(m):
    before = ""
    after = m
    while before != after:
        before = after
        for pair in ("NS", "SN", "EW", "WE"):
            after = after.replace(pair, "", 1)
    return after


@operation(
    "a dictionary from each direction in {m} to the length of the longest unbroken run in that"
    " direction",
    names="longest_runs",
    item="direction",
)
def direction_runs(m: Moves) -> Tally:
    longest: dict = {}
    run = 0
    for i, step in enumerate(m):
        run = run + 1 if i and m[i - 1] == step else 1
        longest[step] = max(run, longest.get(step, 0))
    return longest


@direction_runs.form
def _(m):
    longest = {}
    for step in dict.fromkeys(m):
        n = 1
        while step * (n + 1) in m:
            n += 1
        longest[step] = n
    return longest
