"""The main figure of a report: scores against the share of the source, or recipe by recipe.

    drawing = main_figure(report, report.places[0])
    drawings = main_figures(report)          # of each model size, at its first stage

What stands in a panel is drawn by matplotlib; `drawing.py` has the style.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from code_ablate.analysis.estimation.estimates import Metric
from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.report import published
from code_ablate.analysis.report.content import Report, stage_title
from code_ablate.analysis.report.drawing import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    Drawing,
    panel,
)
from code_ablate.analysis.report.elements import Key
from code_ablate.analysis.report.phrases import whole_percent
from code_ablate.analysis.report.sweep import same_budget, swept_recipes

_COLOURS = (VERMILION, GREEN, PURPLE, ORANGE, SKY)
_MARKERS = ("s", "^", "D", "v", "P")
_STEP, _WIDEST_STRIP = 0.09, 0.7
"""Room for each recipe beside the line, and for all of them, as parts of the axis of shares."""


def main_figures(report: Report) -> dict[Place, Drawing]:
    """The main figure of each model size, at its first stage."""
    return {place: main_figure(report, place) for place in report.first_places()}


def main_figure(report: Report, place: Place, metrics: Sequence[Metric] | None = None) -> Drawing:
    """Scores of all recipes at one size and stage: a panel per metric; None: all of the report.

    Against the share of the source where the study has a sweep of it; else recipe by recipe.
    """
    metrics = report.summary.metrics if metrics is None else metrics
    heading = f"{place.size}, {stage_title(place.stage)}" if report.several_sizes else ""
    if swept_recipes(report.results, place):
        panels = tuple(_share_panel(report, place, metric) for metric in metrics)
        alt = f"Scores {report.title(place)} against the share of {report.record.source}"
        return Drawing(alt, panels, tuple(_share_keys(report, place)), heading)
    panels = tuple(_level_panel(report, place, metric) for metric in metrics)
    alt = f"Scores {report.title(place)}, recipe by recipe"
    return Drawing(alt, panels, tuple(_level_keys(report)), heading)


def _share_panel(report: Report, place: Place, metric: Metric) -> Axes:
    """Score against the share of the source.

    Recipes of one phase that differ in that share alone make the line; small points are seeds. The
    band is the interval of the paired difference to the baseline, drawn around the recipe's mean.
    Other recipes stand apart on the right, with their numbers in the legend: what one that has
    another corpus in the place of text has to do with the share of the source, no axis can say.
    """
    results, summary, source = report.results, report.summary, report.record.source
    scale = metric.form[0]
    better = "↓ better" if metric.lower_is_better else "↑ better"  # longer text has no room
    axis = panel(metric.label, f"{metric.unit}, {better}", f"share of {source}, %")
    _reference_lines(axis.axhline, report, place, metric)
    sweep = swept_recipes(results, place)
    x = [100 * results.share(name, place) for name in sweep]
    width = 100.0 if max(x) > 50 else max(x)
    levels = [summary.level(place, name, metric) for name in sweep]
    bands = _bands(report, place, metric, axis.set_ylim)
    axis.fill_between(
        x,
        [bands[name][0] for name in sweep],
        [bands[name][1] for name in sweep],
        color=BLUE,
        alpha=0.18,
        linewidth=0,
    )
    axis.plot(x, [e.value * scale for e in levels], color=BLUE, linewidth=1.6, marker="o", ms=4)
    beside = 0.022 * width  # the mean would hide the seeds
    for share, estimate in zip(x, levels, strict=True):
        values = [scale * value for value in estimate.per_seed]
        _seed_points(axis, [share + beside] * len(values), values, BLUE)
    styles = _other_styles(report, place)
    edge = 1.06 * width
    step = min(_STEP, _WIDEST_STRIP / (len(styles) + 0.5)) * width
    for i, (name, (colour, marker)) in enumerate(styles.items()):
        at, estimate = edge + (i + 0.5) * step, summary.level(place, name, metric)
        axis.plot([at, at], bands[name], color=colour, linewidth=1.4)
        axis.plot(at, estimate.value * scale, color=colour, marker=marker, ms=5.5, linestyle="")
        values = [scale * value for value in estimate.per_seed]
        _seed_points(axis, [at + step / 3] * len(values), values, colour)
        below = -0.025 - 0.05 * (1 - i % 2)  # for two digits there is no room side by side
        across = axis.get_xaxis_transform()
        axis.text(at, below, str(i + 1), transform=across, fontsize=6, ha="center", va="top")
    end = edge + (len(styles) + 0.5) * step if styles else edge
    axis.axvspan(edge, end, color=GREY, alpha=0.08, linewidth=0)
    axis.set_xlim(-0.04 * width, end)
    axis.set_xticks([tick for tick in axis.get_xticks() if 0 <= tick <= width])
    if width == 100:
        axis.set_xticks([0, 25, 50, 75, 100])
    if axis.get_ylim()[0] < 0:  # where all are at zero
        axis.set_ylim(bottom=0)
    return axis


def _reference_lines(draw: Any, report: Report, place: Place, metric: Metric) -> None:
    """The baseline's level and the chance level, across the panel."""
    scale = metric.form[0]
    base = report.summary.levels.get((place, report.baseline, metric.key))
    if base is not None:
        draw(base.value * scale, color=GREY, linewidth=0.8, linestyle=":")
    if metric.chance is not None:
        draw(metric.chance * scale, color=BLACK, linewidth=1.1, linestyle="--")


def _bands(
    report: Report, place: Place, metric: Metric, set_limits: Callable[[float, float], object]
) -> dict[str, tuple[float, float]]:
    """The `_band` of every recipe as it is drawn. Infinite ends lie on the panel's edge, for which
    `set_limits` is called: items of a single cluster tell nothing of others."""
    scale, names = metric.form[0], report.results.recipes_at(place)
    bands = {name: _band(report, place, name, metric) for name in names}
    if np.isfinite(list(bands.values())).all():
        return {name: (scale * low, scale * high) for name, (low, high) in bands.items()}
    values = [x for name in names for x in report.summary.level(place, name, metric).per_seed]
    shown = [x for x in (*values, *itertools.chain(*bands.values())) if np.isfinite(x)]
    room = 0.15 * (max(shown) - min(shown)) or 0.1 * abs(shown[0]) or 0.1
    edges = scale * (min(shown) - room), scale * (max(shown) + room)
    set_limits(*edges)
    return {
        name: (max(edges[0], scale * low), min(edges[1], scale * high))
        for name, (low, high) in bands.items()
    }


def _band(report: Report, place: Place, recipe: str, metric: Metric) -> tuple[float, float]:
    """Interval of the paired difference to the baseline, around the recipe's mean."""
    estimate = report.summary.level(place, recipe, metric)
    comparison = report.summary.comparison(place, recipe, metric)
    if comparison is None:
        if recipe == report.baseline:
            return estimate.value, estimate.value
        return estimate.low, estimate.high
    # On the recipe's own mean, which differs from base + difference if their seeds differ.
    shift = estimate.value - comparison.difference.value
    return shift + comparison.difference.low, shift + comparison.difference.high


def _seed_points(axis: Axes, x: Sequence[float], y: Sequence[float], colour: str) -> None:
    axis.plot(
        x,
        y,
        linestyle="",
        marker="o",
        ms=2.6,
        markerfacecolor="white",
        markeredgecolor=colour,
        markeredgewidth=0.8,
        zorder=4,
    )


def _other_styles(report: Report, place: Place) -> dict[str, tuple[str, str]]:
    """Colour and marker of the recipes that are not on the line: 25 different pairs."""
    sweep = swept_recipes(report.results, place)
    names = [name for name in report.results.recipes_at(place) if name not in sweep]
    count = len(_COLOURS)
    return {
        name: (_COLOURS[i % count], _MARKERS[(i + i // count) % count])
        for i, name in enumerate(names)
    }


def _share_keys(report: Report, place: Place) -> list[Key]:
    percent = whole_percent(report.summary.settings.confidence)
    keys = [
        Key("one phase (mean of seeds)", BLUE, "o", "-"),
        Key(f"{percent} interval of difference to baseline", BLUE, band=True),
        Key("one seed", GREY, "o", face="white"),
    ]
    for number, (name, (colour, marker)) in enumerate(_other_styles(report, place).items(), 1):
        note = _why_apart(report, name, place)
        keys.append(Key(f"{number} {name} ({note})", colour, marker, "-"))
    return [*keys, *_reference_keys(report, place)]


def _why_apart(report: Report, recipe: str, place: Place) -> str:
    """Why a recipe is no point of the line, and its share of the source if it has one."""
    results, line = report.results, swept_recipes(report.results, place)
    arm, share = results.arms_of(recipe, place)[0], results.share(recipe, place)
    tokens = [results.arms_of(name, place)[0].tokens for name in line]
    if len(arm.phases) > 1:
        reason = "several phases"
    elif any(same_budget(arm.tokens, t) for t in tokens):
        reason = "another mixture"
    else:
        reason = "another budget"
    return f"{reason}, {100 * share:.0f} % {report.record.source}" if share else reason


def _reference_keys(report: Report, place: Place) -> list[Key]:
    keys = []
    if report.baseline in report.results.recipes_at(place):
        keys.append(Key(f"baseline {report.baseline}", GREY, line=":"))
    if any(metric.chance is not None for metric in report.summary.metrics):
        keys.append(Key("chance", BLACK, line="--"))
    return keys


def _level_panel(report: Report, place: Place, metric: Metric) -> Axes:
    """Scores recipe by recipe: a row each, with the interval of the difference to the baseline."""
    names, scale = report.results.recipes_at(place), metric.form[0]
    better = "lower is better" if metric.lower_is_better else "higher is better"
    axis = panel(metric.label, x_label=f"{metric.unit}\n({better})", rows=names, row_inches=0.36)
    _reference_lines(axis.axvline, report, place, metric)
    bands = _bands(report, place, metric, axis.set_xlim)
    for y, name in enumerate(names):
        estimate = report.summary.level(place, name, metric)
        colour = GREY if name == report.baseline else BLUE
        axis.plot(bands[name], [y, y], color=colour, linewidth=1.6)
        axis.plot(estimate.value * scale, y, color=colour, marker="o", ms=5.5, linestyle="")
        values = [scale * value for value in estimate.per_seed]
        _seed_points(axis, values, [y + 0.22] * len(values), colour)
    return axis


def _level_keys(report: Report) -> list[Key]:
    percent = whole_percent(report.summary.settings.confidence)
    label = f"mean of seeds, {percent} interval of difference to baseline"
    return [Key(label, BLUE, "o", "-"), Key("one seed", GREY, "o", face="white")]


def published_figure() -> Drawing:
    """The reference study's own sweep (470M parameters, 200B tokens), as published."""
    sweep, panels = published.SWEEP, []
    for title, values, label in (
        ("reasoning (11 tasks)", sweep.reasoning, "accuracy, %"),
        ("world knowledge (2 tasks)", sweep.knowledge, "exact match, %"),
        ("code (2 tasks)", sweep.code, "pass@1, %"),
    ):
        axis = panel(title, label, "share of code, %", height=2.2)
        axis.plot([100 * share for share in sweep.code_share], values, color=GREY, marker="o", ms=4)
        axis.set_xticks([0, 25, 50, 75, 100])
        panels.append(axis)
    return Drawing("Published scores against the share of code", tuple(panels))
