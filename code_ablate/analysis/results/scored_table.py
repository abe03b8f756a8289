"""A table of items as the arrays that estimation takes: of a study, or of any two checkpoints.

    scored = ScoredTable(table, record.tasks)
    scored.scores("text_only", {(place, "text_only"): (0, 1), (place, "code_50"): (0, 1)})

The table has a row for each arm, task and item; what counts in a task follows from its kind and
from the metrics of its own that every arm has.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from code_ablate.analysis.estimation.scores import Place, ScoredTask, Scores, TaskScores
from code_ablate.analysis.results.arm import Arm
from code_ablate.analysis.results.item_table import ItemTable
from code_ablate.analysis.results.study_record import TaskRecord
from code_ablate.errors import UserError
from code_ablate.evaluation.kinds import ANSWERS, BITS_PER_BYTE, KINDS
from code_ablate.evaluation.kinds.own_metrics import PREFIX, as_shares, title_of

SCORE_COLUMNS = (
    "correct",
    "correct_per_byte",
    "bits",
    "bytes",
    "gold_probability",
    "margin",
    "choices",
    "gold",
    "predicted",
    "predicted_per_byte",
)
"""Columns of scores that every table has."""


@dataclass(frozen=True)
class ScoredTable:
    """Rows of items, and what is known of their tasks."""

    table: ItemTable
    """A row for each arm, task and item."""
    tasks: Mapping[str, TaskRecord]
    """What was evaluated, by name, in the order of tables."""

    def scores(self, baseline: str, seeds: Mapping[tuple[Place, str], tuple[int, ...]]) -> Scores:
        """The scores of all items, aligned by item. `seeds`: those of each recipe at each place.

        Raises UserError if an arm misses an item that another arm of its place has: such arms were
        evaluated on different items, and a comparison of them would not be paired.
        """
        tasks = {name: self._scored_task(task) for name, task in self.tasks.items()}
        rows = self.table.rows_of(("size", "stage", "task"))
        arms: dict[Place, tuple[tuple[str, int], ...]] = {}
        for (place, recipe), of_recipe in seeds.items():
            arms[place] = (*arms.get(place, ()), *((recipe, seed) for seed in of_recipe))
        none = np.zeros(0, np.int64)
        tables = {
            (name, place): self._task_scores(
                task, place, rows.get((place.size, place.stage, name), none), arms[place]
            )
            for name, task in tasks.items()
            for place in arms
        }
        return Scores(baseline, tasks, seeds, tables)

    def values(self, task: str, column: str) -> Float[np.ndarray, " rows"]:
        """A column of the table, for the rows of a task."""
        return self.table.numbers(column)[self._rows_of(task)]

    def _rows_of(self, task: str) -> Int[np.ndarray, " rows"]:
        """Numbers of the rows of a task."""
        labels = self.table.labels("task")
        code = labels.index(task) if task in labels else len(labels)
        return np.flatnonzero(self.table.codes("task") == code)

    @cached_property
    def _correct(self) -> Float[np.ndarray, " rows"]:
        """The column "correct", with the shares of answers' own metrics in its place.

        They are taken from the metric that counts in all arms: each alone may have had another.
        """
        correct = self.table.numbers("correct").copy()
        for task in self.tasks.values():
            shares = self._shares(task)
            if shares is not None:
                correct[self._rows_of(task.name)] = shares
        return correct

    def _shares(self, task: TaskRecord) -> np.ndarray | None:
        """Scores by a task's own metric, as fractions of 1; None if an arm has other values."""
        if task.kind != ANSWERS or not task.own_metrics:
            return None
        name = task.own_metrics[0]
        return as_shares(name, self.values(task.name, PREFIX + name))

    def _scored_task(self, task: TaskRecord) -> ScoredTask:
        facts = KINDS[task.kind]
        own = tuple(PREFIX + name for name in task.own_metrics)
        score, title, columns = facts.score, facts.title, (*facts.columns, *own)
        if task.kind == ANSWERS and own:
            score = own[0] if self._shares(task) is None else "correct"
            title, columns = title_of(task.own_metrics[0]), (score, *own[1:])
        elif score is not None:
            unknown = np.isnan(self.values(task.name, score))
            # A metric that is no mean over items can look like one on some arm's answers.
            if unknown.any() if task.kind == ANSWERS else unknown.all():
                score = None
        return ScoredTask(
            task.name,
            task.category,
            title,
            score,
            tuple(name for name in columns if name == score or name != facts.score),
            task.chance,
            domain=task.kind == BITS_PER_BYTE,
        )

    def _task_scores(
        self,
        task: ScoredTask,
        place: Place,
        rows: Int[np.ndarray, " group"],
        arms: tuple[tuple[str, int], ...],
    ) -> TaskScores:
        table, record = self.table, self.tasks[task.name]
        items, item_codes = _sorted_items(table, rows)
        recipes, seeds = table.labels("recipe"), table.labels("seed")
        number = np.zeros((len(recipes), len(seeds)), np.int64)
        for i, (recipe, seed) in enumerate(arms):
            number[recipes.index(recipe), seeds.index(seed)] = i
        arm_codes = number[table.codes("recipe")[rows], table.codes("seed")[rows]]
        scored = np.zeros((len(items), len(arms)), dtype=bool)
        scored[item_codes, arm_codes] = True
        for (recipe, seed), count in zip(arms, scored.sum(axis=0), strict=True):
            if count < max(1, len(items)):
                raise UserError(
                    f"{Arm(recipe, place.size, seed, place.stage)}, was scored on {count} of the "
                    f"{len(items)} items of {task.name!r} that other arms were scored on, so it "
                    "cannot be compared with them; evaluate it again with the same suite."
                )
        names = (*SCORE_COLUMNS, *(PREFIX + name for name in record.own_metrics))
        columns = {name: table.numbers(name)[rows] for name in names}
        columns["correct"] = self._correct[rows]
        if KINDS[record.kind].generates:  # lengths of texts, and a number for each different text
            columns["generated_tokens"] = table.numbers("generated_tokens")[rows]
            columns["text"] = _in_order_of_appearance(table.codes("prediction")[rows])
        scores = {}
        for name, values in columns.items():
            scores[name] = np.full(scored.shape, np.nan)
            scores[name][item_codes, arm_codes] = values
        clusters = _clusters(table, rows, item_codes)
        return TaskScores(task, place, tuple(map(str, items)), arms, scores, clusters)


def _clusters(
    table: ItemTable, rows: Int[np.ndarray, " group"], item_codes: Int[np.ndarray, " group"]
) -> tuple[str, ...]:
    """The cluster of each item, in their order; empty where they have none."""
    if "cluster" not in table or not len(rows):
        return ()
    codes = np.full(int(item_codes.max()) + 1, -1)
    codes[item_codes] = table.codes("cluster")[rows]
    if (codes < 0).any():
        return ()
    labels = table.labels("cluster")
    return tuple(labels[code] for code in codes)


def _sorted_items(
    table: ItemTable, rows: Int[np.ndarray, " group"]
) -> tuple[list[str], Int[np.ndarray, " group"]]:
    """The items of these rows by name, and the position of each row's item among them."""
    present, inverse = np.unique(table.codes("item")[rows], return_inverse=True)
    labels = table.labels("item")
    names = [labels[code] for code in present]
    order = sorted(range(len(names)), key=names.__getitem__)
    return [names[i] for i in order], np.argsort(order).astype(np.int64)[inverse]


def _in_order_of_appearance(codes: Int[np.ndarray, " group"]) -> Float[np.ndarray, " group"]:
    """The codes counted from 0, the first one to appear being 0."""
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].astype(np.float64)
