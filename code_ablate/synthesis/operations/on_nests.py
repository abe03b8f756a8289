"""Operations on nested lists and trees, mostly recursive."""

from __future__ import annotations

from code_ablate.synthesis.grammar import LEVEL, Int, Ints, Nested, Text, Tree, Words, operation


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


@operation(
    "the values of {t} in order: left part, own value, right part",
    does="read {t} in order: left part, own value, right part",
    names="values in_order",
    item="value",
    weight=1.5,
)
def in_order(t: Tree) -> Ints:
    if t is None:
        return []
    value, left, right = t
    return [*in_order(left), value, *in_order(right)]


@in_order.form
def _(t):
    values = []
    stack: list = []
    node = t
    while stack or node:
        while node:
            stack.append(node)
            node = node[1]
        node = stack.pop()
        values.append(node[0])
        node = node[2]
    return values


@operation(
    "the values of {t} level by level, each level from left to right",
    does="read {t} level by level, each from left to right",
    names="values levels",
    item="value",
)
def level_order(t: Tree) -> Ints:
    values = []
    layer = [t] if t else []
    while layer:
        values += [node[0] for node in layer]
        layer = [child for node in layer for child in node[1:] if child]
    return values


@level_order.form
def _(t):
    queue = [t]
    values = []
    while queue:
        node = queue.pop(0)
        if node is not None:
            values.append(node[0])
            queue += [node[1], node[2]]
    return values


@operation(
    "the sums of the levels of {t}, from the root down",
    names="level_sums",
    item="level sum",
    weight=1.2,
)
def level_sums(t: Tree) -> Ints:
    sums = []
    layer = [t] if t else []
    while layer:
        sums.append(sum(node[0] for node in layer))
        layer = [child for node in layer for child in node[1:] if child]
    return sums


@level_sums.form
def _(t):
    sums: list = []

    def walk(node, depth):
        if node is not None:
            if depth == len(sums):
                sums.append(0)
            sums[depth] += node[0]
            walk(node[1], depth + 1)
            walk(node[2], depth + 1)

    walk(t, 0)
    return sums


@operation(
    "the height of {t}: the number of values on the longest way from the root to a leaf",
    names="height",
)
def tree_height(t: Tree) -> Int:
    if t is None:
        return 0
    return 1 + max(tree_height(t[1]), tree_height(t[2]))


@tree_height.form
def _(t):
    height = 0
    layer = [t] if t else []
    while layer:
        height += 1
        layer = [child for node in layer for child in node[1:] if child]
    return height


@operation("the values at the leaves of {t}, from left to right", names="leaves", item="leaf")
def leaves(t: Tree) -> Ints:
    if t is None:
        return []
    if t[1] is None and t[2] is None:
        return [t[0]]
    return leaves(t[1]) + leaves(t[2])


@leaves.form
def _(t):
    found = []
    stack = [t]
    while stack:
        node = stack.pop()
        if node is None:
            continue
        if node[1] is None and node[2] is None:
            found.append(node[0])
        stack += [node[2], node[1]]
    return found


@operation(
    "the largest sum of values on a way from the root of {t} to a leaf (0 for an empty tree)",
    names="best_path richest",
    weight=1.2,
)
def richest_path(t: Tree) -> Int:
    if t is None:
        return 0
    return t[0] + max(richest_path(child) for child in t[1:])


@richest_path.form
def _(t):
    best = 0
    stack = [(t, 0)] if t else []
    while stack:
        (value, left, right), before = stack.pop()
        total = before + value
        if left is None and right is None:
            best = max(best, total)
        stack += [(child, total) for child in (left, right) if child is not None]
    return best


@operation(
    "{t} mirrored: left and right are exchanged everywhere",
    does="mirror {t}, exchanging left and right everywhere",
    names="mirrored",
)
def mirrored_tree(t: Tree) -> Tree:
    if t is None:
        return None
    value, left, right = t
    return value, mirrored_tree(right), mirrored_tree(left)


@mirrored_tree.form
def _(t):
    def turn(node):
        return None if node is None else (node[0], turn(node[2]), turn(node[1]))

    return turn(t)


@operation(
    "the number of values in {t} that are larger than {k}",
    names="large_values count",
    k=LEVEL,
    weight=0.7,
)
def tree_above(t: Tree, k: Int) -> Int:
    if t is None:
        return 0
    return (t[0] > k) + tree_above(t[1], k) + tree_above(t[2], k)


@tree_above.form
def _(t, k):
    count = 0
    stack = [t]
    while stack:
        node = stack.pop()
        if node:
            if node[0] > k:
                count += 1
            stack += node[1:]
    return count


@operation(
    "the ways from the root of {t} to its leaves, from left to right, each written as its values"
    " joined by '>'",
    names="paths ways",
    item="path",
)
def leaf_paths(t: Tree) -> Words:
    if t is None:
        return []
    value, left, right = t
    if left is None and right is None:
        return [str(value)]
    return [f"{value}>{path}" for path in leaf_paths(left) + leaf_paths(right)]


@leaf_paths.form
def _(t):
    paths = []

    def walk(node, way):
        if node is None:
            return
        way = [*way, str(node[0])]
        if node[1] is None and node[2] is None:
            paths.append(">".join(way))
        walk(node[1], way)
        walk(node[2], way)

    walk(t, [])
    return paths


@operation(
    "{s} with its words in reverse order",
    does="reverse the order of the words of {s}",
    names="reversed_words",
    weight=0.7,
)
def reversed_words(s: Text) -> Text:
    return " ".join(s.split()[::-1])


@reversed_words.form
def _(s):
    words = s.split()
    if len(words) < 2:
        return s
    return words[-1] + " " + reversed_words(" ".join(words[:-1]))
