"""Operations on lists: choosing, counting, ordering."""

from __future__ import annotations

from itertools import groupby

from code_ablate.synthesis.grammar import (
    Bool,
    Int,
    Ints,
    Items,
    Key,
    Label,
    Test,
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
