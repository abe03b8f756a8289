"""Two checkpoints compared, item by item, by what both have on record.

    comparison = compare_runs("runs/A", "runs/B")
    print(comparison)          # what `code-ablate compare` prints
    comparison.table           # a row per task and score

Nothing is evaluated, and neither JAX nor SeqIO is needed. Two checkpoints say nothing of the noise
between seeds: that takes a study.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
from etils import epath

from code_ablate.analysis.estimation.by_task import TaskComparison, compare_by_task
from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.report.comparison_text import comparison_text, score_name
from code_ablate.analysis.results.item_table import ItemTable
from code_ablate.analysis.results.scored_table import SCORE_COLUMNS, ScoredTable
from code_ablate.analysis.results.study_record import TaskRecord
from code_ablate.errors import UserError
from code_ablate.evaluation.kinds import BITS_PER_BYTE
from code_ablate.evaluation.records import Key
from code_ablate.jobs.scores_on_record import asked_step, recorded_tasks
from code_ablate.training.rundir import RunDirectory

_PLACE = Place("two checkpoints", "as evaluated")
_NEEDED = (*SCORE_COLUMNS, "prediction", "generated_tokens")

_COLUMNS = (
    "task", "score", "name", "counts", "items", "units", "candidate", "baseline", "difference",
    "low", "high", "lower_is_better", "p", "p_holm",
)  # fmt: skip

Recorded = Mapping[Key, tuple[pd.DataFrame, Mapping[str, Any]]]
"""What a checkpoint has on record, by task."""


@dataclass(frozen=True, repr=False)
class RunComparison:
    """A checkpoint against another one. `repr()` is the table that `code-ablate compare` prints."""

    candidate: str
    """Folder and step of the checkpoint that is compared."""
    baseline: str
    """Folder and step of the one that it is compared with."""
    rows: tuple[TaskComparison, ...]
    """Every score of every task that both were asked in the same way."""
    notes: tuple[str, ...]
    """What is not compared, and what is not known."""

    def __repr__(self) -> str:
        head = [f"candidate  {self.candidate}", f"baseline   {self.baseline}", ""]
        notes = [f"note: {note}" for note in self.notes]
        return "\n".join([*head, comparison_text(self.rows), *notes])

    @property
    def table(self) -> pd.DataFrame:
        """A row per task and score, shares from 0 to 1.

        Columns: task, score (its column), name, counts, items, units (clusters, where items have
        them), candidate, baseline, difference, low, high, lower_is_better, p, p_holm.
        """
        rows = []
        for row in self.rows:
            one, difference = row.comparison, row.comparison.difference
            rows.append(
                {"task": row.task.name, "score": one.metric.score, "name": score_name(row),
                 "counts": row.counts, "items": difference.items, "units": row.units,
                 "candidate": row.candidate, "baseline": one.base, "difference": difference.value,
                 "low": difference.low, "high": difference.high,
                 "lower_is_better": one.metric.lower_is_better, "p": one.p, "p_holm": row.p_holm}
            )  # fmt: skip
        return pd.DataFrame(rows, columns=_COLUMNS)


def compare_runs(
    candidate: epath.PathLike,
    baseline: epath.PathLike,
    *,
    step: int | None = None,
    baseline_step: int | None = None,
) -> RunComparison:
    """Compares the newest evaluated checkpoints of two runs, or those of the steps.

    Raises UserError if one of them is not evaluated, if they are one checkpoint, or if no task was
    asked of both in the same way.
    """
    runs = [RunDirectory.open(candidate), RunDirectory.open(baseline)]
    steps = [asked_step(run, s) for run, s in zip(runs, (step, baseline_step), strict=True)]
    names = [f"{run.path}, step {s:,}" for run, s in zip(runs, steps, strict=True)]
    if runs[0].identity == runs[1].identity and steps[0] == steps[1]:
        raise UserError(f"both are {names[0]}: name two runs, or --step and --baseline-step.")
    ours, theirs = (recorded_tasks(run, s) for run, s in zip(runs, steps, strict=True))
    common = [key for key in ours if key in theirs]
    notes = _not_compared(ours, theirs)
    if not common:
        raise UserError(
            f"{names[0]} and {names[1]} have no scores of the same questions: "
            f"{'; '.join(notes)}. Evaluate both with the same suite."
        )
    arms = {names[0]: ours, names[1]: theirs}
    records = {key.name: _task_record(key, [ours[key][1], theirs[key][1]]) for key in common}
    table = pd.concat([_rows(key, arms) for key in common], ignore_index=True)
    scored = ScoredTable(ItemTable(pa.Table.from_pandas(table, preserve_index=False)), records)
    scores = scored.scores(names[1], {(_PLACE, name): (0,) for name in arms})
    rows = compare_by_task(scores, _PLACE, names[0])
    if unknown := [key.name for key in common if not _keeps_clusters(ours[key], theirs[key])]:
        notes.append(
            "evaluated by a version that kept no passages or subjects, so that every item counts "
            f"by itself: {', '.join(unknown)}"
        )
    if unscored := sorted(set(records) - {row.task.name for row in rows}):
        notes.append(f"without a score to compare: {', '.join(unscored)}")
    return RunComparison(names[0], names[1], tuple(rows), tuple(notes))


def _not_compared(ours: Recorded, theirs: Recorded) -> list[str]:
    """Why tasks of one of the two are not compared."""
    names = [{key.name for key in side} for side in (ours, theirs)]
    common = {key.name for key in ours if key in theirs}
    found = {
        "asked in other ways (other items, prompts, vocabulary or context)": names[0] & names[1],
        "only of the candidate": names[0] - names[1],
        "only of the baseline": names[1] - names[0],
    }
    return [f"{why}: {', '.join(sorted(t - common))}" for why, t in found.items() if t - common]


def _task_record(key: Key, facts: list[Mapping[str, Any]]) -> TaskRecord:
    first, second = (tuple(about.get("own_metrics", ())) for about in facts)
    return TaskRecord(
        key.name,
        category="",
        kind=facts[0]["kind"],
        chance=facts[0].get("chance"),
        items=facts[0]["items"],
        available=facts[0]["available"],
        identities=(key.identity,),
        own_metrics=tuple(name for name in first if name in second),
    )


def _rows(key: Key, arms: Mapping[str, Recorded]) -> pd.DataFrame:
    """The items of a task with the columns that a table of results has."""
    tables = {name: recorded[key][0] for name, recorded in arms.items()}
    clusters: dict[str, str] = {}
    for items in tables.values():
        if "cluster" in items:
            clusters |= dict(zip(items["item"], items["cluster"], strict=True))
    parts = []
    for name, items in tables.items():
        absent = [column for column in _NEEDED if column not in items]
        whole = items.reindex(columns=[*items.columns, *absent])
        place = {"size": _PLACE.size, "stage": _PLACE.stage, "seed": 0}
        whole = whole.assign(recipe=name, task=key.name, **place)
        parts.append(whole.assign(cluster=whole["item"].map(clusters) if clusters else None))
    return pd.concat(parts, ignore_index=True)


def _keeps_clusters(*recorded: tuple[pd.DataFrame, Mapping[str, Any]]) -> bool:
    """Whether one of the two knows which items share something, or that none do."""
    return any("clusters" in about or about["kind"] == BITS_PER_BYTE for _, about in recorded)
