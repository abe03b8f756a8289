"""What cannot be concluded from a study: its size, seeds, tasks and recipes.

    for limit in limits(report): print(limit.key, limit.text)

Each limit has a key, so that a test can ask for it, and appears only where the data give cause.
What concerns recipes and their training is in `recipe_limits.py`.
"""

import math
from collections.abc import Callable

from code_ablate.analysis.estimation.crossed import FEWEST_SEEDS, Noise
from code_ablate.analysis.estimation.scores import Place, ScoredTask
from code_ablate.analysis.report.content import Report, fewest_seeds
from code_ablate.analysis.report.phrases import joined, number_range, whole_percent
from code_ablate.analysis.report.recipe_limits import Limit, comparison_limits, recipe_limits
from code_ablate.evaluation.kinds import KINDS, PROGRAMS

FEW_SEEDS = 5
FEW_DOCUMENTS = 30


def limits(report: Report) -> list[Limit]:
    """What cannot be concluded from this study, most general first."""
    return [
        *_scale_limits(report),
        *_seed_limits(report),
        *comparison_limits(report),
        *_task_limits(report),
        *recipe_limits(report),
    ]


def _scale_limits(report: Report) -> list[Limit]:
    limits = []
    sizes = [size.parameters for size in report.results.sizes]
    tokens = [arm.tokens for arm in report.results.last_arms]
    here = f"{number_range(sizes)} parameters and {number_range(tokens)} tokens"
    published = report.published
    if published is None:
        limits.append(
            Limit(
                "scale",
                f"Anything about models of other sizes, or with other budgets: here they have "
                f"{here}. Directions may differ there, and sizes of effects will.",
            )
        )
    elif min(sizes) < published.parameters or min(tokens) < published.tokens:
        limits.append(
            Limit(
                "scale",
                f"Anything about models of other sizes. The published study used "
                f"{published.parameters / 1e6:,.0f} million parameters and "
                f"{published.tokens / 1e9:,.0f} billion tokens or more; here they are {here}. "
                "Directions may differ there, and sizes of effects will.",
            )
        )
    kinds = {report.record.tasks[name].kind for name in report.summary.scores.downstream}
    if not any(KINDS[kind].generates for kind in kinds):
        limits.append(
            Limit(
                "prediction",
                "Anything about writing programs or answering freely. Bits per byte measures how "
                "well documents are predicted, and accuracy here compares given answers; in no "
                "task of this study does the model write anything.",
            )
        )
    elif PROGRAMS not in kinds:
        limits.append(
            Limit("no_programs", "Anything about writing programs: no task of this study runs one.")
        )
    return limits


def _seed_limits(report: Report) -> list[Limit]:
    fewest = fewest_seeds(report)
    if fewest == 1:
        return [
            Limit(
                "one_seed",
                "How much is chance of initialisation and data order. At least one recipe has a "
                "single seed, so its intervals cover the choice of items only and are too narrow; "
                "no comparison of fewer than three seeds is marked.",
            )
        ]
    if fewest < FEWEST_SEEDS:
        return [
            Limit(
                "two_seeds",
                "Whether a change would be there with other seeds. Two seeds leave one degree of "
                "freedom for the noise between seeds, so the intervals cover the choice of items "
                "only and are too narrow, and no comparison is marked. Three seeds are the least "
                "with which one can be.",
            )
        ]
    if fewest < FEW_SEEDS:
        return [
            Limit(
                "few_seeds",
                f"Small differences. With {fewest} seeds the noise between seeds is known with "
                f"{fewest - 1} degrees of freedom, so where it dominates, an interval is "
                f"{_widening(fewest):.1f} times as wide as if the noise were known; more seeds "
                "narrow it faster than more items.",
            )
        ]
    return []


def _widening(seeds: int) -> float:
    """Width of an interval by that of one whose noise between seeds is known."""
    known, estimated = (Noise(0.0, 1.0, 0.0, math.inf, count) for count in (10**6, seeds))
    return estimated.half_width(0.95) / known.half_width(0.95)


def _task_limits(report: Report) -> list[Limit]:
    limits, tasks = [], report.record.tasks
    for key, where, reason in (
        (
            "at_chance",
            _tasks_by_place(report, report.summary.at_chance),
            "no recipe beats chance in all of its seeds, yet these tasks count in the category "
            "mean of all tasks.",
        ),
        (
            "degenerate",
            _tasks_by_place(report, lambda place, task: _collapsed(report, place, task)),
            "the predictions of at least one arm have collapsed onto one answer, so the score is "
            "the share of that answer.",
        ),
    ):
        for names, places in where.items():
            when = joined(report.title(place) for place in places)
            limits.append(Limit(key, f"Skill from the score of {joined(names)} {when}: {reason}"))
    single = [name for name, task in report.summary.scores.tasks.items() if _one_unit(report, task)]
    if single:
        limits.append(
            Limit(
                "one_cluster",
                f"Whether other items would score alike on {joined(single)}: all that were asked "
                "share one passage, dialogue or subject, which tells nothing of others. There is "
                "no interval.",
            )
        )
    cropped = [
        f"{name} ({whole_percent(tasks[name].cropped / tasks[name].examples)})"
        for name in report.summary.scores.downstream
        if tasks[name].cropped
    ]
    if cropped:
        seen = number_range(n for size in report.results.sizes for n in size.seq_lens)
        limits.append(
            Limit(
                "cropped",
                f"What {joined(cropped)} measure in full: this share of their prompts has more "
                f"than the {seen} tokens that a model sees at once, and lost its beginning "
                "(few-shot examples and passages first).",
            )
        )
    exposed = [name for name in report.summary.scores.downstream if not tasks[name].isolated]
    if exposed:
        limits.append(
            Limit(
                "not_isolated",
                f"Skill from the score of {joined(exposed)}: the generated programs ran without "
                "isolation (SuiteConfig.isolation is 'none'), where one can reach the tests' "
                "process, the files and the network of the machine.",
            )
        )
    for name in report.summary.scores.downstream:
        if tasks[name].notes:
            notes = "; ".join(tasks[name].notes)
            limits.append(Limit("task_note", f"More from {name} than was asked of it: {notes}."))
    domains = report.summary.scores.domains
    small = [name for name in domains if tasks[name].items < FEW_DOCUMENTS]
    if small:
        said = joined(f"{n.partition('/')[2]} ({tasks[n].items})" for n in small)
        limits.append(
            Limit(
                "few_documents",
                f"The level of bits per byte on {said}: fewer than {FEW_DOCUMENTS} validation "
                "documents.",
            )
        )
    missing = [f"{entry.task} ({entry.reason})" for entry in report.record.missing]
    if missing:
        limits.append(
            Limit("missing", f"Anything from tasks that were not run: {joined(missing)}.")
        )
    return limits


def _one_unit(report: Report, task: ScoredTask) -> bool:
    """Whether all items of a task belong together, so that the choice of items has no noise."""
    table = report.summary.scores.of(task.name, report.places[0])
    return task.score is not None and len(set(table.clusters or table.items)) == 1


def _tasks_by_place(
    report: Report, holds: Callable[[Place, str], bool]
) -> dict[tuple[str, ...], list[Place]]:
    """Tasks for which something holds -> the places at which it is exactly these tasks."""
    places: dict[tuple[str, ...], list[Place]] = {}
    for place in report.places:
        names = sorted(report.summary.scores.downstream)
        chosen = tuple(name for name in names if holds(place, name))
        if chosen:
            places.setdefault(chosen, []).append(place)
    return places


def _collapsed(report: Report, place: Place, task: str) -> bool:
    results = report.summary.task_results.items()
    return any(result.degenerate for (p, _, t), result in results if (p, t) == (place, task))
