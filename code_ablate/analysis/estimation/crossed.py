"""Variance of scores over items crossed with seeds: what intervals and tests are made of.

    covariance = crossed_covariance([c_GSK])        # what each unit adds to each seed's outcomes
    noise = covariance.along([1.0, -1.0])           # of the first outcome minus the second
    noise.half_width(0.95), noise.p(0.03)

Letters: G units (items, or clusters of items), S seeds, K outcomes (a recipe and the baseline).

A score is the mean of what every seed makes of every item, so it varies with the items, with the
seeds, and with both together. A two-way layout without replication tells the three apart (Searle,
Casella & McCulloch 1992, Variance Components, ch. 4): with mean squares MS of units, seeds and
residuals, and V = MS / (G S) for each,

    Var(mean) = V_units + V_seeds - V_both = (V_units - V_both) + V_seeds.

Three seeds give V_seeds two degrees of freedom, which is the whole difficulty. docs/statistics.md
has the coverage of what is chosen here and of what was tried beside it.
"""

import dataclasses
import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import special  # scipy.stats, built on it, takes half a second to import

from code_ablate.analysis.estimation.sign_change import sign_change

FEWEST_SEEDS = 3
"""Seeds from which on noise between seeds can be told: with two, a t quantile is 12.7."""

_LEAST_SHARE = 0.5
"""An interval has at least this share of the width that items alone give it. Seeds that happen to
agree, as they often do on small sets, would make it as narrow as they like."""

_STEPS = 60  # halvings of an interval: to the last bits of a double
_QUANTILES = 400


@dataclass(frozen=True)
class Noise:
    """Variance of one estimate, in the parts of which it is made."""

    units: float
    """V_units: from the spread of the units' means. With the share of the residuals in it."""
    seeds: float
    """V_seeds: from the spread of the seeds' scores. With the share of the residuals in it."""
    both: float
    """V_both: the residuals' share alone."""
    unit_freedom: float
    """Degrees of freedom of `units`."""
    seed_count: int
    """Seeds behind it."""

    @property
    def of_seeds(self) -> bool:
        """Whether noise between seeds is part of intervals: from three seeds on."""
        return self.seed_count >= FEWEST_SEEDS

    @property
    def of_units(self) -> float:
        """What the choice of units adds beside the seeds: V_units - V_both, at least 0."""
        return max(0.0, self.units - self.both)

    @property
    def variance(self) -> float:
        """Variance of the estimate; that of units alone where the seeds are too few."""
        return self.of_units + self.seeds if self.of_seeds else self.units

    def critical(self, p: float) -> float:
        """How many standard errors off the estimate is with probability `p`, on both sides.

        t^2 = z^2 + sum of (V_k / V)^2 (t_k^2 - z^2) over the parts V_units - V_both and V_seeds,
        where t_k is Student's quantile with the part's degrees of freedom and z the normal one. It
        is the exact quantile where one part is all there is. The weights are Satterthwaite's (1946,
        Biometrics Bulletin 2, 110-114), who averages 1 / freedom with them: t^2 bends upwards in
        that, and at two degrees of freedom his quantile is too small (coverage 92 % for 95).
        """
        normal = _t_squared(p, math.inf)
        if not self.of_seeds:
            return _t_squared(p, self.unit_freedom) ** 0.5
        total = self.variance
        if not total > 0:
            return normal**0.5
        squared = normal
        for part, freedom in (
            (self.of_units, self.unit_freedom),
            (self.seeds, self.seed_count - 1),
        ):
            squared += (part / total) ** 2 * (_t_squared(p, freedom) - normal)
        return squared**0.5

    def half_width(self, confidence: float) -> float:
        """Half of the interval's width; infinite where a single unit tells nothing of others."""
        if not self.unit_freedom > 0:
            return math.inf
        half = self.critical(1.0 - confidence) * self.variance**0.5
        return max(half, _LEAST_SHARE * self._unit_half_width(1.0 - confidence))

    def _unit_half_width(self, p: float) -> float:
        return (_t_squared(p, self.unit_freedom) * self.units) ** 0.5

    def p(self, difference: float, tiny: float = 0.0) -> float:
        """Two-sided p of "the estimate is of zero".

        It solves difference^2 = z_p^2 (V_units - V_both) + t_p^2 V_seeds, z with the degrees of
        freedom of the units and t with those of the seeds: Howe's combination (1974, JASA 69,
        789-794), which is the paired t test over seeds where items add nothing, and errs to the
        safe side where they do, far out in the tail too. There Satterthwaite's test does not, and
        there Holm's correction works. Never less than the p of units alone. With fewer than three
        seeds, and at least two, both tests must speak: of units, and of seeds.

        `tiny`: what counts as rounding.
        """
        size = abs(difference)
        if size <= tiny:
            return 1.0
        if not self.unit_freedom > 0:
            return 1.0
        alone = _t_p(size, self.units, self.unit_freedom)
        if self.seed_count < 2:
            return alone
        return max(alone, self._howe_p(size))

    def _howe_p(self, size: float) -> float:
        units, freedom = self.of_units, self.seed_count - 1
        if not units > 0:
            return _t_p(size, self.seeds, freedom)

        def beyond(p: float) -> bool:
            squared = _t_squared(p, self.unit_freedom) * units + _t_squared(p, freedom) * self.seeds
            return size * size > squared

        low, high = -300.0, 0.0  # log10 of p
        for _ in range(_STEPS):
            middle = (low + high) / 2
            low, high = (low, middle) if beyond(10.0**middle) else (middle, high)
        return 10.0**high

    def detectable(self, level: float, power: float = 0.8) -> float:
        """The least difference that `p` finds under `level` with this power.

        The power is the mean over what V_seeds may come out as, a multiple of a chi-square; without
        noise of units it is that of the noncentral t distribution (Cohen 1988, Statistical Power
        Analysis, ch. 2). Infinite with fewer than two seeds or units.
        """
        if self.seed_count < 2 or not self.unit_freedom > 0:
            return math.inf
        least_Q, deviation = self._least(level)
        if not deviation > 0:
            return float(least_Q.max())
        found = sign_change(
            lambda size: _power(size, least_Q, deviation) - power,
            0.0,
            float(least_Q.max()) + deviation,
        )
        assert found is not None, "the power tends to 1"
        return found

    def _least(self, level: float) -> tuple[Float[np.ndarray, " quantiles"], float]:
        """The least estimates that `p` finds under `level`, by what V_seeds comes out as; and the
        standard deviation of an estimate."""
        freedom = self.seed_count - 1
        by_units = _t_squared(level, self.unit_freedom)
        of_seeds_Q = _t_squared(level, freedom) * self.seeds * _chi_squares(freedom)
        least_Q = np.maximum(by_units * self.of_units + of_seeds_Q, by_units * self.units) ** 0.5
        return least_Q, (self.of_units + self.seeds) ** 0.5

    def with_seeds(self, seeds: int) -> "Noise":
        """The noise to be expected with another number of seeds, and the same units."""
        share = self.seed_count / seeds
        return Noise(
            self.of_units + self.both * share,
            self.seeds * share,
            self.both * share,
            self.unit_freedom,
            seeds,
        )

    def with_units(self, factor: float) -> "Noise":
        """The noise to be expected with `factor` times as many units, and the same seeds.

        Of the spread of seeds the residuals' part shrinks with it; what moves all units stays.
        """
        both = self.both / factor
        return Noise(
            self.of_units / factor + both,
            max(0.0, self.seeds - self.both) + both,
            both,
            self.unit_freedom * factor,
            self.seed_count,
        )

    def units_needed(
        self, difference: float, level: float, most: int = 1000, power: float = 0.8
    ) -> float | None:
        """Least factor on the number of units with which this difference is `detectable`.

        To one part in a hundred. None where `most` times as many are not enough, because the seeds
        differ too much, and with fewer than two seeds, which tell no noise.
        """
        if self.seed_count < 2 or not self.unit_freedom > 0 or not difference:
            return None

        def enough(factor: float) -> bool:
            return _power(abs(difference), *self.with_units(factor)._least(level)) >= power

        low, high = 1.0, float(most)
        if enough(low) or not enough(high):
            return 1.0 if enough(low) else None
        while high / low > 1.01:
            middle = (low * high) ** 0.5
            low, high = (low, middle) if enough(middle) else (middle, high)
        return high

    def seeds_needed(
        self, difference: float, level: float, most: int = 1000, power: float = 0.8
    ) -> int | None:
        """Least number of seeds with which this difference is `detectable`.

        None where `most` are not enough, and with fewer than two seeds, which tell no noise.
        """
        if self.seed_count < 2 or not self.unit_freedom > 0 or not difference:
            return None

        def enough(seeds: int) -> bool:
            return _power(abs(difference), *self.with_seeds(seeds)._least(level)) >= power

        low, high = FEWEST_SEEDS, most
        if not enough(high):
            return None
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if enough(middle) else (middle + 1, high)
        return low


def _power(difference: float, least_Q: Float[np.ndarray, " quantiles"], deviation: float) -> float:
    """How often an estimate of this difference is beyond what it has to be; see `Noise._least`."""
    if not deviation > 0:
        return float((difference >= least_Q).mean())
    return float(special.ndtr((difference - least_Q) / deviation).mean())


@dataclass(frozen=True)
class CrossedCovariance:
    """Covariances of the means of several outcomes on the same units and seeds, in their parts."""

    units_KK: Float[np.ndarray, "outcomes outcomes"]
    """V_units."""
    seeds_KK: Float[np.ndarray, "outcomes outcomes"]
    """V_seeds; zero with one seed."""
    both_KK: Float[np.ndarray, "outcomes outcomes"]
    """V_both; zero with one seed."""
    unit_freedom: float
    """Degrees of freedom of the units: Satterthwaite's, over the strata. 0 if one has one unit."""
    seed_count: int
    """Seeds behind it."""

    def with_unseen(self, variance: float) -> "CrossedCovariance":
        """The same with a variance added to that of the units, for each outcome on its own.

        For what a small set did not show: of shares, one more unit on which only the one outcome
        is right, and one on which only the other is (Bonett & Price 2012, Journal of Educational
        and Behavioral Statistics 37, 479-488). Without them the spread of few discordant pairs is
        taken too small, and that of none for nothing.
        """
        added_KK = variance * np.eye(len(self.units_KK))
        return dataclasses.replace(self, units_KK=self.units_KK + added_KK)

    def transformed(self, weights_LK: Float[np.ndarray, "results outcomes"]) -> "CrossedCovariance":
        """The covariances of linear combinations of the outcomes, one in each row."""
        parts = (self.units_KK, self.seeds_KK, self.both_KK)
        units_LL, seeds_LL, both_LL = (weights_LK @ part @ weights_LK.T for part in parts)
        return dataclasses.replace(self, units_KK=units_LL, seeds_KK=seeds_LL, both_KK=both_LL)

    def along(self, contrast_K: Sequence[float]) -> Noise:
        """The noise of a linear combination of the outcomes."""
        weights = np.asarray(contrast_K, np.float64)
        parts = (self.units_KK, self.seeds_KK, self.both_KK)
        units, seeds, both = (max(0.0, float(weights @ part @ weights)) for part in parts)
        return Noise(units, seeds, both, self.unit_freedom, self.seed_count)


def crossed_covariance(
    strata: Sequence[Float[np.ndarray, "units seeds outcomes"]],
) -> CrossedCovariance:
    """Covariances from what every unit adds to every seed's outcomes.

    Units are drawn within strata (the items of one task, or of several that ask the same items);
    seeds are the same in all strata. What units add is linearised for ratios of sums: for a score
    r = sum(n) / sum(d), a unit adds (n - r d) / mean over seeds of sum(d), summed over its items
    (Cochran 1977, Sampling Techniques, ch. 6 and, for clusters, 9A).

    Raises ValueError if a value is not finite.
    """
    seeds = strata[0].shape[1]
    outcomes = strata[0].shape[2]
    units_KK, both_KK = np.zeros((2, outcomes, outcomes))
    by_seed_SK = np.zeros((seeds, outcomes))
    parts = []
    for c_GSK in strata:
        if not np.isfinite(c_GSK).all():
            raise ValueError("scores must be finite")
        units = len(c_GSK)
        correction = units / (units - 1) if units > 1 else 1.0
        by_seed_SK += c_GSK.sum(axis=0)
        mean_GK = c_GSK.mean(axis=1)
        apart_GK = mean_GK - mean_GK.mean(axis=0)
        part_KK = correction * apart_GK.T @ apart_GK
        units_KK += part_KK
        parts.append((float(np.trace(part_KK)), units - 1))
        if seeds > 1:
            rest_GSK = c_GSK - mean_GK[:, None] - (c_GSK - mean_GK[:, None]).mean(axis=0)
            rest_RK = rest_GSK.reshape(-1, outcomes)
            both_KK += correction / ((seeds - 1) * seeds) * rest_RK.T @ rest_RK
    seeds_KK = np.zeros((outcomes, outcomes))
    if seeds > 1:
        apart_SK = by_seed_SK - by_seed_SK.mean(axis=0)
        seeds_KK = apart_SK.T @ apart_SK / ((seeds - 1) * seeds)
    return CrossedCovariance(units_KK, seeds_KK, both_KK, _freedom(parts), seeds)


def _freedom(parts: Sequence[tuple[float, int]]) -> float:
    """Satterthwaite's degrees of freedom of a sum of variances, each with its own."""
    if min(freedom for _, freedom in parts) < 1:
        return 0.0
    total = sum(variance for variance, _ in parts)
    if not total > 0:
        return float(sum(freedom for _, freedom in parts))
    return total**2 / sum(variance**2 / freedom for variance, freedom in parts)


def margin_p(
    value: float, base: float, covariance: CrossedCovariance, size: float, *, relative: bool
) -> float:
    """p of "the difference is not within the margin": two one-sided tests.

    `size`: the margin, in the unit of the values, or `relative`, as a share of the base. The larger
    of the p of "it is at the lower end, or below" and of "it is at the upper end, or above"
    (Schuirmann 1987, Journal of Pharmacokinetics and Biopharmaceutics 15, 657-680).
    """
    inner, outer, shift = (1 - size, 1 + size, 0.0) if relative else (1.0, 1.0, size)
    return max(
        _above_zero_p(value - inner * base + shift, covariance.along([1.0, -inner])),
        _above_zero_p(outer * base - value + shift, covariance.along([-1.0, outer])),
    )


def _above_zero_p(value: float, noise: Noise) -> float:
    """One-sided p of "it is zero or less"."""
    p = noise.p(value) / 2
    return p if value > 0 else 1 - p


def _t_p(size: float, variance: float, freedom: float) -> float:
    """Two-sided p of Student's t; 0 where there is no noise at all."""
    if not variance > 0:
        return 0.0
    return float(2.0 * special.stdtr(freedom, -size / variance**0.5))


@functools.lru_cache(maxsize=4096)
def _t_squared(p: float, freedom: float) -> float:
    """Square of Student's quantile that is passed with probability `p` on both sides."""
    if p >= 1.0:
        return 0.0
    if math.isinf(freedom):
        return float(special.ndtri(p / 2)) ** 2
    return float(special.stdtrit(freedom, p / 2)) ** 2


@functools.lru_cache(maxsize=256)
def _chi_squares(freedom: int) -> Float[np.ndarray, " quantiles"]:
    """Equally likely values of chi-square by its degrees of freedom."""
    tails = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    return special.chdtri(freedom, tails) / freedom
