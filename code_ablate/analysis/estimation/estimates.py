"""The numbers of a report as plain values: what is measured, levels, comparisons, tasks.

    Metric("accuracy/reasoning", "reasoning", "accuracy", (("arc_easy", "piqa"),), chance=0.375)
    Estimate(0.41, low=0.37, high=0.45, items=800, seeds=(0, 1), per_seed=(0.40, 0.42))

`bootstrap.py` computes them; a `Summary` holds those of a study.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from code_ablate.analysis.estimation import statistics as st
from code_ablate.analysis.estimation.scores import Place


@dataclass(frozen=True)
class Settings:
    """How intervals are made."""

    resamples: int = 10_000
    """Bootstrap replicates. The smallest p is 2 / (resamples + 1), before Holm's correction."""
    seed: int = 0
    """Seed of the resampling, so that a report is reproducible."""
    confidence: float = 0.95
    """Nominal coverage of every interval."""


@dataclass(frozen=True)
class Metric:
    """A column of a table: bits per byte of one domain, the score of one category or of several."""

    key: str
    """"bits_per_byte/<corpus>", "accuracy/<category>", "gold_bits_per_byte/<category>" or
    "metric/<task>"."""
    label: str
    """Name for people: the corpus or the category."""
    name: str
    """What is measured: "accuracy", "exact match", "bits per byte", ..."""
    groups: tuple[tuple[str, ...], ...]
    """Tasks by category: the metric is the plain mean of the categories' plain means."""
    score: str = "correct"
    """Column of the items: "correct", "bits" for bits per byte, or "metric/<name>"."""
    chance: float | None = None
    """Mean chance level of the tasks, where it is known for all."""

    @property
    def tasks(self) -> tuple[str, ...]:
        """All tasks."""
        return tuple(task for group in self.groups for task in group)

    @property
    def lower_is_better(self) -> bool:
        """True for bits per byte. Of metrics of the user's own more is taken for better."""
        return self.score == "bits"

    @property
    def is_share(self) -> bool:
        """True for scores from 0 to 1, which are written in percent."""
        return self.score.startswith("correct")

    @property
    def form(self) -> tuple[float, int]:
        """Factor and digits with which a value is written."""
        return (100.0, 1) if self.is_share else (1.0, 3)

    @property
    def unit(self) -> str:
        """ "bits per byte", "accuracy, %", ..."""
        return f"{self.name}, %" if self.is_share else self.name


@dataclass(frozen=True)
class Estimate:
    """A number with what is needed to judge it."""

    value: float
    """The estimate on all items and seeds."""
    low: float
    """Lower end of the interval."""
    high: float
    """Upper end of the interval."""
    items: int
    """Items behind it, over all its tasks."""
    seeds: tuple[int, ...]
    """Seeds behind it."""
    per_seed: tuple[float, ...]
    """The estimate of each seed alone."""

    @property
    def seed_sd(self) -> float | None:
        """Standard deviation over seeds; None with one seed."""
        return st.seed_spread(self.per_seed)


@dataclass(frozen=True)
class Comparison:
    """A recipe against the baseline on one metric at one place, paired by item and by seed."""

    place: Place
    """Size and stage of both arms."""
    recipe: str
    """The recipe that is compared with the baseline."""
    metric: Metric
    """What is compared."""
    difference: Estimate
    """Recipe minus baseline."""
    gain: Estimate | None
    """(recipe - baseline) / baseline; None if the baseline may be zero."""
    p: float
    """Two-sided p of "no difference": the larger of the bootstrap's and `seed_test`'s."""
    p_holm: float
    """p after Holm's correction over all comparisons of the study."""

    @property
    def change(self) -> Estimate:
        """The gain; the difference where the baseline may be zero."""
        return self.gain or self.difference

    @property
    def better(self) -> bool:
        """True if the estimate is on the good side of zero."""
        return (self.difference.value < 0) == self.metric.lower_is_better

    def certain(self, level: float = 0.05) -> bool:
        """True if the Holm-adjusted p is under `level`, and rests on more than one seed.

        One seed says nothing of the noise between seeds, which no number of items can make up for.
        """
        return self.p_holm < level and len(self.difference.per_seed) > 1


@dataclass(frozen=True)
class TaskResult:
    """A recipe on one downstream task."""

    place: Place
    """Size and stage of the arms."""
    recipe: str
    """The recipe."""
    task: str
    """The task."""
    scores: Mapping[str, Estimate]
    """Score column -> estimate; see `ScoredTask.columns`. "bits" is in bits per byte."""
    chance_p: float | None
    """Exact one-sided p against chance: the largest over the seeds. None without a chance level."""
    collapses: tuple[st.Collapse, ...]
    """Each seed's predictions, looked at for collapse onto one answer."""

    @property
    def degenerate(self) -> bool:
        """True if any seed's predictions have collapsed onto one answer."""
        return any(collapse.degenerate for collapse in self.collapses)

    def beats_chance(self, level: float = 0.05) -> bool:
        """True if every seed does: by the test, or where there is no chance level by being above
        zero."""
        if self.chance_p is not None:
            return self.chance_p < level
        return "correct" in self.scores and min(self.scores["correct"].per_seed) > 0
