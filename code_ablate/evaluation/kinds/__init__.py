"""The kinds of tasks that can be evaluated, one module each.

    kind = kind_of(seqio.TaskRegistry.get("arc_easy"))   # as declared, or by its metric_fns
    measure = KINDS[kind](LoadedTask.load("arc_easy", ...))

A further kind is a class with the methods of `Kind` and `Measure` in a module here, its name in
`evaluation/registry.py`, and its line in the table below.
"""

from collections.abc import Mapping

import seqio

from code_ablate.errors import UserError
from code_ablate.evaluation import registry
from code_ablate.evaluation.kinds.answers import Answers
from code_ablate.evaluation.kinds.gold import Gold
from code_ablate.evaluation.kinds.open_ended import OpenEnded
from code_ablate.evaluation.kinds.programs import Programs
from code_ablate.evaluation.kinds.protocol import Kind
from code_ablate.evaluation.kinds.ranked import Ranked

KINDS: Mapping[str, Kind] = {
    registry.RANKED: Ranked,
    registry.GOLD: Gold,
    registry.ANSWERS: Answers,
    registry.PROGRAMS: Programs,
    registry.OPEN_ENDED: OpenEnded,
}
"""How each kind is measured."""


def kind_of(task: seqio.Task) -> str:
    """The kind that was declared, or that follows from the Task's metric_fns.

    Scores are for ranking, predictions for comparing with answers. Raises UserError if it has
    neither.
    """
    info = registry.info(task.name)
    if info is not None:
        return info.kind
    if task.score_metric_fns:
        return registry.RANKED
    if task.predict_metric_fns:
        return registry.ANSWERS
    raise UserError(
        f"evaluation task {task.name!r} has no metric_fn(targets, scores) and no "
        "metric_fn(targets, predictions), so that nothing says how it is scored: give it one."
    )
