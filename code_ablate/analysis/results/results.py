"""The results of a study, loaded and checked: what the report reads.

    results = load_results("runs/demo")
    results.record.arms[0].shares                        # study.json: what was trained
    results.scores.of("arc_easy", results.places[0])     # results.parquet: scores of items

A study writes `study.json` (`StudyRecord`) and `results.parquet` (one row per arm, task and item).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from etils import epath

from code_ablate.analysis.estimation.scores import Place, Scores
from code_ablate.analysis.results.arm import KEYS, Arm
from code_ablate.analysis.results.frozen import FrozenPlan
from code_ablate.analysis.results.item_table import ItemTable
from code_ablate.analysis.results.scored_table import SCORE_COLUMNS, ScoredTable
from code_ablate.analysis.results.study_record import (
    CHECKPOINTS,
    FILE,
    TABLE,
    ArmRecord,
    RecipeRecord,
    SizeRecord,
    StudyRecord,
)
from code_ablate.errors import UserError, unknown_name
from code_ablate.evaluation.kinds import KINDS
from code_ablate.evaluation.kinds.own_metrics import PREFIX

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = (*KEYS, "phase", "task", "category", "kind", "item")


@dataclass(frozen=True)
class Results:
    """A study's results. Made by `load_results`, which checks them."""

    record: StudyRecord
    """study.json."""
    table: ItemTable
    """results.parquet: one row per arm, task and item."""
    checkpoints: ItemTable | None = None
    """checkpoints.parquet: the same of the baseline's earlier checkpoints, with a column tokens;
    None where none were evaluated."""
    frozen: FrozenPlan | None = None
    """What was said before the data; None where nothing was."""

    @cached_property
    def items(self) -> pd.DataFrame:
        """The same table, for those who work with pandas."""
        return self.table.table.to_pandas()

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Sizes and stages that have results, in the order of the record."""
        present = {Place(arm.arm.size, arm.arm.stage) for arm in self.record.arms}
        ordered = (Place(s.name, stage) for s in self.record.sizes for stage in self.record.stages)
        return tuple(place for place in ordered if place in present)

    @property
    def sizes(self) -> tuple[SizeRecord, ...]:
        """Model sizes that have results, in the order of the record."""
        present = {place.size for place in self.places}
        return tuple(size for size in self.record.sizes if size.name in present)

    @property
    def size_pairs(self) -> tuple[tuple[Place, Place], ...]:
        """Each place with that of the largest model at its stage, of more parameters, in order.

        Models are held against each other within what their settings change: "1M, learning rate 2"
        against "4M, learning rate 2" and no other.
        """
        sizes = {size.name: size for size in self.record.sizes}
        changes = {place: sizes[place.size].parts[1:] for place in self.places}
        # The record has the smallest model first, so the last place of a kind is the largest.
        largest = {(place.stage, changes[place]): place for place in self.places}
        pairs = [(place, largest[place.stage, changes[place]]) for place in self.places]
        return tuple(
            (small, large)
            for small, large in pairs
            if sizes[small.size].parameters < sizes[large.size].parameters
        )

    def places_of(self, size: str) -> tuple[Place, ...]:
        """The places of a model size, in the order of the stages."""
        return tuple(place for place in self.places if place.size == size)

    def recipe(self, name: str) -> RecipeRecord:
        """The recipe of this name; UserError with close names if there is none."""
        for recipe in self.record.recipes:
            if recipe.name == name:
                return recipe
        raise unknown_name("recipe", name, [r.name for r in self.record.recipes])

    def recipes_at(self, place: Place) -> tuple[str, ...]:
        """Names of the recipes that have results at a place, in the order of the study."""
        present = {arm.arm.recipe for arm in self.arms_at(place)}
        return tuple(recipe.name for recipe in self.record.recipes if recipe.name in present)

    def arms_at(self, place: Place) -> tuple[ArmRecord, ...]:
        """All arms of a place."""
        return tuple(
            arm for arm in self.record.arms if (arm.arm.size, arm.arm.stage) == _pair(place)
        )

    def arms_of(self, recipe: str, place: Place) -> tuple[ArmRecord, ...]:
        """A recipe's arms at a place, by seed. Raises UserError if it has none."""
        arms = [arm for arm in self.arms_at(place) if arm.arm.recipe == recipe]
        if not arms:
            raise UserError(f"recipe {recipe!r} has no results at {place}.")
        return tuple(sorted(arms, key=lambda arm: arm.arm.seed))

    @property
    def last_arms(self) -> tuple[ArmRecord, ...]:
        """The arm with most tokens of every recipe, size and seed: what each was trained to."""
        last: dict[tuple[str, str, int], ArmRecord] = {}
        for arm in self.record.arms:
            key = (arm.arm.recipe, arm.arm.size, arm.arm.seed)
            if key not in last or arm.tokens > last[key].tokens:
                last[key] = arm
        return tuple(last.values())

    def share(self, recipe: str, place: Place, group: str | None = None) -> float:
        """Realised share of a group of corpora, 0 to 1, mean over seeds; None: of the source."""
        name = self.record.source if group is None else group
        return float(np.mean([arm.shares[name] for arm in self.arms_of(recipe, place)]))

    @cached_property
    def scored(self) -> ScoredTable:
        """The table with what the record says of its tasks."""
        return ScoredTable(self.table, self.record.tasks)

    @cached_property
    def scores(self) -> Scores:
        """The scores of all items as plain arrays, aligned by item.

        Raises UserError if an arm misses an item that another arm of its place has: such arms were
        evaluated on different items, and a comparison of them would not be paired.
        """
        seeds = {
            (place, recipe): tuple(arm.arm.seed for arm in self.arms_of(recipe, place))
            for place in self.places
            for recipe in self.recipes_at(place)
        }
        return self.scored.scores(self.record.baseline, seeds)


def _pair(place: Place) -> tuple[str, str]:
    return place.size, place.stage


def load_results(study_dir: epath.PathLike) -> Results:
    """Reads and checks `study.json` and `results.parquet` in a study's directory.

    Raises UserError if a file is absent, damaged, or not of this study.
    """
    directory = epath.Path(study_dir)
    record = StudyRecord.read(directory / FILE)
    _require_names(record, directory / FILE)
    table = _checked(ItemTable.read(directory / TABLE, record.results_digest, FILE), directory)
    checkpoints = None
    if record.checkpoints_digest:
        checkpoints = ItemTable.read(directory / CHECKPOINTS, record.checkpoints_digest, FILE)
    results = Results(record, table, checkpoints, FrozenPlan.read(directory))
    _require_same_arms(results, directory)
    _require_all_rows(results, directory / TABLE)
    _require_own_metrics(results, directory / TABLE)
    return results


def _checked(table: ItemTable, directory: epath.Path) -> ItemTable:
    """Raises UserError for absent columns, no rows, and rows that are there twice."""
    path, wanted = directory / TABLE, [*_COLUMNS, *SCORE_COLUMNS]
    generating = {name for name, facts in KINDS.items() if facts.generates}
    if "kind" in table and generating & set(table.labels("kind")):
        wanted += ["prediction", "generated_tokens"]
    absent = [name for name in wanted if name not in table]
    if absent:
        raise UserError(f"{path} is not a results table: it lacks column {', '.join(absent)}.")
    if not len(table):
        raise UserError(f"{path} has no rows: no arm has been evaluated yet; run the study again.")
    repeated = table.repeated((*KEYS, "task", "item"))
    if len(repeated):
        row = repeated[0]
        arm = Arm(**{key: table.value(key, row) for key in KEYS})
        raise UserError(
            f"{path} has {len(repeated)} repeated rows, first: {arm}, {table.value('task', row)}, "
            f"item {table.value('item', row)}."
        )
    return table


def _require_names(record: StudyRecord, path: epath.Path) -> None:
    """Every name in the record is one that the record declares."""
    known: dict[str, set[str]] = {
        "recipe": {recipe.name for recipe in record.recipes},
        "model size": {size.name for size in record.sizes},
        "stage": set(record.stages),
        "group of corpora": set(record.groups),
        "phase": set(record.phases),
        "kind of task": set(KINDS),
    }
    used: list[tuple[str, str]] = [
        ("recipe", record.baseline),
        ("group of corpora", record.source),
        *(("kind of task", task.kind) for task in record.tasks.values()),
    ]
    for arm in record.arms:
        used += [("recipe", arm.arm.recipe), ("model size", arm.arm.size)]
        used += [("stage", arm.arm.stage), *(("phase", phase) for phase in arm.phases)]
        if set(arm.shares) != set(record.groups):
            raise UserError(
                f"{path}: {arm.arm}, has shares of {', '.join(arm.shares) or 'no group'}, but the "
                f"study's groups are {', '.join(record.groups)}."
            )
    for kind, name in used:
        if name not in known[kind]:
            raise UserError(f"{path}: {unknown_name(kind, name, known[kind])}")


def _require_same_arms(results: Results, directory: epath.Path) -> None:
    """The two files have the same arms, and the table has no task that the record lacks."""
    listed = {arm.arm for arm in results.record.arms}
    scored = {Arm(*key) for key in results.table.rows_of(KEYS)}
    if listed != scored:
        arm = min(listed ^ scored)
        where = TABLE if arm in scored else FILE
        raise UserError(
            f"{directory}: the two files do not belong together: {arm}, is only in {where}; run "
            "the study again."
        )
    for task in results.table.labels("task"):
        if task not in results.record.tasks:
            raise unknown_name(f"task in {FILE}", task, results.record.tasks)


def _require_all_rows(results: Results, path: epath.Path) -> None:
    """Every arm has a row for each item that the record says was scored."""
    rows = {key: len(of) for key, of in results.table.rows_of((*KEYS, "task")).items()}
    for arm in (record.arm for record in results.record.arms):
        for task in results.record.tasks.values():
            found = rows.get((arm.recipe, arm.size, arm.seed, arm.stage, task.name), 0)
            if found != task.items:
                raise UserError(
                    f"{path}: {arm}, has {found} rows for the {task.items} items of {task.name!r}: "
                    "run the study again; what is evaluated is found, and the table is written "
                    "anew."
                )


def _require_own_metrics(results: Results, path: epath.Path) -> None:
    """Every item has a score by each metric that the record names."""
    scored = results.scored
    for task in results.record.tasks.values():
        for name in task.own_metrics:
            column = PREFIX + name
            if column not in results.table or np.isnan(scored.values(task.name, column)).any():
                raise UserError(
                    f"{path}: items of {task.name!r} have no score by its metric {name!r}: run the "
                    "study again; what is evaluated is found, and the table is written anew."
                )
