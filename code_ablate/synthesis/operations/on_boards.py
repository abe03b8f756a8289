"""Operations on floor plans of walls and free cells."""

from __future__ import annotations

from collections import deque

from code_ablate.synthesis.grammar import (
    Board,
    Int,
    Ints,
    Runs,
    operation,
)


@operation(
    "the number of free cells ('.') of {b} that can be reached from the first free cell, in"
    " the order of reading, by steps to the side, up and down",
    names="reachable room_size",
)
def reachable_cells(b: Board) -> Int:
    free = [(i, j) for i, row in enumerate(b) for j, mark in enumerate(row) if mark == "."]
    if not free:
        return 0
    seen = {free[0]}
    queue = deque([free[0]])
    while queue:
        i, j = queue.popleft()
        for cell in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)):
            if cell in free and cell not in seen:
                seen.add(cell)
                queue.append(cell)
    return len(seen)


@reachable_cells.form
def _(b):
    cells = {(i, j) for i in range(len(b)) for j in range(len(b[i])) if b[i][j] == "."}
    reached = {min(cells)} if cells else set()
    grown = True
    while grown:
        around = {(i + a, j + c) for i, j in reached for a, c in ((0, 1), (1, 0), (0, -1), (-1, 0))}
        grown = bool((around & cells) - reached)
        reached |= around & cells
    return len(reached)


@operation(
    "the number of separate rooms in {b}: groups of free cells ('.') that touch at their sides",
    names="rooms areas",
    weight=1.2,
)
def rooms(b: Board) -> Int:
    left = {(i, j) for i, row in enumerate(b) for j, mark in enumerate(row) if mark == "."}
    count = 0
    while left:
        count += 1
        stack = [left.pop()]
        while stack:
            i, j = stack.pop()
            for cell in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)):
                if cell in left:
                    left.remove(cell)
                    stack.append(cell)
    return count


@rooms.form
def _(b):
    parent: dict = {}

    def root(cell):
        while parent[cell] != cell:
            cell = parent[cell]
        return cell

    for i, row in enumerate(b):
        for j, mark in enumerate(row):
            if mark == ".":
                parent[i, j] = (i, j)
                for cell in ((i - 1, j), (i, j - 1)):
                    if cell in parent:
                        parent[root((i, j))] = root(cell)
    return len({root(cell) for cell in parent})


@operation(
    "the numbers of walls ('#') in the rows of {b}", names="walls wall_counts", item="wall count"
)
def wall_counts(b: Board) -> Ints:
    return [row.count("#") for row in b]


@wall_counts.form
def _(b):
    counts = []
    for row in b:
        count = 0
        for mark in row:
            if mark == "#":
                count += 1
        counts.append(count)
    return counts


@operation(
    "{b} after one step of a rule: a free cell ('.') becomes a wall ('#') if at least {k} of its"
    " four neighbours are walls, and the rest stays",
    does="let every free cell of {b} with at"
    " least {k:wall} beside it become a wall, all at the same time",
    names="grown after",
    k=(2, 3),
)
def grown_walls(b: Board, k: Int) -> Board:
    rows = []
    for i, row in enumerate(b):
        line = ""
        for j, mark in enumerate(row):
            around = sum(
                1
                for a, c in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1))
                if 0 <= a < len(b) and 0 <= c < len(row) and b[a][c] == "#"
            )
            line += "#" if mark == "#" or around >= k else "."
        rows.append(line)
    return rows


@grown_walls.form
def _(b, k):
    walls = {(i, j) for i, row in enumerate(b) for j, mark in enumerate(row) if mark == "#"}
    steps = ((0, 1), (1, 0), (0, -1), (-1, 0))
    return [
        "".join(
            "#" if (i, j) in walls or sum((i + a, j + c) in walls for a, c in steps) >= k else "."
            for j in range(len(row))
        )
        for i, row in enumerate(b)
    ]


@operation(
    "the free runs of the rows of {b} as pairs of row and length, for runs of at least {k} free"
    " cells",
    names="runs gaps",
    k=(2, 3),
    weight=0.8,
)
def free_runs(b: Board, k: Int) -> Runs:
    runs = []
    for i, row in enumerate(b):
        for piece in row.split("#"):
            if len(piece) >= k:
                runs.append((i, len(piece)))
    return runs


@free_runs.form
def _(b, k):
    runs = []
    for i, row in enumerate(b):
        run = 0
        for mark in row + "#":
            if mark == ".":
                run += 1
            else:
                if run >= k:
                    runs.append((i, run))
                run = 0
    return runs
