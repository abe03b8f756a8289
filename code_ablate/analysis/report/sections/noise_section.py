"""Noise: how far scores go apart without a change of the data, and what could be found.

noise_section(report)
"""

from code_ablate.analysis.report.content import Report, fewest_seeds
from code_ablate.analysis.report.elements import Section
from code_ablate.analysis.report.noise_tables import noise_table
from code_ablate.analysis.report.phrases import capital
from code_ablate.analysis.report.rendering import render


def noise_section(report: Report) -> Section:
    """A table for each place; the first one is open."""
    places = [(capital(report.title(place)), noise_table(report, place)) for place in report.places]
    html = render(
        "noise.html",
        fewest=fewest_seeds(report),
        first=[table for _, table in places[:1]],
        later=places[1:],
    )
    return Section("noise", "Noise", html)
