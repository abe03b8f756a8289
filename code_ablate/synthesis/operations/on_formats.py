"""Operations that read and write notations: log lines, clock times, run lengths, small formulas."""

from __future__ import annotations

import re

from code_ablate.synthesis.grammar import (
    Bool,
    Clock,
    Formula,
    Groups,
    Int,
    Ints,
    Log,
    Mark,
    Natural,
    Packed,
    Pairs,
    Spans,
    Tally,
    Word,
    Words,
    operation,
)


@operation(
    "the entries of {log} as pairs of name and amount",
    does="read {log} as pairs of name and amount",
    names="entries parsed",
    item="pair",
    weight=2,
)
def parsed_log(log: Log) -> Pairs:
    return [(line.split()[0], int(line.split()[1])) for line in log]


@parsed_log.form
def _(log):
    entries = []
    for line in log:
        name, amount = line.split()
        entries.append((name, int(amount)))
    return entries


@parsed_log.holds
def _(log, result):
    return [f"{name} {amount:+d}" for name, amount in result] == log


@operation(
    "a dictionary from each name in {log} to its balance after all lines, beginning with 0",
    names="balances accounts",
    item="name",
    weight=1.5,
)
def balances(log: Log) -> Tally:
    accounts: dict = {}
    for line in log:
        name, amount = line.split()
        accounts[name] = accounts.get(name, 0) + int(amount)
    return accounts


@balances.form
def _(log):
    pairs = [line.split() for line in log]
    return {name: sum(int(n) for other, n in pairs if other == name) for name, _ in pairs}


@operation(
    "the lowest balance that anybody in {log} reaches on the way, everybody beginning with 0",
    names="lowest low_point",
)
def lowest_balance(log: Log) -> Int:
    accounts: dict = {}
    lowest = 0
    for line in log:
        name, amount = line.split()
        accounts[name] = accounts.get(name, 0) + int(amount)
        lowest = min(lowest, accounts[name])
    return lowest


@lowest_balance.form
def _(log):
    sums = [0]
    for i, line in enumerate(log):
        name = line.split()[0]
        sums.append(
            sum(int(other.split()[1]) for other in log[: i + 1] if other.split()[0] == name)
        )
    return min(sums)


@operation(
    "the names in {log} whose withdrawal (a negative amount) would make their balance negative, in"
    " the order of the lines; such a line is not carried out",
    does="carry out the lines of {log}"
    " one by one, but refuse each withdrawal that would make a balance negative, and note the"
    " name each time",
    names="refused rejected",
    item="name",
    weight=1.3,
)
def refused(log: Log) -> Words:
    accounts: dict = {}
    names = []
    for line in log:
        name, amount = line.split()
        balance = accounts.get(name, 0) + int(amount)
        if balance < 0:
            names.append(name)
        else:
            accounts[name] = balance
    return names


@refused.form
def _(log):
    done: list = []
    names = []
    for line in log:
        name, amount = line.split()
        balance = sum(n for other, n in done if other == name)
        if balance + int(amount) >= 0:
            done.append((name, int(amount)))
        else:
            names.append(name)
    return names


@operation(
    "{log} grouped by name: a dictionary from each name to the list of its amounts",
    does="group the amounts of {log} by name",
    names="amounts grouped",
    item="name",
)
def grouped_log(log: Log) -> Groups:
    groups: dict = {}
    for line in log:
        name, amount = line.split()
        groups.setdefault(name, []).append(int(amount))
    return groups


@grouped_log.form
def _(log):
    names = dict.fromkeys(line.split()[0] for line in log)
    return {name: [int(x.split()[1]) for x in log if x.split()[0] == name] for name in names}


@operation(
    "{c} in minutes since midnight",
    does="turn {c} into minutes since midnight",
    names="minutes",
    item="minute of the day",
    weight=1.6,
)
def minutes_of(c: Clock) -> Ints:
    return [60 * int(time[:2]) + int(time[3:]) for time in c]


@minutes_of.form
def _(c):
    minutes = []
    for time in c:
        hours, rest = time.split(":")
        minutes.append(int(hours) * 60 + int(rest))
    return minutes


@minutes_of.holds
def _(c, result):
    return [f"{m // 60:02d}:{m % 60:02d}" for m in result] == c


@operation(
    "{c}, each moved on by {k:minute} (after 23:59 comes 00:00)",
    does="move {c} on by {k:minute} (after 23:59 comes 00:00)",
    names="moved later",
    item="time",
    k=(7, 180),
    weight=1.3,
)
def moved_times(c: Clock, k: Int) -> Clock:
    moved = []
    for time in c:
        minutes = (60 * int(time[:2]) + int(time[3:]) + k) % 1440
        moved.append(f"{minutes // 60:02d}:{minutes % 60:02d}")
    return moved


@moved_times.form
def _(c, k):
    moved = []
    for time in c:
        hours, minutes = int(time[:2]), int(time[3:]) + k
        hours = (hours + minutes // 60) % 24
        moved.append(str(hours).zfill(2) + ":" + str(minutes % 60).zfill(2))
    return moved


@operation(
    "{c} in the order of the day",
    does="sort {c}",
    names="ordered sorted_times",
    item="time",
    weight=0.8,
)
def sorted_times(c: Clock) -> Clock:
    return sorted(c)


@sorted_times.form
def _(c):
    return sorted(c, key=lambda time: 60 * int(time[:2]) + int(time[3:]))


@operation(
    "a dictionary from each hour (as two digits) in {c} to the number of times in it",
    names="by_hour hours",
    item="hour",
)
def by_hour(c: Clock) -> Tally:
    counts: dict = {}
    for time in c:
        counts[time[:2]] = counts.get(time[:2], 0) + 1
    return counts


@by_hour.form
def _(c):
    hours = [time.split(":")[0] for time in c]
    return {hour: hours.count(hour) for hour in hours}


@operation(
    "the number of times in {c} that lie between 0{a}:00 and {b}:00, the first included and the"
    " last not",
    names="in_window",
    a=(6, 9),
    b=(14, 20),
    weight=0.8,
)
def times_between(c: Clock, a: Int, b: Int) -> Int:
    return sum(1 for time in c if a <= int(time[:2]) < b)


@times_between.form
def _(c, a, b):
    count = 0
    for time in c:
        minutes = int(time[:2]) * 60 + int(time[3:])
        if 60 * a <= minutes < 60 * b:
            count += 1
    return count


@operation(
    "{p} unpacked: each letter is repeated as often as the number after it says",
    does="unpack {p}, repeating each letter as often as the number after it says",
    names="unpacked decoded",
    weight=1.6,
)
def unpacked(p: Packed) -> Word:
    return "".join(letter * int(n) for letter, n in re.findall(r"([a-z])([0-9]+)", p))


@unpacked.form
def _(p):
    result = ""
    i = 0
    while i < len(p):
        j = i + 1
        while j < len(p) and p[j].isdigit():
            j += 1
        result += p[i] * int(p[i + 1 : j])
        i = j
    return result


@unpacked.holds
def _(p, result):
    return len(result) == sum(int(n) for n in re.findall(r"[0-9]+", p))


@operation(
    "a dictionary from each letter in {p} to the number of times it stands in the unpacked"
    " string, where each letter is repeated as often as the number after it says",
    names="letter_totals",
    item="letter",
)
def packed_counts(p: Packed) -> Tally:
    totals: dict = {}
    for letter, n in re.findall(r"([a-z])([0-9]+)", p):
        totals[letter] = totals.get(letter, 0) + int(n)
    return totals


@packed_counts.form
def _(p):
    totals: dict = {}
    letter, digits = "", ""
    for mark in p + "#":
        if mark.isdigit():
            digits += mark
        else:
            if letter:
                totals[letter] = totals.get(letter, 0) + int(digits)
            letter, digits = mark, ""
    return totals


@operation(
    "the numbers that stand after the letters in {p}", names="lengths numbers", item="number"
)
def packed_numbers(p: Packed) -> Ints:
    return [int(n) for n in re.findall(r"[0-9]+", p)]


@packed_numbers.form
def _(p):
    spaced = "".join(mark if mark.isdigit() else " " for mark in p)
    return [int(n) for n in spaced.split()]


@operation(
    "the value of {e}, multiplication before addition and subtraction",
    names="value result",
    weight=1.6,
)
def formula_value(e: Formula) -> Int:
    total = 0
    for term in e.replace("-", "+-").split("+"):
        product = 1
        for factor in term.split("*"):
            product *= int(factor)
        total += product
    return total


@formula_value.form
def _(e):
    tokens = re.findall(r"\d+|[-+*]", e)
    terms = [int(tokens[0])]
    for sign, number in zip(tokens[1::2], tokens[2::2]):
        if sign == "*":
            terms[-1] *= int(number)
        else:
            terms.append(int(number) if sign == "+" else -int(number))
    return sum(terms)


@operation(
    "the value of {e} if it is worked out strictly from left to right, without precedence",
    names="value left_value",
)
def left_value(e: Formula) -> Int:
    value = 0
    sign = "+"
    for token in re.findall(r"\d+|[-+*]", e):
        if not token.isdigit():
            sign = token
        elif sign == "+":
            value += int(token)
        elif sign == "-":
            value -= int(token)
        else:
            value *= int(token)
    return value


@left_value.form
def _(e):
    parts = re.split(r"([-+*])", e)
    value = int(parts[0])
    for i in range(1, len(parts), 2):
        number = int(parts[i + 1])
        value = {"+": value + number, "-": value - number, "*": value * number}[parts[i]]
    return value


@operation(
    "the terms of {e}, with their signs, each worked out: {e} is a sum of products",
    does="cut {e} into its terms and work out each of them with its sign",
    names="terms",
    item="term",
    weight=1.2,
)
def formula_terms(e: Formula) -> Ints:
    terms = []
    for term in e.replace("-", "+-").split("+"):
        product = 1
        for factor in term.split("*"):
            product *= int(factor)
        terms.append(product)
    return terms


@formula_terms.form
def _(e):
    terms: list = []
    sign, join = 1, "+"
    for token in re.findall(r"\d+|[-+*]", e):
        if token.isdigit():
            if join == "*":
                terms[-1] *= int(token)
            else:
                terms.append(sign * int(token))
        else:
            join = token
            sign = -1 if token == "-" else 1
    return terms


@operation(
    "{e} in postfix notation: the tokens separated by spaces, each sign after its two operands,"
    " multiplication first and otherwise from left to right",
    names="postfix",
    weight=1.2,
)
def postfix(e: Formula) -> Mark:
    output: list = []
    waiting: list = []
    for token in re.findall(r"\d+|[-+*]", e):
        if token.isdigit():
            output.append(token)
        else:
            while waiting and (waiting[-1] == "*" or token != "*"):
                output.append(waiting.pop())
            waiting.append(token)
    return " ".join(output + waiting[::-1])


@postfix.form
def _(e):
    def product(text):
        factors = text.split("*")
        return " ".join([factors[0], *(f"{factor} *" for factor in factors[1:])])

    parts = re.split(r"([-+])", e)
    result = product(parts[0])
    for sign, term in zip(parts[1::2], parts[2::2]):
        result += f" {product(term)} {sign}"
    return result


@operation(
    "the digits of {n} in base {b}, the most significant first",
    names="digits",
    item="digit",
    b=[3, 4, 5, 6, 7, 8, 9],
    weight=1.2,
)
def base_digits(n: Natural, b: Int) -> Ints:
    digits: list = []
    while n:
        digits.insert(0, n % b)
        n //= b
    return digits or [0]


@base_digits.form
def _(n, b):
    power = 1
    while power * b <= n:
        power *= b
    digits = []
    while power:
        digits.append(n // power)
        n %= power
        power //= b
    return digits


@base_digits.holds
def _(n, b, result):
    return sum(digit * b**i for i, digit in enumerate(reversed(result))) == n


@operation("{n} as a Roman numeral", names="roman numeral", weight=1.2)
def roman(n: Natural) -> Mark:
    numerals = (
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    )
    result = ""
    for value, letters in numerals:
        while n >= value:
            result += letters
            n -= value
    return result


@roman.form
def _(n):
    ones = ["", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"]
    tens = ["", "X", "XX", "XXX", "XL", "L", "LX", "LXX", "LXXX", "XC"]
    return "C" * (n // 100) + tens[n // 10 % 10] + ones[n % 10]


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
