"""An arm: what one row of a comparison is.

Arm("balanced_only", size="1.07M", seed=0, stage="cooldown")
table[list(KEYS)]                          # the columns of a results table that name its arm
"""

import dataclasses
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Arm:
    """A recipe, at one model size, with one seed, at one of its stages."""

    recipe: str
    """Name of the recipe."""
    size: str
    """Name of the model size."""
    seed: int
    """Seed of the initialisation and of the order within each corpus."""
    stage: str
    """Name of the stage: "pretraining", "cooldown", ..."""

    def __str__(self) -> str:
        return f"{self.recipe}, {self.size}, seed {self.seed}, {self.stage}"


KEYS = tuple(field.name for field in dataclasses.fields(Arm))
"""Columns of a table of scores that name the arm of a row, in this order."""
