"""The report's tables of tasks: one for each category, and one for each further score.

    category_table(report, place)       # categories and their averages
    task_tables(report, place)          # tasks, by category

Marks say what a score is worth: "at chance" (the arm's p against chance is 0.05 or more), "one
answer" (its predictions have collapsed), and "missing" with the reason.
"""

from collections.abc import Sequence

from code_ablate.analysis.estimation.categories import CategoryColumn
from code_ablate.analysis.estimation.estimates import Metric, TaskResult
from code_ablate.analysis.estimation.scores import Place, ScoredTask
from code_ablate.analysis.estimation.summary import CategoryScore
from code_ablate.analysis.report import html
from code_ablate.analysis.report.content import Report
from code_ablate.analysis.report.html import Html, cell, row_header, small, table, tag
from code_ablate.analysis.report.phrases import counted, percent_range
from code_ablate.analysis.report.tables import interval, numbers, p_text
from code_ablate.analysis.results.study_record import MissingTask
from code_ablate.evaluation.kinds import GOLD, OPEN_ENDED, RANKED
from code_ablate.evaluation.kinds.own_metrics import PREFIX

_FURTHER = {
    "correct_per_byte": ((RANKED,), "accuracy with scores per byte, %"),
    "bits": ((RANKED, GOLD), "bits per byte of the right answer (lower is better)"),
    "correct": ((GOLD,), "items whose right answer greedy decoding gives exactly, %"),
    "generated_tokens": ((OPEN_ENDED,), "mean length of open-ended answers, tokens"),
}
"""Scores beside the one that counts in a category: the kinds that have them, and their titles."""

_FORMS = {"bits": (1.0, 2), "generated_tokens": (1.0, 1)}
"""Factor and digits of a score; percent with one digit for the others."""


def category_table(report: Report, place: Place) -> Html:
    """Recipes x categories and averages: of all tasks, and of those above chance in every arm."""
    columns, recipes = report.summary.columns, report.results.recipes_at(place)
    rows = [
        [
            row_header(recipe),
            *(_category_cell(report, place, recipe, column) for column in columns),
        ]
        for recipe in recipes
    ]
    base = report.baseline
    caption = f"Categories {report.title(place)}: score, [interval], change relative to {base}"
    heads = [_category_head(report, place, recipes[0], column) for column in columns]
    return table(["recipe", *heads], rows, caption=caption)


def _category_head(report: Report, place: Place, recipe: str, column: CategoryColumn) -> Html:
    def counts(metric: Metric | None) -> str:
        if metric is None:
            return "no task"
        items = report.summary.categories[place, recipe, metric.key].level.items
        return f"{counted(len(metric.tasks), 'task')}, n = {items:,}"

    whole = column.whole
    above = f"{counts(column.kept)} above chance"
    return html.join([whole.label, small(whole.unit), small(counts(whole)), small(above)])


def _category_cell(report: Report, place: Place, recipe: str, column: CategoryColumn) -> Html:
    score = report.summary.categories[place, recipe, column.whole.key]
    lines: list[object] = [*_category_lines(score)]
    filtered = None
    if column.kept is not None:
        kept = report.summary.categories[place, recipe, column.kept.key]
        filtered = repr(kept.level.value)
        if column.kept.tasks != column.whole.tasks:
            lines += [small("above chance:"), *map(small, _category_lines(kept))]
    return cell(
        *lines,
        data_kind="category",
        data_size=place.size,
        data_stage=place.stage,
        data_recipe=recipe,
        data_metric=column.whole.key,
        data_above_chance=filtered,
        **numbers(score.level),
    )


def _category_lines(score: CategoryScore) -> list[object]:
    lines: list[object] = [f"{100 * score.level.value:.1f}", small(interval(score.level, 100, 1))]
    return lines if score.gain is None else [*lines, small(percent_range(score.gain))]


def task_tables(report: Report, place: Place) -> list[Html]:
    """A table for each category, with what is missing of it; then one for each further score."""
    scores, missing = report.summary.scores, report.record.missing
    categories = dict.fromkeys([*scores.categories, *(entry.category for entry in missing)])
    tables = []
    for category in categories:
        tasks = [scores.tasks[name] for name in scores.categories.get(category, ())]
        absent = [entry for entry in missing if entry.category == category]
        tables.append(_category_tasks(report, place, category, tasks, absent))
    for score, title in _further(report).items():
        kinds = _FURTHER[score][0] if score in _FURTHER else None
        tasks = [
            scores.tasks[name]
            for name in scores.downstream
            if (kinds is None or report.record.tasks[name].kind in kinds)
            and _has(report, name, score)
        ]
        if tasks:
            is_own = score.startswith(PREFIX)  # whose name stays as it is
            caption = f"{title if is_own else title.capitalize()}, {report.title(place)}"
            rows = [_task_row(report, place, task, score) for task in tasks]
            tables.append(_table(report, place, rows, score, caption))
    return tables


def _further(report: Report) -> dict[str, str]:
    """Scores beside those of categories, and their titles: also the tasks' own metrics, by name."""
    titles = {score: title for score, (_, title) in _FURTHER.items()}
    for task in report.record.tasks.values():
        for name in task.own_metrics:
            titles[PREFIX + name] = f"{name}, by the tasks' own metric"
    return titles


def _has(report: Report, task: str, score: str) -> bool:
    """Whether any arm has this score of the task."""
    results = report.summary.task_results.items()
    return any(score in result.scores for (_, _, name), result in results if name == task)


def _category_tasks(
    report: Report,
    place: Place,
    category: str,
    tasks: Sequence[ScoredTask],
    missing: Sequence[MissingTask],
) -> Html:
    rows = [_task_row(report, place, task, "correct") for task in tasks]
    columns = 2 + len(report.results.recipes_at(place)) + bool(report.uncontaminated)
    for entry in missing:
        mark = tag("span", "missing", class_="mark")
        reason = cell(mark, " ", entry.reason, class_="wrap", colspan=columns)
        rows.append([row_header(entry.task), reason])
    name = report.summary.scores.title_of([task.name for task in tasks]) if tasks else "score"
    caption = f"{category.replace('_', ' ').capitalize()}: {name}, %, {report.title(place)}"
    return _table(report, place, rows, "correct", caption)


def _table(report: Report, place: Place, rows: list, score: str, caption: str) -> Html:
    chance = ["chance, %"] if score.startswith("correct") else []
    others = ["without contaminated items"] if score == "correct" and report.uncontaminated else []
    head = ["task", "n", *chance, *report.results.recipes_at(place), *others]
    return table(head, rows, caption=caption)


def _task_row(report: Report, place: Place, task: ScoredTask, score: str) -> list[Html]:
    recipes = report.results.recipes_at(place)
    found = [report.summary.task_results[place, recipe, task.name] for recipe in recipes]
    record = report.record.tasks[task.name]
    facts = [cell(f"{record.items:,}", small(f"of {record.available:,}"))]
    if score.startswith("correct"):
        facts.append(_chance_cell(task, found[0]))
    what = f"{task.category}, {task.title}"
    head = [small(what)]
    if not record.isolated:
        head.append(small(tag("span", "without isolation", class_="mark")))
    cells = [row_header(task.name, *head), *facts, *(_task_cell(r, score) for r in found)]
    if score == "correct" and report.uncontaminated:
        cells.append(_uncontaminated_cell(report, place, task.name))
    return cells


def _uncontaminated_cell(report: Report, place: Place, task: str) -> Html:
    """Each recipe's score over the items that no corpus held."""
    results = [
        (recipe, report.uncontaminated[place, recipe, task].scores["correct"])
        for recipe in report.results.recipes_at(place)
        if (place, recipe, task) in report.uncontaminated
    ]
    if not results:
        return cell("–")
    lines = [
        small(f"{recipe} {100 * estimate.value:.1f} {interval(estimate, 100, 1)}")
        for recipe, estimate in results
    ]
    return cell(
        f"n = {results[0][1].items:,}",
        *lines,
        data_kind="uncontaminated",
        data_size=place.size,
        data_stage=place.stage,
        data_task=task,
        data_values=" ".join(repr(estimate.value) for _, estimate in results),
        data_items=str(results[0][1].items),
    )


def _chance_cell(task: ScoredTask, result: TaskResult) -> Html:
    lines: list[object] = ["–" if task.chance is None else f"{100 * task.chance:.1f}"]
    majority = result.collapses[0].majority if result.collapses else None
    if majority is not None:
        lines += [small("one answer"), small(f"{100 * majority:.1f}")]
    return cell(*lines)


def _task_cell(result: TaskResult, score: str) -> Html:
    estimate = result.scores[score]
    scale, digits = _FORMS.get(score, (1.0, 3) if score.startswith(PREFIX) else (100.0, 1))
    content: list[object] = [
        f"{scale * estimate.value:.{digits}f}",
        small(interval(estimate, scale, digits)),
        small(" · ".join(f"{scale * value:.{digits}f}" for value in estimate.per_seed)),
    ]
    judged = score == "correct"
    if judged and result.chance_p is not None:
        content.append(small(f"p {p_text(result.chance_p)}"))
    if judged:
        content += _marks(result)
    return cell(
        *content,
        data_kind="task",
        data_size=result.place.size,
        data_stage=result.place.stage,
        data_recipe=result.recipe,
        data_task=result.task,
        data_score=score,
        data_chance_p=repr(result.chance_p) if judged and result.chance_p is not None else None,
        data_degenerate=str(result.degenerate).lower() if judged else None,
        **numbers(estimate),
    )


def _marks(result: TaskResult) -> list[Html]:
    marks = []
    if result.degenerate:
        share = max(collapse.share for collapse in result.collapses)
        marks.append(f"one answer {100 * share:.0f} %")
    if result.chance_p is not None and not result.beats_chance():
        marks.append("at chance")
    return [small(tag("span", mark, class_="mark")) for mark in marks]
