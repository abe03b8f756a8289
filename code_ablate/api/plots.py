"""Pictures of frames, as a notebook shows them.

    plot = lines_plot(frame, x="tokens", y="value", of="corpus", labels=("tokens", "loss"))
    plot.save("curves.svg")

A `Plot` shows itself in a notebook whether or not matplotlib was set up there.
"""

import contextlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import pandas as pd
from etils import epath
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter, StrMethodFormatter
from PIL import Image

from code_ablate.analysis.report.law_figures import STYLE, save_figure
from code_ablate.shown import one_line

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito (2008): told apart by colour-blind readers."""

_MARKS = ("o", "s", "^", "D", "v", "P", "X")
_DOTS_PER_INCH = 80
_COLOURS_KEPT = 64
_MOST_MARKS = 12
"""Most marks on a line, which would hide it."""
_WHOLE = StrMethodFormatter("{x:,.0f}")


@dataclass(frozen=True)
class Plot:
    """A picture. It is shown where it is the last value of a notebook's cell."""

    figure: Figure
    """Matplotlib's figure, to be changed or drawn elsewhere."""

    def save(self, path: epath.PathLike) -> None:
        """Writes it as SVG, PNG or PDF, by the ending of the name. UserError for another one."""
        save_figure(self.figure, path)

    def _repr_png_(self) -> bytes:
        drawn, small = io.BytesIO(), io.BytesIO()
        with mpl.rc_context(STYLE):
            FigureCanvasAgg(self.figure)
            self.figure.savefig(drawn, format="png", dpi=_DOTS_PER_INCH)
        # A few colours are enough, and keep notebooks small.
        picture = Image.open(drawn).convert("RGB").quantize(_COLOURS_KEPT, dither=Image.Dither.NONE)
        picture.save(small, format="png", optimize=True)
        return small.getvalue()


@contextlib.contextmanager
def _axes(width: float = 6.4, height: float = 3.4) -> Iterator[tuple[Figure, Axes]]:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, figure.subplots()
        FigureCanvasAgg(figure)
        figure.draw_without_rendering()


def lines_plot(
    frame: pd.DataFrame,
    x: str,
    y: str,
    of: str,
    labels: tuple[str, str],
    *,
    title: str = "",
    unit: Sequence[str] = (),
) -> Plot:
    """A line for each value of the column `of`, in the order of their first rows.

    `unit`: columns whose different values are lines of their own, of one colour, such as seeds.
    """
    with _axes() as (figure, axis):
        for number, (name, rows) in enumerate(frame.groupby(of, sort=False)):
            colour, mark = _colour(number), _MARKS[number % len(_MARKS)]
            dashes = "-" if number < len(COLOURS) else "--"
            parts = rows.groupby(list(unit), sort=False) if unit else [((), rows)]
            for part, (_, line) in enumerate(parts):
                axis.plot(
                    line[x], line[y], dashes, color=colour, marker=mark, ms=4, linewidth=1.3,
                    markevery=-(-len(line) // _MOST_MARKS),
                    label=one_line(name) if part == 0 else None,
                )  # fmt: skip
        axis.set_xlabel(labels[0])
        axis.set_ylabel(labels[1])
        axis.set_title(one_line(title))
        axis.xaxis.set_major_formatter(_WHOLE)
        if len(frame):
            figure.legend(loc="outside right upper", frameon=False, fontsize=8)
    return Plot(figure)


def bars_plot(
    frame: pd.DataFrame,
    name: str,
    values: Mapping[str, str],
    label: str,
    *,
    title: str = "",
    factor: float = 1.0,
) -> Plot:
    """Horizontal bars, a group for each row: the first row on top.

    `values`: what each bar of a group is called, by its column; `factor`: what values are
    multiplied with.
    """
    y, height = np.arange(len(frame)), 0.8 / len(values)
    with _axes(height=max(1.8, 0.22 * len(frame) * len(values) + 1.2)) as (figure, axis):
        for number, (column, called) in enumerate(values.items()):
            place = y + (number - (len(values) - 1) / 2) * height
            width = factor * frame[column]
            axis.barh(place, width, height, color=_colour(number), label=called)
        axis.set_yticks(y, [one_line(text) for text in frame[name]])
        axis.invert_yaxis()
        axis.set_xlabel(label)
        axis.set_title(one_line(title))
        if len(values) > 1:
            axis.legend(frameon=False, fontsize=8)
    return Plot(figure)


def intervals_plot(
    frame: pd.DataFrame,
    panel: str,
    row: str,
    of: str,
    ends: tuple[str, str, str],
    unit: str,
    *,
    face: str = "",
    origin: float | None = None,
) -> Plot:
    """A panel for each value of a column, in it a line for each `row`, and a mark for each `of`.

    `ends`: columns of the value and of the ends of its interval; `unit`: column with the unit of a
    panel; `face`: column with the colour inside of a mark, empty for its own; `origin`: where a
    line is drawn.
    """
    panels = list(dict.fromkeys(frame[panel]))
    rows, groups = list(dict.fromkeys(frame[row])), list(dict.fromkeys(frame[of]))
    columns = max(1, min(3, len(panels)))
    lines = -(-len(panels) // columns)
    height = 0.24 * len(rows) + 0.9
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(3.4 * columns, height * lines + 0.4), layout="constrained")
        axes = figure.subplots(lines, columns, squeeze=False, sharey=True).ravel()
        for axis, name in zip(axes, panels, strict=False):
            part = frame[frame[panel] == name]
            for number, group in enumerate(groups):
                _marks(axis, part[part[of] == group], rows, row, ends, face, number, len(groups))
            axis.set_title(one_line(name))
            axis.set_xlabel(one_line(part[unit].iloc[0]))
            axis.set_yticks(range(len(rows)), [one_line(text) for text in rows])
            axis.set_ylim(len(rows) - 0.5, -0.5)
            if origin is not None:
                axis.axvline(origin, color="#444444", linewidth=0.9)
        for axis in axes[len(panels) :]:
            axis.set_axis_off()
        handles = [
            Line2D([], [], color=_colour(n), marker=_MARKS[n % len(_MARKS)], label=one_line(group))
            for n, group in enumerate(groups)
        ]
        if len(groups) > 1:
            figure.legend(handles=handles, loc="outside upper center", ncols=4, frameon=False)
        FigureCanvasAgg(figure)
        figure.draw_without_rendering()
    return Plot(figure)


def _marks(
    axis: Axes,
    part: pd.DataFrame,
    rows: Sequence[str],
    row: str,
    ends: tuple[str, str, str],
    face: str,
    number: int,
    groups: int,
) -> None:
    """The values of one group in one panel, each a little below those of the group before."""
    colour, beside = _colour(number), 0.3 * (number - (groups - 1) / 2) / max(1, groups - 1)
    for one in part.to_dict("records"):
        value, low, high = (one[end] for end in ends)
        y = rows.index(one[row]) + beside
        axis.plot([low, high], [y, y], color=colour, linewidth=1.4)
        inside = (one[face] if face else "") or colour
        axis.plot(value, y, _MARKS[number % len(_MARKS)], color=colour, mfc=inside, ms=4.5)


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def histogram_plot(values: pd.Series, label: str, *, title: str = "") -> Plot:
    """How often values occur, on a logarithmic scale of the values, which are above 0."""
    edges = np.geomspace(max(1.0, values.min()), max(2.0, values.max() + 1.0), 41)
    with _axes() as (figure, axis):
        axis.hist(values, bins=edges.tolist(), color=COLOURS[0])
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter(_WHOLE)
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.set_xlabel(label)
        axis.set_ylabel("documents")
        axis.set_title(one_line(title))
    return Plot(figure)
