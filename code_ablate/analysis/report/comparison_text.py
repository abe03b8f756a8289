"""Two checkpoints compared, as a table for the console.

print(comparison_text(rows))        # rows of `estimation.by_task`
"""

from collections.abc import Sequence

from code_ablate.analysis.estimation.by_task import TaskComparison
from code_ablate.evaluation.kinds.own_metrics import PREFIX
from code_ablate.shown import one_line

_NAMES = {
    "correct": "exact by greedy decoding",
    "correct_per_byte": "accuracy per byte",
    "bits": "bits per byte",
    "generated_tokens": "tokens generated",
}
"""What a score is called where it is not the one that counts."""

_LEGEND = """\
[ ] 95 % interval of the difference over items, paired; where items share a passage or a subject,
    over these. It is of these two checkpoints: what other seeds of the same recipes would do, only
    a study can tell, so nothing here is starred.
p   of "no difference": McNemar's exact test where items stand alone and are right or wrong, else
    Student's. Holm: corrected over the scores that count, which stand first in each task.
Of bits per byte less is better. Units are items, or the passages or subjects that they share."""


def score_name(row: TaskComparison) -> str:
    """ "accuracy", "accuracy per byte", "bits per byte", or a metric of the task's own."""
    score = row.comparison.metric.score
    if row.counts:
        return row.task.title
    return _NAMES.get(score, score.removeprefix(PREFIX))


def comparison_text(rows: Sequence[TaskComparison]) -> str:
    """A line per score, tasks in their order, and what the numbers mean."""
    head = (
        f"{'task':<24} {'score':<18} {'units':>6} {'candidate':>9} {'baseline':>9}  "
        f"{'difference':<24} {'p':<7} Holm"
    )
    lines, last = [head, "-" * len(head)], ""
    for row in rows:
        name = "" if row.task.name == last else one_line(row.task.label)
        lines.append(_line(name, row))
        last = row.task.name
    return "\n".join([*lines, "", _LEGEND])


def _line(name: str, row: TaskComparison) -> str:
    one, difference = row.comparison, row.comparison.difference
    scale, digits = one.metric.form
    unit = "%" if one.metric.is_share else ""
    level = f"{scale * row.candidate:.{digits}f}{unit}"
    base = f"{scale * one.base:.{digits}f}{unit}"
    value, low, high = (
        f"{scale * x:+.{digits}f}" for x in (difference.value, difference.low, difference.high)
    )
    change = f"{value} [{low}, {high}]"
    holm = "" if row.p_holm is None else _p(row.p_holm)
    return (
        f"{name:<24} {score_name(row):<18} {row.units:>6,} {level:>9} {base:>9}  {change:<24} "
        f"{_p(one.p):<7} {holm}"
    ).rstrip()


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"
