"""Operations on lists of strings."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from code_ablate.synthesis.grammar import (
    Index,
    Int,
    Ints,
    Mark,
    Ranking,
    Tally,
    Word,
    Words,
    operation,
)


@operation(
    "{xs} in alphabetical order",
    does="sort {xs} alphabetically",
    names="alphabetical ordered",
    weight=1.5,
)
def alphabetical(xs: Words) -> Words:
    return sorted(xs)


@alphabetical.form
def _(xs):
    ordered: list = []
    for x in xs:
        i = 0
        while i < len(ordered) and ordered[i] <= x:
            i += 1
        ordered.insert(i, x)
    return ordered


@alphabetical.holds
def _(xs, result):
    return all(a <= b for a, b in zip(result, result[1:])) and len(xs) == len(result)


@operation(
    "{xs}, shortest first and those of equal length in alphabetical order",
    does="sort {xs} by length, and those of equal length alphabetically",
    names="by_length ordered",
)
def by_length(xs: Words) -> Words:
    return sorted(xs, key=lambda x: (len(x), x))


@by_length.form
def _(xs):
    return sorted(sorted(xs), key=len)


@operation(
    "the different strings among {xs}, in order of first appearance",
    does="drop repeated strings from {xs}, keeping the first of each",
    names="unique distinct",
)
def unique_words(xs: Words) -> Words:
    return list(dict.fromkeys(xs))


@unique_words.form
def _(xs):
    kept: list = []
    for x in xs:
        if x not in kept:
            kept.append(x)
    return kept


@operation("the number of different strings among {xs}", names="distinct variety")
def distinct_words(xs: Words) -> Int:
    return len(set(xs))


@distinct_words.form
def _(xs):
    return sum(1 for i, x in enumerate(xs) if x not in xs[:i])


@operation(
    "the longest of {xs} (the first one if several tie, '' if there are none)", names="longest"
)
def longest_word(xs: Words) -> Word:
    return max(xs, key=len, default="")


@longest_word.form
def _(xs):
    best = ""
    for x in xs:
        if len(x) > len(best):
            best = x
    return best


@operation("the alphabetically first of {xs} ('' if there are none)", names="first earliest")
def first_alphabetically(xs: Words) -> Word:
    return min(xs, default="")


@first_alphabetically.form
def _(xs):
    return sorted(xs)[0] if xs else ""


@operation(
    "the most frequent of {xs} (the alphabetically first one if several tie, '' if there are none)",
    names="commonest favourite",
    weight=1.3,
)
def commonest_word(xs: Words) -> Word:
    counts = Counter(xs)
    return min(counts, key=lambda x: (-counts[x], x), default="")


@commonest_word.form
def _(xs):
    best = ""
    for x in sorted(set(xs)):
        if xs.count(x) > xs.count(best):
            best = x
    return best


@operation("the lengths of {xs}", names="lengths sizes", item="length")
def lengths(xs: Words) -> Ints:
    return [len(x) for x in xs]


@lengths.form
def _(xs):
    return list(map(len, xs))


@operation("the total length of {xs}", names="total_length letters")
def total_length(xs: Words) -> Int:
    return sum(len(x) for x in xs)


@total_length.form
def _(xs):
    return len("".join(xs))


@operation(
    "{xs} joined by {sep}",
    does="join {xs} with {sep} between them",
    names="joined line",
    sep=["-", "/", "+", "; ", " | ", "_", ">"],
)
def joined(xs: Words, sep: Word) -> Word:
    return sep.join(xs)


@joined.form
def _(xs, sep):
    line = ""
    for i, x in enumerate(xs):
        line += sep + x if i else x
    return line


@operation(
    "the string made of the first letters of {xs}, in capitals",
    names="acronym initials",
    weight=0.8,
)
def acronym(xs: Words) -> Mark:
    return "".join(x[:1].upper() for x in xs)


@acronym.form
def _(xs):
    letters = ""
    for x in xs:
        if x:
            letters += x[0].upper()
    return letters


@operation("the longest prefix that {xs} have in common", names="common_prefix prefix", weight=0.7)
def common_prefix(xs: Words) -> Word:
    if not xs:
        return ""
    first, last = min(xs), max(xs)
    i = 0
    while i < min(len(first), len(last)) and first[i] == last[i]:
        i += 1
    return first[:i]


@common_prefix.form
def _(xs):
    prefix = ""
    for letters in zip(*xs):
        if len(set(letters)) > 1:
            break
        prefix += letters[0]
    return prefix


@operation(
    "a dictionary from each letter to the number of {xs.bare} that contain it (in lower case)",
    names="letter_counts presence",
    weight=0.8,
)
def letter_presence(xs: Words) -> Tally:
    counts: dict = {}
    for x in xs:
        for letter in sorted(set(x.lower())):
            counts[letter] = counts.get(letter, 0) + 1
    return counts


@letter_presence.form
def _(xs):
    return dict(Counter(letter for x in xs for letter in sorted(set(x.lower()))))


@operation(
    "a dictionary that counts how often each of {xs} occurs",
    does="count how often each of {xs} occurs",
    names="counts frequency",
)
def word_counts(xs: Words) -> Tally:
    counts: dict = {}
    for x in xs:
        counts[x] = counts.get(x, 0) + 1
    return counts


@word_counts.form
def _(xs):
    return {x: xs.count(x) for x in dict.fromkeys(xs)}


@operation(
    "the groups of anagrams in {xs}: a dictionary from the sorted letters to those that have them,"
    " in their order",
    names="anagrams families",
    weight=0.8,
)
def anagrams(xs: Words) -> Index:
    groups: dict = {}
    for x in xs:
        groups.setdefault("".join(sorted(x.lower())), []).append(x)
    return groups


@anagrams.form
def _(xs):
    keys = ["".join(sorted(x.lower())) for x in xs]
    return {key: [x for x, own in zip(xs, keys) if own == key] for key in dict.fromkeys(keys)}


@operation(
    "the numbers of letters that each of {xs} shares with the one after it",
    names="overlaps shared",
    item="overlap",
    weight=0.7,
)
def overlaps(xs: Words) -> Ints:
    return [len(set(a.lower()) & set(b.lower())) for a, b in pairwise(xs)]


@overlaps.form
def _(xs):
    return [
        sum(1 for letter in set(xs[i].lower()) if letter in xs[i - 1].lower())
        for i in range(1, len(xs))
    ]


@operation(
    "the number of neighbours in {xs} where the second begins with the last letter of the first",
    names="links chained",
    weight=0.8,
)
def chain_links(xs: Words) -> Int:
    return sum(1 for a, b in pairwise(xs) if a[-1:].lower() == b[:1].lower())


@chain_links.form
def _(xs):
    count = 0
    for i in range(1, len(xs)):
        if xs[i].lower().startswith(xs[i - 1][-1].lower()):
            count += 1
    return count


@operation(
    "{xs} that occur exactly once",
    does="keep only those of {xs} that occur exactly once",
    names="singles once",
    weight=0.8,
)
def singles(xs: Words) -> Words:
    counts = Counter(xs)
    return [x for x in xs if counts[x] == 1]


@singles.form
def _(xs):
    return [x for i, x in enumerate(xs) if x not in xs[:i] and x not in xs[i + 1 :]]


@operation(
    "the different strings among {xs}, each paired with how often it occurs, the most frequent first, equal ones in alphabetical order",
    names="ranking",
    weight=0.8,
)
def frequency_ranking(xs: Words) -> Ranking:
    return sorted(Counter(xs).items(), key=lambda pair: (-pair[1], pair[0]))


@frequency_ranking.form
def _(xs):
    ranking = []
    left = sorted(set(xs))
    while left:
        top = max(left, key=xs.count)
        ranking.append((top, xs.count(top)))
        left.remove(top)
    return ranking
