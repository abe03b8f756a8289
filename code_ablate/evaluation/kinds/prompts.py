"""Examples whose inputs are prompts to be answered: what the kinds that generate have in common."""

import dataclasses
from typing import Any

import pandas as pd

from code_ablate.evaluation.downstream import LoadedTask, sampling_of
from code_ablate.evaluation.kinds.protocol import Advance, Engine
from code_ablate.evaluation.sampling import Completion
from code_ablate.identity import to_plain


class Prompts:
    """One prompt for each example of a Task, and how it is to be answered."""

    def __init__(self, task: LoadedTask):
        """Answers have half of what the model sees at once, at most: the rest is for the prompt."""
        self._task, asked = task, sampling_of(task.name)
        room = task.longest // 2
        self._sampling = dataclasses.replace(asked, max_tokens=min(asked.max_tokens, room))
        self._notes = []
        if asked.max_tokens > room:
            self._notes.append(
                f"answers have at most {room} tokens, not the {asked.max_tokens} that the task "
                f"asks for: the model sees {task.longest} at once"
            )
        self.items = task.item_names()
        self._prompts = [task.prompt(example) for example in task.examples]

    @property
    def work(self) -> int:
        """Answers to generate."""
        return len(self._prompts) * self._sampling.samples

    def describe(self, kind: str, **more: Any) -> dict:
        """What the report says about the task."""
        room = self._task.longest - self._sampling.max_tokens
        cropped = sum(len(prompt) > room for prompt in self._prompts)
        notes = [*self._notes, *more.pop("notes", ())]
        about = {"notes": notes, "sampling": to_plain(self._sampling), **more}
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
