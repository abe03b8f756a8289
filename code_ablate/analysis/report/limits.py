"""What cannot be concluded from a study: its size, seeds, tasks and recipes.

    for limit in limits(summary): print(limit.key, limit.text)

Each limit has a key, so that a test can ask for it, and appears only where the data give cause.
"""

from collections.abc import Callable
from dataclasses import dataclass

from code_ablate.analysis.estimation.summary import Summary
from code_ablate.analysis.report.phrases import joined, whole_percent
from code_ablate.analysis.results.results import STAGE_TITLES
from code_ablate.evaluation.kinds import BITS_PER_BYTE, KINDS, PROGRAMS

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
    kinds = {task.kind for task in summary.results.downstream}
    if not any(KINDS[kind].generates for kind in kinds):
        found.append(
            (
                "prediction",
                "Anything about writing code or answering freely. Bits per byte measures how well "
                "text is predicted, and accuracy here compares given answers; no task of this "
                "study generates text or runs code.",
            )
        )
    elif PROGRAMS not in kinds:
        found.append(("no_programs", "Anything about writing code: no task of this study runs it."))
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
                "single seed, so its intervals cover the choice of items only and are too narrow; "
                "no comparison of one seed is marked.",
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
            "mean of all tasks.",
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
        if task.kind != BITS_PER_BYTE and task.cropped
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
    for task in results.downstream:
        if task.notes:
            notes = "; ".join(task.notes)
            found.append(("task_note", f"More from {task.name} than was asked of it: {notes}."))
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
