"""How each number of a report was made, in sentences.

    for line in methods(report): ...

What depends on the tasks of a study is said only where it has such tasks.
"""

from code_ablate.analysis.estimation.categories import AVERAGES
from code_ablate.analysis.report.content import Report
from code_ablate.analysis.report.frozen_text import corrected_over
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
        parts.append(f"Items of {which} were not looked for in all corpora that the recipes read.")
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
        f"Intervals: {whole_percent(settings.confidence)}, from the variance over items crossed "
        "with seeds (Searle, Casella & McCulloch 1992): that of items (of passages, dialogues or "
        "subjects where items share one) and that of seeds, added, without the part that both "
        "contain. Tasks whose items have the same ids count as one set of items; seeds are joint "
        "over all tasks. The t quantile weighs the degrees of freedom of items and of seeds by "
        "their part of the variance. With fewer than three seeds intervals are over items alone. "
        "Scores from 0 to 1 have Beta intervals with the number of independent items that would "
        "give the same variance; relative changes have Fieller's. Where all items are right, or "
        "all wrong, the interval is Clopper and Pearson's, with the seeds counted as one. A task's "
        "own metric keeps its name and unit, unless all of its scores lie from 0 to 1: these are "
        "written in percent. More is taken for better, and no mean is made of metrics with other "
        "ranges.",
        "p of a change: a t test of the differences, paired by item and by seed, with the noise "
        "between seeds that this recipe and the baseline themselves show: no noise is borrowed "
        "from other recipes, which may be quieter. Where items are drawn too, Howe's (1974) "
        "combination of both noises, which errs to the safe side. It is adjusted by Holm's method "
        f"(1979) over {corrected_over(report)}; no change is marked on fewer than three seeds.",
        "Verdicts: different, after Holm's correction; equivalent, if two one-sided tests put the "
        "change within the margin that the study names, corrected likewise; else it cannot be "
        "said, and beside it stands the least change that such a study finds with a power of 80 % "
        "at the corrected level, and the seeds with these items, or the items with these seeds, "
        "that the margin (without one, the estimate) would take. docs/statistics.md has formulas, "
        "sources and measured coverage.",
        "Signal to noise: the range that as many recipes are expected to have, from the mean "
        "distance of two, by the standard deviation of one run, from the paired differences over "
        "seeds; what noise adds to the range is taken out. Decision accuracy and regret are over "
        "pairs of recipes. The compute multiplier is exp(advantage / slope), the slope being that "
        "of the baseline's score in the logarithm of its tokens; its interval is Fieller's.",
        *_seed_parts(report),
        "p against chance: binomial where all items have the same number of answers, otherwise "
        "the exact distribution of a sum of unequal guesses.",
        "A seed's mark of collapse: one answer covers 95 % of its predictions, or 80 % and the "
        "accuracy is not significantly above the share of the most common right answer; where the "
        "model writes its answers, 95 % of them are the same.",
        "FLOPs are floating-point operations of training, by formula and not measured.",
        "The score of every item is in results.parquet in the study's directory, with study.json "
        "beside it. Cells of the tables above carry their numbers unrounded in data attributes.",
    ]


def _seed_parts(report: Report) -> list[str]:
    """How the noise of seeds was split; nothing where they are not crossed."""
    if not report.seed_noise:
        return []
    return [
        "Parts of the seed: the analysis of variance of runs that are a grid of seeds, one run in "
        "each cell, both kinds of seeds random and recipes fixed; every recipe has its own. "
        "Estimates are unbiased, and may be below zero. Intervals of parts are by modified large "
        "samples (Ting et al. 1990), that of what is left is a chi-square's, that of the choice of "
        "items the jackknife's over items."
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
