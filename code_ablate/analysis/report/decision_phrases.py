"""Signal, decisions and multipliers as a report writes them.

multiplier_text(multiplier)         # "1.4× [1.2, 1.7]"
ranged_text(ranged, "{:.1f}".format)
"""

from collections.abc import Callable

from code_ablate.analysis.estimation.decisions import Ranged
from code_ablate.analysis.estimation.estimates import Comparison, Metric
from code_ablate.analysis.estimation.multiplier import Multiplier
from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.report.content import Report


def ranged_text(ranged: Ranged, written: Callable[[float], str]) -> str:
    """ "3.1 [1.9, 5.0]"; without an interval where there is none."""
    if ranged.low is None or ranged.high is None:
        return written(ranged.value)
    return f"{written(ranged.value)} [{written(ranged.low)}, {written(ranged.high)}]"


def in_unit(metric: Metric, value: float) -> str:
    """A difference in the unit of a score: points for shares, which it says, else a number."""
    if metric.is_share:
        return f"{100 * value:.1f}\u00a0points"
    return f"{value:.4f}"


def with_unit(metric: Metric, value: float) -> str:
    """A difference with its unit, where none stands beside it: "0.0120 bits per byte"."""
    return in_unit(metric, value) if metric.is_share else f"{value:.4f} {metric.name}"


def shared_recipes(report: Report, small: Place, large: Place) -> list[str]:
    """The recipes that two places have, in the order in which a `Decision` numbers them."""
    return [r for r in report.results.recipes_at(small) if r in report.results.recipes_at(large)]


def multiplier_text(multiplier: Multiplier) -> str:
    """ "1.4× [1.2, 1.7]"; "over 4" for what lies beyond the baseline's curve."""

    def written(value: float) -> str:
        reach = multiplier.reach
        if value > reach:
            return f"over {reach:.3g}"
        return f"under {1 / reach:.2g}" if value < 1 / reach else f"{value:.2f}"

    value, low, high = map(written, (multiplier.value, multiplier.low, multiplier.high))
    if low == high:
        return f"{value}×"
    return f"{value}× [{low}, {high}]"


def multiplier_lines(report: Report, comparison: Comparison) -> tuple[str, ...]:
    """The compute multiplier of a comparison, in a line; none where there is no curve."""
    key = comparison.place, comparison.recipe, comparison.metric.key
    multiplier = report.evidence.multipliers.get(key)
    if multiplier is None:
        return ()
    return (f"tokens {multiplier_text(multiplier)}",)


def tokens_needed(report: Report, comparison: Comparison) -> str:
    """ ", for which text_only would need 1.40× [1.20, 1.66] its tokens"; "" without a curve."""
    key = comparison.place, comparison.recipe, comparison.metric.key
    multiplier = report.evidence.multipliers.get(key)
    if multiplier is None:
        return ""
    return f", for which {report.baseline} would need {multiplier_text(multiplier)} its tokens"
