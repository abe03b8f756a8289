"""Right programs with classes, tests as HumanEval and ClassEval write them, wrong variants."""

from tests.evaluation.sandbox.programs import (  # noqa: F401
    features,
    globals,
    numbers,
    scenarios,
    structures,
)
from tests.evaluation.sandbox.programs.table import TASKS

__all__ = ["TASKS"]
