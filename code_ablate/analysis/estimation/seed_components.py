"""Which part of a seed makes the noise: components of variance of runs that are a grid of seeds.

    parts = seed_components([c_GIO])         # what every unit adds to every run
    parts.initialisation, parts.order, parts.rest, parts.units       # Ranged, variances

Letters: G units (items, or clusters of items), I seeds of the initialisation, O seeds of the order
of the data. A grid has a run for each pair of them.

The order of the data says which windows of a corpus are read, too, where it is not read to its end:
one seed decides both, and the component of the order is that of both.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import special  # scipy.stats, built on it, takes half a second to import

from code_ablate.analysis.estimation.decisions import Ranged
from code_ablate.analysis.estimation.mean_squares import MeanSquare, alone, less

FEWEST_LEVELS = 3
"""Seeds of either kind from which on components have intervals: with two, a chi-square with one
degree of freedom lets the upper end be a thousand times the estimate."""

FEWEST_UNITS = 1000
"""Units from which on the component of the units has an interval. With fewer, a few that nearly all
runs fail at, or nearly none does, decide how far units lie apart: coverage is 88 to 96 %."""

_WIDEST = 100.0
"""Half of an interval of logarithms from which on it says nothing, and none is given."""

_ROUNDING = 1e-24
"""Mean square that equal scores may have."""


@dataclass(frozen=True)
class SeedComponents:
    """Variances of one run's score, or of one run's difference between two recipes."""

    squares: tuple[MeanSquare, MeanSquare, MeanSquare]
    """Mean squares of initialisations, of orders, and of what is left."""
    initialisations: int
    """Seeds of the initialisation, 2 or more."""
    orders: int
    """Seeds of the order, 2 or more."""
    units: Ranged
    """Variance by the choice of units: of a score that is the mean over as many."""
    confidence: float
    """Nominal coverage of the intervals."""

    @property
    def initialisation(self) -> Ranged:
        """Variance by the initialisation."""
        return self._beyond_rest(self.squares[0], self.orders)

    @property
    def order(self) -> Ranged:
        """Variance by the order of the data."""
        return self._beyond_rest(self.squares[1], self.initialisations)

    @property
    def rest(self) -> Ranged:
        """Variance by both together: what one initialisation makes of one order, and whatever else
        a run differs in."""
        return self._told(alone(self.squares[2], self.confidence), self.squares[2])

    def left(self, initialisations: int, orders: int, runs: int) -> float:
        """Variance by seeds of the mean over `runs`, at least 0, with as many seeds of each kind.

        Seeds of a kind are spread evenly over the runs, and no two runs have both in common. There
        is no interval: those for sums of components cover 95 to 98 %.
        """
        parts = self.initialisation, self.order, self.rest
        counts = initialisations, orders, runs
        return max(0.0, sum(part.value / n for part, n in zip(parts, counts, strict=True)))

    def _beyond_rest(self, square: MeanSquare, runs: int) -> Ranged:
        found = less(square, self.squares[2], self.confidence)
        ends = (end if end is None else end / runs for end in (found.low, found.high))
        return self._told(Ranged(found.value / runs, *ends), square, self.squares[2])

    def _told(self, ranged: Ranged, *squares: MeanSquare) -> Ranged:
        """Without an interval where there are too few seeds for one, and where runs do not differ
        at all: few items that all runs get wrong are no certainty."""
        few = min(self.initialisations, self.orders) < FEWEST_LEVELS
        alike = all(square.value <= _ROUNDING for square in squares)
        return Ranged(ranged.value) if few or alike else ranged


def seed_components(
    strata: Sequence[Float[np.ndarray, "units initialisations orders"]],
    confidence: float = 0.95,
    fewest_units: int = FEWEST_UNITS,
) -> SeedComponents:
    """Components from what every unit adds to every run; strata as in `crossed_covariance`.

    `fewest_units`: units from which on the variance by units has an interval, 2 or more.

    Runs are a two-way layout without replication, both ways random: the analysis of variance
    (Searle, Casella & McCulloch 1992, Variance Components, ch. 4) has mean squares MS of
    initialisations, orders and what is left, and the components

        (MS_I - MS_rest) / O,    (MS_O - MS_rest) / I,    MS_rest.

    The estimates are unbiased, so that one of a small component is often below zero. Recipes are
    fixed: each has a mean of its own, and noise of its own, because noise depends on the mixture.

    The variance by units is that of a three-way layout of units, initialisations and orders. Its
    interval is the jackknife's over units, of the logarithm (Arvesen 1969, Annals of Mathematical
    Statistics 40, 2076-2100), because items that are right or wrong are far from normal.

    Raises ValueError if there is a single seed of either kind, or if a value is not finite.
    """
    first, second = strata[0].shape[1:]
    if min(first, second) < 2:
        raise ValueError(f"a grid of {first} x {second} seeds has no components")
    if not all(np.isfinite(c_GIO).all() for c_GIO in strata):
        raise ValueError("scores must be finite")
    run_IO = sum(c_GIO.sum(axis=0) for c_GIO in strata)
    apart_I, apart_O, rest_IO = _split(np.asarray(run_IO)[None])
    freedom = (first - 1) * (second - 1)
    squares = (
        MeanSquare(float(second * (apart_I**2).sum() / (first - 1)), first - 1),
        MeanSquare(float(first * (apart_O**2).sum() / (second - 1)), second - 1),
        MeanSquare(float((rest_IO**2).sum() / freedom), freedom),
    )
    units = _of_units(strata, confidence, fewest_units)
    return SeedComponents(squares, first, second, units, confidence)


def _split(
    c_GIO: Float[np.ndarray, "units initialisations orders"],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Effects of initialisations and of orders, and what is left, of each unit."""
    c_GIO = c_GIO - c_GIO.mean(axis=(1, 2), keepdims=True)
    of_I, of_O = c_GIO.mean(axis=2, keepdims=True), c_GIO.mean(axis=1, keepdims=True)
    return of_I[..., 0], of_O[:, 0], c_GIO - of_I - of_O


def _of_units(
    strata: Sequence[Float[np.ndarray, "units initialisations orders"]],
    confidence: float,
    fewest_units: int,
) -> Ranged:
    """V_units - V_unit,initialisation - V_unit,order + V_all, V as in `crossed_covariance`."""
    value = error = 0.0
    total = sum(len(c_GIO) for c_GIO in strata)
    for c_GIO in strata:
        units, first, second = c_GIO.shape
        if units < 2:
            return Ranged(0.0)
        apart_GIO = c_GIO - c_GIO.mean(axis=0)
        mean_G = apart_GIO.mean(axis=(1, 2))
        of_GI, of_GO, rest_GIO = _split(apart_GIO)
        added_G = mean_G**2
        added_G -= (of_GI**2).sum(axis=1) / (first * (first - 1))
        added_G -= (of_GO**2).sum(axis=1) / (second * (second - 1))
        freedom = (first - 1) * (second - 1)
        added_G += (rest_GIO**2).sum(axis=(1, 2)) / (first * second * freedom)
        correction = units / (units - 1)
        value += correction * float(added_G.sum())
        error += correction * float(((added_G - added_G.mean()) ** 2).sum())
    if total < fewest_units or not value > 0:
        return Ranged(value)
    t = -float(special.stdtrit(total - len(strata), (1 - confidence) / 2))
    reach = t * error**0.5 / value
    if reach > _WIDEST:
        return Ranged(value)
    return Ranged(value, value * np.exp(-reach), value * np.exp(reach))
