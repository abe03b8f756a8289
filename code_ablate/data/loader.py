"""Global batches of windows, read ahead of the train step.

    batches = Batches(stream, stores, batch_windows=512, seq_len=8192)
    with ReadAhead(batches.read, first=batches_done, last=steps) as reader:
        for step, batch in reader: ...

Batch s holds positions s * batch_windows ... (s + 1) * batch_windows - 1 of the stream. A process
reads only the rows that its devices hold; which process reads a row never changes what the row is.
"""

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from jaxtyping import Int

from code_ablate.data.mixing import Stream
from code_ablate.data.store import TokenStore

T = TypeVar("T")


@dataclass(frozen=True)
class Batch:
    """A global batch, of which one process holds some rows."""

    tokens_RT: Int[np.ndarray, "R T+1"]
    """Windows of the rows that were asked for: inputs are [:, :-1], targets [:, 1:]."""
    corpus_B: Int[np.ndarray, " B"]
    """Index into the stream's corpora, of every row of the global batch."""


@dataclass(frozen=True)
class Batches:
    """Reads batches of a stream from the token stores."""

    stream: Stream
    """Which window stands at each position."""
    stores: Mapping[str, TokenStore]
    """Token store of each corpus."""
    batch_windows: int
    """Rows in a global batch."""
    seq_len: int
    """Tokens that a window predicts: it has one more."""

    def read(self, step: int, rows_R: Int[np.ndarray, " R"] | None = None) -> Batch:
        """Global batch `step` (from 0), with the windows of `rows_R` only (None: of all)."""
        first = step * self.batch_windows
        corpus_B, window_B = self.stream.at(np.arange(first, first + self.batch_windows))
        rows_R = np.arange(self.batch_windows) if rows_R is None else rows_R
        corpus_R, window_R = corpus_B[rows_R], window_B[rows_R]
        tokens_RT = np.empty((len(rows_R), self.seq_len + 1), np.int32)
        for m, corpus in enumerate(self.stream.corpora):
            of_it = corpus_R == m
            if of_it.any():
                tokens_RT[of_it] = self.stores[corpus].read_windows(window_R[of_it], self.seq_len)
        return Batch(tokens_RT, corpus_B.astype(np.int32))


class ReadAhead(Generic[T]):
    """Calls `make(step)` for step in [first, last) on a thread, `depth` results ahead.

    Iterating yields (step, result). An exception in `make` is raised where the result is taken.
    Leaving the `with` block stops the thread.
    """

    def __init__(self, make: Callable[[int], T], *, first: int, last: int, depth: int = 2):
        self._make, self._first, self._last = make, first, last
        self._queue: queue.Queue[tuple[int, Any, BaseException | None]] = queue.Queue(depth)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="read-ahead", daemon=True)

    def __enter__(self) -> "ReadAhead[T]":
        self._thread.start()
        return self

    def __exit__(self, *exc_info) -> None:
        self._stop.set()
        while self._thread.is_alive():
            with contextlib.suppress(queue.Empty):
                self._queue.get(timeout=0.05)
        self._thread.join()

    def _work(self) -> None:
        for step in range(self._first, self._last):
            entry: tuple[int, Any, BaseException | None]
            try:
                entry = (step, self._make(step), None)
            except BaseException as error:
                entry = (step, None, error)
            while not self._stop.is_set():
                try:
                    self._queue.put(entry, timeout=0.1)
                    break
                except queue.Full:
                    continue
            if self._stop.is_set() or entry[2] is not None:
                return

    def __iter__(self) -> Iterator[tuple[int, T]]:
        for _ in range(self._first, self._last):
            step, result, error = self._queue.get()
            if error is not None:
                raise error
            yield step, result
