"""pass@k: generated programs, run in the sandbox against tests."""

import pandas as pd

from code_ablate import distributed
from code_ablate.errors import UserError
from code_ablate.evaluation import programs, registry
from code_ablate.evaluation.downstream import LoadedTask, sampling_of
from code_ablate.evaluation.kinds.prompts import Prompts
from code_ablate.evaluation.measure import Advance, Engine, Outcome
from code_ablate.evaluation.sandbox import Limits, Sandbox
from code_ablate.evaluation.sets.source import MissingData
from code_ablate.evaluation.suite_config import SuiteConfig
from code_ablate.identity import to_plain


class Programs:
    """A Task whose targets are problems, and whose answers are run."""

    def __init__(self, task: LoadedTask):
        """Has the sandbox prove itself. Raises MissingData where it cannot: nothing is run then."""
        self._task, self._prompts = task, Prompts(task)
        # One for all checkpoints: it proves itself once, and runs equal programs once.
        self._sandbox = Sandbox(Limits(), isolation=task.config.isolation)
        try:
            self._sandbox.prove()
        except UserError as error:
            raise MissingData(str(error)) from error

    @staticmethod
    def settings(name: str, config: SuiteConfig) -> dict:
        """How programs are generated, and under which limits they run."""
        return {
            "sampling": to_plain(sampling_of(name)),
            "limits": to_plain(Limits()),
            "isolation": config.isolation,
        }

    @property
    def work(self) -> int:
        """Programs to generate, and to run."""
        return 2 * self._prompts.work

    def describe(self) -> dict:
        """Says so where the programs are not isolated."""
        notes = []
        if self._task.config.isolation != "required":
            notes.append(f"programs ran with SuiteConfig.isolation {self._task.config.isolation!r}")
        return self._prompts.describe(registry.PROGRAMS, notes=notes)

    def evaluate(self, engine: Engine, advance: Advance = lambda done: None) -> Outcome:
        """Generates the programs and runs them. `correct` is the share that passed.

        Of several processes the first one runs them; the others come to no items.
        """
        answers = self._prompts.answer(engine, advance)
        if not distributed.is_first():
            return Outcome(pd.DataFrame(), {})
        texts = [[completion.text for completion in samples] for samples in answers]
        with self._sandbox as sandbox:
            items = programs.score_items(self._task.targets, texts, sandbox, advance)
        lengths = self._prompts.table(answers).drop(columns=["prediction"])
        return Outcome(items.merge(lengths, on="item", validate="1:1"), programs.means(items))
