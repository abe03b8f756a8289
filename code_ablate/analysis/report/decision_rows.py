"""What the scores can decide, as tidy rows for files.

decision_rows(report)["signals"]        # a dict for each task, score and place
"""

import math
from typing import Any

from code_ablate.analysis.report.content import Report

Rows = list[dict[str, Any]]


def decision_rows(report: Report) -> dict[str, Rows]:
    """Tables by name; empty where the study has none."""
    return {
        "signals": _signals(report),
        "decisions": _decisions(report),
        "multipliers": _multipliers(report),
    }


def _signals(report: Report) -> Rows:
    evidence = report.evidence
    return [
        {
            "task": task,
            "score": score,
            "counts": evidence.primary[task].score == score,
            "size": place.size,
            "stage": place.stage,
            "signal_to_noise": signal.ratio.value,
            "low": signal.ratio.low,
            "high": signal.ratio.high,
            "range_by_noise": signal.published,
            "noise": signal.noise,
        }
        for (task, score, place), signal in evidence.decided.signals.items()
    ]


def _decisions(report: Report) -> Rows:
    evidence = report.evidence
    return [
        {
            "task": task,
            "score": score,
            "counts": evidence.primary[task].score == score,
            "small": small,
            "large": large,
            "stage": stage,
            "accuracy": decision.accuracy.value,
            "accuracy_low": decision.accuracy.low,
            "accuracy_high": decision.accuracy.high,
            "regret": decision.regret.value,
            "regret_low": decision.regret.low,
            "regret_high": decision.regret.high,
            "regret_of_the_pick": decision.lost,
        }
        for (task, score, small, large, stage), decision in evidence.decided.decisions.items()
    ]


def _multipliers(report: Report) -> Rows:
    return [
        {
            "size": place.size,
            "stage": place.stage,
            "recipe": recipe,
            "metric": metric,
            "multiplier": _finite(multiplier.value),
            "low": _finite(multiplier.low),
            "high": _finite(multiplier.high),
            "reach": multiplier.reach,
        }
        for (place, recipe, metric), multiplier in report.evidence.multipliers.items()
    ]


def _finite(value: float) -> float | None:
    """None where there is no end."""
    return value if math.isfinite(value) else None
