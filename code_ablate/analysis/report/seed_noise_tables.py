"""The report's tables of which part of a seed makes the noise.

component_table(rows, caption), runs_table(rows, caption)      # rows of one grid: `SeedNoise`
"""

from collections.abc import Sequence
from typing import Any

from code_ablate.analysis.estimation.decisions import Ranged
from code_ablate.analysis.estimation.estimates import Metric
from code_ablate.analysis.report.elements import Cell, Line, Table, lines
from code_ablate.analysis.report.phrases import interval
from code_ablate.analysis.report.seed_noise import SeedNoise

_RUNS = 10
"""Runs for which it is said what they leave of the noise."""

_PARTS = {
    "initialisation": "initialisation",
    "order": "order of the data",
    "rest": "both together, and the rest",
    "units": "choice of items",
}
"""Components, as `SeedComponents` names them, and for people."""


def component_table(rows: Sequence[SeedNoise], caption: str) -> Table:
    """Metrics and recipes x components, each as a standard deviation."""
    several = len({row.recipe for row in rows}) > 1
    head = [Cell("measure"), *([Cell("recipe")] if several else [])]
    head += [Cell(title, lines("s.d. [interval]")) for title in _PARTS.values()]
    cells = [
        [*_named(row, several), *(_component_cell(row, name) for name in _PARTS)] for row in rows
    ]
    return Table(head, cells, caption, text_columns=(1,) if several else ())


def _named(row: SeedNoise, several: bool) -> list[Cell]:
    unit = "points" if row.metric.is_share else row.metric.name
    return [
        Cell(row.metric.label, lines(f"{row.metric.name}, points" if unit == "points" else unit)),
        *([Cell(row.recipe)] if several else []),
    ]


def _component_cell(row: SeedNoise, name: str) -> Cell:
    found: Ranged = getattr(row.parts, name)
    below: tuple[Line, ...] = ()
    if found.high is not None and found.high < 0:
        below = (Line("less than chance makes of nothing", mark=True),)
    elif found.low is not None and found.high is not None:
        below = lines(interval(found.low, found.high, lambda x: _deviation(row.metric, x)))
    else:
        below = lines("no interval")
    if found.value < 0:
        below = (*below, *lines("estimate below 0"))
    data = {"kind": "component", "of": "change" if row.is_change else "score", "part": name}
    where = {"size": row.grid.place.size, "stage": row.grid.place.stage}
    names = {"recipe": row.recipe, "metric": row.metric.key}
    ends = {k: None if x is None else repr(x) for k, x in _numbers(found).items()}
    return Cell(_deviation(row.metric, found.value), below, data={**data, **where, **names, **ends})


def _numbers(ranged: Ranged) -> dict[str, float | None]:
    return {"variance": ranged.value, "low": ranged.low, "high": ranged.high}


def _deviation(metric: Metric, variance: float) -> str:
    """The standard deviation in the unit of the metric: points for shares. 0 below zero."""
    scale, digits = metric.form
    text = f"{scale * max(0.0, variance) ** 0.5:.{digits + 1}f}"
    return text if float(text) else "0"


def runs_table(rows: Sequence[SeedNoise], caption: str) -> Table:
    """Metrics and recipes x what a mean over ten runs keeps of the noise, and what would help."""
    several = len({row.recipe for row in rows}) > 1
    head = [
        Cell("measure"),
        *([Cell("recipe")] if several else []),
        Cell("one run"),
        Cell(f"{_RUNS} runs", lines("each with new seeds")),
        Cell(f"{_RUNS} runs", lines("of one initialisation")),
        Cell(f"{_RUNS} runs", lines("of one order")),
        Cell("these items", lines("whatever the runs")),
        Cell("what helps most", lines(f"after {_RUNS} new runs")),
    ]
    cells = []
    for row in rows:
        left = [
            row.parts.left(*counts)
            for counts in ((1, 1, 1), (_RUNS, _RUNS, _RUNS), (1, _RUNS, _RUNS), (_RUNS, 1, _RUNS))
        ]
        items = max(0.0, row.parts.units.value)
        helps = "more items" if items > left[1] else "more runs"
        numbers = [Cell(_deviation(row.metric, variance)) for variance in (*left, items)]
        cells.append([*_named(row, several), *numbers, Cell(helps)])
    texts = (1, len(head) - 1) if several else (len(head) - 1,)
    return Table(head, cells, caption, text_columns=texts)


def component_rows(rows: Sequence[SeedNoise]) -> list[dict[str, Any]]:
    """Tidy rows for files: a variance each, with its signed ends."""
    return [
        {
            "size": row.grid.place.size,
            "stage": row.grid.place.stage,
            "recipe": row.recipe,
            "metric": row.metric.key,
            "of": "change" if row.is_change else "score",
            "component": name,
            **_numbers(getattr(row.parts, name)),
            "initialisations": row.parts.initialisations,
            "orders": row.parts.orders,
        }
        for row in rows
        for name in _PARTS
    ]
