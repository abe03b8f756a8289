"""Scores: the main figure, the changes with their figure, and tables of categories and tasks.

main_section(report, drawings), change_section(report), score_section(report)
"""

from collections.abc import Mapping

from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.report import published, tables, task_tables
from code_ablate.analysis.report.change_figure import change_figure
from code_ablate.analysis.report.content import Report
from code_ablate.analysis.report.drawing import Drawing
from code_ablate.analysis.report.elements import Section
from code_ablate.analysis.report.figures import published_figure
from code_ablate.analysis.report.frozen_text import corrected_over
from code_ablate.analysis.report.methods import category_note, contamination_note
from code_ablate.analysis.report.phrases import capital
from code_ablate.analysis.report.rendering import render
from code_ablate.analysis.report.sweep import swept_recipes


def main_section(report: Report, drawings: Mapping[Place, Drawing]) -> Section:
    """The main figure of each model size. `drawings`: what `figures.main_figures` draws."""
    places = report.first_places()
    swept = any(swept_recipes(report.results, place) for place in places)
    title = f"Scores against the share of {report.record.source}" if swept else "Scores by recipe"
    captions = [
        _share_caption(report, place)
        if swept_recipes(report.results, place)
        else _level_caption(report, place)
        for place in places
    ]
    pairs = list(zip((drawings[place] for place in places), captions, strict=True))
    return Section("main-figure", title, render("main_figure.html", drawings=pairs))


def _share_caption(report: Report, place: Place) -> str:
    source = report.record.source
    return (
        f"Scores {report.title(place)} against the share of {source} in all tokens up to there. "
        f"Line: recipes of one phase that differ in the share of {source} alone; all others stand "
        "on the right, in the order of the legend. Small circles, set a little to the right, are "
        "single seeds. "
        "The band and the bars show the interval of the paired difference to "
        f"{report.baseline} (dotted line). Axes do not start at zero."
    )


def _level_caption(report: Report, place: Place) -> str:
    return (
        f"Scores {report.title(place)}, recipe by recipe. Small circles, set a little lower, are "
        "single seeds. The bars show the interval of the paired difference to "
        f"{report.baseline} (dotted line). Axes do not start at zero."
    )


def change_section(report: Report) -> Section:
    """Changes against the baseline: the figure, and a table for each place."""
    drawings = [change_figure(report, size.name) for size in report.results.sizes]
    comparisons = report.summary.comparisons
    compared = {comparison.place for comparison in comparisons}
    places = [place for place in report.places if place in compared]
    html = render(
        "changes.html",
        baseline=report.baseline,
        drawings=[drawing for drawing in drawings if drawing is not None],
        comparisons=len(comparisons),
        corrected_over=corrected_over(report),
        margins=any(comparison.margin for comparison in comparisons),
        exploratory=any(comparison.exploratory for comparison in comparisons),
        verdicts=[tables.verdict_table(report, p) for p in report.first_places() if p in compared],
        tables=[(capital(report.title(p)), tables.gain_table(report, p)) for p in places],
    )
    return Section("changes", f"Change against {report.baseline}", html)


def score_section(report: Report) -> Section:
    """Scores by place, by category and by task, each table below the fold but the first."""
    places = [(capital(report.title(place)), place) for place in report.places]
    by_place = [(title, tables.score_table(report, place)) for title, place in places]
    categories = []
    if report.summary.columns:
        categories = [(title, task_tables.category_table(report, place)) for title, place in places]
    tasks = []
    if report.summary.task_results or report.record.missing:
        tasks = [(title, task_tables.task_tables(report, place)) for title, place in places]
    html = render(
        "scores.html",
        by_place=by_place,
        categories=categories,
        category_note=category_note(report) if categories else "",
        tasks=tasks,
        contamination=contamination_note(report) if tasks else "",
    )
    return Section("scores", "Scores", html)


def published_section(report: Report) -> Section | None:
    """What the study that this one repeats has published; None for others."""
    if report.published is None:
        return None
    html = render(
        "published.html",
        source=published.SOURCE,
        drawing=published_figure(),
        table=tables.published_table(report),
    )
    return Section("published", "The published figures beside these", html)
