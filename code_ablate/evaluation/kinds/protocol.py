"""What a class in this folder has to be, to measure the tasks of one kind.

measure = Ranked(LoadedTask.load("arc_easy", ...))
"""

from typing import Any, Protocol

from code_ablate.evaluation.downstream import LoadedTask
from code_ablate.evaluation.measure import Measure
from code_ablate.evaluation.suite_config import SuiteConfig


class Kind(Protocol):
    """The class of a kind's measures."""

    def __call__(self, task: LoadedTask) -> Measure:
        """The loaded task, ready to be evaluated. Raises UserError if it is not of this kind."""

    def settings(self, name: str, config: SuiteConfig) -> dict[str, Any]:
        """What decides the scores beside the Task itself: part of the identity."""
