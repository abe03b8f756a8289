"""The law of the mixture, where one was fitted: the set of good mixtures, and slices through it.

law_section(optimum)
"""

from code_ablate.analysis.laws.optimum import Optimum
from code_ablate.analysis.report.elements import Section, Table, cells
from code_ablate.analysis.report.law_figures import law_drawing
from code_ablate.analysis.report.law_text import about_pick, about_runs, law_tables, warnings_of
from code_ablate.analysis.report.rendering import render


def law_section(optimum: Optimum) -> Section:
    """Figure, sentences, warnings and tables of an `Optimum`."""
    laws, shares, targets = (
        Table(cells(*header), [cells(*row) for row in rows], title.rstrip(":"))
        for title, header, rows in law_tables(optimum)
    )
    html = render(
        "law.html",
        runs=about_runs(optimum),
        pick=about_pick(optimum),
        warnings=warnings_of(optimum),
        drawing=law_drawing(optimum),
        shares=shares,
        others=[laws, targets],
    )
    return Section("law", "The law of the mixture", html)
