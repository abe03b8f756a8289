"""How training went, and what it took.

curve_section(report, curves), cost_section(report)
"""

from code_ablate.analysis.report import cost_tables
from code_ablate.analysis.report.content import Report
from code_ablate.analysis.report.curve_figure import curve_figure
from code_ablate.analysis.report.elements import Section
from code_ablate.analysis.report.phrases import counted, scientific
from code_ablate.analysis.report.rendering import render
from code_ablate.analysis.results.training_curves import TrainingCurves


def curve_section(report: Report, curves: TrainingCurves | None) -> Section | None:
    """Training curves by corpus; None where nobody looked for them."""
    if curves is None:
        return None
    drawings = [curve_figure(report, curves, size.name) for size in report.results.sizes]
    html = render(
        "curves.html",
        drawings=[drawing for drawing in drawings if drawing is not None],
        missing=counted(len(curves.missing), "phase") if curves.missing else "",
        several_seeds=len(report.record.seeds) > 1,
    )
    return Section("curves", "Training curves", html)


def cost_section(report: Report) -> Section:
    """Tokens, FLOPs and seconds: in all, by recipe, by phase."""
    phases = report.record.phases.values()
    machine = report.record.machine
    alone = sum(arm.tokens for arm in report.results.last_arms)
    trained = sum(phase.tokens for phase in phases)
    html = render(
        "cost.html",
        phases=counted(len(phases), "phase"),
        tokens=f"{trained:,}",
        flops=scientific(sum(phase.flops for phase in phases)),
        seconds=f"{sum(phase.seconds for phase in phases):,.0f}",
        machine=f"{machine.devices}\u00a0×\u00a0{machine.device}, {counted(machine.cores, 'core')}",
        alone=f"{alone:,}" if alone > trained else "",
        recipes=cost_tables.cost_table(report),
        table=cost_tables.phase_table(report),
    )
    return Section("cost", "What it cost", html)
