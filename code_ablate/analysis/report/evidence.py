"""What the scores of a study can decide: made once, laid out by tables and by the terminal.

evidence = make_evidence(results, summary)
evidence.signal("arc_easy", place).decides          # of the score that counts
evidence.multipliers[place, "code_50", "accuracy/reasoning"].value
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from code_ablate.analysis.estimation.decisions import (
    Decision,
    SignalToNoise,
    checkpoint_noise,
)
from code_ablate.analysis.estimation.estimator import Estimator
from code_ablate.analysis.estimation.multiplier import Multiplier, compute_multiplier
from code_ablate.analysis.estimation.primary import PrimaryScore, primary_score
from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.estimation.summary import Summary
from code_ablate.analysis.estimation.task_decisions import (
    TaskDecisions,
    metric_of,
    task_decisions,
)
from code_ablate.analysis.results.curves import Curves, curves_of
from code_ablate.analysis.results.frozen import FrozenPlan
from code_ablate.analysis.results.results import Results


@dataclass(frozen=True)
class Evidence:
    """Signal, noise, decisions, compute multipliers, and what was said beforehand."""

    decided: TaskDecisions
    """Signal, noise and decisions of every score."""
    primary: Mapping[str, PrimaryScore]
    """The score that counts, by task; without tasks that have none."""
    multipliers: Mapping[tuple[Place, str, str], Multiplier]
    """(place, recipe, metric key) -> compute multiplier, where the baseline has a curve."""
    has_curves: bool
    """Whether earlier checkpoints of the baseline were evaluated."""
    checkpoint_noise: Mapping[tuple[str, Place], float]
    """(task, place) -> s.d. of the baseline's score over its checkpoints, about their trend."""
    frozen: FrozenPlan | None
    """What was frozen; None where nothing was."""

    def signal(self, task: str, place: Place) -> SignalToNoise | None:
        """Signal-to-noise of the score that counts; None where it cannot be told."""
        return self.decided.signals.get((task, self.primary[task].score, place))

    def decides(self, task: str, place: Place) -> bool:
        """Whether the score that counts is known to tell recipes apart at a place."""
        signal = self.signal(task, place)
        return signal is not None and signal.decides

    def decisions(self, task: str) -> dict[tuple[str, str, str], Decision]:
        """(small size, large size, stage) -> decision by the score that counts."""
        score = self.primary[task].score
        return {
            (small, large, stage): decision
            for (name, column, small, large, stage), decision in self.decided.decisions.items()
            if (name, column) == (task, score)
        }


def make_evidence(results: Results, summary: Summary) -> Evidence:
    """Raises UserError if the study names a score that a task does not have."""
    scores = summary.scores
    frozen = results.frozen.primary_scores if results.frozen else {}
    named = {**results.record.primary_scores, **frozen}
    primary = {
        name: replace(chosen, why="as frozen") if name in frozen else chosen
        for name, task in scores.tasks.items()
        if (chosen := primary_score(task, named)) is not None
    }
    curves = curves_of(results)
    decided = task_decisions(Estimator(scores, summary.settings), results.size_pairs)
    return Evidence(
        decided,
        primary,
        {} if curves is None else _multipliers(curves, summary),
        curves is not None,
        {} if curves is None else _checkpoint_noise(curves, summary, primary),
        results.frozen,
    )


def _multipliers(curves: Curves, summary: Summary) -> dict[tuple[Place, str, str], Multiplier]:
    estimator = Estimator(curves.scores, summary.settings)
    found = {}
    for comparison in summary.comparisons:
        place, recipe, metric = comparison.place, comparison.recipe, comparison.metric
        if place in curves.at:
            multiplier = compute_multiplier(estimator, place, recipe, metric, curves.at[place])
            if multiplier is not None:
                found[place, recipe, metric.key] = multiplier
    return found


def _checkpoint_noise(
    curves: Curves, summary: Summary, primary: Mapping[str, PrimaryScore]
) -> dict[tuple[str, Place], float]:
    estimator = Estimator(curves.scores, summary.settings)
    baseline, found = curves.scores.baseline, {}
    for place, curve in curves.at.items():
        seeds = curves.scores.seeds_of(baseline, place)
        for task, chosen in primary.items():
            metric = metric_of(summary.scores.tasks[task], chosen.score)
            scores_SC = np.stack(
                [
                    estimator.by_seed(place, name, metric, seeds)
                    for name in (*curve.names, baseline)
                ],
                axis=1,
            )
            noise = checkpoint_noise(scores_SC, np.array(curve.tokens))
            if noise is not None:
                found[task, place] = noise
    return found
