"""Examples whose targets are scored as continuations of their inputs: what `Ranked` and `Gold`
have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from code_ablate.errors import UserError
from code_ablate.evaluation.packing import Request

if TYPE_CHECKING:
    from code_ablate.evaluation.downstream import LoadedTask


class Continuations:
    """One request for each example of a Task."""

    def __init__(self, task: LoadedTask):
        """Raises UserError for an empty continuation, or a Task without metric_fn for scores."""
        if not task.task.score_metric_fns:
            raise UserError(
                f"evaluation task {task.name!r} scores given texts, but has no "
                "metric_fn(targets, scores): give it one."
            )
        self._task = task
        self.requests = tuple(_request(task, example) for example in task.examples)

    @property
    def work(self) -> int:
        """Requests, in pieces that the model sees at once."""
        return sum(len(request.pieces(self._task.longest)) for request in self.requests)

    def describe(self, kind: str, **more: Any) -> dict:
        """What the report says about the task."""
        cropped = sum(len(request.tokens) > self._task.longest for request in self.requests)
        return self._task.describe(kind, examples=len(self.requests), cropped=cropped, **more)


def _request(task: LoadedTask, example) -> Request:
    context, continuation = task.prompt(example), example["targets"]
    if not len(continuation):
        raise UserError(f"evaluation task {task.name!r} has an example with an empty continuation.")
    tokens = np.concatenate([context, continuation]).astype(np.int32)
    return Request(tokens, first=len(context))
