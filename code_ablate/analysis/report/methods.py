"""How each number of a report was made, in sentences.

    for line in methods(report): ...

What depends on the tasks of a study is said only where it has such tasks.
"""

from code_ablate.analysis.estimation.categories import AVERAGES
from code_ablate.analysis.report.content import Report
from code_ablate.analysis.report.phrases import joined, whole_percent
from code_ablate.analysis.results.contaminated import searched
from code_ablate.evaluation.kinds import BITS_PER_BYTE, KINDS


def category_note(report: Report) -> str:
    """What the category tables show."""
    shown = {column.whole.label for column in report.summary.columns}
    averages = [
        f"the {label} is the mean of {joined(name.replace('_', ' ') for name in names)}"
        for label, names in AVERAGES.items()
        if label in shown
    ]
    means = "; ".join(["Each category is the plain mean of its tasks", *averages])
    return (
        f"{means}. “Above chance” takes only the tasks on which every recipe beats chance with "
        "every seed, at every size and stage (p < 0.05; where there is no chance level, a score "
        "above zero), without a collapse onto one answer, which may score above chance too; it is "
        "left out where that is all tasks or none. The tasks are chosen by the scores themselves, "
        "so these figures flatter; the tests above use all tasks."
    )


def contamination_note(report: Report) -> str:
    """What of the tasks' items stood in the corpora, before documents left for it."""
    tasks = report.summary.scores.downstream
    not_searched = [task for task in tasks if not searched(report.record, task)]
    names = dict.fromkeys(task for _, _, task in report.uncontaminated)
    parts = []
    if names:
        parts.append(
            f"Items of {joined(names)} were found in corpora that the recipes read. The documents "
            "that held them were left out; the last column gives the scores without these items."
        )
    elif len(not_searched) < len(tasks):
        parts.append("No scored item was found in the corpora that the recipes read.")
    if not_searched:
        which = "the tasks" if len(not_searched) == len(tasks) else joined(not_searched)
        parts.append(f"Items of {which} were not looked for in all of them.")
    return " ".join(parts)


def methods(report: Report) -> list[str]:
    """A paragraph per kind of number."""
    settings = report.summary.settings
    return [
        *_kinds(report),
        "A category is the plain mean of its tasks.",
        "Relative change = (recipe − baseline) / baseline on these scores; where the baseline may "
        "be zero it has no meaning, and the difference stands in its place. Recipes are compared "
        "within one model size and one stage.",
        f"Intervals: {whole_percent(settings.confidence)} percentile intervals of "
        f"{settings.resamples:,} bootstrap replicates (seed {settings.seed}). Items are drawn with "
        "replacement within each task, the same draw for all recipes and for tasks whose items "
        "have the same ids. Items count as independent, also those that share a passage or a "
        "dialogue, where intervals come out too narrow. Seeds are drawn in the same way, with the "
        "same draw for all recipes and tasks, since the same seed means the same initialisation "
        "and the same order within a corpus. S − 1 of S seeds are drawn at a time, so that the "
        "variance of their mean is unbiased (Rao, Wu & Yue 1992). "
        "Where all items are right, or all wrong, no draw differs, and the interval is Clopper and "
        "Pearson's, with the seeds counted as one. A task's own metric keeps its name and unit, "
        "unless all of its scores lie from 0 to 1: these are written in percent. More is taken for "
        "better, and no mean is made of metrics with other ranges.",
        "p of a change: the larger of two. First, twice the share of replicates on the other side "
        "of zero. Second, a t test of the seeds' scores in randomised blocks (blocks are seeds, "
        "noise pooled over recipes), because a bootstrap of few seeds is too sure. It is then "
        "adjusted by Holm's method (1979).",
        "p against chance: binomial where all items have the same number of answers, otherwise "
        "the exact distribution of a sum of unequal guesses.",
        "A seed's mark of collapse: one answer covers 95 % of its predictions, or 80 % and the "
        "accuracy is not significantly above the share of the most common right answer; where the "
        "model writes its answers, 95 % of them are the same.",
        "FLOPs are floating-point operations of training, by formula and not measured.",
        "The score of every item is in results.parquet in the study's directory, with study.json "
        "beside it. Cells of the tables above carry their numbers unrounded in data attributes.",
    ]


def _kinds(report: Report) -> list[str]:
    """How the kinds of tasks that the study has are scored."""
    present = {task.kind for task in report.record.tasks.values()}
    return [
        facts.how + (_cropped_documents(report) if name == BITS_PER_BYTE else "")
        for name, facts in KINDS.items()
        if name in present
    ]


def _cropped_documents(report: Report) -> str:
    """How many documents of each domain are scored at their beginning only."""
    tasks = (report.record.tasks[name] for name in report.summary.scores.domains)
    cropped = [f"{t.name.partition('/')[2]} ({t.cropped} of {t.items})" for t in tasks if t.cropped]
    if not cropped:
        return ""
    return f" Of long documents only the beginning is scored: {joined(cropped)}."
