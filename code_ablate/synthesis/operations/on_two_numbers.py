"""Operations on two single numbers."""

from __future__ import annotations

from code_ablate.synthesis.grammar import Bool, Int, operation


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
