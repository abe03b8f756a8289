"""What a checkpoint scored, on disk: a table and a description for each task.

    records = Records(run.evaluation(step))
    records.save(key, description, outcome)
    records.load(key)                          # (items, description), or None

`key` is the name of a task and the identity of what was asked. The description holds the digest of
the table, and is written before it, each of them whole or not at all. A table that is not the one
of its description counts as not there, with a warning: the task is simply evaluated again. A kill
loses the task under way and no other.
"""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from etils import epath

from code_ablate import own_file, storage
from code_ablate.errors import UserError

FORMAT = 1
"""Format of a description; raised when the meaning of a field changes."""


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
class Description:
    """The file beside a table."""

    task: str
    """Name of the task."""
    identity: str
    """Hash of what was asked, and of which data."""
    table_digest: str
    """sha256 of the table, a Parquet file."""
    facts: Mapping[str, Any]
    """What the suite and the report say of the task, and its metrics."""


@dataclass(frozen=True)
class Records:
    """The scores of one checkpoint."""

    directory: epath.Path
    """Folder of the scores: eval/STEP of a run."""

    def has(self, key: Key) -> bool:
        """Whether the task is done, and its table as it was written."""
        return self._read(key) is not None

    def save(self, key: Key, description: Mapping[str, Any], items: pd.DataFrame) -> None:
        """Writes what a task gave."""
        self.directory.mkdir(parents=True, exist_ok=True)
        table = items.to_parquet(index=False)
        about = Description(key.name, key.identity, own_file.sha256(table), description)
        path = self._table(key)
        storage.replace(_description_of(path), own_file.text_of(about, FORMAT))
        storage.replace(path, table)

    def load(self, key: Key) -> tuple[pd.DataFrame, dict[str, Any]] | None:
        """(items, description) of a task that is done; None for one that is not."""
        on_record = self._read(key)
        if on_record is None:
            return None
        table, about = on_record
        return _items(table), {"task": about.task, "identity": about.identity, **about.facts}

    def keys(self) -> list[Key]:
        """The tasks that have a table, by name. One whose description is damaged is left out, and
        said; the table is read, and checked, by `load`."""
        tables = sorted(self.directory.glob("*.parquet")) if self.directory.exists() else ()
        keys = []
        for table in tables:
            try:
                about = own_file.read(_description_of(table), Description, FORMAT)
            except own_file.Damaged as error:
                own_file.warn_once(f"{error}: {table.name} is left out.")
                continue
            key = Key(about.task, about.identity)
            if table == self._table(key):
                keys.append(key)
        return sorted(keys, key=lambda key: (key.name, key.identity))

    def _read(self, key: Key) -> tuple[bytes, Description] | None:
        path = self._table(key)
        if not path.exists():
            return None
        try:
            table, about = _verified(path)
            if (about.task, about.identity) != (key.name, key.identity):
                raise own_file.Damaged(f"{path} holds the scores of {about.task}")
        except own_file.Damaged as error:
            own_file.warn_once(f"{error}: {key.name} counts as not evaluated.")
            return None
        return table, about

    def _table(self, key: Key) -> epath.Path:
        return self.directory / f"{key.stem}.parquet"


def read_items(path: epath.Path) -> pd.DataFrame:
    """A table of items: one of a run's evaluations, or a Parquet file of the user's own.

    Raises UserError if it is not as it was written, or no Parquet file.
    """
    if not _is_of_a_run(path):
        return _items(storage.read_file(path), path)
    try:
        table, _ = _verified(path)
    except own_file.Damaged as error:
        raise UserError(
            f"{error}: evaluate that checkpoint again with code-ablate eval."
        ) from error
    return _items(table)


def _is_of_a_run(path: epath.Path) -> bool:
    """Whether it lies where `RunDirectory.evaluation` puts it."""
    return path.parent.name.isdigit() and path.parent.parent.name == "eval"


def _verified(path: epath.Path) -> tuple[bytes, Description]:
    """A table and its description. Raises Damaged if they do not belong together."""
    about = own_file.read(_description_of(path), Description, FORMAT)
    table = own_file.read_bytes(path)
    if own_file.sha256(table) != about.table_digest:
        raise own_file.Damaged(f"{path} is not as it was written")
    return table, about


def _items(table: bytes, path: epath.Path | None = None) -> pd.DataFrame:
    try:
        return pd.read_parquet(io.BytesIO(table))
    except (OSError, ValueError) as error:  # pyarrow's errors derive from these
        raise UserError(f"{path} is not a readable Parquet file ({error}).") from error


def _description_of(table: epath.Path) -> epath.Path:
    return table.with_suffix(".json")
