"""Paired bootstrap, exact intervals, tests against chance, and corrections for many tests.

    replicates = resample_ratios(bits_IA, bytes_IA, generator, resamples=10_000)
    weights_RS = resample_seeds(2, generator, resamples=10_000)
    gain = relative_gain(replicates.score([2, 3], weights_RS), replicates.score([0, 1], weights_RS))
    percentile_interval(gain), two_sided_p(gain)

Letters: I items, A arms (recipe x seed), S seeds, R replicates. Row 0 of every replicate axis is
the data itself, so one array carries the estimate and its bootstrap distribution.

Every score here is a ratio of sums: accuracy is sum(correct) / sum(1), bits per byte is
sum(bits) / sum(bytes). Item weights are drawn once and used for all arms, and seed weights once
for all recipes and tasks, so any difference of two scores is paired by item and by seed.

With few seeds the seed part of an interval is crude. Two seeds give two different draws, so where
noise between seeds dominates, the interval is just the range of the two and holds the truth half
the time; where items and seeds matter alike a nominal 95 % is about 90 %
(tests/analysis/estimation/test_statistics.py measures both). So show the seeds, and call a
difference one only if `seed_test`, which pools the seed noise of all recipes, agrees.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import special  # scipy.stats, built on it, takes half a second to import

_CELLS_PER_BLOCK = 4_000_000  # bounds memory: 32 MB of resampling counts at a time
_CELLS_PER_DRAW = 100_000  # of these, drawn and counted together: they fit the processor's cache


@dataclass(frozen=True)
class Replicates:
    """Resampled scores of every arm, as ratios of two sums. Row 0 is the data itself."""

    sums: Float[np.ndarray, "replicates columns"]
    """Resampled sums of columns, as `resample_items` returns them."""
    numerator: tuple[int, ...]
    """Column with each arm's sum of correct answers or of bits."""
    denominator: tuple[int, ...]
    """Column with each arm's sum of ones or of bytes."""
    items: int
    """Number of items behind it."""

    def score(
        self, arms: Sequence[int], weights: Float[np.ndarray, "replicates seeds"]
    ) -> Float[np.ndarray, " replicates"]:
        """Score of one recipe from the numbers of its seeds' arms: ratio of the weighted sums."""
        above = self._weighted([self.numerator[arm] for arm in arms], weights)
        return above / self._weighted([self.denominator[arm] for arm in arms], weights)

    def _weighted(
        self, columns: Sequence[int], weights: Float[np.ndarray, "replicates seeds"]
    ) -> Float[np.ndarray, " replicates"]:
        # Column by column: numpy is slow where the summed axis is short.
        total = self.sums[:, columns[0]] * weights[:, 0]
        for seed, column in enumerate(columns[1:], 1):
            total += self.sums[:, column] * weights[:, seed]
        return total

    def per_seed(self, arms: Sequence[int]) -> Float[np.ndarray, " seeds"]:
        """Score of each seed on the data itself."""
        above, below = ([of[arm] for arm in arms] for of in (self.numerator, self.denominator))
        return self.sums[0, above] / self.sums[0, below]


def resample_ratios(
    numerator: Float[np.ndarray, "items arms"],
    denominator: Float[np.ndarray, "items arms"],
    generator: np.random.Generator,
    resamples: int,
) -> Replicates:
    """`resample_items` for scores that are ratios of sums. Raises ValueError as it does, and if
    the arrays differ in shape."""
    if numerator.shape != denominator.shape or numerator.ndim != 2:
        raise ValueError(f"shapes {numerator.shape} and {denominator.shape} are not [items, arms]")
    both = np.concatenate([numerator, denominator], axis=1)
    arms = tuple(range(numerator.shape[1]))
    sums = resample_items(both, generator, resamples)
    return Replicates(sums, arms, tuple(len(arms) + arm for arm in arms), len(both))


def resample_items(
    columns: Float[np.ndarray, "items columns"], generator: np.random.Generator, resamples: int
) -> Float[np.ndarray, "replicates columns"]:
    """Nonparametric bootstrap over items, jointly for all columns: sums, row 0 of the data itself.

    Each replicate draws I items with replacement: counts w ~ Multinomial(I, 1/I), and the sums
    are w . column (Efron & Tibshirani 1993, An Introduction to the Bootstrap, ch. 6; for ratios
    of sums ch. 10). They lie contiguous along the replicates.

    Raises ValueError if the array is no matrix, is empty, or holds NaN.
    """
    if columns.ndim != 2 or not columns.size or not np.isfinite(columns).all():
        raise ValueError("scores must be finite, [items, columns], and at least one item is needed")
    items = len(columns)
    sums = np.empty((resamples + 1, columns.shape[1]), order="F")
    sums[0] = columns.sum(axis=0)
    block = max(1, _CELLS_PER_BLOCK // items)
    for start in range(1, resamples + 1, block):
        stop = min(start + block, resamples + 1)
        sums[start:stop] = _draw_counts(generator, items, items, stop - start) @ columns
    return sums


def resample_seeds(
    seeds: int, generator: np.random.Generator, resamples: int
) -> Float[np.ndarray, "replicates seeds"]:
    """Weights of a rescaled bootstrap over seeds; each row sums to 1 and row 0 is uniform.

    Each replicate draws S - 1 of the S seeds with replacement. The plain bootstrap (S draws)
    gives the variance of a mean too small by (S - 1) / S, which is a half with two seeds; this
    one is unbiased for it (Rao, Wu & Yue 1992, Survey Methodology 18, 209-217). With one seed the
    weight is 1 and the interval says nothing about seeds.

    Items and seeds are resampled independently (the pigeonhole bootstrap). It counts noise that
    belongs to one item and one seed up to three times, so it errs to the wide side (Owen 2007,
    Annals of Applied Statistics 1, 386-411).
    """
    if seeds < 1:
        raise ValueError("at least one seed is needed")
    weights = np.full((resamples + 1, seeds), 1.0 / seeds, order="F")
    if seeds > 1:
        weights[1:] = _draw_counts(generator, seeds, seeds - 1, resamples) / (seeds - 1)
    return weights


def _draw_counts(
    generator: np.random.Generator, categories: int, draws: int, rows: int
) -> Float[np.ndarray, "rows categories"]:
    """Multinomial counts with equal probabilities: how often each category was drawn, per row."""
    counts = np.empty((rows, categories))
    block = max(1, _CELLS_PER_DRAW // categories)
    for start in range(0, rows, block):
        part = counts[start : start + block]
        picks = generator.integers(0, categories, size=(len(part), draws))
        picks += categories * np.arange(len(part))[:, None]
        part[:] = np.bincount(picks.ravel(), minlength=part.size).reshape(part.shape)
    return counts


def percentile_interval(
    replicates: Float[np.ndarray, " replicates"], confidence: float = 0.95
) -> tuple[float, float]:
    """Percentile interval of a bootstrap distribution; row 0, the estimate, is left out.

    [q_(a/2), q_(1-a/2)] with a = 1 - confidence (Efron & Tibshirani 1993, ch. 13).
    """
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(replicates[1:], [tail, 1.0 - tail])
    return float(low), float(high)


def standard_error(replicates: Float[np.ndarray, " replicates"]) -> float:
    """Standard deviation of the bootstrap distribution; row 0, the estimate, is left out."""
    return float(np.std(replicates[1:], ddof=1))


def two_sided_p(replicates: Float[np.ndarray, " replicates"]) -> float:
    """Two-sided bootstrap p of "the difference is zero", consistent with the percentile interval.

    p = 2 (1 + min(#{d <= 0}, #{d >= 0})) / (R + 1), at most 1 (Davison & Hinkley 1997, Bootstrap
    Methods and their Application, eq. 4.11, by inversion of the interval). Its smallest value
    is 2 / (R + 1): take R large against the number of comparisons that will be corrected for.
    """
    draws = replicates[1:]
    fewer = min(int((draws <= 0).sum()), int((draws >= 0).sum()))
    return min(1.0, 2.0 * (1 + fewer) / (len(draws) + 1))


def seed_test(scores_RS: Float[np.ndarray, "recipes seeds"], recipe: int, base: int) -> float:
    """Two-sided p of "recipe and base are equal" against the noise between seeds.

    Randomised blocks with seeds as blocks: the residual of scores on recipe and seed effects has
    mean square M on (R - 1)(S - 1) degrees of freedom, and t = (x - b) / sqrt(2 M / S) (Fisher
    1935, The Design of Experiments; Montgomery, Design and Analysis of Experiments, ch. 4). With
    two recipes it is the paired t test. Pooling over recipes is what gives two seeds any power, but
    takes the noise to be alike in all of them. Where the two vary by more than that, as beside
    recipes that are all at zero, their own variance takes its place: too small a p is then rarer,
    not excluded. NaN with one seed, which tells nothing about noise.
    """
    recipes, seeds = scores_RS.shape
    if seeds < 2 or recipes < 2:
        return float("nan")
    means_R = scores_RS.mean(axis=1)
    residual_RS = scores_RS - means_R[:, None] - scores_RS.mean(axis=0) + scores_RS.mean()
    freedom = (recipes - 1) * (seeds - 1)
    pooled = 2.0 * (residual_RS**2).sum() / freedom
    own = np.var(scores_RS[recipe] - scores_RS[base], ddof=1)
    error = np.sqrt(max(pooled, own) / seeds)
    difference = abs(means_R[recipe] - means_R[base])
    tiny = 1e-12 * max(1.0, float(np.abs(scores_RS).max()))  # rounding is not a difference
    if difference <= tiny:
        return 1.0
    if error <= tiny:
        return 0.0
    return float(2.0 * special.stdtr(freedom, -difference / error))


def relative_gain(
    scores: Float[np.ndarray, " replicates"], base: Float[np.ndarray, " replicates"]
) -> Float[np.ndarray, " replicates"]:
    """(x - base) / base in every replicate (the reference study's definition, section 3).

    Raises ValueError if the base is zero or less in some replicate: the ratio has no meaning then.
    """
    if (base <= 0).any():
        raise ValueError("the base of a relative gain must be above zero in every replicate")
    return (scores - base) / base


def category_mean(
    scores: Sequence[Float[np.ndarray, " replicates"]],
) -> Float[np.ndarray, " replicates"]:
    """Plain mean of the tasks of a category, replicate by replicate.

    Items were resampled within each task; seeds jointly over the tasks, since it is one model.
    """
    return np.mean(np.stack(scores), axis=0)


def exact_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Clopper-Pearson interval of one proportion (Clopper & Pearson 1934, Biometrika 26).

    low = Beta(a/2; k, n-k+1), high = Beta(1-a/2; k+1, n-k), with 0 and 1 at the ends.
    """
    if not 0 <= successes <= trials or trials < 1:
        raise ValueError(f"{successes} of {trials} is not a proportion")
    tail = (1.0 - confidence) / 2.0
    low, high = 0.0, 1.0
    if successes > 0:
        low = float(special.betaincinv(successes, trials - successes + 1, tail))
    if successes < trials:
        high = float(special.betaincinv(successes + 1, trials - successes, 1.0 - tail))
    return low, high


def tied_interval(
    value: float, items: int, least: float, most: float, confidence: float = 0.95
) -> tuple[float, float]:
    """Exact interval of a mean whose items, from `least` to `most`, all have the same `value`.

    No resample of such items differs, and a bootstrap would call the mean certain. But items that
    differ may be as common as u = 1 - (a/2)^(1/n), the upper end of Clopper and Pearson's interval
    of 0 of n (about 3.7 / n at 95 %; Hanley & Lippman-Hand 1983, JAMA 249, 1743-1745, have the
    one-sided bound, the "rule of three"). Each of them lies between the limits, so the mean is
    between (1 - u) value + u least and (1 - u) value + u most.

    Scores from 0 to 1, right or wrong as well as graded, have the limits 0 and 1, for which all
    right and all wrong give Clopper and Pearson's own ends. Their differences have -1 and 1: no
    difference in n pairs gives -u to u, u being the share of discordant pairs.
    """
    other = exact_interval(0, items, confidence)[1]
    return value + other * (least - value), value + other * (most - value)


def chance_p(correct: Float[np.ndarray, " items"], choices: Float[np.ndarray, " items"]) -> float:
    """One-sided exact p that random guessing gets at least this many items right.

    An item with c choices is guessed with probability 1/c. If all items have the same number of
    choices the count is binomial. Otherwise it is Poisson-binomial: the convolution of one
    binomial per number of choices. Both are exact; no approximation is used.
    """
    successes = round(float(correct.sum()))
    different, sizes = np.unique(choices, return_counts=True)
    if len(different) == 1:
        return at_least(successes, int(sizes[0]), 1.0 / different[0])
    mass = np.ones(1)
    for count, size in zip(different, sizes, strict=True):
        mass = np.convolve(mass, _binomial_masses(int(size), 1.0 / count))
    return float(min(1.0, mass[successes:].sum()))


def at_least(successes: int, trials: int, probability: float) -> float:
    """Binomial probability of `successes` or more.

    The incomplete beta function I_p(k, n - k + 1) (Abramowitz & Stegun 1964, 26.5.24).
    """
    if successes <= 0:
        return 1.0
    return float(special.betainc(successes, trials - successes + 1, probability))


def sign_test(wins: int, losses: int) -> float:
    """Two-sided exact p of "a win is as likely as a loss"; 1 without either."""
    return min(1.0, 2.0 * at_least(max(wins, losses), wins + losses, 0.5))


def _binomial_masses(trials: int, probability: float) -> Float[np.ndarray, " successes"]:
    """Binomial probability of 0, 1, ..., `trials` successes."""
    k = np.arange(trials + 1)
    ways = special.gammaln(trials + 1) - special.gammaln(k + 1) - special.gammaln(trials - k + 1)
    return np.exp(ways + special.xlogy(k, probability) + special.xlog1py(trials - k, -probability))


def guessing_p(
    correct: Float[np.ndarray, " items"],
    choices: Float[np.ndarray, " items"],
    chance: float | None,
) -> float | None:
    """`chance_p` where it can be computed, else None.

    Items that do not say how many choices they have are taken to be guessed with probability
    `chance`. None where that is not known, and where items are not just right or wrong.
    """
    if not np.isin(correct, (0.0, 1.0)).all():
        return None
    if np.isnan(choices).any():
        if not chance:
            return None
        choices = np.full(len(correct), 1.0 / chance)
    return chance_p(correct, choices)


def seed_spread(scores: Sequence[float]) -> float | None:
    """Standard deviation over seeds, sqrt(sum (x - mean)^2 / (S - 1)); None with one seed."""
    if len(scores) < 2:
        return None
    return float(np.std(np.asarray(scores, dtype=np.float64), ddof=1))


COLLAPSED = 0.95
"""Share of the items from which on one answer is called a collapse."""


@dataclass(frozen=True)
class Collapse:
    """Whether predictions have collapsed onto one answer."""

    label: float
    """The most common predicted label (position of the choice)."""
    share: float
    """Share of the items for which it is predicted."""
    majority: float | None
    """Share of the most common gold label: the score of always giving that answer. None for
    generated texts, and where the gold label is the same for all items and so says nothing."""
    degenerate: bool
    """True if the score measures that one answer and not the task."""


def collapse(
    predicted: Float[np.ndarray, " items"],
    gold: Float[np.ndarray, " items"],
    threshold: float = COLLAPSED,
) -> Collapse:
    """Marks predictions as degenerate that always (or nearly always) give the same label.

    Degenerate: the most common predicted label covers at least `threshold` of the items, unless
    the gold labels are as lopsided; or it covers four fifths, and the accuracy is not better than
    always giving the majority class (exact binomial test at 0.05). Either way it must also be the
    prediction for most of the items whose gold label is another: a good model has a lopsided set's
    common label right, and tells the rest apart, however few they are. A task whose gold label is
    the same for all items is never marked: there a perfect model would be.
    """
    labels, counts = np.unique(predicted, return_counts=True)
    _, gold_counts = np.unique(gold, return_counts=True)
    label, share = float(labels[counts.argmax()]), float(counts.max() / len(predicted))
    if len(gold_counts) == 1:
        return Collapse(label, share, majority=None, degenerate=False)
    majority = float(gold_counts.max() / len(gold))
    right = int(np.sum(predicted == gold))
    no_better = at_least(right, len(gold), majority) >= 0.05
    others = gold != label
    blind = bool(others.any()) and float(np.mean(predicted[others] == label)) > 0.5
    degenerate = blind and ((share >= threshold > majority) or (share >= 0.8 and no_better))
    return Collapse(label, share, majority, bool(degenerate))


def collapse_of(columns: Mapping[str, Float[np.ndarray, " items"]]) -> Collapse | None:
    """`collapse` of what a model chose, or of what it wrote; None where it did neither.

    `columns` of one arm: "predicted" and "gold", or "text", a number for each different text.
    Texts are degenerate if one of them is the answer to 95 % of the items, and to most of those
    that are known to have another answer: a good model would write it as often on a lopsided set,
    and tell the rest apart.
    """
    text, predicted = columns.get("text"), columns["predicted"]
    if text is not None:
        labels, counts = np.unique(text, return_counts=True)
        share = float(counts.max() / len(text))
        label = float(labels[counts.argmax()])
        same, right = text == label, columns["correct"] == 1
        missed, told_apart = int(np.sum(same & ~right)), int(np.sum(~same & right))
        repeats = share >= COLLAPSED and missed > told_apart and len(text) > 1
        return Collapse(label, share, None, bool(repeats))
    if np.isnan(predicted).all():
        return None
    return collapse(predicted, columns["gold"])


def holm(p_values: Sequence[float]) -> Float[np.ndarray, " tests"]:
    """Holm's step-down adjusted p values (Holm 1979, Scandinavian Journal of Statistics 6).

    With p_(1) <= ... <= p_(m): adjusted p_(i) = max over j <= i of min(1, (m - j + 1) p_(j)).
    Rejecting where adjusted p < a keeps the chance of any false rejection in the family under a.
    """
    p_T = np.asarray(p_values, dtype=np.float64)
    order_T = np.argsort(p_T, kind="stable")
    factors_T = np.arange(len(p_T), 0, -1)
    adjusted_T = np.minimum(1.0, np.maximum.accumulate(factors_T * p_T[order_T]))
    result_T = np.empty_like(adjusted_T)
    result_T[order_T] = adjusted_T
    return result_T
