"""The report's tables. Each function makes one table, or a few, from a summary.

    html = score_table(report, report.places[0])

Cells of the score, gain and task tables carry their numbers at full precision in data attributes
(data-size, data-stage, data-recipe, data-metric or data-task, data-value, data-low, data-high,
data-n), so that a reader's script, and a test, can check them against the per-item table. Tables of
single tasks and of categories are in `task_tables.py`.
"""

from collections.abc import Sequence

from code_ablate.analysis.estimation.estimates import Comparison, Estimate, Metric
from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.report import html, phrases, published
from code_ablate.analysis.report.content import Report
from code_ablate.analysis.report.html import Html, cell, row_header, small, table, tag
from code_ablate.analysis.report.phrases import bare, counted, signed, undecided
from code_ablate.evaluation.kinds import BITS_PER_BYTE


def numbers(estimate: Estimate) -> dict[str, object]:
    """The data attributes of a cell."""
    return {
        "data_value": repr(estimate.value),
        "data_low": repr(estimate.low),
        "data_high": repr(estimate.high),
        "data_n": estimate.items,
        "data_seeds": " ".join(map(str, estimate.seeds)),
    }


def interval(estimate: Estimate, scale: float, digits: int) -> str:
    """ "[1.2, 3.4]"."""
    return phrases.interval(estimate.low, estimate.high, lambda end: f"{scale * end:.{digits}f}")


def _head(metric: Metric, items: int) -> Html:
    counts = f"n = {items:,}"
    if not metric.key.startswith(BITS_PER_BYTE):
        counts = f"{counted(len(metric.tasks), 'task')}, {counts}"
    chance = [] if metric.chance is None else [small(f"chance {100 * metric.chance:.1f}")]
    return html.join([metric.label, small(metric.unit), *chance, small(counts)])


def score_table(report: Report, place: Place) -> Html:
    """Recipes x shares of the groups and metrics: score, interval, seeds and their s.d."""
    recipes = report.results.recipes_at(place)
    heads = [
        _head(m, report.summary.level(place, recipes[0], m).items) for m in report.summary.metrics
    ]
    rows = []
    for recipe in recipes:
        shares = (report.results.share(recipe, place, group) for group in report.record.groups)
        cells = [row_header(recipe), *(cell(_percent(share)) for share in shares)]
        for metric in report.summary.metrics:
            cells.append(_score_cell(report, place, recipe, metric))
        rows.append(cells)
    caption = f"Scores {report.title(place)}: mean of seeds, [interval], each seed, s.d. of seeds"
    titles = [f"share of {group}" for group in report.record.groups]
    return table(["recipe", *titles, *heads], rows, caption=caption)


def _score_cell(report: Report, place: Place, recipe: str, metric: Metric) -> Html:
    estimate = report.summary.level(place, recipe, metric)
    scale, digits = metric.form
    seeds = " · ".join(f"{scale * value:.{digits}f}" for value in estimate.per_seed)
    spread = estimate.seed_sd
    deviation = "one seed" if spread is None else f"s.d. {scale * spread:.{digits}f}"
    return cell(
        f"{scale * estimate.value:.{digits}f}",
        small(interval(estimate, scale, digits)),
        small(seeds),
        small(deviation),
        data_kind="score",
        data_size=place.size,
        data_stage=place.stage,
        data_recipe=recipe,
        data_metric=metric.key,
        **numbers(estimate),
    )


def gain_table(report: Report, place: Place) -> Html:
    """Recipes x metrics: relative change to the baseline, interval, Holm's mark."""
    recipes = [name for name in report.results.recipes_at(place) if name != report.baseline]
    heads = [
        html.join(
            [
                metric.label,
                small(metric.name),
                small("− is better" if metric.lower_is_better else "+ is better"),
            ]
        )
        for metric in report.summary.metrics
    ]
    rows = [
        [
            row_header(recipe),
            *(_gain_cell(report, place, recipe, m) for m in report.summary.metrics),
        ]
        for recipe in recipes
    ]
    base = report.baseline
    caption = f"Change relative to {base} {report.title(place)}, paired by item and by seed"
    return table(["recipe", *heads], rows, caption=caption)


def _gain_cell(report: Report, place: Place, recipe: str, metric: Metric) -> Html:
    comparison = report.summary.comparison(place, recipe, metric)
    if comparison is None:
        return cell("–", small("no common seed"))
    change, relative = comparison.change, comparison.gain is not None
    style = ("better" if comparison.better else "worse") if comparison.certain() else None
    written = bare if relative or metric.is_share else signed
    seeds = " · ".join(written(value) for value in change.per_seed)
    unit = "\u00a0%" if relative else "\u00a0points" if metric.is_share else ""
    shown = written(change.value) + unit
    return cell(
        tag("span", shown + (" *" if comparison.certain() else ""), class_=style),
        small(phrases.interval(change.low, change.high, written)),
        small(seeds),
        small(f"p {p_text(comparison.p_holm)}"),
        small(_verdict(comparison)),
        data_kind="gain" if relative else "difference",
        data_size=place.size,
        data_stage=place.stage,
        data_recipe=recipe,
        data_metric=metric.key,
        data_p=repr(comparison.p),
        data_p_holm=repr(comparison.p_holm),
        data_verdict=comparison.verdict(),
        data_detectable=repr(comparison.detectable),
        **numbers(change),
    )


def _verdict(comparison: Comparison) -> str:
    """The verdict, and what it would take where it cannot say."""
    left = undecided(comparison)
    return comparison.verdict() + (f" ({left})" if left else "")


def group_table(report: Report, place: Place) -> Html:
    """Shares of the named groups of corpora: what each recipe asked for, and what it got."""
    groups = report.record.groups
    rows = []
    for recipe in report.results.recipes_at(place):
        arms = report.results.arms_of(recipe, place)
        cells = [row_header(recipe)]
        for group in groups:
            cells.append(cell(_span([100 * arm.requested_shares[group] for arm in arms], ".1f")))
            cells.append(cell(_span([100 * arm.shares[group] for arm in arms], ".1f")))
        rows.append(cells)
    head = [
        html.join([group, small(f"{what}, %")])
        for group in groups
        for what in ("requested", "realised")
    ]
    caption = f"Shares of the groups of corpora, all phases of a recipe, {report.title(place)}"
    return table(["recipe", *head], rows, caption=caption)


def mixture_table(report: Report, place: Place) -> Html:
    """What each recipe asked for and got from each corpus; ranges where seeds differ."""
    rows = []
    for recipe in report.results.recipes_at(place):
        arms = report.results.arms_of(recipe, place)
        corpora = list(dict.fromkeys(name for arm in arms for name in arm.corpora))
        for i, corpus in enumerate(corpora):
            having = [arm for arm in arms if corpus in arm.corpora]
            uses = [arm.corpora[corpus] for arm in having]
            realised = [use.tokens / arm.tokens for use, arm in zip(uses, having, strict=True)]
            groups = [name for name, names in report.record.groups.items() if corpus in names]
            rows.append(
                [
                    row_header(recipe if i == 0 else ""),
                    cell(corpus, class_="text"),
                    cell(", ".join(groups) or "–", class_="text"),
                    cell(_span([100 * use.requested_share for use in uses], ".1f")),
                    cell(_span([100 * share for share in realised], ".1f")),
                    cell(_span([use.tokens for use in uses], ",.0f")),
                    cell(_span([use.unique_tokens for use in uses], ",.0f")),
                    cell(_span([use.epochs for use in uses], ".2f")),
                ]
            )
    head = ["recipe", "corpus", "group", "requested, %", "realised, %"]
    head += ["tokens", "unique tokens", "epochs"]
    caption = f"All phases of a recipe, {report.title(place)}"
    return table(head, rows, caption=caption, text_columns=(1, 2))


def store_table(report: Report) -> Html:
    """The token stores and their sizes."""
    rows = [
        [
            row_header(name),
            cell(f"{store.documents:,}"),
            cell(f"{store.validation_documents:,}"),
            cell(f"{store.bytes:,}"),
            cell(f"{store.tokens:,}"),
            cell(tag("code", store.identity[:12]), class_="text"),
        ]
        for name, store in report.record.stores.items()
    ]
    head = ["corpus", "documents", "validation documents", "bytes", "tokens", "identity"]
    return table(head, rows, text_columns=(5,))


def funnel_table(report: Report) -> Html:
    """What is left of each corpus after each step: source, filters, duplicates, validation."""
    rows = []
    for name, store in report.record.stores.items():
        after = [(step.name, step.documents, step.bytes) for step in store.funnel]
        after.append(("set apart for validation", store.documents, store.bytes))
        for number, (step_name, documents, size) in enumerate(after):
            _, before, size_before = after[max(0, number - 1)]
            is_last = number == len(after) - 1
            rows.append(
                [
                    row_header("" if number else name),
                    cell(step_name.replace("_", " "), class_="text"),
                    cell(f"{documents:,}"),
                    cell(_lost(documents, before)),
                    cell(f"{size:,}"),
                    cell(_lost(size, size_before)),
                    cell(f"{store.tokens:,}" if is_last else ""),
                ]
            )
    head = ["corpus", "after", "documents", "change, %", "bytes", "change, %", "tokens"]
    return table(head, rows, text_columns=(1,))


def _lost(after: int, before: int) -> str:
    """The change in percent; nothing where there is none."""
    return "" if after == before or not before else f"{100 * (after - before) / before:+.2f}"


def phase_table(report: Report) -> Html:
    """Every phase that was trained, and which recipes use it; its size where there are several."""
    users: dict[str, list[str]] = {}
    seeds: dict[str, int] = {}
    for arm in report.record.arms:
        for identity in arm.phases:
            seeds[identity] = arm.arm.seed
            if arm.arm.recipe not in users.setdefault(identity, []):
                users[identity].append(arm.arm.recipe)
    rows = []
    for identity, phase in report.record.phases.items():
        size = [cell(phase.size, class_="text")] if report.several_sizes else []
        rows.append(
            [
                row_header(tag("code", identity[:12])),
                cell(phase.name, class_="text"),
                *size,
                cell(seeds.get(identity, "–")),
                cell(f"{phase.tokens:,}"),
                cell(f"{phase.flops:.1e}"),
                cell(f"{phase.seconds:,.1f}"),
                cell(tag("code", phase.parent[:12]) if phase.parent else "–", class_="text"),
                cell(", ".join(users.get(identity, [])) or "–", class_="wrap"),
            ]
        )
    size_head = ["size"] if report.several_sizes else []
    head = ["phase", "name", *size_head, "seed", "tokens", "FLOPs", "seconds"]
    last = len(head)
    head += ["continues", "used by"]
    text = (1, *((2,) if size_head else ()), last, last + 1)
    return table(head, rows, text_columns=text)


def published_table() -> Html:
    """Table 2 of the reference study, as published."""
    rows = [
        [
            row_header(arm.recipe),
            cell(arm.stage, class_="text"),
            cell(f"{arm.text_tokens_billions:g}"),
            cell(f"{arm.code_tokens_billions:g}"),
            cell(f"{arm.reasoning:.1f}"),
            cell(f"{arm.knowledge:.1f}"),
            cell(f"{arm.code:.1f}"),
        ]
        for arm in published.TABLE_2
    ]
    head = ["recipe", "stage", "text, 10⁹ tokens", "code, 10⁹ tokens"]
    head += ["reasoning, %", "knowledge, %", "code, %"]
    caption = f"{published.SOURCE}, Table 2, 470M; no seeds, no intervals"
    return table(head, rows, caption=caption, text_columns=(1,))


def _percent(share: float) -> str:
    return f"{100 * share:.1f}\u00a0%"


def p_text(p: float) -> str:
    """ "= 0.012", "< 0.001"."""
    return "< 0.001" if p < 0.001 else f"= {p:.3f}" if p < 0.1 else f"= {p:.2f}"


def _span(values: Sequence[float], form: str) -> str:
    low, high = format(min(values), form), format(max(values), form)
    return low if low == high else f"{low} – {high}"
