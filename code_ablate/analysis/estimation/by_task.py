"""Two arms compared task by task and score by score: of two checkpoints, say.

    for one in compare_by_task(scores, place, "candidate"):
        one.comparison.difference, one.comparison.p, one.p_holm

A study's summary compares means over categories; here every task stands by itself.
"""

from dataclasses import dataclass

import numpy as np

from code_ablate.analysis.estimation import statistics as st
from code_ablate.analysis.estimation.estimates import Comparison, Metric, Settings
from code_ablate.analysis.estimation.estimator import Estimator
from code_ablate.analysis.estimation.scores import Place, ScoredTask, Scores


@dataclass(frozen=True)
class TaskComparison:
    """A recipe against the baseline by one score of one task."""

    task: ScoredTask
    """The task."""
    comparison: Comparison
    """The paired difference, with its interval and p."""
    candidate: float
    """Score of the recipe."""
    counts: bool
    """Whether it is the score that counts in the task."""
    units: int
    """Independent units behind it: items, or the clusters that they are of."""
    p_holm: float | None
    """p after Holm's correction over the scores that count, one for each task; None for the
    others, which say the same again in other ways."""


def compare_by_task(
    scores: Scores, place: Place, recipe: str, settings: Settings | None = None
) -> list[TaskComparison]:
    """Every score of every task, the one that counts first. Tasks without a score are left out."""
    estimator = Estimator(scores, settings or Settings())
    found = []
    for name, task in scores.tasks.items():
        table = scores.of(name, place)
        columns = [c for c in task.columns if not np.isnan(table.column(c)).all()]
        for column in sorted(columns, key=lambda c: c != task.score):
            metric = Metric(f"{name}/{column}", name, column, ((name,),), column)
            comparison = estimator.comparison(place, recipe, metric)
            if comparison is not None:  # both have the seed
                level = estimator.level(place, recipe, metric)
                counts, units = column == task.score, set(table.clusters or table.items)
                found.append((task, comparison, level.value, counts, len(units)))
    adjusted = iter(st.holm([comparison.p for _, comparison, _, counts, _ in found if counts]))
    return [TaskComparison(*one, float(next(adjusted)) if one[3] else None) for one in found]
