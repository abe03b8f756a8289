"""Where a function of one number changes its sign.

sign_change(lambda x: x * x - 2, inside=0.0, step=1.0)     # 1.41421...
"""

from collections.abc import Callable

_STEPS = 60  # halvings of an interval: to the last bits of a double


def sign_change(beyond: Callable[[float], float], inside: float, step: float) -> float | None:
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
