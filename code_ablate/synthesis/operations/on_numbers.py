"""Operations that make one number of a list of numbers."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate, combinations, groupby, pairwise
from math import gcd, prod

from code_ablate.synthesis.grammar import LEVEL, Int, Ints, operation


@operation("the sum of {xs}", "{xs} added together", names="total sum", weight=1.5)
def total(xs: Ints) -> Int:
    return sum(xs)


@total.form
def _(xs):
    total = 0
    for x in xs:
        total += x
    return total


@operation("the largest of {xs} (0 if there are none)", names="largest maximum highest")
def largest(xs: Ints) -> Int:
    return max(xs, default=0)


@largest.form
def _(xs):
    return sorted(xs)[-1] if xs else 0


@operation("the smallest of {xs} (0 if there are none)", names="smallest minimum lowest")
def smallest(xs: Ints) -> Int:
    return min(xs, default=0)


@smallest.form
def _(xs):
    best = None
    for x in xs:
        if best is None or x < best:
            best = x
    return best or 0


@operation(
    "the difference between the largest and the smallest of {xs} (0 if there are none)",
    "the spread of {xs}, which is the largest minus the smallest (0 if there are none)",
    names="spread range_size",
)
def spread(xs: Ints) -> Int:
    return max(xs) - min(xs) if xs else 0


@spread.form
def _(xs):
    if not xs:
        return 0
    ordered = sorted(xs)
    return ordered[-1] - ordered[0]


@operation(
    "the second largest of the different values among {xs} (-1 if there are fewer than two)",
    names="runner_up second",
)
def second_largest(xs: Ints) -> Int:
    values = sorted(set(xs))
    return values[-2] if len(values) > 1 else -1


@second_largest.form
def _(xs):
    if len(set(xs)) < 2:
        return -1
    top = max(xs)
    return max(x for x in xs if x != top)


@operation("the average of {xs}, rounded down (0 if there are none)", names="average mean")
def average(xs: Ints) -> Int:
    return sum(xs) // len(xs) if xs else 0


@average.form
def _(xs):
    total = count = 0
    for x in xs:
        total += x
        count += 1
    return total // count if count else 0


@operation(
    "the lower median of {xs}: the middle one in increasing order, or the smaller of the two in the"
    " middle (0 if there are none)",
    names="median middle",
)
def median(xs: Ints) -> Int:
    ordered = sorted(xs)
    return ordered[(len(ordered) - 1) // 2] if ordered else 0


@median.form
def _(xs):
    left = list(xs)
    while len(left) > 2:
        left.remove(min(left))
        left.remove(max(left))
    return min(left, default=0)


@operation(
    "the most frequent of {xs}, the smallest one in case of a tie (0 if there are none)",
    names="mode commonest",
)
def commonest(xs: Ints) -> Int:
    counts = Counter(xs)
    return min(counts, key=lambda x: (-counts[x], x), default=0)


@commonest.form
def _(xs):
    best, best_count = 0, 0
    for x in sorted(set(xs)):
        if xs.count(x) > best_count:
            best, best_count = x, xs.count(x)
    return best


@operation("the number of different values among {xs}", names="distinct variety")
def distinct(xs: Ints) -> Int:
    return len(set(xs))


@distinct.form
def _(xs):
    return sum(1 for i, x in enumerate(xs) if x not in xs[:i])


@operation("the greatest common divisor of {xs} (0 if there are none)", names="divisor common")
def common_divisor(xs: Ints) -> Int:
    result = 0
    for x in xs:
        result = gcd(result, x)
    return result


@common_divisor.form
def _(xs):
    result = 0
    for x in xs:
        a, b = result, abs(x)
        while b:
            a, b = b, a % b
        result = a
    return result


@operation("the product of {xs}, modulo {m}", names="product", m=[97, 101, 997, 1000, 1009, 10007])
def product_modulo(xs: Ints, m: Int) -> Int:
    return prod(xs) % m


@product_modulo.form
def _(xs, m):
    result = 1
    for x in xs:
        result = result * x % m
    return result


@operation(
    "the alternating sum of {xs}: the first minus the second plus the third, and so on",
    names="alternating balance",
)
def alternating(xs: Ints) -> Int:
    return sum(xs[::2]) - sum(xs[1::2])


@alternating.form
def _(xs):
    total, sign = 0, 1
    for x in xs:
        total += sign * x
        sign = -sign
    return total


@operation(
    "the sum of {xs}, each multiplied by its position, counted from 1",
    names="weighted checksum",
)
def weighted_sum(xs: Ints) -> Int:
    return sum(i * x for i, x in enumerate(xs, 1))


@weighted_sum.form
def _(xs):
    total = 0
    for i in range(len(xs)):
        total += (i + 1) * xs[i]
    return total


@operation(
    "the largest sum of {k} consecutive {xs.bare} (the sum of all if there are fewer)",
    names="best_window window peak",
    k=(2, 4),
)
def best_window(xs: Ints, k: Int) -> Int:
    if len(xs) <= k:
        return sum(xs)
    return max(sum(xs[i : i + k]) for i in range(len(xs) - k + 1))


@best_window.form
def _(xs, k):
    window = sum(xs[:k])
    best = window
    for i in range(k, len(xs)):
        window += xs[i] - xs[i - k]
        best = max(best, window)
    return best


@operation(
    "the largest sum that consecutive {xs.bare} can have (0 if no choice is better than none)",
    names="best_stretch stretch",
)
def best_stretch(xs: Ints) -> Int:
    best = current = 0
    for x in xs:
        current = max(0, current + x)
        best = max(best, current)
    return best


@best_stretch.form
def _(xs):
    sums = [0, *accumulate(xs)]
    return max(sums[j] - sums[i] for j in range(len(sums)) for i in range(j + 1))


@operation("the number of pairs among {xs} whose sum is {s}", names="pairs pair_count", s=LEVEL)
def pairs_with_sum(xs: Ints, s: Int) -> Int:
    return sum(1 for a, b in combinations(xs, 2) if a + b == s)


@pairs_with_sum.form
def _(xs, s):
    seen: Counter = Counter()
    count = 0
    for x in xs:
        count += seen[s - x]
        seen[x] += 1
    return count


@operation(
    "the number of pairs among {xs} that differ by at most {d}", names="close_pairs", d=(1, 20)
)
def close_pairs(xs: Ints, d: Int) -> Int:
    return sum(1 for a, b in combinations(xs, 2) if abs(a - b) <= d)


@close_pairs.form
def _(xs, d):
    count = 0
    for i in range(len(xs)):
        for j in range(i):
            if -d <= xs[i] - xs[j] <= d:
                count += 1
    return count


@operation(
    "the smallest difference between two of {xs} (-1 if there are fewer than two)",
    names="closest smallest_gap",
)
def smallest_gap(xs: Ints) -> Int:
    ordered = sorted(xs)
    return min((b - a for a, b in pairwise(ordered)), default=-1)


@smallest_gap.form
def _(xs):
    if len(xs) < 2:
        return -1
    return min(abs(a - b) for a, b in combinations(xs, 2))


@operation(
    "the number of times that one of {xs} is larger than the one before it", names="rises climbs"
)
def rises(xs: Ints) -> Int:
    return sum(1 for a, b in pairwise(xs) if b > a)


@rises.form
def _(xs):
    return sum(xs[i] > xs[i - 1] for i in range(1, len(xs)))


@operation(
    "the length of the longest strictly increasing run of neighbours in {xs}",
    names="longest_rise climb",
)
def longest_rise(xs: Ints) -> Int:
    best = run = 0
    previous = None
    for x in xs:
        run = run + 1 if previous is not None and x > previous else 1
        best = max(best, run)
        previous = x
    return best


@longest_rise.form
def _(xs):
    lengths: list = []
    for i in range(len(xs)):
        lengths.append(lengths[-1] + 1 if i and xs[i] > xs[i - 1] else 1)
    return max(lengths, default=0)


@operation(
    "the length of the longest run of equal neighbours in {xs}", names="longest_plateau plateau"
)
def longest_plateau(xs: Ints) -> Int:
    return max((len(list(group)) for _, group in groupby(xs)), default=0)


@longest_plateau.form
def _(xs):
    best = run = 0
    for i, x in enumerate(xs):
        run = run + 1 if i and x == xs[i - 1] else 1
        best = max(best, run)
    return best


@operation(
    "the number of local peaks in {xs}, which are larger than both of their neighbours",
    names="peaks summits",
)
def peak_count(xs: Ints) -> Int:
    return sum(1 for a, b, c in zip(xs, xs[1:], xs[2:]) if a < b > c)


@peak_count.form
def _(xs):
    count = 0
    for i in range(1, len(xs) - 1):
        if xs[i] > xs[i - 1] and xs[i] > xs[i + 1]:
            count += 1
    return count


@operation(
    "the position at which the running total of {xs} first reaches {s}, counted from 0 (-1 if it"
    " never does)",
    names="reached_at crossing",
    s=LEVEL,
)
def reached_at(xs: Ints, s: Int) -> Int:
    total = 0
    for i, x in enumerate(xs):
        total += x
        if total >= s:
            return i
    return -1


@reached_at.form
def _(xs, s):
    return next((i for i, total in enumerate(accumulate(xs)) if total >= s), -1)
