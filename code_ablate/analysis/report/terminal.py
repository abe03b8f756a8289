"""The report as a table for the console, 100 columns wide.

print(terminal_table(read_report("runs/demo")))
"""

from collections.abc import Mapping, Sequence

from code_ablate.analysis.estimation.crossed import FEWEST_SEEDS
from code_ablate.analysis.estimation.estimates import DIFFERENT, EQUIVALENT, Comparison, Metric
from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.report.content import Report, stage_title
from code_ablate.analysis.report.decision_text import decision_lines
from code_ablate.analysis.report.one_checkpoint import TaskSummary
from code_ablate.analysis.report.phrases import (
    bare,
    change_range,
    counted,
    interval,
    number_range,
    undecided,
    whole_percent,
)
from code_ablate.analysis.report.tables import star_of
from code_ablate.evaluation.kinds import BITS_PER_BYTE, KINDS


def terminal_table(report: Report) -> str:
    """Scores with intervals, paired relative changes and verdicts, a block per place and metric."""
    record = report.record
    arms = report.results.last_arms
    tokens = number_range([arm.tokens for arm in arms])
    seeds = ", ".join(map(str, sorted({arm.arm.seed for arm in arms})))
    lines = [f"{record.name}: {tokens} tokens, seeds {seeds}, baseline {report.baseline}"]
    for place in report.places:
        lines += ["", report.title(place).upper() if not report.several_sizes else _heading(place)]
        if len(record.groups) > 1:
            lines += _shares(report, place)
        for metric in report.summary.metrics:
            lines += _block(report, place, metric)
    lines += ["", *_legend(report), *decision_lines(report)]
    return "\n".join(lines) + "\n"


def _legend(report: Report) -> list[str]:
    summary = report.summary
    few = {len(seeds) < FEWEST_SEEDS for seeds in summary.scores.seeds.values()}
    over = "items and seeds"
    if True in few:
        over = "items, and not over seeds, which are too few"
        if False in few:
            over = "items and seeds; with fewer than three seeds, over items alone"
    lines = [
        f"[ ] {whole_percent(summary.settings.confidence)} interval over {over}.",
        "Changes are relative and paired by item and seed; in points where the baseline may be 0.",
        "* different: holds after Holm's correction over all comparisons, on three seeds or more.",
    ]
    if any(c.exploratory for c in summary.comparisons):
        lines[-1] = (
            "* different: holds after Holm's correction over what hypotheses named, on three seeds "
            "or more;\n"
            "° the same of the other comparisons, which are exploratory and corrected apart."
        )
    if any(c.margin for c in summary.comparisons):
        lines.append(
            "= equivalent: within the study's margin, by two one-sided tests, as corrected."
        )
    sought = "the margin" if any(c.margin for c in summary.comparisons) else "this change"
    lines += [
        "? cannot say: the least change that four of five such studies would find, and the seeds",
        f"  (where a thousand are too few, the items) that it takes to find {sought}.",
    ]
    return lines


def _heading(place: Place) -> str:
    """The stage in capitals; the size as it is written."""
    return f"{stage_title(place.stage).upper()} ({place.size})"


def _shares(report: Report, place: Place) -> list[str]:
    """A line per recipe with its share of every group of corpora."""
    groups = report.record.groups
    widths = [max(8, len(group) + 2) for group in groups]
    head = "".join(f"{group:>{width}}" for group, width in zip(groups, widths, strict=True))
    lines = ["", "share of the tokens, %", f"  {'recipe':<20}{head}"]
    for recipe in report.results.recipes_at(place):
        shares = (100 * report.results.share(recipe, place, group) for group in groups)
        cells = "".join(f"{share:>{width}.0f}" for share, width in zip(shares, widths, strict=True))
        lines.append(f"  {recipe:<20}{cells}")
    return lines


def _block(report: Report, place: Place, metric: Metric) -> list[str]:
    recipes = report.results.recipes_at(place)
    items = report.summary.level(place, recipes[0], metric).items
    if metric.lower_is_better:
        counts = f"{items:,} {'documents' if metric.key.startswith(BITS_PER_BYTE) else 'items'}"
        title = f"{metric.label}: {metric.name}, lower is better; {counts}"
    else:
        chance = "" if metric.chance is None else f", chance {100 * metric.chance:.1f}"
        counts = f"{counted(len(metric.tasks), 'task')}, {items:,} items{chance}"
        title = f"{metric.label}: {metric.name}{' in %' if metric.is_share else ''}; {counts}"
    source = report.record.source
    width = _share_width(source)
    head = f"  {'recipe':<20}{source:>{width}}  {'score':<22}{'change against baseline':<27}verdict"
    return ["", title, head.rstrip(), *(_row(report, place, name, metric) for name in recipes)]


def _share_width(source: str) -> int:
    return max(6, len(source) + 1)


def _row(report: Report, place: Place, recipe: str, metric: Metric) -> str:
    level = report.summary.level(place, recipe, metric)
    scale, digits = metric.form
    ends = interval(level.low, level.high, lambda end: f"{scale * end:.{digits}f}")
    comparison = report.summary.comparison(place, recipe, metric)
    verdict = "" if comparison is None else _verdict(comparison)
    if comparison is None:
        change = "baseline" if recipe == report.baseline else "not comparable"
    elif comparison.gain is None:
        change = change_range(comparison)
    else:
        gain = comparison.gain
        change = f"{bare(gain.value):>6} % {interval(gain.low, gain.high, bare)}"
    share = f"{100 * report.results.share(recipe, place):.0f} %"
    score = f"{scale * level.value:.{digits}f} {ends}"
    width = _share_width(report.record.source)
    return f"  {recipe:<20}{share:>{width}}  {score:<22}{change:<27}{verdict}".rstrip()


def _verdict(comparison: Comparison) -> str:
    """ "*", "=", "° exploratory", or "? 2.1 %, 8 seeds"."""
    apart = " exploratory" if comparison.exploratory else ""
    marks = {DIFFERENT: f"{star_of(comparison)}{apart}", EQUIVALENT: f"={apart}"}
    return marks.get(comparison.verdict()) or f"? {undecided(comparison, short=True)}"


def task_table(summaries: Sequence[TaskSummary], missing: Mapping[str, str]) -> str:
    """One checkpoint's scores, a line per task: what `eval.py` prints.

    Intervals are made as `TaskSummary.interval` says; those of bits per byte and of metrics of the
    task's own are Student's. `missing`: task -> why it was not run.
    """
    head = f"{'task':<34}{'items':>12}  {'score':<40}{'chance':>7}  {'p':<7}{'gold':>6}  marks"
    lines = [head, "-" * len(head)]
    lines += [_task_line(summary) for summary in summaries]
    lines += [f"{task:<34}{'missing':>12}  {reason}" for task, reason in missing.items()]
    notes = [f"note: {s.task}: {note}" for s in summaries for note in s.notes]
    legend = (
        "gold: bits per byte of the right answers; greedy: share of the right answers that greedy "
        "decoding gives exactly"
    )
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
    for name, (mean, least, most) in summary.own_metrics.items():
        marks.append(f"{name} {mean:.3f} {interval(least, most, '{:.3f}'.format)}")
    if summary.degenerate:
        marks.append(f"one answer {100 * (summary.one_answer or 0):.0f} %")
    if summary.chance_p is not None and summary.chance_p >= 0.05:
        marks.append("at chance")
    if not summary.isolated:
        marks.append("without isolation")
    return (
        f"{summary.task:<34}{count:>12}  {_score_of(summary):<40}{chance:>7}  {p:<7}{gold:>6}  "
        f"{', '.join(marks)}"
    ).rstrip()


def _score_of(summary: TaskSummary) -> str:
    if summary.score is None or summary.low is None or summary.high is None:
        return f"{summary.score_name}: no score; {summary.generated_tokens or 0:.1f} tokens each"
    scale, digits, unit = (100, 1, "%") if summary.is_share else (1, 3, "")
    ends = interval(summary.low, summary.high, lambda end: f"{scale * end:.{digits}f}")
    return f"{summary.score_name} {scale * summary.score:.{digits}f}{unit} {ends}"
