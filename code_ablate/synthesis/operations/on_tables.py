"""Operations on dictionaries, and on lists of pairs."""

from __future__ import annotations

from code_ablate.synthesis.grammar import (
    LEVEL,
    Bool,
    Groups,
    Index,
    Int,
    Ints,
    Pairs,
    Ranking,
    Tally,
    Word,
    Words,
    operation,
)


@operation("the sum of the values in {t}", names="total sum")
def sum_of_values(t: Tally) -> Int:
    return sum(t.values())


@sum_of_values.form
def _(t):
    total = 0
    for key in t:
        total += t[key]
    return total


@operation(
    "the {t.item} with the largest value in {t} (the alphabetically first one if several tie, '' if it is"
    " empty)",
    names="leader top_key",
    weight=1.5,
)
def top_key(t: Tally) -> Word:
    return min(t, key=lambda key: (-t[key], key), default="")


@top_key.form
def _(t):
    leader = ""
    for key in sorted(t):
        if not leader or t[key] > t[leader]:
            leader = key
    return leader


@operation(
    "the {t.item} with the smallest value in {t} (the alphabetically first one if several tie, '' if it"
    " is empty)",
    names="weakest bottom_key",
)
def bottom_key(t: Tally) -> Word:
    return min(sorted(t), key=lambda key: t[key], default="")


@bottom_key.form
def _(t):
    pairs = sorted((value, key) for key, value in t.items())
    return pairs[0][1] if pairs else ""


@operation(
    "the {t.items} whose value in {t} is at least {k}, in alphabetical order",
    names="keys strong",
    item="{t.item}",
    weight=1.2,
    k=LEVEL,
)
def keys_at_least(t: Tally, k: Int) -> Words:
    return sorted(key for key, value in t.items() if value >= k)


@keys_at_least.form
def _(t, k):
    keys = []
    for key in sorted(t):
        if not t[key] < k:
            keys.append(key)
    return keys


@operation(
    "the {t.items} in {t}, the one with the largest value first, equal ones in alphabetical order",
    names="ranking order",
    item="{t.item}",
    weight=1.2,
)
def keys_by_value(t: Tally) -> Words:
    return sorted(t, key=lambda key: (-t[key], key))


@keys_by_value.form
def _(t):
    return [key for _, key in sorted((-value, key) for key, value in t.items())]


@operation("the values in {t}, in increasing order", names="values amounts")
def sorted_values(t: Tally) -> Ints:
    return sorted(t.values())


@sorted_values.form
def _(t):
    return [value for value, _ in sorted((value, key) for key, value in t.items())]


@operation(
    "{t} without the entries whose value is below {k}",
    does="remove every entry below {k} from {t}",
    names="kept remaining",
    k=LEVEL,
)
def without_small(t: Tally, k: Int) -> Tally:
    return {key: value for key, value in t.items() if value >= k}


@without_small.form
def _(t, k):
    kept = {}
    for key in t:
        if t[key] >= k:
            kept[key] = t[key]
    return kept


@operation(
    "a dictionary from each value in {t}, as a string, to the alphabetical list of the {t.items} that have it",
    names="inverted by_value",
    weight=0.7,
)
def inverted(t: Tally) -> Index:
    result: dict = {}
    for key in sorted(t):
        result.setdefault(str(t[key]), []).append(key)
    return result


@inverted.form
def _(t):
    return {str(v): sorted(key for key in t if t[key] == v) for v in t.values()}


@operation(
    "the entries of {t} as pairs, the largest value first, equal ones in alphabetical order",
    does="list the entries of {t} as pairs, the largest value first and equal ones in alphabetical order",
    names="pairs ranking",
    weight=1.2,
)
def ranked_pairs(t: Tally) -> Ranking:
    return sorted(t.items(), key=lambda pair: (-pair[1], pair[0]))


@ranked_pairs.form
def _(t):
    return [(key, t[key]) for key in sorted(sorted(t), key=lambda key: t[key], reverse=True)]


@operation("the number of entries of {t} whose value is above {k}", names="strong count", k=LEVEL)
def entries_above(t: Tally, k: Int) -> Int:
    return sum(value > k for value in t.values())


@entries_above.form
def _(t, k):
    count = 0
    for value in t.values():
        if value > k:
            count += 1
    return count


@operation("two keys of {t} have the same value", names="tie clash", weight=0.5)
def has_tie(t: Tally) -> Bool:
    return len(set(t.values())) < len(t)


@has_tie.form
def _(t):
    seen = set()
    for value in t.values():
        if value in seen:
            return True
        seen.add(value)
    return False


@operation(
    "{t} with each value replaced by its share of the total in percent, rounded down",
    names="shares percentages",
)
def shares(t: Tally) -> Tally:
    total = sum(t.values())
    return {key: 100 * value // total if total else 0 for key, value in t.items()}


@shares.form
def _(t):
    total = 0
    for value in t.values():
        total += value
    result = {}
    for key, value in t.items():
        result[key] = value * 100 // total if total else 0
    return result


@operation(
    "{t}, in which the values of keys that begin with the same letter are added up under that"
    " letter",
    names="by_initial",
    weight=0.7,
)
def by_initial(t: Tally) -> Tally:
    result: dict = {}
    for key, value in t.items():
        result[key[:1]] = result.get(key[:1], 0) + value
    return result


@by_initial.form
def _(t):
    return {
        letter: sum(value for key, value in t.items() if key[:1] == letter)
        for letter in dict.fromkeys(key[:1] for key in t)
    }


@operation(
    "a dictionary that adds up {t} and {u} key by key, a missing key counting as 0",
    does="add {t} and {u} up key by key, a missing key counting as 0",
    names="merged combined",
    weight=1.5,
)
def merged(t: Tally, u: Tally) -> Tally:
    result = dict(t)
    for key, value in u.items():
        result[key] = result.get(key, 0) + value
    return result


@merged.form
def _(t, u):
    return {key: t.get(key, 0) + u.get(key, 0) for key in [*t, *(k for k in u if k not in t)]}


@operation(
    "the keys that {t} and {u} have in common and whose values differ, in alphabetical order",
    names="changed differing",
    item="{t.item}",
)
def changed_keys(t: Tally, u: Tally) -> Words:
    return sorted(key for key in t if key in u and t[key] != u[key])


@changed_keys.form
def _(t, u):
    return [key for key in sorted(set(t) & set(u)) if t[key] != u[key]]


@operation(
    "the {t.items} that are in {t} and not in {u}, in alphabetical order",
    names="missing",
    item="{t.item}",
)
def missing_keys(t: Tally, u: Tally) -> Words:
    return sorted(set(t) - set(u))


@missing_keys.form
def _(t, u):
    return [key for key in sorted(t) if key not in u]


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
