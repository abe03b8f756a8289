"""Operations that make another list of a list of numbers, or ask what holds of all of it."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate, groupby, pairwise

from code_ablate.synthesis.grammar import SEEN, Bool, Grid, Int, Ints, operation


@operation("{xs} rise from each one to the next", names="increasing is_increasing", weight=0.5)
def increasing(xs: Ints) -> Bool:
    return all(a < b for a, b in pairwise(xs))


@increasing.form
def _(xs):
    for i in range(1, len(xs)):
        if xs[i] <= xs[i - 1]:
            return False
    return True


@operation("{xs} are all different", names="all_different", weight=0.5)
def all_different(xs: Ints) -> Bool:
    return len(set(xs)) == len(xs)


@all_different.form
def _(xs):
    seen = set()
    for x in xs:
        if x in seen:
            return False
        seen.add(x)
    return True


@operation("{xs} read the same from both ends", names="symmetric", weight=0.3)
def symmetric(xs: Ints) -> Bool:
    return xs == xs[::-1]


@symmetric.form
def _(xs):
    return all(xs[i] == xs[-1 - i] for i in range(len(xs) // 2))


@operation(
    "{xs}, in increasing order",
    does="sort {xs} in increasing order",
    names="ordered sorted_values",
    weight=1.5,
)
def ascending(xs: Ints) -> Ints:
    return sorted(xs)


@ascending.form
def _(xs):
    left = list(xs)
    ordered = []
    while left:
        smallest = min(left)
        left.remove(smallest)
        ordered.append(smallest)
    return ordered


@ascending.holds
def _(xs, result):
    return Counter(xs) == Counter(result) and all(a <= b for a, b in zip(result, result[1:]))


@operation(
    "{xs}, in decreasing order", does="sort {xs} in decreasing order", names="descending ranked"
)
def descending(xs: Ints) -> Ints:
    return sorted(xs, reverse=True)


@descending.form
def _(xs):
    return sorted(xs)[::-1]


@operation(
    "the different values among {xs}, in order of first appearance",
    does="drop repeated values from {xs}, keeping the first of each",
    names="unique distinct",
)
def unique(xs: Ints) -> Ints:
    seen = set()
    kept = []
    for x in xs:
        if x not in seen:
            seen.add(x)
            kept.append(x)
    return kept


@unique.form
def _(xs):
    return list(dict.fromkeys(xs))


@operation(
    "those values that occur more than once among {xs}, each once, in increasing order",
    names="repeated duplicates",
    item="repeated value",
)
def repeated(xs: Ints) -> Ints:
    return sorted(x for x, n in Counter(xs).items() if n > 1)


@repeated.form
def _(xs):
    return sorted({x for i, x in enumerate(xs) if x in xs[:i]})


@operation(
    "the differences between consecutive {xs.bare}, each one minus the one before it",
    "the changes from each of {xs} to the next",
    does="subtract each of {xs} from the one after it",
    names="differences changes gaps steps",
    item="change",
    weight=1.5,
)
def differences(xs: Ints) -> Ints:
    return [b - a for a, b in pairwise(xs)]


@differences.form
def _(xs):
    return [xs[i] - xs[i - 1] for i in range(1, len(xs))]


@operation(
    "the running totals of {xs}",
    does="add up {xs} one after the other, keeping every partial sum",
    names="running cumulative",
    item="running total",
)
def running_totals(xs: Ints) -> Ints:
    return list(accumulate(xs))


@running_totals.form
def _(xs):
    totals = []
    total = 0
    for x in xs:
        total += x
        totals.append(total)
    return totals


@running_totals.holds
def _(xs, result):
    return [b - a for a, b in zip([0, *result], result)] == list(xs)


@operation(
    "the running maximum of {xs}: for each position, the largest so far",
    does="replace each of {xs} by the largest one seen up to there",
    names="running_best highs",
    item="high",
)
def running_best(xs: Ints) -> Ints:
    return list(accumulate(xs, max))


@running_best.form
def _(xs):
    return [max(xs[: i + 1]) for i in range(len(xs))]


@operation(
    "the sums of every {k} consecutive {xs.bare}",
    does="add up every {k} consecutive {xs.bare}",
    names="windows window_sums",
    item="window sum",
    k=(2, 4),
)
def window_sums(xs: Ints, k: Int) -> Ints:
    return [sum(xs[i : i + k]) for i in range(len(xs) - k + 1)]


@window_sums.form
def _(xs, k):
    totals = [0, *accumulate(xs)]
    return [totals[i] - totals[i - k] for i in range(k, len(totals))]


@operation(
    "{xs} cut into pieces of {k}, the last of which may be shorter, and each piece added up",
    does="cut {xs} into pieces of {k} (the last may be shorter) and add up each piece",
    names="chunk_sums batches",
    item="piece sum",
    k=(2, 4),
)
def chunk_sums(xs: Ints, k: Int) -> Ints:
    return [sum(xs[i : i + k]) for i in range(0, len(xs), k)]


@chunk_sums.form
def _(xs, k):
    sums: list = []
    for i, x in enumerate(xs):
        if i % k == 0:
            sums.append(0)
        sums[-1] += x
    return sums


@operation(
    "{xs}, each replaced by its rank: the number of smaller ones among them",
    does="replace each of {xs} by the number of smaller ones among them",
    names="ranks places",
    item="rank",
)
def ranks(xs: Ints) -> Ints:
    return [sum(y < x for y in xs) for x in xs]


@ranks.form
def _(xs):
    ordered = sorted(xs)
    return [ordered.index(x) for x in xs]


@operation(
    "the number of later and smaller ones for each of {xs}, as a list",
    names="inversions",
    item="count",
)
def later_smaller(xs: Ints) -> Ints:
    return [sum(y < x for y in xs[i + 1 :]) for i, x in enumerate(xs)]


@later_smaller.form
def _(xs):
    counts = []
    for i in range(len(xs)):
        count = 0
        for j in range(i + 1, len(xs)):
            if xs[j] < xs[i]:
                count += 1
        counts.append(count)
    return counts


@operation(
    "the next larger one after each of {xs} (-1 where there is none), as a list",
    does="for each of {xs}, look for the next larger one after it and note it, or -1 if there is none",
    names="next_larger",
    item="successor",
)
def next_larger(xs: Ints) -> Ints:
    return [next((y for y in xs[i + 1 :] if y > x), -1) for i, x in enumerate(xs)]


@next_larger.form
def _(xs):
    answer = [-1] * len(xs)
    waiting: list = []
    for i, x in enumerate(xs):
        while waiting and xs[waiting[-1]] < x:
            answer[waiting.pop()] = x
        waiting.append(i)
    return answer


@operation(
    "{xs} without all that equal {v}",
    does="remove every {v} from {xs}",
    names="cleaned remaining",
    weight=0.5,
    v=SEEN,
)
def without(xs: Ints, v: Int) -> Ints:
    return [x for x in xs if x != v]


@without.form
def _(xs, v):
    left = list(xs)
    while v in left:
        left.remove(v)
    return left


@operation(
    "{xs} with each run of equal neighbours shortened to one",
    does="shorten each run of equal neighbours in {xs} to one",
    names="squeezed",
    weight=0.8,
)
def squeezed(xs: Ints) -> Ints:
    return [x for x, _ in groupby(xs)]


@squeezed.form
def _(xs):
    return [x for i, x in enumerate(xs) if i == 0 or x != xs[i - 1]]


@operation(
    "the lengths of the runs of equal neighbours in {xs}", names="run_lengths", item="run length"
)
def run_lengths(xs: Ints) -> Ints:
    return [len(list(group)) for _, group in groupby(xs)]


@run_lengths.form
def _(xs):
    lengths: list = []
    for i, x in enumerate(xs):
        if i and x == xs[i - 1]:
            lengths[-1] += 1
        else:
            lengths.append(1)
    return lengths


@operation(
    "{xs} cut into rows of {k}, left-over ones at the end being dropped",
    names="rows table",
    weight=0.5,
    k=(2, 3),
)
def in_rows(xs: Ints, k: Int) -> Grid:
    return [xs[i : i + k] for i in range(0, len(xs) - k + 1, k)]


@in_rows.form
def _(xs, k):
    return [[xs[k * row + i] for i in range(k)] for row in range(len(xs) // k)]
