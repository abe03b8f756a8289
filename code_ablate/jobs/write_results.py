"""Writes the page of a result that several studies make together, with its figures and tables.

    write_results_page(["runs/study-a", "runs/study-b"], "docs/results.md", title="What code does")

Beside the page stands a folder of its name with figures, small tables and what was frozen. What no
table says - the question, what failed, what others claim - is read from files of that folder.
"""

import math
import shlex
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from etils import epath

from code_ablate import storage
from code_ablate.analysis.estimation.estimates import Metric
from code_ablate.analysis.report.change_figure import change_figure
from code_ablate.analysis.report.content import Report
from code_ablate.analysis.report.data_files import data_rows, table_of
from code_ablate.analysis.report.decision_rows import decision_rows
from code_ablate.analysis.report.drawing import Drawing, save_png
from code_ablate.analysis.report.figures import main_figure
from code_ablate.analysis.report.frozen_text import frozen_facts
from code_ablate.analysis.report.phrases import counted, detectable_change, joined
from code_ablate.analysis.report.rendering import render_text
from code_ablate.analysis.report.study_answers import (
    Answer,
    ClaimRow,
    Part,
    answers,
    arm_rows,
    change_table,
    claim_rows,
    read_claims,
    read_part,
    seed_rows,
)
from code_ablate.analysis.results.frozen import FILE as FROZEN
from code_ablate.analysis.results.frozen import FrozenPlan
from code_ablate.errors import UserError

WRITTEN = ("question", "limits", "failed", "data")
"""Texts of the page that no table says: NAME.md in its folder."""

CLAIMS = "claims.csv"
"""What others said, in the page's folder."""

MOST_PANELS = 6
"""Panels of a figure of the page, the domains first: the report of each study has all of them."""

LIMIT_BYTES = 1_000_000
"""Most bytes of a table beside the page, so that a repository can hold it."""


@dataclass(frozen=True)
class ResultsPage:
    """What was written."""

    page: epath.Path
    """The page."""
    files: tuple[epath.Path, ...]
    """Figures, tables, and what was frozen."""
    missing: int
    """Arms that were planned and have no results."""


def write_results_page(
    folders: Sequence[epath.PathLike],
    out: epath.PathLike,
    *,
    title: str,
    noise: epath.PathLike | None = None,
    law: epath.PathLike | None = None,
) -> ResultsPage:
    """The page of the studies in `folders`, complete or not.

    `title`: head of the page. `noise`: folder of the pilot, whose noise the page gives. `law`:
    folder of the study whose mixtures the law is fitted to. Raises UserError for a folder without
    results and frozen plan, a text that is absent, and a table over a megabyte.
    """
    page = epath.Path(out)
    beside = page.parent / page.stem
    written = _written(beside)
    parts = [read_part(folder) for folder in folders]
    claims = claim_rows(read_claims(beside / CLAIMS), parts)
    pilot = read_part(noise) if noise is not None else None
    mixtures = None if law is None else read_part(law)
    tables, law_said = _tables(parts, mixtures)
    figures = [figure for part in parts for figure in _figures(part)]
    files = [*_write_tables(tables, beside), *_write_figures(figures, beside)]
    files += _copy_frozen(parts, beside)
    command = ["code-ablate", "results", *map(_shown, folders), "--out", _shown(out)]
    command += ["--title", title, *(["--noise", _shown(noise)] if noise is not None else [])]
    command += ["--law", _shown(law)] if law is not None else []
    values = [_part_values(part) for part in parts]
    text = render_text(
        "results.md",
        counts=_counts([answer for part in values for answer in part["answers"]]),
        title=title,
        made=_made(parts),
        written=written,
        parts=values,
        figures=[{"alt": figure.alt, "file": f"{beside.name}/{figure.file}"} for figure in figures],
        noise=_noise(pilot, parts),
        decisions=_decisions(parts),
        law=law_said,
        claims=_claims(claims),
        tables=[f"`{beside.name}/{name}.csv` and `.parquet`: {counted(len(rows), 'row')}"
                for name, rows in tables.items()],
        frozen_files=joined([f"`{beside.name}/{p.name}.{FROZEN}`" for p in parts if p.frozen])
        if any(p.frozen for p in parts) else "nothing",
        command=shlex.join(command),
    )  # fmt: skip
    page.parent.mkdir(parents=True, exist_ok=True)
    storage.replace(page, text)
    return ResultsPage(page, tuple(files), sum(part.missing_count for part in parts))


def _written(folder: epath.Path) -> dict[str, str]:
    absent = [name for name in WRITTEN if not (folder / f"{name}.md").exists()]
    if absent:
        names = joined([f"{name}.md" for name in absent])
        raise UserError(f"{folder} lacks {names}: write what no table says of the question there.")
    return {name: (folder / f"{name}.md").read_text().strip() for name in WRITTEN}


def _shown(path: epath.PathLike) -> str:
    """A path for the page's command: without the folders of this machine."""
    path = epath.Path(path)
    return "/".join(path.parts[-2:]) if path.is_absolute() else str(path)


def _made(parts: Sequence[Part]) -> str:
    """Which results it is of: by their own dates, so that the same results give the same page."""
    dates = [part.report.record.created[:10] for part in parts if part.report is not None]
    if not dates:
        return "There are no results yet."
    missing = sum(part.missing_count for part in parts)
    state = f"{counted(missing, 'arm')} are still missing" if missing else "every arm is there"
    return f"Results of {min(dates)} to {max(dates)}; {state}."


def _counts(found: Sequence[Answer]) -> str:
    """How the hypotheses came out: each is counted at every size and stage where it is tested."""
    outcomes = Counter(answer.outcome for answer in found)
    if not outcomes:
        return "Nothing was frozen before the data: every comparison is exploratory."
    return f"Of {counted(len(found), 'test')} of hypotheses that were frozen before the data: " + (
        ", ".join(f"{outcome} {count}" for outcome, count in outcomes.most_common()) + "."
    )


def _part_values(part: Part) -> dict[str, Any]:
    report, frozen = part.report, part.frozen
    record = report.record if report else None
    design = frozen.entries[-1].design if frozen else {}
    arms = record.arms if record else ()
    phases = record.phases.values() if record else ()
    return {
        "name": part.name,
        "answers": answers(part),
        "frozen_on": _frozen_on(frozen),
        "kept": _kept(report, frozen),
        "baseline": record.baseline if record else design.get("baseline", ""),
        "changes": [
            {"where": report.title(place), "text": _markdown(change_table(part, place))}
            for place in report.places
            if len(report.results.recipes_at(place)) > 1
        ]
        if report
        else [],
        "missing": part.missing,
        "missing_count": part.missing_count,
        "planned": part.planned,
        "sizes": ", ".join(s.name for s in record.sizes) if record else ", ".join(design["sizes"]),
        "seeds": len({arm.arm.seed for arm in arms}) if arms else 0,
        "arms": f"{len(arms)} of {part.planned}",
        "tokens": f"{sum(phase.tokens for phase in phases):,}",
        "hours": f"{sum(phase.seconds for phase in phases) / 3600:.1f}",
        "machine": f"{record.machine.cores} cores, {record.machine.device}" if record else "–",
        "version": record.version if record else (frozen.first.version if frozen else ""),
        "commit": (record.commit[:12] if record else "") or "–",
        "configuration": record.configuration if record else "–",
    }


def _frozen_on(frozen: FrozenPlan | None) -> str:
    """When it was written down, and what came after."""
    if frozen is None or not frozen.valid:
        return "of which nothing was frozen before there were results"
    first, later = frozen.valid[0].created[:10], len(frozen.valid) - 1
    more = f", and amended {counted(later, 'time')} before there were results" if later else ""
    return f"frozen on {first} before there were results{more}"


def _kept(report: Report | None, frozen: FrozenPlan | None) -> list[tuple[str, str]]:
    """What the report says of design, margins and analysis against what was frozen."""
    if report is None or frozen is None:
        return []
    facts = frozen_facts(report, frozen)
    names = ("Stopping rule", "Scores that count", "Design", "Margins", "Analysis")
    return [(name, facts[name]) for name in names if name in facts]


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in body)])


@dataclass(frozen=True)
class _Figure:
    """A figure of the page."""

    file: str
    """Name of its file."""
    alt: str
    """What it shows."""
    drawings: Sequence[Drawing]
    """What it is made of, 1 or more."""


def _figures(part: Part) -> list[_Figure]:
    """Scores of a study, and changes where there is something to compare."""
    report = part.report
    if report is None:
        return []
    sizes = [size.name for size in report.results.sizes]
    kinds = (
        (
            "scores",
            "scores by share and recipe",
            [main_figure(report, p) for p in report.first_places()],
        ),
        (
            "changes",
            "changes against the baseline",
            [d for size in sizes if (d := change_figure(report, size))],
        ),
    )
    return [
        _Figure(
            f"{part.name}-{kind}.png",
            f"{part.name}: {what}, with intervals",
            [replace(drawing, panels=drawing.panels[:MOST_PANELS]) for drawing in drawings],
        )
        for kind, what, drawings in kinds
        if drawings
    ]


def _write_figures(figures: Sequence[_Figure], folder: epath.Path) -> list[epath.Path]:
    return [save_png(figure.drawings, folder / figure.file) for figure in figures]


def _tables(
    parts: Sequence[Part], mixtures: Part | None
) -> tuple[dict[str, list[dict[str, Any]]], str]:
    """The tables beside the page, and what the law of `mixtures` says."""
    tables: dict[str, list[dict[str, Any]]] = {"arms": arm_rows(parts), "seeds": seed_rows(parts)}
    for part in parts:
        if part.report is None:
            continue
        for name, rows in data_rows(part.report).items():
            if name in ("changes", "mixtures", "tasks", "signals", "decisions", "multipliers"):
                tables.setdefault(name, []).extend({"study": part.name, **row} for row in rows)
    law, rows = _law(mixtures)
    tables["law_shares"] = rows
    return {name: found for name, found in tables.items() if found}, law


def _law(part: Part | None) -> tuple[str, list[dict[str, Any]]]:
    """The good mixtures of a study, if it has enough of them for a law."""
    # Here: laws need pandas and scikit-learn.
    from code_ablate.analysis.laws.mixture_records import LEAST_MIXTURES
    from code_ablate.analysis.report.law_text import law_text
    from code_ablate.evaluation.kinds import BITS_PER_BYTE
    from code_ablate.jobs.mixture_law import study_mixtures, study_records

    if part is None:
        return "No study of mixtures was given.", []
    records = None if part.report is None else study_records(part.report.results)
    trained = 0 if records is None else int(records.mixture_N.max()) + 1
    if records is None or trained < LEAST_MIXTURES:
        return (
            f"It takes {LEAST_MIXTURES} different mixtures; of `{part.name}` {trained} are trained."
        ), []
    targets = [t for t in records.targets if t.startswith(f"{BITS_PER_BYTE}/")]
    optimum = study_mixtures(records.with_targets(targets))
    text = f"Fitted to `{part.name}`, bits per byte of all its domains.\n\n"
    return f"{text}```\n{law_text(optimum)}\n```", optimum.ranges().to_dict("records")


def _write_tables(
    tables: Mapping[str, Sequence[Mapping[str, Any]]], folder: epath.Path
) -> list[epath.Path]:
    files = []
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        for suffix, content in table_of(rows).items():
            if len(content) > LIMIT_BYTES:
                if suffix == "csv":
                    continue  # the same rows as Parquet are a tenth of it
                raise UserError(
                    f"the table {name} has {len(content):,} bytes, more than {LIMIT_BYTES:,}: give "
                    "fewer studies to a page."
                )
            files.append(folder / f"{name}.{suffix}")
            storage.replace(files[-1], content)
    return files


def _copy_frozen(parts: Sequence[Part], folder: epath.Path) -> list[epath.Path]:
    files = []
    for part in parts:
        if part.frozen is not None:
            files.append(folder / f"{part.name}.{FROZEN}")
            storage.replace(files[-1], storage.read_file(epath.Path(part.folder) / FROZEN))
    return files


def _noise(pilot: Part | None, parts: Sequence[Part]) -> str:
    """Standard deviation over seeds and least change found: of the pilot, then of the studies."""
    sections = []
    for part in [*([pilot] if pilot else []), *parts]:
        if (
            part.report is None
            or max(len(s) for s in part.report.summary.scores.seeds.values()) < 2
        ):
            continue
        rows = [["measure", "s.d. over seeds, median", "least change found, median"]]
        rows += [row for metric in part.report.summary.metrics
                 if (row := _noise_row(part.report, metric))]  # fmt: skip
        of = "the pilot" if part is pilot else f"`{part.name}`"
        sections.append(f"Noise of {of}:\n\n{_markdown(rows)}")
    return "\n\n".join(sections) or "No recipe has two seeds yet."


def _noise_row(report: Report, metric: Metric) -> list[str]:
    summary = report.summary
    spreads = [
        level.seed_sd
        for (_, _, key), level in summary.levels.items()
        if key == metric.key and level.seed_sd is not None
    ]
    found = sorted(
        (c for c in summary.comparisons if c.metric == metric and c.difference.over_seeds),
        key=lambda c: c.detectable,
    )
    if not spreads:
        return []
    scale, digits = metric.form
    least = detectable_change(found[len(found) // 2]) if found else "two seeds are too few"
    unit = f"{metric.label}, {metric.unit}"
    return [unit, f"{scale * statistics.median(spreads):.{digits + 1}f}", least]


def _decisions(parts: Sequence[Part]) -> str:
    rows = [["study", "task or domain", "from", "to", "stage", "pairs ordered alike",
             "regret of the pick"]]  # fmt: skip
    for part in parts:
        for row in decision_rows(part.report)["decisions"] if part.report else []:
            if not row["counts"]:
                continue
            low, high = row["accuracy_low"], row["accuracy_high"]
            has_interval = None not in (low, high) and math.isfinite(low) and math.isfinite(high)
            interval = f" [{low:.2f}, {high:.2f}]" if has_interval else ", no interval"
            rows.append(
                [f"`{part.name}`", row["task"], row["small"], row["large"], row["stage"],
                 f"{row['accuracy']:.2f}{interval}", f"{abs(row['regret_of_the_pick']):.4f}"]
            )  # fmt: skip
    if len(rows) == 1:
        return "It takes recipes at two sizes, which are not trained yet."
    return _markdown(rows)


def _claims(rows: Sequence[ClaimRow]) -> str:
    table = [["who", "what was said", "as a hypothesis here", "of study", "here"]]
    table += [
        [row.claim.source, row.claim.statement, f"`{row.claim.hypothesis}`", f"`{row.claim.study}`",
         row.agrees]
        for row in rows
    ]  # fmt: skip
    return _markdown(table)
