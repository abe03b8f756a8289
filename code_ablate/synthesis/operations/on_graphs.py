"""Operations on graphs: towns and roads, modules and what they import, people and whom they follow."""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush

from code_ablate.synthesis.grammar import Bool, Int, Links, Tally, Words, operation


@operation(
    "a dictionary from each {d.item} in {d} to the number of {d.items} it leads to",
    names="out_degrees outgoing",
    item="{d.item}",
)
def out_degrees(d: Links) -> Tally:
    return {node: len(targets) for node, targets in d.items()}


@out_degrees.form
def _(d):
    degrees = {}
    for node in d:
        degrees[node] = 0
        for _ in d[node]:
            degrees[node] += 1
    return degrees


@operation(
    "a dictionary from each {d.item} in {d} to the number of {d.items} that lead to it",
    names="in_degrees incoming",
    item="{d.item}",
)
def in_degrees(d: Links) -> Tally:
    degrees = dict.fromkeys(d, 0)
    for targets in d.values():
        for node in targets:
            degrees[node] += 1
    return degrees


@in_degrees.form
def _(d):
    return {node: sum(node in targets for targets in d.values()) for node in d}


@operation(
    "a dictionary from each {d.item} that can be reached from the first one in {d} to the"
    " smallest number of steps to it",
    does="find how many steps each {d.item} is away from the"
    " first one in {d}, leaving out those that cannot be reached",
    names="distances steps",
    item="{d.item}",
    weight=1.5,
)
def steps_from_first(d: Links) -> Tally:
    distances: dict = {}
    queue = deque([(node, 0) for node in list(d)[:1]])
    while queue:
        node, steps = queue.popleft()
        if node not in distances:
            distances[node] = steps
            queue.extend((other, steps + 1) for other in d[node])
    return distances


@steps_from_first.form
def _(d):
    distances: dict = {}
    layer = list(d)[:1]
    steps = 0
    while layer:
        for node in layer:
            distances[node] = steps
        layer = sorted({other for node in layer for other in d[node] if other not in distances})
        steps += 1
    return distances


@operation(
    "the {d.items} in {d} that cannot be reached from the first one, in alphabetical order",
    names="unreachable cut_off",
    item="{d.item}",
)
def unreachable(d: Links) -> Words:
    stack = list(d)[:1]
    seen = set(stack)
    while stack:
        for other in d[stack.pop()]:
            if other not in seen:
                seen.add(other)
                stack.append(other)
    return sorted(set(d) - seen)


@unreachable.form
def _(d):
    seen: set = set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            for other in d[node]:
                visit(other)

    for node in list(d)[:1]:
        visit(node)
    return [node for node in sorted(d) if node not in seen]


@operation(
    "the {d.items} in {d} that lead nowhere, in alphabetical order",
    names="dead_ends",
    item="{d.item}",
)
def dead_ends(d: Links) -> Words:
    return sorted(node for node in d if not d[node])


@dead_ends.form
def _(d):
    ends = []
    for node in sorted(d):
        if len(d[node]) == 0:
            ends.append(node)
    return ends


@operation(
    "the links in {d} can be followed round in a circle", names="has_cycle circular", weight=0.8
)
def has_cycle(d: Links) -> Bool:
    left = {node: set(targets) for node, targets in d.items()}
    removed = True
    while removed:
        free = [node for node, targets in left.items() if not targets & set(left)]
        removed = bool(free)
        for node in free:
            del left[node]
    return bool(left)


@has_cycle.form
def _(d):
    state: dict = {}

    def visit(node):
        if node in state:
            return state[node] == "open"
        state[node] = "open"
        found = any(visit(other) for other in d[node])
        state[node] = "done"
        return found

    return any(visit(node) for node in d)


@operation(
    "the pairs in {d} that lead to each other, each written as 'a-b' with a before b in the"
    " alphabet, in alphabetical order",
    names="mutual pairs",
    item="pair",
)
def mutual(d: Links) -> Words:
    return sorted(f"{a}-{b}" for a in d for b in d[a] if a < b and a in d[b])


@mutual.form
def _(d):
    pairs = []
    for a in sorted(d):
        for b in sorted(d):
            if a < b and b in d[a] and a in d[b]:
                pairs.append(f"{a}-{b}")
    return pairs


@operation(
    "the groups that the {d.items} in {d} form if the direction of links does not matter: a"
    " dictionary from the alphabetically first {d.item} of a group to its size",
    names="groups clusters",
    item="{d.item}",
    weight=1.2,
)
def group_sizes(d: Links) -> Tally:
    around: dict = {node: set() for node in d}
    for node, targets in d.items():
        for other in targets:
            around[node].add(other)
            around[other].add(node)
    sizes: dict = {}
    seen: set = set()
    for node in sorted(around):
        if node in seen:
            continue
        stack, size = [node], 0
        seen.add(node)
        while stack:
            size += 1
            for other in around[stack.pop()]:
                if other not in seen:
                    seen.add(other)
                    stack.append(other)
        sizes[node] = size
    return sizes


@group_sizes.form
def _(d):
    label = {node: node for node in d}
    changed = True
    while changed:
        changed = False
        for node in d:
            for other in d[node]:
                first = min(label[node], label[other])
                if label[node] != first or label[other] != first:
                    label[node] = label[other] = first
                    changed = True
    return {
        first: sum(own == first for own in label.values()) for first in sorted(set(label.values()))
    }


@operation(
    "an order of the {d.items} in {d} in which each one comes after all those it leads to (the"
    " alphabetically first that is possible at each place; those in or before a circle are left"
    " out)",
    does="put the {d.items} in {d} in an order in which each one comes after all those"
    " it leads to, taking the alphabetically first that is possible each time and leaving out"
    " what is stuck",
    names="build_order order",
    item="{d.item}",
    weight=1.2,
)
def build_order(d: Links) -> Words:
    order: list = []
    while True:
        ready = [n for n in sorted(d) if n not in order and all(t in order for t in d[n])]
        if not ready:
            break
        order.append(ready[0])
    return order


@build_order.form
def _(d):
    waiting = {node: len(set(targets)) for node, targets in d.items()}
    heap: list = []
    for node, count in waiting.items():
        if count == 0:
            heappush(heap, node)
    order = []
    while heap:
        done = heappop(heap)
        order.append(done)
        for node in d:
            if done in d[node]:
                waiting[node] -= 1
                if waiting[node] == 0:
                    heappush(heap, node)
    return order


@operation(
    "the {d.items} in {d} within {k:step} of the first one, itself left out, in alphabetical order",
    names="nearby close",
    item="{d.item}",
    k=(1, 3),
)
def within_steps(d: Links, k: Int) -> Words:
    start = list(d)[:1]
    near = set(start)
    for _ in range(k):
        near |= {other for node in near for other in d[node]}
    return sorted(near - set(start))


@within_steps.form
def _(d, k):
    distances = {node: 0 for node in list(d)[:1]}
    queue = deque(distances)
    while queue:
        node = queue.popleft()
        for other in d[node]:
            if other not in distances and distances[node] < k:
                distances[other] = distances[node] + 1
                queue.append(other)
    return sorted(node for node in distances if distances[node] > 0)


@operation(
    "{d} with all links turned round",
    does="turn all links in {d} round",
    names="turned backwards",
    item="{d.item}",
    weight=0.8,
)
def turned_links(d: Links) -> Links:
    return {node: sorted(other for other in d if node in d[other]) for node in d}


@turned_links.form
def _(d):
    turned: dict = {node: [] for node in d}
    for node in sorted(d):
        for other in d[node]:
            turned[other].append(node)
    return turned
