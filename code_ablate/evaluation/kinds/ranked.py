"""Rank classification: the likeliest of several continuations."""

import numpy as np

from code_ablate.errors import UserError
from code_ablate.evaluation import rank_classification, registry
from code_ablate.evaluation.downstream import LoadedTask
from code_ablate.evaluation.kinds.continuations import Continuations
from code_ablate.evaluation.measure import Advance, Engine, Outcome
from code_ablate.evaluation.suite_config import SuiteConfig


class Ranked:
    """A Task with an example for each choice of each item."""

    def __init__(self, task: LoadedTask):
        """Raises UserError if the task cannot be ranked, or scored for want of a metric_fn."""
        self._task, self._continuations = task, Continuations(task)
        self._choices = tuple(_choice(task, number) for number in range(len(task.examples)))
        # Ranked once with scores that say nothing: what is wrong is found here, not after training.
        try:
            items = rank_classification.score_items(self._choices, np.zeros(len(self._choices)))
        except ValueError as error:
            raise UserError(f"evaluation task {task.name!r} cannot be ranked: {error}") from error
        task.require_distinct(list(items["item"]))

    @staticmethod
    def settings(name: str, config: SuiteConfig) -> dict:
        """Nothing beside the Task decides its scores."""
        return {}

    @property
    def work(self) -> int:
        """Requests, in pieces that the model sees at once."""
        return self._continuations.work

    def describe(self) -> dict:
        """The chance level is the mean of 1 / choices."""
        choices = rank_classification.choices_per_item(self._choices)
        return self._continuations.describe(registry.RANKED, chance=float(np.mean(1 / choices)))

    def evaluate(self, engine: Engine, advance: Advance = lambda done: None) -> Outcome:
        """Scores every choice."""
        scores = engine.scorer.score(self._continuations.requests, advance)
        items = rank_classification.score_items(self._choices, scores)
        return Outcome(items, self._task.metrics(self._task.task.score_metric_fns, scores))


def _choice(task: LoadedTask, number: int) -> rank_classification.Choice:
    """The example's target, with the bytes of its continuation where the task does not say."""
    choice = rank_classification.as_choice(task.targets[number])
    example = task.examples[number]
    if np.isnan(choice.bytes) and "targets_pretokenized" in example:
        return choice._replace(bytes=len(example["targets_pretokenized"]))
    return choice
