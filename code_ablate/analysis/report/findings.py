"""What a study shows, in sentences made from its numbers.

    for sentence in answer(report): ...

A change is called one only if it holds after Holm's correction. Everything else "cannot be told
apart". What cannot be concluded is in `limits.py`.
"""

import math
from collections.abc import Sequence

from code_ablate.analysis.estimation.estimates import (
    CANNOT_SAY,
    EQUIVALENT,
    Comparison,
    Metric,
)
from code_ablate.analysis.estimation.flips import find_flips
from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.report.content import Report
from code_ablate.analysis.report.headline import reach
from code_ablate.analysis.report.phrases import (
    capital,
    change_range,
    counted,
    detectable_change,
    joined,
    whole_percent,
)
from code_ablate.analysis.results.study_record import SizeRecord


def answer(report: Report) -> list[str]:
    """The result of each model size in a few sentences: domains, scores, later stages, and how far
    it carries.
    """
    sentences = [text for size in report.results.sizes for text in _of_size(report, size)]
    return sentences + _flip_sentence(report)


def _flip_sentence(report: Report) -> list[str]:
    """The share of conclusions that do not carry over; nothing for a study of one size."""
    if not report.several_sizes:
        return []
    flips = find_flips(report.summary)
    where = f"the {len(flips.sizes)} settings ({joined(flips.sizes)})"
    if not flips.held:
        return [f"No difference from {report.baseline} holds in any of {where}."]
    return [
        f"Of {counted(flips.held, 'difference')} from {report.baseline} that hold in at least one "
        f"of {where}, {flips.not_everywhere} ({flips.not_everywhere / flips.held:.0%}) do not hold "
        f"in all of them, {flips.turned} ({flips.turned / flips.held:.0%}) have an estimate of the "
        f"other sign in another, and {flips.reversed} hold there in the other direction."
    ]


def _of_size(report: Report, size: SizeRecord) -> list[str]:
    places = report.results.places_of(size.name)
    compared = {c.place for c in report.summary.comparisons}
    with_baseline = [place for place in places if place in compared]
    if not with_baseline:
        stages = joined(dict.fromkeys(report.title(place) for place in places))
        return [
            f"Nothing can be said about the effect of a recipe {stages}: no recipe shares a seed "
            f"with the baseline {report.baseline} there."
        ]
    first, *later = with_baseline
    sentences = _domain_sentences(report, first)
    sentences += _score_sentences(report, first)
    if later:
        sentences.append(_later_sentence(report, later))
    return [*sentences, *_equivalence_sentence(report, with_baseline), reach(report, size)]


def _later_sentence(report: Report, places: Sequence[Place]) -> str:
    """How many comparisons hold at each later stage."""
    counts = []
    for place in places:
        comparisons = [c for c in report.summary.comparisons if c.place == place]
        certain = sum(c.certain() for c in comparisons)
        counts.append(f"{report.title(place)}, {certain} of {len(comparisons)} comparisons")
    return f"{capital(joined(counts))} with {report.baseline} hold after Holm's correction."


def _equivalence_sentence(report: Report, places: Sequence[Place]) -> list[str]:
    """How many comparisons are within the study's margin; nothing where it names none."""
    comparisons = [c for c in report.summary.comparisons if c.place in places and c.margin]
    if not comparisons:
        return []
    within = sum(c.verdict() == EQUIVALENT for c in comparisons)
    return [
        f"{within} of {len(comparisons)} comparisons with a margin are equivalent within it, after "
        "Holm's correction."
    ]


def _of(report: Report, place: Place, metric: Metric) -> list[Comparison]:
    return [c for c in report.summary.comparisons if (c.place, c.metric) == (place, metric)]


def _size(comparison: Comparison) -> float:
    return abs(comparison.change.value)


def _named(comparison: Comparison) -> str:
    apart = " (exploratory)" if comparison.exploratory else ""
    return f"{change_range(comparison)} with {comparison.recipe}{apart}"


def _domain_sentences(report: Report, place: Place) -> list[str]:
    """One sentence for the domains that got better, one for those that got worse, one for none."""
    base, sentences = report.baseline, []
    improved, worsened, unclear = [], [], []
    open_comparisons: list[Comparison] = []
    for metric in (m for m in report.summary.metrics if m.lower_is_better):
        certain = [c for c in _of(report, place, metric) if c.certain()]
        better = [c for c in certain if c.better]
        worse = [c for c in certain if not c.better]
        if better:
            improved.append(f"{_named(max(better, key=_size))} on {metric.label}")
        if worse:
            text = f"{_named(max(worse, key=_size))} on {metric.label}"
            if len(worse) > 1:
                text += f" (the smallest increase: {_named(min(worse, key=_size))})"
            worsened.append(text)
        if not certain:
            unclear.append(metric.label)
            open_comparisons += _of(report, place, metric)
    when, intervals = report.title(place), whole_percent(report.summary.settings.confidence)
    if improved:
        sentences.append(
            f"{capital(when)}, bits per byte fell against {base} (lower is better); the largest "
            f"changes, with {intervals} intervals: {joined(improved)}."
        )
    if worsened:
        opening = "Bits per byte rose" if improved else f"{capital(when)}, bits per byte rose"
        sentences.append(f"{opening}, at most by: {joined(worsened)}.")
    if unclear:
        opening = "On" if sentences else f"{capital(when)}, on"
        sentences.append(
            f"{opening} {joined(unclear)} no recipe can be told apart from {base} in bits per byte"
            f"{_power(open_comparisons)}."
        )
    return sentences


def _score_sentences(report: Report, place: Place) -> list[str]:
    base = report.baseline
    metrics = [metric for metric in report.summary.metrics if not metric.lower_is_better]
    names = {metric.name for metric in metrics}
    name = names.pop() if len(names) == 1 else "the scores of tasks"
    clear: list[str] = []
    unclear: list[str] = []
    open_comparisons: list[Comparison] = []
    for metric in metrics:
        comparisons = _of(report, place, metric)
        if not comparisons:
            continue
        certain = [c for c in comparisons if c.certain()]
        largest = max(certain or comparisons, key=_size)
        text = f"{_named(largest)} on {metric.label} ({counted(len(metric.tasks), 'task')})"
        (clear if certain else unclear).append(text)
        open_comparisons += [] if certain else comparisons
    sentences = []
    if clear:
        changes = "the largest change is" if len(clear) == 1 else "the largest changes are"
        sentences.append(f"{capital(name)} changed against {base}: {changes} {joined(clear)}.")
    if unclear and clear:
        sentences.append(
            f"Elsewhere no recipe can be told apart from {base}: {joined(unclear)} at most"
            f"{_power(open_comparisons)}."
        )
    elif unclear:
        estimates = "the largest estimate is" if len(unclear) == 1 else "the largest estimates are"
        sentences.append(
            f"In {name} no recipe can be told apart from {base} here; {estimates} "
            f"{joined(unclear)}{_power(open_comparisons)}."
        )
    return sentences


def _power(comparisons: Sequence[Comparison]) -> str:
    """How large a change would have been found: the largest of these, by metric and recipe."""
    undecided = [c for c in comparisons if c.verdict() == CANNOT_SAY]
    if not all(c.difference.over_seeds for c in undecided):
        return "; with fewer than three seeds no change is called one"
    found = [c for c in undecided if math.isfinite(c.detectable)]
    if not found:
        return "; where all items share one passage or subject, no change is called one"
    changes = {detectable_change(c): c.detectable / c.base if c.gain else 0.0 for c in found}
    if len(changes) == 1:
        return f"; one of {next(iter(changes))} would be found in four of five such studies"
    least, most = (pick(changes, key=lambda c: changes[c]) for pick in (min, max))
    return (
        f"; what four of five such studies would find begins at {least} to {most}, depending on "
        "recipe and metric"
    )
