"""Numbers and names as a report writes them.

percent(0.0123), joined(["a", "b", "c"]), counted(2, "seed")     # "+1.2 %", "a, b and c", "2 seeds"
"""

import math
from collections.abc import Callable, Iterable

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


def interval(low: float, high: float, written: Callable[[float], str]) -> str:
    """ "[−0.3, +2.7]"; "[no interval]" where the data give none."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return "[no interval]"
    return f"[{written(low)}, {written(high)}]"


def percent_range(estimate: Estimate) -> str:
    """ "+1.2 % [−0.3, +2.7]"."""
    return f"{percent(estimate.value)} {interval(estimate.low, estimate.high, bare)}"


def change_range(comparison: Comparison) -> str:
    """ "+1.2 % [−0.3, +2.7]", "+1.2 points [...]" where there is no relative gain, or a difference
    in the metric's own unit.
    """
    if comparison.gain is not None:
        return percent_range(comparison.gain)
    points = comparison.difference
    if not comparison.metric.is_share:
        return f"{signed(points.value)} {interval(points.low, points.high, signed)}"
    return f"{bare(points.value)}\u00a0points {interval(points.low, points.high, bare)}"


def size_range(comparison: Comparison) -> str:
    """ "1.2 % [0.3, 2.7]": the size of a change whose direction is said in words."""
    change = comparison.change
    relative = comparison.gain is not None
    sign = 1 if change.value >= 0 else -1
    ends = sorted((sign * change.low, sign * change.high))
    if relative or comparison.metric.is_share:
        unit = "\u00a0%" if relative else "\u00a0points"
        low, high = (f"{100 * end:.1f}".replace("-", "−") for end in ends)
        return f"{100 * abs(change.value):.1f}{unit} [{low}, {high}]"
    low, high = (f"{end:.3f}".replace("-", "−") for end in ends)
    return f"{abs(change.value):.3f} [{low}, {high}]"


def capital(text: str) -> str:
    """With a capital first letter; the others, such as those of a size, stay as they are."""
    return text[:1].upper() + text[1:]


def detectable_change(comparison: Comparison) -> str:
    """ "2.1 %": the least change that would be found, in the form of `change_range`.

    Not for a comparison whose `detectable` is infinite, where there is none.
    """
    size = comparison.detectable
    if comparison.gain is not None:
        return f"{100 * size / comparison.base:.1f}\u00a0%"
    if comparison.metric.is_share:
        return f"{100 * size:.1f}\u00a0points"
    return f"{size:.3f}"


def undecided(comparison: Comparison, *, short: bool = False) -> str:
    """ "2.1 %, 8 seeds or 900 items": what stands beside a verdict that cannot say; "" for others.

    The seeds that it takes with these items, and the items that it takes with these seeds; of both
    the first that is enough where it has to be `short`.
    """
    if comparison.verdict() != CANNOT_SAY:
        return ""
    over_seeds = comparison.difference.over_seeds
    known = over_seeds and math.isfinite(comparison.detectable)
    parts = [detectable_change(comparison)] if known else []
    seeds = comparison.seeds_needed
    items = comparison.items_needed if over_seeds else None
    needed = [] if seeds is None else [counted(seeds, "seed")]
    needed += [] if items is None else [_rounded_items(items)]
    if not needed and len(comparison.difference.seeds) > 1 and comparison.sought:
        needed = ["more" if short else "more seeds and items"]
    takes = " or ".join(needed[:1] if short else needed)
    return ", ".join(filter(None, [*parts, takes])) or "more seeds"


def _rounded_items(items: int) -> str:
    """Two digits are more than is known."""
    digits = max(0, len(str(items)) - 2)
    return counted(math.ceil(items / 10**digits) * 10**digits, "item")


def joined(names: Iterable[str]) -> str:
    """ "a, b and c"."""
    found = list(names)
    return found[0] if len(found) == 1 else ", ".join(found[:-1]) + " and " + found[-1]


def counted(number: int, noun: str, plural: str = "") -> str:
    """ "1 seed", "2 seeds"; with a plural of its own, "2 corpora"."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def scientific(value: float) -> str:
    """1.7e13 -> "1.7 × 10¹³"."""
    factor, _, power = f"{value:.1e}".partition("e")
    return f"{factor}\u00a0×\u00a010{str(int(power)).translate(_RAISED)}"


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number_range(values: Iterable[float], form: str = ",.0f") -> str:
    """ "98,304" if all are written alike, else "98,304 to 108,544"."""
    numbers = list(values)
    low, high = format(min(numbers), form), format(max(numbers), form)
    return low if low == high else f"{low} to {high}"
