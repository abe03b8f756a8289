"""Operations that join two results into what a function returns."""

from __future__ import annotations

from code_ablate.synthesis.grammar import Any_, Bool, Int, operation

Result = tuple


@operation(
    "a tuple of two: {a}, and {b}",
    "two results as a tuple: first {a}; then {b}",
    names="summary both",
    weight=0,
)
def pair(a: Any_, b: Int) -> Result:
    return a, b


@operation("{a} if {c}, and {b} otherwise", names="answer outcome", weight=0)
def choice(a: Int, b: Int, c: Bool) -> Int:
    return a if c else b


@choice.form
def _(a, b, c):
    if c:
        result = a
    else:
        result = b
    return result
