"""Bits per byte of the gold continuation, and whether the model would have written it."""

from code_ablate.evaluation import gold, registry
from code_ablate.evaluation.downstream import LoadedTask
from code_ablate.evaluation.kinds.continuations import Continuations
from code_ablate.evaluation.measure import Advance, Engine, Outcome
from code_ablate.evaluation.suite_config import SuiteConfig


class Gold:
    """A Task with an example for each item, whose target is the right answer."""

    def __init__(self, task: LoadedTask):
        """Raises UserError if it cannot be scored, or has an id twice."""
        self._task, self._continuations = task, Continuations(task)
        task.item_names()  # raises where one is there twice

    @staticmethod
    def settings(name: str, config: SuiteConfig) -> dict:
        """Nothing beside the Task decides its scores."""
        return {}

    @property
    def work(self) -> int:
        """Requests, in pieces that the model sees at once."""
        return self._continuations.work

    def describe(self) -> dict:
        """There is no chance level: any text has some probability."""
        return self._continuations.describe(registry.GOLD)

    def evaluate(self, engine: Engine, advance: Advance = lambda done: None) -> Outcome:
        """Scores the right answers; one is `correct` if each of its tokens was the likeliest."""
        scores, greedy = engine.scorer.score_greedy(self._continuations.requests, advance)
        items = gold.score_items(self._task.targets, scores, greedy)
        return Outcome(items, self._task.metrics(self._task.task.score_metric_fns, scores))
