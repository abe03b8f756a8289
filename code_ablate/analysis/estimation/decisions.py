"""How well scores decide between recipes: signal-to-noise, decision accuracy, regret.

    signal_to_noise(scores_RS).ratio                  # Ranged: value, low, high
    decide(small_R, large_R, lower_is_better=True)    # Decision: accuracy, regret, pick, best

Letters: R recipes, S seeds (the same for all recipes).

Takes plain arrays. Intervals are over recipes and seeds: of recipes like these, each with noise of
its own, as many of them and with as many seeds. Where one cannot be as right as it says it is wider
than it need be, or there is none. docs/statistics.md has coverage, and what was tried beside these.
"""

import functools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import special  # scipy.stats, built on it, takes half a second to import

from code_ablate.analysis.estimation.statistics import jeffreys_interval

LEAST_RATIO = 2.0
"""Signal-to-noise ratio under which a task decides nothing."""

FEWEST_RECIPES = 5
"""Recipes from which on intervals over them are made."""

FEWEST_SEEDS = 3
"""Seeds from which on a ratio has an interval."""

_HALVES = np.array([-0.9, 1.35])
"""Ends of a jackknife's interval, as multiples of t errors. Few recipes of a skewed distribution
that lie too close together show too small an error as well: from -1 to 1 the truth lies above 95 %
intervals in up to 9 % of studies, and below them in 1 %. The multiples are those with which all
cells of the simulations in docs/statistics.md have 93.5 % or more, and most no more than 96.5."""

_ROUNDING = 1e-9
"""What equal scores may differ by, as a share of the largest."""

_WIDEST = 100.0
"""Half of an interval of logarithms from which on it says nothing, and none is given."""

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
    """Spread over recipes by noise of repeats; None with fewer than two recipes or seeds, and where
    repeats do not differ at all, so that nothing tells their noise.

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
    Statistics 40, 2076-2100), its ends moved upwards by `_HALVES`. It supposes no distribution of
    recipes or of their noise; it cannot know of recipes of another kind that none of these is.

    `step`: least difference that two scores can have, as 1 / items for right and wrong. Without it
    the noise of runs that agree by chance is zero.
    """
    recipes, seeds = scores_RS.shape
    if recipes < 2 or seeds < 2:
        return None
    mean_R = scores_RS.mean(axis=1)
    apart = float(np.abs(scores_RS - mean_R[:, None]).max())
    if not step and apart <= _ROUNDING * float(np.abs(scores_RS).max()):
        return None
    distance_RR = np.abs(mean_R[:, None] - mean_R)
    log_RR = _log_noise(scores_RS, step)
    pairs = recipes * (recipes - 1)
    noise = float(np.exp(log_RR.sum() / pairs / 2))
    scale = _expected_range(recipes) / _GINI
    apparent = scale * distance_RR.sum() / pairs / noise
    ends: tuple[float | None, float | None] = (None, None)
    if recipes >= FEWEST_RECIPES and seeds >= FEWEST_SEEDS and apparent > 0:
        distance_R = np.maximum(_without_each(distance_RR), np.finfo(float).tiny)
        without_R = np.log(distance_R) - _without_each(log_RR) / 2
        error = ((recipes - 1) * without_R.var()) ** 0.5
        half = -special.stdtrit(recipes - 1, (1 - confidence) / 2) * error
        if half < _WIDEST:
            low, high = apparent * np.exp(_HALVES * half)
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
    least = max(step**2 / 12, (_ROUNDING * float(np.abs(scores_RS).max())) ** 2)
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
    """Loss at the large size of whoever decides between two recipes at the small one: mean over
    pairs, in the unit of the score, at least 0. Noise of the large size counts as loss."""
    lost: float
    """Loss of whoever takes the best of all: difference, at the large size, of the best there and
    of the pick."""
    pick: int
    """Number of the recipe that is best at the small size."""
    best: int
    """Number of the recipe that is best at the large size."""
    small: tuple[float, ...]
    """Scores of the recipes at the small size."""
    large: tuple[float, ...]
    """Scores of the recipes at the large size."""


def decide(
    small_R: Float[np.ndarray, " recipes"],
    large_R: Float[np.ndarray, " recipes"],
    *,
    lower_is_better: bool,
    confidence: float = 0.95,
) -> Decision | None:
    """Decision accuracy and regret of a small size for a large one; None with one recipe.

    The accuracy is that of Magnusson et al. (2025, arXiv 2504.11393, section 2.3). Its interval is
    Jeffreys' of a share (Brown, Cai & DasGupta 2001, Statistical Science 16, 101-133), with the
    effective size that gives the variance of the jackknife over recipes (Arvesen 1969; an effective
    size in the place of a count: Korn & Graubard 1998, Survey Methodology 24, 193-201): at most the
    pairs that there are, and the number of recipes where all pairs or none are ordered alike. It
    goes by orders alone, and supposes no distribution. None where a size has equal scores only.

    The regret's interval is the jackknife's over recipes, for its square root, its ends moved
    upwards by `_HALVES`, and supposes no distribution either. None where no pair is ordered
    differently. Both need `FEWEST_RECIPES`.
    """
    recipes = len(small_R)
    if recipes < 2:
        return None
    sign = -1.0 if lower_is_better else 1.0
    pick, best = (int(np.argmax(sign * x)) for x in (small_R, large_R))
    lost = max(0.0, float(sign * (large_R[best] - large_R[pick])))
    accuracy = _accuracy(small_R, large_R, confidence)
    regret = _regret(small_R, large_R, confidence)
    scores = (tuple(map(float, x)) for x in (small_R, large_R))
    return Decision(accuracy, regret, lost, pick, best, *scores)


def _accuracy(
    small_R: Float[np.ndarray, " recipes"],
    large_R: Float[np.ndarray, " recipes"],
    confidence: float,
) -> Ranged:
    recipes = len(small_R)
    orders = [np.sign(x[:, None] - x) for x in (small_R, large_R)]
    alike_RR = orders[0] * orders[1]
    pairs = recipes * (recipes - 1) / 2
    accuracy = float(0.5 + alike_RR.sum() / pairs / 4)
    if recipes < FEWEST_RECIPES or not (orders[0].any() and orders[1].any()):
        return Ranged(accuracy)
    size = float(recipes)
    if 0 < accuracy < 1:
        variance = (recipes - 1) * float((_without_each(alike_RR) / 2).var())
        single = accuracy * (1 - accuracy)
        size = single / max(variance, single / pairs)
    low, high = jeffreys_interval(accuracy, size, confidence)
    return Ranged(accuracy, min(low, accuracy), max(high, accuracy))


def _regret(
    small_R: Float[np.ndarray, " recipes"],
    large_R: Float[np.ndarray, " recipes"],
    confidence: float,
) -> Ranged:
    """Regret of each pair's pick: 0 if it is right, the difference if it is wrong, half if tied."""
    recipes = len(small_R)
    apart_RR = large_R[:, None] - large_R
    loss_RR = (np.abs(apart_RR) - np.sign(small_R[:, None] - small_R) * apart_RR) / 2
    regret = float(loss_RR.sum() / (recipes * (recipes - 1)))
    if recipes < FEWEST_RECIPES or not regret > 0:
        return Ranged(max(0.0, regret))
    roots_R = np.maximum(0.0, _without_each(loss_RR)) ** 0.5
    error = ((recipes - 1) * roots_R.var()) ** 0.5
    half = -float(special.stdtrit(recipes - 1, (1 - confidence) / 2)) * float(error)
    low, high = (max(0.0, regret**0.5 + float(x)) ** 2 for x in _HALVES * half)
    return Ranged(regret, low, high)


def _without_each(
    pairs_RR: Float[np.ndarray, "recipes recipes"],
) -> Float[np.ndarray, " recipes"]:
    """Mean over the pairs that are left without each recipe; the diagonal is 0."""
    recipes = len(pairs_RR)
    return (pairs_RR.sum() - 2 * pairs_RR.sum(axis=1)) / ((recipes - 1) * (recipes - 2))
