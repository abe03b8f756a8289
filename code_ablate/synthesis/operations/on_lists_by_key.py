"""Operations on lists by a key or a label of each element."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate, pairwise

from code_ablate.synthesis.grammar import (
    Groups,
    Index,
    Int,
    Ints,
    Items,
    Key,
    Label,
    Records,
    Tally,
    Word,
    Words,
    operation,
)


@operation(
    "{xs}, ordered by {f.one} from small to large, equal ones staying in their order",
    does=(
        "sort {xs} by {f.one}, smallest first; equal ones stay in their order",
        "order {xs} by increasing {f.one} (a stable sort)",
    ),
    names="ordered ranked",
    weight=1.5,
)
def ordered_by(xs: Items, f: Key) -> Items:
    return sorted(xs, key=lambda x: f(x))


@ordered_by.form
def _(xs, f):
    ordered: list = []
    for x in xs:
        i = len(ordered)
        while i > 0 and f(ordered[i - 1]) > f(x):
            i -= 1
        ordered.insert(i, x)
    return ordered


@ordered_by.holds
def _(xs, f, result):
    return all(f(a) <= f(b) for a, b in zip(result, result[1:])) and len(result) == len(xs)


@operation(
    "{xs}, ordered by {f.one} from large to small, equal ones staying in their order",
    does=(
        "sort {xs} by {f.one}, largest first; equal ones stay in their order",
        "rank {xs} by {f.one}, the largest first, without changing the order of equal ones",
    ),
    names="ranking ordered",
    weight=1.5,
)
def ranked_by(xs: Items, f: Key) -> Items:
    return sorted(xs, key=lambda x: -f(x))


@ranked_by.form
def _(xs, f):
    return sorted(xs, key=lambda x: f(x), reverse=True)


@operation(
    "the largest {f.one} among {xs} (0 if there are none)", names="largest top peak", weight=1.2
)
def largest_key(xs: Items, f: Key) -> Int:
    return max((f(x) for x in xs), default=0)


@largest_key.form
def _(xs, f):
    values = sorted(f(x) for x in xs)
    return values[-1] if values else 0


@operation(
    "the one of {xs} with the largest {f.one}, as a list of one (the first of them if several tie;"
    " an empty list if there are none)",
    names="winner best",
    weight=0,
)
def best_one(xs: Items, f: Key) -> Items:
    return [max(xs, key=lambda x: f(x))] if xs else []


@best_one.form
def _(xs, f):
    return sorted(xs, key=lambda x: -f(x))[:1]


@operation(
    "the {g.one} of the {xs.item} with the largest {f.one} among {xs} (the first of them if several"
    " tie; '' if there are none)",
    names="winner top leader",
    weight=1.2,
)
def label_of_largest(xs: Records, f: Key, g: Label) -> Word:
    if not xs:
        return ""
    best = max(xs, key=lambda x: f(x))
    return g(best)


@label_of_largest.form
def _(xs, f, g):
    best, winner = None, ""
    for x in xs:
        if best is None or f(x) > best:
            best, winner = f(x), g(x)
    return winner


@operation(
    "the sum of the {f.many} over {xs}", "the total of {f.of}", names="total sum", weight=1.5
)
def sum_of(xs: Items, f: Key) -> Int:
    return sum(f(x) for x in xs)


@sum_of.form
def _(xs, f):
    total = 0
    for x in xs:
        total += f(x)
    return total


@operation(
    "the number of different values that the {f.one} takes among {xs}",
    names="variety distinct kinds",
    weight=0.8,
)
def distinct_keys(xs: Items, f: Key) -> Int:
    return len({f(x) for x in xs})


@distinct_keys.form
def _(xs, f):
    seen: list = []
    for x in xs:
        if f(x) not in seen:
            seen.append(f(x))
    return len(seen)


@operation(
    "a dictionary that counts {xs} by {g.one}",
    "a dictionary from each {g.one} to the number of {xs.bare} that have it",
    does=("count {xs} by {g.one}", "for each {g.one}, count {xs} that have it"),
    item="{g.item}",
    names="counts tally",
    weight=2,
)
def counts_by(xs: Items, g: Label) -> Tally:
    counts: dict = {}
    for x in xs:
        counts[g(x)] = counts.get(g(x), 0) + 1
    return counts


@counts_by.form
def _(xs, g):
    return dict(Counter(g(x) for x in xs))


@counts_by.holds
def _(xs, g, result):
    return sum(result.values()) == len(xs)


@operation(
    "a dictionary from each {g.one} of {xs} to the sum of the {f.many} there",
    does=(
        "add up the {f.many} of {xs} for each {g.one}",
        "for each {g.one} among {xs}, add up the {f.many}",
    ),
    item="{g.item}",
    names="totals sums",
    weight=2,
)
def totals_by(xs: Items, g: Label, f: Key) -> Tally:
    totals: dict = {}
    for x in xs:
        totals[g(x)] = totals.get(g(x), 0) + f(x)
    return totals


@totals_by.form
def _(xs, g, f):
    return {label: sum(f(x) for x in xs if g(x) == label) for label in {g(x): 1 for x in xs}}


@operation(
    "a dictionary from each {g.one} of {xs} to the largest {f.one} that goes with it",
    does=("find the largest {f.one} for each {g.one} among {xs}",),
    item="{g.item}",
    names="records highest",
    weight=1.2,
)
def largest_by(xs: Items, g: Label, f: Key) -> Tally:
    highest: dict = {}
    for x in xs:
        if g(x) not in highest or f(x) > highest[g(x)]:
            highest[g(x)] = f(x)
    return highest


@largest_by.form
def _(xs, g, f):
    return {label: max(f(x) for x in xs if g(x) == label) for label in {g(x): 1 for x in xs}}


@operation(
    "a dictionary that collects, for each {g.one} of {xs}, the list of the {f.many}, in their order",
    does=("group the {f.many} of {xs} by {g.one}, in their order",),
    item="{g.item}",
    names="grouped groups",
    weight=1.5,
)
def numbers_by(xs: Items, g: Label, f: Key) -> Groups:
    groups: dict = {}
    for x in xs:
        groups.setdefault(g(x), []).append(f(x))
    return groups


@numbers_by.form
def _(xs, g, f):
    labels = list(dict.fromkeys(g(x) for x in xs))
    return {label: [f(x) for x in xs if g(x) == label] for label in labels}


@operation(
    "a dictionary from each {g.one} of {xs} to the list of those {xs.items}' {h.many}",
    names="index grouped",
    weight=0.0,
)
def labels_by(xs: Items, g: Label, h: Label) -> Index:
    index: dict = {}
    for x in xs:
        index.setdefault(g(x), []).append(h(x))
    return index


@labels_by.form
def _(xs, g, h):
    return {label: [h(x) for x in xs if g(x) == label] for label in {g(x): 1 for x in xs}}


@operation(
    "the {f.many} of {xs}, where a {xs.item} counts only if its {f.one} is larger than that of all"
    " before it",
    does=("go through {xs} and note each {f.one} that is larger than all before it",),
    names="records peaks",
    weight=0.7,
    item="record",
)
def record_keys(xs: Items, f: Key) -> Ints:
    records: list = []
    for x in xs:
        if not records or f(x) > records[-1]:
            records.append(f(x))
    return records


@record_keys.form
def _(xs, f):
    values = [f(x) for x in xs]
    return [v for i, v in enumerate(values) if all(v > w for w in values[:i])]


@operation(
    "the number of neighbouring pairs among {xs} whose second {xs.item} has the larger {f.one}",
    names="rises climbs",
    weight=0.8,
)
def rises_of(xs: Items, f: Key) -> Int:
    return sum(1 for a, b in pairwise(xs) if f(b) > f(a))


@rises_of.form
def _(xs, f):
    count = 0
    for i in range(1, len(xs)):
        if f(xs[i]) > f(xs[i - 1]):
            count += 1
    return count


@operation(
    "the running totals of the {f.many} of {xs}",
    does=("add up the {f.many} of {xs} as you go, noting the total each time",),
    names="running_totals",
    item="running total",
)
def running_totals_of(xs: Items, f: Key) -> Ints:
    return list(accumulate(f(x) for x in xs))


@running_totals_of.form
def _(xs, f):
    total = 0
    totals = []
    for x in xs:
        total += f(x)
        totals.append(total)
    return totals


@operation(
    "the {xs.item} with the largest {f.one} among {xs} (the first of them if several tie; '' if there"
    " are none)",
    names="winner top leader",
    weight=1.2,
)
def word_of_largest(xs: Words, f: Key) -> Word:
    return max(xs, key=lambda x: f(x), default="")


@word_of_largest.form
def _(xs, f):
    if not xs:
        return ""
    winner = xs[0]
    for x in xs[1:]:
        if f(x) > f(winner):
            winner = x
    return winner
