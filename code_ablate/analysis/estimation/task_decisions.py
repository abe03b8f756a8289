"""Signal, noise and decisions of every task, score and place of a study.

    decided = task_decisions(estimator, results.size_pairs)
    decided.signals["arc_easy", "bits", place].ratio.value
    decided.decisions["arc_easy", "bits", "1.07M", "4.2M", "pretraining"].accuracy

Scores are compared over the recipes that a place has, with the seeds that all of them have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from code_ablate.analysis.estimation.decisions import (
    Decision,
    SignalToNoise,
    decide,
    signal_to_noise,
)
from code_ablate.analysis.estimation.estimates import Metric
from code_ablate.analysis.estimation.estimator import Estimator
from code_ablate.analysis.estimation.primary import CANDIDATES, candidates
from code_ablate.analysis.estimation.scores import Place, ScoredTask, Scores


@dataclass(frozen=True)
class TaskDecisions:
    """What the scores of a study can decide."""

    signals: Mapping[tuple[str, str, Place], SignalToNoise]
    """(task, score, place) -> spread over recipes by noise; without places of a single recipe or a
    single seed."""
    decisions: Mapping[tuple[str, str, str, str, str], Decision]
    """(task, score, small size, large size, stage) -> what the small size says of the largest."""

    def ratios(self, task: str, place: Place) -> dict[str, float]:
        """Signal-to-noise ratios of a task's scores at a place, by score."""
        return {
            score: signal.ratio.value
            for (name, score, where), signal in self.signals.items()
            if (name, where) == (task, place)
        }


def task_decisions(
    estimator: Estimator, size_pairs: Sequence[tuple[Place, Place]] = ()
) -> TaskDecisions:
    """Rows of all tasks: every score that might count for a task, at every place.

    `size_pairs`: places of a small model, each with that of the larger one that it decides for, at
    the same stage.
    """
    scores = estimator.scores
    signals: dict[tuple[str, str, Place], SignalToNoise] = {}
    decisions: dict[tuple[str, str, str, str, str], Decision] = {}
    for task in scores.tasks.values():
        for score in candidates(task):
            metric = metric_of(task, score)
            for place in scores.places:
                signal = _signal(estimator, place, metric)
                if signal is not None:
                    signals[task.name, score, place] = signal
            for small, large in size_pairs:
                decision = _decision(estimator, metric, small, large)
                if decision is not None:
                    key = (task.name, score, small.size, large.size, small.stage)
                    decisions[key] = decision
    return TaskDecisions(signals, decisions)


def metric_of(task: ScoredTask, score: str) -> Metric:
    """A single task's score as a metric."""
    title = task.title if score == task.score else CANDIDATES.get(score, task.title)
    return Metric(f"{task.name}/{score}", task.label, title, ((task.name,),), score)


def shared_seeds(scores: Scores, recipes: tuple[str, ...], place: Place) -> tuple[int, ...]:
    """The seeds that all of these recipes have at a place."""
    seeds = [set(scores.seeds_of(recipe, place)) for recipe in recipes]
    return tuple(sorted(set.intersection(*seeds))) if seeds else ()


def _signal(estimator: Estimator, place: Place, metric: Metric) -> SignalToNoise | None:
    recipes = estimator.scores.recipes_at(place)
    seeds = shared_seeds(estimator.scores, recipes, place)
    if len(recipes) < 2 or len(seeds) < 2:
        return None
    scores_RS = np.stack([estimator.by_seed(place, name, metric, seeds) for name in recipes])
    items = len(estimator.scores.of(metric.tasks[0], place).items)
    step = 1 / items if metric.is_share else 0.0
    return signal_to_noise(scores_RS, step, estimator.settings.confidence)


def _decision(estimator: Estimator, metric: Metric, small: Place, large: Place) -> Decision | None:
    recipes = [
        name
        for name in estimator.scores.recipes_at(small)
        if name in estimator.scores.recipes_at(large)
    ]
    small_R, large_R = (_means(estimator, place, metric, recipes) for place in (small, large))
    if len(recipes) < 2 or small_R is None or large_R is None:
        return None
    return decide(
        small_R,
        large_R,
        lower_is_better=metric.lower_is_better,
        confidence=estimator.settings.confidence,
    )


def _means(
    estimator: Estimator, place: Place, metric: Metric, recipes: list[str]
) -> Float[np.ndarray, " recipes"] | None:
    """Mean scores over the seeds that all of them have; None if they share none."""
    seeds = shared_seeds(estimator.scores, tuple(recipes), place)
    if not seeds:
        return None
    return np.array([estimator.by_seed(place, name, metric, seeds).mean() for name in recipes])
