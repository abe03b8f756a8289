"""Intervals of ratios of two scores that vary together.

ratio_interval(0.31, 0.28, covariance, 0.95)    # Fieller's, of the first outcome by the second
"""

from code_ablate.analysis.estimation.crossed import CrossedCovariance
from code_ablate.analysis.estimation.sign_change import sign_change


def ratio_interval(
    value: float, base: float, covariance: CrossedCovariance, confidence: float
) -> tuple[float, float] | None:
    """Fieller's interval of value / base: all ratios r with value - r base within its noise.

    The first outcome of `covariance` is the value, the second the base (Fieller 1954, JRSS B 16,
    175-185). It holds 1 exactly where the interval of the difference holds 0. None where the base
    cannot be told from zero: the ratios then reach to infinity.
    """
    if base <= 0 or base <= covariance.along([0.0, 1.0]).half_width(confidence):
        return None

    def beyond(ratio: float) -> float:
        """By how much the value is further off than the noise allows."""
        half = covariance.along([1.0, -ratio]).half_width(confidence)
        return abs(value - ratio * base) - half

    centre = value / base
    step = 2 * covariance.along([1.0, -centre]).half_width(confidence) / base
    if not step > 0:
        return centre, centre
    low, high = (sign_change(beyond, centre, side * step) for side in (-1.0, 1.0))
    return None if low is None or high is None else (low, high)
