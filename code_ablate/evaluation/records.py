"""What a checkpoint scored, on disk: a table and a description for each task.

    records = Records(run.evaluation(step))
    records.save(key, description, outcome)
    records.load(key)                          # (items, description), or None

`key` is the name of a task and the identity of what was asked. The description is written before
the table, and each of them whole or not at all, so that the table's presence says that both are
there. A kill loses the task under way and no other.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from etils import epath

from code_ablate import storage


@dataclass(frozen=True)
class Key:
    """Names the scores of one task: they can be compared with those of an equal key."""

    name: str
    """The task."""
    identity: str
    """Hash of what is asked, and of which data."""

    @property
    def stem(self) -> str:
        """Name of the files."""
        return f"{file_name(self.name)}-{self.identity}"


def file_name(task: str) -> str:
    """The name without what names of tasks may have and names of files may not."""
    return re.sub("[^A-Za-z0-9._-]+", "-", task)


@dataclass(frozen=True)
class Records:
    """The scores of one checkpoint."""

    directory: epath.Path

    def has(self, key: Key) -> bool:
        """Whether the task is done."""
        return self._table(key).exists()

    def save(self, key: Key, description: Mapping[str, Any], items: pd.DataFrame) -> None:
        """Writes what a task gave."""
        self.directory.mkdir(parents=True, exist_ok=True)
        about = {"task": key.name, "identity": key.identity, **description}
        storage.replace(self._description(key), json.dumps(about, indent=1))
        storage.replace(self._table(key), items.to_parquet(index=False))

    def load(self, key: Key) -> tuple[pd.DataFrame, dict[str, Any]] | None:
        """(items, description) of a task that is done; None for one that is not."""
        if not self.has(key):
            return None
        with self._table(key).open("rb") as file:
            items = pd.read_parquet(file)
        return items, json.loads(self._description(key).read_text())

    def _table(self, key: Key) -> epath.Path:
        return self.directory / f"{key.stem}.parquet"

    def _description(self, key: Key) -> epath.Path:
        return self.directory / f"{key.stem}.json"
