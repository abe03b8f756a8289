"""Every number of a report, computed once: levels, paired comparisons, per-task results.

    summary = summarise(load_results("runs/demo").scores)
    place = summary.places[0]                                 # one model size at one stage
    summary.level(place, "code_50", summary.metrics[0])       # Estimate with interval and seeds
    summary.comparison(place, "code_50", summary.metrics[0]).gain

The report, its figures and the terminal table only lay these numbers out. Here it is decided what
is compared with what: every recipe with the baseline, within a model size and a stage.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from code_ablate.analysis.estimation import statistics as st
from code_ablate.analysis.estimation.categories import (
    CategoryColumn,
    category_columns,
    main_metrics,
)
from code_ablate.analysis.estimation.estimates import (
    Comparison,
    Estimate,
    Metric,
    Settings,
    TaskResult,
)
from code_ablate.analysis.estimation.estimator import Estimator
from code_ablate.analysis.estimation.scores import Place, Scores
from code_ablate.errors import unknown_name


@dataclass(frozen=True)
class CategoryScore:
    """A recipe in the category table."""

    level: Estimate
    """Its score."""
    gain: Estimate | None
    """(recipe - baseline) / baseline; None for the baseline, or where that may be zero."""


@dataclass(frozen=True)
class Summary:
    """All numbers of a study's report."""

    scores: Scores
    """Scores of the items that they are made of."""
    settings: Settings
    """How the intervals were made."""
    metrics: tuple[Metric, ...]
    """Domains first, then categories."""
    levels: Mapping[tuple[Place, str, str], Estimate]
    """(place, recipe, metric key) -> score."""
    comparisons: tuple[Comparison, ...]
    """Every recipe against the baseline, where both have results and common seeds."""
    task_results: Mapping[tuple[Place, str, str], TaskResult]
    """(place, recipe, task) -> result, of all tasks but the domains."""
    columns: tuple[CategoryColumn, ...]
    """What the category table shows: the same tasks at every place, so that these compare."""
    categories: Mapping[tuple[Place, str, str], CategoryScore]
    """(place, recipe, metric key) -> what stands in a cell of it."""

    @property
    def places(self) -> tuple[Place, ...]:
        """Sizes and stages that have results, in order."""
        return self.scores.places

    def level(self, place: Place, recipe: str, metric: Metric) -> Estimate:
        """A recipe's score at a place."""
        return self.levels[place, recipe, metric.key]

    def comparison(self, place: Place, recipe: str, metric: Metric) -> Comparison | None:
        """A recipe against the baseline; None for the baseline, and without a seed in common."""
        return self._index.get((place, recipe, metric.key))

    @functools.cached_property
    def _index(self) -> dict[tuple[Place, str, str], Comparison]:
        return {(c.place, c.recipe, c.metric.key): c for c in self.comparisons}

    def at_chance(self, place: Place, task: str) -> bool:
        """True if the task has a chance level and no recipe beats it in all of its seeds."""
        found = self._on(place, task)
        return all(r.chance_p is not None and not r.beats_chance() for r in found)

    def all_beat_chance(self, task: str) -> bool:
        """True if every recipe does, in all of its seeds, at every size and stage, and by more than
        one answer: always "yes" is right for 62 % of BoolQ. The reference study's filter.
        """
        found = [r for place in self.places for r in self._on(place, task)]
        return all(result.beats_chance() and not result.degenerate for result in found)

    def _on(self, place: Place, task: str) -> list[TaskResult]:
        return [r for (s, _, t), r in self.task_results.items() if (s, t) == (place, task)]


def summarise(
    scores: Scores,
    settings: Settings | None = None,
    is_planned: Callable[[str, str], bool] | None = None,
    named: Mapping[str, str] = {},
) -> Summary:
    """Computes levels, comparisons with the baseline, and per-task results at every place.

    `is_planned(recipe, metric key)`: whether hypotheses that were frozen name a comparison; None
    where there are none. Those that are named, and the others, are corrected for apart.
    `named`: column of the score that counts, by task, where the study names one.

    Raises UserError if `settings` have a margin of a metric that the scores do not give.
    """
    estimator = Estimator(scores, settings or Settings())
    metrics = main_metrics(scores, named)
    for key in estimator.settings.margins:
        if key not in {metric.key for metric in metrics}:
            raise unknown_name("metric in Study.margins", key, [metric.key for metric in metrics])
    levels, comparisons, task_results = {}, [], {}
    for place in scores.places:
        for recipe in scores.recipes_at(place):
            for metric in metrics:
                levels[place, recipe, metric.key] = estimator.level(place, recipe, metric)
                if recipe != scores.baseline:
                    compared = estimator.comparison(place, recipe, metric)
                    comparisons += [] if compared is None else [compared]
            for task in scores.downstream:
                task_results[place, recipe, task] = estimator.task_result(place, recipe, task)
    comparisons = _corrected_by_family(comparisons, is_planned)
    summary = Summary(
        scores, estimator.settings, metrics, levels, tuple(comparisons), task_results, (), {}
    )
    return _with_categories(summary, estimator)


def _corrected_by_family(
    comparisons: Sequence[Comparison], is_planned: Callable[[str, str], bool] | None
) -> list[Comparison]:
    """With Holm's correction, over all; or apart over those that are planned and those that are
    not, where there are both. In the order of the comparisons."""
    planned = [is_planned is not None and is_planned(c.recipe, c.metric.key) for c in comparisons]
    if len(set(planned)) < 2:
        return _corrected(comparisons)
    pairs = list(zip(comparisons, planned, strict=True))
    named = iter(_corrected([c for c, is_named in pairs if is_named]))
    others = iter(_corrected([c for c, is_named in pairs if not is_named]))
    return [
        next(named) if is_named else replace(next(others), exploratory=True)
        for _, is_named in pairs
    ]


def _corrected(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """With Holm's correction: of all tests for a difference, and of all for equivalence."""
    adjusted = st.holm([c.p for c in comparisons])
    within = iter(st.holm([c.p_margin for c in comparisons if c.p_margin is not None]))
    return [
        replace(
            c,
            p_holm=float(p),
            p_margin_holm=None if c.p_margin is None else float(next(within)),
            family=len(comparisons),
        )
        for c, p in zip(comparisons, adjusted, strict=True)
    ]


def _with_categories(summary: Summary, estimator: Estimator) -> Summary:
    """Adds the category table. It shows the same items again: levels and changes without tests.

    What is made of the same tasks, as a category and its tasks above chance may be, is made once.
    """
    scores, categories = summary.scores, {}
    columns = category_columns(scores, summary.all_beat_chance)
    shown = [m for column in columns for m in (column.whole, column.kept) if m]
    for place in scores.places:
        for recipe in scores.recipes_at(place):
            known = {
                (metric.groups, metric.score): CategoryScore(
                    summary.level(place, recipe, metric),
                    _gain(summary.comparison(place, recipe, metric)),
                )
                for metric in summary.metrics
            }
            for metric in shown:
                of = metric.groups, metric.score
                if of not in known:
                    compared = None
                    if recipe != scores.baseline:
                        compared = estimator.comparison(place, recipe, metric)
                    level = estimator.level(place, recipe, metric)
                    known[of] = CategoryScore(level, _gain(compared))
                categories[place, recipe, metric.key] = known[of]
    return replace(summary, columns=columns, categories=categories)


def _gain(comparison: Comparison | None) -> Estimate | None:
    return None if comparison is None else comparison.gain
