"""The numbers of a report as plain values: what is measured, levels, comparisons, tasks.

    Metric("accuracy/reasoning", "reasoning", "accuracy", (("arc_easy", "piqa"),), chance=0.375)
    summary.level(place, "code_50", metric)     # Estimate: value, low, high, items, seeds, noise
    summary.comparison(place, "code_50", metric).verdict()                       # "cannot say"

`estimator.py` computes them; a `Summary` holds those of a study.
"""

import dataclasses
import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass

from code_ablate.analysis.estimation import statistics as st
from code_ablate.analysis.estimation.crossed import Noise
from code_ablate.analysis.estimation.scores import Place

LEVEL = 0.05
"""How often, at most, a study may call something different, or equivalent, that is not."""

DIFFERENT, EQUIVALENT, CANNOT_SAY = "different", "equivalent", "cannot say"
"""The verdicts."""


@dataclass(frozen=True)
class Margin:
    """The largest difference that is taken for none."""

    size: float
    """In the metric's own unit, or as a share of the baseline's score."""
    relative: bool
    """Whether it is a share of the baseline's score."""


@dataclass(frozen=True)
class Settings:
    """How intervals and verdicts are made."""

    confidence: float = 0.95
    """Nominal coverage of every interval."""
    margin: float = 0.0
    """Change, as a share of the baseline's score, up to which recipes are taken to be equivalent.
    0: none is named, and nothing is called equivalent."""
    margins: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """Margins of single metrics in their own unit (0.01 is one point of accuracy), by `Metric.key`:
    they go before `margin`."""

    def margin_of(self, metric: "Metric") -> Margin | None:
        """The margin of a metric; None where none is named."""
        if metric.key in self.margins:
            return Margin(self.margins[metric.key], relative=False)
        return Margin(self.margin, relative=True) if self.margin else None


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
    noise: Noise
    """What its interval was made of."""

    @property
    def over_seeds(self) -> bool:
        """Whether the interval says how much seeds matter; else it is of the choice of items."""
        return self.noise.of_seeds

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
    base: float
    """Score of the baseline with the seeds that both have."""
    p: float
    """Two-sided p of "no difference", against the noise of items and of seeds: `Noise.p`."""
    p_holm: float
    """p after Holm's correction over the comparisons that were corrected for together."""
    margin: Margin | None
    """The largest difference that is taken for none; None where the study names none."""
    p_margin: float | None
    """p of "the difference is not within the margin"; None without one."""
    p_margin_holm: float | None
    """The same after Holm's correction over those of them that have a margin."""
    family: int = 1
    """Comparisons that were corrected for together."""
    exploratory: bool = False
    """Whether hypotheses that were frozen before the results name other comparisons, and not this
    one: it is corrected for together with the others of its kind, apart from those."""

    @property
    def change(self) -> Estimate:
        """The gain; the difference where the baseline may be zero."""
        return self.gain or self.difference

    @property
    def better(self) -> bool:
        """True if the estimate is on the good side of zero."""
        return (self.difference.value < 0) == self.metric.lower_is_better

    def certain(self, level: float = LEVEL) -> bool:
        """True if the Holm-adjusted p is under `level`, and rests on three seeds or more.

        One seed says nothing of the noise between seeds, which no number of items can make up for,
        and two say hardly anything.
        """
        return self.p_holm < level and self.difference.over_seeds

    def verdict(self, level: float = LEVEL) -> str:
        """`DIFFERENT`, `EQUIVALENT` within the margin, or `CANNOT_SAY`."""
        if self.certain(level):
            return DIFFERENT
        within = self.p_margin_holm is not None and self.p_margin_holm < level
        return EQUIVALENT if within and self.difference.over_seeds else CANNOT_SAY

    @functools.cached_property
    def detectable(self) -> float:
        """The least difference that would be called one in four of five such studies.

        With the noise and the seeds of this one, in the metric's own unit, at the level that Holm's
        correction asks of the smallest p. Infinite with one seed.
        """
        return self.difference.noise.detectable(LEVEL / self.family)

    @property
    def sought(self) -> float:
        """The difference for which `seeds_needed` are: the margin, or the estimate without one."""
        if self.margin is None:
            return abs(self.difference.value)
        return self.margin.size * (self.base if self.margin.relative else 1.0)

    @functools.cached_property
    def seeds_needed(self) -> int | None:
        """Least number of seeds with which `sought` would be found in four of five such studies.

        None where a thousand are not enough, so that it takes more items, and where this study has
        one seed, which does not show how much seeds matter.
        """
        return self.difference.noise.seeds_needed(self.sought, LEVEL / self.family)

    @functools.cached_property
    def items_needed(self) -> int | None:
        """Items with which `sought` is detectable with the seeds at hand; None if no thousand times
        as many are, so that it takes more seeds, or if one seed tells nothing."""
        factor = self.difference.noise.units_needed(self.sought, LEVEL / self.family)
        return None if factor is None else math.ceil(factor * self.difference.items)


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
