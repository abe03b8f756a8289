"""The numbers of a report as files, CSV and Parquet, for whoever goes on with them.

    rows = data_rows(report)["changes"]      # a dict for each comparison
    write_data(data_rows(report), "report_data")     # report_data/changes.csv and changes.parquet

Rows are tidy: one measurement each, with all columns that say what it is of. Numbers are unrounded.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from etils import epath

from code_ablate import storage
from code_ablate.analysis.estimation.estimates import Estimate
from code_ablate.analysis.report.content import Report
from code_ablate.analysis.report.decision_rows import decision_rows
from code_ablate.analysis.report.seed_noise_tables import component_rows
from code_ablate.analysis.results.training_curves import TrainingCurves

if TYPE_CHECKING:
    from code_ablate.analysis.laws.optimum import Optimum

Rows = Sequence[Mapping[str, Any]]
"""Rows of a table, with the same columns each: numbers, texts, truth values, or None."""

_TYPES = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}


def data_rows(
    report: Report, curves: TrainingCurves | None = None, law: "Optimum | None" = None
) -> dict[str, Rows]:
    """Tables by name; those without rows are left out."""
    tables: dict[str, Rows] = {
        "scores": _scores(report),
        "changes": _changes(report),
        "tasks": _tasks(report),
        "mixtures": _mixtures(report),
        "funnel": _funnel(report),
        "phases": _phases(report),
        "curves": _curves(curves) if curves is not None else [],
        **decision_rows(report),
        "components": component_rows(report.seed_noise),
    }
    if law is not None:
        tables["laws"] = law.stack.table().to_dict("records")
        tables["law_shares"] = law.ranges().to_dict("records")
        tables["law_targets"] = law.targets().to_dict("records")
    return {name: rows for name, rows in tables.items() if rows}


NAMES = (
    *("scores", "changes", "tasks", "mixtures", "funnel", "phases", "curves"),
    *("signals", "decisions", "multipliers", "components"),
    *("laws", "law_shares", "law_targets", "arms"),
)
"""Every table that there may be."""


def write_data(tables: Mapping[str, Rows], folder: epath.PathLike) -> None:
    """Writes each table as CSV and as Parquet, and takes away those of an earlier report.

    Raises OSError.
    """
    path = epath.Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        if name not in tables:
            (path / f"{name}.csv").unlink(missing_ok=True)
            (path / f"{name}.parquet").unlink(missing_ok=True)
    for name, rows in tables.items():
        for suffix, content in table_of(rows).items():
            storage.replace(path / f"{name}.{suffix}", content)


def table_of(rows: Rows) -> dict[str, bytes]:
    """The content of the two files of a table, by suffix: csv and parquet."""
    content = _as_csv(rows)
    buffer = pa.BufferOutputStream()
    pq.write_table(_as_table(content, rows), buffer)
    return {"csv": content, "parquet": buffer.getvalue().to_pybytes()}


def _as_csv(rows: Rows) -> bytes:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue().encode()


def _as_table(content: bytes, rows: Rows) -> pa.Table:
    """The table of a CSV. Not by way of `pa.array`, which imports pandas."""
    types = {}
    for column in rows[0]:
        values = (row[column] for row in rows)
        known = next((value for value in values if value is not None), 0.0)
        types[column] = next(kind for base, kind in _TYPES.items() if isinstance(known, base))
    return pyarrow.csv.read_csv(
        io.BytesIO(content),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=types, strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    )


def _estimate(estimate: Estimate) -> dict[str, object]:
    return {
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "items": estimate.items,
        "seeds": len(estimate.seeds),
        "seed_sd": estimate.seed_sd,
    }


def _scores(report: Report) -> list[dict]:
    metrics = {metric.key: metric for metric in report.summary.metrics}
    return [
        {
            "size": place.size,
            "stage": place.stage,
            "recipe": recipe,
            "metric": key,
            "unit": metrics[key].name,
            **_estimate(estimate),
        }
        for (place, recipe, key), estimate in report.summary.levels.items()
    ]


def _changes(report: Report) -> list[dict]:
    return [
        {
            "size": c.place.size,
            "stage": c.place.stage,
            "recipe": c.recipe,
            "baseline": report.baseline,
            "metric": c.metric.key,
            "difference": c.difference.value,
            "difference_low": c.difference.low,
            "difference_high": c.difference.high,
            "relative": c.gain.value if c.gain else None,
            "relative_low": c.gain.low if c.gain else None,
            "relative_high": c.gain.high if c.gain else None,
            "p": c.p,
            "p_holm": c.p_holm,
            "family": c.family,
            "margin": c.margin.size if c.margin else None,
            "margin_is_relative": c.margin.relative if c.margin else None,
            "p_margin": c.p_margin,
            "p_margin_holm": c.p_margin_holm,
            "verdict": c.verdict(),
            "exploratory": c.exploratory,
            "detectable": c.detectable if np.isfinite(c.detectable) else None,
            "seeds": len(c.difference.seeds),
            "seeds_needed": c.seeds_needed,
            "items": c.difference.items,
        }
        for c in report.summary.comparisons
    ]


def _tasks(report: Report) -> list[dict]:
    return [
        {
            "size": place.size,
            "stage": place.stage,
            "recipe": recipe,
            "task": task,
            "score": score,
            **_estimate(estimate),
            "chance": report.record.tasks[task].chance,
            "chance_p": result.chance_p if score == "correct" else None,
            "one_answer": result.degenerate,
        }
        for (place, recipe, task), result in report.summary.task_results.items()
        for score, estimate in result.scores.items()
    ]


def _mixtures(report: Report) -> list[dict]:
    return [
        {
            "size": arm.arm.size,
            "stage": arm.arm.stage,
            "recipe": arm.arm.recipe,
            "seed": arm.arm.seed,
            "corpus": corpus,
            "requested_share": use.requested_share,
            "share": use.tokens / arm.tokens,
            "tokens": use.tokens,
            "unique_tokens": use.unique_tokens,
            "epochs": use.epochs,
        }
        for arm in report.record.arms
        for corpus, use in arm.corpora.items()
    ]


def _funnel(report: Report) -> list[dict]:
    return [
        {"corpus": name, "step": step.name, "documents": step.documents, "bytes": step.bytes}
        for name, store in report.record.stores.items()
        for step in store.funnel
    ]


def _phases(report: Report) -> list[dict]:
    return [
        {
            "phase": identity,
            "name": phase.name,
            "size": phase.size,
            "mixture": phase.mixture,
            "parent": phase.parent,
            "tokens": phase.tokens,
            "flops": phase.flops,
            "seconds": phase.seconds,
            "arms": phase.arms,
        }
        for identity, phase in report.record.phases.items()
    ]


def _curves(curves: TrainingCurves) -> list[dict]:
    return [
        {
            "size": arm.size,
            "recipe": arm.recipe,
            "seed": arm.seed,
            "corpus": corpus,
            "tokens": float(tokens),
            "loss": float(loss),
        }
        for arm, curve in curves.arms.items()
        for corpus, losses in curve.loss.items()
        for tokens, loss in zip(curve.tokens, losses, strict=True)
        if np.isfinite(loss)
    ]
