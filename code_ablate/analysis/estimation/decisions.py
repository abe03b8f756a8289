"""How well scores decide between recipes: signal-to-noise, decision accuracy, regret.

    signal_to_noise(scores_RS).ratio                  # Ranged: value, low, high
    decide(small_R, large_R, lower_is_better=True)    # Decision: accuracy, regret, pick, best

Letters: R recipes, S seeds (the same for all recipes).

Takes plain arrays. Intervals are over recipes and seeds: of recipes like these, each with noise of
its own, as many of them and with as many seeds. Where no interval is as right as it says, there is
none. docs/statistics.md has coverage, and what was tried beside these.
"""

import functools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import special  # scipy.stats, built on it, takes half a second to import

LEAST_RATIO = 2.0
"""Signal-to-noise ratio under which a task decides nothing."""

FEWEST_RECIPES = 5
"""Recipes from which on intervals over them are made."""

FEWEST_SEEDS = 3
"""Seeds from which on a ratio has an interval."""

MOST_RECIPES = 12
"""Recipes up to which regret has an interval: the best of more depends on what a normal
distribution says of its ends."""

_DRAWS = 8000
"""Draws of a posterior: the end of an interval is then off by a sixtieth of its width or so."""

_GINI = 2 / np.pi**0.5
"""Mean distance of two draws from a normal distribution, by its standard deviation."""


@dataclass(frozen=True)
class Ranged:
    """A number, with an interval where one can be had."""

    value: float
    """The estimate."""
    low: float | None = None
    """Lower end of the interval; None where there is none."""
    high: float | None = None
    """Upper end of the interval; None where there is none."""


@dataclass(frozen=True)
class SignalToNoise:
    """How far recipes lie apart, by the noise of one run."""

    ratio: Ranged
    """Range to be expected of that many recipes, without what noise adds to it, by `noise`."""
    published: float
    """The same as Heineman et al. (2025) have it: range of the recipes' mean scores by `noise`.
    With few seeds it is far from zero where nothing differs at all."""
    noise: float
    """Standard deviation of one run's score, with the effect that a seed has on all recipes left
    out: geometric mean over pairs of recipes, in the unit of the score."""

    @property
    def decides(self) -> bool:
        """Whether the ratio is at least `LEAST_RATIO`."""
        return self.ratio.value >= LEAST_RATIO


def signal_to_noise(
    scores_RS: Float[np.ndarray, "recipes seeds"], step: float = 0.0, confidence: float = 0.95
) -> SignalToNoise | None:
    """Spread over recipes by noise of repeats; None with fewer than two recipes or seeds.

    Heineman et al. (2025, arXiv 2508.13144, section 3) divide the largest difference between models
    by the standard deviation of one; both relative to the mean, which cancels. A range has no
    interval, and grows with noise. So it is estimated by the mean distance G of two recipes, which
    for normal values is 2 / sqrt(pi) standard deviations where the expected range is d_R (Tippett
    1925, Biometrika 17, 364-387): A = d_R sqrt(pi) / 2 G / noise. Noise alone makes A = d_R /
    sqrt(S) of it, and the ratio is sqrt(A^2 - d_R^2 / S), at least 0.

    Noise is half of the variance over seeds of the paired difference of two recipes. Logarithms are
    averaged over pairs, so that a noisy recipe is one of many, and corrected for what the logarithm
    of a variance on S - 1 degrees of freedom falls short. Its interval is the jackknife's over
    recipes, of log A, with R - 1 degrees of freedom (Arvesen 1969, Annals of Mathematical
    Statistics 40, 2076-2100), and holds whatever the distribution of recipes and of their noise.

    `step`: least difference that two scores can have, as 1 / items for right and wrong. Without it
    the noise of runs that agree by chance is zero.
    """
    recipes, seeds = scores_RS.shape
    if recipes < 2 or seeds < 2:
        return None
    mean_R = scores_RS.mean(axis=1)
    distance_RR = np.abs(mean_R[:, None] - mean_R)
    log_RR = _log_noise(scores_RS, step)
    pairs = recipes * (recipes - 1)
    noise = float(np.exp(log_RR.sum() / pairs / 2))
    scale = _expected_range(recipes) / _GINI
    apparent = scale * distance_RR.sum() / pairs / noise
    ends: tuple[float | None, float | None] = (None, None)
    if recipes >= FEWEST_RECIPES and seeds >= FEWEST_SEEDS and apparent > 0:
        rest = (recipes - 1) * (recipes - 2)
        without_R = np.log((distance_RR.sum() - 2 * distance_RR.sum(axis=1)) / rest)
        without_R -= (log_RR.sum() - 2 * log_RR.sum(axis=1)) / rest / 2
        error = ((recipes - 1) * without_R.var()) ** 0.5
        half = -special.stdtrit(recipes - 1, (1 - confidence) / 2) * error
        if np.isfinite(half):
            low, high = apparent * np.exp([-half, half])
            ends = _denoised(low, recipes, seeds), _denoised(high, recipes, seeds)
    return SignalToNoise(
        Ranged(_denoised(apparent, recipes, seeds), *ends),
        float(np.ptp(mean_R)) / noise,
        noise,
    )


def _log_noise(
    scores_RS: Float[np.ndarray, "recipes seeds"], step: float
) -> Float[np.ndarray, "recipes recipes"]:
    """log of half the variance of each pair's difference over seeds, unbiased; 0 on the diagonal.

    No less than what rounding to `step` gives: step^2 / 12 for a score.
    """
    seeds = scores_RS.shape[1]
    apart_RS = scores_RS - scores_RS.mean(axis=1, keepdims=True)
    product_RR = apart_RS @ apart_RS.T / (seeds - 1)
    own_R = np.diag(product_RR)
    half_RR = (own_R[:, None] + own_R - 2 * product_RR) / 2
    least = max(step**2 / 12, np.finfo(float).tiny)
    freedom = (seeds - 1) / 2
    log_RR = np.log(np.maximum(half_RR, least)) - special.digamma(freedom) + np.log(freedom)
    np.fill_diagonal(log_RR, 0.0)
    return log_RR


def _denoised(apparent: float, recipes: int, seeds: int) -> float:
    """The ratio without what noise alone makes of it."""
    return float(max(0.0, apparent**2 - _expected_range(recipes) ** 2 / seeds) ** 0.5)


@functools.lru_cache(maxsize=256)
def _expected_range(count: int) -> float:
    """Expected range of standard normal values: the integral of 1 - F^n - (1 - F)^n."""
    x = np.linspace(-9, 9, 4001)
    below = special.ndtr(x)
    return float(np.trapezoid(1 - below**count - (1 - below) ** count, x))


def checkpoint_noise(
    scores_SC: Float[np.ndarray, "seeds checkpoints"], tokens_C: Float[np.ndarray, " checkpoints"]
) -> float | None:
    """Standard deviation of the scores of a run's last checkpoints about their own trend.

    Heineman et al. (2025) take it over the last thirty of a long run, where scores hardly rise any
    more. A study has a few, and far apart: a straight line in the logarithm of the tokens is taken
    out of each seed's, and C - 2 degrees of freedom are left of each. None with fewer than three.
    """
    seeds, checkpoints = scores_SC.shape
    if checkpoints < 3:
        return None
    design_CK = np.stack([np.ones(checkpoints), np.log(tokens_C)], axis=1)
    line_KS = np.linalg.lstsq(design_CK, scores_SC.T, rcond=None)[0]
    rest_CS = scores_SC.T - design_CK @ line_KS
    return float((np.sum(rest_CS**2) / (seeds * (checkpoints - 2))) ** 0.5)


@dataclass(frozen=True)
class Decision:
    """What scores at a small size say of the order at a large one."""

    accuracy: Ranged
    """Share of the pairs of recipes that both sizes order alike; a tie counts one half."""
    regret: Ranged
    """Expected loss at the large size of whoever picks the best of as many recipes at the small
    one, in the unit of the score, at least 0. Noise of the large size counts as loss."""
    lost: float
    """What these recipes show of it: score of the best at the large size and that of the pick."""
    pick: int
    """Number of the recipe that is best at the small size."""
    best: int
    """Number of the recipe that is best at the large size."""


def decide(
    small_R: Float[np.ndarray, " recipes"],
    large_R: Float[np.ndarray, " recipes"],
    *,
    lower_is_better: bool,
    confidence: float = 0.95,
) -> Decision | None:
    """Decision accuracy and regret of a small size for a large one; None with one recipe.

    The accuracy is that of Magnusson et al. (2025, arXiv 2504.11393, section 2.3). Both intervals
    are of a bivariate normal distribution of the recipes' mean scores, whose correlation is r: two
    recipes are ordered alike with probability 1/2 + asin(r) / pi (Greiner; Kendall & Gibbons 1990,
    Rank Correlation Methods, 10.2), and the best of R at the small size is e_R s (1 - r) worse than
    the best at the large one, where s is the standard deviation there and e_R the expected largest
    of R standard normal values. Their posterior under the right Haar prior is drawn from, whose
    intervals for r and s are exact (Berger & Sun 2008, Annals of Statistics 36, 963-982).

    No interval with fewer than `FEWEST_RECIPES`, for regret none with more than `MOST_RECIPES`, and
    none where a recipe stands off alone at either size, so that the distribution is no normal one:
    Grubbs' test at 5 % (1950, Annals of Mathematical Statistics 21, 27-58).
    """
    recipes = len(small_R)
    if recipes < 2:
        return None
    sign = -1.0 if lower_is_better else 1.0
    upper = np.triu_indices(recipes, 1)
    orders = [np.sign(x[:, None] - x)[upper] for x in (small_R, large_R)]
    accuracy = float(np.mean(1 + orders[0] * orders[1]) / 2)
    pick, best = (int(np.argmax(sign * x)) for x in (small_R, large_R))
    deviation, largest = float(large_R.std(ddof=1)), _expected_range(recipes) / 2
    alike = _correlation(small_R, large_R)
    expected = 0.0 if alike is None else largest * deviation * (1 - alike)
    lost = float(sign * (large_R[best] - large_R[pick]))
    if (
        alike is None
        or abs(alike) >= 1
        or recipes < FEWEST_RECIPES
        or _stands_off(small_R)
        or _stands_off(large_R)
    ):
        regret = Ranged(lost if alike is None else expected)
        return Decision(Ranged(accuracy), regret, lost, pick, best)
    correlation_D, deviation_D = _posterior(recipes, alike, deviation)
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    ends = np.quantile(0.5 + np.arcsin(correlation_D) / np.pi, tails)
    # These recipes' own pairs may lie outside: their share has steps, and the interval has not.
    low, high = min(float(ends[0]), accuracy), max(float(ends[1]), accuracy)
    regret = Ranged(expected)
    if recipes <= MOST_RECIPES:
        losses = np.quantile(largest * deviation_D * (1 - correlation_D), tails)
        regret = Ranged(expected, float(losses[0]), float(losses[1]))
    return Decision(Ranged(accuracy, low, high), regret, lost, pick, best)


def _correlation(x_R: np.ndarray, y_R: np.ndarray) -> float | None:
    """Pearson's; None where one of the two does not vary."""
    x_R, y_R = x_R - x_R.mean(), y_R - y_R.mean()
    size = float((x_R @ x_R * (y_R @ y_R)) ** 0.5)
    return float(x_R @ y_R) / size if size > 0 else None


@functools.lru_cache(maxsize=64)
def _draws(recipes: int) -> tuple[Float[np.ndarray, " draws"], ...]:
    """Two chi-squares and a normal value, fixed: the same scores always have the same interval."""
    rng = np.random.default_rng(0)
    wide_D, rest_D = rng.chisquare(recipes - 1, _DRAWS), rng.chisquare(recipes - 2, _DRAWS)
    return wide_D, rest_D, rng.standard_normal(_DRAWS)


def _posterior(
    recipes: int, correlation: float, deviation: float
) -> tuple[Float[np.ndarray, " draws"], Float[np.ndarray, " draws"]]:
    """Draws of the correlation, and of the standard deviation at the large size."""
    wide_D, rest_D, normal_D = _draws(recipes)
    slope_D = (rest_D / wide_D) ** 0.5 * correlation / (1 - correlation**2) ** 0.5
    slope_D = slope_D - normal_D / wide_D**0.5
    return (
        slope_D / (1 + slope_D**2) ** 0.5,
        deviation * ((recipes - 1) / wide_D) ** 0.5,
    )


def _stands_off(x_R: Float[np.ndarray, " recipes"], level: float = 0.05) -> bool:
    """Whether the value that is furthest from the mean is further than chance takes one."""
    n = len(x_R)
    t = float(special.stdtrit(n - 2, level / (2 * n)))
    limit = (n - 1) / n**0.5 * (t * t / (n - 2 + t * t)) ** 0.5
    return float(np.abs(x_R - x_R.mean()).max()) > limit * float(x_R.std(ddof=1))
