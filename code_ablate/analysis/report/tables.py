"""The report's tables. Each function makes one table, or a few, from a summary.

    html = score_table(summary, "pretraining")

Cells of the score, gain and task tables carry their numbers at full precision in data attributes
(data-stage, data-recipe, data-metric or data-task, data-value, data-low, data-high, data-n), so
that a reader's script, and a test, can check them against the per-item table. Tables of single
tasks and of categories are in `task_tables.py`.
"""

from collections.abc import Sequence

from code_ablate.analysis.estimation.estimates import Estimate, Metric
from code_ablate.analysis.estimation.summary import Summary
from code_ablate.analysis.report import html, published
from code_ablate.analysis.report.html import Html, cell, row_header, small, table, tag
from code_ablate.analysis.report.phrases import bare, counted, percent
from code_ablate.analysis.results.results import STAGE_TITLES
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
    return f"[{scale * estimate.low:.{digits}f}, {scale * estimate.high:.{digits}f}]"


def _head(metric: Metric, items: int) -> Html:
    counts = f"n = {items:,}"
    if not metric.key.startswith(BITS_PER_BYTE):
        counts = f"{counted(len(metric.tasks), 'task')}, {counts}"
    chance = [] if metric.chance is None else [small(f"chance {100 * metric.chance:.1f}")]
    return html.join([metric.label, small(metric.unit), *chance, small(counts)])


def score_table(summary: Summary, stage: str) -> Html:
    """Recipes x metrics: score, interval, seed values and their standard deviation."""
    recipes = summary.results.recipes_at(stage)
    heads = [_head(m, summary.level(stage, recipes[0], m).items) for m in summary.metrics]
    rows = []
    for recipe in recipes:
        cells = [row_header(recipe), cell(_share(summary.results.code_share(recipe, stage)))]
        for metric in summary.metrics:
            cells.append(_score_cell(summary, stage, recipe, metric))
        rows.append(cells)
    caption = f"Scores {STAGE_TITLES[stage]}: mean of seeds, [interval], each seed, s.d. of seeds"
    return table(["recipe", "code share", *heads], rows, caption=caption)


def _score_cell(summary: Summary, stage: str, recipe: str, metric: Metric) -> Html:
    estimate = summary.level(stage, recipe, metric)
    scale, digits = (1.0, 3) if metric.lower_is_better else (100.0, 1)
    seeds = " · ".join(f"{scale * value:.{digits}f}" for value in estimate.per_seed)
    spread = estimate.seed_sd
    deviation = "one seed" if spread is None else f"s.d. {scale * spread:.{digits}f}"
    return cell(
        f"{scale * estimate.value:.{digits}f}",
        small(interval(estimate, scale, digits)),
        small(seeds),
        small(deviation),
        data_kind="score",
        data_stage=stage,
        data_recipe=recipe,
        data_metric=metric.key,
        **numbers(estimate),
    )


def gain_table(summary: Summary, stage: str) -> Html:
    """Recipes x metrics: relative change to the baseline, interval, Holm's mark."""
    recipes = [
        name for name in summary.results.recipes_at(stage) if name != summary.results.baseline
    ]
    heads = [
        html.join(
            [
                metric.label,
                small(metric.name),
                small("− is better" if metric.lower_is_better else "+ is better"),
            ]
        )
        for metric in summary.metrics
    ]
    rows = [
        [row_header(recipe), *(_gain_cell(summary, stage, recipe, m) for m in summary.metrics)]
        for recipe in recipes
    ]
    base = summary.results.baseline
    caption = f"Change relative to {base} {STAGE_TITLES[stage]}, paired by item and by seed"
    return table(["recipe", *heads], rows, caption=caption)


def _gain_cell(summary: Summary, stage: str, recipe: str, metric: Metric) -> Html:
    comparison = summary.comparison(stage, recipe, metric)
    if comparison is None:
        return cell("–", small("no common seed"))
    change, relative = comparison.change, comparison.gain is not None
    style = ("better" if comparison.better else "worse") if comparison.certain() else None
    seeds = " · ".join(bare(value) for value in change.per_seed)
    shown = percent(change.value) if relative else f"{bare(change.value)}\u00a0points"
    return cell(
        tag("span", shown + (" *" if comparison.certain() else ""), class_=style),
        small(f"[{bare(change.low)}, {bare(change.high)}]"),
        small(seeds),
        small(f"p {p_text(comparison.p_holm)}"),
        data_kind="gain" if relative else "difference",
        data_stage=stage,
        data_recipe=recipe,
        data_metric=metric.key,
        data_p=repr(comparison.p),
        data_p_holm=repr(comparison.p_holm),
        **numbers(change),
    )


def mixture_table(summary: Summary, stage: str) -> Html:
    """What each recipe asked for and got from each corpus; ranges where seeds differ."""
    rows = []
    for recipe in summary.results.recipes_at(stage):
        arms = summary.results.arms_of(recipe, stage)
        corpora = list(dict.fromkeys(name for arm in arms for name in arm.corpora))
        for i, corpus in enumerate(corpora):
            uses = [arm.corpora[corpus] for arm in arms if corpus in arm.corpora]
            totals = [arm.tokens for arm in arms if corpus in arm.corpora]
            realised = [use.tokens / total for use, total in zip(uses, totals, strict=True)]
            rows.append(
                [
                    row_header(recipe if i == 0 else ""),
                    cell(corpus, class_="text"),
                    cell(_span([100 * use.requested_share for use in uses], ".1f")),
                    cell(_span([100 * share for share in realised], ".1f")),
                    cell(_span([use.tokens for use in uses], ",.0f")),
                    cell(_span([use.unique_tokens for use in uses], ",.0f")),
                    cell(_span([use.epochs for use in uses], ".2f")),
                ]
            )
    head = ["recipe", "corpus", "requested, %", "realised, %", "tokens", "unique tokens", "epochs"]
    caption = f"All phases of a recipe, {STAGE_TITLES[stage]}"
    return table(head, rows, caption=caption, text_columns=(1,))


def store_table(summary: Summary) -> Html:
    """The token stores: size, and what the filters dropped and why."""
    rows = []
    for name, store in summary.results.study["stores"].items():
        dropped = [
            f"{reason.replace('_', ' ')}: {entry['documents']:,} ({entry['bytes']:,} bytes)"
            for reason, entry in store["dropped"].items()
        ]
        rows.append(
            [
                row_header(name),
                cell(f"{store['documents']:,}"),
                cell(f"{store['validation_documents']:,}"),
                cell(f"{store['bytes']:,}"),
                cell(f"{store['tokens']:,}"),
                cell("; ".join(dropped) or "nothing", class_="wrap"),
                cell(tag("code", str(store["identity"])[:12]), class_="text"),
            ]
        )
    head = ["corpus", "documents", "validation documents", "bytes", "tokens"]
    return table([*head, "dropped documents, by reason", "identity"], rows, text_columns=(5, 6))


def phase_table(summary: Summary) -> Html:
    """Every phase that was trained, and which recipes use it."""
    results = summary.results
    users: dict[str, list[str]] = {}
    seeds: dict[str, int] = {}
    for arm in results.arms:
        for identity in arm.phases:
            seeds[identity] = arm.seed
            if arm.recipe not in users.setdefault(identity, []):
                users[identity].append(arm.recipe)
    rows = []
    for identity, phase in results.study["phases"].items():
        parent = phase.get("parent")
        rows.append(
            [
                row_header(tag("code", identity[:12])),
                cell(phase["name"], class_="text"),
                cell(seeds.get(identity, "–")),
                cell(f"{phase['tokens']:,}"),
                cell(f"{phase['seconds']:,.1f}"),
                cell(tag("code", parent[:12]) if parent else "–", class_="text"),
                cell(", ".join(users.get(identity, [])) or "–", class_="wrap"),
            ]
        )
    head = ["phase", "name", "seed", "tokens", "seconds", "continues", "used by"]
    return table(head, rows, text_columns=(1, 5, 6))


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


def _share(share: float) -> str:
    return f"{100 * share:.1f}\u00a0%"


def p_text(p: float) -> str:
    """ "= 0.012", "< 0.001"."""
    return "< 0.001" if p < 0.001 else f"= {p:.3f}" if p < 0.1 else f"= {p:.2f}"


def _span(values: Sequence[float], form: str) -> str:
    low, high = format(min(values), form), format(max(values), form)
    return low if low == high else f"{low} – {high}"
