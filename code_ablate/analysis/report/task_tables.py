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
from code_ablate.analysis.report.content import Report
from code_ablate.analysis.report.elements import Cell, Line, Table, lines
from code_ablate.analysis.report.phrases import counted, percent_range
from code_ablate.analysis.report.tables import level_interval, numbers, p_text
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


def category_table(report: Report, place: Place) -> Table:
    """Recipes x categories and averages: of all tasks, and of those above chance in every arm."""
    columns, recipes = report.summary.columns, report.results.recipes_at(place)
    rows = [
        [Cell(recipe), *(_category_cell(report, place, recipe, column) for column in columns)]
        for recipe in recipes
    ]
    base = report.baseline
    caption = f"Categories {report.title(place)}: score, [interval], change relative to {base}"
    heads = [_category_head(report, place, recipes[0], column) for column in columns]
    return Table([Cell("recipe"), *heads], rows, caption)


def _category_head(report: Report, place: Place, recipe: str, column: CategoryColumn) -> Cell:
    def counts(metric: Metric | None) -> str:
        if metric is None:
            return "no task"
        items = report.summary.categories[place, recipe, metric.key].level.items
        return f"{counted(len(metric.tasks), 'task')}, n = {items:,}"

    whole = column.whole
    above = f"{counts(column.kept)} above chance"
    return Cell(whole.label, lines(whole.unit, counts(whole), above))


def _category_cell(report: Report, place: Place, recipe: str, column: CategoryColumn) -> Cell:
    score = report.summary.categories[place, recipe, column.whole.key]
    first, *further = _category_lines(score)
    filtered = None
    if column.kept is not None:
        kept = report.summary.categories[place, recipe, column.kept.key]
        filtered = repr(kept.level.value)
        if column.kept.tasks != column.whole.tasks:
            further += ["above chance:", *_category_lines(kept)]
    return Cell(
        first,
        lines(*further),
        data={
            "kind": "category",
            "size": place.size,
            "stage": place.stage,
            "recipe": recipe,
            "metric": column.whole.key,
            "above-chance": filtered,
            **numbers(score.level),
        },
    )


def _category_lines(score: CategoryScore) -> list[str]:
    texts = [f"{100 * score.level.value:.1f}", level_interval(score.level, 100, 1)]
    return texts if score.gain is None else [*texts, percent_range(score.gain)]


def task_tables(report: Report, place: Place) -> list[Table]:
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
) -> Table:
    rows = [_task_row(report, place, task, "correct") for task in tasks]
    columns = 2 + len(report.results.recipes_at(place)) + bool(report.uncontaminated)
    for entry in missing:
        reason = Cell("", (Line("missing", mark=True), Line(entry.reason)), "wrap", columns)
        rows.append([Cell(entry.task), reason])
    name = report.summary.scores.title_of([task.name for task in tasks]) if tasks else "score"
    caption = f"{category.replace('_', ' ').capitalize()}: {name}, %, {report.title(place)}"
    return _table(report, place, rows, "correct", caption)


def _table(report: Report, place: Place, rows: list[list[Cell]], score: str, caption: str) -> Table:
    chance = ["chance, %"] if score.startswith("correct") else []
    others = ["without contaminated items"] if score == "correct" and report.uncontaminated else []
    head = ["task", "n", *chance, *report.results.recipes_at(place), *others]
    return Table([Cell(title) for title in head], rows, caption)


def _task_row(report: Report, place: Place, task: ScoredTask, score: str) -> list[Cell]:
    recipes = report.results.recipes_at(place)
    results = [report.summary.task_results[place, recipe, task.name] for recipe in recipes]
    record = report.record.tasks[task.name]
    facts = [Cell(f"{record.items:,}", lines(f"of {record.available:,}"))]
    if score.startswith("correct"):
        facts.append(_chance_cell(task, results[0]))
    head = [Line(f"{task.category}, {task.title}")]
    if not record.isolated:
        head.append(Line("without isolation", mark=True))
    row = [Cell(task.name, tuple(head)), *facts, *(_task_cell(r, score) for r in results)]
    if score == "correct" and report.uncontaminated:
        row.append(_uncontaminated_cell(report, place, task.name))
    return row


def _uncontaminated_cell(report: Report, place: Place, task: str) -> Cell:
    """Each recipe's score over the items that no corpus held."""
    results = [
        (recipe, report.uncontaminated[place, recipe, task].scores["correct"])
        for recipe in report.results.recipes_at(place)
        if (place, recipe, task) in report.uncontaminated
    ]
    if not results:
        return Cell("–")
    texts = [
        f"{recipe} {100 * estimate.value:.1f} {level_interval(estimate, 100, 1)}"
        for recipe, estimate in results
    ]
    return Cell(
        f"n = {results[0][1].items:,}",
        lines(*texts),
        data={
            "kind": "uncontaminated",
            "size": place.size,
            "stage": place.stage,
            "task": task,
            "values": " ".join(repr(estimate.value) for _, estimate in results),
            "items": results[0][1].items,
        },
    )


def _chance_cell(task: ScoredTask, result: TaskResult) -> Cell:
    majority = result.collapses[0].majority if result.collapses else None
    below = () if majority is None else lines("one answer", f"{100 * majority:.1f}")
    return Cell("–" if task.chance is None else f"{100 * task.chance:.1f}", below)


def _task_cell(result: TaskResult, score: str) -> Cell:
    estimate = result.scores[score]
    scale, digits = _FORMS.get(score, (1.0, 3) if score.startswith(PREFIX) else (100.0, 1))
    below = [
        Line(level_interval(estimate, scale, digits)),
        Line(" · ".join(f"{scale * value:.{digits}f}" for value in estimate.per_seed)),
    ]
    judged = score == "correct"
    if judged and result.chance_p is not None:
        below.append(Line(f"p {p_text(result.chance_p)}"))
    if judged:
        below += _marks(result)
    return Cell(
        f"{scale * estimate.value:.{digits}f}",
        tuple(below),
        data={
            "kind": "task",
            "size": result.place.size,
            "stage": result.place.stage,
            "recipe": result.recipe,
            "task": result.task,
            "score": score,
            "chance-p": repr(result.chance_p) if judged and result.chance_p is not None else None,
            "degenerate": str(result.degenerate).lower() if judged else None,
            **numbers(estimate),
        },
    )


def _marks(result: TaskResult) -> list[Line]:
    marks = []
    if result.degenerate:
        share = max(collapse.share for collapse in result.collapses)
        marks.append(f"one answer {100 * share:.0f} %")
    if result.chance_p is not None and not result.beats_chance():
        marks.append("at chance")
    return [Line(mark, mark=True) for mark in marks]
