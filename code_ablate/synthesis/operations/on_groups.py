"""Operations on dictionaries from a string to a list."""

from __future__ import annotations

from code_ablate.synthesis.grammar import (
    Groups,
    Index,
    Ints,
    Tally,
    Word,
    Words,
    operation,
)


@operation(
    "the sums of the lists in {g}, under the same keys",
    "{g} with every list replaced by its sum",
    does="replace each list in {g} by its sum",
    names="sums totals",
)
def group_sums(g: Groups) -> Tally:
    return {key: sum(values) for key, values in g.items()}


@group_sums.form
def _(g):
    sums = {}
    for key in g:
        sums[key] = 0
        for value in g[key]:
            sums[key] += value
    return sums


@operation("{g} with every list replaced by its largest number minus its smallest", names="spreads")
def group_spreads(g: Groups) -> Tally:
    return {key: max(values) - min(values) for key, values in g.items() if values}


@group_spreads.form
def _(g):
    spreads = {}
    for key, values in g.items():
        if values:
            ordered = sorted(values)
            spreads[key] = ordered[-1] - ordered[0]
    return spreads


@operation("{g} with every list replaced by its last element", names="latest last")
def group_latest(g: Groups) -> Tally:
    return {key: values[-1] for key, values in g.items() if values}


@group_latest.form
def _(g):
    latest = {}
    for key, values in g.items():
        for value in values:
            latest[key] = value
    return latest


@operation("{g} with every list replaced by its average, rounded down", names="averages means")
def group_averages(g: Groups) -> Tally:
    return {key: sum(values) // len(values) for key, values in g.items() if values}


@group_averages.form
def _(g):
    averages = {}
    for key, values in g.items():
        total = count = 0
        for value in values:
            total += value
            count += 1
        if count:
            averages[key] = total // count
    return averages


@operation(
    "the {g.item} whose list in {g} is longest (the alphabetically first one if several tie, '' if"
    " it is empty)",
    names="busiest fullest",
)
def busiest(g: Groups) -> Word:
    return min(g, key=lambda key: (-len(g[key]), key), default="")


@busiest.form
def _(g):
    best = ""
    for key in sorted(g):
        if best == "" or len(g[key]) > len(g[best]):
            best = key
    return best


@operation("{g} with only the lists that never fall from one number to the next", names="steady")
def steady_groups(g: Groups) -> Groups:
    return {key: v for key, v in g.items() if all(a <= b for a, b in zip(v, v[1:]))}


@steady_groups.form
def _(g):
    steady = {}
    for key, values in g.items():
        if values == sorted(values):
            steady[key] = values
    return steady


@operation(
    "all numbers of {g} in one list, in increasing order", names="numbers flattened", item="number"
)
def group_numbers(g: Groups) -> Ints:
    return sorted(value for values in g.values() for value in values)


@group_numbers.form
def _(g):
    numbers: list = []
    for values in g.values():
        numbers.extend(values)
    numbers.sort()
    return numbers


@operation("a dictionary from each key of {d} to the length of its list", names="sizes counts")
def list_sizes(d: Index) -> Tally:
    return {key: len(names) for key, names in d.items()}


@list_sizes.form
def _(d):
    sizes = {}
    for key, names in d.items():
        sizes[key] = 0
        for _ in names:
            sizes[key] += 1
    return sizes


@operation(
    "those lists of {d} that have more than one element, in the order of their keys, joined"
    " into one list",
    names="shared crowded",
    item="element",
)
def crowded(d: Index) -> Words:
    return [name for key in sorted(d) if len(d[key]) > 1 for name in d[key]]


@crowded.form
def _(d):
    result: list = []
    for key in sorted(d):
        if len(d[key]) >= 2:
            result += d[key]
    return result


@operation(
    "a dictionary from each element of the lists in {d} to the alphabetical list of the keys it"
    " stands under",
    names="reverse_index",
)
def reverse_index(d: Index) -> Index:
    result: dict = {}
    for key in sorted(d):
        for name in d[key]:
            if key not in result.setdefault(name, []):
                result[name].append(key)
    return result


@reverse_index.form
def _(d):
    names = dict.fromkeys(name for key in sorted(d) for name in d[key])
    return {name: [key for key in sorted(d) if name in d[key]] for name in names}
