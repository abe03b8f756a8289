"""Open-ended: answers that are kept for a judge."""

from code_ablate.evaluation import open_ended, registry
from code_ablate.evaluation.downstream import LoadedTask, sampling_of
from code_ablate.evaluation.kinds.prompts import Prompts
from code_ablate.evaluation.measure import Advance, Engine, Outcome
from code_ablate.evaluation.suite_config import SuiteConfig
from code_ablate.identity import to_plain


class OpenEnded:
    """A Task whose targets are requests, without right answers."""

    def __init__(self, task: LoadedTask):
        """Raises UserError for an id that is there twice."""
        self._task, self._prompts = task, Prompts(task)

    @staticmethod
    def settings(name: str, config: SuiteConfig) -> dict:
        """How answers are generated."""
        return {"sampling": to_plain(sampling_of(name))}

    @property
    def work(self) -> int:
        """Answers to generate."""
        return self._prompts.work

    def describe(self) -> dict:
        """There is no score, and so no chance level."""
        return self._prompts.describe(registry.OPEN_ENDED)

    def evaluate(self, engine: Engine, advance: Advance = lambda done: None) -> Outcome:
        """Generates an answer to each prompt."""
        first = [answers[0] for answers in self._prompts.answer(engine, advance)]
        items = open_ended.score_items(self._task.targets, first)
        metrics = self._task.metrics(
            self._task.task.predict_metric_fns, [completion.text for completion in first]
        )
        return Outcome(items.astype({"generated_tokens": float}), metrics)
