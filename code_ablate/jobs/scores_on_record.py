"""Scores of a run's checkpoints, as they are on record: what was evaluated, and nothing is asked.

evaluated_steps(run)                       # [50, 96]
items, about = recorded_tasks(run, 96)[key]
"""

from typing import Any

import pandas as pd

from code_ablate.errors import UserError
from code_ablate.evaluation.records import Key, Records
from code_ablate.training.rundir import RunDirectory


def evaluated_steps(run: RunDirectory) -> list[int]:
    """Steps of the checkpoints with scores on record, in order. Reads none of them."""
    folder = run.evaluation(0).parent
    names = [path.name for path in folder.iterdir()] if folder.exists() else []
    steps = sorted(int(name) for name in names if name.isdecimal())
    return [step for step in steps if any(run.evaluation(step).glob("*.parquet"))]


def asked_step(run: RunDirectory, step: int | None = None) -> int:
    """The step, or the newest one that was evaluated.

    Raises UserError if none was, or not that one.
    """
    steps = evaluated_steps(run)
    if not steps or (step is not None and step not in steps):
        what = "no checkpoint of it" if step is None else f"step {step:,}"
        there = f" (evaluated: {', '.join(map(str, steps))})" if steps else ""
        raise UserError(f"{run.path}: {what} is evaluated{there}: run code-ablate eval on it.")
    return steps[-1] if step is None else step


def recorded_tasks(run: RunDirectory, step: int) -> dict[Key, tuple[pd.DataFrame, dict[str, Any]]]:
    """(items, description) of each task that a checkpoint was evaluated on, by its key.

    A damaged table is left out, with a warning.
    """
    records = Records(run.evaluation(step))
    found = {key: records.load(key) for key in records.keys()}  # noqa: SIM118 (no mapping)
    return {key: whole for key, whole in found.items() if whole is not None}
