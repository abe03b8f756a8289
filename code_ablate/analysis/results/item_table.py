"""The table of item scores of a study, by columns: reads fast, and needs no pandas to be reported.

    table = ItemTable.read(directory / "results.parquet", record.results_digest)
    for key, rows in table.rows_of(("size", "stage", "task")).items(): ...
    table.numbers("bits")[rows]

Text comes as codes: the number of each row's value among the different ones.
"""

import functools
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from etils import epath
from jaxtyping import Float, Int

from code_ablate import own_file, storage
from code_ablate.errors import UserError


@dataclass(frozen=True)
class ItemTable:
    """Rows of scores, one for each arm, task and item."""

    table: pa.Table
    """The rows."""

    @classmethod
    def read(cls, path: epath.Path, digest: str, belongs_to: str) -> "ItemTable":
        """The table in a file. Raises UserError if it is absent or unreadable, or if its sha256
        is not the `digest` that the file `belongs_to` has of it."""
        if not path.exists():
            raise UserError(
                f"{path} does not exist: the study has not been evaluated; run it again."
            )
        try:
            content = storage.read_file(path)
        except OSError as error:
            raise UserError(
                f"{path} cannot be read ({error.strerror}): mend that, or move it away and run the "
                "study again, which then writes it anew."
            ) from error
        if own_file.sha256(content) != digest:
            raise UserError(
                f"{path} is damaged, or is not the table that {belongs_to} beside it was written "
                "with; run the study again: what is trained and evaluated is found, and only the "
                "two files are written."
            )
        try:
            # Not `read_table`, which imports pandas.
            return cls(pq.ParquetFile(io.BytesIO(content)).read())
        except (OSError, ValueError) as error:  # pyarrow's errors derive from these
            raise UserError(f"{path} is not a readable Parquet file ({error}).") from error

    def __len__(self) -> int:
        return self.table.num_rows

    def __contains__(self, column: str) -> bool:
        return column in self.table.column_names

    def numbers(self, column: str) -> Float[np.ndarray, " rows"]:
        """A column of numbers; NaN where a row has none."""
        if column not in self._numbers:
            numbers = self.table[column].combine_chunks().cast(pa.float64())
            self._numbers[column] = _to_numpy(numbers, np.nan)
        return self._numbers[column]

    def codes(self, column: str) -> Int[np.ndarray, " rows"]:
        """For each row the position of its value in `labels`; -1 where it has none."""
        return self._encoded(column)[0]

    def labels(self, column: str) -> list[Any]:
        """The different values of a column, in the order of their first rows."""
        return self._encoded(column)[1]

    def _encoded(self, column: str) -> tuple[Int[np.ndarray, " rows"], list[Any]]:
        if column not in self._encodings:
            encoded = self.table[column].combine_chunks().dictionary_encode()
            codes = _to_numpy(encoded.indices.cast(pa.int64()), -1)
            self._encodings[column] = codes, encoded.dictionary.to_pylist()
        return self._encodings[column]

    @functools.cached_property
    def _encodings(self) -> dict[str, tuple[Int[np.ndarray, " rows"], list[Any]]]:
        return {}

    @functools.cached_property
    def _numbers(self) -> dict[str, Float[np.ndarray, " rows"]]:
        return {}

    def rows_of(self, columns: Sequence[str]) -> dict[tuple, Int[np.ndarray, " group"]]:
        """Numbers of the rows that have the same values in these columns, by those values."""
        groups = self._groups(columns)
        order = np.argsort(groups, kind="stable")
        starts = np.flatnonzero(np.diff(groups[order], prepend=-2))
        parts = np.split(order, starts[1:])
        return {tuple(self.value(c, rows[0]) for c in columns): rows for rows in parts if len(rows)}

    def value(self, column: str, row: int) -> Any:
        """The value of a column of text in a row."""
        code = self.codes(column)[row]
        return None if code < 0 else self.labels(column)[code]

    def repeated(self, columns: Sequence[str]) -> Int[np.ndarray, " repeats"]:
        """Numbers of the rows whose values in these columns an earlier row has too."""
        _, first = np.unique(self._groups(columns), return_index=True)
        return np.setdiff1d(np.arange(len(self)), first)

    def _groups(self, columns: Sequence[str]) -> Int[np.ndarray, " rows"]:
        """A number for each row, equal where all of these columns are."""
        groups = np.zeros(len(self), np.int64)
        for column in columns:
            codes = self.codes(column) + 1
            groups = np.unique(groups * (codes.max(initial=0) + 1) + codes, return_inverse=True)[1]
        return groups


def _to_numpy(array: pa.Array, absent: float) -> np.ndarray:
    """The values of an array of 8-byte numbers, with `absent` where it has none.

    By Arrow's columnar format: pyarrow's own `to_numpy` imports pandas, which takes longer than
    all that a report does with the table.
    """
    present, values = array.buffers()
    rows = slice(array.offset, array.offset + len(array))
    dtype = np.float64 if pa.types.is_float64(array.type) else np.int64
    numbers = np.frombuffer(values, dtype)[rows]
    if not array.null_count:
        return numbers
    bits = np.unpackbits(np.frombuffer(present, np.uint8), bitorder="little")
    return np.where(bits[rows] == 1, numbers, absent).astype(dtype)
