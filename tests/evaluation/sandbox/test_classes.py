"""Programs with classes: the right ones pass their tests, and each wrong variant fails them."""

from code_ablate.evaluation.kinds.programs import Problem, used_functions
from code_ablate.evaluation.sandbox import Limits, Sandbox
from tests.evaluation.sandbox.class_tasks import TASKS


def test_right_programs_pass_and_wrong_ones_fail():
    programs, expected = [], []
    for name, (solution, tests, variants) in TASKS.items():
        functions = used_functions(tests, solution)
        problem = Problem(name, tests, functions, solution=solution)
        programs.append(problem.program(solution))
        expected.append((name, "passed"))
        for old, new in variants:
            programs.append(problem.program(solution.replace(old, new)))
            expected.append((f"{name}: {old!r} -> {new!r}", "wrong"))
    with Sandbox(Limits(cpu_seconds=5, wall_seconds=60), workers=2) as sandbox:
        outcomes = sandbox.run(programs)
    found = [
        (name, outcome.status if want == "passed" or outcome.status == "passed" else "wrong")
        for (name, want), outcome in zip(expected, outcomes, strict=True)
    ]
    assert len(TASKS) >= 40 and len(programs) > 2 * len(TASKS)
    assert found == expected
