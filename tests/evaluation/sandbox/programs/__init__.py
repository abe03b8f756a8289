"""Right programs with classes, tests as HumanEval and ClassEval write them, wrong variants."""

from tests.evaluation.sandbox.programs import features, numbers, scenarios, structures  # noqa: F401
from tests.evaluation.sandbox.programs.table import TASKS

__all__ = ["TASKS"]
