"""Prompts that are longer than what a model sees at once, and lose their beginning.

    for prompts in cropped_prompts(suite, seq_len=128):
        print(prompts)              # "sciq: 96 of 120"

Few-shot examples and passages come first in a prompt, so these are what is lost.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from code_ablate.errors import MissingData
from code_ablate.evaluation.suite import Suite


@dataclass(frozen=True)
class CroppedPrompts:
    """The prompts of one task."""

    task: str
    """Name of the task."""
    seq_len: int
    """Tokens of context of the model that is asked."""
    prompts: int
    """Prompts that are asked; for rank classification one for each item and choice."""
    cropped: int
    """Those of them that lose their beginning."""

    def __str__(self) -> str:
        return f"{self.task}: {self.cropped:,} of {self.prompts:,}"


def cropped_prompts(suite: Suite, seq_len: int) -> tuple[CroppedPrompts, ...]:
    """The tasks of a suite that lose something, in its order; loads and tokenises all of them.

    Those whose data are missing on this machine are left out.
    """
    found = []
    for part in suite.parts:
        with contextlib.suppress(MissingData):
            about = part.measure.describe()
            prompts = CroppedPrompts(part.key.name, seq_len, about["examples"], about["cropped"])
            if 0 < prompts.cropped <= prompts.prompts:  # documents of a domain are no prompts
                found.append(prompts)
    return tuple(found)


def cropping_note(cropped: Sequence[CroppedPrompts]) -> str:
    """A paragraph for the terminal, a line per task; empty if nothing is cropped."""
    lines = []
    for seq_len in dict.fromkeys(prompts.seq_len for prompts in cropped):
        lines.append(
            f"note: these prompts have more than the {seq_len:,} tokens that a model sees at once, "
            "and lose their beginning:"
        )
        lines += [f"  {prompts}" for prompts in cropped if prompts.seq_len == seq_len]
    return "\n".join(lines)
