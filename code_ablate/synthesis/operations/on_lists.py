"""Operations on lists: choosing, ordering, counting, comparing neighbours."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate, groupby, pairwise

from code_ablate.synthesis.grammar import (
    Bool,
    Groups,
    Index,
    Int,
    Ints,
    Items,
    Key,
    Label,
    Records,
    Tally,
    Test,
    Word,
    Words,
    operation,
)


@operation(
    "{xs} that {p.many}",
    does=(
        "keep only {xs} that {p.many}",
        "leave out all {xs.items} that do not count: only {xs} that {p.many} do",
    ),
    names="kept selected chosen matching",
    weight=5,
)
def select(xs: Items, p: Test) -> Items:
    return [x for x in xs if p(x)]


@select.form
def _(xs, p):
    kept = []
    for x in xs:
        if p(x):
            kept.append(x)
    return kept


@select.holds
def _(xs, p, result):
    return all(p(x) for x in result) and len(result) <= len(xs)


@operation(
    "{f.of}",
    does="replace each of {xs} by its {f.one}",
    names="mapped values derived",
    item="{f.item}",
    weight=3,
)
def each_number(xs: Items, f: Key) -> Ints:
    return [f(x) for x in xs]


@each_number.form
def _(xs, f):
    values = []
    for x in xs:
        values.append(f(x))
    return values


@each_number.holds
def _(xs, f, result):
    return len(result) == len(xs)


@operation(
    "{f.of}",
    does="replace each of {xs} by its {f.one}",
    names="labels written forms",
    item="{f.item}",
    weight=2,
)
def each_label(xs: Items, f: Label) -> Words:
    return [f(x) for x in xs]


@each_label.form
def _(xs, f):
    labels = []
    for x in xs:
        labels.append(f(x))
    return labels


@operation("the number of {xs.bare}", "how many {xs.bare} there are", names="count number amount")
def size(xs: Items) -> Int:
    return len(xs)


@size.form
def _(xs):
    count = 0
    for _ in xs:
        count += 1
    return count


@operation(
    "the number of {xs.bare} that {p.many}",
    "how many of {xs} {p.many}",
    names="count hits matches",
    weight=1.5,
)
def count_if(xs: Items, p: Test) -> Int:
    return sum(1 for x in xs if p(x))


@count_if.form
def _(xs, p):
    count = 0
    for x in xs:
        if p(x):
            count += 1
    return count


@count_if.form
def _(xs, p):
    return len([x for x in xs if p(x)])


@operation("every one of {xs} {p.one}", names="all_match", weight=0.6)
def every(xs: Items, p: Test) -> Bool:
    return all(p(x) for x in xs)


@every.form
def _(xs, p):
    for x in xs:
        if not p(x):
            return False
    return True


@operation("at least one of {xs} {p.one}", names="any_match", weight=0.6)
def some(xs: Items, p: Test) -> Bool:
    return any(p(x) for x in xs)


@some.form
def _(xs, p):
    for x in xs:
        if p(x):
            return True
    return False


@operation("more than half of {xs} {p.many}", names="majority", weight=0.6)
def most(xs: Items, p: Test) -> Bool:
    return 2 * sum(1 for x in xs if p(x)) > len(xs)


@most.form
def _(xs, p):
    balance = 0
    for x in xs:
        balance += 1 if p(x) else -1
    return balance > 0


@operation(
    "the position of the first of {xs} that {p.one}, counted from 0 (-1 if none does)",
    names="first_position where index",
)
def first_index(xs: Items, p: Test) -> Int:
    return next((i for i, x in enumerate(xs) if p(x)), -1)


@first_index.form
def _(xs, p):
    for i, x in enumerate(xs):
        if p(x):
            return i
    return -1


@operation(
    "the position of the last of {xs} that {p.one}, counted from 0 (-1 if none does)",
    names="last_position where index",
    weight=0.8,
)
def last_index(xs: Items, p: Test) -> Int:
    return max((i for i, x in enumerate(xs) if p(x)), default=-1)


@last_index.form
def _(xs, p):
    i = len(xs) - 1
    while i >= 0 and not p(xs[i]):
        i -= 1
    return i


@operation(
    "the length of the longest run of consecutive {xs.bare} that {p.many}",
    "the largest number of {xs.bare} in a row that {p.many}",
    names="longest_run streak",
    weight=1.5,
)
def longest_run(xs: Items, p: Test) -> Int:
    best = run = 0
    for x in xs:
        run = run + 1 if p(x) else 0
        best = max(best, run)
    return best


@longest_run.form
def _(xs, p):
    return max((len(list(group)) for good, group in groupby(xs, lambda x: p(x)) if good), default=0)


@operation(
    "{xs} up to, but not including, the first one that {p.one}",
    does="read {xs} one by one and stop at the first that {p.one}, keeping those before it",
    names="head beginning before",
    weight=0.8,
)
def until(xs: Items, p: Test) -> Items:
    head = []
    for x in xs:
        if p(x):
            break
        head.append(x)
    return head


@until.form
def _(xs, p):
    cut = next((i for i, x in enumerate(xs) if p(x)), len(xs))
    return xs[:cut]


@operation(
    "{xs} from the first one that {p.one} onwards",
    does="skip {xs} until one of them {p.one}, and keep that one and all after it",
    names="tail rest remainder",
    weight=0.8,
)
def from_first(xs: Items, p: Test) -> Items:
    start = 0
    while start < len(xs) and not p(xs[start]):
        start += 1
    return xs[start:]


@from_first.form
def _(xs, p):
    tail = []
    started = False
    for x in xs:
        started = started or p(x)
        if started:
            tail.append(x)
    return tail


@operation(
    "{xs}, reordered so that those that {p.many} come first and the order is otherwise kept",
    does="move those of {xs} that {p.many} to the front, keeping the order otherwise",
    names="reordered arranged",
    weight=0.7,
)
def good_first(xs: Items, p: Test) -> Items:
    return [x for x in xs if p(x)] + [x for x in xs if not p(x)]


@good_first.form
def _(xs, p):
    return sorted(xs, key=lambda x: not p(x))


@good_first.holds
def _(xs, p, result):
    return len(result) == len(xs) and all(x in result for x in xs)


@operation("{xs} in reverse order", does="turn {xs} around", names="reversed backwards", weight=0.8)
def backwards_order(xs: Items) -> Items:
    return xs[::-1]


@backwards_order.form
def _(xs):
    return list(reversed(xs))


@backwards_order.holds
def _(xs, result):
    return result[::-1] == xs


@operation(
    "every {k:th} one of {xs}, starting with the first",
    does="keep every {k:th} of {xs}, starting with the first",
    names="sample thinned",
    weight=0.8,
    k=(2, 4),
)
def every_kth(xs: Items, k: Int) -> Items:
    return xs[::k]


@every_kth.form
def _(xs, k):
    return [x for i, x in enumerate(xs) if i % k == 0]


@operation(
    "the first {k} of {xs} (all of them if there are fewer)",
    does="keep at most the first {k} of {xs}",
    names="head first",
    k=(2, 5),
)
def first_few(xs: Items, k: Int) -> Items:
    return xs[:k]


@first_few.form
def _(xs, k):
    return [x for i, x in enumerate(xs) if i < k]


@operation(
    "the last {k} of {xs} (all of them if there are fewer)",
    does="keep at most the last {k} of {xs}",
    names="tail last",
    k=(2, 5),
)
def last_few(xs: Items, k: Int) -> Items:
    return xs[-k:]


@last_few.form
def _(xs, k):
    return xs[max(0, len(xs) - k) :]


@operation(
    "{xs} without the first {k}",
    does="drop the first {k} of {xs}",
    names="rest remaining",
    weight=0.6,
    k=(2, 4),
)
def without_first(xs: Items, k: Int) -> Items:
    return xs[k:]


@without_first.form
def _(xs, k):
    return [x for i, x in enumerate(xs) if i >= k]


@operation(
    "{xs} moved to the left by {k:place}, those that fall off coming back at the end",
    does="rotate {xs} to the left by {k:place}",
    names="rotated turned",
    weight=0.8,
    k=(1, 4),
)
def rotated(xs: Items, k: Int) -> Items:
    if not xs:
        return []
    shift = k % len(xs)
    return xs[shift:] + xs[:shift]


@rotated.form
def _(xs, k):
    return [xs[(i + k) % len(xs)] for i in range(len(xs))]


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
