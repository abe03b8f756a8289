"""Exact match: a generated answer, postprocessed and compared by the Task's own metric_fns."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from code_ablate.errors import UserError
from code_ablate.evaluation import registry
from code_ablate.evaluation.downstream import LoadedTask, sampling_of
from code_ablate.evaluation.kinds.prompts import Prompts
from code_ablate.evaluation.kinds.protocol import Advance, Engine, Outcome
from code_ablate.evaluation.suite_config import SuiteConfig
from code_ablate.identity import to_plain

PREFERRED = ("exact_match", "em", "accuracy")
"""Metrics that say whether an answer is right, if a Task has several."""


class Answers:
    """A Task with an example for each item, and metric_fns that compare predictions."""

    def __init__(self, task: LoadedTask):
        """Raises UserError if nothing compares its answers, or there is no room for them."""
        self._task, self._prompts = task, Prompts(task)
        self._functions = task.task.predict_metric_fns
        if not self._functions:
            raise UserError(
                f"evaluation task {task.name!r} generates answers, but has no "
                "metric_fn(targets, predictions): give it one."
            )

    @staticmethod
    def settings(name: str, config: SuiteConfig) -> dict:
        """How answers are generated."""
        return {"sampling": to_plain(sampling_of(name))}

    @property
    def work(self) -> int:
        """Answers to generate."""
        return self._prompts.work

    def describe(self) -> dict:
        """Guessing has no chance level worth the name."""
        return self._prompts.describe(registry.ANSWERS)

    def evaluate(self, engine: Engine, advance: Advance = lambda done: None) -> Outcome:
        """Generates an answer to each prompt, and has it judged."""
        items = self._prompts.table(self._prompts.answer(engine, advance))
        predictions = [
            self._task.postprocess(text, example)
            for text, example in zip(items["prediction"], self._task.examples, strict=True)
        ]
        metrics = self._task.metrics(self._functions, predictions)
        correct, note = correct_per_item(self._functions, self._task.targets, predictions)
        return Outcome(items.assign(correct=correct), metrics, (note,) if note else ())


def correct_per_item(
    functions: Sequence[Callable], targets: Sequence[Any], predictions: Sequence[Any]
) -> tuple[Float[np.ndarray, " items"], str]:
    """(score of each item from 0 to 1, a note): the metric applied to one item at a time.

    It is the first metric, those of `PREFERRED` before others, whose mean over single items is its
    value on all of them together, so that a mean of these scores is the Task's own. Percent are
    taken as such. Where there is no such metric the scores are NaN and the note says so.
    """
    one_by_one = list(zip(targets, predictions, strict=True))
    found: dict[str, np.ndarray] = {}
    for function in functions:
        whole = function(list(targets), list(predictions))
        try:
            singles = [function([target], [prediction]) for target, prediction in one_by_one]
            values = {key: np.array([one[key] for one in singles], float) for key in whole}
        except (ArithmeticError, KeyError, TypeError, ValueError):
            continue  # it has no meaning for one item
        for key, value_I in values.items():
            scale = 100.0 if value_I.max() > 1 else 1.0
            is_share = value_I.min() >= 0 and value_I.max() <= scale
            if is_share and np.isclose(value_I.mean(), float(whole[key]), rtol=1e-5, atol=1e-8):
                found[key] = value_I / scale
    for key in (*PREFERRED, *found):
        if key in found:
            return found[key], ""
    note = "its metrics are not means over items from 0 to 1, so that single items have no score"
    return np.full(len(targets), np.nan), note
