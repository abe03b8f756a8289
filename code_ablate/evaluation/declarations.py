"""What the suite has to know about a downstream task beside its SeqIO registration.

    declare("arc_easy", TaskInfo(category="reasoning", kind=ranked.KIND, chance=0.25))
    info("arc_easy").category

The functions that register tasks (`add_task` of each kind's module) call `declare`. A Task that
somebody wrote for T5X has no entry; its kind follows from its metric_fns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from code_ablate.evaluation.measure import Kind
from code_ablate.evaluation.sampling import Sampling
from code_ablate.identity import to_plain
from code_ablate.names import require_label

if TYPE_CHECKING:
    from code_ablate.evaluation.suite_config import SuiteConfig


@dataclass(frozen=True)
class TaskInfo:
    """What the suite and the report say about a task."""

    category: str
    """Group of tasks whose scores are averaged: "reasoning", "world_knowledge", "code", ..."""

    kind: Kind
    """Kind of task, which says how it is measured: `KIND` of a module in evaluation/kinds."""

    chance: float | None = None
    """Expected score of guessing: the mean of 1 / choices. None: not known, or not defined."""

    convention: str = ""
    """Harness or paper whose prompt and scoring it follows, for the table in docs/evaluation.md."""

    sampling: Sampling | None = None
    """Length and choice of the tokens of answers. None: greedy, to the end of the line."""

    def __post_init__(self):
        require_label("the category of an evaluation task", self.category)


_INFO: dict[str, TaskInfo] = {}


def declare(name: str, info: TaskInfo) -> None:
    """Records what is known about the Task of this name; a later declaration replaces it."""
    _INFO[name] = info


def forget(name: str) -> None:
    """Takes a declaration back, as seqio.TaskRegistry.remove does with the Task."""
    _INFO.pop(name, None)


def category_of(name: str) -> str:
    """The category that was declared, or "other"."""
    declared = info(name)
    return declared.category if declared else "other"


def info(name: str) -> TaskInfo | None:
    """What was declared; None for a Task that nothing was declared about."""
    return _INFO.get(name)


def sampling_of(name: str) -> Sampling:
    """How the task's answers are generated: as it declared, else greedily up to a line break."""
    declared = info(name)
    return declared.sampling if declared and declared.sampling else Sampling()


def no_settings(name: str, config: SuiteConfig) -> dict[str, Any]:
    """`Kind.settings` where the Task alone decides its scores."""
    del name, config
    return {}


def sampling_settings(name: str, config: SuiteConfig) -> dict[str, Any]:
    """`Kind.settings` where it also matters how answers are generated."""
    del config
    return {"sampling": to_plain(sampling_of(name).what_matters)}
