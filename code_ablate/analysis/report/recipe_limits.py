"""What cannot be concluded about recipes: what is not compared, not alike, or not new.

comparison_limits(report), recipe_limits(report)
"""

from dataclasses import dataclass

from code_ablate.analysis.estimation.estimates import CANNOT_SAY
from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.report.content import Report
from code_ablate.analysis.report.phrases import joined, number_range, whole_percent
from code_ablate.analysis.report.sweep import same_budget, swept_recipes

SAME_SHARE = 0.02


@dataclass(frozen=True)
class Limit:
    """One thing that cannot be concluded."""

    key: str
    """Stable name."""
    text: str
    """The sentence."""


def comparison_limits(report: Report) -> list[Limit]:
    """What the comparisons do not show, and which recipes are not compared at all."""
    limits, comparisons = [], report.summary.comparisons
    uncertain = [c for c in comparisons if c.verdict() == CANNOT_SAY]
    spans = [c for c in comparisons if c.difference.low <= 0 <= c.difference.high]
    if uncertain:
        limits.append(
            Limit(
                "spans_zero",
                f"A difference to {report.baseline} in {len(uncertain)} of {len(comparisons)} "
                f"comparisons: they do not hold after Holm's correction ({len(spans)} intervals "
                "contain zero). This does not show that there is none"
                f"{_equivalence_note(report)}.",
            )
        )
    undefined = [c for c in comparisons if c.gain is None]
    if undefined:
        limits.append(
            Limit(
                "undefined_gain",
                f"A relative gain in {len(undefined)} comparisons: the baseline may be zero there.",
            )
        )
    return [*limits, *(limit for place in report.places for limit in _not_compared(report, place))]


def _equivalence_note(report: Report) -> str:
    if any(c.margin for c in report.summary.comparisons):
        return ""
    return ": the study names no margin (Study.margin) within which recipes are equivalent"


def _not_compared(report: Report, place: Place) -> list[Limit]:
    base, scores = report.baseline, report.summary.scores
    recipes = [name for name in scores.recipes_at(place) if name != base]
    apart = [name for name in recipes if not scores.common_seeds(name, place)]
    if not apart:
        return []
    if not scores.seeds_of(base, place):
        reason = f"the baseline {base} has no results there, so they are not compared."
        return [
            Limit("no_baseline", f"What {joined(apart)} change {report.title(place)}: {reason}")
        ]
    reason = f"they share no seed with the baseline {base} there, so they are not compared."
    return [Limit("no_common_seed", f"What {joined(apart)} change {report.title(place)}: {reason}")]


def recipe_limits(report: Report) -> list[Limit]:
    """What the recipes' data, budgets and stages leave open."""
    limits = []
    repeated: dict[str, float] = {}
    for arm in report.record.arms:
        for corpus, use in arm.corpora.items():
            if use.epochs > 1:
                repeated[corpus] = max(repeated.get(corpus, 0.0), use.epochs)
    if repeated:
        names = joined(f"{name} (up to {epochs:.1f})" for name, epochs in repeated.items())
        text = f"The effect of fresh data alone: some arms repeat a corpus. Epochs: {names}."
        limits.append(Limit("epochs", text))
    for place in report.places:
        limits += _unequal_budgets(report, place)
    for place in report.first_places():
        limits += _order_and_share(report, place)
    for size in report.results.sizes:
        limits += _stops_early(report, report.results.places_of(size.name))
    return limits


def _unequal_budgets(report: Report, place: Place) -> list[Limit]:
    """Recipes that were trained on another number of tokens than the baseline."""
    results = report.results
    if report.baseline not in results.recipes_at(place):
        return []
    base = [arm.tokens for arm in results.arms_of(report.baseline, place)]
    others = {}
    for recipe in results.recipes_at(place):
        tokens = [arm.tokens for arm in results.arms_of(recipe, place)]
        if not all(same_budget(n, m) for n in tokens for m in base):
            others[recipe] = number_range(tokens)
    if not others:
        return []
    names = joined(f"{name} ({tokens})" for name, tokens in others.items())
    return [
        Limit(
            "unequal_budgets",
            f"Whether the data or the amount of training make the difference for {names} "
            f"{report.title(place)}: {report.baseline} was trained on {number_range(base)} tokens.",
        )
    ]


def _order_and_share(report: Report, place: Place) -> list[Limit]:
    """Recipes of several phases without a recipe of one phase at the same total share."""
    results, source = report.results, report.record.source
    phases = {
        name: len(results.arms_of(name, place)[0].phases) for name in results.recipes_at(place)
    }
    shares = {name: results.share(name, place) for name in phases}
    single = swept_recipes(results, place) or [name for name, n in phases.items() if n == 1]
    unmatched = [
        f"{name} ({whole_percent(shares[name])})"
        for name, count in phases.items()
        if count > 1 and not any(abs(shares[name] - shares[s]) <= SAME_SHARE for s in single)
    ]
    if not unmatched:
        return []
    return [
        Limit(
            "order_and_share",
            f"Whether the order or the share of {source} makes the difference for "
            f"{joined(unmatched)}{report.of_size(place.size)}: no recipe of one phase has the same "
            f"total share of {source}.",
        )
    ]


def _stops_early(report: Report, places: tuple[Place, ...]) -> list[Limit]:
    """Recipes of a size that were not trained to its last stage."""
    last = places[-1]
    present = {recipe for place in places for recipe in report.results.recipes_at(place)}
    absent = present - set(report.results.recipes_at(last))
    names = [recipe.name for recipe in report.record.recipes if recipe.name in absent]
    if not names:
        return []
    text = f"What remains {report.title(last)} of {joined(names)}: not trained that far."
    return [Limit("not_trained_further", text)]
