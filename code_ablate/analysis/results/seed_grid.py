"""Runs that are a grid of seeds: each seed of the initialisation with each of the order.

    for grid in seed_grids(results):
        grid.initialisations, grid.orders      # (0, 1, 2), (0, 1, 2)
        grid.scores.common_seeds("code_50", grid.place)      # numbers of its runs, row by row

A study has them where its settings differ in one part of the seed and its seeds vary the other.
Each setting is a place of the report; a grid puts them together again, under what their names have
in common.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from code_ablate.analysis.estimation.scores import Place, Scores, TaskScores
from code_ablate.analysis.results.arm import Arm
from code_ablate.analysis.results.results import Results
from code_ablate.analysis.results.study_record import ArmRecord
from code_ablate.errors import UserError

FEWEST = 2
"""Seeds of either kind from which on there is a grid."""

_Seeds = tuple[int, int]
"""Seed of the initialisation, and of the order."""


@dataclass(frozen=True)
class SeedGrid:
    """Runs of recipes with all pairs of some seeds, which differ in nothing else."""

    place: Place
    """Model and stage; its size has the parts that the names of all settings have."""
    settings: tuple[str, ...]
    """Names of the sizes, as in `Arm.size`, that the runs are of."""
    initialisations: tuple[int, ...]
    """Seeds of the initialisation, 2 or more."""
    orders: tuple[int, ...]
    """Seeds of the order of the data, 2 or more."""
    scores: Scores
    """Scores at `place`, with the number of a run in the place of a seed: that of the pair of the
    i-th initialisation and the o-th order is i times the number of orders, plus o."""


def seed_grids(results: Results) -> tuple[SeedGrid, ...]:
    """The grids of a study, by model and stage; none where seeds are not crossed.

    Of runs that fill a grid in part it is the largest whole one: most runs, then the least seeds.
    Raises UserError if runs of one were scored on different items.
    """
    found = []
    parts = {size.name: size.parts for size in results.record.sizes}
    for places in _alike(results):
        runs = {place: _runs(results.arms_at(place)) for place in places}
        recipes = [r for r in results.recipes_at(places[0]) if results.record.baseline != r]
        cells: dict[tuple[str, _Seeds], Arm] = {}
        for of_place in runs.values():
            for key, arm in of_place.items():
                cells.setdefault(key, arm)
        all_recipes = [results.record.baseline, *recipes]
        held = set.intersection(
            *({seeds for name, seeds in cells if name == recipe} for recipe in all_recipes)
        )
        rows, columns = _largest(held)
        if min(len(rows), len(columns)) < FEWEST:
            continue
        chosen = {
            recipe: [cells[recipe, (i, o)] for i in rows for o in columns] for recipe in all_recipes
        }
        sizes = tuple(dict.fromkeys(arm.size for arms in chosen.values() for arm in arms))
        place = Place(_common_name([parts[size] for size in sizes]), places[0].stage)
        scores = _put_together(results.scores, place, chosen)
        found.append(SeedGrid(place, sizes, rows, columns, scores))
    return tuple(found)


def _runs(arms: Iterable[ArmRecord]) -> dict[tuple[str, _Seeds], Arm]:
    return {
        (a.arm.recipe, (a.initialisation_seed, a.order_seed)): a.arm
        for a in arms
        if a.initialisation_seed is not None
    }


def _alike(results: Results) -> list[tuple[Place, ...]]:
    """Places whose recipes are the same but for seeds, together; where the baseline is."""
    groups: dict[tuple, list[Place]] = {}
    for place in results.places:
        arms = results.arms_at(place)
        names = {arm.arm.recipe for arm in arms}
        if results.record.baseline in names:
            key = (place.stage, *sorted({(arm.arm.recipe, arm.seedless) for arm in arms}))
            groups.setdefault(key, []).append(place)
    return [tuple(places) for places in groups.values()]


def _largest(held: set[_Seeds]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Rows and columns of the largest grid all of whose cells are held."""
    by_order: dict[int, frozenset[int]] = {
        order: frozenset(i for i, o in held if o == order) for _, order in held
    }
    # The rows of a grid that cannot grow are those that some orders have in common.
    rows: set[frozenset[int]] = set()
    for own in by_order.values():
        rows |= {own, *(own & other for other in rows)}
    grids = [(chosen, [o for o, own in by_order.items() if chosen <= own]) for chosen in rows]
    wide = [g for g in grids if min(len(g[0]), len(g[1])) >= FEWEST]
    if not wide:
        return (), ()
    best = max(wide, key=lambda g: (len(g[0]) * len(g[1]), -len(g[0]) - len(g[1]), sorted(g[0])))
    return tuple(sorted(best[0])), tuple(sorted(best[1]))


def _common_name(names: Sequence[tuple[str, ...]]) -> str:
    """ "1.07M" of ("1.07M", "first weights 0") and ("1.07M", "first weights 1")."""
    common = [part for part in names[0] if all(part in name for name in names)]
    return ", ".join(common or names[0])


def _put_together(scores: Scores, place: Place, chosen: Mapping[str, list[Arm]]) -> Scores:
    """Scores of the runs at one place."""
    arms = [(recipe, number) for recipe, of in chosen.items() for number in range(len(of))]
    runs = [arm for of in chosen.values() for arm in of]
    tables = {}
    for name, task in scores.tasks.items():
        parts = [scores.of(name, Place(arm.size, arm.stage)) for arm in runs]
        first = parts[0]
        if any(part.items != first.items or part.clusters != first.clusters for part in parts):
            raise UserError(
                f"{name!r} has other items at other settings of {place}: components of variance "
                "are of runs that were scored on the same. Run the study again."
            )
        table = {
            column: np.stack(
                [
                    part.column(column)[:, part.positions(arm.recipe, [arm.seed])[0]]
                    for part, arm in zip(parts, runs, strict=True)
                ],
                axis=1,
            )
            for column in first.table
        }
        tables[name, place] = TaskScores(
            task, place, first.items, tuple(arms), table, first.clusters
        )
    seeds = {(place, recipe): tuple(range(len(of))) for recipe, of in chosen.items()}
    return Scores(scores.baseline, scores.tasks, seeds, tables)
