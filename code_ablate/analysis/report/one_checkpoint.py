"""The scores of one checkpoint, task by task: what `eval.py` prints and writes.

    summaries = summarise_tasks(result.items, result.tasks)
    as_json(summaries, result.metrics, missing)

Intervals and p are those of the choice of items; a study's report adds what seeds say.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from etils import epy

from code_ablate.analysis.estimation import statistics as st
from code_ablate.analysis.estimation.crossed import crossed_covariance
from code_ablate.evaluation.kinds import ANSWERS, GOLD, KINDS
from code_ablate.evaluation.kinds.own_metrics import PREFIX, as_shares, title_of

with epy.lazy_imports():  # the reports of studies name what is here, and do without it
    import pandas as pd

CONFIDENCE = 0.95


@dataclass(frozen=True)
class TaskSummary:
    """One checkpoint on one task."""

    task: str
    """Name of the task."""
    category: str
    """Category of the task; empty where it is not known."""
    kind: str
    """Kind of the task, as tables of results call it."""
    score_name: str
    """"accuracy", "exact match", "pass@1", "bits per byte", ..., or the task's own metric."""
    items: int
    """Items that were scored."""
    available: int
    """Items that the task has."""
    score: float | None
    """From 0 to 1, bits per byte, or in the unit of the task's own metric; None if the items have
    no score."""
    is_share: bool
    """Whether the score is one from 0 to 1."""
    low: float | None
    """Lower end of the 95 % interval; None without a score."""
    high: float | None
    """Upper end of the 95 % interval; None without a score."""
    interval: str | None
    """How the interval was made. None without a score. "exact": Clopper and Pearson's, for items
    that are right or wrong and stand by themselves, and where all have the same score from 0 to 1
    (`statistics.tied_interval`). "beta": `statistics.share_interval`, for other scores from 0 to 1,
    and where items share passages. "t": Student's, for what is not from 0 to 1."""
    own_metrics: Mapping[str, tuple[float, float, float]]
    """The task's own metrics beside the one that counts, with intervals: name -> (mean over items,
    low, high)."""
    pass_at: Mapping[str, tuple[float, float, float]]
    """pass@k for other k than 1, with its interval: "pass@10" -> (score, low, high)."""
    chance: float | None
    """Expected score of guessing."""
    chance_p: float | None
    """Exact one-sided p that guessing does as well."""
    majority: float | None
    """Share of the most common right answer."""
    one_answer: float | None
    """Share of the most common prediction."""
    degenerate: bool
    """Whether the predictions have collapsed onto one answer; see `statistics.collapse`."""
    gold_bits_per_byte: float | None
    """Bits per byte of the right answers; None where their likelihood was not taken."""
    greedy: float | None
    """Share of the right answers that greedy decoding gives exactly; None for other kinds."""
    generated_tokens: float | None
    """Mean length of what was generated."""
    isolated: bool
    """Whether generated programs ran in isolation, if any ran."""
    notes: tuple[str, ...]
    """What a reader of the scores has to know."""


def summarise_tasks(items: pd.DataFrame, tasks: Mapping[str, Mapping]) -> tuple[TaskSummary, ...]:
    """`items`: the table of one checkpoint; `tasks`: what the suite says about each task."""
    return tuple(
        _summarise(name, rows, tasks[name]) for name, rows in items.groupby("task", sort=False)
    )


def as_json(
    summaries: tuple[TaskSummary, ...],
    metrics: Mapping[str, Mapping[str, float]],
    missing: Mapping[str, str],
) -> str:
    """The summaries, the metrics of the tasks' own functions, and what is missing and why.

    Numbers that are not finite, such as the ends of an interval that a single passage gives, are
    null: JSON has no other word for them.
    """
    tasks = {
        summary.task: {**dataclasses.asdict(summary), "metrics": metrics[summary.task]}
        for summary in summaries
    }
    return json.dumps(_finite({"tasks": tasks, "missing": missing}), indent=1, allow_nan=False)


def _finite(value: Any) -> Any:
    """Plain values with None for numbers that are not finite."""
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _summarise(name: str, rows: pd.DataFrame, info: Mapping) -> TaskSummary:
    kind = info["kind"]
    facts = KINDS[kind]
    columns = {
        column: rows[column].to_numpy(np.float64)
        for column in ("correct", "bits", "bytes", "choices", "gold", "predicted")
    }
    if facts.generates:
        columns["text"] = pd.factorize(rows["prediction"])[0].astype(np.float64)
    own = tuple(info.get("own_metrics", ()))
    column, title = facts.score, facts.title
    if kind == ANSWERS and own:
        title, own, values = title_of(own[0]), own[1:], rows[PREFIX + own[0]].to_numpy(np.float64)
        shares_of_items = as_shares(info["own_metrics"][0], values)
        if shares_of_items is None:
            column = PREFIX + info["own_metrics"][0]
            columns[column] = values
        else:
            columns["correct"] = shares_of_items
    clusters = _clusters(rows)
    score, low, high, interval = _score(columns, column, clusters)
    shares = column == "correct" and score is not None
    collapse = st.collapse_of(columns)
    bits_per_byte = float(columns["bits"].sum() / columns["bytes"].sum())
    return TaskSummary(
        task=name,
        category=info["category"],
        kind=kind,
        score_name=title,
        items=len(rows),
        available=info["available"],
        score=score,
        low=low,
        high=high,
        interval=interval,
        is_share=shares,
        own_metrics={name: _mean(rows[PREFIX + name], clusters) for name in own},
        pass_at=_pass_at(rows, clusters),
        chance=info.get("chance"),
        chance_p=(
            st.guessing_p(columns["correct"], columns["choices"], info.get("chance"), clusters)
            if shares
            else None
        ),
        majority=collapse.majority if collapse else None,
        one_answer=collapse.share if collapse else None,
        degenerate=bool(collapse and collapse.degenerate),
        gold_bits_per_byte=bits_per_byte if np.isfinite(bits_per_byte) else None,
        greedy=float(columns["correct"].mean()) if kind == GOLD else None,
        generated_tokens=(float(rows["generated_tokens"].mean()) if facts.generates else None),
        isolated=info.get("isolated", True),
        notes=tuple(info.get("notes", ())),
    )


def _clusters(rows: pd.DataFrame) -> tuple[str, ...]:
    """The passage, dialogue or subject of each item; empty where each stands by itself."""
    if "cluster" not in rows or rows["cluster"].isna().any():
        return ()
    return tuple(rows["cluster"].astype(str))


def _score(
    columns: Mapping[str, np.ndarray], score: str | None, clusters: tuple[str, ...]
) -> tuple[float | None, float | None, float | None, str | None]:
    """(score, low, high, how the interval was made)."""
    if score is None or np.isnan(columns[score]).any():
        return None, None, None, None
    values = columns[score]
    if score == "correct":
        return _share(values, clusters)
    sizes = columns["bytes"] if score == "bits" else np.ones(len(values))
    return _ratio(values, sizes, clusters)


def _mean(values: pd.Series, clusters: tuple[str, ...]) -> tuple[float, float, float]:
    """Mean over items, with its interval."""
    return _ratio(values.to_numpy(np.float64), np.ones(len(values)), clusters)[:3]


def _share(values: np.ndarray, clusters: tuple[str, ...]) -> tuple[float, float, float, str]:
    """Mean of values from 0 to 1, with its interval and how that was made."""
    if not clusters and np.isin(values, (0.0, 1.0)).all():
        return float(values.mean()), *st.exact_interval(int(values.sum()), len(values)), "exact"
    if np.ptp(values) == 0:
        value, units = float(values[0]), len(set(clusters)) or len(values)
        return value, *st.tied_interval(value, units, 0.0, 1.0, CONFIDENCE), "exact"
    value, low, high, _ = _ratio(values, np.ones(len(values)), clusters)
    return value, *st.share_interval(value, (high - low) / 2, CONFIDENCE), "beta"


def _ratio(
    values: np.ndarray, sizes: np.ndarray, clusters: tuple[str, ...]
) -> tuple[float, float, float, str]:
    """Sum of the values over sum of the sizes, with its interval and how that was made."""
    score = float(values.sum() / sizes.sum())
    added_G = (values - score * sizes) / sizes.sum()
    if clusters:
        added_G = np.bincount(np.unique(clusters, return_inverse=True)[1], weights=added_G)
    half = crossed_covariance([added_G[:, None, None]]).along([1.0]).half_width(CONFIDENCE)
    return score, score - half, score + half, "t"


def _pass_at(
    rows: pd.DataFrame, clusters: tuple[str, ...]
) -> dict[str, tuple[float, float, float]]:
    # Other tasks of the suite have none, or fewer.
    names = [name for name in rows if name.startswith("pass@") and rows[name].notna().all()]
    return {name: _share(rows[name].to_numpy(), clusters)[:3] for name in names}
