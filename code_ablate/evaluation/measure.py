"""What a task or a domain is to the suite: something that can be measured on a checkpoint.

    outcome = measure.evaluate(Engine(scorer, generator))
    outcome.items                              # one row per item

No TensorFlow, no SeqIO: domains are measured where they are not installed. No JAX either: reports
read the facts of the kinds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
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
    """Values that the Task's metric_fns returned."""
    notes: tuple[str, ...] = ()
    """Sentences that a reader of the scores has to know."""
    own_metrics: tuple[str, ...] = ()
    """Metrics of the Task that each item has a score of, in the column "metric/NAME"; the one that
    counts is first."""


class Measure(Protocol):
    """A task or a domain, loaded and tokenised: it serves every checkpoint."""

    @property
    def work(self) -> int:
        """How much `advance` is told in all, for a progress bar."""

    def describe(self) -> dict[str, Any]:
        """Kind, items, available, examples, cropped, and what else the report says of it."""

    def evaluate(self, engine: Engine, advance: Advance) -> Outcome:
        """Asks one checkpoint everything."""


@dataclass(frozen=True)
class Expected:
    """What is expected of a model for one example of a Task."""

    item: str
    """Id of the item; its number if the Task does not say."""
    texts: tuple[str, ...]
    """The continuation that is scored, all accepted answers, or a program's solution. None of an
    open-ended prompt."""
    right: bool
    """Whether the texts are right; False for the wrong choices of an item."""


def expected_text(target: Any, number: int, text: str) -> Expected:
    """The text of an example's targets, which is right, for the item that its target names."""
    return Expected(str(getattr(target, "item", number)), (text,), True)


@dataclass(frozen=True)
class Kind:
    """A way of measuring tasks, and what reports say about it."""

    name: str
    """Name in identities, descriptions and tables of results. It never changes."""
    title: str
    """Name of its score, as a report calls it."""
    score: str | None
    """Column of the items that counts in a category. None: only a judge can tell."""
    columns: tuple[str, ...]
    """Columns of the items that a report shows."""
    generates: bool
    """Whether items have a text of the model's own."""
    chance: str
    """How the score of guessing is found; empty where guessing has none."""
    how: str
    """Sentence that says how it is scored."""
    measure: Callable[[LoadedTask], Measure] | None
    """Makes the loaded task ready to be evaluated, or raises UserError if it is not of this kind.
    None: it is not a kind of Task."""
    settings: Callable[[str, SuiteConfig], dict[str, Any]]
    """What decides the scores of the Task of this name beside the Task itself: part of the
    identity."""
    expected: Callable[[Any, int, str], Expected] = expected_text
    """What is expected for an example, from its postprocessed target, its number and the text of
    its targets."""
    version: int = 1
    """Part of the identity: raised when items of this kind would be scored in another way."""
