"""What the scores can decide, for the terminal.

for line in decision_lines(report): print(line)
"""

from code_ablate.analysis.estimation.decisions import LEAST_RATIO
from code_ablate.analysis.estimation.task_decisions import metric_of
from code_ablate.analysis.report.content import Report
from code_ablate.analysis.report.decision_phrases import multiplier_text, ranged_text
from code_ablate.analysis.report.frozen_text import frozen_summary


def decision_lines(report: Report) -> list[str]:
    """Signal to noise of every task, decisions across sizes, multipliers, and what was frozen."""
    return [
        *_signal_lines(report),
        *_decision_lines(report),
        *_multiplier_lines(report),
        "",
        frozen_summary(report),
    ]


def _signal_lines(report: Report) -> list[str]:
    evidence = report.evidence
    lines: list[str] = []
    for place in report.first_places():
        rows = []
        for task, chosen in evidence.primary.items():
            signal = evidence.signal(task, place)
            if signal is None:
                continue
            metric = metric_of(report.summary.scores.tasks[task], chosen.score)
            ratio = ranged_text(signal.ratio, "{:.1f}".format)
            mark = "" if signal.decides else "decides nothing"
            rows.append(f"  {metric.label:<33} {metric.name:<23} {ratio:<19} {mark}".rstrip())
        if rows:
            title = f"signal to noise {report.title(place)}: spread over recipes by noise of a run"
            lines += ["", f"{title}; under {LEAST_RATIO:g} decides nothing", *rows]
    return lines


def _decision_lines(report: Report) -> list[str]:
    evidence = report.evidence
    rows = []
    for task, chosen in evidence.primary.items():
        label = metric_of(report.summary.scores.tasks[task], chosen.score).label
        for (small, large, _), decision in evidence.decisions(task).items():
            accuracy = ranged_text(decision.accuracy, lambda x: f"{100 * x:.0f}")
            rows.append(
                f"  {label:<33} {f'{small} for {large}':<23} {accuracy:<19} "
                f"lost {decision.lost:.4f}"
            )
    head = (
        "decisions of a small size for the largest: pairs ordered alike, %, and what its pick lost"
    )
    return ["", head, *rows] if rows else []


def _multiplier_lines(report: Report) -> list[str]:
    labels = {metric.key: metric for metric in report.summary.metrics}
    rows = []
    for (_, recipe, key), multiplier in report.evidence.multipliers.items():
        metric = labels[key]
        rows.append(
            f"  {recipe:<23} {f'{metric.label}, {metric.name}':<35} {multiplier_text(multiplier)}"
        )
    head = f"tokens that {report.baseline} would need for the same score, as a multiple"
    return ["", head, *rows] if rows else []
