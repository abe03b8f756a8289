"""Noise: how far scores go apart without a change of the data, and what could be found.

noise_section(report)
"""

from markupsafe import Markup

from code_ablate.analysis.estimation.seed_components import FEWEST_LEVELS, FEWEST_UNITS
from code_ablate.analysis.report.content import Report, fewest_seeds, stage_title
from code_ablate.analysis.report.elements import Section, Table
from code_ablate.analysis.report.noise_tables import noise_table
from code_ablate.analysis.report.phrases import capital
from code_ablate.analysis.report.rendering import render
from code_ablate.analysis.report.seed_noise_tables import (
    component_table,
    runs_table,
    typical_table,
)


def noise_section(report: Report) -> Section:
    """A table for each place; the first one is open."""
    places = [(capital(report.title(place)), noise_table(report, place)) for place in report.places]
    html = render(
        "noise.html",
        fewest=fewest_seeds(report),
        first=[table for _, table in places[:1]],
        later=places[1:],
        by_seed=_by_seed(report),
    )
    return Section("noise", "Noise", html)


def _by_seed(report: Report) -> Markup:
    """Which part of the seed makes the noise; a sentence where seeds are not crossed."""
    opened: list[Table] = []
    folded: list[tuple[str, list[Table]]] = []
    for place in dict.fromkeys(row.grid.place for row in report.seed_noise):
        rows = [row for row in report.seed_noise if row.grid.place == place]
        changes = [row for row in rows if row.is_change]
        own = [row for row in rows if not row.is_change]
        where = f"{stage_title(place.stage)} ({place.size})"
        parts = rows[0].parts
        shape = f"{parts.initialisations} initialisations with each of {parts.orders} orders"
        caption = f"Noise of a change {where}, {shape}"
        if len({row.recipe for row in changes}) > 1:
            typical = f"{caption}: median of the recipes, least to greatest"
            tables = [typical_table(changes, typical)]
            folded.append(
                (f"Recipe by recipe, with intervals, {where}", [component_table(changes, caption)])
            )
        else:
            tables = [component_table(changes, caption)] if changes else []
        if changes:
            tables.append(runs_table(changes, f"What runs leave of it {where}"))
        opened = opened or tables
        if tables and tables is not opened:
            folded.append((caption, tables))
        folded.append((f"The same of single scores {where}", [component_table(own, shape)]))
    counts = (min(row.parts.initialisations, row.parts.orders) for row in report.seed_noise)
    return render(
        "seed_noise.html",
        opened=opened,
        folded=folded,
        few=min(counts, default=FEWEST_LEVELS) < FEWEST_LEVELS,
        baseline=report.baseline,
        fewest_units=f"{FEWEST_UNITS:,}",
    )
