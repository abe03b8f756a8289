"""Items that stood in training corpora, before the documents that held them left.

contaminated_items(record, "mmlu")                       # in what any recipe of the study reads
contaminated_items(record, "mmlu", recipe="text_only")   # in what this recipe reads
without_items(scores, {"mmlu": {"...": ...}})            # scores of the other items
"""

import dataclasses
from collections.abc import Collection, Mapping

import numpy as np

from code_ablate.analysis.estimation.scores import Scores, TaskScores
from code_ablate.analysis.results.study_record import StudyRecord


def corpora_read(record: StudyRecord, recipe: str | None = None) -> frozenset[str]:
    """The corpora that the arms of a recipe read; None: those of any recipe."""
    arms = (arm for arm in record.arms if recipe is None or arm.arm.recipe == recipe)
    return frozenset(c for arm in arms for c, use in arm.corpora.items() if use.tokens)


def contaminated_items(
    record: StudyRecord, task: str, recipe: str | None = None
) -> dict[str, tuple[str, ...]]:
    """Items of a task that were found in corpora which the recipe reads, each with these corpora.

    None as the recipe: in corpora which any recipe reads. Empty if nothing was found, or looked for
    (`searched`).
    """
    found: dict[str, list[str]] = {}
    for corpus in sorted(corpora_read(record, recipe) & record.stores.keys()):
        for item in record.stores[corpus].contaminated.get(task, ()):
            found.setdefault(item, []).append(corpus)
    return {item: tuple(corpora) for item, corpora in sorted(found.items())}


def searched(record: StudyRecord, task: str) -> bool:
    """Whether the task's items were looked for in every corpus that is trained on."""
    stores = [record.stores[c] for c in corpora_read(record) if c in record.stores]
    return bool(stores) and all(task in store.searched_tasks for store in stores)


def without_items(scores: Scores, gone: Mapping[str, Collection[str]]) -> Scores:
    """The scores of the tasks in `gone`, over their other items; tasks with none left are out."""
    tables: dict = {}
    for (task, place), table in scores.tables.items():
        kept = np.array([item not in gone.get(task, ()) for item in table.items], bool)
        if task in gone and kept.any():
            tables[task, place] = _chosen(table, kept)
    names = {task for task, _ in tables}
    tasks = {name: task for name, task in scores.tasks.items() if name in names}
    return dataclasses.replace(scores, tasks=tasks, tables=tables)


def _chosen(table: TaskScores, kept: np.ndarray) -> TaskScores:
    items = tuple(item for item, stays in zip(table.items, kept, strict=True) if stays)
    columns = {name: column[kept] for name, column in table.table.items()}
    return dataclasses.replace(table, items=items, table=columns)
