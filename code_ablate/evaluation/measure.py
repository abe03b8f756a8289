"""What a task or a domain is to the suite: something that can be measured on a checkpoint.

    outcome = measure.evaluate(Engine(scorer, generator))
    outcome.items                              # one row per item

No TensorFlow, no SeqIO: domains are measured where they are not installed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd

from code_ablate.evaluation.generation import Generator
from code_ablate.evaluation.scoring import Scorer

Advance = Callable[[int], object]
"""Is told how much of a measure's `work` has been done since the last time."""


@dataclass(frozen=True)
class Engine:
    """One checkpoint, ready to be asked."""

    scorer: Scorer
    """Log-likelihoods of given texts."""
    generator: Generator
    """Texts of the model's own."""


@dataclass(frozen=True)
class Outcome:
    """What one checkpoint did on one task or domain."""

    items: pd.DataFrame
    """One row per item, with those columns of `suite.COLUMNS` that apply, and the kind's own."""
    metrics: dict[str, float]
    """What the Task's metric_fns returned."""
    notes: tuple[str, ...] = ()
    """What a reader of the scores has to know."""


class Measure(Protocol):
    """A task or a domain, loaded and tokenised: it serves every checkpoint."""

    @property
    def work(self) -> int:
        """How much `advance` is told in all, for a progress bar."""

    def describe(self) -> dict[str, Any]:
        """Kind, items, available, examples, cropped, and what else the report says of it."""

    def evaluate(self, engine: Engine, advance: Advance) -> Outcome:
        """Asks one checkpoint everything."""
