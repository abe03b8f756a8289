"""What the scores can decide, and what was said before the data.

decision_sections(report)
"""

from code_ablate.analysis.estimation.decisions import LEAST_RATIO
from code_ablate.analysis.report.content import Report
from code_ablate.analysis.report.decision_figure import (
    signal_figure,
    size_caption,
    size_figure,
)
from code_ablate.analysis.report.decision_tables import (
    decision_table,
    hypothesis_table,
    multiplier_table,
    signal_table,
)
from code_ablate.analysis.report.elements import Section
from code_ablate.analysis.report.frozen_text import frozen_facts, frozen_summary
from code_ablate.analysis.report.phrases import capital
from code_ablate.analysis.report.rendering import render


def decision_sections(report: Report) -> list[Section]:
    """Two sections: "decisions" and "beforehand"."""
    signals = [(capital(report.title(p)), signal_table(report, p)) for p in report.places]
    multipliers = [multiplier_table(report, place) for place in report.places]
    html = render(
        "decisions.html",
        baseline=report.baseline,
        least=f"{LEAST_RATIO:g}",
        several=len({size.parameters for size in report.results.sizes}) > 1,
        signals=signal_figure(report, report.places[0]),
        sizes=size_figure(report),
        size_caption=size_caption(report),
        first=[table for _, table in signals[:1]],
        later=signals[1:],
        decisions=decision_table(report),
        multipliers=[table for table in multipliers if table is not None],
        has_curves=report.evidence.has_curves,
    )
    plan = report.evidence.frozen
    said = render(
        "beforehand.html",
        summary=frozen_summary(report),
        facts=frozen_facts(report, plan) if plan else {},
        hypotheses=hypothesis_table(report),
    )
    return [
        Section("decisions", "What the scores can decide", html),
        Section("beforehand", "What was said before the data", said),
    ]
