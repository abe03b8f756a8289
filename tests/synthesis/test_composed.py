"""Composed problems: from their number alone, without neighbours in common, as they say."""

import dataclasses
import re
import sys
from collections import Counter
from pathlib import Path

import pytest

from code_ablate.evaluation.sandbox import Program, Sandbox
from code_ablate.synthesis import composed, program
from code_ablate.synthesis.composed import composed_problem
from code_ablate.synthesis.composing import _DEEPEST, Composer, compose
from code_ablate.synthesis.evaluation_ngrams import LENGTH, _hashes, touches
from code_ablate.synthesis.problems import Problem
from code_ablate.synthesis.seeding import generator

NOTHING = frozenset()
COUNT = 60
EXAMPLES = Path(__file__).parents[2] / "docs/synthetic.md"


def examples():
    """(number, text) of the composed problems in the documentation."""
    pattern = r"\*\*composed-(\d+)\*\*\n\n(`{3,})\w+\n(.*?\n)\2\n"
    return [
        pytest.param(int(number), text, id=number)
        for number, _, text in re.findall(pattern, EXAMPLES.read_text(encoding="utf-8"), re.DOTALL)
    ]


@pytest.fixture(scope="module")
def made():
    return [composed_problem(7, index, NOTHING) for index in range(COUNT)]


def test_the_documentation_shows_sixteen_problems():
    assert len(examples()) == 16


@pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="the examples are written by Python 3.11's ast.unparse"
)
@pytest.mark.parametrize(("number", "text"), examples())
def test_the_problems_of_the_documentation_are_still_drawn(number, text):
    """A change here changes every corpus that was made: if it is meant, put what is drawn now into
    docs/synthetic.md, and say in CHANGELOG.md that folders made before cannot be extended."""
    assert composed_problem(0, number, NOTHING)[0].text == text


def test_a_problem_depends_on_seed_and_number_alone(made):
    assert composed_problem(7, 41, NOTHING) == made[41]
    assert composed_problem(8, 41, NOTHING) != made[41]


def test_branches_have_no_branches_without_end():
    """An operation on two values asks for a second one, and to compute that may ask again."""
    composer = Composer(generator("branches"))
    value = composer.add_input("Ints")
    assert any(composer.branch("Int", value) is not None for _ in range(20))
    assert composer.depth == 0
    composer.depth = _DEEPEST
    assert composer.branch("Int", value) is None


def test_neighbouring_seeds_and_numbers_share_nothing(made):
    shifted = [composed_problem(8, index, NOTHING)[0].text for index in range(8)]
    assert not {problem.text for problem, _ in made} & set(shifted)
    draws = {generator(seed, index).random() for seed in range(30) for index in range(30)}
    assert len(draws) == 900


def test_solution_and_tests_hold_as_they_are_written(made):
    for problem, _ in made:
        names: dict = {"__name__": "problem"}
        exec(problem.solution, names)
        for test in problem.tests:
            exec(test, names)
        if problem.language == "python":
            exec(problem.text, {"__name__": "__main__"})


@pytest.mark.slow
def test_they_pass_in_the_sandbox_too(made):
    programs = []
    for problem, _ in made[:6]:
        function = problem.signature.partition("def ")[2].partition("(")[0]
        if "class " not in problem.solution:
            tests = "\n".join(problem.tests)
            programs.append(Program(problem.solution, tests=tests, functions=(function,)))
    assert programs
    with Sandbox() as sandbox:
        assert [o.status for o in sandbox.run(programs)] == ["passed"] * len(programs)


def test_statement_and_tests_speak_of_the_function_that_is_there(made):
    for problem, _ in made:
        function = problem.signature.partition("def ")[2].partition("(")[0]
        assert f"`{function}" in problem.text or f"def {function}(" in problem.text
        assert all(function in test for test in problem.tests)
        assert "{" not in problem.statement.replace("{}", "")  # no template was left open
        assert len(problem.tests) >= 2


def test_a_problem_is_read_back_as_it_was(made):
    problem = made[3][0]
    assert Problem.from_row(problem.row()) == problem


def test_a_draft_that_holds_a_forbidden_run_is_given_up(made):
    problem = made[5][0]
    forbidden = frozenset([next(_hashes(problem.text))])
    rejected = Counter()
    other, _ = composed_problem(7, 5, forbidden, rejected)
    assert rejected["13-gram of an evaluation set"] >= 1
    assert not touches(other.text, forbidden) and other != problem


def test_a_text_that_fails_its_tests_is_given_up(monkeypatch):
    monkeypatch.setattr(composed, "assertion", lambda call, value: f"assert {call} != {value}")
    monkeypatch.setattr(composed, "_ATTEMPTS", 30)
    rejected = Counter()
    with pytest.raises(RuntimeError, match="no draft"):
        composed_problem(7, 5, NOTHING, rejected)
    assert rejected["the text fails its tests"] > 3


def test_memory_that_is_used_up_changes_no_draw(made, monkeypatch):
    def without_memory(*_):
        raise MemoryError

    with pytest.raises(MemoryError):
        composed._passes(dataclasses.replace(made[0][0], solution="raise MemoryError"))
    monkeypatch.setattr(program, "evaluate", without_memory)  # only where a step is left out
    with pytest.raises(MemoryError):
        for index in range(40):
            compose(generator("memory", index))


def test_runs_are_found_whatever_their_spacing_and_case():
    text = "def add(a, b):\n    return a + b if a else b"
    runs = frozenset(_hashes(text))
    assert len(runs) == 16 - LENGTH + 1  # the text has 16 tokens
    assert touches("x = 1\n" + text.upper().replace(" ", "  "), runs)
    assert not touches("def add(a, b):\n    return a * b if a else b", runs)
