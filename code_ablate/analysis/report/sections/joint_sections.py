"""The sections of the report of several studies.

question(studies), answers(reports), shared(studies), main_section(studies, rows), ...

`reports`: each study's own, by its name; `rows`: those of `arm_rows`.
"""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from code_ablate.analysis.estimation.estimates import LEVEL, Metric
from code_ablate.analysis.report import tables
from code_ablate.analysis.report.content import Report, stage_title
from code_ablate.analysis.report.elements import Cell, Section, Table, lines
from code_ablate.analysis.report.headline import headline, reach
from code_ablate.analysis.report.joint_figure import joint_figure
from code_ablate.analysis.report.phrases import counted, interval, joined, whole_percent
from code_ablate.analysis.report.rendering import render
from code_ablate.analysis.report.study_facts import Fact, shared_phases, study_facts
from code_ablate.analysis.results.several import SeveralStudies

Rows = Sequence[Mapping[str, Any]]


def question(studies: SeveralStudies) -> Section:
    """What is put side by side, and what is not."""
    html = render(
        "joint_question.html",
        names=joined(studies.results),
        tasks=counted(len(studies.tasks), "common task"),
        left_out={task: joined(names) for task, names in studies.left_out.items()},
    )
    return Section("question", "What is read together", html)


def answers(reports: Mapping[str, Report]) -> Section:
    """Each study's answer, as in its own report."""
    found = [
        (f"{name}{report.of_size(size.name)}", headline(report, size), reach(report, size))
        for name, report in reports.items()
        for size in report.results.sizes
    ]
    html = render("joint_answer.html", answers=found, wrong=whole_percent(LEVEL * len(reports)))
    return Section("answer", "The answers", html)


def shared(studies: SeveralStudies) -> Section:
    """What the studies share, and what differs."""
    facts = study_facts(studies)
    html = render(
        "joint_shared.html",
        shared={fact.name: next(iter(fact.values.values())) for fact in facts if fact.is_shared},
        differing=_differing([fact for fact in facts if not fact.is_shared], studies),
        phases=shared_phases(studies),
    )
    return Section("shared", "What they share, and what differs", html)


def _differing(facts: Sequence[Fact], studies: SeveralStudies) -> Table | None:
    if not facts:
        return None
    rows = [
        [Cell(fact.name), *(Cell(fact.values[name], style="wrap") for name in studies.results)]
        for fact in facts
    ]
    columns = tuple(range(1, len(studies.results) + 1))
    head = [Cell("what differs"), *map(Cell, studies.results)]
    return Table(head, rows, "What differs between the studies", text_columns=columns)


def main_section(studies: SeveralStudies, rows: Rows) -> Section:
    """All arms in one figure."""
    caption = (
        "Scores of all recipes at the first stage of each size, with intervals of the scores "
        "themselves. Hollow: the baseline of a study. Each study's change against its baseline is "
        "paired by item and by seed, and surer than a look at these intervals. Axes do not start "
        "at zero."
    )
    html = render("main_figure.html", drawings=[(joint_figure(studies, rows), caption)])
    return Section("main-figure", "Scores of all recipes", html)


def change_section(reports: Mapping[str, Report]) -> Section:
    """Verdicts of each study, as in its own report."""
    found = []
    for name, report in reports.items():
        compared = {comparison.place for comparison in report.summary.comparisons}
        for place in report.places:
            if place in compared:
                title = f"{name}, {report.title(place)}, against {report.baseline}"
                found.append((title, tables.verdict_table(report, place)))
    html = render("joint_changes.html", tables=found)
    return Section("changes", "Changes within each study", html)


def score_section(studies: SeveralStudies, rows: Rows) -> Section:
    """A table per metric, with all arms."""
    found = [
        (f"{metric.label}, {metric.unit}", _score_table(metric, rows)) for metric in studies.metrics
    ]
    html = render("joint_scores.html", tables=found)
    return Section("scores", "Scores", html)


def _score_table(metric: Metric, rows: Rows) -> Table:
    scale, digits = metric.form

    def written(value: float) -> str:
        return f"{scale * value:.{digits}f}"

    cells = [
        [
            Cell(row["study"]),
            Cell(row["recipe"], lines("baseline") if row["is_baseline"] else ()),
            Cell(row["size"], lines(stage_title(row["stage"]))),
            Cell(whole_percent(row["source_share"])),
            Cell(f"{row['tokens']:,}", lines(counted(row["seeds"], "seed"))),
            Cell(
                written(row["value"]),
                lines(interval(row["low"], row["high"], written)),
                data={
                    "kind": "arm",
                    "metric": metric.key,
                    **{key: row[key] for key in ("study", "recipe", "size", "stage")},
                    **{key: repr(row[key]) for key in ("value", "low", "high")},
                },
            ),
        ]
        for row in rows
        if row["metric"] == metric.key
    ]
    head = [
        Cell("study"),
        Cell("recipe"),
        Cell("size", lines("stage")),
        Cell("source"),
        Cell("tokens", lines("seeds")),
        Cell(metric.unit, lines("[interval]")),
    ]
    caption = f"{metric.label}: {counted(len(metric.tasks), 'task')}"
    return Table(head, cells, caption, text_columns=(1, 2))


def provenance(studies: SeveralStudies, data: str) -> Section:
    """Identities of each study, and the commands. `data`: folder of the table of arms, or ""."""
    found = []
    for name, results in studies.results.items():
        record = results.record
        scale = ["--scale", record.scale] if record.scale and not record.arguments else []
        facts = {
            "Made by": f"code-ablate {record.version}, {record.created}",
            "Configuration": record.configuration,
            "Evaluation suite": record.suite,
            "results.parquet": f"sha256 {record.results_digest}",
            "Command": shlex.join(
                ["code-ablate", "study", *(record.arguments or (record.name,)), *scale]
            ),
        }
        found.append((name, facts))
    html = render("joint_provenance.html", studies=found, data=data)
    return Section("provenance", "Provenance", html)


def limit_section(studies: SeveralStudies) -> Section:
    """What cannot be concluded from several studies side by side."""
    differing = [fact.name.lower() for fact in study_facts(studies) if not fact.is_shared]
    html = render("joint_limits.html", differing=joined(differing) if differing else "")
    return Section("limits", "What cannot be concluded", html)
