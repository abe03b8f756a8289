"""The baseline's curve: its scores at earlier checkpoints, beside those of all recipes.

curves = curves_of(results)                       # None where none were evaluated
curves.scores.of("arc_easy", place)               # has the arms "text_only@24576" too
curves.at[place].tokens                           # (24576.0, 49152.0, 98304.0)
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from code_ablate.analysis.estimation.multiplier import Curve
from code_ablate.analysis.estimation.scores import Place, Scores
from code_ablate.analysis.results.item_table import ItemTable
from code_ablate.analysis.results.results import Results
from code_ablate.analysis.results.study_record import ArmRecord, RecipeRecord


@dataclass(frozen=True)
class Curves:
    """Scores with the baseline's checkpoints among them, as if each were a recipe."""

    scores: Scores
    """Scores of all recipes, and of the checkpoints under the names that `at` gives."""
    at: Mapping[Place, Curve]
    """The baseline's curve at each place that has one."""


def curves_of(results: Results) -> Curves | None:
    """The curves of a study; None where no earlier checkpoint was evaluated.

    A checkpoint that not every seed of the baseline has is left out.
    """
    if results.checkpoints is None:
        return None
    table, baseline = results.checkpoints, results.record.baseline
    seeds_at: dict[tuple[Place, int], set[int]] = {}
    for size, stage, seed, tokens in table.rows_of(("size", "stage", "seed", "tokens")):
        seeds_at.setdefault((Place(size, stage), int(tokens)), set()).add(int(seed))
    steps: dict[Place, list[int]] = {}
    for (place, tokens), seeds in sorted(seeds_at.items(), key=lambda item: item[0][1]):
        wanted = {arm.arm.seed for arm in results.arms_of(baseline, place)}
        if seeds == wanted:
            steps.setdefault(place, []).append(tokens)
    arms: list[ArmRecord] = []
    curves: dict[Place, Curve] = {}
    for place, counts in steps.items():
        ends = results.arms_of(baseline, place)
        names = tuple(_name(baseline, tokens) for tokens in counts)
        curves[place] = Curve(names, tuple(map(float, (*counts, ends[0].tokens))))
        for name, tokens in zip(names, counts, strict=True):
            for end in ends:
                arm = dataclasses.replace(end.arm, recipe=name)
                arms.append(dataclasses.replace(end, arm=arm, tokens=tokens))
    names = tuple(dict.fromkeys(arm.arm.recipe for arm in arms))
    record = dataclasses.replace(
        results.record,
        arms=(*results.record.arms, *arms),
        recipes=(*results.record.recipes, *(RecipeRecord(name, "") for name in names)),
    )
    return Curves(Results(record, _joined(results.table, table, baseline)).scores, curves)


def _name(baseline: str, tokens: int) -> str:
    return f"{baseline}@{tokens}"


def _joined(results: ItemTable, checkpoints: ItemTable, baseline: str) -> ItemTable:
    """The rows of both, those of checkpoints under names of their own."""
    table = checkpoints.table
    names = [_name(baseline, tokens) for tokens in table["tokens"].to_pylist()]
    position = table.column_names.index("recipe")
    named = table.set_column(position, "recipe", _strings(names)).drop_columns(["tokens"])
    kinds = results.table.schema
    named = named.select([name for name in kinds.names if name in named.column_names])
    return ItemTable(pa.concat_tables([results.table, named], promote_options="permissive"))


def _strings(texts: list[str]) -> pa.StringArray:
    """As pa.array(texts), which would import pandas: a tenth of a report's time."""
    encoded = [text.encode() for text in texts]
    offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    data = b"".join(encoded)
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(offsets), pa.py_buffer(data))
