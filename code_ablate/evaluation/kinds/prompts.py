"""Examples whose inputs are prompts to be answered: what the kinds that generate have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from etils import epy

from code_ablate.evaluation.declarations import sampling_of
from code_ablate.evaluation.kinds.continuations import repeated_note
from code_ablate.evaluation.measure import Advance, Engine
from code_ablate.evaluation.sampling import Completion
from code_ablate.identity import to_plain

with epy.lazy_imports():  # facts of the kinds are read without it, and it is slow to import
    import pandas as pd

if TYPE_CHECKING:
    from code_ablate.evaluation.downstream import LoadedTask


class Prompts:
    """One prompt for each example of a Task, and how it is to be answered."""

    def __init__(self, task: LoadedTask):
        """Raises UserError for an id that is there twice."""
        self._task, self._sampling = task, sampling_of(task.name)
        self.items = task.item_names()
        self._prompts = [task.prompt(example) for example in task.examples]

    @property
    def work(self) -> int:
        """Answers to generate."""
        return len(self._prompts) * self._sampling.samples

    def describe(self, kind: str, **more: Any) -> dict:
        """What the report says about the task."""
        sampling, longest = self._sampling, self._task.longest
        room, notes = sampling.prompt_room(longest), list(more.pop("notes", ()))
        if longest - room < sampling.max_tokens:
            notes.append(
                f"an answer may have to end before the {sampling.max_tokens} tokens that the task "
                f"asks for: the model sees {longest} at once, its prompt included"
            )
        notes += repeated_note([prompt.tobytes()] for prompt in self._prompts)
        about = {"notes": notes, "sampling": to_plain(sampling), **more}
        cropped = sum(len(prompt) > room for prompt in self._prompts)
        return self._task.describe(kind, examples=len(self._prompts), cropped=cropped, **about)

    def answer(self, engine: Engine, advance: Advance) -> list[list[Completion]]:
        """For each prompt, as many answers as the sampling asks for."""
        return engine.generator.generate(self._prompts, self._sampling, self.items, advance)

    def table(self, answers: list[list[Completion]]) -> pd.DataFrame:
        """item, prediction, generated_tokens, ended_by: of the first answer to each prompt."""
        first = [completions[0] for completions in answers]
        return pd.DataFrame(
            {
                "item": self.items,
                "prediction": [completion.text for completion in first],
                "generated_tokens": [float(completion.tokens) for completion in first],
                "ended_by": [completion.ended_by for completion in first],
            }
        )
