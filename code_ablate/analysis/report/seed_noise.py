"""Which part of a seed makes the noise, for every metric of a study whose seeds are crossed.

for row in report.seed_noise:
    row.metric.label, row.recipe, row.parts.order          # variance of the change of one run
"""

from dataclasses import dataclass

from code_ablate.analysis.estimation.estimates import Metric
from code_ablate.analysis.estimation.estimator import Estimator
from code_ablate.analysis.estimation.seed_components import SeedComponents, seed_components
from code_ablate.analysis.estimation.summary import Summary
from code_ablate.analysis.results.results import Results
from code_ablate.analysis.results.seed_grid import SeedGrid, seed_grids


@dataclass(frozen=True)
class SeedNoise:
    """The components of one recipe's noise on one metric."""

    grid: SeedGrid
    """The runs."""
    metric: Metric
    """What is measured."""
    recipe: str
    """The recipe."""
    is_change: bool
    """Whether they are those of the difference to the baseline, paired by run and by item; else
    those of the score itself."""
    parts: SeedComponents
    """Variances, in the square of the metric's unit."""


def make_seed_noise(results: Results, summary: Summary) -> tuple[SeedNoise, ...]:
    """Noise of what `summary` compares, grid by grid: changes by metric and recipe, then scores.

    Empty where nothing is crossed.
    """
    rows = []
    for grid in seed_grids(results):
        scores, place = grid.scores, grid.place
        recipes, baseline = scores.recipes_at(place), scores.baseline
        others = [recipe for recipe in recipes if recipe != baseline]
        estimator = Estimator(scores, summary.settings)
        for is_change, names in ((True, others), (False, recipes)):
            for metric in summary.metrics:
                for name in names:
                    pair = (name, baseline) if is_change else (name,)
                    parts = _components(estimator, grid, pair, metric)
                    rows.append(SeedNoise(grid, metric, name, is_change, parts))
    return tuple(rows)


def _components(
    estimator: Estimator, grid: SeedGrid, recipes: tuple[str, ...], metric: Metric
) -> SeedComponents:
    """Components of the first recipe's score, less the second's if there is one."""
    shape = len(grid.initialisations), len(grid.orders)
    runs = tuple(range(shape[0] * shape[1]))
    strata = estimator.added(grid.place, recipes, metric, runs)
    contrasts = [c_GSK[..., 0] - (c_GSK[..., 1] if len(recipes) > 1 else 0.0) for c_GSK in strata]
    by_pair = [c_GS.reshape(len(c_GS), *shape) for c_GS in contrasts]
    return seed_components(by_pair, estimator.settings.confidence)
