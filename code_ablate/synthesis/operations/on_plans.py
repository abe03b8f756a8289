"""Operations that ask for the best of many choices: dynamic programming, greedy choice, search."""

from __future__ import annotations

from bisect import bisect_left
from itertools import combinations

from code_ablate.synthesis.grammar import (
    LEVEL,
    Bool,
    Int,
    Ints,
    Nats,
    operation,
)


@operation(
    "the length of the longest strictly increasing selection from {xs} that keeps their order",
    names="longest_climb selection",
    weight=1.2,
)
def longest_increasing(xs: Ints) -> Int:
    ends: list = []
    for x in xs:
        i = bisect_left(ends, x)
        ends[i : i + 1] = [x]
    return len(ends)


@longest_increasing.form
def _(xs):
    best: list = []
    for i, x in enumerate(xs):
        best.append(1 + max((best[j] for j in range(i) if xs[j] < x), default=0))
    return max(best, default=0)


@operation(
    "the largest sum of a choice from {xs} without two neighbours (0 if nothing is worth choosing)",
    names="best_choice loot",
    weight=1.2,
)
def apart_sum(xs: Ints) -> Int:
    taken = skipped = 0
    for x in xs:
        taken, skipped = skipped + x, max(taken, skipped)
    return max(taken, skipped, 0)


@apart_sum.form
def _(xs):
    best = [0, 0]
    for x in xs:
        best.append(max(best[-1], best[-2] + x))
    return best[-1]


@operation(
    "the number of ways to pay {t} with coins of the values {xs}, each of which may be used any"
    " number of times and equal values count once",
    names="ways payments",
    t=(12, 60),
    weight=1.2,
)
def ways_to_pay(xs: Nats, t: Int) -> Int:
    ways = [1] + [0] * t
    for coin in sorted(set(xs)):
        if coin > 0:
            for amount in range(coin, t + 1):
                ways[amount] += ways[amount - coin]
    return ways[t]


@ways_to_pay.form
def _(xs, t):
    coins = sorted(x for x in set(xs) if x > 0)

    def ways(rest, n):
        if rest == 0:
            return 1
        if n == 0:
            return 0
        return sum(ways(rest - used, n - 1) for used in range(0, rest + 1, coins[n - 1]))

    return ways(t, len(coins))


@operation(
    "the smallest number of coins of the values {xs} that add up to {t}, each of which may be"
    " used any number of times (-1 if there is no way)",
    names="fewest_coins coins",
    t=(15, 90),
)
def fewest_coins(xs: Nats, t: Int) -> Int:
    fewest = [0] + [t + 1] * t
    for amount in range(1, t + 1):
        for coin in xs:
            if 0 < coin <= amount:
                fewest[amount] = min(fewest[amount], fewest[amount - coin] + 1)
    return fewest[t] if fewest[t] <= t else -1


@fewest_coins.form
def _(xs, t):
    reached = {0}
    count = 0
    while t not in reached:
        grown = {a + coin for a in reached for coin in xs if coin > 0 and a + coin <= t} | reached
        if grown == reached:
            return -1
        reached = grown
        count += 1
    return count


@operation(
    "the largest sum of some of {xs} that does not exceed {t}, each one used at most once",
    names="fullest load",
    t=LEVEL,
    weight=1.2,
)
def fullest_load(xs: Nats, t: Int) -> Int:
    sums = {0}
    for x in xs:
        sums |= {s + x for s in sums if s + x <= t}
    return max(sums)


@fullest_load.form
def _(xs, t):
    def best(i, room):
        if i == len(xs):
            return 0
        skipped = best(i + 1, room)
        if xs[i] > room:
            return skipped
        return max(skipped, xs[i] + best(i + 1, room - xs[i]))

    return best(0, max(t, 0))


@operation(
    "the smallest difference between the sums of two groups into which {xs} can be divided",
    names="fairest_split imbalance",
)
def fairest_split(xs: Nats) -> Int:
    total = sum(xs)
    sums = {0}
    for x in xs:
        sums |= {s + x for s in sums}
    return min(abs(total - 2 * s) for s in sums)


@fairest_split.form
def _(xs):
    differences = {0}
    for x in xs:
        differences = {abs(d + sign * x) for d in differences for sign in (1, -1)}
    return min(differences)


@operation(
    "the sum of {xs} can be split evenly: some of them add up to exactly half of it",
    names="splits_evenly",
    weight=0.5,
)
def splits_evenly(xs: Nats) -> Bool:
    sums = {0}
    for x in xs:
        sums |= {s + x for s in sums}
    total = sum(xs)
    return total % 2 == 0 and total // 2 in sums


@splits_evenly.form
def _(xs):
    differences = {0}
    for x in xs:
        differences = {abs(d + sign * x) for d in differences for sign in (1, -1)}
    return 0 in differences


@operation(
    "the smallest number of boxes that hold {t} each and take {xs} in their order, where the"
    " next box is opened as soon as something does not fit (what is larger than a box gets one"
    " alone)",
    names="boxes containers",
    t=LEVEL,
)
def boxes(xs: Nats, t: Int) -> Int:
    count = room = 0
    for x in xs:
        if count == 0 or x > room:
            count += 1
            room = t
        room -= x
    return count


@boxes.form
def _(xs, t):
    loads: list = []
    for x in xs:
        if loads and loads[-1] + x <= t:
            loads[-1] += x
        else:
            loads.append(x)
    return len(loads)


@operation(
    "the most profit from buying at one of {xs} and selling at a later one (0 if there is none)",
    names="profit gain",
)
def best_trade(xs: Ints) -> Int:
    profit = 0
    low = None
    for x in xs:
        low = x if low is None else min(low, x)
        profit = max(profit, x - low)
    return profit


@best_trade.form
def _(xs):
    gains = [b - a for a, b in combinations(xs, 2)]
    return max(0, *gains) if gains else 0


@operation(
    "the most profit from any number of purchases and later sales at the prices {xs}, holding"
    " one piece at most",
    names="total_profit",
    weight=0.8,
)
def all_trades(xs: Ints) -> Int:
    return sum(max(0, b - a) for a, b in zip(xs, xs[1:]))


@all_trades.form
def _(xs):
    free, holding = 0, None
    for x in xs:
        free, holding = (
            free if holding is None else max(free, holding + x),
            free - x if holding is None else max(holding, free - x),
        )
    return free


@operation(
    "the amount of water that stands between walls of the heights {xs} after rain",
    names="water trapped",
)
def trapped_water(xs: Nats) -> Int:
    return sum(min(max(xs[: i + 1]), max(xs[i:])) - x for i, x in enumerate(xs))


@trapped_water.form
def _(xs):
    left, right = 0, len(xs) - 1
    left_wall = right_wall = water = 0
    while left <= right:
        left_wall = max(left_wall, xs[left])
        right_wall = max(right_wall, xs[right])
        if left_wall < right_wall:
            water += left_wall - xs[left]
            left += 1
        else:
            water += right_wall - xs[right]
            right -= 1
    return water


@operation(
    "the largest rectangle that fits under a skyline of the heights {xs}, all of width 1",
    names="largest_rectangle area",
    weight=0.8,
)
def largest_rectangle(xs: Nats) -> Int:
    return max(
        (min(xs[i : j + 1]) * (j - i + 1) for i in range(len(xs)) for j in range(i, len(xs))),
        default=0,
    )


@largest_rectangle.form
def _(xs):
    best = 0
    waiting: list = []
    for i, height in enumerate([*xs, 0]):
        start = i
        while waiting and waiting[-1][1] >= height:
            start, top = waiting.pop()
            best = max(best, top * (i - start))
        waiting.append((start, height))
    return best


@operation(
    "the fewest jumps from the first to the last of {xs}, where each number says how far one may"
    " jump from it at most (-1 if the end cannot be reached)",
    names="jumps hops",
)
def fewest_jumps(xs: Nats) -> Int:
    jumps = [0]
    for i in range(1, len(xs)):
        before = [jumps[j] for j in range(i) if jumps[j] >= 0 and j + xs[j] >= i]
        jumps.append(min(before) + 1 if before else -1)
    return jumps[-1] if xs else -1


@fewest_jumps.form
def _(xs):
    if not xs:
        return -1
    reached, jumps = 0, 0
    while reached < len(xs) - 1:
        further = max(i + xs[i] for i in range(reached + 1))
        if further <= reached:
            return -1
        reached, jumps = further, jumps + 1
    return jumps
