"""Makes estimates and comparisons of the scores of items: paired by item and by seed.

    estimator = Estimator(scores, Settings())
    estimator.level(Place("1.07M", "pretraining"), "code_50", metric)          # Estimate

How variances are made is in `crossed.py`; here it is decided what goes into them.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from code_ablate.analysis.estimation import statistics as st
from code_ablate.analysis.estimation.crossed import (
    CrossedCovariance,
    Noise,
    crossed_covariance,
    margin_p,
)
from code_ablate.analysis.estimation.estimates import (
    Comparison,
    Estimate,
    Metric,
    Settings,
    TaskResult,
)
from code_ablate.analysis.estimation.ratios import ratio_interval
from code_ablate.analysis.estimation.scores import Place, Scores, TaskScores
from code_ablate.errors import UserError

_ROUNDING = 1e-12
"""What differences of equal scores may differ by."""

Seeds = tuple[int, ...]


class Estimator:
    """Estimates with the noise of units and of seeds.

    A unit is an item, or a cluster of items. Tasks that ask the same items in other ways, as MBPP
    in each of its languages, are not independent: what an item adds to all of them is added up
    before its variance is taken. Seeds are joint over all tasks, since it is one model.
    """

    def __init__(self, scores: Scores, settings: Settings):
        self.scores = scores
        self.settings = settings
        self._units: dict[tuple[str, Place, str], _Units] = {}

    def level(self, place: Place, recipe: str, metric: Metric) -> Estimate:
        """A recipe's score on a metric, over all of its seeds."""
        seeds = self.scores.seeds_of(recipe, place)
        noise = self.covariance(place, (recipe,), metric, seeds).along([1.0])
        value, per_seed = self._values(place, recipe, metric, seeds)
        estimate = self._estimate(value, per_seed, noise, metric, place, seeds)
        limits = self._limits(place, metric)
        if limits is None:
            return estimate
        if noise.variance**0.5 <= _ROUNDING:
            # All items have one score, as all right or all wrong: that is no certainty.
            return self._tied(estimate, place, metric, limits)
        if not metric.is_share:
            return estimate
        half = noise.half_width(self.settings.confidence)
        low, high = st.share_interval(value, half, self.settings.confidence)
        return replace(estimate, low=low, high=high)

    def comparison(self, place: Place, recipe: str, metric: Metric) -> Comparison | None:
        """The comparison with the baseline; None if they share no seed."""
        pair = (recipe, self.scores.baseline)
        seeds = self.scores.common_seeds(recipe, place)
        if not seeds:
            return None
        covariance = self.covariance(place, pair, metric, seeds)
        limits = self._limits(place, metric)
        tied = limits is not None and covariance.along([1, -1]).variance ** 0.5 <= _ROUNDING
        if metric.is_share:
            covariance = covariance.with_unseen(self.unseen(place, metric, seeds))
        (x, x_seed), (b, b_seed) = (self._values(place, name, metric, seeds) for name in pair)
        noise = covariance.along([1, -1])
        difference = self._estimate(x - b, x_seed - b_seed, noise, metric, place, seeds)
        if tied and limits is not None:
            most = limits[1] - limits[0]
            difference = self._tied(difference, place, metric, (-most, most))
        gain = None
        ends = ratio_interval(x, b, covariance, self.settings.confidence)
        if ends is not None and (b_seed > 0).all():
            linearised = covariance.along([1 / b, -x / b**2])
            per_seed = (x_seed - b_seed) / b_seed
            gain = self._estimate(x / b - 1, per_seed, linearised, metric, place, seeds)
            gain = replace(gain, low=ends[0] - 1, high=ends[1] - 1)
            if tied:  # over the least that the baseline may be, which errs to the wide side
                least = self.level(place, self.scores.baseline, metric).low or b
                low, high = (end / least for end in (difference.low, difference.high))
                gain = replace(gain, low=min(gain.low, low), high=max(gain.high, high))
        p = self._one_seed_p(place, pair, metric, seeds)
        if p is None:
            p = noise.p(x - b, _ROUNDING)
        margin = self.settings.margin_of(metric)
        p_margin = (
            None
            if margin is None
            else margin_p(x, b, covariance, margin.size, relative=margin.relative)
        )
        return Comparison(
            place,
            recipe,
            metric,
            difference,
            gain,
            base=b,
            p=p,
            p_holm=p,
            margin=margin,
            p_margin=p_margin,
            p_margin_holm=p_margin,
        )

    def by_seed(
        self, place: Place, recipe: str, metric: Metric, seeds: Seeds
    ) -> Float[np.ndarray, " seeds"]:
        """A recipe's score with each of these seeds, without noise or interval."""
        return self._values(place, recipe, metric, seeds)[1]

    def task_result(self, place: Place, recipe: str, task: str) -> TaskResult:
        """A recipe's scores on a task, tested against chance and for collapse."""
        seeds = self.scores.seeds_of(recipe, place)
        scores = self.scores.of(task, place)
        estimates = {}
        for score in _scores_of(scores):
            metric = Metric(task, task, score, ((task,),), score)
            estimates[score] = self.level(place, recipe, metric)
        columns = {name: scores.matrix(name, recipe, seeds) for name in scores.table}
        by_seed = [
            {name: matrix[:, seed] for name, matrix in columns.items()}
            for seed in range(len(seeds))
        ]
        chance = scores.task.chance
        tests = [
            st.guessing_p(arm["correct"], arm["choices"], chance, scores.clusters)
            for arm in by_seed
        ]
        return TaskResult(
            place,
            recipe,
            task,
            estimates,
            chance_p=max((p for p in tests if p is not None), default=None),
            collapses=tuple(found for arm in by_seed if (found := st.collapse_of(arm))),
        )

    def _estimate(
        self,
        value: float,
        per_seed: Float[np.ndarray, " seeds"],
        noise: Noise,
        metric: Metric,
        place: Place,
        seeds: Seeds,
    ) -> Estimate:
        half = noise.half_width(self.settings.confidence)
        items = sum(len(self.scores.of(task, place).items) for task in metric.tasks)
        return Estimate(
            value, value - half, value + half, items, seeds, tuple(per_seed.tolist()), noise
        )

    def covariance(
        self, place: Place, recipes: tuple[str, ...], metric: Metric, seeds: Seeds
    ) -> CrossedCovariance:
        """The noise of the recipes' scores on a metric, with these seeds."""
        return crossed_covariance(self.added(place, recipes, metric, seeds))

    def added(
        self, place: Place, recipes: tuple[str, ...], metric: Metric, seeds: Seeds
    ) -> list[Float[np.ndarray, "units seeds recipes"]]:
        """What every unit adds to each recipe's score with each seed; strata as in `crossed.py`."""
        strata: dict[tuple[str, ...], np.ndarray] = {}
        for task, weight in _weights(metric).items():
            units = self._units_of(task, place, metric.score)
            arms = [self.scores.of(task, place).positions(recipe, seeds) for recipe in recipes]
            added_GSK = weight * np.stack([units.added(columns) for columns in arms], axis=-1)
            strata[units.names] = strata.get(units.names, 0) + added_GSK
        return list(strata.values())

    def unseen(self, place: Place, metric: Metric, seeds: Seeds) -> float:
        """Variance of a share's mean for one more unit of each task, right with one of the seeds
        where it has been with none."""
        return sum(
            (weight / len(self._units_of(task, place, metric.score).names)) ** 2
            for task, weight in _weights(metric).items()
        ) / len(seeds)

    def _values(
        self, place: Place, recipe: str, metric: Metric, seeds: Seeds
    ) -> tuple[float, Float[np.ndarray, " seeds"]]:
        """Score over all seeds, and of each."""
        value, per_seed = 0.0, np.zeros(len(seeds))
        for task, weight in _weights(metric).items():
            units = self._units_of(task, place, metric.score)
            arms = self.scores.of(task, place).positions(recipe, seeds)
            above_S, below_S = units.above[:, arms].sum(axis=0), units.below[:, arms].sum(axis=0)
            value += weight * float(above_S.sum() / below_S.sum())
            per_seed += weight * above_S / below_S
        return value, per_seed

    def _one_seed_p(
        self, place: Place, pair: tuple[str, str], metric: Metric, seeds: Seeds
    ) -> float | None:
        """McNemar's exact p of a pair of single arms; None where items are not right or wrong, or
        are not drawn one by one from one task."""
        scores = self.scores.of(metric.tasks[0], place)
        if len(seeds) > 1 or len(metric.tasks) > 1 or scores.clusters or not metric.is_share:
            return None
        x_I, b_I = (scores.matrix(metric.score, name, seeds)[:, 0] for name in pair)
        if not np.isin([x_I, b_I], (0.0, 1.0)).all():
            return None
        return st.sign_test(int((x_I > b_I).sum()), int((x_I < b_I).sum()))

    def _limits(self, place: Place, metric: Metric) -> tuple[float, float] | None:
        """What scores of items lie between; None for bits, which nothing limits.

        For metrics of the user's own it is 0 and 1, and what any arm had beyond.
        """
        if metric.is_share:
            return 0.0, 1.0
        if metric.lower_is_better:
            return None
        values = [self.scores.of(task, place).column(metric.score) for task in metric.tasks]
        return min(0.0, *map(np.min, values)), max(1.0, *map(np.max, values))

    def _tied(
        self, estimate: Estimate, place: Place, metric: Metric, limits: tuple[float, float]
    ) -> Estimate:
        """With the ends of `tied_interval` of each task, averaged as the tasks are.

        Several seeds answer the same items: they count as one, which errs to the wide side.
        """
        ends = np.zeros(2)
        for task, weight in _weights(metric).items():
            units = len(self._units_of(task, place, metric.score).names)
            tied = st.tied_interval(estimate.value, units, *limits, self.settings.confidence)
            ends += weight * np.array(tied)
        return replace(estimate, low=float(ends[0]), high=float(ends[1]))

    def _units_of(self, task: str, place: Place, score: str) -> "_Units":
        if (task, place, score) not in self._units:
            self._units[task, place, score] = _Units.of(self.scores.of(task, place), score)
        return self._units[task, place, score]


@dataclass(frozen=True)
class _Units:
    """What is summed above and below the line for one score of a task, unit by unit."""

    names: tuple[str, ...]
    """Items, or clusters of items."""
    above: Float[np.ndarray, "units arms"]
    """Sums of correct answers or of bits."""
    below: Float[np.ndarray, "units arms"]
    """Sums of ones or of bytes."""

    @classmethod
    def of(cls, scores: TaskScores, name: str) -> "_Units":
        """Raises UserError if a score is not a number."""
        above = scores.column(name)
        below = scores.column("bytes") if name == "bits" else np.ones_like(above)
        unknown = ~(np.isfinite(above) & np.isfinite(below))
        if unknown.any():
            item, arm = (int(i[0]) for i in np.nonzero(unknown))
            raise UserError(
                f"{scores.task.name!r}, {scores.place}: {name!r} is not a number for item "
                f"{scores.items[item]!r} of arm {scores.arms[arm]} and {int(unknown.sum()) - 1} "
                "more; evaluate again."
            )
        if not scores.clusters:
            return cls(scores.items, above, below)
        names, codes = np.unique(scores.clusters, return_inverse=True)
        sums = np.zeros((2, len(names), above.shape[1]))
        np.add.at(sums[0], codes, above)
        np.add.at(sums[1], codes, below)
        return cls(tuple(map(str, names)), *sums)

    def added(self, arms: list[int]) -> Float[np.ndarray, "units seeds"]:
        """What each unit adds to each seed's deviation from the score over all seeds."""
        above_GS, below_GS = self.above[:, arms], self.below[:, arms]
        score = above_GS.sum() / below_GS.sum()
        return (above_GS - score * below_GS) * len(arms) / below_GS.sum()


def _weights(metric: Metric) -> dict[str, float]:
    """Weight of each task: the plain mean over categories of the plain means over their tasks."""
    weights: dict[str, float] = {}
    for group in metric.groups:
        for task in group:
            weights[task] = weights.get(task, 0.0) + 1 / (len(metric.groups) * len(group))
    return weights


def _scores_of(scores: TaskScores) -> tuple[str, ...]:
    """The columns of the task, without those that no item has."""
    return tuple(c for c in scores.task.columns if not np.isnan(scores.column(c)).all())
