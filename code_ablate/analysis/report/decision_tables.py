"""The report's tables of what scores can decide, and of what was said beforehand.

    signal_table(report, place), decision_table(report), multiplier_table(report, place)
    hypothesis_table(report)

Tasks whose signal-to-noise ratio is under 2 are grey, and no mean contains them.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from code_ablate.analysis.estimation.decisions import LEAST_RATIO, Decision, Ranged, SignalToNoise
from code_ablate.analysis.estimation.estimates import Comparison
from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.estimation.task_decisions import metric_of
from code_ablate.analysis.report.content import Report
from code_ablate.analysis.report.decision_phrases import (
    in_unit,
    multiplier_text,
    ranged_text,
    shared_recipes,
)
from code_ablate.analysis.report.elements import Cell, Line, Table, cells, lines
from code_ablate.analysis.report.phrases import counted
from code_ablate.analysis.results.frozen import Frozen, Hypothesis

GREY = "open"
"""Class of what decides nothing."""


def signal_table(report: Report, place: Place) -> Table:
    """Tasks x signal-to-noise ratio of the score that counts, its parts, and other scores."""
    evidence = report.evidence
    rows = [_signal_row(report, place, task) for task in evidence.primary]
    head = [
        Cell("task"),
        Cell("score that counts", lines("and why")),
        Cell("signal to noise", lines("[interval]")),
        Cell("range by noise", lines("with what noise adds")),
        Cell("noise of a run", lines("s.d. of repeats")),
        Cell("other scores", lines("signal to noise")),
    ]
    if evidence.checkpoint_noise:
        head.insert(5, Cell("noise of checkpoints", lines("s.d. about the trend")))
    caption = f"Signal and noise {report.title(place)}"
    return Table(head, rows, caption, text_columns=(1, len(head) - 1))


def _signal_row(report: Report, place: Place, task: str) -> list[Cell]:
    evidence = report.evidence
    chosen, signal = evidence.primary[task], evidence.signal(task, place)
    metric = metric_of(report.summary.scores.tasks[task], chosen.score)
    label = Cell(metric.label), Cell(metric.name, lines(chosen.why))
    others = [
        f"{metric_of(report.summary.scores.tasks[task], score).name} {ratio:.1f}"
        for score, ratio in evidence.decided.ratios(task, place).items()
        if score != chosen.score
    ]
    last = Cell("", lines(*others)) if others else Cell("–")
    between = []
    if evidence.checkpoint_noise:
        noise = evidence.checkpoint_noise.get((task, place))
        between = [Cell("–" if noise is None else in_unit(metric, noise))]
    if signal is None:
        return [*label, *cells("–", "–", "–"), *between, last]
    row = [
        *label,
        _ratio_cell(signal, place, task, chosen.score),
        Cell(f"{signal.published:.1f}"),
        Cell(in_unit(metric, signal.noise)),
        *between,
        last,
    ]
    return row if signal.decides else [replace(cell, style=GREY) for cell in row]


def _ratio_cell(signal: SignalToNoise, place: Place, task: str, score: str) -> Cell:
    mark = () if signal.decides else (Line(f"under {LEAST_RATIO:g}: decides nothing", mark=True),)
    return Cell(
        ranged_text(signal.ratio, "{:.1f}".format),
        mark,
        data={
            "kind": "signal",
            "size": place.size,
            "stage": place.stage,
            "task": task,
            "score": score,
            **_data(signal.ratio),
        },
    )


def _data(ranged: Ranged) -> dict[str, object]:
    ends = {"low": ranged.low, "high": ranged.high}
    return {"value": repr(ranged.value)} | {k: v if v is None else repr(v) for k, v in ends.items()}


def decision_table(report: Report) -> Table | None:
    """Tasks x decision accuracy and regret of each smaller size; None with a single size.

    The last row of each pair of sizes is the mean over the tasks that are not grey there.
    """
    evidence = report.evidence
    pairs = dict.fromkeys(pair for task in evidence.primary for pair in evidence.decisions(task))
    rows: list[Sequence[Cell]] = []
    for small, large, stage in pairs:
        found: list[Decision] = []
        for task in evidence.primary:
            decision = evidence.decisions(task).get((small, large, stage))
            if decision is None:
                continue
            decides = evidence.decides(task, Place(small, stage))
            found += [decision] if decides else []
            rows.append(_decision_row(report, task, (small, large, stage), decision, decides))
        rows.append(_mean_row((small, large, stage), found))
    head = [
        Cell("task"),
        Cell("from, for", lines("stage")),
        Cell("decision accuracy", lines("pairs ordered alike, %")),
        Cell("regret of the pick", lines("of all recipes")),
        Cell("regret of a choice", lines("between two, [interval]")),
        Cell("pick", lines("best at the large size")),
    ]
    caption = "What a small size says of the largest, by the score that counts"
    return Table(head, rows, caption, text_columns=(1, 5)) if rows else None


def _decision_row(
    report: Report,
    task: str,
    pair: tuple[str, str, str],
    decision: Decision,
    decides: bool,
) -> list[Cell]:
    small, large, stage = pair
    metric = metric_of(report.summary.scores.tasks[task], report.evidence.primary[task].score)
    unit = () if metric.is_share else lines(metric.name)
    shared = shared_recipes(report, Place(small, stage), Place(large, stage))
    mark = () if decides else (Line(f"signal to noise under {LEAST_RATIO:g}", mark=True),)
    row = [
        Cell(metric.label, mark),
        Cell(f"{small}, {large}", lines(stage)),
        Cell(
            ranged_text(decision.accuracy, lambda x: f"{100 * x:.0f}"),
            data={
                "kind": "decision",
                "task": task,
                "size": small,
                "large": large,
                "stage": stage,
                **_data(decision.accuracy),
            },
        ),
        Cell(in_unit(metric, decision.lost), unit),
        Cell(ranged_text(decision.regret, lambda x: in_unit(metric, x)), unit),
        Cell(shared[decision.pick], lines(shared[decision.best])),
    ]
    return row if decides else [replace(cell, style=GREY) for cell in row]


def _mean_row(pair: tuple[str, str, str], found: Sequence[Decision]) -> list[Cell]:
    small, large, stage = pair
    if not found:
        return [
            Cell("mean", lines("no task decides")),
            Cell(f"{small}, {large}", lines(stage)),
            *cells("–", "–", "–", "–"),
        ]
    mean = float(np.mean([decision.accuracy.value for decision in found]))
    return [
        Cell("mean", lines(counted(len(found), "task"))),
        Cell(f"{small}, {large}", lines(stage)),
        Cell(
            f"{100 * mean:.0f}",
            data={"kind": "decision-mean", "size": small, "stage": stage, "value": repr(mean)},
        ),
        *cells("–", "–", "–"),
    ]


def multiplier_table(report: Report, place: Place) -> Table | None:
    """Recipes x metrics: with how many times the tokens the baseline would score so.

    None for a place without the baseline's curve.
    """
    found = {
        (recipe, key): multiplier
        for (where, recipe, key), multiplier in report.evidence.multipliers.items()
        if where == place
    }
    if not found:
        return None
    metrics = [m for m in report.summary.metrics if any(key == m.key for _, key in found)]
    rows = [
        [Cell(recipe), *(_multiplier_cell(found.get((recipe, m.key)), place) for m in metrics)]
        for recipe in report.results.recipes_at(place)
        if recipe != report.baseline
    ]
    head = [Cell("recipe"), *(Cell(m.label, lines(m.name)) for m in metrics)]
    caption = f"Tokens that {report.baseline} would need, as a multiple, {report.title(place)}"
    return Table(head, rows, caption)


def _multiplier_cell(multiplier, place: Place) -> Cell:
    if multiplier is None:
        return Cell("–")
    data = {name: repr(getattr(multiplier, name)) for name in ("value", "low", "high")}
    where = {"size": place.size, "stage": place.stage}
    return Cell(multiplier_text(multiplier), data={"kind": "multiplier", **where, **data})


def hypothesis_table(report: Report) -> Table | None:
    """Every comparison that was frozen or amended: claim, change and outcome; None without any."""
    plan = report.evidence.frozen
    if plan is None:
        return None
    rows = [
        [
            Cell(comparison.recipe),
            Cell(comparison.metric.label, lines(comparison.metric.name)),
            Cell(hypothesis.claim, lines(plan.status(comparison.recipe, comparison.metric.key))),
            Cell(comparison.verdict(), lines(report.title(comparison.place))),
            Cell(
                hypothesis.outcome(comparison),
                data={
                    "kind": "hypothesis",
                    "size": comparison.place.size,
                    "stage": comparison.place.stage,
                    "recipe": comparison.recipe,
                    "metric": comparison.metric.key,
                    "outcome": hypothesis.outcome(comparison),
                },
            ),
        ]
        for hypothesis, comparison in _claimed(plan.valid, report.summary.comparisons)
    ]
    head = [
        Cell("recipe"),
        Cell("metric"),
        Cell("claim", lines("frozen or amended")),
        Cell("verdict"),
        Cell("the claim"),
    ]
    caption = "What was claimed before the data"
    return Table(head, rows, caption, text_columns=(1, 2, 3, 4)) if rows else None


def _claimed(
    entries: Sequence[Frozen], comparisons: Sequence[Comparison]
) -> list[tuple[Hypothesis, Comparison]]:
    """Each different claim once, with every comparison that it is about."""
    claims = dict.fromkeys(hypothesis for entry in entries for hypothesis in entry.parsed)
    return [
        (hypothesis, comparison)
        for hypothesis in claims
        for comparison in comparisons
        if hypothesis.covers(comparison.recipe, comparison.metric.key)
    ]
