"""Operations on spans of hours: bookings, meetings, shifts."""

from __future__ import annotations

from code_ablate.synthesis.grammar import (
    Bool,
    Int,
    Ints,
    Spans,
    operation,
)


@operation(
    "the bookings in {s} that overlap another one, in the order of {s}",
    names="clashes",
    item="booking",
    weight=1.2,
)
def clashes(s: Spans) -> Spans:
    return [
        a
        for i, a in enumerate(s)
        if any(i != j and a[0] < b[1] and b[0] < a[1] for j, b in enumerate(s))
    ]


@clashes.form
def _(s):
    clashing = set()
    for i in range(len(s)):
        for j in range(i):
            if max(s[i][0], s[j][0]) < min(s[i][1], s[j][1]):
                clashing |= {i, j}
    return [s[i] for i in sorted(clashing)]


@operation(
    "{s} with those that overlap or touch joined into one, in increasing order",
    does="join all in {s} that overlap or touch, and sort them",
    names="joined merged",
    item="stretch",
    weight=1.5,
)
def joined_spans(s: Spans) -> Spans:
    joined: list = []
    for start, end in sorted(s):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


@joined_spans.form
def _(s):
    covered = {hour for start, end in s for hour in range(start, end)}
    starts = sorted(hour for hour in covered if hour - 1 not in covered)
    ends = sorted(hour + 1 for hour in covered if hour + 1 not in covered)
    return list(zip(starts, ends))


@operation(
    "the total time that {s} cover, counting overlaps once", names="covered coverage", weight=1.2
)
def covered(s: Spans) -> Int:
    return len({hour for start, end in s for hour in range(start, end)})


@covered.form
def _(s):
    total = 0
    reached = None
    for start, end in sorted(s):
        if reached is None or start > reached:
            reached = start
        if end > reached:
            total += end - reached
            reached = end
    return total


@operation(
    "the largest number of {s} that are open at the same time",
    names="peak busiest crowd",
    weight=1.2,
)
def most_at_once(s: Spans) -> Int:
    events = sorted([(start, 1) for start, _ in s] + [(end, -1) for _, end in s])
    peak = now = 0
    for _, change in events:
        now += change
        peak = max(peak, now)
    return peak


@most_at_once.form
def _(s):
    return max((sum(a <= start < b for a, b in s) for start, _ in s), default=0)


@operation(
    "the largest number of bookings that one can choose from {s} so that no two overlap",
    names="most_visits plan",
    weight=1.2,
)
def most_disjoint(s: Spans) -> Int:
    count = 0
    free = None
    for end, start in sorted((end, start) for start, end in s):
        if free is None or start >= free:
            count += 1
            free = end
    return count


@most_disjoint.form
def _(s):
    ordered = sorted(s)

    def best(i, free):
        if i == len(ordered):
            return 0
        skipped = best(i + 1, free)
        start, end = ordered[i]
        return skipped if start < free else max(skipped, 1 + best(i + 1, end))

    return best(0, -1)


@operation("the lengths of {s}", names="lengths durations", item="length", weight=0.8)
def span_lengths(s: Spans) -> Ints:
    return [end - start for start, end in s]


@span_lengths.form
def _(s):
    lengths = []
    for span in s:
        lengths.append(span[1] - span[0])
    return lengths


@operation(
    "the gaps between {s} once those that overlap or touch are joined, as pairs of beginning and"
    " end",
    names="gaps breaks",
    item="gap",
)
def gaps_between(s: Spans) -> Spans:
    gaps = []
    reached = None
    for start, end in sorted(s):
        if reached is not None and start > reached:
            gaps.append((reached, start))
        reached = end if reached is None else max(reached, end)
    return gaps


@gaps_between.form
def _(s):
    taken = {hour for start, end in s for hour in range(start, end)}
    free = [h for h in range(min(taken, default=0), max(taken, default=0)) if h not in taken]
    starts = [h for h in free if h - 1 not in free]
    ends = [h + 1 for h in free if h + 1 not in free]
    return list(zip(starts, ends))


@operation("two of {s} overlap", names="conflict double_booked", weight=0.5)
def any_clash(s: Spans) -> Bool:
    ordered = sorted(s)
    return any(a[1] > b[0] for a, b in zip(ordered, ordered[1:]))


@any_clash.form
def _(s):
    for i in range(len(s)):
        for j in range(i):
            if s[i][0] < s[j][1] and s[j][0] < s[i][1]:
                return True
    return False
