"""Documents: lines that fit, and tests that are still the same when they are broken."""

from random import Random

import pytest

from code_ablate.synthesis.layouts import Parts, assertion, document

PARTS = Parts(
    title="Longest name",
    paragraphs=["Return the longest of the names. " * 6],
    preamble="from collections import Counter",
    code="def longest(names):\n    return max(names, key=len, default='')",
    function="longest",
    calls=[
        ("longest(['Ada', 'Boris'])", "'Boris'"),
        ("longest([])", "''"),
        ("longest(['x'])", "'x'"),
    ],
)


def test_the_result_of_a_test_that_is_true_or_false_is_compared_by_identity():
    assert assertion("f(1)", "True") == "assert f(1) is True"
    assert assertion("f(1)", "1") == "assert f(1) == 1"


@pytest.mark.parametrize(
    ("call", "value"),
    [
        (f"f({list(range(60))!r})", "[1, 2]"),
        (f"f({['a, b', '(', 'its'] * 12!r}, 5)", repr({"k, [": [1] * 40})),
        (
            "f([('north', 86, 521, 'Farid'), ('east', 25, 240, 'Oscar'),"
            " ('bulk', 54, 495, 'J')], {'x': 1})",
            "3",
        ),
    ],
)
def test_a_broken_test_says_the_same_in_lines_that_fit(call, value):
    text = assertion(call, value, "    ")
    assert "\n" in text and max(map(len, text.splitlines())) <= 100
    names = {"f": lambda *arguments: arguments}
    left = text.strip().removeprefix("assert ").rpartition(" == ")
    assert eval(f"({left[0]})", dict(names)) == eval(call, dict(names))
    assert eval(text.strip().removeprefix("assert "), {"f": lambda *a: eval(value)})


def test_all_layouts_hold_statement_solution_and_every_test():
    seen = set()
    for seed in range(40):
        text, language = document(PARTS, Random(seed))
        seen.add(text.splitlines()[0][:9] + language)
        assert "Return the longest" in " ".join(text.replace("#", " ").split())
        assert "max(names, key=len, default='')" in text
        for call, value in PARTS.calls:
            assert assertion(call, value) in text or f">>> {call}\n    {value}" in text
        if language == "python":
            exec(text, {"__name__": "__main__"})
    assert len(seen) >= 4
