"""Two models' answers to the same prompts, joined by item.

    candidate = read_answers("runs/a-0f3c", "open_prompts")      # or a Parquet file
    pair_answers(candidate, baseline)[0].prompt

Answers are what the evaluation of an open-ended task keeps (open_ended.score_items).
"""

import numbers
import re
from dataclasses import dataclass

import pandas as pd
from etils import epath

from code_ablate.errors import UserError
from code_ablate.evaluation.records import file_name, read_items

_COLUMNS = ("item", "prompt", "prediction")


@dataclass(frozen=True)
class Pair:
    """One prompt and the answers of both models."""

    item: str
    """Id of the prompt."""
    prompt: str
    """The request, as a person would read it."""
    input: str
    """The request, as both models were given it."""
    candidate: str
    """The candidate's answer."""
    baseline: str
    """The baseline's answer."""
    group: str = ""
    """Sort of request; empty where the answers' table has none."""

    @property
    def identical(self) -> bool:
        """Whether there is nothing to choose between."""
        return self.candidate.strip() == self.baseline.strip()


def read_answers(path: epath.PathLike, task: str) -> pd.DataFrame:
    """Answers to the prompts of `task`, from a Parquet file or the evaluation of a run.

    Columns: item, prompt, prediction, input (the prompt, where the table has none), group (empty,
    where the table has none). Of a run, those of the last checkpoint that was evaluated. Raises
    UserError if there are none.
    """
    file = find_answers(epath.Path(path), task)
    table = read_items(file)
    missing = [name for name in _COLUMNS if name not in table]
    if missing:
        raise UserError(
            f"{file} lacks the columns {', '.join(missing)}: name the table of an open-ended task."
        )
    if "task" in table:
        table = table[table["task"] == task]
    if table.empty:
        raise UserError(f"{file} has no answers to {task!r}: evaluate the run on it.")
    if "input" not in table:
        table = table.assign(input=table["prompt"])
    groups = table["group"].astype(object) if "group" in table else pd.Series("", table.index)
    table = table.assign(group=groups.where(groups.notna(), ""))
    table = table[[*_COLUMNS, "input", "group"]].astype(object)
    if table.isna().any(axis=None):
        raise UserError(f"{file} has rows of {task!r} without a prompt or an answer.")
    _require_text(file, table)
    table = table.astype(str)
    repeated = table["item"][table["item"].duplicated()]
    if len(repeated):
        raise UserError(
            f"{file} has more than one answer to the item {repeated.iloc[0]!r} of {task!r}: "
            "one sample per prompt is judged."
        )
    return table.reset_index(drop=True)


def _require_text(file: epath.Path, table: pd.DataFrame) -> None:
    """Raises UserError for what is no text. Items may be whole numbers, too."""
    for column in table:
        for row, value in enumerate(table[column]):
            number = column == "item" and isinstance(value, numbers.Integral)
            if isinstance(value, bool) or not (isinstance(value, str) or number):
                raise UserError(
                    f"{file}, row {row}: {column} is {type(value).__name__}, not text. Make the "
                    "column one of strings."
                )


def find_answers(path: epath.Path, task: str) -> epath.Path:
    """`path` if it is a Parquet file; of a run directory, the task's table of the last step."""
    if path.name.endswith(".parquet"):
        if not path.exists() or path.is_dir():
            raise UserError(f"no file {path} with answers.")
        return path
    found: dict[int, list[epath.Path]] = {}
    name = file_name(task)
    for file in path.glob(f"eval/*/{name}-*.parquet"):
        if re.fullmatch(f"{re.escape(name)}-[0-9a-f]+", file.stem) and file.parent.name.isdigit():
            found.setdefault(int(file.parent.name), []).append(file)
    if not found:
        raise UserError(
            f"{path} has no answers to {task!r}: run code-ablate eval on it with this task in "
            "SuiteConfig.tasks, or name a Parquet file."
        )
    last = sorted(found[max(found)])
    if len(last) > 1:
        raise UserError(
            f"{path} was asked {task!r} in several ways: name one of the files "
            f"{', '.join(map(str, last))}."
        )
    return last[0]


def pair_answers(candidate: pd.DataFrame, baseline: pd.DataFrame) -> tuple[Pair, ...]:
    """One pair per item, in the candidate's order.

    Raises UserError if the two have other items, or if an item has two prompts.
    """
    both = candidate.merge(baseline, on="item", suffixes=("", "_baseline"), validate="1:1")
    if not len(both) == len(candidate) == len(baseline):
        raise UserError(
            f"the two have {len(candidate)} and {len(baseline)} answers, {len(both)} of them to "
            "the same items: evaluate both with the same suite."
        )
    other = both["item"][both["input"] != both["input_baseline"]]
    if len(other):
        raise UserError(
            f"{len(other)} items have another prompt in each of the two, {other.iloc[0]!r} among "
            "them: evaluate both with the same suite."
        )
    both["group"] = both["group"].where(both["group"] != "", both["group_baseline"])
    columns = both[["item", "prompt", "input", "prediction", "prediction_baseline", "group"]]
    return tuple(Pair(*row) for row in columns.itertuples(index=False))
