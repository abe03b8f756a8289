"""Runs the pieces of a pass on this machine: in this process at first, then in worker processes.

    for result in LocalRunner(workers=8).run(Extraction(registration), pieces): ...

Workers are started only for what takes longer than a minute, because each needs ten seconds or more
to import TensorFlow; one pool serves all corpora.
"""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, ClassVar

from tqdm import tqdm

from code_ablate import worker_process
from code_ablate.data.preparing.runner import Grouping, P, Place, R, group_here
from code_ablate.errors import Failed
from code_ablate.progress import bar

SECONDS_HERE = 60
"""Time for which this process works alone; what is left then goes to worker processes."""


class Bar:
    """Share of the bytes that is read, or of the pieces where these have no sizes; documents."""

    def __init__(self, sizes: Sequence[int | None], progress: bool):
        """`sizes`: bytes of files that each piece reads; None: not known."""
        known = [size for size in sizes if size is not None]
        self._by_bytes = len(known) == len(sizes) and sum(known) > 0
        self._bar = bar(
            sum(known) if self._by_bytes else len(sizes),
            "prepare",
            unit="B" if self._by_bytes else "piece",
            scale=self._by_bytes,
            show=progress,
        )
        self.counts = (0, 0)
        self.read = 0
        self._pieces, self._pieces_done = len(sizes), 0

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *exc_info) -> None:
        self._bar.close()

    def add(self, documents: int, size: int) -> None:
        """Counts what has come since the last call."""
        self.show(self.counts[0] + documents, self.counts[1] + size, self.read)

    def add_read(self, size: int) -> None:
        """Counts bytes of files."""
        self.read += size
        if self._by_bytes:
            self._bar.update(size)

    def show(self, documents: int, size: int, read: int) -> None:
        """Shows what has come since the start."""
        self.counts, self.read = (documents, size), read
        if self._by_bytes:
            shown = f"{documents:,} documents, {self._pieces_done}/{self._pieces} pieces"
            self._bar.set_postfix_str(shown, refresh=False)
            self._bar.update(read - self._bar.n)
            return
        seconds = max(self._bar.format_dict["elapsed"], 1e-3)
        self._bar.set_postfix_str(f"{documents:,} documents, {size / 1e6 / seconds:.1f} MB/s")

    def piece_done(self, piece: Any) -> None:
        """One more piece is done; `str(piece)` is shown."""
        self._pieces_done += 1
        self._bar.set_description(f"prepare {piece}", refresh=False)
        if not self._by_bytes:
            self._bar.update()
        self.show(*self.counts, self.read)


class _TooLong(Exception):
    """Raised to leave a piece to the workers."""


@dataclass(frozen=True)
class LocalRunner:
    """A `Runner` on this machine."""

    workers: int = 0
    """Worker processes; 0: one for each core. With 1 all is done in this process."""
    progress: bool = True
    """Whether a progress bar is shown."""
    is_cluster: ClassVar[bool] = False

    def run(
        self,
        function: Callable[[P, Place], R],
        pieces: Sequence[P],
        sizes: Sequence[int | None] | None = None,
    ) -> Generator[R, None, None]:
        """The result of each piece, as they are done."""
        with Bar([None] * len(pieces) if sizes is None else sizes, self.progress) as shown:
            yield from _run(function, list(pieces), self.workers or os.cpu_count() or 1, shown)

    def group(self, grouping: Grouping[P, R], pieces: Sequence[P]) -> Iterator[R]:
        """The result of each key, worked out in this process."""
        return group_here(grouping, pieces)


def _run(
    function: Callable[[P, Place], R], waiting: list[P], workers: int, shown: Bar
) -> Iterator[R]:
    begin, before = time.monotonic(), (0, 0, 0)

    def report(documents: int, size: int) -> None:
        shown.add(documents, size)
        if len(waiting) > 1 and workers > 1 and time.monotonic() - begin >= SECONDS_HERE:
            raise _TooLong

    while waiting:
        try:
            result = function(waiting[0], Place(report=report, read=shown.add_read))
        except _TooLong:
            shown.show(*before)
            break
        shown.piece_done(waiting.pop(0))
        before = (*shown.counts, shown.read)
        yield result
    if waiting:
        yield from _run_in_workers(function, waiting, workers, shown)


def _run_in_workers(
    function: Callable[[P, Place], R], pieces: Sequence[P], workers: int, shown: Bar
) -> Iterator[R]:
    """One pool for all pieces. An exception, Ctrl-C too, stops the workers and passes on.

    Raises Failed if a worker is killed.
    """
    context = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
    counts, stop = context.Array("q", (*shown.counts, shown.read)), context.Event()
    if workers > len(pieces):
        tqdm.write(
            f"{workers} workers, but only {len(pieces)} pieces of work: more files give all "
            "of them work, or a higher PrepareConfig.pieces if it is set. What is compressed is "
            "not cut."
        )
        workers = len(pieces)
    threads = max(1, (os.cpu_count() or 1) // workers)
    finished = 0
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=_start_worker, initargs=(counts, stop, threads)
    ) as pool:
        try:
            pieces_by_future = {pool.submit(_work, function, piece): piece for piece in pieces}
            pending = set(pieces_by_future)
            while pending:
                done, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
                shown.show(*counts[:])
                for future in done:
                    result = future.result()
                    finished += 1
                    shown.piece_done(pieces_by_future[future])
                    yield result
        except BaseException as error:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            if isinstance(error, BrokenProcessPool):
                raise _killed(len(pieces) - finished, len(pieces), workers) from error
            raise


def _killed(unfinished: int, total: int, workers: int) -> Failed:
    return Failed(
        "a worker process was killed from outside; when memory runs short, the system does that. "
        f"Of {total} pieces {total - unfinished} are finished and kept; the work on "
        f"{min(workers, unfinished)} at most is lost. Run the same command again: it goes on with "
        f"the {unfinished} that are left. If memory ran short, set PrepareConfig.workers below "
        f"{workers}."
    )


class _Stopped(Exception):
    """Raised in a worker when the others have failed or the user has interrupted."""


_worker: dict[str, Any] = {}
"""What a worker process was started with; empty in the main process."""


def _start_worker(counts: Any, stop: Any, threads: int) -> None:
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process tells when to stop
    _worker.update(counts=counts, stop=stop, threads=threads)
    worker_process.end_with_parent()


def _work(function: Callable[[P, Place], R], piece: P) -> R:
    return function(piece, Place(_worker["threads"], _report, _count_read))


def _report(documents: int, size: int) -> None:
    if _worker["stop"].is_set():
        raise _Stopped()
    counts = _worker["counts"]
    with counts.get_lock():
        counts[0] += documents
        counts[1] += size


def _count_read(size: int) -> None:
    counts = _worker["counts"]
    with counts.get_lock():
        counts[2] += size
