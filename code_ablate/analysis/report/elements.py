"""What a page is made of, as plain values: sections, tables, drawings. Templates write them.

Table(head, rows, caption)       # a row is a tuple of cells; its first cell is its header
Section("noise", "Noise", render("noise.html", tables=tables))

Text is text: templates escape it. `Markup` alone is HTML already.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup


@dataclass(frozen=True)
class Line:
    """A further line in a cell, smaller than the first."""

    text: str
    """What it says."""
    mark: bool = False
    """Whether it warns of something, and stands out."""


@dataclass(frozen=True)
class Cell:
    """A cell of a table."""

    text: str
    """Its first line."""
    lines: tuple[Line, ...] = ()
    """What stands below, smaller."""
    style: str = ""
    """Class in the style sheet: "better", "worse", "open", "code" or "wrap"; empty for a number."""
    span: int = 1
    """Columns that it takes."""
    data: Mapping[str, object] = field(default_factory=dict)
    """Data attributes by name without "data-", so that scripts can read the numbers unrounded."""


@dataclass(frozen=True)
class Table:
    """A table. Columns hold numbers, but for the first and the `text_columns`."""

    head: Sequence[Cell]
    """Titles of the columns."""
    rows: Sequence[Sequence[Cell]]
    """The cells by row."""
    caption: str = ""
    """What it shows."""
    text_columns: tuple[int, ...] = ()
    """Numbers of further columns that hold text."""


@dataclass(frozen=True)
class Section:
    """A part of the page that the list of contents names."""

    anchor: str
    """Its id in the page: `report.html#ANCHOR` leads to it."""
    title: str
    """Its heading, and its line in the list of contents."""
    html: Markup
    """What stands under the heading."""


@dataclass(frozen=True)
class Key:
    """An entry of a drawing's legend."""

    label: str
    """What it stands for."""
    colour: str
    """Its colour, as "#rrggbb"."""
    marker: str = ""
    """Shape of its points, as matplotlib names it: one of "o s ^ v D P"; empty for none."""
    line: str = ""
    """Its line: "-", "--", ":" or "-."; empty for none."""
    face: str = ""
    """Colour inside of its points; empty for the same as around them."""
    band: bool = False
    """Whether it is an area, and neither points nor a line."""


def cells(*texts: str) -> tuple[Cell, ...]:
    """A cell for each text."""
    return tuple(map(Cell, texts))


def lines(*texts: str) -> tuple[Line, ...]:
    """A line for each text."""
    return tuple(map(Line, texts))
