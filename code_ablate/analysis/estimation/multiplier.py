"""The compute multiplier: with how many times the tokens the baseline would score as a recipe does.

    curve = Curve(("text_only@24576", "text_only@49152"), (24576, 49152, 98304))
    compute_multiplier(estimator, place, "code_50", metric, curve)    # Multiplier: 1.4 [1.2, 1.7]

Read off the baseline's own curve: its scores at earlier checkpoints and at its end.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from code_ablate.analysis.estimation.estimates import Metric
from code_ablate.analysis.estimation.estimator import Estimator
from code_ablate.analysis.estimation.ratios import ratio_interval
from code_ablate.analysis.estimation.scores import Place

FEWEST_POINTS = 3
"""Points of a curve, its end included: two always lie on a line."""

_ROUNDING = 1e-12
"""What differences of equal scores may differ by."""


@dataclass(frozen=True)
class Curve:
    """Where the baseline was scored on its way."""

    names: tuple[str, ...]
    """Names under which the estimator's scores have the earlier checkpoints, first to last."""
    tokens: tuple[float, ...]
    """Tokens trained on at each of them, and at the end."""

    @property
    def reach(self) -> float:
        """By how many times the curve's tokens differ: further it is not continued."""
        return self.tokens[-1] / self.tokens[0]

    @property
    def slope_weights(self) -> Float[np.ndarray, " points"]:
        """Weights of the scores whose sum is the slope in ln(tokens), by least squares."""
        logs = np.log(self.tokens)
        apart = logs - logs.mean()
        return apart / (apart @ apart)


@dataclass(frozen=True)
class Multiplier:
    """Tokens that the baseline would need, as a multiple of those that it had."""

    value: float
    """The estimate: over 1 where the recipe is better."""
    low: float
    """Lower end of the interval."""
    high: float
    """Upper end of the interval."""
    reach: float
    """Multiple up to which, and its inverse down to which, the curve is known or continued."""


def compute_multiplier(
    estimator: Estimator, place: Place, recipe: str, metric: Metric, curve: Curve
) -> Multiplier | None:
    """exp(advantage / slope): the score is taken to be a straight line in ln(tokens).

    The advantage is the recipe's score less the baseline's, the slope the baseline's gain for each
    factor of e in tokens, both towards the better. Both are linear in the scores of the same items
    and seeds, so that their ratio has Fieller's interval, with the noise of items and of seeds in
    all of them. None without three seeds, three points, or a slope that is surely above zero.

    The curve is that of one training run: its earlier checkpoints have not come to the end of their
    learning rate's schedule, as a run of that length would have. The slope is too steep for it, and
    the multiplier nearer to 1 than that of runs of different lengths.
    """
    baseline = estimator.scores.baseline
    seeds = estimator.scores.common_seeds(recipe, place)
    for name in curve.names:
        seeds = tuple(s for s in seeds if s in estimator.scores.seeds_of(name, place))
    if len(curve.tokens) < FEWEST_POINTS or not seeds:
        return None
    names = (recipe, *curve.names, baseline)
    covariance = estimator.covariance(place, names, metric, seeds)
    if not covariance.along(np.eye(len(names))[0]).of_seeds:
        return None
    sign = -1.0 if metric.lower_is_better else 1.0
    advantage, slope = np.zeros(len(names)), np.zeros(len(names))
    advantage[0], advantage[-1] = sign, -sign
    slope[1:] = sign * curve.slope_weights
    if covariance.along(advantage.tolist()).variance ** 0.5 <= _ROUNDING:
        return None  # all right, or all wrong, with both: that is no certainty
    if metric.is_share:
        covariance = covariance.with_unseen(estimator.unseen(place, metric, seeds))
    weights_LK = np.stack([advantage, slope])
    means = [estimator.by_seed(place, name, metric, seeds).mean() for name in names]
    value, base = (float(x) for x in weights_LK @ np.array(means))
    ends = ratio_interval(
        value, base, covariance.transformed(weights_LK), estimator.settings.confidence
    )
    if ends is None:
        return None
    return Multiplier(_exp(value / base), _exp(ends[0]), _exp(ends[1]), curve.reach)


def _exp(value: float) -> float:
    """Infinite where it is too large for a number."""
    return math.exp(value) if value < 700 else math.inf
