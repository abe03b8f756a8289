"""The report's tables of cost: what each recipe took, and every phase that was trained.

cost_table(report), phase_table(report)
"""

from code_ablate.analysis.report.content import Report
from code_ablate.analysis.report.elements import Cell, Table, cells
from code_ablate.analysis.report.phrases import number_range, scientific


def cost_table(report: Report) -> Table:
    """Tokens, FLOPs and seconds of one seed of each recipe and size, shared phases included."""
    rows = []
    for size in report.results.sizes:
        arms = [arm for arm in report.results.last_arms if arm.arm.size == size.name]
        for recipe in report.record.recipes:
            own = [arm for arm in arms if arm.arm.recipe == recipe.name]
            if not own:
                continue
            flops = [arm.flops for arm in own]
            where = [Cell(size.name)] if report.several_sizes else []
            rows.append(
                [
                    Cell(recipe.name),
                    *where,
                    *cells(
                        number_range(len(arm.phases) for arm in own),
                        number_range(arm.tokens for arm in own),
                        " to ".join(dict.fromkeys(scientific(end(flops)) for end in (min, max))),
                        number_range((arm.seconds for arm in own), ",.1f"),
                    ),
                ]
            )
    size_head = cells("size") if report.several_sizes else ()
    head = [*cells("recipe"), *size_head, *cells("phases", "tokens", "FLOPs", "seconds")]
    caption = "One seed of each recipe, to its last stage, with the phases that it shares"
    return Table(head, rows, caption, (1,) if report.several_sizes else ())


def phase_table(report: Report) -> Table:
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
        size = [Cell(phase.size)] if report.several_sizes else []
        rows.append(
            [
                Cell(identity[:12], style="code"),
                Cell(phase.name),
                *size,
                *cells(
                    str(seeds.get(identity, "–")),
                    f"{phase.tokens:,}",
                    scientific(phase.flops),
                    f"{phase.seconds:,.1f}",
                ),
                Cell(phase.parent[:12], style="code") if phase.parent else Cell("–"),
                Cell(phase.mixture, style="wrap"),
                Cell(", ".join(users.get(identity, [])) or "–", style="wrap"),
            ]
        )
    size_head = cells("size") if report.several_sizes else ()
    head = [*cells("phase", "name"), *size_head, *cells("seed", "tokens", "FLOPs", "seconds")]
    last = len(head)
    head += cells("continues", "mixture", "used by")
    text = (1, *((2,) if size_head else ()), last, last + 1, last + 2)
    return Table(head, rows, "Every phase that was trained", text)
