"""What holds and what does not: solutions, second solutions, tests, mutants, limits."""

import ast
from random import Random

import pytest

from code_ablate.synthesis import verify as verifying
from code_ablate.synthesis.mutants import mutated, sites
from code_ablate.synthesis.trial import Trial, counted
from code_ablate.synthesis.verify import MUTANTS_NOTICED, Draft, Rejected, Verified, verify

LARGE = """
def large(numbers):
    count = 0
    for number in numbers:
        if number > 10:
            count += number
    return count
"""
SAME = """
def large(numbers):
    return sum(n for n in numbers if n >= 11)
"""


def draw(rng):
    return ([rng.randint(0, 20) for _ in range(rng.choice((0, 2, 4, 8)))],)


def draft(code=LARGE, second=SAME, draw=draw):
    return Draft("large", code, second, {}, draw)


def test_a_sound_draft_holds_and_its_tests_notice_mutants():
    verified = verify(draft(), Random(0))
    assert isinstance(verified, Verified)
    assert verified.noticed >= MUTANTS_NOTICED * verified.mutants > 0
    for (numbers,), value in verified.calls:
        assert value == sum(n for n in numbers if n > 10)


def test_its_tests_tell_the_border_case():
    """`> 10` and `>= 10` differ on 10 alone: an input with a 10 is added for that mutant."""
    verified = verify(draft(), Random(0))
    assert any(10 in numbers for (numbers,), _ in verified.calls)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"second": SAME.replace("11", "12")}, "second solution differs"),
        ({"second": SAME.replace("sum(", "1 / sum(")}, "second solution"),
        ({"code": LARGE.replace("count = 0", "count = 0 * numbers[0]")}, "fails: IndexError"),
        (
            {"code": LARGE.replace("return count", "numbers.sort(); return count")},
            "changes its arguments",
        ),
        ({"code": LARGE.replace("return", "while True: pass\n    return")}, "fails: OutOfSteps"),
        (
            {"code": "def large(numbers):\n    return 0", "second": "def large(n):\n    return 0"},
            "dull",
        ),
        ({"code": "def large(numbers:\n    return 0"}, "does not compile"),
    ],
)
def test_what_does_not_hold_is_rejected_with_its_reason(changes, reason):
    outcome = verify(draft(**changes), Random(0))
    assert isinstance(outcome, Rejected) and outcome.reason.startswith(reason)


def test_every_mutant_differs_from_the_code_and_is_taken_back():
    tree = counted(LARGE)
    before = ast.dump(tree)
    found = sites(tree)
    assert len(found) >= 5
    for site in found:
        undo = mutated(site)
        assert ast.dump(tree) != before
        undo()
        assert ast.dump(tree) == before


def test_steps_are_counted_and_end_what_runs_for_ever():
    endless = Trial(counted("def f(x):\n    while x:\n        pass"), "f", {})
    assert endless.run((1,), steps=50).error == "OutOfSteps"
    assert endless.run((0,)).error == ""
    catching = """
def f(x):
    while x:
        try:
            g(x)
        except Exception:
            pass

def g(x):
    return g(x)
"""
    assert Trial(counted(catching), "f", {}).run((1,), steps=50).error == "OutOfSteps"


def test_memory_that_is_used_up_is_no_outcome(monkeypatch):
    trial = Trial(counted("def f(x):\n    raise MemoryError"), "f", {})
    with pytest.raises(MemoryError):
        trial.run((1,))

    class Without(Trial):
        def __init__(self, tree, function, names):
            if verifying.mutated_now:
                raise MemoryError
            super().__init__(tree, function, names)

    def mutating(site):
        monkeypatch.setattr(verifying, "mutated_now", True)
        return mutated(site)

    monkeypatch.setattr(verifying, "mutated_now", False, raising=False)
    monkeypatch.setattr(verifying, "mutated", mutating)
    monkeypatch.setattr(verifying, "Trial", Without)
    with pytest.raises(MemoryError):
        verify(draft(), Random(0))


def test_the_same_code_ends_at_the_same_step():
    steps = [Trial(counted(LARGE), "large", {}).run(([1, 2, 30],)).steps for _ in range(3)]
    assert steps == [4, 4, 4]  # the call, and three passes of the loop


def test_passes_of_comprehensions_are_steps_as_well():
    code = "def f(n):\n    return sum(1 for i in range(n) for j in range(n))"
    trial = Trial(counted(code), "f", {})
    assert trial.run((3,)).steps == 1 + 3 + 9
    assert trial.run((10**6,)).error == "OutOfSteps"


def test_values_of_different_types_do_not_agree():
    one = Trial(counted("def f(x):\n    return x"), "f", {})
    assert not one.run((1,)).agrees(one.run((True,)))
