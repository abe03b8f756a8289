"""Operations on grids of numbers."""

from __future__ import annotations

from code_ablate.synthesis.grammar import (
    LEVEL,
    Grid,
    Int,
    Ints,
    operation,
)


@operation(
    "the sums of the rows of {g}", does="add up each row of {g}", names="row_sums", item="row sum"
)
def row_sums(g: Grid) -> Ints:
    return [sum(row) for row in g]


@row_sums.form
def _(g):
    sums = []
    for row in g:
        total = 0
        for value in row:
            total += value
        sums.append(total)
    return sums


@operation(
    "the sums of the columns of {g}",
    does="add up each column of {g}",
    names="column_sums",
    item="column sum",
)
def column_sums(g: Grid) -> Ints:
    return [sum(column) for column in zip(*g)]


@column_sums.form
def _(g):
    width = len(g[0]) if g else 0
    return [sum(row[j] for row in g) for j in range(width)]


@operation(
    "the largest numbers of the rows of {g}", names="row_tops", item="row maximum", weight=0.8
)
def row_tops(g: Grid) -> Ints:
    return [max(row) for row in g]


@row_tops.form
def _(g):
    tops = []
    for row in g:
        best = row[0]
        for value in row:
            if value > best:
                best = value
        tops.append(best)
    return tops


@operation(
    "{g} mirrored along its diagonal, so that rows become columns",
    does="turn the rows of {g} into columns",
    names="transposed flipped",
    weight=0.8,
)
def transposed(g: Grid) -> Grid:
    return [list(column) for column in zip(*g)]


@transposed.form
def _(g):
    if not g:
        return []
    return [[row[j] for row in g] for j in range(len(g[0]))]


@transposed.holds
def _(g, result):
    return [list(column) for column in zip(*result)] == g


@operation(
    "{g} turned clockwise by a quarter",
    does="turn {g} clockwise by a quarter",
    names="turned rotated",
    weight=0.8,
)
def quarter_turn(g: Grid) -> Grid:
    return [list(column) for column in zip(*g[::-1])]


@quarter_turn.form
def _(g):
    height = len(g)
    width = len(g[0]) if g else 0
    return [[g[height - 1 - i][j] for i in range(height)] for j in range(width)]


@operation(
    "the numbers of {g} in the order of a clockwise spiral from the top left corner",
    does="read {g} along a clockwise spiral that begins at the top left corner",
    names="spiral",
    item="number",
)
def spiral(g: Grid) -> Ints:
    rows = [list(row) for row in g]
    path: list = []
    while rows:
        path += rows.pop(0)
        rows = [list(column) for column in zip(*rows)][::-1]
    return path


@spiral.form
def _(g):
    path: list = []
    top, left = 0, 0
    bottom, right = len(g) - 1, len(g[0]) - 1 if g else -1
    while top <= bottom and left <= right:
        path += [g[top][j] for j in range(left, right + 1)]
        path += [g[i][right] for i in range(top + 1, bottom + 1)]
        if top < bottom and left < right:
            path += [g[bottom][j] for j in range(right - 1, left - 1, -1)]
            path += [g[i][left] for i in range(bottom - 1, top, -1)]
        top, left, bottom, right = top + 1, left + 1, bottom - 1, right - 1
    return path


@spiral.holds
def _(g, result):
    return sorted(result) == sorted(value for row in g for value in row)


@operation(
    "the numbers on the border of {g}, row by row", names="border edge", item="border number"
)
def border(g: Grid) -> Ints:
    last, end = len(g) - 1, len(g[0]) - 1
    return [
        value
        for i, row in enumerate(g)
        for j, value in enumerate(row)
        if i in (0, last) or j in (0, end)
    ]


@border.form
def _(g):
    edge = []
    for i in range(len(g)):
        for j in range(len(g[i])):
            if i == 0 or j == 0 or i == len(g) - 1 or j == len(g[i]) - 1:
                edge.append(g[i][j])
    return edge


@operation(
    "the number of cells of {g} that are larger than all their neighbours above, below, left"
    " and right",
    names="peaks summits",
)
def grid_peaks(g: Grid) -> Int:
    count = 0
    for i, row in enumerate(g):
        for j, value in enumerate(row):
            around = [
                g[a][b]
                for a, b in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1))
                if 0 <= a < len(g) and 0 <= b < len(row)
            ]
            if all(value > other for other in around):
                count += 1
    return count


@grid_peaks.form
def _(g):
    height, width = len(g), len(g[0])
    cells = {(i, j): g[i][j] for i in range(height) for j in range(width)}
    return sum(
        all(value > cells.get((i + a, j + b), -1) for a, b in ((0, 1), (1, 0), (0, -1), (-1, 0)))
        for (i, j), value in cells.items()
    )


@operation(
    "the smallest sum of numbers on a path through {g} from the top left to the bottom right"
    " corner that only goes right and down, both corners included",
    names="cheapest_path cost",
    weight=1.3,
)
def cheapest_path(g: Grid) -> Int:
    best: list = []
    for i, row in enumerate(g):
        for j, value in enumerate(row):
            if i == 0 and j == 0:
                best = [value]
            elif i == 0:
                best.append(best[-1] + value)
            elif j == 0:
                best[0] += value
            else:
                best[j] = min(best[j], best[j - 1]) + value
    return best[-1]


@cheapest_path.form
def _(g):
    costs: dict = {}
    for i in range(len(g)):
        for j in range(len(g[0])):
            before = [costs[p] for p in ((i - 1, j), (i, j - 1)) if p in costs]
            costs[i, j] = g[i][j] + min(before, default=0)
    return costs[len(g) - 1, len(g[0]) - 1]


@operation(
    "the largest total that a walk down {g} can collect: it starts anywhere in the first row,"
    " and each step leads to the next row, straight down or one column to the side",
    names="best_descent haul",
)
def best_descent(g: Grid) -> Int:
    sums = list(g[0])
    for row in g[1:]:
        sums = [value + max(sums[max(0, j - 1) : j + 2]) for j, value in enumerate(row)]
    return max(sums)


@best_descent.form
def _(g):
    def reach(i, j):
        below = (
            [reach(i + 1, k) for k in (j - 1, j, j + 1) if 0 <= k < len(g[0])]
            if i + 1 < len(g)
            else [0]
        )
        return g[i][j] + max(below)

    return max(reach(0, j) for j in range(len(g[0])))


@operation("the sum of the numbers on the main diagonal of {g}", names="diagonal trace", weight=0.8)
def diagonal_sum(g: Grid) -> Int:
    return sum(row[i] for i, row in enumerate(g) if i < len(row))


@diagonal_sum.form
def _(g):
    total = 0
    for i in range(min(len(g), len(g[0]))):
        total += g[i][i]
    return total


@operation(
    "{g} with each number replaced by the sum of itself and its neighbours above, below, left"
    " and right",
    does="add to every number of {g} its neighbours above, below, left and right",
    names="smoothed spread",
)
def neighbour_sums(g: Grid) -> Grid:
    return [
        [
            value
            + sum(
                g[a][b]
                for a, b in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1))
                if 0 <= a < len(g) and 0 <= b < len(row)
            )
            for j, value in enumerate(row)
        ]
        for i, row in enumerate(g)
    ]


@neighbour_sums.form
def _(g):
    result = [list(row) for row in g]
    for i in range(len(g)):
        for j in range(len(g[0])):
            if i > 0:
                result[i][j] += g[i - 1][j]
                result[i - 1][j] += g[i][j]
            if j > 0:
                result[i][j] += g[i][j - 1]
                result[i][j - 1] += g[i][j]
    return result


@operation(
    "the size of the largest region of cells of {g} with a number above {k} that touch each"
    " other at their sides (0 if there is none)",
    names="largest_region island",
    k=LEVEL,
)
def largest_region(g: Grid, k: Int) -> Int:
    left = {(i, j) for i, row in enumerate(g) for j, value in enumerate(row) if value > k}
    best = 0
    while left:
        stack = [left.pop()]
        size = 0
        while stack:
            i, j = stack.pop()
            size += 1
            for cell in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)):
                if cell in left:
                    left.remove(cell)
                    stack.append(cell)
        best = max(best, size)
    return best


@largest_region.form
def _(g, k):
    seen = set()

    def flood(i, j):
        if not (0 <= i < len(g) and 0 <= j < len(g[0])) or (i, j) in seen or g[i][j] <= k:
            return 0
        seen.add((i, j))
        return 1 + flood(i + 1, j) + flood(i - 1, j) + flood(i, j + 1) + flood(i, j - 1)

    return max((flood(i, j) for i in range(len(g)) for j in range(len(g[0]))), default=0)


@operation(
    "the rows of {g} whose sum is at least {k}, in their order",
    does="keep the rows of {g} that add up to at least {k}",
    names="heavy_rows",
    k=(5, 24),
    weight=0.8,
)
def heavy_rows(g: Grid, k: Int) -> Grid:
    return [row for row in g if sum(row) >= k]


@heavy_rows.form
def _(g, k):
    kept = []
    for row in g:
        total = 0
        for value in row:
            total += value
        if total >= k:
            kept.append(row)
    return kept


@operation(
    "all numbers of {g} in one list, row by row",
    does="write all numbers of {g} into one list, row by row",
    names="flat numbers",
    item="number",
)
def flattened(g: Grid) -> Ints:
    return [value for row in g for value in row]


@flattened.form
def _(g):
    flat: list = []
    for row in g:
        flat.extend(row)
    return flat


@operation(
    "the number of rows of {g} that are sorted from small to large", names="sorted_rows", weight=0.7
)
def sorted_rows(g: Grid) -> Int:
    return sum(row == sorted(row) for row in g)


@sorted_rows.form
def _(g):
    count = 0
    for row in g:
        if all(a <= b for a, b in zip(row, row[1:])):
            count += 1
    return count
