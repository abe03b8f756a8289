"""Extracts pieces of corpora: in this process while that is quick, then in worker processes.

    with Bar(len(pieces), progress=True) as bar:
        for result in run_pieces(pieces, workers=8, registration=registration, bar=bar): ...

One pool serves all corpora, because a worker needs ten seconds or more to import TensorFlow; small
corpora are done before that. Where and in which order pieces are extracted never changes what comes
out.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from multiprocessing import connection
from typing import Any

from tqdm import tqdm

from code_ablate.data.preparing.extract import (
    Piece,
    PieceResult,
    check_registration,
    extract,
    import_modules,
)

SECONDS_HERE = 60
"""So long pieces are extracted in this process; then workers are started for the rest."""


class Bar:
    """Pieces done, documents, and megabytes of text per second."""

    def __init__(self, pieces: int, progress: bool):
        self._bar = tqdm(total=pieces, desc="prepare", unit="piece", disable=not progress)
        self.counts = (0, 0)

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *exc_info) -> None:
        self._bar.close()

    def add(self, documents: int, size: int) -> None:
        """Counts what has come since the last call."""
        self.show(self.counts[0] + documents, self.counts[1] + size)

    def show(self, documents: int, size: int) -> None:
        """Shows what has come since the start."""
        self.counts = (documents, size)
        seconds = max(self._bar.format_dict["elapsed"], 1e-3)
        self._bar.set_postfix_str(f"{documents:,} documents, {size / 1e6 / seconds:.1f} MB/s")

    def piece_done(self, corpus: str) -> None:
        """One more piece is done."""
        self._bar.set_description(f"prepare {corpus}")
        self._bar.update()


@dataclass(frozen=True)
class Registration:
    """How a worker comes to know the corpora, and what it must find."""

    modules: tuple[str, ...]
    """Imported in each worker, after `tasks`."""
    preprocessors: Mapping[str, Sequence[Mapping[str, str]]]
    """Fingerprints by corpus."""


class _TooLong(Exception):
    """Raised to leave a piece to the workers."""


def run_pieces(
    pieces: Sequence[Piece], workers: int, registration: Registration, bar: Bar
) -> Iterator[PieceResult]:
    """The results of all pieces, as they are done. With workers=1 all is done in this process."""
    waiting = list(pieces)
    begin, before = time.monotonic(), (0, 0)

    def report(documents: int, size: int) -> None:
        bar.add(documents, size)
        if len(waiting) > 1 and workers > 1 and time.monotonic() - begin >= SECONDS_HERE:
            raise _TooLong

    while waiting:
        try:
            result = extract(waiting[0], report)
        except _TooLong:
            bar.show(*before)
            break
        yield result
        waiting.pop(0)
        before = bar.counts
    if waiting:
        yield from _run_in_workers(waiting, workers, registration, bar)


def _run_in_workers(
    pieces: Sequence[Piece], workers: int, registration: Registration, bar: Bar
) -> Iterator[PieceResult]:
    """One pool for all corpora. An exception, Ctrl-C too, stops the workers and passes on."""
    context = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
    counts, stop = context.Array("q", bar.counts), context.Event()
    if workers > len(pieces):
        tqdm.write(
            f"{workers} workers for {len(pieces)} pieces: more PrepareConfig.pieces use more."
        )
        workers = len(pieces)
    threads = max(1, (os.cpu_count() or 1) // workers)
    with ProcessPoolExecutor(
        workers,
        mp_context=context,
        initializer=_start_worker,
        initargs=(registration, counts, stop),
    ) as pool:
        try:
            pending = {
                pool.submit(_extract_in_worker, replace(piece, threads=threads)) for piece in pieces
            }
            while pending:
                done, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
                bar.show(*counts[:])
                for future in done:
                    yield future.result()
        except BaseException:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


class _Stopped(Exception):
    """Raised in a worker when the others have failed or the user has interrupted."""


_worker: dict[str, Any] = {}
"""What a worker process was started with; empty in the main process."""


def _start_worker(registration: Registration, counts: Any, stop: Any) -> None:
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process tells when to stop
    _worker.update(registration=registration, counts=counts, stop=stop, checked=set())
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _extract_in_worker(piece: Piece) -> PieceResult:
    registration, checked = _worker["registration"], _worker["checked"]
    if piece.corpus not in checked:
        import_modules(("tasks", *registration.modules))
        check_registration(piece.corpus, registration.preprocessors[piece.corpus])
        checked.add(piece.corpus)
    return extract(piece, _report)


def _report(documents: int, size: int) -> None:
    if _worker["stop"].is_set():
        raise _Stopped()
    counts = _worker["counts"]
    with counts.get_lock():
        counts[0] += documents
        counts[1] += size
