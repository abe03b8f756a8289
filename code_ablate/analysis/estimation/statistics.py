"""Exact intervals, tests against chance, marks of collapse, and corrections for many tests.

    exact_interval(7, 20), share_interval(0.35, half_width=0.2, confidence=0.95)
    chance_p(correct_I, choices_I), sign_test(wins=9, losses=2)
    holm([0.01, 0.04, 0.03])

Letters: I items, T tests. Variances over items and seeds are in `crossed.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import special  # scipy.stats, built on it, takes half a second to import


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


def share_interval(value: float, half_width: float, confidence: float) -> tuple[float, float]:
    """Interval of a mean of scores from 0 to 1, from the half width of its symmetric one.

    Quantiles of Beta(n p + 1/2, n (1 - p) + 1/2), where n is the number of independent items that
    would give the mean p this half width: n = p (1 - p) z^2 / half_width^2. With independent right
    and wrong items it is Jeffreys' interval (Brown, Cai & DasGupta 2001, Statistical Science 16,
    101-133); with seeds and clusters it is theirs with an effective size, as Korn and Graubard
    (1998, Survey Methodology 24, 193-201) have it for Clopper and Pearson's. It stays within 0 and
    1 and leans towards the middle, which on sets of a hundred items a symmetric one does not.
    """
    if not 0 < value < 1 or np.isinf(half_width):
        return 0.0, 1.0
    tail = (1.0 - confidence) / 2.0
    size = value * (1 - value) * (special.ndtri(tail) / half_width) ** 2
    return jeffreys_interval(value, size, confidence)


def jeffreys_interval(value: float, size: float, confidence: float) -> tuple[float, float]:
    """Jeffreys' interval of a share among `size` independent items, a whole number or not.

    Quantiles of Beta(n p + 1/2, n (1 - p) + 1/2); see `share_interval`.
    """
    tail = (1.0 - confidence) / 2.0
    right, wrong = size * value + 0.5, size * (1 - value) + 0.5
    low, high = (float(special.betaincinv(right, wrong, x)) for x in (tail, 1.0 - tail))
    return low, high


def tied_interval(
    value: float, items: int, least: float, most: float, confidence: float = 0.95
) -> tuple[float, float]:
    """Exact interval of a mean whose items, from `least` to `most`, all have the same `value`.

    Their spread is zero, and an interval made of it would call the mean certain. But items that
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
    clusters: Sequence[str] = (),
) -> float | None:
    """`chance_p` where it can be computed, else None.

    Items that do not say how many choices they have are taken to be guessed with probability
    `chance`. None where that is not known, and where items are not just right or wrong. Where items
    share a passage or a subject (`clusters`, one for each item), guesses may be alike within it,
    and p is the larger of that and of a t test over the clusters.
    """
    if not np.isin(correct, (0.0, 1.0)).all():
        return None
    if np.isnan(choices).any():
        if not chance:
            return None
        choices = np.full(len(correct), 1.0 / chance)
    exact = chance_p(correct, choices)
    return max(exact, clustered_chance_p(correct, choices, clusters)) if clusters else exact


def clustered_chance_p(
    correct: Float[np.ndarray, " items"],
    choices: Float[np.ndarray, " items"],
    clusters: Sequence[str],
) -> float:
    """One-sided p that guessing gets as many right, where guesses of a cluster may be alike.

    t = sum of d / (s sqrt(G)) over the G clusters, where d is what a cluster has right beyond its
    chance and s the standard deviation of d; G - 1 degrees of freedom. 1 with a single cluster.
    """
    codes = np.unique(np.asarray(clusters), return_inverse=True)[1]
    beyond_G = np.bincount(codes, weights=correct - 1.0 / choices)
    freedom = len(beyond_G) - 1
    error = np.sqrt(np.var(beyond_G, ddof=1) * (freedom + 1)) if freedom else 0.0
    if not error > 0:
        return 1.0 if freedom < 1 or beyond_G.sum() <= 0 else 0.0
    return float(special.stdtr(freedom, -beyond_G.sum() / error))


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
