"""What a study shows, in sentences made from its numbers.

    for sentence in answer(summary): ...

A change is called one only if it holds after Holm's correction. Everything else "cannot be told
apart". What cannot be concluded is in `limits.py`.
"""

from collections.abc import Sequence

from code_ablate.analysis.estimation.estimates import Comparison, Metric
from code_ablate.analysis.estimation.summary import Summary
from code_ablate.analysis.report.phrases import change_range, counted, joined, whole_percent
from code_ablate.analysis.results.results import STAGE_TITLES


def answer(summary: Summary) -> list[str]:
    """The result in a few sentences: domains, accuracy, after cooldown, and how far it carries."""
    stage = summary.results.stages[0]
    comparisons = [c for c in summary.comparisons if c.stage == stage]
    base = summary.results.baseline
    if not comparisons:
        return [
            f"Nothing can be said about the effect of a recipe: no recipe shares a seed with the "
            f"baseline {base} {STAGE_TITLES[stage]}."
        ]
    sentences = _domain_sentences(summary, comparisons, stage)
    sentences += _accuracy_sentences(summary, comparisons)
    model = summary.results.study["model"]["parameters"]
    seeds = counted(len(summary.results.study["seeds"]), "seed")
    later = [c for c in summary.comparisons if c.stage != stage]
    cooled = ""
    if later:
        cooled = (
            f"{STAGE_TITLES[later[0].stage].capitalize()}, {sum(c.certain() for c in later)} of "
            f"{len(later)} comparisons with {base} hold after Holm's correction. "
        )
    sentences.append(
        f"{cooled}All this holds for a model of {model / 1e6:,.1f} million parameters trained on "
        f"{summary.results.study['tokens']:,} tokens with {seeds}, and not beyond it."
    )
    return sentences


def _of(comparisons: Sequence[Comparison], metric: Metric) -> list[Comparison]:
    return [c for c in comparisons if c.metric == metric]


def _size(comparison: Comparison) -> float:
    return abs(comparison.change.value)


def _named(comparison: Comparison) -> str:
    return f"{change_range(comparison)} with {comparison.recipe}"


def _domain_sentences(summary: Summary, comparisons: Sequence[Comparison], stage: str) -> list[str]:
    """One sentence for the domains that got better, one for those that got worse, one for none."""
    base, sentences = summary.results.baseline, []
    improved, worsened, unclear = [], [], []
    for metric in (m for m in summary.metrics if m.lower_is_better):
        certain = [c for c in _of(comparisons, metric) if c.certain()]
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
    when = STAGE_TITLES[stage].capitalize()
    if improved:
        sentences.append(
            f"{when}, bits per byte fell against {base} (lower is better); the largest changes, "
            f"with {whole_percent(summary.settings.confidence)} intervals: {joined(improved)}."
        )
    if worsened:
        sentences.append(f"Bits per byte rose, at most by: {joined(worsened)}.")
    if unclear:
        sentences.append(
            f"On {joined(unclear)} no recipe can be told apart from {base} in bits per byte."
        )
    return sentences


def _accuracy_sentences(summary: Summary, comparisons: Sequence[Comparison]) -> list[str]:
    base = summary.results.baseline
    metrics = [metric for metric in summary.metrics if not metric.lower_is_better]
    names = {metric.name for metric in metrics}
    name = names.pop() if len(names) == 1 else "score"
    clear: list[str] = []
    unclear: list[str] = []
    for metric in metrics:
        found = _of(comparisons, metric)
        if not found:
            continue
        certain = [c for c in found if c.certain()]
        largest = max(certain or found, key=_size)
        text = f"{_named(largest)} on {metric.label} ({counted(len(metric.tasks), 'task')})"
        (clear if certain else unclear).append(text)
    sentences = []
    if clear:
        sentences.append(
            f"{name.capitalize()} changed against {base}: the largest change is {joined(clear)}."
        )
    if unclear:
        sentences.append(
            f"In {name} no recipe can be told apart from {base} here; the largest estimates "
            f"are {joined(unclear)}."
            if not clear
            else f"No recipe can be told apart from {base} elsewhere: {joined(unclear)} at most."
        )
    return sentences
