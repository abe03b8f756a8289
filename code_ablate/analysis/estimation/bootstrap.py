"""Draws bootstrap replicates and makes estimates of them: paired by item and by seed.

    sampler = Sampler(scores, Settings())
    sampler.level(Place("1.07M", "pretraining"), "code_50", metric)          # Estimate

Statistics are in `statistics.py`; here it is decided what is drawn together.
"""

import zlib
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from code_ablate.analysis.estimation import statistics as st
from code_ablate.analysis.estimation.estimates import (
    Comparison,
    Estimate,
    Metric,
    Settings,
    TaskResult,
)
from code_ablate.analysis.estimation.scores import Place, Scores, TaskScores
from code_ablate.errors import UserError

_ROUNDING = 1e-12
"""What differences of equal scores may differ by."""


class Sampler:
    """Draws replicates, once per task and score, with common random numbers.

    Item draws depend on the ids of a task's items alone and seed draws on the seeds alone, so all
    arms, places and scores see the same draws: that is what pairs them. So do tasks that ask the
    same items in other ways, as MBPP in each of its languages: they are not independent, and the
    interval of their mean must not be made as if they were.
    """

    def __init__(self, scores: Scores, settings: Settings):
        self.scores = scores
        self.settings = settings
        self._replicates: dict[tuple[str, Place, str], st.Replicates] = {}
        self._weights: dict[tuple[int, ...], np.ndarray] = {}

    def level(self, place: Place, recipe: str, metric: Metric) -> Estimate:
        """A recipe's score on a metric, over all of its seeds."""
        seeds = self.scores.seeds_of(recipe, place)
        per_seed = self._per_seed(place, recipe, metric, seeds)
        draws = self._draws(place, recipe, metric, seeds)
        estimate = self._estimate(draws, per_seed, metric.tasks, place, seeds)
        limits = self._limits(place, metric)
        if np.ptp(draws) > _ROUNDING or limits is None:
            return estimate
        # All items have one score, as all right or all wrong, and no draw differs: no certainty.
        return self._tied(estimate, place, metric, limits)

    def comparison(self, place: Place, recipe: str, metric: Metric) -> list[Comparison]:
        """The comparison with the baseline, or nothing if they share no seed."""
        base = self.scores.baseline
        seeds = self.scores.common_seeds(recipe, place)
        if not seeds:
            return []
        x, b = (self._draws(place, name, metric, seeds) for name in (recipe, base))
        x_seed, b_seed = (self._per_seed(place, name, metric, seeds) for name in (recipe, base))
        difference = self._estimate(x - b, x_seed - b_seed, metric.tasks, place, seeds)
        limits = self._limits(place, metric)
        tied = bool(np.ptp(x - b) <= _ROUNDING) and limits is not None
        if tied and limits is not None:
            most = limits[1] - limits[0]
            difference = self._tied(difference, place, metric, (-most, most))
        gain = None
        if (b > 0).all() and (b_seed > 0).all():
            gain_draws = st.relative_gain(x, b)
            per_seed = (x_seed - b_seed) / b_seed
            gain = self._estimate(gain_draws, per_seed, metric.tasks, place, seeds)
            if tied:  # over the least that the baseline may be, which errs to the wide side
                least = self.level(place, base, metric).low or float(b.min())
                low, high = (end / least for end in (difference.low, difference.high))
                gain = replace(gain, low=min(gain.low, low), high=max(gain.high, high))
        # Both must speak for a difference: with few seeds the bootstrap trusts seeds too much.
        p = float(np.fmax(st.two_sided_p(x - b), self._seed_p(place, recipe, metric, seeds)))
        return [Comparison(place, recipe, metric, difference, gain, p, p_holm=p)]

    def _seed_p(self, place: Place, recipe: str, metric: Metric, seeds: tuple[int, ...]) -> float:
        """`seed_test` against the baseline, noise pooled over the recipes with these seeds."""
        names = [
            name
            for name in self.scores.recipes_at(place)
            if set(seeds) <= set(self.scores.seeds_of(name, place))
        ]
        scores_RS = np.stack([self._per_seed(place, name, metric, seeds) for name in names])
        return st.seed_test(scores_RS, names.index(recipe), names.index(self.scores.baseline))

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
        tests = [st.guessing_p(arm["correct"], arm["choices"], chance) for arm in by_seed]
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
        draws: Float[np.ndarray, " replicates"],
        per_seed: Float[np.ndarray, " seeds"],
        tasks: tuple[str, ...],
        place: Place,
        seeds: tuple[int, ...],
    ) -> Estimate:
        low, high = st.percentile_interval(draws, self.settings.confidence)
        items = sum(len(self.scores.of(task, place).items) for task in tasks)
        return Estimate(float(draws[0]), low, high, items, seeds, tuple(per_seed.tolist()))

    def _draws(
        self, place: Place, recipe: str, metric: Metric, seeds: tuple[int, ...]
    ) -> Float[np.ndarray, " replicates"]:
        weights = self._seed_weights(seeds)

        def of(task: str) -> Float[np.ndarray, " replicates"]:
            arms = self.scores.of(task, place).positions(recipe, seeds)
            return self._resampled(task, place, metric.score).score(arms, weights)

        return _mean_of_means([[of(task) for task in group] for group in metric.groups])

    def _per_seed(
        self, place: Place, recipe: str, metric: Metric, seeds: tuple[int, ...]
    ) -> Float[np.ndarray, " seeds"]:
        def of(task: str) -> Float[np.ndarray, " seeds"]:
            arms = self.scores.of(task, place).positions(recipe, seeds)
            return self._resampled(task, place, metric.score).per_seed(arms)

        return _mean_of_means([[of(task) for task in group] for group in metric.groups])

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

        def of(task: str) -> Float[np.ndarray, "2"]:
            items, confidence = len(self.scores.of(task, place).items), self.settings.confidence
            return np.array(st.tied_interval(estimate.value, items, *limits, confidence))

        low, high = _mean_of_means([[of(task) for task in group] for group in metric.groups])
        return replace(estimate, low=float(low), high=float(high))

    def _resampled(self, task: str, place: Place, score: str) -> st.Replicates:
        if (task, place, score) not in self._replicates:
            self._resample(task, place)
        return self._replicates[task, place, score]

    def _resample(self, task: str, place: Place) -> None:
        """Replicates of all scores of a task at once: the draws are what takes time.

        And at all places where it has the same items, for which the draws are the same.
        """
        items = self.scores.of(task, place).items
        tables = [self.scores.of(task, other) for other in self.scores.places]
        wanted = [(of, name) for of in tables if of.items == items for name in _scores_of(of)]
        columns = _Columns()
        pairs = [[columns.add(side) for side in self._sums(*each)] for each in wanted]
        generator = np.random.default_rng(
            [self.settings.seed, zlib.crc32("\n".join(items).encode())]
        )
        sums = st.resample_items(columns.matrix, generator, self.settings.resamples)
        for (of, name), (above, below) in zip(wanted, pairs, strict=True):
            replicates = st.Replicates(sums, above, below, len(items))
            self._replicates[task, of.place, name] = replicates

    def _sums(self, scores: TaskScores, name: str) -> tuple[np.ndarray, np.ndarray]:
        """What is summed above and below the line for a score, each [items, arms]."""
        numerator = scores.column(name)
        denominator = scores.column("bytes") if name == "bits" else np.ones_like(numerator)
        unknown = ~(np.isfinite(numerator) & np.isfinite(denominator))
        if unknown.any():
            item, arm = (int(i[0]) for i in np.nonzero(unknown))
            raise UserError(
                f"{scores.task.name!r}, {scores.place}: {name!r} is not a number for item "
                f"{scores.items[item]!r} of arm {scores.arms[arm]} and {int(unknown.sum()) - 1} "
                "more; evaluate again."
            )
        return numerator, denominator

    def _seed_weights(self, seeds: tuple[int, ...]) -> Float[np.ndarray, "replicates seeds"]:
        if seeds not in self._weights:
            # crc32, not the numbers themselves: seeds may be negative or large.
            generator = np.random.default_rng(
                [self.settings.seed, zlib.crc32(repr(seeds).encode())]
            )
            self._weights[seeds] = st.resample_seeds(len(seeds), generator, self.settings.resamples)
        return self._weights[seeds]


class _Columns:
    """Columns of item scores to be resampled together, each different one once."""

    def __init__(self):
        self._columns: list[np.ndarray] = []
        self._numbers: dict[bytes, int] = {}

    def add(self, scores_IA: Float[np.ndarray, "items arms"]) -> tuple[int, ...]:
        """The number of the column of each arm."""
        return tuple(self._number(np.ascontiguousarray(column)) for column in scores_IA.T)

    def _number(self, column: Float[np.ndarray, " items"]) -> int:
        key = column.tobytes()
        if key not in self._numbers:
            self._numbers[key] = len(self._columns)
            self._columns.append(column)
        return self._numbers[key]

    @property
    def matrix(self) -> Float[np.ndarray, "items columns"]:
        return np.stack(self._columns, axis=1)


def _mean_of_means(groups: list[list[np.ndarray]]) -> np.ndarray:
    """The plain mean over categories of the plain means over their tasks, element by element."""
    return st.category_mean([st.category_mean(group) for group in groups])


def _scores_of(scores: TaskScores) -> tuple[str, ...]:
    """The columns of the task, without those that no item has."""
    return tuple(c for c in scores.task.columns if not np.isnan(scores.column(c)).all())
