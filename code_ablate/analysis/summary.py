"""Every number of a report, computed once: levels, paired comparisons, per-task results.

    summary = summarise(load_results("runs/demo"))
    summary.level("pretraining", "code_50", summary.metrics[0])  # Estimate with interval and seeds
    summary.comparison("pretraining", "code_50", summary.metrics[0]).gain

The report, its figures and the terminal table only lay these numbers out. Statistics are in
`statistics.py`; here it is decided what is compared with what.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from code_ablate.analysis import statistics as st
from code_ablate.analysis.results import BITS_PER_BYTE, RANK_CLASSIFICATION, Results, TaskScores
from code_ablate.errors import UserError

_ITEM_SCORES = ("correct", "correct_per_byte", "bits")  # of a rank-classification task


@dataclass(frozen=True)
class Settings:
    """How intervals are made."""

    resamples: int = 10_000
    """Bootstrap replicates. The smallest p is 2 / (resamples + 1), before Holm's correction."""
    seed: int = 0
    """Seed of the resampling, so that a report is reproducible."""
    confidence: float = 0.95
    """Nominal coverage of every interval."""


@dataclass(frozen=True)
class Metric:
    """A column of the main table: bits per byte of one domain, or accuracy of one category."""

    key: str
    """"bits_per_byte/<corpus>" or "accuracy/<category>"."""
    label: str
    """Name for people: the corpus or the category."""
    kind: str
    """"bits_per_byte" or "accuracy"."""
    tasks: tuple[str, ...]
    """The tasks it is the plain mean of; one for a domain."""
    chance: float | None
    """Mean chance level of the tasks, where it is known for all."""

    @property
    def lower_is_better(self) -> bool:
        """True for bits per byte."""
        return self.kind == BITS_PER_BYTE


@dataclass(frozen=True)
class Estimate:
    """A number with what is needed to judge it."""

    value: float
    """The estimate on all items and seeds."""
    low: float
    """Lower end of the interval."""
    high: float
    """Upper end of the interval."""
    items: int
    """Items behind it, over all its tasks."""
    seeds: tuple[int, ...]
    """Seeds behind it."""
    per_seed: tuple[float, ...]
    """The estimate of each seed alone."""

    @property
    def seed_sd(self) -> float | None:
        """Standard deviation over seeds; None with one seed."""
        return st.seed_spread(self.per_seed)


@dataclass(frozen=True)
class Comparison:
    """A recipe against the baseline on one metric at one stage, paired by item and by seed."""

    stage: str
    """Stage of both arms."""
    recipe: str
    """The recipe that is compared with the baseline."""
    metric: Metric
    """What is compared."""
    difference: Estimate
    """Recipe minus baseline."""
    gain: Estimate | None
    """(recipe - baseline) / baseline; None if the baseline may be zero."""
    p: float
    """Two-sided p of "no difference": the larger of the bootstrap's and `seed_test`'s."""
    p_holm: float
    """p after Holm's correction over all comparisons of the study."""

    @property
    def better(self) -> bool:
        """True if the estimate is on the good side of zero."""
        return (self.difference.value < 0) == self.metric.lower_is_better

    def certain(self, level: float = 0.05) -> bool:
        """True if the Holm-adjusted p is under `level`."""
        return self.p_holm < level


@dataclass(frozen=True)
class TaskResult:
    """A recipe on one rank-classification task."""

    stage: str
    """Stage of the arms."""
    recipe: str
    """The recipe."""
    task: str
    """The task."""
    scores: Mapping[str, Estimate]
    """"correct", "correct_per_byte" (accuracies) and "bits" (gold bits per byte)."""
    chance_p: float
    """Exact one-sided p against chance: the largest over the seeds."""
    collapses: tuple[st.Collapse, ...]
    """Each seed's predictions, looked at for collapse onto one answer."""

    @property
    def degenerate(self) -> bool:
        """True if any seed's predictions have collapsed onto one answer."""
        return any(collapse.degenerate for collapse in self.collapses)


@dataclass(frozen=True)
class Summary:
    """All numbers of a study's report."""

    results: Results
    """Where they come from."""
    settings: Settings
    """How the intervals were made."""
    metrics: tuple[Metric, ...]
    """Domains first, then accuracy categories."""
    levels: Mapping[tuple[str, str, str], Estimate]
    """(stage, recipe, metric key) -> score."""
    comparisons: tuple[Comparison, ...]
    """Every recipe against the baseline, where both have results and common seeds."""
    task_results: Mapping[tuple[str, str, str], TaskResult]
    """(stage, recipe, task) -> result."""
    _index: Mapping[tuple[str, str, str], Comparison] = field(repr=False)
    """The comparisons by (stage, recipe, metric key)."""

    def level(self, stage: str, recipe: str, metric: Metric) -> Estimate:
        """A recipe's score at a stage."""
        return self.levels[stage, recipe, metric.key]

    def comparison(self, stage: str, recipe: str, metric: Metric) -> Comparison | None:
        """A recipe against the baseline; None for the baseline itself or without common seeds."""
        return self._index.get((stage, recipe, metric.key))

    def at_chance(self, stage: str, task: str, level: float = 0.05) -> bool:
        """True if no recipe beats chance on a task in all of its seeds."""
        found = [r for (s, _, t), r in self.task_results.items() if (s, t) == (stage, task)]
        return all(result.chance_p >= level for result in found)


def summarise(results: Results, settings: Settings | None = None) -> Summary:
    """Computes levels, comparisons with the baseline, and per-task results for all stages."""
    sampler = _Sampler(results, settings or Settings())
    metrics = _metrics(results)
    levels, comparisons, task_results = {}, [], {}
    for stage in results.stages:
        for recipe in results.recipes_at(stage):
            for metric in metrics:
                levels[stage, recipe, metric.key] = sampler.level(stage, recipe, metric)
                if recipe != results.baseline:
                    comparisons += sampler.comparison(stage, recipe, metric)
            for task in results.tasks.values():
                if task.kind == RANK_CLASSIFICATION:
                    result = sampler.task_result(stage, recipe, task.name)
                    task_results[stage, recipe, task.name] = result
    adjusted = st.holm([c.p for c in comparisons])
    comparisons = [replace(c, p_holm=float(p)) for c, p in zip(comparisons, adjusted, strict=True)]
    index = {(c.stage, c.recipe, c.metric.key): c for c in comparisons}
    return Summary(
        results, sampler.settings, metrics, levels, tuple(comparisons), task_results, index
    )


def _metrics(results: Results) -> tuple[Metric, ...]:
    domains = [
        Metric(name, name.partition("/")[2] or name, BITS_PER_BYTE, (name,), None)
        for name in results.domains
    ]
    categories = []
    for category, tasks in results.categories.items():
        chances = [results.tasks[task].chance for task in tasks]
        known = [chance for chance in chances if chance is not None]
        chance = float(np.mean(known)) if len(known) == len(chances) else None
        categories.append(Metric(f"accuracy/{category}", category, "accuracy", tasks, chance))
    return tuple(domains + categories)


class _Sampler:
    """Draws replicates, once per task and score, with common random numbers.

    Item draws depend on the task's name alone and seed draws on the seeds alone, so all arms,
    stages and scores see the same draws: that is what pairs them.
    """

    def __init__(self, results: Results, settings: Settings):
        self.results = results
        self.settings = settings
        self._scores: dict[tuple[str, str], TaskScores] = {}
        self._replicates: dict[tuple[str, str, str], st.Replicates] = {}
        self._weights: dict[tuple[int, ...], np.ndarray] = {}

    def level(self, stage: str, recipe: str, metric: Metric) -> Estimate:
        seeds = self.results.seeds_of(recipe, stage)
        per_seed = self._per_seed(stage, recipe, metric, seeds)
        draws = self._draws(stage, recipe, metric, seeds)
        return self._estimate(draws, per_seed, metric.tasks, stage, seeds)

    def comparison(self, stage: str, recipe: str, metric: Metric) -> list[Comparison]:
        """The comparison with the baseline, or nothing if they share no seed."""
        base = self.results.baseline
        seeds = self.results.common_seeds(recipe, base, stage)
        if not seeds:
            return []
        x, b = (self._draws(stage, name, metric, seeds) for name in (recipe, base))
        x_seed, b_seed = (self._per_seed(stage, name, metric, seeds) for name in (recipe, base))
        difference = self._estimate(x - b, x_seed - b_seed, metric.tasks, stage, seeds)
        gain = None
        if (b > 0).all() and (b_seed > 0).all():
            gain_draws = st.relative_gain(x, b)
            per_seed = (x_seed - b_seed) / b_seed
            gain = self._estimate(gain_draws, per_seed, metric.tasks, stage, seeds)
        # Both must speak for a difference: with few seeds the bootstrap trusts seeds too much.
        p = float(np.fmax(st.two_sided_p(x - b), self._seed_p(stage, recipe, metric, seeds)))
        return [Comparison(stage, recipe, metric, difference, gain, p, p_holm=p)]

    def _seed_p(self, stage: str, recipe: str, metric: Metric, seeds: tuple[int, ...]) -> float:
        """`seed_test` against the baseline, noise pooled over the recipes with these seeds."""
        names = [
            name
            for name in self.results.recipes_at(stage)
            if set(seeds) <= set(self.results.seeds_of(name, stage))
        ]
        scores_RS = np.stack([self._per_seed(stage, name, metric, seeds) for name in names])
        return st.seed_test(scores_RS, names.index(recipe), names.index(self.results.baseline))

    def task_result(self, stage: str, recipe: str, task: str) -> TaskResult:
        seeds = self.results.seeds_of(recipe, stage)
        scores = self._task_scores(task, stage)
        estimates = {}
        for score in _ITEM_SCORES:
            replicates = self._resampled(task, stage, score)
            arms = scores.positions(recipe, seeds)
            draws = replicates.score(arms, self._seed_weights(seeds))
            per_seed = replicates.per_seed(arms)
            estimates[score] = self._estimate(draws, per_seed, (task,), stage, seeds)
        matrices = [
            scores.matrix(name, recipe, seeds)
            for name in ("correct", "choices", "predicted", "gold")
        ]
        by_seed = [[matrix[:, s] for matrix in matrices] for s in range(len(seeds))]
        return TaskResult(
            stage,
            recipe,
            task,
            estimates,
            chance_p=max(st.chance_p(correct, choices) for correct, choices, _, _ in by_seed),
            collapses=tuple(st.collapse(predicted, gold) for _, _, predicted, gold in by_seed),
        )

    def _estimate(
        self,
        draws: Float[np.ndarray, " replicates"],
        per_seed: Float[np.ndarray, " seeds"],
        tasks: tuple[str, ...],
        stage: str,
        seeds: tuple[int, ...],
    ) -> Estimate:
        low, high = st.percentile_interval(draws, self.settings.confidence)
        items = sum(len(self._task_scores(task, stage).items) for task in tasks)
        return Estimate(float(draws[0]), low, high, items, seeds, tuple(per_seed.tolist()))

    def _draws(
        self, stage: str, recipe: str, metric: Metric, seeds: tuple[int, ...]
    ) -> Float[np.ndarray, " replicates"]:
        score = "bits" if metric.kind == BITS_PER_BYTE else "correct"
        weights = self._seed_weights(seeds)
        return st.category_mean(
            [
                self._resampled(task, stage, score).score(
                    self._task_scores(task, stage).positions(recipe, seeds), weights
                )
                for task in metric.tasks
            ]
        )

    def _per_seed(
        self, stage: str, recipe: str, metric: Metric, seeds: tuple[int, ...]
    ) -> Float[np.ndarray, " seeds"]:
        score = "bits" if metric.kind == BITS_PER_BYTE else "correct"
        return st.category_mean(
            [
                self._resampled(task, stage, score).per_seed(
                    self._task_scores(task, stage).positions(recipe, seeds)
                )
                for task in metric.tasks
            ]
        )

    def _resampled(self, task: str, stage: str, score: str) -> st.Replicates:
        if (task, stage, score) not in self._replicates:
            self._resample(task, stage)
        return self._replicates[task, stage, score]

    def _resample(self, task: str, stage: str) -> None:
        """Replicates of all scores of a task at once: the draws are what takes time."""
        scores = self._task_scores(task, stage)
        names = ("bits",) if scores.task.kind == BITS_PER_BYTE else _ITEM_SCORES
        pairs = [self._sums(scores, name) for name in names]
        generator = np.random.default_rng([self.settings.seed, zlib.crc32(task.encode())])
        together = st.resample_items(
            np.concatenate([numerator for numerator, _ in pairs], axis=1),
            np.concatenate([denominator for _, denominator in pairs], axis=1),
            generator,
            self.settings.resamples,
        )
        arms = len(scores.arms)
        for i, name in enumerate(names):
            self._replicates[task, stage, name] = replace(
                together,
                numerator=together.numerator[:, i * arms : (i + 1) * arms],
                denominator=together.denominator[:, i * arms : (i + 1) * arms],
            )

    def _sums(self, scores: TaskScores, name: str) -> tuple[np.ndarray, np.ndarray]:
        """What is summed above and below the line for a score, each [items, arms]."""
        numerator = scores.column(name)
        denominator = scores.column("bytes") if name == "bits" else np.ones_like(numerator)
        unknown = ~(np.isfinite(numerator) & np.isfinite(denominator))
        if unknown.any():
            item, arm = (int(i[0]) for i in np.nonzero(unknown))
            raise UserError(
                f"{scores.task.name!r}, {scores.stage}: {name!r} is not a number for item "
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

    def _task_scores(self, task: str, stage: str) -> TaskScores:
        if (task, stage) not in self._scores:
            self._scores[task, stage] = self.results.scores(task, stage)
        return self._scores[task, stage]
