"""Operations on roads: links with a length that lead both ways."""

from __future__ import annotations

from heapq import heappop, heappush

from code_ablate.synthesis.grammar import Int, Roads, Tally, Words, operation


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
