"""Mean squares, and intervals of the variances that they tell.

    less(MeanSquare(0.31, 3), MeanSquare(0.04, 9))    # Ranged: the difference, maybe below zero
    alone(MeanSquare(0.04, 9))                        # Ranged: what it is expected to be

A mean square is a sum of squares by its degrees of freedom; degrees of freedom times it, by what it
is expected to be, is a chi-square where scores are normal.
"""

from dataclasses import dataclass

from scipy import special  # scipy.stats, built on it, takes half a second to import

from code_ablate.analysis.estimation.decisions import Ranged


@dataclass(frozen=True)
class MeanSquare:
    """A sum of squares by its degrees of freedom."""

    value: float
    """The mean square."""
    freedom: int
    """Degrees of freedom, 1 or more."""

    def above(self, tail: float) -> float:
        """How far the expected value may lie above, as a share of the mean square."""
        return float(self.freedom / special.chdtri(self.freedom, 1 - tail)) - 1

    def below(self, tail: float) -> float:
        """How far the expected value may lie below, as a share of the mean square."""
        return 1 - float(self.freedom / special.chdtri(self.freedom, tail))


def alone(square: MeanSquare, confidence: float = 0.95) -> Ranged:
    """What a mean square is expected to be: its interval is that of a chi-square, exact."""
    tail = (1 - confidence) / 2
    value = square.value
    return Ranged(value, value * (1 - square.below(tail)), value * (1 + square.above(tail)))


def less(first: MeanSquare, second: MeanSquare, confidence: float = 0.95) -> Ranged:
    """What the first is expected to be, less what the second is.

    The interval is that of modified large samples (Ting, Burdick, Graybill, Jeyaratnam & Lu 1990,
    Journal of Statistical Computation and Simulation 35, 135-143; Burdick & Graybill 1992,
    Confidence Intervals on Variance Components, section 3.3): exact where the true difference is
    zero, and where the second is nothing beside the first. Its ends may lie below zero, as the
    estimate may.
    """
    tail = (1 - confidence) / 2
    value, product = first.value - second.value, first.value * second.value
    reaches = []
    for up in (False, True):
        quantile = float(special.fdtri(first.freedom, second.freedom, tail if up else 1 - tail))
        own = first.above(tail) if up else first.below(tail)
        other = second.below(tail) if up else second.above(tail)
        joint = ((1 - quantile) ** 2 - (own * quantile) ** 2 - other**2) / quantile
        squared = (own * first.value) ** 2 + (other * second.value) ** 2 + joint * product
        reaches.append(max(0.0, squared) ** 0.5)
    return Ranged(value, value - reaches[0], value + reaches[1])
