"""The report's tables of which part of a seed makes the noise.

component_table(rows, caption)                           # rows of one grid: `SeedNoise`
typical_table(rows, caption), runs_table(rows, caption)  # one row a metric, over recipes
"""

import statistics
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
    return [_measure(row.metric), *([Cell(row.recipe)] if several else [])]


def _measure(metric: Metric) -> Cell:
    return Cell(metric.label, lines(f"{metric.name}, points" if metric.is_share else metric.name))


def _component_cell(row: SeedNoise, name: str) -> Cell:
    found: Ranged = getattr(row.parts, name)
    below: tuple[Line, ...]
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


def typical_table(rows: Sequence[SeedNoise], caption: str) -> Table:
    """Metrics x components: the median over recipes, and the range."""
    head = [Cell("measure"), *(Cell(title, lines("s.d.")) for title in _PARTS.values())]
    cells = []
    for of_metric in _by_metric(rows):
        metric, row = of_metric[0].metric, [_measure(of_metric[0].metric)]
        for name in _PARTS:
            found = sorted(getattr(own.parts, name).value for own in of_metric)
            least, most = (_deviation(metric, end) for end in (found[0], found[-1]))
            median = _deviation(metric, statistics.median(found))
            row.append(Cell(median, lines(f"{least} to {most}")))
        cells.append(row)
    return Table(head, cells, caption)


def runs_table(rows: Sequence[SeedNoise], caption: str) -> Table:
    """Metrics x what a mean over ten runs keeps of the noise, and what would help; the median over
    recipes."""
    head = [
        Cell("measure"),
        Cell("one run"),
        Cell(f"{_RUNS} runs", lines("each with new seeds")),
        Cell(f"{_RUNS} runs", lines("of one initialisation")),
        Cell(f"{_RUNS} runs", lines("of one order")),
        Cell("these items", lines("whatever the runs")),
        Cell("what helps most", lines(f"after {_RUNS} new runs")),
    ]
    cells = []
    for of_metric in _by_metric(rows):
        metric = of_metric[0].metric
        left = [
            statistics.median(row.parts.left(*counts) for row in of_metric)
            for counts in ((1, 1, 1), (_RUNS, _RUNS, _RUNS), (1, _RUNS, _RUNS), (_RUNS, 1, _RUNS))
        ]
        items = max(0.0, statistics.median(row.parts.units.value for row in of_metric))
        helps = "more items" if items > left[1] else "more runs"
        numbers = [Cell(_deviation(metric, variance)) for variance in (*left, items)]
        cells.append([_measure(metric), *numbers, Cell(helps)])
    return Table(head, cells, caption, text_columns=(len(head) - 1,))


def _by_metric(rows: Sequence[SeedNoise]) -> list[list[SeedNoise]]:
    groups: dict[str, list[SeedNoise]] = {}
    for row in rows:
        groups.setdefault(row.metric.key, []).append(row)
    return list(groups.values())


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
