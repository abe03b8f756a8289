"""What a study shows, and what it does not, in sentences made from its numbers.

    for sentence in answer(summary): ...
    for limit in limits(summary): print(limit.key, limit.text)

A change is called one only if it holds after Holm's correction. Everything else "cannot be told
apart". Each limit has a key, so that a test can ask for it, and appears only where the data give
cause.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from code_ablate.analysis.results import RANK_CLASSIFICATION, STAGE_TITLES
from code_ablate.analysis.summary import Comparison, Estimate, Metric, Summary

FEW_SEEDS = 5
FEW_DOCUMENTS = 30
SAME_SHARE = 0.02
REFERENCE_PARAMETERS = 470_000_000
REFERENCE_TOKENS = 200_000_000_000


@dataclass(frozen=True)
class Limit:
    """One thing that cannot be concluded."""

    key: str
    """Stable name."""
    text: str
    """The sentence."""


def percent(value: float) -> str:
    """0.0123 -> "+1.2 %": a real minus sign, the sign always shown, no break before "%"."""
    return f"{bare(value)}\u00a0%"


def bare(value: float) -> str:
    """0.0123 -> "+1.2": percent without the unit, for the ends of an interval."""
    text = f"{100 * value:+.1f}".replace("-", "−")
    return "0.0" if text in ("+0.0", "−0.0") else text


def whole_percent(value: float) -> str:
    """0.95 -> "95 %", without a sign."""
    return f"{100 * value:.0f}\u00a0%"


def percent_range(estimate: Estimate) -> str:
    """ "+1.2 % [−0.3, +2.7]"."""
    return f"{percent(estimate.value)} [{bare(estimate.low)}, {bare(estimate.high)}]"


def joined(names: Iterable[str]) -> str:
    """ "a, b and c"."""
    found = list(names)
    return found[0] if len(found) == 1 else ", ".join(found[:-1]) + " and " + found[-1]


def counted(number: int, noun: str) -> str:
    """ "1 seed", "2 seeds"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


# --- the answer ---------------------------------------------------------------------------------


def answer(summary: Summary) -> list[str]:
    """The result in a few sentences: domains, accuracy, after cooldown, and how far it carries."""
    stage = summary.results.stages[0]
    comparisons = [c for c in summary.comparisons if c.stage == stage and c.gain is not None]
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
    return abs(comparison.gain.value) if comparison.gain else 0.0


def _named(comparison: Comparison) -> str:
    assert comparison.gain is not None
    return f"{percent_range(comparison.gain)} with {comparison.recipe}"


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
    clear: list[str] = []
    unclear: list[str] = []
    for metric in (m for m in summary.metrics if not m.lower_is_better):
        found = _of(comparisons, metric)
        if not found:
            continue
        certain = [c for c in found if c.certain()]
        largest = max(certain or found, key=_size)
        text = f"{_named(largest)} on {metric.label} ({counted(len(metric.tasks), 'task')})"
        (clear if certain else unclear).append(text)
    sentences = []
    if clear:
        sentences.append(f"Accuracy changed against {base}: the largest change is {joined(clear)}.")
    if unclear:
        sentences.append(
            f"In accuracy no recipe can be told apart from {base} here; the largest estimates "
            f"are {joined(unclear)}."
            if not clear
            else f"No recipe can be told apart from {base} elsewhere: {joined(unclear)} at most."
        )
    return sentences


# --- what cannot be concluded -------------------------------------------------------------------


def limits(summary: Summary) -> list[Limit]:
    """What cannot be concluded from this study, most general first."""
    found = [
        *_scale_limits(summary),
        *_seed_limits(summary),
        *_comparison_limits(summary),
        *_task_limits(summary),
        *_recipe_limits(summary),
    ]
    return [Limit(key, text) for key, text in found]


def _scale_limits(summary: Summary) -> list[tuple[str, str]]:
    study = summary.results.study
    found = []
    parameters, tokens = study["model"]["parameters"], study["tokens"]
    if parameters < REFERENCE_PARAMETERS or tokens < REFERENCE_TOKENS:
        found.append(
            (
                "scale",
                f"Anything about models of other sizes. The reference study used 470 million "
                f"parameters and 200 billion tokens or more; here they are {parameters:,} and "
                f"{tokens:,}. Directions may differ there, and sizes of effects will.",
            )
        )
    found.append(
        (
            "prediction",
            "Anything about writing code or answering freely. Bits per byte measures how well text "
            "is predicted, and accuracy here compares given answers; no task of this study "
            "generates text or runs code.",
        )
    )
    return found


def _seed_limits(summary: Summary) -> list[tuple[str, str]]:
    results = summary.results
    fewest = min(
        len(results.seeds_of(recipe, stage))
        for stage in results.stages
        for recipe in results.recipes_at(stage)
    )
    if fewest == 1:
        return [
            (
                "one_seed",
                "How much is chance of initialisation and data order. At least one recipe has a "
                "single seed, so its intervals cover the choice of items only and are too narrow.",
            )
        ]
    if fewest < FEW_SEEDS:
        return [
            (
                "few_seeds",
                f"Fine differences. With {fewest} seeds the seed part of an interval is crude: "
                "where noise between seeds dominates, an interval from two seeds holds the truth "
                "only about half the time. Marks therefore ask for a test on seeds too; read the "
                "seed values beside each interval.",
            )
        ]
    return []


def _comparison_limits(summary: Summary) -> list[tuple[str, str]]:
    found, comparisons = [], summary.comparisons
    uncertain = [c for c in comparisons if not c.certain()]
    spans = [c for c in comparisons if c.difference.low <= 0 <= c.difference.high]
    base = summary.results.baseline
    if uncertain:
        found.append(
            (
                "spans_zero",
                f"A difference to {base} in {len(uncertain)} of {len(comparisons)} comparisons: "
                f"they do not hold after Holm's correction ({len(spans)} intervals contain zero). "
                "This does not show that there is none.",
            )
        )
    floor = 2 / (summary.settings.resamples + 1) * len(comparisons)
    if comparisons and floor >= 0.05:
        found.append(
            (
                "resolution",
                f"Any difference after Holm's correction: {summary.settings.resamples:,} resamples "
                f"are too few for {len(comparisons)} comparisons.",
            )
        )
    undefined = [c for c in comparisons if c.gain is None]
    if undefined:
        found.append(
            (
                "undefined_gain",
                f"A relative gain in {len(undefined)} comparisons: the baseline may be zero there.",
            )
        )
    for stage in summary.results.stages:
        if not any(c.stage == stage for c in comparisons):
            found.append(
                (
                    "no_baseline",
                    f"Anything about recipes {STAGE_TITLES[stage]}: {base} has no results there "
                    "with a seed that another recipe has.",
                )
            )
    return found


def _task_limits(summary: Summary) -> list[tuple[str, str]]:
    results, found = summary.results, []
    for key, where, reason in (
        (
            "at_chance",
            _tasks_by_stage(summary, lambda stage, task: summary.at_chance(stage, task)),
            "no recipe beats chance in all of its seeds, yet these tasks count in the category "
            "mean.",
        ),
        (
            "degenerate",
            _tasks_by_stage(summary, lambda stage, task: _collapsed(summary, stage, task)),
            "the predictions of at least one arm have collapsed onto one answer, so the score is "
            "the share of that answer.",
        ),
    ):
        for tasks, stages in where.items():
            when = joined(STAGE_TITLES[stage] for stage in stages)
            found.append((key, f"Skill from the score of {joined(tasks)} {when}: {reason}"))
    cropped = [
        f"{name} ({whole_percent(task.cropped / task.examples)})"
        for name, task in results.tasks.items()
        if task.kind == RANK_CLASSIFICATION and task.cropped
    ]
    if cropped:
        found.append(
            (
                "cropped",
                f"What {joined(cropped)} measure in full: this share of their prompts has more "
                f"than the {results.study['seq_len']} tokens that the model sees at once, and "
                "lost its beginning (few-shot examples and passages first).",
            )
        )
    small = [t for t in results.domains if results.tasks[t].items < FEW_DOCUMENTS]
    if small:
        names = joined(f"{n.partition('/')[2]} ({results.tasks[n].items})" for n in small)
        found.append(
            (
                "few_documents",
                f"The level of bits per byte on {names}: fewer than {FEW_DOCUMENTS} validation "
                "documents.",
            )
        )
    missing = [f"{entry['task']} ({entry['reason']})" for entry in results.study["missing"]]
    if missing:
        found.append(("missing", f"Anything from tasks that were not run: {joined(missing)}."))
    return found


def _tasks_by_stage(
    summary: Summary, holds: Callable[[str, str], bool]
) -> dict[tuple[str, ...], list[str]]:
    """Tasks for which something holds -> the stages at which it is exactly these tasks."""
    found: dict[tuple[str, ...], list[str]] = {}
    for stage in summary.results.stages:
        names = sorted({t for s, _, t in summary.task_results if s == stage})
        chosen = tuple(name for name in names if holds(stage, name))
        if chosen:
            found.setdefault(chosen, []).append(stage)
    return found


def _collapsed(summary: Summary, stage: str, task: str) -> bool:
    return any(
        result.degenerate
        for (s, _, t), result in summary.task_results.items()
        if (s, t) == (stage, task)
    )


def _recipe_limits(summary: Summary) -> list[tuple[str, str]]:
    results, found = summary.results, []
    repeated: dict[str, float] = {}
    for arm in results.arms:
        for corpus, use in arm.corpora.items():
            if use.epochs > 1:
                repeated[corpus] = max(repeated.get(corpus, 0.0), use.epochs)
    if repeated:
        names = joined(f"{name} (up to {epochs:.1f})" for name, epochs in repeated.items())
        found.append(
            (
                "epochs",
                f"The effect of fresh data alone: some arms repeat a corpus. Epochs: {names}.",
            )
        )
    first = results.stages[0]
    shares = {
        name: (results.code_share(name, first), results.recipe(name).sweep)
        for name in results.recipes_at(first)
    }
    unmatched = [
        f"{name} ({whole_percent(share)})"
        for name, (share, sweep) in shares.items()
        if not sweep
        and not any(abs(share - other) <= SAME_SHARE for other, single in shares.values() if single)
    ]
    if unmatched:
        found.append(
            (
                "order_and_share",
                f"Whether order or share of code makes the difference for {joined(unmatched)}: no "
                "recipe of one phase has the same total share of code.",
            )
        )
    if len(results.stages) > 1:
        last = results.stages[-1]
        absent = [r.name for r in results.recipes if r.name not in results.recipes_at(last)]
        if absent:
            found.append(
                (
                    "no_cooldown",
                    f"What remains {STAGE_TITLES[last]} of {joined(absent)}: not trained that far.",
                )
            )
    return found
