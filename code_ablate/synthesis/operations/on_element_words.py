"""Tests, keys and labels of one string; as for numbers, each is a single expression."""

from __future__ import annotations

from code_ablate.synthesis.grammar import LETTER, Bool, Int, Word, elementary


@elementary("begin with a vowel", "begins with a vowel", names="vowel_first")
def begins_with_vowel(x: Word) -> Bool:
    return x[:1].lower() in ("a", "e", "i", "o", "u")


@elementary("are longer than {k:letter}", "is longer than {k:letter}", names="long", k=(3, 7))
def longer(x: Word, k: Int) -> Bool:
    return len(x) > k


@elementary("have at most {k:letter}", "has at most {k:letter}", names="short", k=(4, 8))
def short(x: Word, k: Int) -> Bool:
    return len(x) <= k


@elementary(
    "contain the letter {c}", "contains the letter {c}", names="matching", weight=1.5, c=LETTER
)
def has_letter(x: Word, c: Word) -> Bool:
    return c in x.lower()


@elementary("do not contain {c}", "does not contain {c}", names="clean", c=LETTER)
def lacks_letter(x: Word, c: Word) -> Bool:
    return c not in x.lower()


@elementary(
    "begin and end with the same letter",
    "begins and ends with the same letter",
    names="closed ringed",
)
def same_ends(x: Word) -> Bool:
    return x[:1].lower() == x[-1:].lower()


@elementary("have a repeated letter", "has a repeated letter", names="repetitive")
def repeats_letter(x: Word) -> Bool:
    return len(set(x.lower())) < len(x)


@elementary("have an even length", "has an even length", names="even_length", weight=0.7)
def even_length(x: Word) -> Bool:
    return len(x) % 2 == 0


@elementary(
    "come before {c} in the alphabet",
    "comes before {c} in the alphabet",
    names="early",
    weight=0.7,
    c=list("fghijklmnop"),
)
def before(x: Word, c: Word) -> Bool:
    return x.lower() < c


@elementary(
    "have more consonants than vowels",
    "has more consonants than vowels",
    names="consonant_heavy",
    weight=0.8,
)
def consonant_heavy(x: Word) -> Bool:
    return sum(letter in "aeiou" for letter in x.lower()) < sum(
        letter.isalpha() and letter not in "aeiou" for letter in x.lower()
    )


@elementary("end with a vowel", "ends with a vowel", names="vowel_last")
def ends_with_vowel(x: Word) -> Bool:
    return x[-1:].lower() in ("a", "e", "i", "o", "u")


@elementary(
    "have two equal letters side by side",
    "has two equal letters side by side",
    names="doubled",
    weight=0.8,
)
def double_letter(x: Word) -> Bool:
    return any(left == right for left, right in zip(x.lower(), x.lower()[1:]))


@elementary("length", "lengths", names="length size", weight=2)
def length(x: Word) -> Int:
    return len(x)


@elementary("number of vowels", "numbers of vowels", names="vowels vowel_count")
def vowels(x: Word) -> Int:
    return sum(letter in "aeiou" for letter in x.lower())


@elementary("number of different letters", "numbers of different letters", names="variety")
def letter_variety(x: Word) -> Int:
    return len(set(x.lower()))


@elementary(
    "number of occurrences of {c}",
    "the numbers of times that {xs} contain {c}",
    names="hits",
    c=LETTER,
)
def count_letter(x: Word, c: Word) -> Int:
    return x.lower().count(c)


@elementary(
    "letter value (the sum of the positions of the letters in the alphabet)",
    "the letter values of {xs} (a letter value is the sum of the letters' positions in the alphabet)",
    names="letter_value score",
)
def letter_value(x: Word) -> Int:
    return sum(ord(letter) - ord("a") + 1 for letter in x.lower() if "a" <= letter <= "z")


@elementary("first letter", "first letters", names="initial first_letter", weight=1.5)
def first_letter(x: Word) -> Word:
    return x[:1]


@elementary("last letter", "last letters", names="last_letter ending")
def last_letter(x: Word) -> Word:
    return x[-1:]


@elementary("reversed spelling", "{xs}, each spelled backwards", names="backwards mirror")
def backwards(x: Word) -> Word:
    return x[::-1]


@elementary("form in capitals", "{xs} in capitals", names="upper shout")
def upper(x: Word) -> Word:
    return x.upper()


@elementary(
    "prefix of {k:letter}", "the first {k:letter} of each of {xs}", names="prefix stem", k=(2, 4)
)
def prefix(x: Word, k: Int) -> Word:
    return x[:k]


@elementary("form without vowels", "{xs} without their vowels", names="skeleton consonants")
def without_vowels(x: Word) -> Word:
    return "".join(letter for letter in x if letter.lower() not in "aeiou")


@elementary(
    "form with sorted letters",
    "{xs}, each with its letters sorted (in lower case)",
    names="sorted_letters",
)
def sorted_letters(x: Word) -> Word:
    return "".join(sorted(x.lower()))


@elementary(
    "form with swapped ends",
    "{xs}, each with its first and last letters exchanged",
    names="swapped",
    weight=0.6,
)
def swapped_ends(x: Word) -> Word:
    return x[-1] + x[1:-1] + x[0] if len(x) > 1 else x


@elementary(
    "form in which each letter is moved on by {k:place} in the alphabet",
    "{xs} in lower case, with each letter moved on by {k:place} in the alphabet (z is followed by a)",
    names="shifted coded",
    weight=0.8,
    k=(1, 9),
)
def shifted(x: Word, k: Int) -> Word:
    return "".join(
        chr((ord(letter) - ord("a") + k) % 26 + ord("a")) if "a" <= letter <= "z" else letter
        for letter in x.lower()
    )
