"""What the columns of a report are made of: domains, categories of tasks, and their averages.

    main_metrics(scores)             # one per domain and category, of all tasks
    category_columns(scores, kept)   # the paper's table: categories, language average, total

A category is the plain mean of its tasks. As in the reference study, language is the mean of
reasoning and world knowledge, and the total that of these two and code; and beside each figure of
all tasks stands that of the tasks on which every model beats chance.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from code_ablate.analysis.estimation.estimates import Metric
from code_ablate.analysis.estimation.primary import CANDIDATES
from code_ablate.analysis.estimation.scores import Scores

AVERAGES: Mapping[str, tuple[str, ...]] = {
    "language average": ("reasoning", "world_knowledge"),
    "total": ("reasoning", "world_knowledge", "code"),
}
"""Averages of categories, shown where a study has all of them."""


_FINER = {
    "bits": "gold_bits_per_byte",
    "gold_probability": "gold_probability",
    "correct_per_byte": "accuracy_per_byte",
}
"""Scores that a study may name in the place of accuracy, and the key of their categories."""


@dataclass(frozen=True)
class CategoryColumn:
    """A category, or an average of some."""

    whole: Metric
    """Score of all its tasks."""
    kept: Metric | None
    """Score of its tasks on which every model beats chance; None if a category has none."""


def main_metrics(scores: Scores, named: Mapping[str, str] = {}) -> tuple[Metric, ...]:
    """Domains first, then categories by accuracy or its like, then by gold bits per byte.

    Last come tasks with metrics of their own whose range is another: no mean with others has a
    meaning. `named`: column of the score that counts, by task, where the study names another one
    than the kind's: such tasks leave their category's accuracy for that score.
    """
    other = {
        task: score
        for task, score in named.items()
        if score in _FINER and task in scores.downstream and score != scores.tasks[task].score
    }
    domains = [
        Metric(task, scores.tasks[task].label, scores.title_of([task]), ((task,),), "bits")
        for task in scores.domains
    ]
    shares = [
        _metric(scores, f"accuracy/{name}", _label(name), (kept,))
        for name, tasks in scores.categories.items()
        if (kept := tuple(task for task in tasks if task not in other))
    ]
    by_score: dict[tuple[str, str], list[str]] = {
        ("bits", name): list(tasks) for name, tasks in scores.gold_categories.items()
    }
    for task, score in other.items():
        by_score.setdefault((score, scores.tasks[task].category), []).append(task)
    gold = [
        Metric(
            f"{_FINER[score]}/{name}",
            _label(name),
            CANDIDATES[score] if set(tasks) & set(other) else scores.title_of(tasks),
            (tuple(tasks),),
            score,
        )
        for (score, name), tasks in by_score.items()
    ]
    own = [
        Metric(
            f"metric/{name}",
            name,
            scores.tasks[name].title,
            ((name,),),
            scores.tasks[name].score or "",
        )
        for name in scores.own_metrics
    ]
    return (*domains, *shares, *gold, *own)


def category_columns(scores: Scores, kept: Callable[[str], bool]) -> tuple[CategoryColumn, ...]:
    """Each category and each average. `kept`: whether every model beats chance on a task."""
    categories = scores.categories
    above = {name: tuple(filter(kept, tasks)) for name, tasks in categories.items()}
    named = {**{_label(name): (name,) for name in categories}, **AVERAGES}
    columns = []
    for label, names in named.items():
        if not all(name in categories for name in names):
            continue
        whole = _metric(scores, f"accuracy/{label}", label, [categories[n] for n in names])
        filtered = None
        if all(above[name] for name in names):
            key = f"accuracy_above_chance/{label}"
            filtered = _metric(scores, key, label, [above[n] for n in names])
        columns.append(CategoryColumn(whole, filtered))
    return tuple(columns)


def _metric(scores: Scores, key: str, label: str, groups: Sequence[tuple[str, ...]]) -> Metric:
    chances = [_mean([scores.tasks[task].chance for task in group]) for group in groups]
    name = scores.title_of([task for group in groups for task in group])
    return Metric(key, label, name, tuple(groups), "correct", _mean(chances))


def _label(category: str) -> str:
    return category.replace("_", " ")


def _mean(values: Sequence[float | None]) -> float | None:
    """None if one of them is not known."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None
