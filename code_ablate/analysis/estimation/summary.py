"""Every number of a report, computed once: levels, paired comparisons, per-task results.

    summary = summarise(load_results("runs/demo"))
    summary.level("pretraining", "code_50", summary.metrics[0])  # Estimate with interval and seeds
    summary.comparison("pretraining", "code_50", summary.metrics[0]).gain

The report, its figures and the terminal table only lay these numbers out. Here it is decided what
is compared with what.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace

from code_ablate.analysis.estimation import statistics as st
from code_ablate.analysis.estimation.bootstrap import Sampler
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
from code_ablate.analysis.results.results import Results


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
    """(stage, recipe, task) -> result, of all tasks but the domains."""
    columns: tuple[CategoryColumn, ...]
    """What the category table shows: the same tasks at every stage, so that these compare."""
    categories: Mapping[tuple[str, str, str], CategoryScore]
    """(stage, recipe, metric key) -> what stands in a cell of it."""

    def level(self, stage: str, recipe: str, metric: Metric) -> Estimate:
        """A recipe's score at a stage."""
        return self.levels[stage, recipe, metric.key]

    def comparison(self, stage: str, recipe: str, metric: Metric) -> Comparison | None:
        """A recipe against the baseline; None for the baseline itself or without common seeds."""
        return self._index.get((stage, recipe, metric.key))

    @functools.cached_property
    def _index(self) -> dict[tuple[str, str, str], Comparison]:
        return {(c.stage, c.recipe, c.metric.key): c for c in self.comparisons}

    def at_chance(self, stage: str, task: str) -> bool:
        """True if the task has a chance level and no recipe beats it in all of its seeds."""
        found = self._on(stage, task)
        return all(r.chance_p is not None and not r.beats_chance() for r in found)

    def all_beat_chance(self, task: str) -> bool:
        """True if every recipe does, in all of its seeds and at every stage, and by more than one
        answer: always "yes" is right for 62 % of BoolQ. The reference study's filter.
        """
        found = [r for stage in self.results.stages for r in self._on(stage, task)]
        return all(result.beats_chance() and not result.degenerate for result in found)

    def _on(self, stage: str, task: str) -> list[TaskResult]:
        return [r for (s, _, t), r in self.task_results.items() if (s, t) == (stage, task)]


def summarise(results: Results, settings: Settings | None = None) -> Summary:
    """Computes levels, comparisons with the baseline, and per-task results for all stages."""
    sampler = Sampler(results, settings or Settings())
    metrics = main_metrics(results)
    levels, comparisons, task_results = {}, [], {}
    for stage in results.stages:
        for recipe in results.recipes_at(stage):
            for metric in metrics:
                levels[stage, recipe, metric.key] = sampler.level(stage, recipe, metric)
                if recipe != results.baseline:
                    comparisons += sampler.comparison(stage, recipe, metric)
            for task in results.downstream:
                result = sampler.task_result(stage, recipe, task.name)
                task_results[stage, recipe, task.name] = result
    adjusted = st.holm([c.p for c in comparisons])
    comparisons = [replace(c, p_holm=float(p)) for c, p in zip(comparisons, adjusted, strict=True)]
    summary = Summary(
        results, sampler.settings, metrics, levels, tuple(comparisons), task_results, (), {}
    )
    return _with_categories(summary, sampler)


def _with_categories(summary: Summary, sampler: Sampler) -> Summary:
    """Adds the category table. It shows the same items again: levels and changes without tests."""
    results, categories = summary.results, {}
    columns = category_columns(results, summary.all_beat_chance)
    shown = [m for column in columns for m in (column.whole, column.kept) if m]
    for stage in results.stages:
        for recipe in results.recipes_at(stage):
            for metric in shown:
                gain = None
                if recipe != results.baseline:
                    compared = sampler.comparison(stage, recipe, metric)
                    gain = compared[0].gain if compared else None
                level = sampler.level(stage, recipe, metric)
                categories[stage, recipe, metric.key] = CategoryScore(level, gain)
    return replace(summary, columns=columns, categories=categories)
