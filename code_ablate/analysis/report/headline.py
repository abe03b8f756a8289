"""The answer of a study in three sentences, each with its verdict.

    for sentence in headline(report, size): print(sentence.verdict, sentence.text)

The first is about the clearest improvement, the second about the clearest loss, the third about
what stays open. `findings.py` says the same at greater length.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from code_ablate.analysis.estimation.estimates import (
    CANNOT_SAY,
    DIFFERENT,
    EQUIVALENT,
    Comparison,
)
from code_ablate.analysis.report.content import Report
from code_ablate.analysis.report.decision_phrases import tokens_needed
from code_ablate.analysis.report.phrases import (
    capital,
    change_range,
    counted,
    joined,
    number_range,
    size_range,
    whole_percent,
)
from code_ablate.analysis.results.study_record import SizeRecord


@dataclass(frozen=True)
class Sentence:
    """One sentence of the answer."""

    verdict: str
    """`DIFFERENT`, `EQUIVALENT` or `CANNOT_SAY`."""
    text: str
    """The sentence."""


def headline(report: Report, size: SizeRecord) -> tuple[Sentence, ...]:
    """The answer for one model size: three sentences, or one where nothing is compared."""
    comparisons = [c for c in report.summary.comparisons if c.place.size == size.name]
    if not comparisons:
        return (
            Sentence(
                CANNOT_SAY,
                "Nothing can be said about the effect of a recipe: no recipe shares a seed with "
                f"the baseline {report.baseline}.",
            ),
        )
    certain = [c for c in comparisons if c.certain()]
    return (
        _side(report, comparisons, [c for c in certain if c.better], improves=True),
        _side(report, comparisons, [c for c in certain if not c.better], improves=False),
        _open(comparisons),
    )


def reach(report: Report, size: SizeRecord) -> str:
    """For which models the answer holds."""
    arms = [arm for arm in report.results.last_arms if arm.arm.size == size.name]
    seeds = counted(len({arm.arm.seed for arm in arms}), "seed")
    tokens = number_range(arm.tokens for arm in arms)
    return (
        f"All this holds for a model of {size.parameters / 1e6:,.1f} million parameters trained on "
        f"{tokens} tokens with {seeds}, and not beyond it."
    )


def _side(
    report: Report, all_: Sequence[Comparison], certain: Sequence[Comparison], *, improves: bool
) -> Sentence:
    """The clearest improvement, or loss; what was estimated where none is certain."""
    base = report.baseline
    if certain:
        # What a hypothesis named goes before what was found by looking, and a relative change says
        # more than points that nothing relates to.
        clearest = max(
            certain, key=lambda c: (not c.exploratory, c.gain is not None, abs(c.change.value))
        )
        up = improves != clearest.metric.lower_is_better
        kind = "improvement" if improves else "loss"
        opening = f"The one certain {kind}"
        if len(certain) > 1:
            opening = f"The largest of {counted(len(certain), f'certain {kind}', _MANY[kind])}"
        return Sentence(
            DIFFERENT,
            f"{opening}: against {base}, {_recipe(report, clearest)} "
            f"{'raises' if up else 'lowers'} {clearest.metric.name} on {clearest.metric.label} by "
            f"{size_range(clearest)} {report.title(clearest.place)}"
            f"{tokens_needed(report, clearest)}"
            f"{'; exploratory, as no hypothesis named it' if clearest.exploratory else ''}.",
        )
    estimated = [c for c in all_ if c.better == improves and c.change.value]
    if not estimated:
        return Sentence(CANNOT_SAY, f"No recipe is shown to be {_sort(improves)} than {base}.")
    largest = max(estimated, key=lambda c: (c.gain is not None, abs(c.change.value)))
    return Sentence(
        CANNOT_SAY,
        f"No recipe is shown to be {_sort(improves)} than {base} on any measure; the largest "
        f"estimate is {change_range(largest)} in {largest.metric.name} on {largest.metric.label} "
        f"with {_recipe(report, largest)}.",
    )


_MANY = {"improvement": "certain improvements", "loss": "certain losses"}


def _sort(improves: bool) -> str:
    return "better" if improves else "worse"


def _recipe(report: Report, comparison: Comparison) -> str:
    """The recipe with its share of the source."""
    share = report.results.share(comparison.recipe, comparison.place)
    return f"{comparison.recipe} ({whole_percent(share)} {report.record.source})"


def _open(comparisons: Sequence[Comparison]) -> Sentence:
    """What cannot be said, and what is equivalent."""
    left = [c for c in comparisons if c.verdict() == CANNOT_SAY]
    equivalent = sum(c.verdict() == EQUIVALENT for c in comparisons)
    all_, stay = counted(len(comparisons), "comparison"), "stays" if len(left) == 1 else "stay"
    parts = []
    if equivalent:
        parts.append(
            f"{equivalent} of {all_} {'is' if equivalent == 1 else 'are'} equivalent within the "
            "study's margin"
        )
    if not left:
        return Sentence(
            EQUIVALENT if equivalent else DIFFERENT,
            capital("; ".join(parts) or "Every comparison shows a difference") + ".",
        )
    if not any(c.difference.over_seeds for c in left):
        parts.append(
            f"{len(left)} of {all_} {stay} open: with fewer than three seeds, no change is called "
            "one"
        )
    else:
        parts.append(f"{len(left)} of {all_} {stay} open{_wholly_open(comparisons)}{_seeds(left)}")
    return Sentence(CANNOT_SAY, capital("; ".join(parts)) + ".")


def _wholly_open(comparisons: Sequence[Comparison]) -> str:
    """Measures on which no comparison is decided."""
    decided = {c.metric.key for c in comparisons if c.verdict() != CANNOT_SAY}
    labels = dict.fromkeys(c.metric.label for c in comparisons if c.metric.key not in decided)
    if not labels or not decided:
        return ", on every measure" if labels else ""
    return f", among them all on {joined(labels)}"


def _seeds(left: Sequence[Comparison]) -> str:
    """How many seeds it would take for half of them."""
    needed = sorted(c.seeds_needed or math.inf for c in left)
    half = needed[(len(needed) - 1) // 2]
    if math.isinf(half):
        return "; for most of them more items are needed, and not only more seeds"
    return f"; {half} seeds would settle about half of these"
