"""Operations on nested lists, mostly recursive."""

from __future__ import annotations

from code_ablate.synthesis.grammar import Int, Ints, Nested, operation


@operation(
    "all numbers in {n}, however deep, from left to right",
    does="write out all numbers in {n}, however deep, from left to right",
    names="flat numbers",
    item="number",
    weight=2,
)
def flat_numbers(n: Nested) -> Ints:
    flat: list = []
    for part in n:
        if isinstance(part, list):
            flat += flat_numbers(part)
        else:
            flat.append(part)
    return flat


@flat_numbers.form
def _(n):
    flat = []
    stack = [n]
    while stack:
        part = stack.pop()
        if isinstance(part, list):
            stack += part[::-1]
        else:
            flat.append(part)
    return flat


@operation(
    "the depth of {n}: 1 for a list without lists in it, and 1 more for each level",
    names="depth nesting",
)
def nested_depth(n: Nested) -> Int:
    return 1 + max((nested_depth(part) for part in n if isinstance(part, list)), default=0)


@nested_depth.form
def _(n):
    depth = best = 0
    for mark in str(n):
        depth += (mark == "[") - (mark == "]")
        best = max(best, depth)
    return best


@operation(
    "the sum of all numbers in {n}, each multiplied by the number of lists it stands in",
    names="weighted depth_sum",
    weight=1.3,
)
def depth_sum(n: Nested) -> Int:
    def walk(part, depth):
        if isinstance(part, list):
            return sum(walk(inner, depth + 1) for inner in part)
        return part * depth

    return walk(n, 0)


@depth_sum.form
def _(n):
    total, depth = 0, 1
    layer = list(n)
    while layer:
        total += depth * sum(part for part in layer if not isinstance(part, list))
        layer = [inner for part in layer if isinstance(part, list) for inner in part]
        depth += 1
    return total


@operation("the number of lists in {n}, itself included", names="list_count lists", weight=0.8)
def list_count(n: Nested) -> Int:
    return 1 + sum(list_count(part) for part in n if isinstance(part, list))


@list_count.form
def _(n):
    return str(n).count("[")


@operation(
    "the numbers of {n} that stand at depth {k}, from left to right (those directly in it have"
    " depth 1)",
    names="layer level_numbers",
    item="number",
    k=(1, 3),
)
def at_depth(n: Nested, k: Int) -> Ints:
    layer = list(n)
    for _ in range(k - 1):
        layer = [inner for part in layer if isinstance(part, list) for inner in part]
    return [part for part in layer if not isinstance(part, list)]


@at_depth.form
def _(n, k):
    found = []

    def walk(part, depth):
        for inner in part:
            if isinstance(inner, list):
                walk(inner, depth + 1)
            elif depth == k:
                found.append(inner)

    walk(n, 1)
    return found


@operation(
    "{n} with every number doubled that stands in an inner list, and the others left alone",
    does="double every number of {n} that stands in an inner list",
    names="doubled",
    weight=0.7,
)
def inner_doubled(n: Nested) -> Nested:
    def twice(part):
        return [twice(inner) for inner in part] if isinstance(part, list) else 2 * part

    return [twice(part) if isinstance(part, list) else part for part in n]


@inner_doubled.form
def _(n):
    def walk(part, depth):
        result: list = []
        for inner in part:
            if isinstance(inner, list):
                result.append(walk(inner, depth + 1))
            else:
                result.append(inner * 2 if depth else inner)
        return result

    return walk(n, 0)


@operation(
    "{n} without its empty lists, and without those that become empty in this way",
    does="remove the empty lists from {n}, and those that become empty in this way",
    names="pruned cleaned",
    weight=0.8,
)
def pruned(n: Nested) -> Nested:
    kept = []
    for part in n:
        if isinstance(part, list):
            inner = pruned(part)
            if inner:
                kept.append(inner)
        else:
            kept.append(part)
    return kept


@pruned.form
def _(n):
    def cleaned(part):
        inner = [cleaned(x) if isinstance(x, list) else x for x in part]
        return [x for x in inner if x != []]

    return cleaned(n)


@operation(
    "the sums of the inner lists of {n}, deeper ones counted in, in their order",
    names="part_sums",
    item="part sum",
)
def part_sums(n: Nested) -> Ints:
    def total(part):
        return sum(map(total, part)) if isinstance(part, list) else part

    return [total(part) for part in n if isinstance(part, list)]


@part_sums.form
def _(n):
    sums = []
    for part in n:
        if isinstance(part, list):
            total = 0
            stack = list(part)
            while stack:
                inner = stack.pop()
                if isinstance(inner, list):
                    stack.extend(inner)
                else:
                    total += inner
            sums.append(total)
    return sums
