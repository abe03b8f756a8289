"""The kinds of tasks that can be evaluated, one module each, and the facts of each in one table.

    KINDS["exact_match"].title                       # "exact match"
    kind = kind_of(seqio.TaskRegistry.get("arc_easy"))   # as declared, or by its metric_fns
    measure = kind.measure(LoadedTask.load("arc_easy", ...))

A further kind is one module here, with a class that has the methods of `Measure` and a `KIND`, and
one line in the table below. The table can be read where JAX, TensorFlow and SeqIO are not
installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from code_ablate.errors import UserError
from code_ablate.evaluation import declarations, domains
from code_ablate.evaluation.kinds import answers, gold, open_ended, programs, ranked
from code_ablate.evaluation.measure import Kind

if TYPE_CHECKING:
    import seqio

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        ranked.KIND,
        gold.KIND,
        answers.KIND,
        programs.KIND,
        open_ended.KIND,
        domains.KIND,
    )
}
"""The kinds by name, as tables of results have it."""

RANKED, GOLD, ANSWERS = ranked.KIND.name, gold.KIND.name, answers.KIND.name
PROGRAMS, OPEN_ENDED = programs.KIND.name, open_ended.KIND.name
BITS_PER_BYTE = domains.KIND.name


def kind_of(task: seqio.Task) -> Kind:
    """The kind that was declared, or that follows from the Task's metric_fns.

    A metric of scores means rank classification, one of predictions generated answers. Raises
    UserError if it has neither.
    """
    info = declarations.info(task.name)
    if info is not None:
        return info.kind
    if task.score_metric_fns:
        return ranked.KIND
    if task.predict_metric_fns:
        return answers.KIND
    raise UserError(
        f"evaluation task {task.name!r} has no metric_fn(targets, scores) and no "
        "metric_fn(targets, predictions), so that nothing says how it is scored: give it one."
    )
