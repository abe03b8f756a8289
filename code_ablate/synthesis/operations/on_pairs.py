"""Operations on lists of pairs of a string and a number."""

from __future__ import annotations

from code_ablate.synthesis.grammar import (
    LEVEL,
    Groups,
    Int,
    Ints,
    Pairs,
    Tally,
    Words,
    operation,
)


@operation(
    "a dictionary from each name in {ps} to the sum of its numbers",
    does="add up the numbers of {ps} for each name",
    names="totals balance",
    weight=1.5,
)
def pair_totals(ps: Pairs) -> Tally:
    totals: dict = {}
    for name, amount in ps:
        totals[name] = totals.get(name, 0) + amount
    return totals


@pair_totals.form
def _(ps):
    names = dict.fromkeys(name for name, _ in ps)
    return {name: sum(n for other, n in ps if other == name) for name in names}


@operation(
    "a dictionary from each name in {ps} to the list of its numbers, in their order",
    does="collect the numbers of {ps} in a list for each name",
    names="grouped collected",
    weight=1.2,
)
def pair_groups(ps: Pairs) -> Groups:
    groups: dict = {}
    for name, amount in ps:
        groups.setdefault(name, []).append(amount)
    return groups


@pair_groups.form
def _(ps):
    return {name: [n for other, n in ps if other == name] for name in {p[0]: 0 for p in ps}}


@operation(
    "the names that go with a number above {k} in {ps}, in the order of the pairs",
    names="names",
    item="name",
    k=LEVEL,
)
def names_above(ps: Pairs, k: Int) -> Words:
    return [name for name, amount in ps if amount > k]


@names_above.form
def _(ps, k):
    names = []
    for name, amount in ps:
        if amount > k:
            names.append(name)
    return names


@operation(
    "the numbers in {ps}, in the order of the pairs",
    names="numbers amounts",
    item="number",
    weight=0.8,
)
def pair_numbers(ps: Pairs) -> Ints:
    return [amount for _, amount in ps]


@pair_numbers.form
def _(ps):
    return [pair[1] for pair in ps]


@operation(
    "a dictionary from each name in {ps} to the last number that goes with it", names="latest final"
)
def latest_of_pairs(ps: Pairs) -> Tally:
    latest = {}
    for name, amount in ps:
        latest[name] = amount
    return latest


@latest_of_pairs.form
def _(ps):
    return dict(ps)
