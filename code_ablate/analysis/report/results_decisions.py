"""How smaller sizes decide for the largest that is trained, on the page of a result.

decisions_text(parts)           # Markdown: a table of each study that has several sizes
"""

import statistics
from collections.abc import Sequence

from code_ablate.analysis.estimation.decisions import LEAST_RATIO, Decision
from code_ablate.analysis.estimation.estimates import Metric
from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.estimation.task_decisions import metric_of
from code_ablate.analysis.report.content import Report, stage_title
from code_ablate.analysis.report.decision_phrases import (
    in_unit,
    ranged_text,
    shared_recipes,
    with_unit,
)
from code_ablate.analysis.report.phrases import counted
from code_ablate.analysis.report.rendering import markdown_table
from code_ablate.analysis.report.study_answers import Part

Pair = tuple[str, str, str]
"""A smaller size, the largest, and the stage of both."""

LEGEND = (
    "The share of the pairs of recipes that both sizes order alike (half would be chance), with "
    "its interval where five recipes or more are there; behind it what the pick of the smaller "
    "size loses at the larger one, where another recipe is better there. "
    f'"?": the score has a signal-to-noise ratio under {LEAST_RATIO:g} at the smaller size, so '
    "that it decides nothing; it is in neither of the last two rows."
)


def decisions_text(parts: Sequence[Part]) -> str:
    """The scores that count, by sizes and stages: a table of each study, and a legend.

    Empty where no study has two recipes with results at two sizes.
    """
    tables = [text for part in parts if part.report and (text := _table(part.name, part.report))]
    return "\n\n".join([*tables, LEGEND]) if tables else ""


def _table(study: str, report: Report) -> str:
    """One study's; empty where fewer than two recipes have two sizes."""
    evidence = report.evidence
    pairs = dict.fromkeys(pair for task in evidence.primary for pair in evidence.decisions(task))
    if not pairs:
        return ""
    rows = [["task or domain", *(_where(report, pair) for pair in pairs)]]
    for task, chosen in evidence.primary.items():
        metric = metric_of(report.summary.scores.tasks[task], chosen.score)
        rows.append([task, *(_cell(report, task, metric, pair) for pair in pairs)])
    told = [_told(report, pair) for pair in pairs]
    rows.append(["scores that order every pair alike", *map(_all_alike, told)])
    rows.append(["mean over scores", *map(_mean_accuracy, told)])
    return f"Of `{study}`:\n\n{markdown_table(rows)}"


def _where(report: Report, pair: Pair) -> str:
    """ "291K for 639K after cooldown, 5 recipes"."""
    small, large, stage = pair
    shared = shared_recipes(report, Place(small, stage), Place(large, stage))
    return f"{small} for {large} {stage_title(stage)}, {counted(len(shared), 'recipe')}"


def _cell(report: Report, task: str, metric: Metric, pair: Pair) -> str:
    """ "0.93 [0.64, 1.00], loses 0.0120 bits per byte"."""
    small, _, stage = pair
    decision = report.evidence.decisions(task).get(pair)
    if decision is None:
        return "–"
    shown = any(digit in in_unit(metric, decision.lost) for digit in "123456789")
    loses = f", loses {with_unit(metric, decision.lost)}" if shown else ""
    mark = "" if report.evidence.decides(task, Place(small, stage)) else "? "
    return mark + ranged_text(decision.accuracy, "{:.2f}".format) + loses


def _told(report: Report, pair: Pair) -> list[Decision]:
    """The decisions of the tasks that tell recipes apart at the smaller size."""
    evidence = report.evidence
    place = Place(pair[0], pair[2])
    return [
        decision
        for task in evidence.primary
        if (decision := evidence.decisions(task).get(pair)) and evidence.decides(task, place)
    ]


def _all_alike(told: Sequence[Decision]) -> str:
    alike = sum(decision.accuracy.value == 1 for decision in told)
    return f"{alike} of {len(told)}" if told else "–"


def _mean_accuracy(told: Sequence[Decision]) -> str:
    if not told:
        return "–"
    return f"{statistics.fmean(one.accuracy.value for one in told):.2f} of {len(told)}"
