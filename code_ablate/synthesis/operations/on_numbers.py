"""Operations on lists of numbers, and on single numbers."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate, combinations, groupby, pairwise
from math import gcd, prod

from code_ablate.synthesis.grammar import LEVEL, SEEN, Bool, Grid, Int, Ints, operation


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


@operation("{xs} rise from each one to the next", names="increasing is_increasing", weight=0.5)
def increasing(xs: Ints) -> Bool:
    return all(a < b for a, b in pairwise(xs))


@increasing.form
def _(xs):
    for i in range(1, len(xs)):
        if xs[i] <= xs[i - 1]:
            return False
    return True


@operation("{xs} are all different", names="all_different", weight=0.5)
def all_different(xs: Ints) -> Bool:
    return len(set(xs)) == len(xs)


@all_different.form
def _(xs):
    seen = set()
    for x in xs:
        if x in seen:
            return False
        seen.add(x)
    return True


@operation("{xs} read the same from both ends", names="symmetric", weight=0.3)
def symmetric(xs: Ints) -> Bool:
    return xs == xs[::-1]


@symmetric.form
def _(xs):
    return all(xs[i] == xs[-1 - i] for i in range(len(xs) // 2))


@operation(
    "{xs}, in increasing order",
    does="sort {xs} in increasing order",
    names="ordered sorted_values",
    weight=1.5,
)
def ascending(xs: Ints) -> Ints:
    return sorted(xs)


@ascending.form
def _(xs):
    left = list(xs)
    ordered = []
    while left:
        smallest = min(left)
        left.remove(smallest)
        ordered.append(smallest)
    return ordered


@ascending.holds
def _(xs, result):
    return Counter(xs) == Counter(result) and all(a <= b for a, b in zip(result, result[1:]))


@operation(
    "{xs}, in decreasing order", does="sort {xs} in decreasing order", names="descending ranked"
)
def descending(xs: Ints) -> Ints:
    return sorted(xs, reverse=True)


@descending.form
def _(xs):
    return sorted(xs)[::-1]


@operation(
    "the different values among {xs}, in order of first appearance",
    does="drop repeated values from {xs}, keeping the first of each",
    names="unique distinct",
)
def unique(xs: Ints) -> Ints:
    seen = set()
    kept = []
    for x in xs:
        if x not in seen:
            seen.add(x)
            kept.append(x)
    return kept


@unique.form
def _(xs):
    return list(dict.fromkeys(xs))


@operation(
    "those values that occur more than once among {xs}, each once, in increasing order",
    names="repeated duplicates",
    item="repeated value",
)
def repeated(xs: Ints) -> Ints:
    return sorted(x for x, n in Counter(xs).items() if n > 1)


@repeated.form
def _(xs):
    return sorted({x for i, x in enumerate(xs) if x in xs[:i]})


@operation(
    "the differences between consecutive {xs.bare}, each one minus the one before it",
    "the changes from each of {xs} to the next",
    does="subtract each of {xs} from the one after it",
    names="differences changes gaps steps",
    item="change",
    weight=1.5,
)
def differences(xs: Ints) -> Ints:
    return [b - a for a, b in pairwise(xs)]


@differences.form
def _(xs):
    return [xs[i] - xs[i - 1] for i in range(1, len(xs))]


@operation(
    "the running totals of {xs}",
    does="add up {xs} one after the other, keeping every partial sum",
    names="running cumulative",
    item="running total",
)
def running_totals(xs: Ints) -> Ints:
    return list(accumulate(xs))


@running_totals.form
def _(xs):
    totals = []
    total = 0
    for x in xs:
        total += x
        totals.append(total)
    return totals


@running_totals.holds
def _(xs, result):
    return [b - a for a, b in zip([0, *result], result)] == list(xs)


@operation(
    "the running maximum of {xs}: for each position, the largest so far",
    does="replace each of {xs} by the largest one seen up to there",
    names="running_best highs",
    item="high",
)
def running_best(xs: Ints) -> Ints:
    return list(accumulate(xs, max))


@running_best.form
def _(xs):
    return [max(xs[: i + 1]) for i in range(len(xs))]


@operation(
    "the sums of every {k} consecutive {xs.bare}",
    does="add up every {k} consecutive {xs.bare}",
    names="windows window_sums",
    item="window sum",
    k=(2, 4),
)
def window_sums(xs: Ints, k: Int) -> Ints:
    return [sum(xs[i : i + k]) for i in range(len(xs) - k + 1)]


@window_sums.form
def _(xs, k):
    totals = [0, *accumulate(xs)]
    return [totals[i] - totals[i - k] for i in range(k, len(totals))]


@operation(
    "{xs} cut into pieces of {k}, the last of which may be shorter, and each piece added up",
    does="cut {xs} into pieces of {k} (the last may be shorter) and add up each piece",
    names="chunk_sums batches",
    item="piece sum",
    k=(2, 4),
)
def chunk_sums(xs: Ints, k: Int) -> Ints:
    return [sum(xs[i : i + k]) for i in range(0, len(xs), k)]


@chunk_sums.form
def _(xs, k):
    sums: list = []
    for i, x in enumerate(xs):
        if i % k == 0:
            sums.append(0)
        sums[-1] += x
    return sums


@operation(
    "{xs}, each replaced by its rank: the number of smaller ones among them",
    does="replace each of {xs} by the number of smaller ones among them",
    names="ranks places",
    item="rank",
)
def ranks(xs: Ints) -> Ints:
    return [sum(y < x for y in xs) for x in xs]


@ranks.form
def _(xs):
    ordered = sorted(xs)
    return [ordered.index(x) for x in xs]


@operation(
    "the number of later and smaller ones for each of {xs}, as a list",
    names="inversions",
    item="count",
)
def later_smaller(xs: Ints) -> Ints:
    return [sum(y < x for y in xs[i + 1 :]) for i, x in enumerate(xs)]


@later_smaller.form
def _(xs):
    counts = []
    for i in range(len(xs)):
        count = 0
        for j in range(i + 1, len(xs)):
            if xs[j] < xs[i]:
                count += 1
        counts.append(count)
    return counts


@operation(
    "the next larger one after each of {xs} (-1 where there is none), as a list",
    does="for each of {xs}, look for the next larger one after it and note it, or -1 if there is none",
    names="next_larger",
    item="successor",
)
def next_larger(xs: Ints) -> Ints:
    return [next((y for y in xs[i + 1 :] if y > x), -1) for i, x in enumerate(xs)]


@next_larger.form
def _(xs):
    answer = [-1] * len(xs)
    waiting: list = []
    for i, x in enumerate(xs):
        while waiting and xs[waiting[-1]] < x:
            answer[waiting.pop()] = x
        waiting.append(i)
    return answer


@operation(
    "{xs} without all that equal {v}",
    does="remove every {v} from {xs}",
    names="cleaned remaining",
    weight=0.5,
    v=SEEN,
)
def without(xs: Ints, v: Int) -> Ints:
    return [x for x in xs if x != v]


@without.form
def _(xs, v):
    left = list(xs)
    while v in left:
        left.remove(v)
    return left


@operation(
    "{xs} with each run of equal neighbours shortened to one",
    does="shorten each run of equal neighbours in {xs} to one",
    names="squeezed",
    weight=0.8,
)
def squeezed(xs: Ints) -> Ints:
    return [x for x, _ in groupby(xs)]


@squeezed.form
def _(xs):
    return [x for i, x in enumerate(xs) if i == 0 or x != xs[i - 1]]


@operation(
    "the lengths of the runs of equal neighbours in {xs}", names="run_lengths", item="run length"
)
def run_lengths(xs: Ints) -> Ints:
    return [len(list(group)) for _, group in groupby(xs)]


@run_lengths.form
def _(xs):
    lengths: list = []
    for i, x in enumerate(xs):
        if i and x == xs[i - 1]:
            lengths[-1] += 1
        else:
            lengths.append(1)
    return lengths


@operation(
    "{xs} cut into rows of {k}, left-over ones at the end being dropped",
    names="rows table",
    weight=0.5,
    k=(2, 3),
)
def in_rows(xs: Ints, k: Int) -> Grid:
    return [xs[i : i + k] for i in range(0, len(xs) - k + 1, k)]


@in_rows.form
def _(xs, k):
    return [[xs[k * row + i] for i in range(k)] for row in range(len(xs) // k)]


@operation(
    "the absolute difference between {a} and {b}",
    "how far {a} and {b} are apart",
    names="difference gap",
)
def difference(a: Int, b: Int) -> Int:
    return abs(a - b)


@difference.form
def _(a, b):
    return max(a, b) - min(a, b)


@operation("the sum of {a} and {b}", "{a} plus {b}", names="combined sum")
def plus(a: Int, b: Int) -> Int:
    return a + b


@operation("the larger of {a} and {b}", names="larger maximum")
def larger(a: Int, b: Int) -> Int:
    return max(a, b)


@larger.form
def _(a, b):
    return a if a > b else b


@operation("the smaller of {a} and {b}", names="smaller minimum")
def smaller(a: Int, b: Int) -> Int:
    return min(a, b)


@smaller.form
def _(a, b):
    return b if b < a else a


@operation("the product of {a} and {b}", names="product")
def times(a: Int, b: Int) -> Int:
    return a * b


@operation("{k} times {a}, less {b}", names="score balance", k=(2, 5))
def weighted_difference(a: Int, b: Int, k: Int) -> Int:
    return k * a - b


@operation("{a} exceeds {b}", names="exceeds", weight=0.6)
def exceeds(a: Int, b: Int) -> Bool:
    return a > b


@exceeds.form
def _(a, b):
    return not a <= b


@operation("{a} equals {b}", names="equal", weight=0.2)
def equals(a: Int, b: Int) -> Bool:
    return a == b


@operation("{a} and {b} have the same parity", names="same_parity", weight=0.3)
def same_parity(a: Int, b: Int) -> Bool:
    return (a - b) % 2 == 0


@same_parity.form
def _(a, b):
    return a % 2 == b % 2
