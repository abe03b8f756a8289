"""What the suite has to know about a downstream task beside its SeqIO registration.

    declare("arc_easy", TaskInfo(category="reasoning", kind=RANKED, chance=0.25))
    info("arc_easy").category

The functions that register tasks (`add_task` of each kind's module) call `declare`. A Task that
somebody wrote for T5X has no entry; its kind follows from its metric_fns.
"""

from dataclasses import dataclass

from code_ablate.errors import unknown_name
from code_ablate.evaluation.sampling import Sampling

RANKED = "rank_classification"
GOLD = "gold_bits_per_byte"
ANSWERS = "exact_match"
PROGRAMS = "pass_at_k"
OPEN_ENDED = "open_ended"

KINDS = {
    RANKED: "the likeliest of several continuations",
    GOLD: "bits per byte of the gold continuation, given the prompt",
    ANSWERS: "a generated short answer, compared with the accepted ones",
    PROGRAMS: "generated code, run in the sandbox against tests",
    OPEN_ENDED: "a generated answer, kept for a judge",
}
"""What a task of each kind measures."""


@dataclass(frozen=True)
class TaskInfo:
    """What the suite and the report say about a task."""

    category: str
    """Group of tasks whose scores are averaged: "reasoning", "world_knowledge", "code", ..."""

    kind: str
    """One of KINDS."""

    chance: float | None = None
    """Expected score of guessing: the mean of 1 / choices. None: not known, or not defined."""

    convention: str = ""
    """Whose prompt and scoring it follows, in a few words, for the table in docs/evaluation.md."""

    sampling: Sampling | None = None
    """How answers are generated, for the kinds that generate."""

    def __post_init__(self):
        if self.kind not in KINDS:
            raise unknown_name("kind of task", self.kind, KINDS)


_INFO: dict[str, TaskInfo] = {}


def declare(name: str, info: TaskInfo) -> None:
    """Records what is known about the Task of this name; a later declaration replaces it."""
    _INFO[name] = info


def forget(name: str) -> None:
    """Takes a declaration back, as seqio.TaskRegistry.remove does with the Task."""
    _INFO.pop(name, None)


def category_of(name: str) -> str:
    """The category that was declared, or "other"."""
    found = info(name)
    return found.category if found else "other"


def info(name: str) -> TaskInfo | None:
    """What was declared; None for a Task that nothing was declared about."""
    return _INFO.get(name)
