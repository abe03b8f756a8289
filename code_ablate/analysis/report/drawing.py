"""Drawings of a report: panels and one legend, light, printable, safe for colour-blind readers.

    axis = panel("text", "bits per byte", "share of code, %")
    drawing = Drawing("Scores against the share of code", (axis, ...), keys)
    drawing.svgs()                              # Markup of each panel, for a page
    save_png([drawing], "docs/main_figure.png")     # the panels side by side, for a README

A panel is a figure of its own, so that a page can set panels below each other on a phone. Its
margins are set by hand: to measure text takes longer than to draw it. Text stays text, which can be
searched, and is shown in the page's font.

Colours are those of Okabe and Ito (2008). Matplotlib's object interface is used, not pyplot, so
that no global state or backend is touched.
"""

import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from etils import epath
from jaxtyping import UInt8
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.image import imsave
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from code_ablate import storage
from code_ablate.analysis.report.elements import Key
from code_ablate.errors import UserError

BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
)
GREY, BLACK = "#6b6b6b", "#000000"
COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
"""Colours of several lines or groups, in order."""
MARKERS = ("o", "s", "^", "D", "v", "P")
"""Markers of several lines or groups, in order."""
LOOKS = tuple(zip(COLOURS, ("o", "D", "^", "s", "v", "P"), strict=True))
"""Colour and marker of several groups, in order: the first two are a circle and a diamond."""
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
    "svg.fonttype": "none",
    "text.parse_math": False,  # names may hold a "$"
}
README_LIMIT_BYTES = 200_000
_NO_METADATA: dict[str, Any] = {"Software": None}  # the same figure gives the same bytes
_COLUMNS = 3
_PANEL_INCHES = (3.3, 2.55)
_TITLE_INCHES, _LABEL_INCHES, _LINE_INCHES = 0.3, 0.48, 0.17
_RIGHT_INCHES = 0.2
"""Room on the right for half of a tick's label, which may stand at the end of the axis."""
_LETTER_INCHES = 0.078
"""Width of a letter of a label, a little more than most have."""
_TITLE_LETTER_INCHES = 0.093
"""The same of a title, which is larger and bold."""


@dataclass(frozen=True)
class Drawing:
    """Panels that share a legend."""

    alt: str
    """What they show, for readers who do not see them."""
    panels: tuple[Axes, ...]
    """What `panel` made, each in a figure of its own."""
    keys: tuple[Key, ...] = ()
    """The legend."""
    heading: str = ""
    """What stands above, where there are several drawings of a kind."""

    def svgs(self) -> list[Markup]:
        """The panels as SVG elements of a page."""
        return [
            to_svg(figure, f"{self.alt}: {axis.get_label()}")
            for axis, figure in zip(self.panels, self.figures, strict=True)
        ]

    @property
    def figures(self) -> list[Figure]:
        """The figure of each panel."""
        return [figure for axis in self.panels if (figure := axis.get_figure(root=True))]


def panel(
    title: str,
    y_label: str = "",
    x_label: str = "",
    *,
    rows: Sequence[str] = (),
    row_inches: float = 0.26,
    name_letters: int = 0,
    width: float = _PANEL_INCHES[0],
    height: float = _PANEL_INCHES[1],
) -> Axes:
    """An empty panel. With `rows`, these name positions 0, 1, ... from the top down.

    `name_letters`: letters for which there is room in the names of rows, where other panels beside
    it have longer ones.
    """
    left = 0.3 + 0.32 * bool(y_label)
    bottom = _LABEL_INCHES + _LINE_INCHES * x_label.count("\n")
    if rows:
        left = 0.15 + _LETTER_INCHES * max(name_letters, *map(len, rows))
        width = max(width, left + 2.0)
        height = bottom + _TITLE_INCHES + row_inches * (len(rows) + 0.4)
    with mpl.rc_context({**STYLE, "axes.grid.axis": "x" if rows else "both"}):
        figure = Figure(figsize=(width, height))
        box = (left, bottom, width - left - _RIGHT_INCHES, height - bottom - _TITLE_INCHES)
        axis = figure.add_axes((box[0] / width, box[1] / height, box[2] / width, box[3] / height))
        # Above names of rows, which it may be longer than; where y is set, nothing is measured.
        axis.set_label(title)  # in full, for readers who do not see it
        title_left = 0.1 if rows else left
        fitting = int((width - title_left) / _TITLE_LETTER_INCHES)
        axis.set_title(_shortened(title, fitting), x=(title_left - left) / box[2], y=1.0)
        axis.set_ylabel(y_label)
        axis.set_xlabel(x_label)
        if rows:
            axis.set_yticks(range(len(rows)), rows)
            axis.set_ylim(len(rows) - 0.5, -0.5)
            axis.spines["left"].set_visible(False)
            axis.tick_params(axis="y", length=0)
        else:
            axis.yaxis.set_major_locator(mpl.ticker.MaxNLocator(5))
    return axis


def _shortened(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: letters - 1] + "…"


def to_svg(figure: Figure, alt: str) -> Markup:
    """The figure as an SVG element that can stand in a page beside others.

    Its size is the page's to set. What only a file of its own needs is left out: declarations,
    names that nothing refers to, rules of style that would reach the whole page.
    """
    buffer = io.StringIO()
    with mpl.rc_context(STYLE):
        # Not `savefig`, which draws every figure twice, the first time for a layout.
        FigureCanvasSVG(figure).print_svg(buffer, metadata=dict.fromkeys(_METADATA))
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    box = re.search(r'viewBox="[^"]*"', text)
    assert box is not None, "matplotlib writes a viewBox"
    body = text[text.index(">", box.end()) + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', body))
    body = re.sub(r' id="([^"]*)"', lambda m: m[0] if m[1] in used else "", body)
    own = hashlib.sha256(body.encode()).hexdigest()[:8]  # a name is once in a page
    body = re.sub(r'( id="|href="#|url\(#)(?=[^")])', rf"\g<1>{own}-", body)
    label = f'<svg role="img" aria-label="{escape(alt)}" {box[0]} stroke-linejoin="round">'
    return Markup(re.sub(r"\n\s*", "\n", label + body))


_METADATA = ("Creator", "Date", "Format", "Type")


def save_png(drawings: Sequence[Drawing], path: epath.PathLike) -> epath.Path:
    """Saves drawings, one below the other, as a PNG of up to 100 dots per inch. Returns the path.

    It has at most 200 kB for each drawing. Raises UserError if they do not fit with 60 dots.
    """
    path = epath.Path(path)
    limit = README_LIMIT_BYTES * len(drawings)
    dots_per_inch = 100.0
    while dots_per_inch >= 60:
        buffer = io.BytesIO()
        pixels = _below([_pixels_of(drawing, dots_per_inch) for drawing in drawings])
        imsave(buffer, pixels, format="png", dpi=dots_per_inch, metadata=_NO_METADATA)
        if buffer.tell() < limit:
            path.parent.mkdir(parents=True, exist_ok=True)
            storage.replace(path, buffer.getvalue())
            return path
        # The size grows a little slower than the number of dots.
        dots_per_inch *= 0.97 * (limit / buffer.tell()) ** 0.5
    panels = max(len(drawing.panels) for drawing in drawings)
    raise UserError(
        f"the main figure has {panels} panels and does not fit into "
        f"{README_LIMIT_BYTES // 1000} kB; name fewer tasks in the suite."
    )


_Pixels = UInt8[np.ndarray, "height width 4"]


def _pixels_of(drawing: Drawing, dots_per_inch: float) -> _Pixels:
    """Legend, then the panels in rows of three."""
    panels = [_pixels(figure, dots_per_inch) for figure in drawing.figures]
    rows = [panels[i : i + _COLUMNS] for i in range(0, len(panels), _COLUMNS)]
    body = _below([_beside(row) for row in rows])
    legend = _legend(drawing, body.shape[1] / dots_per_inch)
    return _below([_pixels(legend, dots_per_inch), body])


def _legend(drawing: Drawing, width: float) -> Figure:
    """The legend as a figure, `width` inches wide."""
    longest = max((len(key.label) for key in drawing.keys), default=0)
    columns = max(1, int(width / (0.6 + 0.075 * longest)))
    lines = -(-len(drawing.keys) // columns) + bool(drawing.heading)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, 0.1 + 0.21 * max(1, lines)))
        figure.legend(
            handles=[_handle(key) for key in drawing.keys],
            title=drawing.heading or None,
            title_fontproperties={"weight": "bold"},
            loc="upper center",
            ncols=columns,
            frameon=False,
            fontsize=8.5,
            borderpad=0.1,
        )
    return figure


def _handle(key: Key) -> Line2D | Patch:
    if key.band:
        return Patch(color=key.colour, alpha=0.18, label=key.label)
    return Line2D(
        [],
        [],
        color=key.colour,
        linestyle=key.line,  # type: ignore[arg-type]
        marker=key.marker or None,
        ms=5,
        mfc=key.face or key.colour,
        label=key.label,
    )


def _pixels(figure: Figure, dots_per_inch: float) -> _Pixels:
    with mpl.rc_context(STYLE):
        figure.set_dpi(dots_per_inch)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def _below(images: Sequence[_Pixels]) -> _Pixels:
    """The images one below the other, on white."""
    width = max(image.shape[1] for image in images)
    return np.concatenate([_padded(image, image.shape[0], width) for image in images])


def _beside(images: Sequence[_Pixels]) -> _Pixels:
    """The images side by side, on white."""
    height = max(image.shape[0] for image in images)
    return np.concatenate([_padded(image, height, image.shape[1]) for image in images], axis=1)


def _padded(image: _Pixels, height: int, width: int) -> _Pixels:
    missing = ((0, height - image.shape[0]), (0, width - image.shape[1]), (0, 0))
    return np.pad(image, missing, constant_values=255)
