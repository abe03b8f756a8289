"""Writes the page of a result that several studies make together, with its figures and tables.

    write_results_page(["runs/study-a", "runs/study-b"], "docs/results.md", title="What code does")

Beside the page stands a folder of its name with figures, small tables and what was frozen. What no
table says - the question, what failed, what others claim - is read from files of that folder, which
name the numbers that they speak of (`written_numbers`).
"""

import os
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from etils import epath

from code_ablate import storage
from code_ablate.analysis.estimation.estimates import Metric
from code_ablate.analysis.report.change_figure import change_figure
from code_ablate.analysis.report.content import Report
from code_ablate.analysis.report.data_files import data_rows, table_of
from code_ablate.analysis.report.drawing import Drawing, save_png
from code_ablate.analysis.report.figures import main_figure
from code_ablate.analysis.report.phrases import counted, joined
from code_ablate.analysis.report.rendering import render_text
from code_ablate.analysis.report.results_decisions import decisions_text
from code_ablate.analysis.report.results_text import (
    claims_text,
    hypotheses_text,
    made_of,
    noise_text,
    outcome_counts,
    part_values,
    recipes_text,
)
from code_ablate.analysis.report.study_answers import (
    Part,
    answers,
    arm_rows,
    claim_rows,
    name_of,
    read_claims,
    read_part,
    seed_rows,
)
from code_ablate.analysis.report.written_numbers import with_numbers
from code_ablate.analysis.results.frozen import FILE as FROZEN
from code_ablate.analysis.results.study_record import FILE as RECORD
from code_ablate.errors import UserError
from code_ablate.jobs.keep_study import LIMIT_BYTES, keep_study, require_keepable

WRITTEN = ("question", "words", "limits", "failed", "data")
"""Texts of the page that no table says: NAME.md in its folder."""

CLAIMS = "claims.csv"
"""What others said, in the page's folder."""

MOST_PANELS = 6
"""Panels of a figure of the page, those of hypotheses first: a study's report has all of them."""


@dataclass(frozen=True)
class ResultsPage:
    """What was written."""

    page: epath.Path
    """The page."""
    files: tuple[epath.Path, ...]
    """Figures, tables, and what was frozen."""
    missing: int
    """Arms that were planned and have no results."""
    left: tuple[epath.Path, ...]
    """Studies that an earlier page kept in its folder, and that this one is not made of."""


def write_results_page(
    folders: Sequence[epath.PathLike],
    out: epath.PathLike,
    *,
    title: str,
    noise: epath.PathLike | None = None,
    law: epath.PathLike | None = None,
    keep: bool = False,
) -> ResultsPage:
    """The page of the studies in `folders`, complete or not.

    `title`: head of the page. `noise`: folder of the pilot, whose noise the page gives. `law`: the
    one of `folders` whose mixtures the law is fitted to. `keep`: whether what the studies found is
    copied beside the page, whose command then needs no runs. Raises UserError for a folder without
    results and frozen plan, a text that is absent, a law of another study, and a table, or with
    `keep` a study's file, over a megabyte; with `keep` also where arms kept earlier would be lost.
    """
    page = epath.Path(out)
    beside = page.parent / page.stem
    texts = _written(beside)
    given = [*folders, *([noise] if noise is not None else [])]
    places: dict[str, epath.Path] = {}  # where each is kept, by its folder
    for folder in given if keep else ():
        place = places.setdefault(_resolved(folder), beside / name_of(folder))
        require_keepable(folder, place)
    parts = [read_part(folder) for folder in folders]
    written = {name: with_numbers(text, parts, f"{beside.name}/{name}.md", beside)
               for name, text in texts.items()}  # fmt: skip
    known = {_resolved(part.folder): part for part in parts}
    pilot = None if noise is None else known.get(_resolved(noise)) or read_part(noise)
    read = parts if pilot is None or pilot in parts else [*parts, pilot]
    names = [part.name for part in (read if keep else parts)]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UserError(f"two studies are called {twice[0]}: the page cannot tell them apart.")
    claims_file = beside / CLAIMS
    claims = claim_rows(read_claims(claims_file), parts) if claims_file.exists() else []
    mixtures = None if law is None else known.get(_resolved(law))
    if law is not None and mixtures is None:
        raise UserError(f"--law {law} is none of the studies: give its folder among them, too.")
    law_found = _law(mixtures)
    tables = _tables(parts, law_found.rows)
    named = {answer.metric for part in parts for answer in answers(part)}
    compared = [part for part in parts if part is not mixtures]
    figures = [figure for part in compared for figure in _figures(part, named)]
    table_files = _write_tables(tables, beside)
    files = [file for found in table_files.values() for file in found]
    drawn = figures + ([law_found.figure] if law_found.figure else [])
    files += [*_write_figures(drawn, beside), *_copy_frozen(parts, beside)]
    for part in read if keep else ():
        keep_study(part.folder, places[_resolved(part.folder)])
    values = [
        part_values(part, parts[:number], for_law=part is mixtures)
        for number, part in enumerate(parts)
    ]
    text = render_text(
        "results.md",
        counts=outcome_counts(parts),
        hypotheses=hypotheses_text(parts),
        title=title,
        made=made_of(parts),
        written=written,
        parts=values,
        recipes=recipes_text(compared),
        figures=[figure.on_page(beside.name) for figure in figures],
        noise=noise_text(pilot, parts),
        decisions=decisions_text(parts),
        law=law_found.text,
        law_figures=[law_found.figure.on_page(beside.name)] if law_found.figure else [],
        claims=claims_text(claims),
        tables=[_table_line(beside.name, table_files[name], len(rows))
                for name, rows in tables.items()],
        frozen_files=joined([f"`{beside.name}/{p.name}.{FROZEN}`" for p in parts if p.frozen])
        if any(p.frozen for p in parts) else "nothing",
        kept=joined([f"`{beside.name}/{place.name}`" for place in dict.fromkeys(places.values())])
        if keep else "",
        command=_command(out, title, folders, noise, law, places),
    )  # fmt: skip
    page.parent.mkdir(parents=True, exist_ok=True)
    storage.replace(page, text)
    missing = sum(part.missing_count for part in parts)
    return ResultsPage(page, tuple(files), missing, _left(beside, places.values()))


def _written(folder: epath.Path) -> dict[str, str]:
    absent = [name for name in WRITTEN if not (folder / f"{name}.md").exists()]
    if absent:
        names = joined([f"{name}.md" for name in absent])
        raise UserError(f"{folder} lacks {names}: write what no table says of the question there.")
    return {name: (folder / f"{name}.md").read_text().strip() for name in WRITTEN}


def _resolved(path: epath.PathLike) -> str:
    """One name for a folder, however it is written."""
    return os.path.realpath(path)


def _command(
    out: epath.PathLike,
    title: str,
    folders: Sequence[epath.PathLike],
    noise: epath.PathLike | None,
    law: epath.PathLike | None,
    places: Mapping[str, epath.Path],
) -> str:
    """The command that makes the page again; of what is kept beside it, where that is there.

    `places`: where each folder is kept, by its resolved name; empty where nothing is.
    """

    def shown(folder: epath.PathLike) -> str:
        if not places:
            return _shown(folder)
        page = epath.Path(out)
        return f"{_shown(page.parent / page.stem)}/{places[_resolved(folder)].name}"

    words = ["code-ablate", "results", *map(shown, folders), "--out", _shown(out)]
    words += ["--title", title]
    words += ["--noise", shown(noise)] if noise is not None else []
    words += ["--law", shown(law)] if law is not None else []
    return shlex.join([*words, *(["--keep"] if places else [])])


def _left(folder: epath.Path, kept: Collection[epath.Path]) -> tuple[epath.Path, ...]:
    """Folders of studies in a page's folder, but for those that are `kept` there now."""
    found = {file.parent for name in (RECORD, FROZEN) for file in folder.glob(f"*/{name}")}
    return tuple(sorted(found - set(kept)))


def _shown(path: epath.PathLike) -> str:
    """A path for the page's command: without the folders of this machine."""
    path = epath.Path(path)
    return "/".join(path.parts[-2:]) if path.is_absolute() else str(path)


@dataclass(frozen=True)
class _Figure:
    """A figure of the page."""

    file: str
    """Name of its file."""
    alt: str
    """What it shows."""
    drawings: Sequence[Drawing]
    """What it is made of, 1 or more."""

    def on_page(self, folder: str) -> dict[str, str]:
        """How the page names it; `folder`: the one that it lies in, beside the page."""
        return {"alt": self.alt, "file": f"{folder}/{self.file}"}


def _figures(part: Part, named: Collection[str]) -> list[_Figure]:
    """Scores of a study, and changes where there is something to compare.

    `named`: keys of the metrics that hypotheses of some study of the page name.
    """
    report = part.report
    if report is None:
        return []
    sizes = [size.name for size in report.results.sizes]
    metrics = _drawn_metrics(report, named)
    kinds = (
        (
            "scores",
            "scores by share and recipe",
            [main_figure(report, p, metrics) for p in report.first_places()],
        ),
        (
            "changes",
            "changes against the baseline",
            [d for size in sizes if (d := change_figure(report, size, metrics))],
        ),
    )
    return [
        _Figure(
            f"{part.name}-{kind}.png",
            f"{part.name}: {what}, with intervals",
            drawings,
        )
        for kind, what, drawings in kinds
        if drawings
    ]


def _drawn_metrics(report: Report, named: Collection[str]) -> list[Metric]:
    """Metrics of the figures, in the report's order: what hypotheses name comes before others."""
    metrics = report.summary.metrics
    chosen = sorted(metrics, key=lambda metric: metric.key not in named)[:MOST_PANELS]
    return [metric for metric in metrics if metric in chosen]


def _write_figures(figures: Sequence[_Figure], folder: epath.Path) -> list[epath.Path]:
    return [save_png(figure.drawings, folder / figure.file) for figure in figures]


def _tables(
    parts: Sequence[Part], law_shares: Sequence[Mapping[str, Any]]
) -> dict[str, list[dict[str, Any]]]:
    """The tables beside the page that have rows; `law_shares`: the one of the law."""
    tables: dict[str, list[dict[str, Any]]] = {"arms": arm_rows(parts), "seeds": seed_rows(parts)}
    for part in parts:
        if part.report is None:
            continue
        for name, rows in data_rows(part.report).items():
            if name in ("changes", "mixtures", "tasks", "signals", "decisions", "multipliers"):
                tables.setdefault(name, []).extend({"study": part.name, **row} for row in rows)
    tables["law_shares"] = [dict(row) for row in law_shares]
    return {name: found for name, found in tables.items() if found}


@dataclass(frozen=True)
class _LawFound:
    """What the law of a study's mixtures says."""

    text: str
    """In words and small tables, or why there is none; empty where no study was named for it."""
    rows: Sequence[Mapping[str, Any]] = ()
    """Shares of the good mixtures by corpus."""
    figure: _Figure | None = None
    """The same drawn."""


def _law(part: Part | None) -> _LawFound:
    """The good mixtures of a study, if it has enough of them for a law."""
    # Here: laws need pandas and scikit-learn.
    from code_ablate.analysis.laws.mixture_records import LEAST_MIXTURES
    from code_ablate.analysis.report.law_figures import law_drawing
    from code_ablate.analysis.report.law_text import law_text
    from code_ablate.evaluation.kinds import BITS_PER_BYTE
    from code_ablate.jobs.mixture_law import study_mixtures, study_records

    if part is None:
        return _LawFound("")
    records = None if part.report is None else study_records(part.report.results)
    trained = 0 if records is None else int(records.mixture_N.max()) + 1
    if records is None or trained < LEAST_MIXTURES:
        return _LawFound(
            f"It takes {LEAST_MIXTURES} different mixtures; of `{part.name}` {trained} are trained."
        )
    targets = [t for t in records.targets if t.startswith(f"{BITS_PER_BYTE}/")]
    optimum = study_mixtures(records.with_targets(targets))
    text = f"Fitted to `{part.name}`, bits per byte of all its domains.\n\n"
    alt = f"{part.name}: shares of the mixtures that are as good as the best, and of the pick"
    return _LawFound(
        f"{text}```\n{law_text(optimum)}\n```",
        optimum.ranges().to_dict("records"),
        _Figure(f"{part.name}-law.png", alt, [law_drawing(optimum)]),
    )


def _write_tables(
    tables: Mapping[str, Sequence[Mapping[str, Any]]], folder: epath.Path
) -> dict[str, list[epath.Path]]:
    """The files of each table: CSV, if it is small enough, and Parquet."""
    files: dict[str, list[epath.Path]] = {name: [] for name in tables}
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        for suffix, content in table_of(rows).items():
            file = folder / f"{name}.{suffix}"
            if len(content) > LIMIT_BYTES:
                if suffix == "csv":  # the same rows as Parquet are a tenth of it
                    file.unlink(missing_ok=True)  # that of fewer rows, from an earlier page
                    continue
                raise UserError(
                    f"the table {name} has {len(content):,} bytes, more than {LIMIT_BYTES:,}: give "
                    "fewer studies to a page."
                )
            storage.replace(file, content)
            files[name].append(file)
    return files


def _table_line(folder: str, files: Sequence[epath.Path], rows: int) -> str:
    """What the page says of a table: its files, and its rows."""
    named = joined([f"`{folder}/{files[0].name}`", *(f"`{file.suffix}`" for file in files[1:])])
    return f"{named}: {counted(rows, 'row')}"


def _copy_frozen(parts: Sequence[Part], folder: epath.Path) -> list[epath.Path]:
    files = []
    for part in parts:
        if part.frozen is not None:
            files.append(folder / f"{part.name}.{FROZEN}")
            storage.replace(files[-1], storage.read_file(epath.Path(part.folder) / FROZEN))
    return files
