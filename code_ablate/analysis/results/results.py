"""The results of a study, loaded and checked: what the report reads.

    results = load_results("runs/demo")
    results.record.arms[0].shares                        # study.json: what was trained
    results.scores.of("arc_easy", results.places[0])     # results.parquet: scores of items

A study writes `study.json` (`StudyRecord`) and `results.parquet` (one row per arm, task and item).
"""

import io
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from etils import epath

from code_ablate import own_file
from code_ablate.analysis.estimation.scores import Place, ScoredTask, Scores, TaskScores
from code_ablate.analysis.results.arm import KEYS, Arm
from code_ablate.analysis.results.study_record import (
    FILE,
    TABLE,
    ArmRecord,
    RecipeRecord,
    SizeRecord,
    StudyRecord,
    TaskRecord,
)
from code_ablate.errors import UserError, unknown_name
from code_ablate.evaluation.kinds import ANSWERS, BITS_PER_BYTE, KINDS
from code_ablate.evaluation.kinds.own_metrics import PREFIX, as_shares, title_of

_COLUMNS = (*KEYS, "phase", "task", "category", "kind", "item")
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
class Results:
    """A study's results. Made by `load_results`, which checks them."""

    record: StudyRecord
    """study.json."""
    items: pd.DataFrame
    """results.parquet: one row per arm, task and item."""

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
    def scores(self) -> Scores:
        """The scores of all items as plain arrays, aligned by item.

        Raises UserError if an arm misses an item that another arm of its place has: such arms were
        evaluated on different items, and a comparison of them would not be paired.
        """
        tasks = {task.name: self._scored_task(task) for task in self.record.tasks.values()}
        seeds = {
            (place, recipe): tuple(arm.arm.seed for arm in self.arms_of(recipe, place))
            for place in self.places
            for recipe in self.recipes_at(place)
        }
        rows = dict(list(self._scored_items.groupby(["size", "stage", "task"], sort=False)))
        arms = {
            place: tuple((r, seed) for (p, r), of in seeds.items() if p == place for seed in of)
            for place in self.places
        }
        tables = {
            (name, place): _task_scores(
                task,
                place,
                rows.get((place.size, place.stage, name), self.items.iloc[:0]),
                arms[place],
                self.record.tasks[name],
            )
            for name, task in tasks.items()
            for place in self.places
        }
        return Scores(self.record.baseline, tasks, seeds, tables)

    @cached_property
    def _scored_items(self) -> pd.DataFrame:
        """The items, with the shares of answers' own metrics as what is correct.

        They are taken from the metric that counts in all arms: each alone may have had another.
        """
        items = self.items
        for task in self.record.tasks.values():
            shares = self._shares(task)
            if shares is not None:
                items = items.assign(correct=items["correct"].astype(np.float64))
                items.loc[items["task"] == task.name, "correct"] = shares
        return items

    def _shares(self, task: TaskRecord) -> np.ndarray | None:
        """Scores by a task's own metric, as fractions of 1; None if an arm has other values."""
        if task.kind != ANSWERS or not task.own_metrics:
            return None
        name = task.own_metrics[0]
        return as_shares(name, self._values(task.name, PREFIX + name))

    def _scored_task(self, task: TaskRecord) -> ScoredTask:
        facts = KINDS[task.kind]
        own = tuple(PREFIX + name for name in task.own_metrics)
        score, title, columns = facts.score, facts.title, (*facts.columns, *own)
        if task.kind == ANSWERS and own:
            score = own[0] if self._shares(task) is None else "correct"
            title, columns = title_of(task.own_metrics[0]), (score, *own[1:])
        elif score is not None:
            unknown = np.isnan(self._values(task.name, score))
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

    def _values(self, task: str, column: str) -> np.ndarray:
        """A column of the table, for the rows of a task."""
        return self.items.loc[self.items["task"] == task, column].to_numpy(np.float64)


def _pair(place: Place) -> tuple[str, str]:
    return place.size, place.stage


def _task_scores(
    task: ScoredTask,
    place: Place,
    rows: pd.DataFrame,
    arms: tuple[tuple[str, int], ...],
    record: TaskRecord,
) -> TaskScores:
    item_codes, items = pd.factorize(rows["item"], sort=True)
    number = {arm: i for i, arm in enumerate(arms)}
    arm_codes = [number[arm] for arm in zip(rows["recipe"], rows["seed"], strict=True)]
    scored = np.zeros((len(items), len(arms)), dtype=bool)
    scored[item_codes, arm_codes] = True
    for (recipe, seed), count in zip(arms, scored.sum(axis=0), strict=True):
        if count < max(1, len(items)):
            raise UserError(
                f"{Arm(recipe, place.size, seed, place.stage)}, was scored on {count} of the "
                f"{len(items)} items of {task.name!r} that other arms were scored on, so it cannot "
                "be compared with them; evaluate it again with the same suite."
            )
    names = (*_SCORE_COLUMNS, *(PREFIX + name for name in record.own_metrics))
    columns = {name: rows[name].to_numpy(dtype=np.float64) for name in names}
    if KINDS[record.kind].generates:  # lengths of the texts, and a number for each different text
        columns["generated_tokens"] = rows["generated_tokens"].to_numpy(np.float64)
        columns["text"] = pd.factorize(rows["prediction"])[0].astype(np.float64)
    table = {}
    for name, values in columns.items():
        table[name] = np.full(scored.shape, np.nan)
        table[name][item_codes, arm_codes] = values
    return TaskScores(task, place, tuple(map(str, items)), arms, table)


def load_results(study_dir: epath.PathLike) -> Results:
    """Reads and checks `study.json` and `results.parquet` in a study's directory.

    Raises UserError if a file is absent, damaged, or not of this study.
    """
    directory = epath.Path(study_dir)
    record = StudyRecord.read(directory / FILE)
    _require_names(record, directory / FILE)
    results = Results(record, _read_items(directory / TABLE, record.results_digest))
    _require_same_arms(results, directory)
    _require_all_rows(results, directory / TABLE)
    _require_own_metrics(results, directory / TABLE)
    return results


def _read_items(path: epath.Path, digest: str) -> pd.DataFrame:
    if not path.exists():
        raise UserError(f"{path} does not exist: the study has not been evaluated; run it again.")
    content = path.read_bytes()
    if own_file.sha256(content) != digest:
        raise UserError(
            f"{path} is damaged, or is not the table that {FILE} beside it was written with; run "
            "the study again: what is trained and evaluated is found, and only the two files are "
            "written."
        )
    try:
        items = pd.read_parquet(io.BytesIO(content))
    except (OSError, ValueError) as error:  # pyarrow's errors derive from these
        raise UserError(f"{path} is not a readable Parquet file ({error}).") from error
    wanted = [*_COLUMNS, *_SCORE_COLUMNS]
    generating = [name for name, facts in KINDS.items() if facts.generates]
    if "kind" in items.columns and items["kind"].isin(generating).any():
        wanted += ["prediction", "generated_tokens"]
    absent = [name for name in wanted if name not in items.columns]
    if absent:
        raise UserError(f"{path} is not a results table: it lacks column {', '.join(absent)}.")
    if items.empty:
        raise UserError(f"{path} has no rows: no arm has been evaluated yet; run the study again.")
    repeated = items.duplicated([*KEYS, "task", "item"])
    if repeated.any():
        row = items[repeated].iloc[0]
        arm = Arm(**{key: row[key] for key in KEYS})
        raise UserError(
            f"{path} has {int(repeated.sum())} repeated rows, first: {arm}, {row['task']}, item "
            f"{row['item']}."
        )
    return items


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
    keys = results.items[list(KEYS)].drop_duplicates()
    scored = {Arm(*row) for row in keys.itertuples(index=False, name=None)}
    if listed != scored:
        arm = min(listed ^ scored)
        where = TABLE if arm in scored else FILE
        raise UserError(
            f"{directory}: the two files do not belong together: {arm}, is only in {where}; run "
            "the study again."
        )
    for task in results.items["task"].unique():
        if task not in results.record.tasks:
            raise unknown_name(f"task in {FILE}", task, results.record.tasks)


def _require_all_rows(results: Results, path: epath.Path) -> None:
    """Every arm has a row for each item that the record says was scored."""
    rows = results.items.groupby([*KEYS, "task"], sort=False).size().to_dict()
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
    for task in results.record.tasks.values():
        rows = results.items["task"] == task.name
        for name in task.own_metrics:
            column = PREFIX + name
            if column not in results.items or results.items.loc[rows, column].isna().any():
                raise UserError(
                    f"{path}: items of {task.name!r} have no score by its metric {name!r}: run the "
                    "study again; what is evaluated is found, and the table is written anew."
                )
