"""What was frozen before the data, in sentences.

frozen_summary(report)       # two lines
corrected_over(report)       # "all 54 comparisons of this study"
frozen_facts(report)         # what stands in the page, by name
"""

from collections.abc import Mapping, Sequence
from typing import Any

from code_ablate.analysis.report.content import Report
from code_ablate.analysis.report.phrases import counted, joined
from code_ablate.analysis.results.frozen import (
    AMENDED,
    EXPLORATORY,
    FROZEN,
    FrozenPlan,
    analysis_digest,
)


def frozen_summary(report: Report) -> str:
    """ "Frozen on ...: 3 comparisons frozen, 0 amended, 51 exploratory."."""
    plan = report.evidence.frozen
    if plan is None:
        return "Nothing was frozen before the data: every comparison is exploratory."
    counts = dict.fromkeys((FROZEN, AMENDED, EXPLORATORY), 0)
    for comparison in report.summary.comparisons:
        counts[plan.status(comparison.recipe, comparison.metric.key)] += 1
    parts = [f"{count} {status}" for status, count in counts.items()]
    text = f"Frozen on {plan.first.created[:10]}: of the comparisons {joined(parts)}."
    if any(c.exploratory for c in report.summary.comparisons):
        text += f" Holm's correction is over {corrected_over(report)}."
    return text


def corrected_over(report: Report) -> str:
    """Which comparisons are corrected for together: "all 54 comparisons of this study"."""
    comparisons = report.summary.comparisons
    apart = sum(comparison.exploratory for comparison in comparisons)
    if not apart:
        return f"all {counted(len(comparisons), 'comparison')} of this study"
    return (
        f"the {counted(len(comparisons) - apart, 'comparison')} that hypotheses named before there "
        f"were results, and apart over the other {apart}, which are marked as exploratory"
    )


def frozen_facts(report: Report, plan: FrozenPlan) -> dict[str, str]:
    """Name and text of each fact: what was said, and whether it was kept to."""
    first = plan.first
    facts = {
        "Frozen": f"{first.created}, code-ablate {first.version}"
        + ("; after there were results, so that it proves nothing" if first.after_results else ""),
        "Hypotheses": "; ".join(first.hypotheses) or "none: everything might differ",
        "Stopping rule": first.stopping_rule,
        "Scores that count": _chosen(plan),
        "Design": _kept(
            [entry.configuration for entry in plan.valid or plan.entries],
            report.record.configuration,
            "the study was run so",
        ),
        "Margins": _kept(
            [_margins(entry.design) for entry in plan.valid or plan.entries],
            margins := _margins({"margin": report.record.margin, "margins": report.record.margins}),
            "nothing is called equivalent"
            if margins == "none"
            else "equivalence is judged by them",
        ),
        "Analysis": _kept(
            [entry.analysis for entry in plan.valid or plan.entries],
            analysis_digest(),
            "estimates are made by the same code",
        ),
    }
    found = [(c.recipe, c.metric.key) for c in report.summary.comparisons]
    unmatched = [str(h) for h in first.parsed if not any(h.covers(*key) for key in found)]
    if unmatched:
        facts["Claims about no comparison"] = "; ".join(unmatched)
    for number, entry in enumerate(plan.amendments, 1):
        when = "after there were results" if entry.after_results else "before there were results"
        what = "; ".join(entry.hypotheses) or "no hypotheses"
        facts[f"Amendment {number}"] = f"{entry.created}, {when}: {what}"
    return facts


def _chosen(plan: FrozenPlan) -> str:
    by = f", by the noise of {plan.first.noise_study}" if plan.first.noise_study else ""
    return f"of {counted(len(plan.first.primary_scores), 'task')}{by}: {plan.first.primary_rule}"


def _margins(design: Mapping[str, Any]) -> str:
    """ "0.01 of the baseline; accuracy/reasoning 0.02", or "none"."""
    share, single = design.get("margin"), design.get("margins") or {}
    parts = [f"{share:g} of the baseline"] if share else []
    parts += [f"{key} {size:g}" for key, size in sorted(single.items())]
    return "; ".join(parts) or "none"


def _kept(said: Sequence[str], here: str, kept: str) -> str:
    """Whether what holds here is what was frozen, or an amendment before there were results."""
    if here == said[0]:
        return f"{here}: {kept}"
    if here in said:
        return f"{here}: {kept}, as it was amended before there were results; frozen was {said[0]}"
    return f"{said[-1]}, and here it is {here}: it was changed after it was frozen"
