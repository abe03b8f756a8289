"""Operations on dictionaries from a string to a number."""

from __future__ import annotations

from code_ablate.synthesis.grammar import (
    LEVEL,
    Bool,
    Index,
    Int,
    Ints,
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
