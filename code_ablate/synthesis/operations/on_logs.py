"""Operations on logs and on times of the day, which are parsed first."""

from __future__ import annotations

from code_ablate.synthesis.grammar import (
    Clock,
    Groups,
    Int,
    Ints,
    Log,
    Pairs,
    Tally,
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
