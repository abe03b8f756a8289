"""What a kind of task is to the suite: something that can be measured on a checkpoint.

measure = Ranked(LoadedTask.load("arc_easy", ...))
outcome = measure.evaluate(engine)
outcome.items                              # one row per item
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd

from code_ablate.evaluation.downstream import LoadedTask
from code_ablate.evaluation.generation import Generator
from code_ablate.evaluation.scoring import Scorer
from code_ablate.evaluation.suite_config import SuiteConfig

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


class Kind(Protocol):
    """The class of a kind's measures."""

    def __call__(self, task: LoadedTask) -> Measure:
        """The loaded task, ready to be evaluated. Raises UserError if it is not of this kind."""

    def settings(self, name: str, config: SuiteConfig) -> dict[str, Any]:
        """What decides the scores beside the Task itself: part of the identity."""
