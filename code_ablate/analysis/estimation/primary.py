"""Which score of a task counts: a rule that is stated before its data are seen.

    chosen = primary_score(task, ratios={"bits": 4.1, "correct": 0.7})
    chosen.score, chosen.why            # "bits", "largest signal-to-noise ratio of ..."

The rule, in order: what the study names; what separated the recipes of an earlier study best;
without one, gold bits per byte where the task has right answers, else the score that counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from code_ablate.analysis.estimation.decisions import LEAST_RATIO
from code_ablate.analysis.estimation.scores import ScoredTask
from code_ablate.errors import UserError

CANDIDATES: Mapping[str, str] = {
    "bits": "gold bits per byte",
    "gold_probability": "probability of the gold",
    "correct_per_byte": "accuracy per byte",
    "correct": "accuracy",
}
"""Scores that may count for a task with right answers, by column: the finer ones first."""

RULE = (
    "the score that the study names for the task; else the one with the largest signal-to-noise "
    f"ratio in the earlier study that was named, if it is at least {LEAST_RATIO:g}; else gold bits "
    "per byte, where the task has right answers; else the score of the task's kind"
)
"""The rule in words, as it is frozen."""


@dataclass(frozen=True)
class PrimaryScore:
    """The score of a task that counts, and by which part of the rule."""

    score: str
    """Column of the score."""
    why: str
    """Part of the rule: "named by the study", "largest ratio in the earlier study" or "by default";
    "as frozen" where it was chosen then."""


def candidates(task: ScoredTask) -> tuple[str, ...]:
    """The columns of a task among which the rule chooses; one alone where it has no others."""
    if task.score is None:
        return ()
    if "bits" not in task.columns or task.domain:
        return (task.score,)
    known = {*task.columns, task.score}
    if "correct_per_byte" in known:  # rank classification: the choices' probabilities are known
        known.add("gold_probability")
    return tuple(name for name in CANDIDATES if name in known)


def primary_score(
    task: ScoredTask, named: Mapping[str, str] = {}, ratios: Mapping[str, float] = {}
) -> PrimaryScore | None:
    """The score that counts; None for a task without one.

    `named`: columns by task, as the study gives them. `ratios`: signal-to-noise ratios of an
    earlier study by column, which must not be the study whose scores are judged. Raises UserError
    for a named score that the task does not have.
    """
    possible = candidates(task)
    if not possible:
        return None
    if task.name in named:
        if named[task.name] not in possible:
            raise UserError(
                f"the primary score of {task.name!r} is named as {named[task.name]!r}; it has "
                f"{', '.join(possible)}."
            )
        return PrimaryScore(named[task.name], "named by the study")
    known = {name: ratios[name] for name in possible if name in ratios}
    best = max(known, key=lambda name: known[name], default="")
    if best and known[best] >= LEAST_RATIO:
        return PrimaryScore(best, "largest ratio in the earlier study")
    return PrimaryScore("bits" if "bits" in possible else possible[-1], "by default")
