"""Operations on strings that ask for the best way to match or divide them, and on turns."""

from __future__ import annotations

from code_ablate.synthesis.grammar import (
    Int,
    Pairs,
    Text,
    Word,
    Words,
    operation,
)


@operation(
    "the smallest number of letters to insert, delete or replace in order to turn {s} into {t}",
    names="edits edit_distance",
    weight=1.2,
)
def edit_distance(s: Word, t: Word) -> Int:
    row = list(range(len(t) + 1))
    for i, a in enumerate(s, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(t, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


@edit_distance.form
def _(s, t):
    table = {(0, j): j for j in range(len(t) + 1)}
    for i in range(1, len(s) + 1):
        table[i, 0] = i
        for j in range(1, len(t) + 1):
            table[i, j] = min(
                table[i - 1, j] + 1,
                table[i, j - 1] + 1,
                table[i - 1, j - 1] + (s[i - 1] != t[j - 1]),
            )
    return table[len(s), len(t)]


@operation(
    "the length of the longest string that can be got both from {s} and from {t} by leaving out"
    " letters",
    names="common_length shared",
)
def common_subsequence(s: Word, t: Word) -> Int:
    best = [0] * (len(t) + 1)
    for a in s:
        before = 0
        for j, b in enumerate(t, 1):
            before, best[j] = best[j], before + 1 if a == b else max(best[j], best[j - 1])
    return best[-1]


@common_subsequence.form
def _(s, t):
    table = {}
    for i in range(len(s) + 1):
        for j in range(len(t) + 1):
            if i == 0 or j == 0:
                table[i, j] = 0
            elif s[i - 1] == t[j - 1]:
                table[i, j] = table[i - 1, j - 1] + 1
            else:
                table[i, j] = max(table[i - 1, j], table[i, j - 1])
    return table[len(s), len(t)]


@operation(
    "the length of the longest palindrome among the consecutive pieces of {s}",
    names="longest_palindrome mirror_length",
)
def longest_palindrome(s: Word) -> Int:
    best = 0
    for i in range(len(s)):
        for j in range(i + 1, len(s) + 1):
            if s[i:j] == s[i:j][::-1]:
                best = max(best, j - i)
    return best


@longest_palindrome.form
def _(s):
    best = 0
    for centre in range(2 * len(s) - 1):
        left, right = centre // 2, (centre + 1) // 2
        while left >= 0 and right < len(s) and s[left] == s[right]:
            best = max(best, right - left + 1)
            left -= 1
            right += 1
    return best


@operation(
    "the length of the longest piece of {s} without a repeated character",
    names="longest_fresh fresh",
)
def longest_fresh(s: Word) -> Int:
    best = start = 0
    last: dict = {}
    for i, letter in enumerate(s):
        if last.get(letter, -1) >= start:
            start = last[letter] + 1
        last[letter] = i
        best = max(best, i - start + 1)
    return best


@longest_fresh.form
def _(s):
    best = 0
    window = ""
    for letter in s:
        if letter in window:
            window = window[window.index(letter) + 1 :]
        window += letter
        best = max(best, len(window))
    return best


@operation(
    "{t} split over lines of at most {k} characters, as many words on each as fit, a word that is"
    " longer standing alone",
    does="break {t} into lines of at most {k} characters, as many words"
    " on each as fit (a longer word stands alone)",
    names="lines wrapped",
    item="line",
    k=(9, 20),
    weight=1.3,
)
def wrapped(t: Text, k: Int) -> Words:
    lines: list = []
    for word in t.split():
        if lines and len(lines[-1]) + 1 + len(word) <= k:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return lines


@wrapped.form
def _(t, k):
    lines = []
    current: list = []
    width = 0
    for word in t.split():
        if current and width + len(word) > k:
            lines.append(" ".join(current))
            current, width = [], 0
        current.append(word)
        width += len(word) + 1
    if current:
        lines.append(" ".join(current))
    return lines


@operation(
    "the names in {ps} in the order in which a queue serves them: each turn takes {k} off the"
    " number of the first in line, who goes to the back if more than that is left and leaves"
    " otherwise; a name is noted when it leaves",
    names="served finish_order",
    item="name",
    k=(20, 60),
)
def round_robin(ps: Pairs, k: Int) -> Words:
    queue = list(ps)
    done = []
    while queue:
        name, rest = queue.pop(0)
        if rest > k:
            queue.append((name, rest - k))
        else:
            done.append(name)
    return done


@round_robin.form
def _(ps, k):
    turns = [(max(1, -(-rest // k)), i, name) for i, (name, rest) in enumerate(ps)]
    return [name for _, _, name in sorted(turns)]
