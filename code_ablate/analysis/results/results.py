"""The results of a study, loaded and checked: what the analysis reads.

    results = load_results("runs/demo")
    scores = results.scores("arc_easy", "pretraining")
    correct_IA = scores.column("correct")  # items x arms, one row per item for all arms

A study writes `study.json` (what was run) and `results.parquet` (one row per arm, task and item).
An arm is a recipe with a seed; a stage is "pretraining" or "cooldown". All arms of a task and
stage must have been scored on the same items, because every comparison is paired.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from etils import epath
from jaxtyping import Float

from code_ablate.analysis.results.study_record import (
    Arm,
    RecipeInfo,
    TaskInfo,
    build_arms,
    build_recipes,
    build_tasks,
    read_study,
)
from code_ablate.errors import UserError, unknown_name
from code_ablate.evaluation.kinds import BITS_PER_BYTE, KINDS, shared_title

STAGES = ("pretraining", "cooldown")
STAGE_TITLES = {"pretraining": "after pre-training", "cooldown": "after cooldown"}

_KEY_COLUMNS = ("recipe", "seed", "stage", "phase", "task", "category", "kind", "item")
_SCORE_COLUMNS = (
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


@dataclass(frozen=True)
class TaskScores:
    """All arms' item scores of one task at one stage: rows are the same items for every arm."""

    task: TaskInfo
    """The task."""
    stage: str
    """The stage."""
    items: tuple[str, ...]
    """Item names, sorted."""
    arms: tuple[tuple[str, int], ...]
    """(recipe, seed) of each column."""
    table: Mapping[str, np.ndarray]
    """Score column name -> array [items, arms]."""

    def column(self, name: str) -> Float[np.ndarray, "items arms"]:
        """One score for all items and arms; NaN where the score does not apply."""
        if name not in self.table:
            raise unknown_name("score", name, self.table)
        return self.table[name]

    def matrix(self, name: str, recipe: str, seeds: Sequence[int]) -> Float[np.ndarray, "items s"]:
        """One recipe's scores, items x seeds, in the order of `seeds`."""
        return self.column(name)[:, self.positions(recipe, seeds)]

    def positions(self, recipe: str, seeds: Sequence[int]) -> list[int]:
        """Column numbers of a recipe's arms, in the order of `seeds`."""
        index = {arm: i for i, arm in enumerate(self.arms)}
        for seed in seeds:
            if (recipe, seed) not in index:
                raise UserError(
                    f"no {self.stage} results of recipe {recipe!r} with seed {seed} on "
                    f"{self.task.name!r}."
                )
        return [index[recipe, seed] for seed in seeds]


@dataclass(frozen=True)
class Results:
    """A study's results. Made by `load_results`, which checks them."""

    study: Mapping[str, Any]
    """study.json as it stands."""
    items: pd.DataFrame
    """results.parquet: one row per arm, task and item."""
    recipes: tuple[RecipeInfo, ...]
    """Recipes in the order of the study."""
    arms: tuple[Arm, ...]
    """Arms that were trained and evaluated."""
    tasks: Mapping[str, TaskInfo]
    """Tasks by name, in the order of the study."""

    @property
    def baseline(self) -> str:
        """The recipe that the others are compared with."""
        return self.study["baseline"]

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that have results, in order."""
        present = {arm.stage for arm in self.arms}
        return tuple(stage for stage in STAGES if stage in present)

    @property
    def categories(self) -> dict[str, tuple[str, ...]]:
        """Categories and those of their tasks whose items are right or wrong, in study order."""
        return self._by_category("correct")

    @property
    def gold_categories(self) -> dict[str, tuple[str, ...]]:
        """Categories and those of their tasks that are scored by gold bits per byte."""
        return self._by_category("bits")

    def _by_category(self, score: str) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for task in self.downstream:
            if task.score == score:
                found.setdefault(task.category, []).append(task.name)
        return {name: tuple(tasks) for name, tasks in found.items()}

    @property
    def downstream(self) -> tuple[TaskInfo, ...]:
        """All tasks but the domains, in the order of the study."""
        return tuple(task for task in self.tasks.values() if task.kind != BITS_PER_BYTE)

    def name_of(self, tasks: Sequence[str]) -> str:
        """What the score of these tasks is called: "accuracy", "exact match", ..."""
        return shared_title(self.tasks[task].kind for task in tasks)

    @property
    def domains(self) -> tuple[str, ...]:
        """Names of the bits-per-byte tasks."""
        return tuple(t.name for t in self.tasks.values() if t.kind == BITS_PER_BYTE)

    def recipe(self, name: str) -> RecipeInfo:
        """The recipe of this name; UserError with close names if there is none."""
        for recipe in self.recipes:
            if recipe.name == name:
                return recipe
        raise unknown_name("recipe", name, [r.name for r in self.recipes])

    def recipes_at(self, stage: str) -> tuple[str, ...]:
        """Names of the recipes that have results at a stage, in the order of the study."""
        present = {arm.recipe for arm in self.arms if arm.stage == stage}
        return tuple(recipe.name for recipe in self.recipes if recipe.name in present)

    def arms_of(self, recipe: str, stage: str) -> tuple[Arm, ...]:
        """A recipe's arms at a stage, by seed."""
        found = [arm for arm in self.arms if (arm.recipe, arm.stage) == (recipe, stage)]
        return tuple(sorted(found, key=lambda arm: arm.seed))

    def seeds_of(self, recipe: str, stage: str) -> tuple[int, ...]:
        """The seeds that a recipe has at a stage, sorted."""
        return tuple(arm.seed for arm in self.arms_of(recipe, stage))

    def common_seeds(self, first: str, second: str, stage: str) -> tuple[int, ...]:
        """Seeds that two recipes share: a comparison uses only these."""
        shared = set(self.seeds_of(first, stage)) & set(self.seeds_of(second, stage))
        return tuple(sorted(shared))

    def code_share(self, recipe: str, stage: str = "pretraining") -> float:
        """Realised share of code of a recipe, mean over its seeds."""
        arms = self.arms_of(recipe, stage)
        if not arms:
            raise UserError(f"recipe {recipe!r} has no arm at stage {stage!r}.")
        return float(np.mean([arm.code_share for arm in arms]))

    def scores(self, task: str, stage: str) -> TaskScores:
        """Item scores of all arms of a task and stage, aligned by item.

        Raises UserError if an arm misses an item that another arm has: such arms were evaluated
        on different items and a comparison of them would not be paired.
        """
        if task not in self.tasks:
            raise unknown_name("task", task, self.tasks)
        rows = self.items[(self.items["task"] == task) & (self.items["stage"] == stage)]
        arms = tuple(
            (arm.recipe, arm.seed)
            for recipe in self.recipes
            for arm in self.arms_of(recipe.name, stage)
        )
        item_codes, items = pd.factorize(rows["item"], sort=True)
        number = {arm: i for i, arm in enumerate(arms)}
        arm_codes = [number[arm] for arm in zip(rows["recipe"], rows["seed"], strict=True)]
        scored = np.zeros((len(items), len(arms)), dtype=bool)
        scored[item_codes, arm_codes] = True
        for (recipe_name, seed), have in zip(arms, scored.sum(axis=0), strict=True):
            if have < max(1, len(items)):
                raise UserError(
                    f"arm {recipe_name} (seed {seed}, {stage}) was scored on {have} of the "
                    f"{len(items)} items of {task!r} that other arms were scored on, so it cannot "
                    "be compared with them; evaluate it again with the same suite."
                )
        table = {}
        for name in _SCORE_COLUMNS:
            array = np.full(scored.shape, np.nan)
            array[item_codes, arm_codes] = rows[name].to_numpy(dtype=np.float64)
            table[name] = array
        if KINDS[self.tasks[task].kind].generates:
            table |= _generated(rows, item_codes, arm_codes, scored.shape)
        return TaskScores(self.tasks[task], stage, tuple(map(str, items)), arms, table)


def _generated(rows: pd.DataFrame, item_codes, arm_codes, shape) -> dict[str, np.ndarray]:
    """Lengths of generated texts, and a number for each different text."""
    texts = pd.factorize(rows["prediction"])[0].astype(np.float64)
    values = {"generated_tokens": rows["generated_tokens"].to_numpy(np.float64), "text": texts}
    table = {name: np.full(shape, np.nan) for name in values}
    for name, array in table.items():
        array[item_codes, arm_codes] = values[name]
    return table


def load_results(study_dir: epath.PathLike) -> Results:
    """Reads and checks `study.json` and `results.parquet` in a study's directory.

    Raises UserError if a file is absent, unreadable, or not the results of a study.
    """
    directory = epath.Path(study_dir)
    path = directory / "study.json"
    study = read_study(path)
    items = _read_items(directory / "results.parquet")
    recipes, arms = build_recipes(study, path), build_arms(study, path)
    tasks = build_tasks(study, items, path)
    results = Results(study, items, recipes, arms, tasks)
    _check(results, directory)
    return results


def _read_items(path: epath.Path) -> pd.DataFrame:
    if not path.exists():
        raise UserError(f"{path} does not exist: the study has not been evaluated; run it again.")
    try:
        items = pd.read_parquet(io.BytesIO(path.read_bytes()))
    except (OSError, ValueError) as error:  # pyarrow's errors derive from these
        raise UserError(f"{path} is not a readable Parquet file ({error}).") from error
    wanted = [*_KEY_COLUMNS, *_SCORE_COLUMNS]
    if "kind" in items.columns and any(KINDS[kind].generates for kind in items["kind"].unique()):
        wanted += ["prediction", "generated_tokens"]
    absent = [name for name in wanted if name not in items.columns]
    if absent:
        raise UserError(f"{path} is not a results table: it lacks column {', '.join(absent)}.")
    if items.empty:
        raise UserError(f"{path} has no rows: no arm has been evaluated yet; run the study again.")
    repeated = items.duplicated(["recipe", "seed", "stage", "task", "item"])
    if repeated.any():
        row = items[repeated].iloc[0]
        raise UserError(
            f"{path} has {int(repeated.sum())} repeated rows, first: {row['recipe']} seed "
            f"{row['seed']} {row['stage']} {row['task']} item {row['item']}."
        )
    return items


def _check(results: Results, directory: epath.Path) -> None:
    """Cross-checks the two files; each failure is one message."""
    results.recipe(results.baseline)
    for arm in results.arms:
        results.recipe(arm.recipe)
        if arm.stage not in STAGES:
            raise unknown_name("stage", arm.stage, STAGES)
    listed = {(arm.recipe, arm.seed, arm.stage) for arm in results.arms}
    keys = results.items[["recipe", "seed", "stage"]].drop_duplicates()
    scored = set(keys.itertuples(index=False, name=None))
    if listed != scored:
        recipe, seed, stage = sorted(listed ^ scored)[0]
        where = "results.parquet" if (recipe, seed, stage) in scored else "study.json"
        raise UserError(
            f"{directory}: the two files do not belong together: arm {recipe} (seed {seed}, "
            f"{stage}) is only in {where}; run the study again."
        )
    for task in results.items["task"].unique():
        if task not in results.tasks:
            raise unknown_name("task in study.json", task, results.tasks)
