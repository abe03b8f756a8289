"""Examples whose targets are scored as continuations of their inputs: what `Ranked` and `Gold`
have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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

    def seen(self, number: int) -> tuple[tuple[bytes, int], ...]:
        """What the model sees of an example, and where in it the scored tokens begin."""
        pieces = self.requests[number].pieces(self._task.longest)
        return tuple((piece.tokens.tobytes(), piece.first) for piece in pieces)

    def describe(self, kind: str, **more: Any) -> dict:
        """What the report says about the task."""
        cropped = sum(len(request.tokens) > self._task.longest for request in self.requests)
        return self._task.describe(kind, examples=len(self.requests), cropped=cropped, **more)


def repeated_note(asked: Iterable[Sequence[bytes]]) -> list[str]:
    """How many items ask what another one asks; nothing if none does.

    `asked`: what each item is, in any form in which equal items are equal.
    """
    keys = [tuple(sorted(key)) for key in asked]
    repeated = len(keys) - len(set(keys))
    if not repeated:
        return []
    return [
        f"{repeated} of {len(keys)} items ask the same as another one: each counts, so that "
        "intervals are too narrow"
    ]


def _request(task: LoadedTask, example) -> Request:
    context, continuation = task.prompt(example), example["targets"]
    if not len(continuation):
        raise UserError(f"evaluation task {task.name!r} has an example with an empty continuation.")
    tokens = np.concatenate([context, continuation]).astype(np.int32)
    return Request(tokens, first=len(context))
