"""Exact match: a generated answer, postprocessed and compared by the Task's own metric_fns."""

from collections.abc import Iterable

from code_ablate.errors import UserError
from code_ablate.evaluation import answers, registry
from code_ablate.evaluation.downstream import LoadedTask, sampling_of
from code_ablate.evaluation.kinds.prompts import Prompts
from code_ablate.evaluation.measure import Advance, Engine, Outcome
from code_ablate.evaluation.suite_config import SuiteConfig
from code_ablate.identity import to_plain


class Answers:
    """A Task with an example for each item, and metric_fns that compare predictions."""

    def __init__(self, task: LoadedTask):
        """Raises UserError if nothing compares its answers, or what does fails."""
        self._task, self._prompts = task, Prompts(task)
        self._functions = task.task.predict_metric_fns
        if not self._functions:
            raise UserError(
                f"evaluation task {task.name!r} generates answers, but has no "
                "metric_fn(targets, predictions): give it one."
            )
        # As if nothing were answered: what is wrong is found here, not after training.
        try:
            task.metrics(self._functions, self._predictions([""] * len(task.examples)))
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise UserError(
                f"the metric_fns of evaluation task {task.name!r} fail on empty answers: {error!r}"
            ) from error

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
        predictions = self._predictions(items["prediction"])
        metrics = self._task.metrics(self._functions, predictions)
        correct, note = answers.correct_per_item(self._functions, self._task.targets, predictions)
        return Outcome(items.assign(correct=correct), metrics, (note,) if note else ())

    def _predictions(self, texts: Iterable[str]) -> list:
        return [
            self._task.postprocess(text, example)
            for text, example in zip(texts, self._task.examples, strict=True)
        ]
