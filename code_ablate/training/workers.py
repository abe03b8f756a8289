"""Processes of this host that train phases beside each other, each on cores of its own.

    with Workers(2, Surroundings(stores, execution)) as workers:
        workers.train(member)        # called from a thread for each of them

On a CPU two small models on a core each train more tokens than one after the other on both: a core
need not wait for the other one in every operation, and what is not arithmetic (start, checkpoints,
lines of metrics) goes on side by side too. A process runs `loop.train` as it is. It is pinned to
its cores, and has as many threads as if it were not: XLA divides its sums among them, so that a
phase ends with the same bits as it does alone.
"""

import contextlib
import dataclasses
import itertools
import multiprocessing
import os
import queue
import signal
import subprocess
import sys
import threading
import traceback
from multiprocessing.connection import Connection
from typing import IO

from tqdm import tqdm

from code_ablate.allocator import KEEP_FREED_MEMORY, ready_the_host
from code_ablate.errors import Failed, Interrupted, UserError
from code_ablate.shown import shown
from code_ablate.training.devices import available_cores
from code_ablate.training.member import Member, Surroundings

_PROGRAM = "from code_ablate.training.workers import serve; serve()"
_ERRORS: dict[str, type[Exception]] = {c.__name__: c for c in (UserError, Failed, Interrupted)}
_POLL_SECONDS = 0.5
_EXIT_SECONDS = 20


class Workers:
    """The processes. Each is started when it is first needed, and lives until the end."""

    def __init__(self, members: int, surroundings: Surroundings):
        """`members`: number of processes, at most one for each core of this process."""
        beside = dataclasses.replace(surroundings.execution, side_by_side=members)
        surroundings = dataclasses.replace(surroundings, execution=beside)
        self._stopping = threading.Event()
        self._slots = [_Slot(cores, surroundings, self._stopping) for cores in shares(members)]
        self._free: queue.Queue[_Slot] = queue.Queue()
        for slot in self._slots:
            self._free.put(slot)

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *exc_info) -> None:
        self.stop()
        for slot in self._slots:
            slot.close()

    def train(self, member: Member) -> None:
        """Trains it in a process that is free, or will be.

        Raises what `loop.train` raises there, and Failed if that process is killed.
        """
        if member.run.complete:
            return
        slot = self._free.get()
        try:
            slot.train(member)
        finally:
            self._free.put(slot)

    def stop(self) -> None:
        """Makes every call of `train` raise Interrupted, those under way when they have saved."""
        self._stopping.set()


def shares(members: int) -> list[list[int]]:
    """The cores of this process in `members` parts, as equal as they can be."""
    cores = sorted(available_cores())
    bounds = [index * len(cores) // members for index in range(members + 1)]
    return [cores[low:high] for low, high in itertools.pairwise(bounds)]


class _Slot:
    """A share of the cores, and the process that works there."""

    def __init__(self, cores: list[int], surroundings: Surroundings, stopping: threading.Event):
        self._cores, self._surroundings, self._stopping = cores, surroundings, stopping
        self._process: subprocess.Popen | None = None
        self._connection: Connection
        self._reader: threading.Thread
        self._mark = ""

    def train(self, member: Member) -> None:
        """Has its process train `member`; see `Workers.train`."""
        if self._stopping.is_set():
            raise Interrupted(f"stopped before {member.label} was begun.")
        process = self._process or self._start()
        self._mark = member.mark
        try:
            self._connection.send(member)
            while not self._connection.poll(_POLL_SECONDS):
                if self._stopping.is_set():  # again and again: the first may come before the loop
                    process.send_signal(signal.SIGTERM)
            kind, message = self._connection.recv()
        except (EOFError, OSError):
            self._process = None
            raise _killed(process.wait(), member) from None
        if kind is not None:
            raise _ERRORS.get(kind, RuntimeError)(message)

    def close(self) -> None:
        """Ends the process; one that still works is killed."""
        process, self._process = self._process, None
        if process is None:
            return
        self._connection.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_EXIT_SECONDS)
        process.kill()
        process.wait()
        self._reader.join()

    def _start(self) -> subprocess.Popen:
        ours, theirs = multiprocessing.Pipe()
        with theirs:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-c",
                    _PROGRAM,
                    str(theirs.fileno()),
                    *map(str, self._cores),
                ],
                pass_fds=[theirs.fileno()],
                env=_environment(),
                stdin=subprocess.PIPE,  # nothing is written: its end tells that this process died
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,  # Ctrl-C is for this process, which then asks them to stop
            )
        self._process, self._connection = process, ours
        assert process.stderr is not None
        self._reader = threading.Thread(target=self._show, args=(process.stderr,), daemon=True)
        self._reader.start()
        ours.send(self._surroundings)
        return process

    def _show(self, lines: IO[str]) -> None:
        """Shows what the process writes, a line at a time, with the mark of what it trains."""
        for line in lines:
            text = line.rstrip("\n")
            if text:
                marked = text if text.startswith(self._mark) else f"{self._mark} {text}"
                tqdm.write(shown(marked), file=sys.stderr)


def _environment() -> dict[str, str]:
    """For a worker: modules and allocator as here, a CPU, threads for all cores of this process.

    NPROC is what XLA counts instead of the cores that a process is pinned to.
    """
    path = os.pathsep.join(entry for entry in sys.path if entry)
    threads = os.environ.get("NPROC", str(len(available_cores())))
    own = {"PYTHONPATH": path, "JAX_PLATFORMS": "cpu", "NPROC": threads}
    return {**os.environ, **own, **KEEP_FREED_MEMORY}


def _killed(code: int, member: Member) -> Failed:
    how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
    return Failed(
        f"{member.label}: the process that trained {member.run.path} ended {how}; when memory runs "
        "short, the system does that. The same command goes on from the last checkpoint. If memory "
        "ran short, set FleetConfig.members to a lower number."
    )


# --- in the process that trains ------------------------------------------------------------------


def serve() -> None:
    """The program of a worker: trains what comes through the connection, until that is closed."""
    descriptor, *cores = map(int, sys.argv[1:])
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)  # before there are threads, which inherit it
    # It says something to the loop alone, which has a handler of its own while it trains.
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    connection = Connection(descriptor)
    surroundings: Surroundings = connection.recv()
    _ready()
    while True:
        try:
            member: Member = connection.recv()
        except EOFError:
            return
        connection.send(_outcome(member, surroundings))


def _end_with_parent() -> None:
    """Ends this process when the one that started it dies, so that its runs are free again."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(1)


def _ready() -> None:
    """What the commands do before they train."""
    import logging

    logging.getLogger("absl").setLevel(logging.ERROR)
    ready_the_host()


def _outcome(member: Member, surroundings: Surroundings) -> tuple[str | None, str]:
    """(None, "") if the phase is complete, else the class and the text of what was raised."""
    from code_ablate.training.loop import train

    try:
        train(
            member.phase,
            surroundings.stores,
            member.run,
            parent=member.parent,
            execution=surroundings.execution,
            operative_gin=surroundings.operative_gin,
            label=member.label,
        )
    except (UserError, Failed, Interrupted) as error:
        known = next(name for name, kind in _ERRORS.items() if isinstance(error, kind))
        return known, str(error)
    except Exception:
        return "", traceback.format_exc()
    return None, ""
