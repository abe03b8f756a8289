"""The files of one Beam pipeline: what is to be worked on goes to its workers in them, and back.

    job = Job.write("data/stores/.beam", function, pieces)
    job.work(3)                      # in any process, once or more often: piece 3
    list(job.results())              # here, when the pipeline is done

A pipeline's graph has to stay small (services refuse one of some megabytes), so it holds numbers,
and the pieces lie in files. An error is kept as a file too: the first one ends the job, as what was
raised and not as a service's report of it. All of this is Beam's runners' business alone; which
documents a store holds does not depend on it.
"""

import contextlib
import functools
import hashlib
import pickle
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from etils import epath

from code_ablate import storage
from code_ablate.data.preparing.runner import Place
from code_ablate.data.preparing.shared_files import entries

_FORGOTTEN_SECONDS = 14 * 24 * 3600
_LOOK_SECONDS = 5.0
_WORK, _STOP, _ERROR = "work", "stop", "error"


class _Stopped(Exception):
    """Raised to leave a piece when another one has failed, or the user has interrupted."""


@dataclass(frozen=True)
class Job:
    """One pipeline's folder, and what its workers do."""

    folder: str
    """Folder that the workers see under the same name."""

    @classmethod
    def write(cls, root: str, work: Any, pieces: Sequence[Any]) -> "Job":
        """A new job below `root`. `work`: a function of a piece and a place, or a `Grouping`."""
        _delete_forgotten(epath.Path(root))
        job = cls(f"{root}/{uuid.uuid4().hex}")
        job._path().mkdir(parents=True)
        job._write(_WORK, work)
        for number, piece in enumerate(pieces):
            job._write(f"{number}.piece", piece)
        return job

    def work(self, number: int) -> None:
        """Works on a piece, and writes the result."""
        name = f"{number}.result"
        with _Caught(self) as ready:
            if ready and not self._path(name).exists():
                function: Callable = _read_work(self.folder)
                piece = self._read(f"{number}.piece")
                self._write(name, function(piece, Place(report=_Watching(self))))

    def spread(self, number: int) -> list[tuple[tuple, Any]]:
        """Keys and values of a piece, in all rounds of the grouping."""
        with _Caught(self) as ready:
            if ready:
                return list(_read_work(self.folder).spread(self._read(f"{number}.piece")))
        return []

    def gather(self, keyed: tuple[tuple, Any]) -> None:
        """Writes the result of a key."""
        key, values = keyed
        digest = hashlib.sha256(repr(key).encode()).hexdigest()[:32]
        with _Caught(self) as ready:
            if ready:
                self._write(f"{digest}.result", _read_work(self.folder).gather(key, list(values)))

    def results(self) -> Iterator[Any]:
        """What the workers have written, in an order of its own."""
        for name in self.finished():
            yield self._read(name)

    def finished(self) -> list[str]:
        """Names of the results that are there."""
        return [path.name for path in entries(self._path()) if path.name.endswith(".result")]

    def stop(self) -> None:
        """Lets workers begin no further piece, and leave those that they are at."""
        self._path(_STOP).write_text("")

    @property
    def stopped(self) -> bool:
        """Whether the workers are to stop."""
        ends = (_STOP, _ERROR)
        # A job whose process has ended is deleted, and may have workers still.
        return any(self._path(e).exists() for e in ends) or not self._path(_WORK).exists()

    def fail(self, error: BaseException) -> None:
        """Keeps an error for `require_success`, and stops the job."""
        text = "".join(traceback.format_exception(error))
        try:
            pickle.loads(kept := pickle.dumps(error))
        except Exception:  # an exception of a library whose arguments are not its message
            kept = pickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"))
        if not self._path(_ERROR).exists():  # the others may only follow from the first
            self._write(_ERROR, (kept, text))

    def require_success(self) -> None:
        """Raises the first error of a worker as it was raised there."""
        if self._path(_ERROR).exists():
            kept, text = self._read(_ERROR)
            raise pickle.loads(kept) from _InWorker(text)

    def delete(self) -> None:
        """Deletes the folder."""
        self._path().rmtree(missing_ok=True)

    def _path(self, name: str = "") -> epath.Path:
        return epath.Path(self.folder) / name if name else epath.Path(self.folder)

    def _write(self, name: str, value: Any) -> None:
        storage.replace(self._path(name), pickle.dumps(value, pickle.HIGHEST_PROTOCOL))

    def _read(self, name: str) -> Any:
        return pickle.loads(self._path(name).read_bytes())


class _InWorker(Exception):
    """Shows the traceback of a worker below that of this process."""

    def __str__(self) -> str:
        return f"in a Beam worker:\n{self.args[0]}"


class _Caught:
    """Runs a part of a job: not if the job is stopped, and an error is kept, not raised.

    A runner would try again what raises, several times, and tell of it in its own way.
    """

    def __init__(self, job: Job):
        self._job = job

    def __enter__(self) -> bool:
        storage.require(self._job.folder, "Paths.data")  # in every process that asks a store
        return not self._job.stopped

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        # Ctrl-C comes to a worker that is this process itself, and a runner would report it as a
        # failure of the pipeline.
        if isinstance(error, Exception | KeyboardInterrupt) and not isinstance(error, _Stopped):
            self._job.fail(error)
        return isinstance(error, Exception)


class _Watching:
    """A place's `report`: leaves the piece when the job is stopped."""

    def __init__(self, job: Job):
        self._job, self._looked = job, time.monotonic()

    def __call__(self, documents: int, size: int) -> None:
        if time.monotonic() - self._looked >= _LOOK_SECONDS:
            self._looked = time.monotonic()
            if self._job.stopped:
                raise _Stopped


@functools.lru_cache(2)
def _read_work(folder: str) -> Any:
    return Job(folder)._read(_WORK)


def _delete_forgotten(root: epath.Path) -> None:
    """Deletes folders of jobs whose process was killed."""
    for folder in entries(root):
        with contextlib.suppress(FileNotFoundError):  # another process deletes it
            if time.time() - (folder / _WORK).stat().mtime > _FORGOTTEN_SECONDS:
                folder.rmtree(missing_ok=True)
