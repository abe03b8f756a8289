"""The report of a study: one HTML file, and a table for the terminal.

    write_report("runs/demo", "reports/demo.html")
    print(terminal_table(read_report("runs/demo")))

The page needs nothing else: figures are embedded, there is no script, nothing is loaded from a
network. Numbers come from `estimation/summary.py`; this module puts them in order. How the numbers
were made is told in `methods.py`.
"""

from collections.abc import Mapping

from etils import epath
from matplotlib.figure import Figure

from code_ablate.analysis.estimation.estimates import Settings
from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.report import figures, html, published, tables, task_tables
from code_ablate.analysis.report.content import Report, read_report, stage_title
from code_ablate.analysis.report.findings import answer
from code_ablate.analysis.report.html import Html, tag
from code_ablate.analysis.report.limits import limits
from code_ablate.analysis.report.methods import category_note, contamination_note, methods
from code_ablate.analysis.report.phrases import counted, joined, number_range
from code_ablate.analysis.report.sweep import swept_recipes
from code_ablate.analysis.report.terminal import terminal_table
from code_ablate.analysis.results.study_record import SizeRecord
from code_ablate.errors import UserError

__all__ = ["read_report", "render_report", "terminal_table", "write_report"]


def write_report(
    study_dir: epath.PathLike, out_path: epath.PathLike, settings: Settings | None = None
) -> Report:
    """Reads a study's results and writes its report, with the main figures as a PNG beside it.

    Returns what it lays out. Raises UserError if the results are absent, damaged or not a study's,
    or the path cannot be written.
    """
    report = read_report(study_dir, settings)
    path = epath.Path(out_path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        drawn = figures.main_figures(report)
        path.write_text(render_report(report, drawn))
        figures.save_png(list(drawn.values()), path.with_suffix(".png"))
    except OSError as error:
        raise UserError(f"cannot write the report to {path}: {error}.") from error
    return report


def render_report(report: Report, main_figures: Mapping[Place, Figure]) -> str:
    """The whole page. `main_figures`: what `figures.main_figures` draws."""
    name = report.record.name
    body = [
        tag("h1", f"Study {name}: what the training data changed"),
        _facts(report),
        tag("div", *(tag("p", sentence) for sentence in answer(report)), class_="answer"),
        *_main_section(report, main_figures),
        *_published_section(report),
        *_score_section(report),
        *_gain_section(report),
        *_category_section(report),
        *_task_section(report),
        *_data_section(report),
        _limits(report),
        tag("h2", "How each number was made"),
        html.bullets(tag("li", line) for line in methods(report)),
    ]
    return html.page(f"Study {name}", body)


def _facts(report: Report) -> Html:
    record = report.record
    machine, vocabulary = record.machine, record.vocabulary
    arms = report.results.last_arms
    groups = (f"{name} ({', '.join(corpora)})" for name, corpora in record.groups.items())
    facts = {
        "Varied": f"{record.source}, mixed into {record.base}",
        "Groups" if len(record.groups) > 1 else "Group": "; ".join(groups),
        "Recipes": f"{len(record.recipes)}, baseline {report.baseline}",
        "Seeds": f"{', '.join(map(str, record.seeds))} ({counted(len(arms), 'arm')} in all)",
    }
    if record.scale:
        facts["Scale"] = record.scale
    for size in report.results.sizes:
        facts |= _size_facts(report, size)
    facts |= {
        "Vocabulary": f"{vocabulary.name}, {vocabulary.size:,} entries",
        "Machine": f"{machine.devices} × {machine.device}, {counted(machine.cores, 'core')}, "
        f"jax {machine.jax}, Python {machine.python}",
        "Date": f"{record.created}, code-ablate {record.version}",
    }
    parts = [part for k, v in facts.items() for part in (tag("dt", k), tag("dd", v))]
    recipes = [
        tag("li", tag("code", recipe.name), f" – {recipe.description}") for recipe in record.recipes
    ]
    return html.join([tag("dl", *parts, class_="facts"), html.bullets(recipes)])


def _size_facts(report: Report, size: SizeRecord) -> dict[str, str]:
    """Model, tokens and cost of a size, from its own arms."""
    places = report.results.places_of(size.name)
    tokens = [
        f"{number_range(arm.tokens for arm in report.results.arms_at(place))} "
        f"{stage_title(place.stage)}"
        for place in places
    ]
    arms = [arm for arm in report.results.last_arms if arm.arm.size == size.name]
    seconds = number_range(arm.seconds for arm in arms)
    flops = number_range((arm.flops for arm in arms), ".1e")
    windows = number_range(size.seq_lens)
    where = report.of_size(size.name)
    return {
        f"Model{where}": f"{size.parameters:,} parameters, {size.embedding_parameters:,} of them "
        "in the embedding",
        f"Tokens{where}": f"{joined(tokens)}; sequences of {windows}",
        f"Cost{where}": f"{seconds} seconds and {flops} FLOPs for an arm, shared phases included",
    }


def _main_section(report: Report, drawn: Mapping[Place, Figure]) -> list[Html]:
    source = report.record.source
    places = report.first_places()
    swept = any(swept_recipes(report.results, place) for place in places)
    title = f"Scores against the share of {source}" if swept else "Scores of the recipes"
    parts = [tag("h2", title)]
    for place in places:
        against = bool(swept_recipes(report.results, place))
        alt = f"Scores against the share of {source}" if against else "Scores, recipe by recipe"
        caption = _share_caption(report, place) if against else _level_caption(report, place)
        picture = figures.to_data_uri(drawn[place])
        parts.append(html.figure(picture, f"{alt}, {report.title(place)}", caption))
    return parts


_WHERE_MARKS_ARE = (
    "What holds after correction for many comparisons is marked in the tables below. Axes do not "
    "start at zero."
)


def _share_caption(report: Report, place: Place) -> str:
    source = report.record.source
    return (
        f"Scores {report.title(place)} against the share of {source} in all tokens up to there. "
        f"Line: recipes of one phase that differ in the share of {source} alone; markers: all "
        "others, at their total share. Small circles, set a little to the right, are single seeds. "
        "The band and the bars show the interval of the paired difference to "
        f"{report.baseline} (dotted line). {_WHERE_MARKS_ARE}"
    )


def _level_caption(report: Report, place: Place) -> str:
    return (
        f"Scores {report.title(place)}, recipe by recipe. Small circles, set a little lower, are "
        "single seeds. The bars show the interval of the paired difference to "
        f"{report.baseline} (dotted line). {_WHERE_MARKS_ARE}"
    )


def _published_section(report: Report) -> list[Html]:
    """What the study that this one repeats has published; nothing for others."""
    if report.published is None:
        return []
    caption = (
        f"The sweep as published ({published.SOURCE}, Figure 4): 470M parameters, 200B tokens, "
        "other tasks. The levels cannot be compared with ours; the shape may be. There are no "
        "seeds and no intervals, and the points were read off the figure."
    )
    return [
        tag("h3", "The published sweep, for orientation"),
        html.figure(
            figures.to_data_uri(figures.published_figure()),
            "Published scores against the share of code, 470M parameters and 200B tokens",
            caption,
        ),
        tables.published_table(),
    ]


def _score_section(report: Report) -> list[Html]:
    return [
        tag("h2", "Scores"),
        *(tables.score_table(report, place) for place in report.places),
    ]


def _gain_section(report: Report) -> list[Html]:
    base, comparisons = report.baseline, report.summary.comparisons
    parts = [
        tag("h2", f"Change relative to {base}"),
        tag(
            "p",
            f"(recipe − {base}) / {base}; where {base} may be zero, recipe − {base} in points. For "
            "bits per byte a negative number is a reduction and is better; for the others a "
            "positive one. Second line: interval; third: each seed; p is adjusted by Holm's method "
            f"over all {len(comparisons)} comparisons of this study. A star and colour mark what "
            "is different, p < 0.05 on three seeds or more: blue better, orange worse. Beside "
            "“cannot say” stand the least change that four of five such studies would find, and "
            f"the seeds, or the items, that it takes to find {_sought(report)}.",
            class_="note",
        ),
    ]
    for size in report.results.sizes:
        forest = figures.forest_figure(report, size.name)
        if forest is not None:
            where = report.of_size(size.name)
            alt = f"Relative change to {base} per recipe and metric, with intervals{where}"
            caption = f"Relative change to {base}{where} with intervals, paired by item and seed."
            parts.append(html.figure(figures.to_data_uri(forest), alt, caption))
    compared = {comparison.place for comparison in comparisons}
    places = [place for place in report.places if place in compared]
    return [*parts, *(tables.gain_table(report, place) for place in places)]


def _sought(report: Report) -> str:
    """What `Comparison.seeds_needed` are for."""
    named = any(comparison.margin for comparison in report.summary.comparisons)
    return "the study's margin" if named else "a change of the size of the estimate"


def _category_section(report: Report) -> list[Html]:
    if not report.summary.columns:
        return []
    return [
        tag("h2", "Categories"),
        tag("p", category_note(report), class_="note"),
        *(task_tables.category_table(report, place) for place in report.places),
    ]


def _task_section(report: Report) -> list[Html]:
    if not report.summary.task_results and not report.record.missing:
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
        tag("p", contamination_note(report), class_="note"),
    ]
    for place in report.places:
        title = report.title(place)
        parts.append(tag("h3", title[:1].upper() + title[1:]))
        parts += task_tables.task_tables(report, place)
    return parts


def _data_section(report: Report) -> list[Html]:
    phases = report.record.phases
    trained = sum(phase.tokens for phase in phases.values())
    seconds = sum(phase.seconds for phase in phases.values())
    alone = sum(arm.tokens for arm in report.results.last_arms)
    shared = ""
    if alone > trained:
        shared = f" If every arm had trained its own phases, it would have been {alone:,} tokens."
    parts = [tag("h2", "Realised mixtures")]
    for place in report.places:
        if len(report.record.groups) > 1:
            parts.append(tables.group_table(report, place))
        parts.append(tables.mixture_table(report, place))
    return [
        *parts,
        tag("h2", "Token stores"),
        tables.store_table(report),
        tag("h3", "What preparation left of each corpus"),
        tag(
            "p",
            "Documents and their bytes from the source to the store, after each filter and after "
            "duplicates.",
            class_="note",
        ),
        tables.funnel_table(report),
        tag("h2", "Phases"),
        tag(
            "p",
            f"{counted(len(phases), 'phase')} of {trained:,} tokens together took {seconds:,.0f} "
            f"seconds.{shared}",
        ),
        tables.phase_table(report),
    ]


def _limits(report: Report) -> Html:
    items = [tag("li", limit.text, data_limit=limit.key) for limit in limits(report)]
    return html.join([tag("h2", "What cannot be concluded"), html.bullets(items)])
