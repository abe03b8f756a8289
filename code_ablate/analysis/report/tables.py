"""The report's tables of scores and changes, and of what the reference study published.

    table = score_table(report, report.places[0])

Cells of the score, gain and task tables carry their numbers at full precision in data attributes
(data-size, data-stage, data-recipe, data-metric or data-task, data-value, data-low, data-high,
data-n), so that a reader's script, and a test, can check them against the per-item table. Tables of
single tasks and of categories are in `task_tables.py`, those of data in `data_tables.py`.
"""

from code_ablate.analysis.estimation.estimates import (
    CANNOT_SAY,
    DIFFERENT,
    Comparison,
    Estimate,
    Metric,
)
from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.report import published
from code_ablate.analysis.report.content import Report
from code_ablate.analysis.report.decision_phrases import multiplier_lines
from code_ablate.analysis.report.elements import Cell, Line, Table, cells, lines
from code_ablate.analysis.report.phrases import (
    bare,
    change_range,
    counted,
    interval,
    signed,
    undecided,
)
from code_ablate.evaluation.kinds import BITS_PER_BYTE


def numbers(estimate: Estimate) -> dict[str, object]:
    """The data attributes of a cell."""
    return {
        "value": repr(estimate.value),
        "low": repr(estimate.low),
        "high": repr(estimate.high),
        "n": estimate.items,
        "seeds": " ".join(map(str, estimate.seeds)),
    }


def level_interval(estimate: Estimate, scale: float, digits: int) -> str:
    """ "[1.2, 3.4]"."""
    return interval(estimate.low, estimate.high, lambda end: f"{scale * end:.{digits}f}")


def _head(metric: Metric, items: int) -> Cell:
    counts = f"n = {items:,}"
    if not metric.key.startswith(BITS_PER_BYTE):
        counts = f"{counted(len(metric.tasks), 'task')}, {counts}"
    chance = [] if metric.chance is None else [f"chance {100 * metric.chance:.1f}"]
    return Cell(metric.label, lines(metric.unit, *chance, counts))


def score_table(report: Report, place: Place) -> Table:
    """Recipes x shares of the groups and metrics: score, interval, seeds and their s.d."""
    recipes = report.results.recipes_at(place)
    heads = [
        _head(m, report.summary.level(place, recipes[0], m).items) for m in report.summary.metrics
    ]
    rows = []
    for recipe in recipes:
        shares = [report.results.share(recipe, place, group) for group in report.record.groups]
        rows.append(
            [
                *cells(recipe, *map(_percent, shares)),
                *(_score_cell(report, place, recipe, m) for m in report.summary.metrics),
            ]
        )
    caption = f"Scores {report.title(place)}: mean of seeds, [interval], each seed, s.d. of seeds"
    titles = [f"share of {group}" for group in report.record.groups]
    return Table([*cells("recipe", *titles), *heads], rows, caption)


def _score_cell(report: Report, place: Place, recipe: str, metric: Metric) -> Cell:
    estimate = report.summary.level(place, recipe, metric)
    scale, digits = metric.form
    seeds = " · ".join(f"{scale * value:.{digits}f}" for value in estimate.per_seed)
    spread = estimate.seed_sd
    deviation = "one seed" if spread is None else f"s.d. {scale * spread:.{digits}f}"
    where = {"size": place.size, "stage": place.stage, "recipe": recipe, "metric": metric.key}
    return Cell(
        f"{scale * estimate.value:.{digits}f}",
        lines(level_interval(estimate, scale, digits), seeds, deviation),
        data={"kind": "score", **where, **numbers(estimate)},
    )


def verdict_table(report: Report, place: Place) -> Table:
    """Recipes x metrics in short: change, interval and verdict."""
    heads = [
        Cell(
            metric.label,
            lines(metric.name, "− is better" if metric.lower_is_better else "+ is better"),
        )
        for metric in report.summary.metrics
    ]
    rows = []
    for recipe in report.results.recipes_at(place):
        found = [report.summary.comparison(place, recipe, m) for m in report.summary.metrics]
        if any(found):
            rows.append([Cell(recipe), *map(_verdict_cell, found)])
    caption = f"Change against {report.baseline} {report.title(place)}, [interval], verdict"
    return Table([Cell("recipe"), *heads], rows, caption)


def _verdict_cell(comparison: Comparison | None) -> Cell:
    if comparison is None:
        return Cell("–")
    change, _, interval_text = change_range(comparison).partition(" [")
    verdict = comparison.verdict()
    style = {DIFFERENT: "better" if comparison.better else "worse", CANNOT_SAY: "open"}
    said = (*lines(f"[{interval_text}", verdict), *_apart(comparison))
    return Cell(change, said, style.get(verdict, ""))


def _apart(comparison: Comparison) -> tuple[Line, ...]:
    """A mark for what is called different or equivalent and that no frozen hypothesis named."""
    if not comparison.exploratory or comparison.verdict() == CANNOT_SAY:
        return ()
    return (Line("exploratory", mark=True),)


def star_of(comparison: Comparison) -> str:
    """The mark of what is called different.

    A star is false in at most 5 % of studies. What is exploratory has a family of its own, which
    may err as often again: it has no star.
    """
    return "°" if comparison.exploratory else "*"


def gain_table(report: Report, place: Place) -> Table:
    """Recipes x metrics: relative change to the baseline, interval, Holm's mark."""
    recipes = [name for name in report.results.recipes_at(place) if name != report.baseline]
    heads = [
        Cell(
            metric.label,
            lines(metric.name, "− is better" if metric.lower_is_better else "+ is better"),
        )
        for metric in report.summary.metrics
    ]
    rows = [
        [Cell(recipe), *(_gain_cell(report, place, recipe, m) for m in report.summary.metrics)]
        for recipe in recipes
    ]
    base = report.baseline
    caption = f"Change relative to {base} {report.title(place)}, paired by item and by seed"
    return Table([Cell("recipe"), *heads], rows, caption)


def _gain_cell(report: Report, place: Place, recipe: str, metric: Metric) -> Cell:
    comparison = report.summary.comparison(place, recipe, metric)
    if comparison is None:
        return Cell("–", lines("no common seed"))
    change, relative = comparison.change, comparison.gain is not None
    style = ("better" if comparison.better else "worse") if comparison.certain() else ""
    written = bare if relative or metric.is_share else signed
    unit = "\u00a0%" if relative else "\u00a0points" if metric.is_share else ""
    star = f" {star_of(comparison)}" if comparison.certain() else ""
    return Cell(
        written(change.value) + unit + star,
        (
            *lines(
                interval(change.low, change.high, written),
                " · ".join(written(value) for value in change.per_seed),
                f"p {p_text(comparison.p_holm)}",
                _verdict(comparison),
                *multiplier_lines(report, comparison),
            ),
            *_apart(comparison),
        ),
        style,
        data={
            "kind": "gain" if relative else "difference",
            "size": place.size,
            "stage": place.stage,
            "recipe": recipe,
            "metric": metric.key,
            "p": repr(comparison.p),
            "p-holm": repr(comparison.p_holm),
            "verdict": comparison.verdict(),
            "detectable": repr(comparison.detectable),
            **numbers(change),
        },
    )


def _verdict(comparison: Comparison) -> str:
    """The verdict, and what it would take where it cannot say."""
    left = undecided(comparison)
    return comparison.verdict() + (f" ({left})" if left else "")


_PUBLISHED = (
    ("reasoning", "reasoning", "reasoning"),
    ("world_knowledge", "knowledge", "world knowledge"),
    ("code", "code", "code"),
)
"""Our category, the field of the published arm, and the name of both."""


def published_table(report: Report) -> Table:
    """Table 2 of the reference study, as published, beside what this study has of the same."""
    ours = {metric.key: metric for metric in report.summary.metrics}
    shown = [(ours.get(f"accuracy/{key}"), field, name) for key, field, name in _PUBLISHED]
    place_of = {(place.size, place.stage): place for place in report.places}
    rows = []
    for arm in published.TABLE_2:
        row = [Cell(arm.recipe), Cell(arm.stage)]
        row += cells(f"{arm.text_tokens_billions:g}", f"{arm.code_tokens_billions:g}")
        for metric, field, _ in shown:
            row.append(Cell(f"{getattr(arm, field):.1f}"))
            if metric is not None:
                row.append(_our_cell(report, place_of, arm, metric))
        rows.append(row)
    head = [*cells("recipe", "stage", "text, 10⁹ tokens", "code, 10⁹ tokens")]
    for metric, _, name in shown:
        head.append(Cell(name, lines("published, %")))
        if metric is not None:
            counts = f"{counted(len(metric.tasks), 'task')}, {metric.unit}"
            head.append(Cell(name, lines("this study", counts)))
    caption = f"{published.SOURCE}, Table 2, 470M; no seeds, no intervals"
    return Table(head, rows, caption, (1,))


def _our_cell(
    report: Report,
    place_of: dict[tuple[str, str], Place],
    arm: published.PublishedArm,
    metric: Metric,
) -> Cell:
    """This study's score of a published arm, of its smallest size; a dash where it has none."""
    place = place_of.get((report.results.sizes[0].name, arm.stage))
    level = report.summary.levels.get((place, arm.recipe, metric.key)) if place else None
    if level is None:
        return Cell("–")
    return Cell(f"{100 * level.value:.1f}", (Line(level_interval(level, 100, 1)),))


def _percent(share: float) -> str:
    return f"{100 * share:.1f}\u00a0%"


def p_text(p: float) -> str:
    """ "= 0.012", "< 0.001"."""
    return "< 0.001" if p < 0.001 else f"= {p:.3f}" if p < 0.1 else f"= {p:.2f}"
