"""The report of a study: one HTML file, and a table for the terminal.

    write_report("runs/demo", "reports/demo.html")
    print(terminal_table(load_results("runs/demo")))

The page needs nothing else: figures are embedded, there is no script, nothing is loaded from a
network. Numbers come from `summary.py`; this module puts them in order.
"""

from etils import epath

from code_ablate.analysis.estimation.estimates import Settings
from code_ablate.analysis.estimation.summary import Summary, summarise
from code_ablate.analysis.report import figures, html, published, tables, task_tables
from code_ablate.analysis.report.findings import answer
from code_ablate.analysis.report.html import Html, tag
from code_ablate.analysis.report.limits import limits
from code_ablate.analysis.report.phrases import counted, joined, whole_percent
from code_ablate.analysis.report.terminal import terminal_table
from code_ablate.analysis.results.results import STAGE_TITLES, load_results
from code_ablate.errors import UserError

__all__ = ["render_report", "terminal_table", "write_report"]


def write_report(
    study_dir: epath.PathLike, out_path: epath.PathLike, settings: Settings | None = None
) -> Summary:
    """Reads a study's results and writes its report, with the main figure as a PNG beside it.

    Returns the summary that it lays out. Raises UserError if the results are absent or not a
    study's, or the path cannot be written.
    """
    summary = summarise(load_results(study_dir), settings)
    path = epath.Path(out_path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render_report(summary))
        figures.save_main_figure(summary, path.with_suffix(".png"))
    except OSError as error:
        raise UserError(f"cannot write the report to {path}: {error}.") from error
    return summary


def render_report(summary: Summary) -> str:
    """The whole page."""
    name = summary.results.study["name"]
    body = [
        tag("h1", f"Study {name}: what the training data changed"),
        _facts(summary),
        _answer(summary),
        *_share_section(summary),
        *_score_section(summary),
        *_gain_section(summary),
        *_category_section(summary),
        *_task_section(summary),
        *_data_section(summary),
        _limits(summary),
        *_methods(summary),
    ]
    return html.page(f"Study {name}", body)


def _facts(summary: Summary) -> Html:
    study = summary.results.study
    model, machine, vocabulary = study["model"], study["machine"], study["vocabulary"]
    cooldown = study["cooldown_tokens"]
    arms = {(arm.recipe, arm.seed) for arm in summary.results.arms}
    facts = {
        "Recipes": f"{len(summary.results.recipes)}, baseline {summary.results.baseline}",
        "Seeds": f"{', '.join(map(str, study['seeds']))} ({counted(len(arms), 'arm')} in all)",
        "Tokens": f"{study['tokens']:,} in pre-training"
        + (f", {cooldown:,} more in cooldown" if cooldown else "")
        + f"; sequences of {study['seq_len']:,}",
        "Model": f"{model['parameters']:,} parameters, {model['embedding_parameters']:,} of them "
        "embedding",
        "Vocabulary": f"{vocabulary['name']}, {vocabulary['size']:,} entries",
        "Machine": f"{machine['devices']} × {machine['device']}, {machine['cores']} cores, "
        f"jax {machine['jax']}, Python {machine['python']}",
        "Date": f"{study['created']}, code-ablate {study['version']}",
    }
    parts = [part for k, v in facts.items() for part in (tag("dt", k), tag("dd", v))]
    recipes = [
        tag("li", tag("code", recipe.name), f" – {recipe.doc}")
        for recipe in summary.results.recipes
    ]
    return html.join([tag("dl", *parts, class_="facts"), html.bullets(recipes)])


def _answer(summary: Summary) -> Html:
    return tag("div", *(tag("p", sentence) for sentence in answer(summary)), class_="answer")


def _share_section(summary: Summary) -> list[Html]:
    stage = summary.results.stages[0]
    caption = (
        f"Scores {STAGE_TITLES[stage]} against the share of code. Line: recipes whose pre-training "
        "is one phase; markers: recipes of several phases, at their total share of code. Small "
        "circles, set a little to the right, are single seeds. The band and the bars show the "
        f"interval of the paired difference to {summary.results.baseline} (dotted line). What "
        "holds after correction for many comparisons is marked in the tables below. Axes do "
        "not start at zero."
    )
    caption_of_published = (
        f"The same sweep as published ({published.SOURCE}, Figure 4): 470M parameters, 200B "
        "tokens, other tasks. The levels cannot be compared with ours; the shape may be. There are "
        "no seeds and no intervals, and the points were read off the figure."
    )
    return [
        tag("h2", "Scores against the share of code"),
        html.figure(
            figures.to_data_uri(figures.main_figure(summary, stage)),
            "Scores against the share of code in pre-training",
            caption,
        ),
        tag("h3", "The published sweep, for orientation"),
        html.figure(
            figures.to_data_uri(figures.published_figure()),
            "Published scores against the share of code, 470M parameters and 200B tokens",
            caption_of_published,
        ),
        tables.published_table(),
    ]


def _score_section(summary: Summary) -> list[Html]:
    return [
        tag("h2", "Scores"),
        *(tables.score_table(summary, stage) for stage in summary.results.stages),
    ]


def _gain_section(summary: Summary) -> list[Html]:
    base = summary.results.baseline
    parts = [
        tag("h2", f"Change relative to {base}"),
        tag(
            "p",
            f"(recipe − {base}) / {base}; where {base} may be zero, recipe − {base} in points. For "
            "bits per byte a negative number is a reduction and is better; for the others a "
            "positive one. Second line: interval; third: each seed; p is adjusted by Holm's method "
            f"over all {len(summary.comparisons)} comparisons of this study. A star and colour "
            "mark p < 0.05: blue better, orange worse.",
            class_="note",
        ),
    ]
    forest = figures.forest_figure(summary)
    if forest is not None:
        alt = f"Relative change to {base} per recipe and metric, with intervals"
        caption = f"Relative change to {base} with intervals, paired by item and by seed."
        parts.append(html.figure(figures.to_data_uri(forest), alt, caption))
    compared = {comparison.stage for comparison in summary.comparisons}
    stages = [stage for stage in summary.results.stages if stage in compared]
    return [*parts, *(tables.gain_table(summary, stage) for stage in stages)]


def _category_section(summary: Summary) -> list[Html]:
    if not summary.columns:
        return []
    note = (
        "Each category is the plain mean of its tasks; the language average that of reasoning and "
        "world knowledge; the total that of these and code, as in the reference study. “Above "
        "chance” takes only the tasks on which every recipe beats chance with every seed at every "
        "stage (p < 0.05; where there is no chance level, a score above zero), without a collapse "
        "onto one answer, which may score above chance too; it is left out where that is all "
        "tasks or none. The choice is made by the scores themselves, so it "
        "flatters; tests are made of all tasks, above."
    )
    return [
        tag("h2", "Categories"),
        tag("p", note, class_="note"),
        *(task_tables.category_table(summary, stage) for stage in summary.results.stages),
    ]


def _task_section(summary: Summary) -> list[Html]:
    if not summary.task_results and not summary.results.study["missing"]:
        return []
    parts = [
        tag("h2", "Tasks"),
        tag(
            "p",
            "Score, [interval], each seed, and p against chance: the exact one-sided p that "
            "guessing does as well, the largest over the seeds; “at chance” marks 0.05 and more. "
            "“One answer” in the chance column is the score of always giving the most common "
            "answer; as a mark on a score it says that the predictions of an arm have collapsed "
            "onto one answer, for that share of the items.",
            class_="note",
        ),
    ]
    for stage in summary.results.stages:
        title = tag("h3", STAGE_TITLES[stage].capitalize())
        parts += [title, *task_tables.task_tables(summary, stage)]
    return parts


def _data_section(summary: Summary) -> list[Html]:
    study = summary.results.study
    trained = sum(phase["tokens"] for phase in study["phases"].values())
    seconds = sum(phase["seconds"] for phase in study["phases"].values())
    last = {(arm.recipe, arm.seed): arm for arm in summary.results.arms}  # stages come in order
    for arm in summary.results.arms:
        if arm.tokens > last[arm.recipe, arm.seed].tokens:
            last[arm.recipe, arm.seed] = arm
    alone = sum(arm.tokens for arm in last.values())
    return [
        tag("h2", "Realised mixtures"),
        *(tables.mixture_table(summary, stage) for stage in summary.results.stages),
        tag("h2", "Token stores"),
        tables.store_table(summary),
        tag("h2", "Phases"),
        tag(
            "p",
            f"{counted(len(study['phases']), 'phase')} of {trained:,} tokens were trained in "
            f"{seconds:,.0f} seconds. Without sharing equal phases it would have been {alone:,} "
            "tokens.",
        ),
        tables.phase_table(summary),
    ]


def _limits(summary: Summary) -> Html:
    items = [tag("li", limit.text, data_limit=limit.key) for limit in limits(summary)]
    return html.join([tag("h2", "What cannot be concluded"), html.bullets(items)])


def _cropped_documents(summary: Summary) -> str:
    """How many documents of each domain are scored at their beginning only."""
    tasks = (summary.results.tasks[name] for name in summary.results.domains)
    cropped = [f"{t.name.partition('/')[2]} ({t.cropped} of {t.items})" for t in tasks if t.cropped]
    if not cropped:
        return ""
    return f" Of long documents only the beginning is scored: {joined(cropped)}."


def _methods(summary: Summary) -> list[Html]:
    settings = summary.settings
    lines = [
        f"Bits per byte of a domain = sum of −log₂ p over the scored tokens of its validation "
        f"documents / sum of their UTF-8 bytes. n counts documents.{_cropped_documents(summary)}",
        "Accuracy of a task = share of items whose right answer has the highest log-likelihood; "
        "“per byte” divides each answer's log-likelihood by its bytes first. Exact match = share "
        "of items whose generated answer the task's own metric calls right. pass@1 = share of "
        "generated programs that pass their tests. A category is the plain mean of its tasks. Bits "
        "per byte of the right answer = sum of its bits / sum of its bytes.",
        "Relative change = (recipe − baseline) / baseline on these scores; where the baseline may "
        "be zero it has no meaning, and the difference stands in its place.",
        f"Intervals: {whole_percent(settings.confidence)} percentile intervals of "
        f"{settings.resamples:,} bootstrap replicates (seed {settings.seed}). Items are drawn with "
        "replacement within each task, the same draw for all recipes and for tasks whose items "
        "have the same ids. Items count as independent, also those that share a passage or a "
        "dialogue, where intervals come out too narrow. Seeds are drawn so too, the same draw for "
        "all recipes and tasks, since the same seed means the same initialisation and the same "
        "order within a corpus. S − 1 of S seeds are drawn at a time, so that the variance of "
        "their mean is unbiased (Rao, Wu & Yue 1992). "
        "Where all items are right, or all wrong, no draw differs, and the interval is Clopper and "
        "Pearson's, with the seeds counted as one.",
        "p of a change: the larger of two. First, twice the share of replicates on the other side "
        "of zero. Second, a t test of the seeds' scores in randomised blocks (blocks are seeds, "
        "noise pooled over recipes), because a bootstrap of few seeds is too sure. It is then "
        "adjusted by Holm's method (1979).",
        "p against chance: binomial where all items have the same number of answers, otherwise "
        "the exact distribution of a sum of unequal guesses.",
        "A seed's mark of collapse: one answer covers 95 % of its predictions, or 80 % and the "
        "accuracy is not significantly above the share of the most common right answer; of "
        "generated texts, 95 % are one.",
        "The score of every item is in results.parquet in the study's directory, with study.json "
        "beside it. Cells of the tables above carry their numbers unrounded in data attributes.",
    ]
    return [tag("h2", "How each number was made"), html.bullets(tag("li", line) for line in lines)]
