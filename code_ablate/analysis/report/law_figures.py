"""The figure of the laws of the mixture: the good mixtures, and slices through the pick.

law_drawing(optimum)                            # panels for a report
save_figure(law_figure(optimum), "law.svg")     # a file of its own
"""

import io
import itertools

import matplotlib as mpl
import numpy as np
from etils import epath
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from code_ablate import storage
from code_ablate.analysis.laws.optimum import Optimum
from code_ablate.analysis.laws.outlook import Outlook, look_at
from code_ablate.analysis.report.drawing import BLUE, GREY, STYLE, VERMILION, Drawing, panel
from code_ablate.analysis.report.elements import Key
from code_ablate.errors import UserError
from code_ablate.shown import one_line

SLICES = 6
"""Corpora that a slice is drawn for: those with the greatest shares in the pick."""
_POINTS = 25
_LONG = 24
"""Characters of a name that fit above a slice."""
_FORMATS = (".svg", ".png", ".pdf")


def law_figure(optimum: Optimum) -> Figure:
    """Ranges of the shares of good mixtures, and the objective along single corpora's shares."""
    order = np.argsort(-optimum.rates_C)[:SLICES]
    corpora = len(optimum.region.corpora)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.5, max(4.2, 0.26 * corpora + 1.4)), layout="constrained")
        FigureCanvasAgg(figure)
        halves = figure.add_gridspec(1, 2, width_ratios=(1.15, 1))
        left, right = figure.add_subfigure(halves[0]), figure.add_subfigure(halves[1])
        _ranges_panel(left.subplots(), optimum)
        rows = -(-len(order) // 2)
        axes = right.subplots(rows, 2, squeeze=False, sharey=True)
        outlook, share_SP, allowed_SP = _slices(optimum, order)
        for number, corpus in enumerate(order):
            _slice_panel(
                axes.flat[number], optimum, outlook, share_SP, allowed_SP, number, int(corpus)
            )
        for axis in axes.flat[len(order) :]:
            axis.set_axis_off()
        for row in axes:
            row[0].set_ylabel(one_line(optimum.objective.unit)[:40])
        figure.draw_without_rendering()
    return figure


def law_drawing(optimum: Optimum) -> Drawing:
    """The same as panels of a report: ranges of good mixtures, then a slice for each corpus."""
    order = np.argsort(-optimum.rates_C)[:SLICES]
    labels = _labels(optimum)
    pick_first = [labels[c] for c in np.argsort(optimum.rates_C, kind="stable")]
    ranges = panel("Mixtures as good as the best", x_label="share, %", rows=pick_first)
    ranges.invert_yaxis()
    _draw_ranges(ranges, optimum)
    panels = [ranges]
    outlook, share_SP, allowed_SP = _slices(optimum, order)
    unit = one_line(optimum.objective.unit)[:40]
    for number, corpus in enumerate(order):
        axis = panel(labels[int(corpus)], unit, "share, %")
        _draw_slice(axis, optimum, outlook, share_SP, allowed_SP, number, int(corpus))
        panels.append(axis)
    keys = [
        Key("the pick", BLUE, "o"),
        Key("good mixtures; interval of a slice", BLUE, band=True),
        Key("what runs had", GREY, line="-"),
        Key("predicted, others in the pick's proportions", BLUE, line="-"),
    ]
    if not allowed_SP.all():
        keys.append(Key("predicted, where the region does not allow it", GREY, line="--"))
    if optimum.region.today:
        keys.append(Key("today's mixture", VERMILION, "D"))
    return Drawing("Law of the mixture", tuple(panels), tuple(keys))


def _ranges_panel(axis: Axes, optimum: Optimum) -> None:
    labels = dict(zip(optimum.region.corpora, _labels(optimum), strict=True))
    names = _draw_ranges(axis, optimum)
    axis.set_yticks(np.arange(len(names)), [labels[name] for name in names])
    axis.set_xlabel("share of the tokens, %")
    axis.set_title("Mixtures as good as the best")
    axis.legend(loc="lower right", frameon=False, fontsize=8)


def _draw_ranges(axis: Axes, optimum: Optimum) -> list[str]:
    """Draws a row for each corpus, least share of the pick first; returns their names."""
    table = optimum.ranges().sort_values("pick", kind="stable").reset_index(drop=True)
    y = np.arange(len(table))
    least, greatest = 100 * table["least_run"], 100 * table["greatest_run"]
    axis.hlines(y, least, greatest, color="#a9a9a9", linewidth=1.2, label="runs had")
    least, greatest = 100 * table["least"], 100 * table["greatest"]
    axis.hlines(y, least, greatest, color=BLUE, linewidth=5, alpha=0.45, label="good mixtures")
    axis.plot(100 * table["pick"], y, "o", color=BLUE, ms=5, label="pick")
    if "today" in table:
        axis.plot(100 * table["today"], y, "D", color=VERMILION, ms=4.5, label="today")
    axis.set_xlim(left=0)
    return list(table["corpus"])


def _labels(optimum: Optimum) -> list[str]:
    """Names of the corpora, without what all begin with where they are long."""
    names = [one_line(name) for name in optimum.region.corpora]
    if max(map(len, names)) > _LONG:
        letters = itertools.takewhile(lambda same: len(set(same)) == 1, zip(*names, strict=False))
        begin = "".join(letter for letter, *_ in letters)
        names = [name.removeprefix(begin) or name for name in names]
    return [name if len(name) <= _LONG else f"{name[: _LONG - 1]}…" for name in names]


def _slices(optimum: Optimum, order: np.ndarray) -> tuple[Outlook, np.ndarray, np.ndarray]:
    """The outlook along the share of each corpus, the others in the pick's proportions.

    Also the shares and whether the region allows them, (slices, points) each.
    """
    pick_C, region = optimum.rates_C, optimum.region
    blocks, shares, allowed = [], [], []
    for corpus in order:
        top = float(optimum.stack.records.rates_NC[:, corpus].max())
        top = min(1.0, max(top, 1.2 * pick_C[corpus]), max(4 * pick_C[corpus], 0.1))
        share_P = np.linspace(0, top, _POINTS)
        others_C = np.where(np.arange(len(pick_C)) == corpus, 0.0, pick_C)
        if others_C.sum() == 0:
            others_C = 1.0 * (np.arange(len(pick_C)) != corpus)
        rates_PC = (1 - share_P[:, None]) * others_C / others_C.sum()
        rates_PC[:, corpus] = share_P
        blocks.append(rates_PC)
        shares.append(share_P)
        allowed.append(region.holds(rates_PC))
    outlook = look_at(optimum.stack, optimum.objective, np.concatenate(blocks))
    return outlook, np.stack(shares), np.stack(allowed)


def _slice_panel(
    axis: Axes,
    optimum: Optimum,
    outlook: Outlook,
    share_SP: np.ndarray,
    allowed_SP: np.ndarray,
    number: int,
    corpus: int,
) -> None:
    _draw_slice(axis, optimum, outlook, share_SP, allowed_SP, number, corpus)
    axis.set_title(_labels(optimum)[corpus], fontsize=8)
    axis.set_xlabel("share, %", fontsize=8)


def _draw_slice(
    axis: Axes,
    optimum: Optimum,
    outlook: Outlook,
    share_SP: np.ndarray,
    allowed_SP: np.ndarray,
    number: int,
    corpus: int,
) -> None:
    part = slice(number * _POINTS, (number + 1) * _POINTS)
    sign = optimum.objective.sign
    share_P, allowed_P = 100 * share_SP[number], allowed_SP[number]
    low_P, high_P = sign * outlook.interval_2M(optimum.level)[:, part]
    value_P = sign * outlook.predicted_M[part]
    axis.fill_between(share_P, low_P, high_P, color=BLUE, alpha=0.18, linewidth=0)
    axis.plot(share_P, value_P, color=GREY, linewidth=1, linestyle="--")
    axis.plot(share_P, np.where(allowed_P, value_P, np.nan), color=BLUE, linewidth=1.8)
    axis.axvline(100 * optimum.rates_C[corpus], color=GREY, linewidth=1, linestyle=":")


def save_figure(figure: Figure, path: epath.PathLike) -> None:
    """Writes the figure as SVG, PNG or PDF, by the name's ending. UserError for another one.

    Also where it cannot be written.
    """
    path = epath.Path(path)
    if path.suffix not in _FORMATS:
        raise UserError(f"a figure is written as {', '.join(_FORMATS)}, not {path.suffix!r}.")
    buffer = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(buffer, format=path.suffix[1:], dpi=150)
    storage.write_output(path, buffer.getvalue(), "the figure")
