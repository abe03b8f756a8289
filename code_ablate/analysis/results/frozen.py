"""What a study said before its data: frozen.json in its folder, written and read here.

    plan = FrozenPlan.read(directory)                   # None if nothing was frozen
    plan.status("code_25", "accuracy/reasoning")        # "frozen", "amended" or "exploratory"
    FrozenPlan.of(plan, entry).write(directory)         # adds an amendment, or the first entry

The first entry is what was frozen. What is frozen again later and differs is an amendment, with its
date; whether there were results by then is kept with both.
"""

import dataclasses
import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from etils import epath

from code_ablate import own_file, storage
from code_ablate.analysis.estimation import estimates
from code_ablate.analysis.estimation.estimates import Comparison
from code_ablate.errors import UserError
from code_ablate.identity import identity

FILE = "frozen.json"
"""Name of the file in a study's directory."""

FORMAT = 1
"""Raised when the meaning of a field changes."""

CLAIMS = ("better", "worse", "different", "equivalent")
"""What a hypothesis may claim of a recipe against the baseline."""

FROZEN, AMENDED, EXPLORATORY = "frozen", "amended", "exploratory"
"""How a comparison stands to what was said before the data."""

HOLDS, CONTRADICTED, CANNOT_SAY = "holds", "contradicted", "cannot say"
NEGLIGIBLE = "within the margin"
"""What the data say of a hypothesis. The last of one that claims a difference, where there may be
one, and it lies within the margin."""


@dataclass(frozen=True)
class Hypothesis:
    """A claim about recipes and metrics, against the baseline."""

    recipe: str
    """Name of the recipe; * stands for any text."""
    metric: str
    """Key of the metric, as accuracy/reasoning; * stands for any text."""
    claim: str
    """One of `CLAIMS`."""

    @classmethod
    def parse(cls, text: str) -> "Hypothesis":
        """'RECIPE METRIC CLAIM'; the metric may have spaces. Raises UserError for anything else."""
        parts = text.split()
        if len(parts) < 3 or parts[-1] not in CLAIMS:
            raise UserError(
                f"hypothesis {text!r}: write 'RECIPE METRIC CLAIM', the claim being one of "
                f"{', '.join(CLAIMS)}; for example 'code_25 accuracy/* better'."
            )
        return cls(parts[0], " ".join(parts[1:-1]), parts[-1])

    def __str__(self) -> str:
        return f"{self.recipe} {self.metric} {self.claim}"

    def covers(self, recipe: str, metric: str) -> bool:
        """Whether it says something about this comparison."""
        return fnmatch.fnmatchcase(recipe, self.recipe) and fnmatch.fnmatchcase(metric, self.metric)

    def outcome(self, comparison: Comparison) -> str:
        """`HOLDS`, `CONTRADICTED`, `NEGLIGIBLE` or `CANNOT_SAY`.

        "equivalent" is of the margin, and what is certainly not zero may lie within it: the claim
        holds there, and is contradicted outside of it. Without a margin, no difference is small.
        Other claims are of a difference from zero, which being within the margin does not exclude.
        """
        verdict = comparison.verdict()
        if self.claim == "equivalent" and comparison.margin is not None:
            if within_margin(comparison):
                return HOLDS
            return CONTRADICTED if _beyond_margin(comparison) else CANNOT_SAY
        if verdict == estimates.CANNOT_SAY:
            return CANNOT_SAY
        if verdict == estimates.EQUIVALENT:
            return NEGLIGIBLE
        side = "better" if comparison.better else "worse"
        return HOLDS if self.claim in ("different", side) else CONTRADICTED


def within_margin(comparison: Comparison) -> bool:
    """Whether it lies within its margin, after Holm's correction, be it different from zero or
    not."""
    p = comparison.p_margin_holm
    return p is not None and p < estimates.LEVEL and comparison.difference.over_seeds


def _beyond_margin(comparison: Comparison) -> bool:
    """Whether it lies outside of its margin: one-sided, with Bonferroni's correction."""
    difference = comparison.difference
    excess = abs(difference.value) - comparison.sought  # the margin, where there is one
    p = difference.noise.p(excess) / 2
    return excess > 0 and difference.over_seeds and p * comparison.family < estimates.LEVEL


@dataclass(frozen=True)
class Frozen:
    """What was said at one time."""

    created: str
    """When, in UTC."""
    version: str
    """Version of code-ablate."""
    configuration: str
    """Hash of what is compared and how: that of the results, if nothing was changed since."""
    analysis: str
    """Hash of the code that makes the estimates."""
    hypotheses: tuple[str, ...]
    """Hypotheses, each as `Hypothesis.parse` reads it; none: everything may differ."""
    primary_scores: Mapping[str, str]
    """The score that counts, by task."""
    primary_rule: str
    """How these were chosen."""
    noise_study: str
    """Earlier study whose signal-to-noise ratios chose them; empty: none."""
    stopping_rule: str
    """When training ends and results are looked at."""
    design: Mapping[str, Any]
    """Recipes, seeds, sizes, stages, tokens, baseline, margins and tasks, as plain values."""
    after_results: bool
    """Whether the study had results by then."""

    @property
    def parsed(self) -> tuple[Hypothesis, ...]:
        """The hypotheses."""
        return tuple(Hypothesis.parse(text) for text in self.hypotheses)

    def covers(self, recipe: str, metric: str) -> bool:
        """Whether a hypothesis says something about a comparison."""
        return any(hypothesis.covers(recipe, metric) for hypothesis in self.parsed)

    def says_the_same(self, other: "Frozen") -> bool:
        """Whether nothing differs but the time, and the version of what does not judge."""
        same = {"created": "", "version": "", "after_results": False}
        return dataclasses.replace(self, **same) == dataclasses.replace(other, **same)  # type: ignore[arg-type]


@dataclass(frozen=True)
class FrozenPlan:
    """What was frozen, and what was changed later."""

    entries: tuple[Frozen, ...]
    """What was frozen, then its amendments."""

    @classmethod
    def of(cls, plan: "FrozenPlan | None", entry: Frozen) -> "FrozenPlan":
        """The plan with an entry more; the same plan where that says nothing new."""
        entries = plan.entries if plan else ()
        if entries and entries[-1].says_the_same(entry):
            return cls(entries)
        return cls((*entries, entry))

    @classmethod
    def read(cls, directory: epath.PathLike) -> "FrozenPlan | None":
        """The plan in a study's folder; None if there is none. UserError if it is damaged."""
        path = epath.Path(directory) / FILE
        if not path.exists():
            return None
        try:
            return own_file.read(path, cls, FORMAT)
        except own_file.Damaged as error:
            raise UserError(
                f"{error}: what was frozen cannot be told any more. Put the file back from a copy; "
                "or delete it, and everything in the report is exploratory."
            ) from error

    def write(self, directory: epath.PathLike) -> epath.Path:
        """Writes the plan into a study's folder and returns the file."""
        folder = epath.Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        storage.replace(folder / FILE, own_file.text_of(self, FORMAT))
        return folder / FILE

    @property
    def first(self) -> Frozen:
        """What was frozen."""
        return self.entries[0]

    @property
    def amendments(self) -> tuple[Frozen, ...]:
        """What was changed later."""
        return self.entries[1:]

    @property
    def valid(self) -> tuple[Frozen, ...]:
        """The entries that were made before there were results."""
        return tuple(entry for entry in self.entries if not entry.after_results)

    @property
    def primary_scores(self) -> Mapping[str, str]:
        """The scores that count, as last said before there were results."""
        return self.valid[-1].primary_scores if self.valid else {}

    def status(self, recipe: str, metric: str) -> str:
        """`FROZEN`, `AMENDED` or `EXPLORATORY`.

        Frozen: a hypothesis of the first entry says something about it. Amended: one of a later
        entry does, made before there were results. Without hypotheses nothing is frozen.
        """
        if not self.first.after_results and self.first.covers(recipe, metric):
            return FROZEN
        return AMENDED if any(e.covers(recipe, metric) for e in self.valid) else EXPLORATORY

    def names(self, recipe: str, metric: str) -> bool:
        """Whether a hypothesis that was made before there were results names a comparison: these
        are corrected for together, and apart from the others."""
        return self.status(recipe, metric) != EXPLORATORY


def analysis_digest() -> str:
    """Hash of the source of the package that makes estimates and verdicts."""
    folder = Path(estimates.__file__).parent
    return identity({file.name: file.read_text("utf-8") for file in sorted(folder.glob("*.py"))})
