"""The report's tables of noise: how far scores go apart without a change of the data.

noise_table(report, place)
"""

import math
import statistics
from collections.abc import Sequence

from code_ablate.analysis.estimation.estimates import Comparison, Metric
from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.report.content import Report
from code_ablate.analysis.report.elements import Cell, Table, cells, lines
from code_ablate.analysis.report.phrases import detectable_change, whole_percent


def noise_table(report: Report, place: Place) -> Table:
    """Metrics x s.d. over seeds, the seeds' part of a change's variance, and what can be found."""
    rows = []
    for metric in report.summary.metrics:
        comparisons = [
            c for c in report.summary.comparisons if (c.place, c.metric) == (place, metric)
        ]
        rows.append(
            [
                Cell(metric.label, lines(metric.unit)),
                _spread_cell(report, place, metric),
                _part_cell(comparisons),
                *_detectable_cells(comparisons),
            ]
        )
    head = [
        Cell("measure"),
        Cell("s.d. of seeds", lines("median of the recipes", "least to greatest")),
        Cell("seeds' part", lines("of a change's variance", "median")),
        Cell("least change found", lines("most precise recipe")),
        Cell("least change found", lines("least precise recipe")),
    ]
    return Table(head, rows, f"Noise {report.title(place)}")


def _spread_cell(report: Report, place: Place, metric: Metric) -> Cell:
    scale, digits = metric.form
    levels = [report.summary.level(place, r, metric) for r in report.results.recipes_at(place)]
    spreads = [scale * level.seed_sd for level in levels if level.seed_sd is not None]
    if not spreads:
        return Cell("–", lines("one seed"))
    least, most = (f"{value:.{digits}f}" for value in (min(spreads), max(spreads)))
    return Cell(
        f"{statistics.median(spreads):.{digits}f}",
        lines(f"{least} to {most}"),
        data={
            "kind": "noise",
            "size": place.size,
            "stage": place.stage,
            "metric": metric.key,
            "value": repr(statistics.median(spreads) / scale),
        },
    )


def _part_cell(comparisons: Sequence[Comparison]) -> Cell:
    """Part of the variance of a change that seeds make up; the rest is the choice of items."""
    parts = [
        noise.seeds / (noise.of_units + noise.seeds)
        for noise in (c.difference.noise for c in comparisons)
        if noise.of_seeds and noise.unit_freedom > 0 and noise.of_units + noise.seeds > 0
    ]
    return Cell(whole_percent(statistics.median(parts)) if parts else "–")


def _detectable_cells(comparisons: Sequence[Comparison]) -> tuple[Cell, ...]:
    """The least changes that four of five such studies find: smallest and largest."""
    sizes = [
        (c.detectable / c.base if c.gain is not None else c.detectable, c)
        for c in comparisons
        if c.difference.over_seeds and math.isfinite(c.detectable)
    ]
    # A share of the baseline and a difference do not compare: the more frequent of both is shown.
    relative = [pair for pair in sizes if pair[1].gain is not None]
    shown = relative if 2 * len(relative) >= len(sizes) else [p for p in sizes if p not in relative]
    if not shown:
        return cells("–", "–")
    pairs = (min(shown, key=lambda pair: pair[0]), max(shown, key=lambda pair: pair[0]))
    return tuple(Cell(detectable_change(comparison)) for _, comparison in pairs)
