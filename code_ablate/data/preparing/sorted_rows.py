"""Rows in order, however many: sorted in runs on disk, which are merged.

    with SortedRows(dtype, ("text", "number"), folder) as rows:
        rows.add(some_N)
        rows.add(others_M)
        for block in rows.in_order(): ...

So a pass that needs an order of all documents (equal texts beside each other, the order of a store)
holds a fixed number of rows of them in memory. This is the external merge sort (D. E. Knuth, The
Art of Computer Programming 3, 5.4); rows with equal keys stay in the order in which they were
added.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Int, Shaped

from code_ablate.errors import Failed

ROWS = 2**16
"""Rows that are held and sorted at a time."""


class SortedRows:
    """A sorter. Takes memory for some times `ROWS` rows, and disk for all of them."""

    def __init__(self, dtype: Any, keys: Sequence[str], folder: str | None = None):
        """`keys`: fields of a single value, the first decides; `folder`: local, for a file without
        a name; None: the system's folder for such files."""
        self._dtype, self._keys, self._folder = np.dtype(dtype), tuple(keys), folder
        self._rows = np.empty(ROWS, self._dtype)
        self._held = 0
        self._file: Any = None
        self._runs: list[tuple[int, int]] = []  # first row and number of rows, in the file
        self._written = 0

    def __enter__(self) -> "SortedRows":
        return self

    def __exit__(self, *exc_info) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, rows_N: Shaped[np.ndarray, " N"]) -> None:
        """Takes more rows."""
        while len(rows_N):
            if self._held == len(self._rows):
                self._write_run()
            taken = rows_N[: len(self._rows) - self._held]
            self._rows[self._held : self._held + len(taken)] = taken
            self._held, rows_N = self._held + len(taken), rows_N[len(taken) :]

    def in_order(self) -> Iterator[Shaped[np.ndarray, " N"]]:
        """All rows in order, in blocks of at most `ROWS`; no rows can be added after it."""
        if not self._runs:
            yield self._sorted()
            return
        self._write_run()
        self._rows = np.empty(0, self._dtype)  # what was held goes
        yield from self._merged()

    def _sorted(self) -> Shaped[np.ndarray, " N"]:
        rows = self._rows[: self._held]
        return rows[self._order(rows)]

    def _order(self, rows_N: Shaped[np.ndarray, " N"]) -> Int[np.ndarray, " N"]:
        return np.lexsort([rows_N[key] for key in reversed(self._keys)])

    def _write_run(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - until the exit
        self._file.write(self._sorted().tobytes())
        self._file.flush()
        self._runs.append((self._written, self._held))
        self._written, self._held = self._written + self._held, 0

    def _merged(self) -> Iterator[Shaped[np.ndarray, " N"]]:
        """Holds the next rows of each run. What is sorted up to the last of them of a run that goes
        on is in its final place: no later row comes before it."""
        share = max(1, ROWS // len(self._runs))
        held = [np.empty(0, self._dtype)] * len(self._runs)
        unread = list(self._runs)
        while True:
            for number, (first, count) in enumerate(unread):
                more = min(share - len(held[number]), count)
                if more:
                    held[number] = np.concatenate([held[number], self._read(first, more)])
                    unread[number] = (first + more, count - more)
            rows = np.concatenate(held)
            if not len(rows):
                return
            order = self._order(rows)
            ends = np.cumsum([len(part) for part in held])
            run_N = np.repeat(np.arange(len(held)), [len(part) for part in held])[order]
            goes_on = [number for number, (_, count) in enumerate(unread) if count]
            final = len(rows)
            if goes_on:
                place_N = np.empty(len(rows), np.int64)
                place_N[order] = np.arange(len(rows))
                final = 1 + int(place_N[ends[goes_on] - 1].min())
            yield rows[order[:final]]
            gone = np.bincount(run_N[:final], minlength=len(held)).tolist()
            held = [part[count:] for part, count in zip(held, gone, strict=True)]

    def _read(self, first: int, count: int) -> Shaped[np.ndarray, " count"]:
        content = os.pread(
            self._file.fileno(), count * self._dtype.itemsize, first * self._dtype.itemsize
        )
        if len(content) != count * self._dtype.itemsize:
            raise Failed("a temporary file was cut while it was read: run the command again.")
        return np.frombuffer(content, self._dtype)


def with_first(
    blocks: Iterable[Shaped[np.ndarray, " N"]], fields: Sequence[str]
) -> Iterator[
    tuple[
        Shaped[np.ndarray, " N"],
        Shaped[np.ndarray, " N"],
        Bool[np.ndarray, " N"],
    ]
]:
    """(rows, the first row that equals each of them in `fields`, whether a row is not that first).

    `blocks`: in an order in which such rows stand beside each other; they may be in several blocks.
    """
    before: list[np.ndarray] = []
    for rows in blocks:
        if not len(rows):
            continue
        seen = np.concatenate([*before, rows])
        is_first = np.arange(len(seen)) == 0
        for field in fields:
            is_first[1:] |= seen[field][1:] != seen[field][:-1]
        first = seen[np.maximum.accumulate(np.where(is_first, np.arange(len(seen)), 0))]
        known = len(before)
        yield rows, first[known:], ~is_first[known:]
        before = [first[-1:]]
