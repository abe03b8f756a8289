"""The figure of changes: every recipe against the baseline, with intervals.

drawing = change_figure(report, "470M")
"""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from code_ablate.analysis.estimation.estimates import (
    CANNOT_SAY,
    DIFFERENT,
    EQUIVALENT,
    Comparison,
    Metric,
)
from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.report.content import Report
from code_ablate.analysis.report.drawing import GREY, LOOKS, Drawing, panel
from code_ablate.analysis.report.elements import Key

FACES = {DIFFERENT: "", EQUIVALENT: "#c8c8c8", CANNOT_SAY: "white"}
"""Colour inside of a comparison's mark, by its verdict; empty for the same as around it."""


def change_figure(
    report: Report, size: str, metrics: Sequence[Metric] | None = None
) -> Drawing | None:
    """Relative change to the baseline at one model size, per metric and recipe, with intervals.

    What is inside of a mark tells the verdict (`FACES`); a grey band is the margin within which
    recipes are taken for equivalent. Metrics without a relative change are left out. None if there
    is none (no recipe shares a seed with the baseline).
    `metrics`: what to draw; None: all of the report.
    """
    metrics = report.summary.metrics if metrics is None else metrics
    comparisons = report.summary.comparisons
    drawable = [
        c
        for c in comparisons
        if c.gain is not None and c.place.size == size and c.metric in metrics
    ]
    if not drawable:
        return None
    present = {comparison.recipe for comparison in drawable}
    names = [recipe.name for recipe in report.record.recipes if recipe.name in present]
    styles = _place_styles(report.results.places_of(size))
    panels = tuple(
        _change_panel([c for c in drawable if c.metric == metric], metric, names, styles)
        for metric in metrics
        if any(c.metric == metric for c in drawable)
    )
    alt = f"Relative change to {report.baseline}{report.of_size(size)}, with intervals"
    heading = size if report.several_sizes else ""
    with_margin = any(comparison.margin is not None for comparison in drawable)
    return Drawing(alt, panels, tuple(_keys(report, styles, with_margin)), heading)


_PlaceStyles = Mapping[Place, tuple[str, str, float]]


def _place_styles(places: Sequence[Place]) -> _PlaceStyles:
    """Colour, marker and vertical offset of each stage, the first one on top."""
    span = 0.3 if len(places) < 3 else 0.5
    step = span / max(1, len(places) - 1)
    start = -span / 2 if len(places) > 1 else 0.0
    return {place: (*LOOKS[i % len(LOOKS)], start + i * step) for i, place in enumerate(places)}


def _change_panel(
    comparisons: Sequence[Comparison],
    metric: Metric,
    names: Sequence[str],
    styles: _PlaceStyles,
) -> Axes:
    better = "lower is better" if metric.lower_is_better else "higher is better"
    label = f"change in {metric.name}, %\n({better})"
    axis = panel(metric.label, x_label=label, rows=names, row_inches=0.32)
    axis.axvline(0, color="#444444", linewidth=0.9)
    # An absolute margin is another part of the baseline at each stage: the narrowest is of all.
    margins = [100 * c.sought / abs(c.base) for c in comparisons if c.margin is not None]
    if margins:
        axis.axvspan(-min(margins), min(margins), color=GREY, alpha=0.12, linewidth=0)
    for comparison in comparisons:
        if comparison.gain is None:
            continue
        colour, marker, offset = styles[comparison.place]
        y, gain = names.index(comparison.recipe) + offset, comparison.gain
        axis.plot([100 * gain.low, 100 * gain.high], [y, y], color=colour, linewidth=1.5)
        axis.plot(
            100 * gain.value,
            y,
            marker=marker,
            ms=5,
            markeredgecolor=colour,
            markerfacecolor=FACES[comparison.verdict()] or colour,
        )
    return axis


def _keys(report: Report, styles: _PlaceStyles, with_margin: bool) -> list[Key]:
    keys = [
        Key(report.title(place), colour, marker, "-")
        for place, (colour, marker, _) in styles.items()
    ]
    keys.append(Key("different", GREY, "o", face=FACES[DIFFERENT]))
    if with_margin:
        keys.append(Key("equivalent", GREY, "o", face=FACES[EQUIVALENT]))
        keys.append(Key("margin of equivalence", GREY, band=True))
    return [*keys, Key("cannot say", GREY, "o", face=FACES[CANNOT_SAY])]
