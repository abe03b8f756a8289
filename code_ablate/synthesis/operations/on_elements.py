"""Tests, keys and labels of one number."""

from __future__ import annotations

from math import isqrt, prod

from code_ablate.synthesis.grammar import LEVEL, Bool, Int, Word, elementary


@elementary("are even", "is even", adjective="even")
def even(x: Int) -> Bool:
    return x % 2 == 0


@elementary("are odd", "is odd", adjective="odd")
def odd(x: Int) -> Bool:
    return x % 2 == 1


@elementary("are divisible by {k}", "is divisible by {k}", names="divisible multiple", k=(3, 12))
def divisible(x: Int, k: Int) -> Bool:
    return x % k == 0


@elementary(
    "leave a remainder of at least {r} when divided by {k}",
    "leaves a remainder of at least {r} when divided by {k}",
    names="high_remainder",
    weight=0.5,
    k=(4, 12),
    r=(1, 3),
)
def remainder_at_least(x: Int, k: Int, r: Int) -> Bool:
    return x % k >= r


@elementary("are greater than {k}", "is greater than {k}", names="large", weight=2, k=LEVEL)
def above(x: Int, k: Int) -> Bool:
    return x > k


@elementary("are at most {k}", "is at most {k}", names="small", weight=2, k=LEVEL)
def at_most(x: Int, k: Int) -> Bool:
    return x <= k


@elementary("differ from {k}", "differs from {k}", names="other", weight=0.3, k=LEVEL)
def differs(x: Int, k: Int) -> Bool:
    return x != k


@elementary(
    "lie within {r} of {k}", "lies within {r} of {k}", names="near close_by", k=LEVEL, r=(2, 40)
)
def near(x: Int, k: Int, r: Int) -> Bool:
    return abs(x - k) <= r


@elementary("end in the digit {d}", "ends in the digit {d}", names="ending", weight=0.6, d=(0, 9))
def ends_in(x: Int, d: Int) -> Bool:
    return abs(x) % 10 == d


@elementary("contain the digit {d}", "contains the digit {d}", names="with_digit", d=(0, 9))
def has_digit(x: Int, d: Int) -> Bool:
    return str(d) in str(x)


@elementary("are perfect squares", "is a perfect square", names="square", weight=0.6)
def is_square(x: Int) -> Bool:
    return x >= 0 and isqrt(x) ** 2 == x


@elementary("are prime", "is prime", adjective="prime", weight=0.8)
def prime(x: Int) -> Bool:
    return x > 1 and all(x % d for d in range(2, isqrt(x) + 1))


@elementary(
    "read the same in both directions", "reads the same in both directions", names="mirrored"
)
def palindromic(x: Int) -> Bool:
    return str(x) == str(x)[::-1]


@elementary("have {k:digit} or more", "has {k:digit} or more", names="long", weight=0.6, k=(2, 3))
def digits_at_least(x: Int, k: Int) -> Bool:
    return len(str(abs(x))) >= k


@elementary(
    "have an even sum of digits", "has an even sum of digits", names="even_digit_sum", weight=0.7
)
def even_digit_sum(x: Int) -> Bool:
    return sum(int(digit) for digit in str(abs(x))) % 2 == 0


@elementary(
    "have more ones than zeros in binary",
    "has more ones than zeros in binary",
    names="heavy_in_ones",
    weight=0.5,
)
def more_ones(x: Int) -> Bool:
    return bin(abs(x))[2:].count("1") > bin(abs(x))[2:].count("0")


@elementary("have no repeated digit", "has no repeated digit", names="plain", weight=0.7)
def distinct_digits(x: Int) -> Bool:
    return len(set(str(abs(x)))) == len(str(abs(x)))


@elementary("square", "squares", names="square", weight=1.2)
def squared(x: Int) -> Int:
    return x * x


@elementary("digit sum", "digit sums", names="digit_sum", weight=1.2)
def digit_sum(x: Int) -> Int:
    return sum(int(digit) for digit in str(abs(x)))


@elementary(
    "remainder modulo {k}",
    "the remainders of {xs} modulo {k}",
    names="remainder residue",
    weight=1.2,
    k=(3, 13),
)
def remainder(x: Int, k: Int) -> Int:
    return x % k


@elementary("distance from {k}", "the distances of {xs} from {k}", names="distance offset", k=LEVEL)
def distance(x: Int, k: Int) -> Int:
    return abs(x - k)


@elementary("last digit", "last digits", names="last_digit", weight=0.7)
def last_digit(x: Int) -> Int:
    return abs(x) % 10


@elementary("number of divisors", "numbers of divisors", names="divisors", weight=0.6)
def divisor_count(x: Int) -> Int:
    return sum(1 for d in range(1, abs(x) + 1) if x % d == 0)


@elementary(
    "number of ones in binary",
    "the numbers of ones in the binary forms of {xs}",
    names="ones bits",
    weight=0.7,
)
def ones(x: Int) -> Int:
    return bin(abs(x)).count("1")


@elementary(
    "excess over {k} (0 if there is none)",
    "the amounts by which {xs} exceed {k} (0 where they do not)",
    names="excess surplus",
    k=LEVEL,
)
def excess(x: Int, k: Int) -> Int:
    return max(0, x - k)


@elementary(
    "value capped at {k}", "{xs}, each capped at {k}", names="capped limited", weight=0.8, k=LEVEL
)
def capped(x: Int, k: Int) -> Int:
    return min(x, k)


@elementary(
    "value rounded down to a multiple of {k}",
    "{xs}, each rounded down to a multiple of {k}",
    names="rounded",
    k=(3, 25),
)
def rounded_down(x: Int, k: Int) -> Int:
    return x // k * k


@elementary(
    "reversed value",
    "{xs}, each with its digits reversed",
    names="reversed_digits",
    weight=0.7,
)
def reversed_digits(x: Int) -> Int:
    return int(str(abs(x))[::-1])


@elementary("largest digit", "the largest digits of {xs}", names="top_digit", weight=0.7)
def largest_digit(x: Int) -> Int:
    return max(int(digit) for digit in str(abs(x)))


@elementary(
    "product of the nonzero digits",
    "the products of the nonzero digits of {xs}",
    names="digit_product",
    weight=0.5,
)
def digit_product(x: Int) -> Int:
    return prod(int(digit) or 1 for digit in str(abs(x)))


@elementary(
    "parity ('even' or 'odd')", "the words 'even' or 'odd' for {xs}", names="parity", weight=0.5
)
def parity(x: Int) -> Word:
    return "odd" if x % 2 else "even"


@elementary("binary form", "binary forms", names="binary", weight=0.7)
def in_binary(x: Int) -> Word:
    return format(x, "b")


@elementary("decimal form", "decimal forms", names="digits decimal", weight=0.5)
def in_decimal(x: Int) -> Word:
    return str(x)


@elementary(
    "level ('low' below {k}, 'high' otherwise)",
    "the words 'low' or 'high' for {xs}: 'low' below {k}, and 'high' otherwise",
    names="level",
    weight=0.7,
    k=LEVEL,
)
def low_or_high(x: Int, k: Int) -> Word:
    return "low" if x < k else "high"
