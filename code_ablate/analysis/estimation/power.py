"""What a study will be able to find, before it runs: from an earlier study's noise, or a guess.

    detectable_changes(summary.comparisons, seeds=5, family=54)     # a row per metric
    guessed_change(0.01, seeds=5, family=54)                        # 0.021, as a share

The least change that four of five such studies would call different: `Noise.detectable`, with the
seeds that the new study will have.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from code_ablate.analysis.estimation.crossed import FEWEST_SEEDS, Noise
from code_ablate.analysis.estimation.estimates import LEVEL, Comparison, Metric
from code_ablate.errors import UserError

_MANY = 1e9
"""Degrees of freedom of units where they add nothing."""


@dataclass(frozen=True)
class DetectableChange:
    """The least change of a metric that would be found, by the recipes of an earlier study."""

    metric: Metric
    """The metric."""
    relative: bool
    """Whether the changes are shares of the baseline's score; else they are in its own unit."""
    typical: float
    """Median over the recipes and places of the earlier study."""
    largest: float
    """For the recipe with most noise."""
    noisiest: str
    """That recipe."""


def detectable_changes(
    comparisons: Iterable[Comparison], *, seeds: int, family: int
) -> tuple[DetectableChange, ...]:
    """By metric, in the order of the comparisons, which are those of an earlier study.

    `family`: comparisons of the new study, which are corrected for together. The items are those of
    the earlier one. Raises UserError if its recipes have a single seed, or the new study fewer than
    three: it will call nothing different then.
    """
    _require_seeds(seeds)
    by_metric: dict[str, list[Comparison]] = {}
    for comparison in comparisons:
        if comparison.difference.noise.seed_count > 1:
            by_metric.setdefault(comparison.metric.key, []).append(comparison)
    if not by_metric:
        raise UserError(
            "the study that --noise names has no recipe with two seeds or more, so that its noise "
            "between seeds is not known: name another, or state a guess (--noise 0.01)."
        )
    rows = []
    for found in by_metric.values():
        relative = all(c.gain is not None and c.base > 0 for c in found)
        changes = [
            c.difference.noise.with_seeds(seeds).detectable(LEVEL / family)
            / (c.base if relative else 1.0)
            for c in found
        ]
        worst = int(np.argmax(changes))
        median = float(np.median(changes))
        rows.append(
            DetectableChange(found[0].metric, relative, median, changes[worst], found[worst].recipe)
        )
    return tuple(rows)


def guessed_change(deviation: float, *, seeds: int, family: int) -> float:
    """The least change that would be found if a difference of two runs with the same seed has this
    standard deviation; both are shares of the baseline's score, and items add nothing."""
    _require_seeds(seeds)
    if not 0 < deviation < math.inf:
        raise UserError(f"--noise {deviation:g}: a guess of the noise is a number above 0.")
    return Noise(0.0, deviation**2 / seeds, 0.0, _MANY, seeds).detectable(LEVEL / family)


def _require_seeds(seeds: int) -> None:
    if seeds < FEWEST_SEEDS:
        count = "a single seed" if seeds == 1 else f"{seeds} seeds"
        raise UserError(
            f"the study has {count}: with fewer than {FEWEST_SEEDS} nothing will be called "
            "different, however large it is. Give Study.seeds more."
        )
