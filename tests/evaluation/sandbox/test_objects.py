"""Tests that use a program's objects: right programs pass and wrong ones fail."""

import pytest

from code_ablate.evaluation.kinds.programs import Problem, used_functions
from code_ablate.evaluation.sandbox import Limits, Sandbox
from tests.evaluation.sandbox.programs import TASKS


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(Limits(cpu_seconds=3, memory_bytes=1 << 28), workers=2) as sandbox:
        yield sandbox


def problem(name: str) -> Problem:
    solution, tests, _ = TASKS[name]
    return Problem(name, tests, used_functions(tests, solution), solution=solution)


@pytest.fixture(scope="module")
def outcomes(sandbox):
    """(name of the task, place of the variant or -1) -> outcome."""
    programs = {
        (name, place): problem(name).program(code)
        for name, (solution, _, variants) in TASKS.items()
        for place, code in enumerate(
            [solution, *(solution.replace(old, new) for old, new in variants)], start=-1
        )
    }
    return dict(zip(programs, sandbox.run([*programs.values()]), strict=True))


@pytest.mark.parametrize("name", TASKS)
def test_a_right_program_passes(outcomes, name):
    assert outcomes[name, -1].status == "passed", outcomes[name, -1]


@pytest.mark.parametrize("name", TASKS)
def test_wrong_variants_fail(outcomes, name):
    variants = TASKS[name][2]
    passed = [v for place, v in enumerate(variants) if outcomes[name, place].status == "passed"]
    assert variants and passed == []
