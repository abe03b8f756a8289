"""Intervals that hold at any time: for looking at results while seeds and runs arrive.

    sequence = MeanSequence.of(differences)      # as many as have arrived; NumPy array
    sequence.low, sequence.high, sequence.excludes(0.0)

An ordinary interval is right once. Who looks after every seed and stops at the first star is wrong
far more often than 5 %: these are not, however often one looks and whenever one stops.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from code_ablate.errors import UserError

EFFECT_VARIANCE = 1.0
"""Prior variance of the standardised effect (mean / standard deviation) that the intervals are
shortest for; they hold for every effect."""


@dataclass(frozen=True)
class MeanSequence:
    """A mean with an interval that may be looked at after each of its values."""

    values: int
    """Number of values so far."""

    mean: float
    """Their mean."""

    low: float
    """Lower end; minus infinity while nothing can be said."""

    high: float
    """Upper end."""

    error: float
    """Probability that the true mean is ever outside, over all times that one looks."""

    @classmethod
    def of(cls, values: Sequence[float] | np.ndarray, *, error: float = 0.05) -> "MeanSequence":
        """The interval after these values, in the order of arrival; normal, variance unknown.

        For paired differences between two recipes, one per seed. Raises UserError for values that
        are not finite.
        """
        values_N = np.asarray(values, dtype=float)
        if values_N.ndim != 1 or not values_N.size or not np.isfinite(values_N).all():
            raise UserError("a sequence needs one or more finite numbers, in order of arrival.")
        mean, n = float(values_N.mean()), len(values_N)
        radius = t_radius(n, error) * float(values_N.std(ddof=1)) / math.sqrt(n) if n > 1 else 0.0
        if n < 2 or not math.isfinite(radius):
            return cls(n, mean, -math.inf, math.inf, error)
        return cls(n, mean, mean - radius, mean + radius, error)

    def excludes(self, value: float) -> bool:
        """Whether the value lies outside: at no time, if it is the true mean, but for `error`."""
        return not self.low <= value <= self.high


def t_radius(values: int, error: float = 0.05, effect_variance: float = EFFECT_VARIANCE) -> float:
    """The t statistic above which a mean is rejected at any time; may be infinite.

    Where the Bayes factor of a normal prior on the standardised effect reaches 1 / error (Gronau,
    Ly and Wagenmakers 2020; with the right Haar prior on the standard deviation it is a test
    martingale, and Ville's inequality bounds its maximum: Wang and Ramdas 2023). With few values
    it never does, however large t is, and the interval is the whole line.
    """
    if not 0 < error < 1 or effect_variance <= 0:
        raise UserError("error must be between 0 and 1, and effect_variance above 0.")
    if values < 2:
        return math.inf
    inflation = 1 + values * effect_variance
    reach = math.exp((math.log(inflation) - 2 * math.log(error)) / values)
    if reach >= inflation:
        return math.inf
    return math.sqrt((values - 1) * (reach - 1) / (1 - reach / inflation))


def simulated_peeking_error(
    looks: int, *, error: float = 0.05, studies: int = 4000, first: int = 2, seed: int = 0
) -> tuple[float, float]:
    """Share of null studies that are ever called different: (by these intervals, by t tests).

    Each study looks after every value from `first` to `looks`.
    """
    from scipy import stats

    values_SN = np.random.default_rng(seed).standard_normal((studies, looks))
    n = np.arange(1, looks + 1)
    mean_SN = values_SN.cumsum(axis=1) / n
    square_SN = (values_SN**2).cumsum(axis=1) - n * mean_SN**2
    with np.errstate(divide="ignore", invalid="ignore"):
        t_SN = np.abs(mean_SN) / np.sqrt(square_SN / (n - 1) / n)
    used = slice(max(first, 2) - 1, None)
    any_time_N = np.array([t_radius(int(k), error) for k in n])
    fixed_N = stats.t.ppf(1 - error / 2, np.maximum(n - 1, 1))
    ever = [(t_SN > limit_N)[:, used].any(axis=1).mean() for limit_N in (any_time_N, fixed_N)]
    return float(ever[0]), float(ever[1])
