"""Numbers and names as a report writes them.

percent(0.0123), joined(["a", "b", "c"]), counted(2, "seed")     # "+1.2 %", "a, b and c", "2 seeds"
"""

import math
from collections.abc import Iterable

from code_ablate.analysis.estimation.estimates import (
    CANNOT_SAY,
    Comparison,
    Estimate,
)


def percent(value: float) -> str:
    """0.0123 -> "+1.2 %": a real minus sign, the sign always shown, no break before "%"."""
    return f"{bare(value)}\u00a0%"


def bare(value: float) -> str:
    """0.0123 -> "+1.2": percent without the unit, for the ends of an interval."""
    text = f"{100 * value:+.1f}".replace("-", "−")
    return "0.0" if text in ("+0.0", "−0.0") else text


def signed(value: float) -> str:
    """0.0123 -> "+0.012": a difference in the unit of its metric."""
    text = f"{value:+.3f}".replace("-", "−")
    return "0.000" if text in ("+0.000", "−0.000") else text


def whole_percent(value: float) -> str:
    """0.95 -> "95 %", without a sign."""
    return f"{100 * value:.0f}\u00a0%"


def percent_range(estimate: Estimate) -> str:
    """ "+1.2 % [−0.3, +2.7]"."""
    return f"{percent(estimate.value)} [{bare(estimate.low)}, {bare(estimate.high)}]"


def change_range(comparison: Comparison) -> str:
    """ "+1.2 % [−0.3, +2.7]", "+1.2 points [...]" where there is no relative gain, or a difference
    in the metric's own unit.
    """
    if comparison.gain is not None:
        return percent_range(comparison.gain)
    points = comparison.difference
    if not comparison.metric.is_share:
        return f"{signed(points.value)} [{signed(points.low)}, {signed(points.high)}]"
    return f"{bare(points.value)}\u00a0points [{bare(points.low)}, {bare(points.high)}]"


def detectable_change(comparison: Comparison) -> str:
    """ "2.1 %": the least change that would be found, in the form of `change_range`."""
    size = comparison.detectable
    if comparison.gain is not None:
        return f"{100 * size / comparison.base:.1f}\u00a0%"
    if comparison.metric.is_share:
        return f"{100 * size:.1f}\u00a0points"
    return f"{size:.3f}"


def undecided(comparison: Comparison) -> str:
    """ "2.1 %, 8 seeds or 900 items": what stands beside a verdict that cannot say; "" for others.

    The seeds that it takes with these items, and the items that it takes with these seeds.
    """
    if comparison.verdict() != CANNOT_SAY:
        return ""
    over_seeds = comparison.difference.over_seeds
    parts = [detectable_change(comparison)] if over_seeds else []
    seeds = comparison.seeds_needed
    items = comparison.items_needed if over_seeds else None
    needed = [] if seeds is None else [counted(seeds, "seed")]
    needed += [] if items is None else [_rounded_items(items)]
    if not needed and len(comparison.difference.seeds) > 1 and comparison.sought:
        needed = ["more seeds and items"]
    return ", ".join([*parts, *([" or ".join(needed)] if needed else [])]) or "more seeds"


def _rounded_items(items: int) -> str:
    """Two digits are more than is known."""
    digits = max(0, len(str(items)) - 2)
    return counted(math.ceil(items / 10**digits) * 10**digits, "item")


def joined(names: Iterable[str]) -> str:
    """ "a, b and c"."""
    found = list(names)
    return found[0] if len(found) == 1 else ", ".join(found[:-1]) + " and " + found[-1]


def counted(number: int, noun: str) -> str:
    """ "1 seed", "2 seeds"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def number_range(values: Iterable[float], form: str = ",.0f") -> str:
    """ "98,304" if all are written alike, else "98,304 to 108,544"."""
    numbers = list(values)
    low, high = format(min(numbers), form), format(max(numbers), form)
    return low if low == high else f"{low} to {high}"
