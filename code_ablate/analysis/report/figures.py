"""Figures of a report: light, printable, safe for colour-blind readers, embedded as data URIs.

    figure = main_figure(summary)
    html = f'<img src="{to_data_uri(figure)}" alt="...">'
    save_main_figure(summary, "docs/main_figure.png")  # small, for a README

Colours are those of Okabe and Ito (2008). Matplotlib's object interface is used, not pyplot, so
that no global state or backend is touched.
"""

import base64
import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from etils import epath
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from code_ablate.analysis.estimation.estimates import Comparison, Metric
from code_ablate.analysis.estimation.summary import Summary
from code_ablate.analysis.report import published
from code_ablate.analysis.report.phrases import whole_percent
from code_ablate.analysis.results.results import STAGE_TITLES
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
_MULTI_PHASE = (
    (VERMILION, "s"),
    (GREEN, "^"),
    (PURPLE, "D"),
    (ORANGE, "v"),
    (SKY, "P"),
)
_STYLE: dict[Any, Any] = {
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
}
README_LIMIT_BYTES = 200_000


def main_figure(summary: Summary, stage: str = "pretraining") -> Figure:
    """Score against share of code: a panel per domain and per accuracy category.

    Recipes whose pre-training is one phase make the line; small points are seeds. The band is the
    interval of the paired difference to the baseline, drawn around the baseline's mean.
    Recipes of several phases are markers at their total share of code.
    """
    columns = min(3, len(summary.metrics))
    rows = -(-len(summary.metrics) // columns)
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(3.3 * columns, 2.55 * rows + 0.75), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for axis, metric in zip(axes, summary.metrics, strict=False):
            _share_panel(axis, summary, stage, metric)
        for axis in axes[len(summary.metrics) :]:
            axis.set_axis_off()
        figure.legend(
            handles=_share_legend(summary, stage),
            loc="outside upper center",
            ncols=2 if columns < 3 else 3,
            frameon=False,
            fontsize=8.5,
        )
    return figure


def _share_panel(axis: Axes, summary: Summary, stage: str, metric: Metric) -> None:
    results = summary.results
    scale = 1.0 if metric.lower_is_better else 100.0
    present = [results.recipe(name) for name in results.recipes_at(stage)]
    sweep = sorted((results.code_share(r.name, stage), r.name) for r in present if r.sweep)
    base = summary.levels.get((stage, results.baseline, metric.key))
    if base is not None:
        axis.axhline(base.value * scale, color=GREY, linewidth=0.8, linestyle=":")
    if metric.chance is not None:
        axis.axhline(metric.chance * scale, color="black", linewidth=1.1, linestyle="--")
    shares = [100 * share for share, _ in sweep]
    levels = [summary.level(stage, name, metric) for _, name in sweep]
    bands = [_band(summary, stage, name, metric) for _, name in sweep]
    axis.fill_between(
        shares,
        [low * scale for low, _ in bands],
        [high * scale for _, high in bands],
        color=BLUE,
        alpha=0.18,
        linewidth=0,
    )
    axis.plot(
        shares, [e.value * scale for e in levels], color=BLUE, linewidth=1.6, marker="o", ms=4
    )
    for share, estimate in zip(shares, levels, strict=True):
        _seed_points(axis, share, [s * scale for s in estimate.per_seed], BLUE)
    for name, (colour, marker) in _multi_phase_styles(summary, stage).items():
        share, estimate = 100 * results.code_share(name, stage), summary.level(stage, name, metric)
        low, high = (scale * end for end in _band(summary, stage, name, metric))
        axis.plot([share, share], [low, high], color=colour, linewidth=1.4)
        axis.plot(share, estimate.value * scale, color=colour, marker=marker, ms=6.5, linestyle="")
        _seed_points(axis, share, [s * scale for s in estimate.per_seed], colour)
    axis.set_title(metric.label)
    axis.set_ylabel(metric.unit)
    axis.set_xlabel("share of code in pre-training, %")
    axis.set_xlim(-4, 106)
    axis.set_xticks([0, 25, 50, 75, 100])
    if axis.get_ylim()[0] < 0:  # where all are at zero
        axis.set_ylim(bottom=0)


def _band(summary: Summary, stage: str, recipe: str, metric: Metric) -> tuple[float, float]:
    """Interval of the paired difference to the baseline, around the baseline's mean."""
    estimate = summary.level(stage, recipe, metric)
    comparison = summary.comparison(stage, recipe, metric)
    if comparison is None:
        if recipe == summary.results.baseline:
            return estimate.value, estimate.value
        return estimate.low, estimate.high
    # On the recipe's own mean, which differs from base + difference if their seeds differ.
    shift = estimate.value - comparison.difference.value
    return shift + comparison.difference.low, shift + comparison.difference.high


def _seed_points(axis: Axes, share: float, values: Sequence[float], colour: str) -> None:
    axis.plot(
        [share + 2.2] * len(values),  # beside the mean, which would hide them
        values,
        linestyle="",
        marker="o",
        ms=2.6,
        markerfacecolor="white",
        markeredgecolor=colour,
        markeredgewidth=0.8,
        zorder=4,
    )


def _multi_phase_styles(summary: Summary, stage: str) -> dict[str, tuple[str, str]]:
    names = [n for n in summary.results.recipes_at(stage) if not summary.results.recipe(n).sweep]
    return {name: _MULTI_PHASE[i % len(_MULTI_PHASE)] for i, name in enumerate(names)}


def _share_legend(summary: Summary, stage: str) -> list[Line2D | Patch]:
    percent = whole_percent(summary.settings.confidence)
    base = summary.results.baseline
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=BLUE, marker="o", ms=4, label="one phase (mean of seeds)"),
        Patch(color=BLUE, alpha=0.18, label=f"{percent} interval of difference to {base}"),
        Line2D([], [], color=GREY, linestyle="", marker="o", mfc="white", ms=3, label="one seed"),
    ]
    for name, (colour, marker) in _multi_phase_styles(summary, stage).items():
        handles.append(
            Line2D([], [], color=colour, marker=marker, ms=6, label=f"{name} (several phases)")
        )
    handles.append(Line2D([], [], color=GREY, linestyle=":", label=f"{base} level"))
    if any(metric.chance is not None for metric in summary.metrics):
        handles.append(Line2D([], [], color="black", linestyle="--", label="chance"))
    return handles


def forest_figure(summary: Summary) -> Figure | None:
    """Relative change to the baseline, per metric and recipe, with intervals.

    Filled markers are comparisons that hold after Holm's correction. Metrics without a relative
    change are left out. None if there is none (no recipe shares a seed with the baseline).
    """
    drawable = [c for c in summary.comparisons if c.gain is not None]
    if not drawable:
        return None
    names = [r.name for r in summary.results.recipes if any(c.recipe == r.name for c in drawable)]
    metrics = [metric for metric in summary.metrics if any(c.metric == metric for c in drawable)]
    columns = min(3, len(metrics))
    rows = -(-len(metrics) // columns)
    with mpl.rc_context({**_STYLE, "axes.grid.axis": "x"}):
        height = rows * (0.34 * len(names) + 0.85) + 0.5
        figure = Figure(figsize=(1.3 + 2.9 * columns, height), layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
        for axis, metric in zip(grid.ravel(), metrics, strict=False):
            _forest_panel(axis, [c for c in drawable if c.metric == metric], metric, names)
        for axis in grid.ravel()[len(metrics) :]:
            axis.set_axis_off()
        figure.legend(
            handles=_forest_legend(summary),
            loc="outside upper center",
            ncols=len(summary.results.stages) + 1,
            frameon=False,
            fontsize=8.5,
        )
    return figure


_STAGE_STYLE = {"pretraining": (BLUE, "o", -0.15), "cooldown": (VERMILION, "D", 0.15)}


def _forest_panel(
    axis: Axes, comparisons: Sequence[Comparison], metric: Metric, names: Sequence[str]
) -> None:
    axis.axvline(0, color="#444444", linewidth=0.9)
    for comparison in comparisons:
        if comparison.gain is None:
            continue
        colour, marker, offset = _STAGE_STYLE[comparison.stage]
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


def _forest_legend(summary: Summary) -> list[Line2D]:
    handles = []
    for stage in summary.results.stages:
        colour, marker, _ = _STAGE_STYLE[stage]
        handles.append(Line2D([], [], color=colour, marker=marker, label=STAGE_TITLES[stage]))
    handles.append(
        Line2D(
            [],
            [],
            color=GREY,
            marker="o",
            mfc="white",
            linestyle="",
            label="hollow: not certain after Holm's correction",
        )
    )
    return handles


def published_figure() -> Figure:
    """The reference study's own sweep (470M parameters, 200B tokens), as published."""
    sweep = published.SWEEP
    panels = (
        ("reasoning (11 tasks)", sweep.reasoning, "accuracy, %"),
        ("world knowledge (2 tasks)", sweep.knowledge, "exact match, %"),
        ("code (2 tasks)", sweep.code, "pass@1, %"),
    )
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(9.9, 2.5), layout="constrained")
        for axis, (title, values, label) in zip(figure.subplots(1, 3), panels, strict=True):
            shares = [100 * share for share in sweep.code_share]
            axis.plot(shares, values, color=GREY, marker="o", ms=4)
            axis.set_title(title)
            axis.set_ylabel(label)
            axis.set_xlabel("share of code in pre-training, %")
            axis.set_xticks([0, 25, 50, 75, 100])
    return figure


def to_data_uri(figure: Figure) -> str:
    """The figure as SVG in a data URI (base64), for an HTML page without other files."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    with mpl.rc_context(_STYLE):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def save_main_figure(summary: Summary, path: epath.PathLike) -> epath.Path:
    """Saves the main figure as a PNG under 200 kB. Returns the path.

    Takes the highest resolution that fits. Raises UserError if none does.
    """
    path = epath.Path(path)
    figure = main_figure(summary)
    FigureCanvasAgg(figure)
    for dots_per_inch in (130, 110, 90, 75, 60):
        buffer = io.BytesIO()
        with mpl.rc_context(_STYLE):
            figure.savefig(buffer, format="png", dpi=dots_per_inch, metadata={"Software": None})
        if buffer.tell() < README_LIMIT_BYTES:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(buffer.getvalue())
            return path
    raise UserError(
        f"the main figure has {len(summary.metrics)} panels and does not fit into "
        f"{README_LIMIT_BYTES // 1000} kB; name fewer tasks in the suite."
    )
