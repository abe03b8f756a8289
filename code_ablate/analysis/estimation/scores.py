"""Scores of items as plain arrays: what estimation is given, wherever they come from.

    place = Place(size="1.07M", stage="pretraining")
    scores.seeds_of("code_25", place)                   # (0, 1)
    scores.of("arc_easy", place).column("correct")      # [items, arms], one row for all arms

Recipes are compared at a place: within one model size and one stage. All arms of a task at a place
were scored on the same items, because every comparison is paired.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from code_ablate.errors import UserError, unknown_name


@dataclass(frozen=True, order=True)
class Place:
    """Where recipes are compared with each other."""

    size: str
    """Name of the model size."""
    stage: str
    """Name of the stage."""

    def __str__(self) -> str:
        return f"{self.size}, {self.stage}"


@dataclass(frozen=True)
class ScoredTask:
    """What estimation needs to know of a task."""

    name: str
    """Name of the task."""
    category: str
    """Category whose mean it counts in."""
    title: str
    """What its score is called: "accuracy", "exact match", ..."""
    score: str | None
    """Column that counts: "correct", from 0 to 1; "bits", over bytes; or "metric/NAME", a metric
    of the task's own with another range. None where no score counts."""
    columns: tuple[str, ...]
    """Columns that are estimated, `score` among them where there is one."""
    chance: float | None = None
    """Expected score of a random guess; None where it is not known or has no meaning."""
    domain: bool = False
    """Whether it is the held-out documents of a corpus and no downstream task."""

    @property
    def label(self) -> str:
        """Name for people: the corpus of a domain, else the task's name."""
        return (self.name.partition("/")[2] if self.domain else "") or self.name

    @property
    def lower_is_better(self) -> bool:
        """True for bits, whatever they are of. Of metrics of the user's own more is taken for
        better."""
        return self.score == "bits"


@dataclass(frozen=True)
class TaskScores:
    """All arms' item scores of one task at one place: rows are the same items for every arm."""

    task: ScoredTask
    """The task."""
    place: Place
    """Size and stage of the arms."""
    items: tuple[str, ...]
    """Item names, sorted."""
    arms: tuple[tuple[str, int], ...]
    """(recipe, seed) of each column."""
    table: Mapping[str, np.ndarray]
    """Score column name -> array [items, arms]."""
    clusters: tuple[str, ...] = ()
    """The passage, dialogue or subject of each item, in the order of `items`: items of one are not
    independent. Empty where every item stands by itself."""

    def __post_init__(self):
        if self.clusters and len(self.clusters) != len(self.items):
            raise ValueError(f"{len(self.items)} items have {len(self.clusters)} clusters")

    def chosen(self, kept: Bool[np.ndarray, " items"]) -> "TaskScores":
        """The same with these items alone."""
        positions = np.flatnonzero(kept)
        return dataclasses.replace(
            self,
            items=tuple(self.items[i] for i in positions),
            table={name: column[kept] for name, column in self.table.items()},
            clusters=tuple(self.clusters[i] for i in positions) if self.clusters else (),
        )

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
        for seed in seeds:
            if (recipe, seed) not in self._index:
                raise UserError(
                    f"no {self.place} results of recipe {recipe!r} with seed {seed} on "
                    f"{self.task.name!r}."
                )
        return [self._index[recipe, seed] for seed in seeds]

    @functools.cached_property
    def _index(self) -> dict[tuple[str, int], int]:
        return {arm: i for i, arm in enumerate(self.arms)}


@dataclass(frozen=True)
class Scores:
    """Item scores of recipes at one or more places, one of the recipes being the baseline."""

    baseline: str
    """The recipe that the others are compared with."""
    tasks: Mapping[str, ScoredTask]
    """Tasks by name, in the order of tables."""
    seeds: Mapping[tuple[Place, str], tuple[int, ...]]
    """(place, recipe) -> its seeds, sorted; places and recipes in the order of tables."""
    tables: Mapping[tuple[str, Place], TaskScores]
    """(task, place) -> scores."""

    @property
    def places(self) -> tuple[Place, ...]:
        """The places that have results, in order."""
        return tuple(dict.fromkeys(place for place, _ in self.seeds))

    def recipes_at(self, place: Place) -> tuple[str, ...]:
        """Names of the recipes that have results at a place, in order."""
        return tuple(recipe for where, recipe in self.seeds if where == place)

    def seeds_of(self, recipe: str, place: Place) -> tuple[int, ...]:
        """The seeds that a recipe has at a place, sorted."""
        return self.seeds.get((place, recipe), ())

    def common_seeds(self, recipe: str, place: Place) -> tuple[int, ...]:
        """Seeds that a recipe and the baseline share: a comparison uses only these."""
        shared = set(self.seeds_of(recipe, place)) & set(self.seeds_of(self.baseline, place))
        return tuple(sorted(shared))

    def of(self, task: str, place: Place) -> TaskScores:
        """Scores of a task at a place; UserError with close names if there is no such task."""
        if task not in self.tasks:
            raise unknown_name("task", task, self.tasks)
        return self.tables[task, place]

    def title_of(self, tasks: Sequence[str]) -> str:
        """What the score of these tasks is called; "score" if they have several names for it."""
        titles = {self.tasks[task].title for task in tasks}
        return titles.pop() if len(titles) == 1 else "score"

    @property
    def domains(self) -> tuple[str, ...]:
        """Names of the domains."""
        return tuple(task.name for task in self.tasks.values() if task.domain)

    @property
    def downstream(self) -> tuple[str, ...]:
        """Names of all tasks but the domains."""
        return tuple(task.name for task in self.tasks.values() if not task.domain)

    @property
    def categories(self) -> dict[str, tuple[str, ...]]:
        """Categories and those of their tasks whose items are right or wrong."""
        return self._by_category("correct")

    @property
    def gold_categories(self) -> dict[str, tuple[str, ...]]:
        """Categories and those of their tasks that are scored by gold bits per byte."""
        return self._by_category("bits")

    @property
    def own_metrics(self) -> tuple[str, ...]:
        """Names of the tasks that count by a metric of their own, which has a range of its own."""
        ranges = (None, "correct", "bits")
        return tuple(name for name in self.downstream if self.tasks[name].score not in ranges)

    def _by_category(self, score: str) -> dict[str, tuple[str, ...]]:
        members: dict[str, list[str]] = {}
        for name in self.downstream:
            task = self.tasks[name]
            if task.score == score:
                members.setdefault(task.category, []).append(name)
        return {category: tuple(names) for category, names in members.items()}
