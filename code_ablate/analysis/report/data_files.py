"""The numbers of a report as files, CSV and Parquet, for whoever goes on with them.

    write_data(report, "report_data")        # report_data/changes.csv, report_data/changes.parquet
    data_tables(report)["changes"]           # the same as a pyarrow table

Rows are tidy: one measurement each, with all columns that say what it is of. Numbers are unrounded.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from etils import epath

from code_ablate.analysis.estimation.estimates import Estimate
from code_ablate.analysis.report.content import Report
from code_ablate.analysis.results.training_curves import TrainingCurves

if TYPE_CHECKING:
    from code_ablate.analysis.laws.optimum import Optimum


def data_tables(
    report: Report, curves: TrainingCurves | None = None, law: "Optimum | None" = None
) -> dict[str, pa.Table]:
    """Tables by name; those without rows are left out."""
    rows = {
        "scores": _scores(report),
        "changes": _changes(report),
        "tasks": _tasks(report),
        "mixtures": _mixtures(report),
        "funnel": _funnel(report),
        "phases": _phases(report),
        "curves": _curves(curves) if curves is not None else [],
    }
    tables = {name: pa.Table.from_pylist(found) for name, found in rows.items() if found}
    if law is not None:
        for name, frame in {
            "laws": law.stack.table(),
            "law_shares": law.ranges(),
            "law_targets": law.targets(),
        }.items():
            tables[name] = pa.Table.from_pandas(frame, preserve_index=False)
    return tables


def write_data(tables: Mapping[str, pa.Table], folder: epath.PathLike) -> None:
    """Writes each table as CSV and as Parquet. Raises OSError."""
    import pyarrow.csv  # here: only those who write need it

    path = epath.Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        buffer = pa.BufferOutputStream()
        pyarrow.csv.write_csv(table, buffer)
        (path / f"{name}.csv").write_bytes(buffer.getvalue().to_pybytes())
        buffer = pa.BufferOutputStream()
        pq.write_table(table, buffer)
        (path / f"{name}.parquet").write_bytes(buffer.getvalue().to_pybytes())


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
            "verdict": c.verdict(),
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
