"""The report as a table for the console, 80 columns wide.

print(terminal_table(load_results("runs/demo")))
"""

from collections.abc import Mapping, Sequence

from code_ablate.analysis.estimation.estimates import Metric
from code_ablate.analysis.estimation.summary import Summary, summarise
from code_ablate.analysis.report.phrases import bare, change_range, counted
from code_ablate.analysis.results.one_checkpoint import TaskSummary
from code_ablate.analysis.results.results import STAGE_TITLES, Results
from code_ablate.evaluation.kinds import BITS_PER_BYTE, KINDS


def terminal_table(results: Results | Summary) -> str:
    """Scores with intervals and paired relative changes, one block per stage and metric.

    Takes the results, or a summary where one has been made already.
    """
    summary = results if isinstance(results, Summary) else summarise(results)
    study = summary.results.study
    lines = [
        f"{study['name']}: {study['tokens']:,} tokens, seeds "
        f"{', '.join(map(str, study['seeds']))}, baseline {summary.results.baseline}",
    ]
    for stage in summary.results.stages:
        lines += ["", STAGE_TITLES[stage].upper()]
        for metric in summary.metrics:
            lines += _block(summary, stage, metric)
    confidence = 100 * summary.settings.confidence
    lines += [
        "",
        f"[ ] {confidence:.0f} % bootstrap interval over items and seeds. Changes are relative and",
        "paired by item and seed (in points where the baseline may be 0). * holds after Holm's",
        "correction over all comparisons.",
    ]
    return "\n".join(lines) + "\n"


def _block(summary: Summary, stage: str, metric: Metric) -> list[str]:
    recipes = summary.results.recipes_at(stage)
    items = summary.level(stage, recipes[0], metric).items
    if metric.lower_is_better:
        counts = f"{items:,} {'documents' if metric.key.startswith(BITS_PER_BYTE) else 'items'}"
        title = f"{metric.label}: {metric.name}, lower is better; {counts}"
    else:
        chance = "" if metric.chance is None else f", chance {100 * metric.chance:.1f}"
        counts = f"{counted(len(metric.tasks), 'task')}, {items:,} items{chance}"
        title = f"{metric.label}: {metric.name} in %; {counts}"
    head = f"  {'recipe':<20}{'code':>6}  {'score':<23}{'change against baseline':<27}"
    return ["", title, head.rstrip(), *(_row(summary, stage, name, metric) for name in recipes)]


def _row(summary: Summary, stage: str, recipe: str, metric: Metric) -> str:
    level = summary.level(stage, recipe, metric)
    scale, digits = (1, 3) if metric.lower_is_better else (100, 1)
    value, low, high = (f"{scale * x:.{digits}f}" for x in (level.value, level.low, level.high))
    comparison = summary.comparison(stage, recipe, metric)
    star = " *" if comparison and comparison.certain() else ""
    if comparison is None:
        change = "baseline" if recipe == summary.results.baseline else "not comparable"
    elif comparison.gain is None:
        change = change_range(comparison) + star
    else:
        gain = comparison.gain
        change = f"{bare(gain.value):>6} % [{bare(gain.low)}, {bare(gain.high)}]{star}"
    share = f"{100 * summary.results.code_share(recipe, stage):.0f} %"
    score = f"{value} [{low}, {high}]"
    return f"  {recipe:<20}{share:>6}  {score:<23}{change}".rstrip()


def task_table(summaries: Sequence[TaskSummary], missing: Mapping[str, str]) -> str:
    """One checkpoint's scores, a line per task: what `eval.py` prints.

    Intervals are exact (Clopper-Pearson) for items that are right or wrong, else by bootstrap.
    `missing`: task -> why it was not run.
    """
    head = f"{'task':<34}{'items':>12}  {'score':<40}{'chance':>7}  {'p':<7}{'gold':>6}  marks"
    lines = [head, "-" * len(head)]
    lines += [_task_line(summary) for summary in summaries]
    lines += [f"{task:<34}{'missing':>12}  {reason}" for task, reason in missing.items()]
    notes = [f"note: {s.task}: {note}" for s in summaries for note in s.notes]
    legend = "gold: bits per byte of the right answers; greedy: right answers that are written so"
    return "\n".join([*lines, *notes, legend])


def _task_line(summary: TaskSummary) -> str:
    count = f"{summary.items:,}/{summary.available:,}"
    chance = "" if summary.chance is None else f"{100 * summary.chance:.1f}%"
    p = "" if summary.chance_p is None else f"{summary.chance_p:.3f}"
    in_bits = KINDS[summary.kind].score == "bits" or summary.gold_bits_per_byte is None
    gold = "" if in_bits else f"{summary.gold_bits_per_byte:.3f}"
    marks = [] if summary.greedy is None else [f"greedy {100 * summary.greedy:.1f}%"]
    for name, share in summary.pass_at.items():
        value, low, high = (f"{100 * x:.1f}" for x in share)
        marks.append(f"{name} {value}% [{low}, {high}]")
    if summary.degenerate:
        marks.append(f"one answer {100 * (summary.one_answer or 0):.0f} %")
    if summary.chance_p is not None and summary.chance_p >= 0.05:
        marks.append("at chance")
    return (
        f"{summary.task:<34}{count:>12}  {_score_of(summary):<40}{chance:>7}  {p:<7}{gold:>6}  "
        f"{', '.join(marks)}"
    ).rstrip()


def _score_of(summary: TaskSummary) -> str:
    if summary.score is None or summary.low is None or summary.high is None:
        return f"{summary.score_name}: no score; {summary.generated_tokens or 0:.1f} tokens each"
    scale, digits, unit = (1, 3, "") if KINDS[summary.kind].score == "bits" else (100, 1, "%")
    value, low, high = (
        f"{scale * x:.{digits}f}" for x in (summary.score, summary.low, summary.high)
    )
    return f"{summary.score_name} {value}{unit} [{low}, {high}]"
