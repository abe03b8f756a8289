"""Noise: how far scores go apart without a change of the data, and what could be found.

noise_section(report)
"""

from markupsafe import Markup

from code_ablate.analysis.estimation.seed_components import FEWEST_LEVELS, FEWEST_UNITS
from code_ablate.analysis.report.content import Report, fewest_seeds, stage_title
from code_ablate.analysis.report.elements import Section
from code_ablate.analysis.report.noise_tables import noise_table
from code_ablate.analysis.report.phrases import capital
from code_ablate.analysis.report.rendering import render
from code_ablate.analysis.report.seed_noise_tables import component_table, runs_table


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
    grids, scores = [], []
    for grid in dict.fromkeys(row.grid.place for row in report.seed_noise):
        rows = [row for row in report.seed_noise if row.grid.place == grid]
        changes = [row for row in rows if row.is_change]
        where = f"{stage_title(grid.stage)} ({grid.size})"
        parts = rows[0].parts
        shape = f"{parts.initialisations} initialisations with each of {parts.orders} orders"
        few = min(parts.initialisations, parts.orders) < FEWEST_LEVELS
        if changes:
            caption = f"Noise of a change {where}, by {shape}"
            left = f"What runs leave of it {where}"
            tables = component_table(changes, caption), runs_table(changes, left)
            grids.append({"components": tables[0], "runs": tables[1], "few": few})
        own = [row for row in rows if not row.is_change]
        scores.append((f"The same of single scores {where}", component_table(own, shape)))
    return render(
        "seed_noise.html",
        grids=grids,
        scores=scores,
        baseline=report.baseline,
        fewest_units=f"{FEWEST_UNITS:,}",
    )
