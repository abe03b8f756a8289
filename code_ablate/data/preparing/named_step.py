"""A preprocessor of a Task whose failure is said with its name, file and line.

chain = [NamedStep(preprocessor, "my.corpus") for preprocessor in task.preprocessors]
"""

import inspect
from typing import Any

import tensorflow as tf

from code_ablate.data.preparing.task_fingerprint import preprocessor_name
from code_ablate.errors import Failed, UserError, told


class NamedStep:
    """Does what the preprocessor does, and raises UserError where that cannot be built."""

    def __init__(self, step: Any, corpus: str, *, ends: bool):
        """`ends`: whether none of the user's own comes after it, which could make a dataset without
        end finite. Raises UserError for what cannot be called."""
        self._step, self._ends = step, ends
        self._what = f"the preprocessor {preprocessor_name(step)!r} of corpus {corpus!r}"
        try:
            # SeqIO looks there for the arguments that it gives.
            self.__signature__ = inspect.signature(step)
        except (TypeError, ValueError) as error:
            raise UserError(
                f"{self._what} cannot be called ({error}): a preprocessor is a function that takes "
                "a tf.data.Dataset and returns one."
            ) from error

    def __call__(self, *arguments: Any, **named: Any) -> tf.data.Dataset:
        """The dataset that the preprocessor makes."""
        try:
            made = self._step(*arguments, **named)
        except (UserError, Failed):
            raise
        except Exception as error:
            raise UserError(f"{self._what} fails: {told(error)}.") from error
        if not isinstance(made, tf.data.Dataset):
            raise UserError(
                f"{self._what} returns {made!r}: let it return the tf.data.Dataset that it makes."
            )
        if self._ends and made.cardinality() == tf.data.INFINITE_CARDINALITY:
            raise UserError(
                f"{self._what} returns a dataset without end, such as that of repeat(): a corpus "
                "is read once; repeat it by the epochs of a phase."
            )
        return made
