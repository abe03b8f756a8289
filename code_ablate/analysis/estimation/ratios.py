"""Intervals of ratios of two scores that vary together.

ratio_interval(0.31, 0.28, covariance, 0.95)    # Fieller's, of the first outcome by the second
"""

from collections.abc import Callable

from code_ablate.analysis.estimation.crossed import CrossedCovariance

_STEPS = 60  # halvings of an interval: to the last bits of a double


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
    low, high = (_end(beyond, centre, side * step) for side in (-1.0, 1.0))
    return None if low is None or high is None else (low, high)


def _end(beyond: Callable[[float], float], inside: float, step: float) -> float | None:
    """Where `beyond` changes its sign on one side of `inside`; None if it does nowhere.

    By false position, halving the weight of an end that stays (the Illinois method).
    """
    near, far = inside, inside + step
    above, below = beyond(far), beyond(near)
    for _ in range(_STEPS):
        if above > 0:
            break
        near, below, step = far, above, 2 * step
        far = inside + step
        above = beyond(far)
    else:
        return None
    for _ in range(_STEPS):
        middle = far - above * (far - near) / (above - below)
        value = beyond(middle)
        if value > 0:
            far, above, below = middle, value, below / 2
        else:
            near, below, above = middle, value, above / 2
        if abs(far - near) <= 1e-13 * abs(step) or abs(value) <= 1e-15 * abs(step):
            break
    return middle
