"""Runs generated code against tests, where it can do no harm and cannot cheat.

    with Sandbox() as sandbox:
        program = Program(code, tests="assert double(2) == 4", functions=("double",))
        [outcome] = sandbox.run([program])
        outcome.status               # "passed"

docs/sandbox.md says how it is built, what it defends against, and what it needs.
"""

from code_ablate.evaluation.sandbox.host import Sandbox
from code_ablate.evaluation.sandbox.values import SEMANTICS, STATUSES, Limits, Outcome, Program

__all__ = ["SEMANTICS", "STATUSES", "Limits", "Outcome", "Program", "Sandbox"]
