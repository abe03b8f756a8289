"""Figures of a report: light, printable, safe for colour-blind readers, embedded as data URIs.

    figure = main_figure(report, report.places[0])
    html = f'<img src="{to_data_uri(figure)}" alt="...">'
    save_png([figure], "docs/main_figure.png")  # small, for a README

Colours are those of Okabe and Ito (2008). Matplotlib's object interface is used, not pyplot, so
that no global state or backend is touched.
"""

import base64
import io
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from etils import epath
from jaxtyping import UInt8
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.image import imsave
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from code_ablate.analysis.estimation.estimates import Comparison, Metric
from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.report import published
from code_ablate.analysis.report.content import Report, stage_title
from code_ablate.analysis.report.phrases import whole_percent
from code_ablate.analysis.report.sweep import swept_recipes
from code_ablate.errors import UserError

BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
)
GREY = "#6b6b6b"
_COLOURS = (VERMILION, GREEN, PURPLE, ORANGE, SKY)
_MARKERS = ("s", "^", "D", "v", "P")
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same everywhere
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": "#999999",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.7,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "svg.hashsalt": "code-ablate",  # the same figure gives the same bytes
    "svg.fonttype": "path",
    "text.parse_math": False,  # names may hold a "$"
}
README_LIMIT_BYTES = 200_000
_NO_METADATA: dict[str, Any] = {"Software": None}  # the same figure gives the same bytes


def main_figures(report: Report) -> dict[Place, Figure]:
    """The main figure of each model size, at its first stage."""
    return {place: main_figure(report, place) for place in report.first_places()}


def main_figure(report: Report, place: Place) -> Figure:
    """Scores of all recipes at one size and stage: a panel per domain and per category.

    Against the share of the source where the study has a sweep of it; else recipe by recipe.
    """
    if swept_recipes(report.results, place):
        return _share_figure(report, place)
    return _level_figure(report, place)


def _share_figure(report: Report, place: Place) -> Figure:
    """Score against the share of the source.

    Recipes of one phase that differ in that share alone make the line; small points are seeds. The
    band is the interval of the paired difference to the baseline, drawn around the recipe's mean.
    Other recipes are markers at their total share.
    """
    metrics = report.summary.metrics
    columns = min(3, len(metrics))
    rows = -(-len(metrics) // columns)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(3.3 * columns, 2.55 * rows + 0.75), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for axis, metric in zip(axes, metrics, strict=False):
            _share_panel(axis, report, place, metric)
        for axis in axes[len(metrics) :]:
            axis.set_axis_off()
        _finish(figure, report, place, _share_legend(report, place), 2 if columns < 3 else 3)
        return _laid_out(figure)


def _finish(
    figure: Figure, report: Report, place: Place, handles: list[Line2D | Patch], columns: int
) -> None:
    """Legend above, and the size in words where the study has several."""
    figure.legend(
        handles=handles,
        title=f"{place.size}, {stage_title(place.stage)}" if report.several_sizes else None,
        title_fontproperties={"weight": "bold"},
        loc="outside upper center",
        ncols=columns,
        frameon=False,
        fontsize=8.5,
    )


def _share_panel(axis: Axes, report: Report, place: Place, metric: Metric) -> None:
    results, summary = report.results, report.summary
    scale = metric.form[0]
    _reference_lines(axis.axhline, report, place, metric)
    sweep = swept_recipes(results, place)
    shares = {name: 100 * results.share(name, place) for name in results.recipes_at(place)}
    width = 100.0 if max(shares.values()) > 50 else max(shares.values())
    x = [shares[name] for name in sweep]
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
    for name, (colour, marker) in _other_styles(report, place).items():
        share, estimate = shares[name], summary.level(place, name, metric)
        axis.plot([share, share], bands[name], color=colour, linewidth=1.4)
        axis.plot(share, estimate.value * scale, color=colour, marker=marker, ms=6.5, linestyle="")
        values = [scale * value for value in estimate.per_seed]
        _seed_points(axis, [share + beside] * len(values), values, colour)
    axis.set_title(metric.label)
    axis.set_ylabel(metric.unit)
    axis.set_xlabel(f"share of {report.record.source}, %")
    axis.set_xlim(-0.04 * width, 1.06 * width)
    if width == 100:
        axis.set_xticks([0, 25, 50, 75, 100])
    if axis.get_ylim()[0] < 0:  # where all are at zero
        axis.set_ylim(bottom=0)


def _reference_lines(draw: Any, report: Report, place: Place, metric: Metric) -> None:
    """The baseline's level and the chance level, across the panel."""
    scale = metric.form[0]
    base = report.summary.levels.get((place, report.baseline, metric.key))
    if base is not None:
        draw(base.value * scale, color=GREY, linewidth=0.8, linestyle=":")
    if metric.chance is not None:
        draw(metric.chance * scale, color="black", linewidth=1.1, linestyle="--")


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


def _share_legend(report: Report, place: Place) -> list[Line2D | Patch]:
    percent = whole_percent(report.summary.settings.confidence)
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=BLUE, marker="o", ms=4, label="one phase (mean of seeds)"),
        Patch(color=BLUE, alpha=0.18, label=f"{percent} interval of difference to baseline"),
        Line2D([], [], color=GREY, linestyle="", marker="o", mfc="white", ms=3, label="one seed"),
    ]
    for name, (colour, marker) in _other_styles(report, place).items():
        phases = len(report.results.arms_of(name, place)[0].phases)
        note = "several phases" if phases > 1 else "another mixture"
        handles.append(Line2D([], [], color=colour, marker=marker, ms=6, label=f"{name} ({note})"))
    return [*handles, *_reference_legend(report, place)]


def _reference_legend(report: Report, place: Place) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = []
    if report.baseline in report.results.recipes_at(place):
        label = f"baseline {report.baseline}"
        handles.append(Line2D([], [], color=GREY, linestyle=":", label=label))
    if any(metric.chance is not None for metric in report.summary.metrics):
        handles.append(Line2D([], [], color="black", linestyle="--", label="chance"))
    return handles


def _level_figure(report: Report, place: Place) -> Figure:
    """Scores recipe by recipe: a row each, with the interval of the difference to the baseline."""
    metrics, names = report.summary.metrics, report.results.recipes_at(place)
    columns = min(3, len(metrics))
    rows = -(-len(metrics) // columns)
    with mpl.rc_context({**STYLE, "axes.grid.axis": "x"}):
        height = rows * (0.38 * len(names) + 0.85) + 0.6
        figure = Figure(figsize=(1.3 + 2.9 * columns, height), layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
        for axis, metric in zip(grid.ravel(), metrics, strict=False):
            _level_panel(axis, report, place, metric, names)
        for axis in grid.ravel()[len(metrics) :]:
            axis.set_axis_off()
        _finish(figure, report, place, _level_legend(report, place), 2 if columns < 3 else 4)
        return _laid_out(figure)


def _level_panel(
    axis: Axes, report: Report, place: Place, metric: Metric, names: Sequence[str]
) -> None:
    scale = metric.form[0]
    _reference_lines(axis.axvline, report, place, metric)
    bands = _bands(report, place, metric, axis.set_xlim)
    for y, name in enumerate(names):
        estimate = report.summary.level(place, name, metric)
        colour = GREY if name == report.baseline else BLUE
        axis.plot(bands[name], [y, y], color=colour, linewidth=1.6)
        axis.plot(estimate.value * scale, y, color=colour, marker="o", ms=5.5, linestyle="")
        values = [scale * value for value in estimate.per_seed]
        _seed_points(axis, values, [y + 0.22] * len(values), colour)
    better = "lower is better" if metric.lower_is_better else "higher is better"
    axis.set_title(metric.label)
    axis.set_xlabel(f"{metric.unit}\n({better})")
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.5, -0.5)


def _level_legend(report: Report, place: Place) -> list[Line2D | Patch]:
    percent = whole_percent(report.summary.settings.confidence)
    label = f"mean of seeds, {percent} interval of difference to baseline"
    return [
        Line2D([], [], color=BLUE, marker="o", ms=5, label=label),
        Line2D([], [], color=GREY, linestyle="", marker="o", mfc="white", ms=3, label="one seed"),
        *_reference_legend(report, place),
    ]


def forest_figure(report: Report, size: str) -> Figure | None:
    """Relative change to the baseline at one model size, per metric and recipe, with intervals.

    Filled markers are comparisons that hold after Holm's correction. Metrics without a relative
    change are left out. None if there is none (no recipe shares a seed with the baseline).
    """
    comparisons = report.summary.comparisons
    drawable = [c for c in comparisons if c.gain is not None and c.place.size == size]
    if not drawable:
        return None
    present = {comparison.recipe for comparison in drawable}
    names = [recipe.name for recipe in report.record.recipes if recipe.name in present]
    metrics = [m for m in report.summary.metrics if any(c.metric == m for c in drawable)]
    columns = min(3, len(metrics))
    rows = -(-len(metrics) // columns)
    styles = _place_styles(report.results.places_of(size))
    with mpl.rc_context({**STYLE, "axes.grid.axis": "x"}):
        height = rows * (0.34 * len(names) + 0.85) + 0.5
        figure = Figure(figsize=(1.3 + 2.9 * columns, height), layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
        for axis, metric in zip(grid.ravel(), metrics, strict=False):
            _forest_panel(axis, [c for c in drawable if c.metric == metric], metric, names, styles)
        for axis in grid.ravel()[len(metrics) :]:
            axis.set_axis_off()
        figure.legend(
            handles=_forest_legend(report, styles),
            loc="outside upper center",
            ncols=min(4, len(styles) + 1),
            frameon=False,
            fontsize=8.5,
        )
        return _laid_out(figure)


_PlaceStyles = Mapping[Place, tuple[str, str, float]]


def _place_styles(places: Sequence[Place]) -> _PlaceStyles:
    """Colour, marker and vertical offset of each stage, the first one on top."""
    looks = ((BLUE, "o"), (VERMILION, "D"), (GREEN, "^"), (PURPLE, "s"), (ORANGE, "v"), (SKY, "P"))
    span = 0.3 if len(places) < 3 else 0.5
    step = span / max(1, len(places) - 1)
    start = -span / 2 if len(places) > 1 else 0.0
    return {place: (*looks[i % len(looks)], start + i * step) for i, place in enumerate(places)}


def _forest_panel(
    axis: Axes,
    comparisons: Sequence[Comparison],
    metric: Metric,
    names: Sequence[str],
    styles: _PlaceStyles,
) -> None:
    axis.axvline(0, color="#444444", linewidth=0.9)
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
            markerfacecolor=colour if comparison.certain() else "white",
        )
    better = "lower is better" if metric.lower_is_better else "higher is better"
    axis.set_title(metric.label)
    axis.set_xlabel(f"change in {metric.name}, %\n({better})")
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.5, -0.5)


def _forest_legend(report: Report, styles: _PlaceStyles) -> list[Line2D]:
    handles = [
        Line2D([], [], color=colour, marker=marker, label=report.title(place))
        for place, (colour, marker, _) in styles.items()
    ]
    hollow = "hollow: not certain after Holm's correction"
    return [
        *handles,
        Line2D([], [], color=GREY, marker="o", mfc="white", linestyle="", label=hollow),
    ]


def published_figure() -> Figure:
    """The reference study's own sweep (470M parameters, 200B tokens), as published."""
    sweep = published.SWEEP
    panels = (
        ("reasoning (11 tasks)", sweep.reasoning, "accuracy, %"),
        ("world knowledge (2 tasks)", sweep.knowledge, "exact match, %"),
        ("code (2 tasks)", sweep.code, "pass@1, %"),
    )
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.9, 2.5), layout="constrained")
        for axis, (title, values, label) in zip(figure.subplots(1, 3), panels, strict=True):
            shares = [100 * share for share in sweep.code_share]
            axis.plot(shares, values, color=GREY, marker="o", ms=4)
            axis.set_title(title)
            axis.set_ylabel(label)
            axis.set_xlabel("share of code, %")
            axis.set_xticks([0, 25, 50, 75, 100])
        return _laid_out(figure)


def _laid_out(figure: Figure) -> Figure:
    """The figure with its layout fixed: each file that is written of it would do that anew."""
    FigureCanvasAgg(figure)
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
    figure.set_layout_engine("none")
    return figure


def to_data_uri(figure: Figure) -> str:
    """The figure as SVG in a data URI (base64), for an HTML page without other files."""
    buffer = io.BytesIO()
    with mpl.rc_context(STYLE):
        # Not `savefig`, which draws every figure twice, the first time for a layout.
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def save_png(drawn: Sequence[Figure], path: epath.PathLike) -> epath.Path:
    """Saves figures, one below the other, as a PNG of up to 100 dots per inch. Returns the path.

    It has at most 200 kB for each figure. Raises UserError if they do not fit with 60 dots.
    """
    path = epath.Path(path)
    limit = README_LIMIT_BYTES * len(drawn)
    dots_per_inch = 100.0
    while dots_per_inch >= 60:
        buffer = io.BytesIO()
        pixels = _stacked([_pixels(figure, dots_per_inch) for figure in drawn])
        imsave(buffer, pixels, format="png", dpi=dots_per_inch, metadata=_NO_METADATA)
        if buffer.tell() < limit:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(buffer.getvalue())
            return path
        # The size grows a little slower than the number of dots.
        dots_per_inch *= 0.97 * (limit / buffer.tell()) ** 0.5
    panels = max(len(figure.axes) for figure in drawn)
    raise UserError(
        f"the main figure has {panels} panels and does not fit into "
        f"{README_LIMIT_BYTES // 1000} kB; name fewer tasks in the suite."
    )


def _pixels(figure: Figure, dots_per_inch: float) -> UInt8[np.ndarray, "height width 4"]:
    with mpl.rc_context(STYLE):
        figure.set_dpi(dots_per_inch)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def _stacked(
    images: Sequence[UInt8[np.ndarray, "height width 4"]],
) -> UInt8[np.ndarray, "height width 4"]:
    """The images one below the other, on white."""
    width = max(image.shape[1] for image in images)
    padded = [
        np.pad(image, ((0, 0), (0, width - image.shape[1]), (0, 0)), constant_values=255)
        for image in images
    ]
    return np.concatenate(padded)
