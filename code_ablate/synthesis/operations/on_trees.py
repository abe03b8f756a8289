"""Operations on binary trees, mostly recursive."""

from __future__ import annotations

from code_ablate.synthesis.grammar import LEVEL, Int, Ints, Tree, Words, operation


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
