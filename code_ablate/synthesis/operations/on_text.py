"""Operations on single strings."""

from __future__ import annotations

from itertools import groupby

from code_ablate.synthesis.grammar import (
    LETTER,
    Bool,
    Int,
    Mark,
    Text,
    Word,
    Words,
    operation,
)


@operation("{s} with every run of a repeated letter shortened to one letter", names="squeezed")
def squeezed_text(s: Word) -> Word:
    return "".join(letter for letter, _ in groupby(s))


@squeezed_text.form
def _(s):
    result = ""
    for letter in s:
        if not result.endswith(letter):
            result += letter
    return result


@operation("{s} read backwards", names="mirrored", weight=0.6)
def mirrored(s: Word) -> Word:
    return s[::-1]


@mirrored.form
def _(s):
    return "".join(reversed(s))


@operation("the number of times that the letter {c} occurs in {s}", names="occurrences", c=LETTER)
def occurrences(s: Word, c: Word) -> Int:
    return s.lower().count(c)


@occurrences.form
def _(s, c):
    return sum(1 for letter in s.lower() if letter == c)


@operation("the length of {s}", names="length", weight=0.8)
def text_length(s: Word) -> Int:
    return len(s)


@text_length.form
def _(s):
    return sum(1 for _ in s)


@operation("{s} reads the same backwards", names="palindrome", weight=0.3)
def palindrome(s: Word) -> Bool:
    return s == s[::-1]


@palindrome.form
def _(s):
    return all(a == b for a, b in zip(s, reversed(s)))


@operation(
    "{s}, each letter moved on by {k:place} in the alphabet (z is followed by a; other"
    " characters stay)",
    names="coded cipher",
    k=(1, 12),
)
def coded(s: Word, k: Int) -> Word:
    result = ""
    for letter in s:
        if "a" <= letter <= "z":
            result += chr((ord(letter) - ord("a") + k) % 26 + ord("a"))
        else:
            result += letter
    return result


@coded.form
def _(s, k):
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    moved = str.maketrans(alphabet, alphabet[k % 26 :] + alphabet[: k % 26])
    return s.translate(moved)


@coded.holds
def _(s, k, result):
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    return s == "".join(
        alphabet[(alphabet.index(c) - k) % 26] if c in alphabet else c for c in result
    )


@operation(
    "the run-length code of {s}: each run of a repeated character written as the character and the"
    " length of the run",
    names="encoded packed",
)
def run_length_code(s: Word) -> Mark:
    return "".join(f"{letter}{len(list(group))}" for letter, group in groupby(s))


@run_length_code.form
def _(s):
    code = ""
    i = 0
    while i < len(s):
        j = i
        while j < len(s) and s[j] == s[i]:
            j += 1
        code += s[i] + str(j - i)
        i = j
    return code


@operation(
    "the words of {s}",
    does="split {s} at its spaces",
    names="words tokens",
    item="word",
    weight=2,
)
def words_of(s: Text) -> Words:
    return s.split()


@words_of.form
def _(s):
    words = []
    current = ""
    for letter in s + " ":
        if letter != " ":
            current += letter
        elif current:
            words.append(current)
            current = ""
    return words
