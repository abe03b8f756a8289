"""Solved examples before a question, and features: what all modules that register tasks share.

source = with_solved(EvaluationSet("copa"), 5, write)       # rows have a field more, "solved"
as_text(tf.strings.join([as_tensors(row)["premise"], "?"]))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from etils import epy

from code_ablate.errors import UserError

with epy.lazy_imports():  # facts of the kinds are read where these are not installed
    import seqio
    import tensorflow as tf

if TYPE_CHECKING:
    from code_ablate.evaluation.sets.source import EvaluationSet, Row


def evaluation_features() -> dict[str, seqio.Feature]:
    """The features of a Task that is registered here.

    Their vocabulary stands in for the study's own, which replaces it when the task is evaluated.
    """
    feature = seqio.Feature(vocabulary=seqio.ByteVocabulary(), add_eos=False)
    return {"inputs": feature, "targets": feature}


def with_solved(source: Any, shots: int, write: Callable[[Row], str]) -> EvaluationSet:
    """The source with solved examples, which `write` makes from rows where it has no text."""
    from code_ablate.evaluation.sets.source import EvaluationSet

    if not isinstance(source, EvaluationSet):
        raise UserError(
            f"shots={shots} needs an EvaluationSet as the source, which knows rows to take solved "
            f"examples from; this one is {type(source).__name__}."
        )
    return source.with_shots(shots, write)


def as_tensors(row: Row) -> Mapping[str, tf.Tensor]:
    """A row as a prompt function takes it, to call the function on one row."""
    return {name: tf.constant(value) for name, value in row.items()}


def as_text(tensor: tf.Tensor) -> str:
    """A scalar string."""
    return tensor.numpy().decode()
