"""The last sections: where the numbers come from, what they do not show, how they were made.

provenance(report, files), limit_section(report), method_section(report)
"""

import shlex
from collections.abc import Sequence

from code_ablate.analysis.report.content import Report
from code_ablate.analysis.report.elements import Section
from code_ablate.analysis.report.limits import limits
from code_ablate.analysis.report.methods import methods
from code_ablate.analysis.report.rendering import render


def provenance(report: Report, files: Sequence[str], folder: str) -> Section:
    """Versions, identities, and the commands that make all of this again.

    `files`: names of the tables that are written beside the page, in `folder`; empty for none.
    """
    record = report.record
    machine, vocabulary = record.machine, record.vocabulary
    scale = ["--scale", record.scale] if record.scale and not record.arguments else []
    arguments = [*(record.arguments or (record.name,)), *scale]
    facts = {
        "Made by": f"code-ablate {record.version}, {record.created}",
        "Machine": f"{machine.devices} × {machine.device}, {machine.cores} cores, "
        f"jax {machine.jax}, Python {machine.python}",
        "Scale": record.scale or "the study's own",
        "Configuration": record.configuration,
        "Evaluation suite": record.suite,
        "Vocabulary": f"{vocabulary.name}, {vocabulary.size:,} entries, {vocabulary.digest[:16]}",
        "results.parquet": f"sha256 {record.results_digest}",
    }
    html = render(
        "provenance.html",
        facts=facts,
        study=shlex.join(["code-ablate", "study", *arguments]),
        known=bool(record.arguments),
        files=files,
        folder=folder,
    )
    return Section("provenance", "Provenance", html)


def limit_section(report: Report) -> Section:
    """What cannot be concluded."""
    html = render("limits.html", limits=limits(report))
    return Section("limits", "What cannot be concluded", html)


def method_section(report: Report) -> Section:
    """How each kind of number was made."""
    html = render("methods.html", lines=methods(report))
    return Section("methods", "How each number was made", html)
