"""Fixed bins in which the values that a filter measures are counted.

    SHARE.bin(0.25)             # 13: the bin from 0.24 to 0.26
    SHARE.limits(13)            # (0.24, 0.26)
    Categories(("MIT", "ISC")).bin("GPL-3.0-only")      # 2: all others

A bin does not depend on the documents: histograms of the pieces of a corpus add up to that of the
whole, however it was cut. What belongs to a bin is from its lower limit (included) to its upper one
(excluded).
"""

import bisect
from dataclasses import dataclass
from typing import ClassVar

Limit = float | str | None
"""Limit of a bin; None: no limit on this side. A category stands on both sides of its bin."""


@dataclass(frozen=True)
class Scale:
    """Bins of numbers."""

    edges: tuple[float, ...]
    """Limits between the bins, in ascending order."""

    def bin(self, value: float) -> int:
        """Number of the bin of a value, 0 to len(edges)."""
        return bisect.bisect_right(self.edges, value)

    def limits(self, number: int) -> tuple[Limit, Limit]:
        """(lower, upper) limit of a bin."""
        low = self.edges[number - 1] if number else None
        high = self.edges[number] if number < len(self.edges) else None
        return low, high


@dataclass(frozen=True)
class Categories:
    """Bins of names: one for each name, and one for all others."""

    names: tuple[str, ...]
    """Names with a bin of their own."""

    OTHERS: ClassVar[str] = "others"

    def bin(self, value: str) -> int:
        """Number of the bin of a name, 0 to len(names)."""
        return self.names.index(value) if value in self.names else len(self.names)

    def limits(self, number: int) -> tuple[Limit, Limit]:
        """The name, twice."""
        name = self.names[number] if number < len(self.names) else self.OTHERS
        return name, name


def _quarters(octaves: int) -> tuple[float, ...]:
    """0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, ...: at most 25 % from edge to edge."""
    large = (2**octave * quarter / 4 for octave in range(2, octaves) for quarter in (4, 5, 6, 7))
    return (0.0, 1.0, 2.0, 3.0, *large)


SHARE = Scale(tuple(step / 50 for step in range(51)))
"""Shares from 0 to 1, in steps of 0.02."""

COUNT = Scale(_quarters(40))
"""Counts, lengths and means of 0 and more."""
