"""Operations on graphs: towns and roads, modules and what they import, people and whom they follow."""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush

from code_ablate.synthesis.grammar import Bool, Int, Links, Roads, Tally, Words, operation


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


@operation(
    "a dictionary from each town in {r} that has a connection with the first town of the first"
    " road to the length of the shortest way between the two",
    does="find the length of the"
    " shortest way from the first town of the first road in {r} to every town that can be"
    " reached",
    names="distances shortest",
    item="town",
    weight=2,
)
def shortest_ways(r: Roads) -> Tally:
    around: dict = {}
    for a, b, length in r:
        around.setdefault(a, []).append((b, length))
        around.setdefault(b, []).append((a, length))
    heap = [(0, r[0][0])] if r else []
    distances: dict = {}
    while heap:
        distance, town = heappop(heap)
        if town in distances:
            continue
        distances[town] = distance
        for other, length in around[town]:
            heappush(heap, (distance + length, other))
    return distances


@shortest_ways.form
def _(r):
    distances = {r[0][0]: 0} if r else {}
    for _ in range(len(r)):
        for a, b, length in r:
            for start, end in ((a, b), (b, a)):
                if start in distances:
                    way = distances[start] + length
                    if way < distances.get(end, way + 1):
                        distances[end] = way
    return distances


@operation(
    "the smallest total length of roads from {r} that still connect all towns that {r} connect",
    names="network tree_length",
    weight=1.3,
)
def network_length(r: Roads) -> Int:
    group = {town: town for a, b, _ in r for town in (a, b)}
    total = 0
    for a, b, length in sorted(r, key=lambda road: road[2]):
        if group[a] != group[b]:
            total += length
            old, new = group[b], group[a]
            for town in group:
                if group[town] == old:
                    group[town] = new
    return total


@network_length.form
def _(r):
    left = {town for a, b, _ in r for town in (a, b)}
    total = 0
    while left:
        inside = {min(left)}
        while True:
            leaving = [road for road in r if (road[0] in inside) != (road[1] in inside)]
            if not leaving:
                break
            a, b, length = min(leaving, key=lambda road: road[2])
            total += length
            inside |= {a, b}
        left -= inside
    return total


@operation(
    "a dictionary from each town in {r} to the total length of the roads that touch it",
    names="road_lengths",
    item="town",
)
def touching_lengths(r: Roads) -> Tally:
    lengths: dict = {}
    for a, b, length in r:
        lengths[a] = lengths.get(a, 0) + length
        lengths[b] = lengths.get(b, 0) + length
    return lengths


@touching_lengths.form
def _(r):
    towns = dict.fromkeys(town for a, b, _ in r for town in (a, b))
    return {town: sum(n for a, b, n in r if town in (a, b)) for town in towns}


@operation(
    "the towns at the end of exactly one road in {r}, in alphabetical order",
    names="end_points outskirts",
    item="town",
)
def end_points(r: Roads) -> Words:
    ends = [town for a, b, _ in r for town in (a, b)]
    return sorted(town for town in set(ends) if ends.count(town) == 1)


@end_points.form
def _(r):
    counts: dict = {}
    for a, b, _ in r:
        for town in (a, b):
            counts[town] = counts.get(town, 0) + 1
    return [town for town in sorted(counts) if counts[town] == 1]


@operation(
    "{r} without the roads longer than {k}",
    does="close all roads in {r} that are longer than {k}",
    names="open_roads short_roads",
    item="road",
    k=(6, 30),
)
def short_roads(r: Roads, k: Int) -> Roads:
    return [road for road in r if road[2] <= k]


@short_roads.form
def _(r, k):
    kept = []
    for a, b, length in r:
        if not length > k:
            kept.append((a, b, length))
    return kept
