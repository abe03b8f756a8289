"""The directory of a run: where a phase was executed, and what came of it.

    run = RunDirectory.of(runs_dir, phase, identity)
    with run.locked(): ...
    run.status["state"]        # 'new', 'running', 'interrupted', 'failed' or 'complete'

config.json (what the phase is), operative_config.gin, metrics.jsonl, checkpoints/, eval/,
status.json. On a pod every process may call the methods that write: process 0 alone does.
"""

import contextlib
import datetime
import fcntl
import functools
import json
import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from etils import epath
from tqdm import tqdm

from code_ablate import distributed, storage
from code_ablate.checked import checked
from code_ablate.errors import UserError
from code_ablate.training.metrics_file import MetricsFile
from code_ablate.training.phase import Phase, phase_from_plain


@dataclass(frozen=True)
class RunDirectory:
    """Paths and small files of one run."""

    path: epath.Path
    """Folder of the run."""
    identity: str
    """Identity of the phase that it executes."""

    @classmethod
    def of(cls, runs_dir: epath.PathLike, phase: Phase, identity: str) -> "RunDirectory":
        """The directory for this identity: the one that is there, else a new one named for it."""
        storage.require(runs_dir, "the folder of runs", storage.CHECKPOINTS)
        runs_dir = epath.Path(runs_dir)
        folders = runs_dir.iterdir() if runs_dir.exists() else ()
        matches = sorted(path for path in folders if path.name.endswith(f"-{identity}"))
        return cls(matches[0] if matches else runs_dir / f"{phase.name}-{identity}", identity)

    @classmethod
    def open(cls, path: epath.PathLike) -> "RunDirectory":
        """An existing run. Raises UserError if `path` is not one."""
        storage.require(path, "the run directory", storage.CHECKPOINTS)
        path = epath.Path(path)
        if not (path / "config.json").exists():
            raise UserError(f"{path} is not a run directory: it has no config.json.")
        return cls(path, json.loads((path / "config.json").read_text())["identity"])

    @property
    def checkpoints(self) -> epath.Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def metrics(self) -> epath.Path:
        """The file of metrics, one JSON object a line."""
        return self.path / "metrics.jsonl"

    def evaluation(self, step: int) -> epath.Path:
        """Folder of the scores of checkpoint `step`."""
        return self.path / "eval" / str(step)

    @property
    def status(self) -> dict:
        """What status.json says; {'state': 'new'} where there is none."""
        file = self.path / "status.json"
        return json.loads(file.read_text()) if file.exists() else {"state": "new", "step": 0}

    @property
    def complete(self) -> bool:
        """Whether the phase was trained to its end."""
        return self.status["state"] == "complete"

    @property
    def config(self) -> dict:
        """What config.json says: identity, its description, and the phase."""
        return json.loads((self.path / "config.json").read_text())

    def set_status(self, state: str, **fields) -> None:
        """Replaces status.json in one move, so that a reader never sees half of it.

        The metrics so far are saved first.
        """
        self.save_metrics()
        self._replace("status.json", json.dumps({"state": state, **fields}, indent=1))

    def write_config(
        self, description: dict, phase: dict, operative_gin: str, *, vocabulary: str, device: str
    ) -> None:
        """Writes what the run is. Raises UserError if the directory is of another phase.

        `vocabulary`: digest of the one its token ids are of; `device`: what it runs on.
        """
        file = self.path / "config.json"
        if file.exists() and self.config["identity"] != self.identity:
            raise UserError(
                f"{self.path} is the run of {self.config['identity']}, not of {self.identity}: "
                "the configuration or a token store has changed. Choose another directory."
            )
        config = {
            "identity": self.identity,
            "description": description,
            "phase": phase,
            "vocabulary": vocabulary,
            "device": device,
        }
        self._replace("config.json", json.dumps(config, indent=1))
        if operative_gin:
            self._replace("operative_config.gin", operative_gin)

    def _replace(self, name: str, text: str) -> None:
        if not distributed.is_first():
            return
        self.path.mkdir(parents=True, exist_ok=True)
        storage.replace(self.path / name, text)

    def trim_metrics(self, step: int) -> None:
        """Drops the lines of steps after `step`: they are about to be done again."""
        if distributed.is_first():
            self._metrics_file.trim(step)

    def require_vocabulary(self, digest: str) -> None:
        """Raises UserError if the run's token ids are of another vocabulary than this one."""
        if self.config["vocabulary"] != digest:
            trained = self.config["vocabulary"]
            raise UserError(
                f"{self.path} was trained with vocabulary {trained[:12]}, and gin names "
                f"{digest[:12]}: give the gin files and data folder of its training."
            )

    def last_metrics(self) -> dict:
        """The last whole line of metrics.jsonl; empty where there is none."""
        return self._metrics_file.last()

    def append_metrics(self, line: dict) -> None:
        """Adds a line to metrics.jsonl. On an object store it shows up to a minute later."""
        if distributed.is_first():
            self._metrics_file.append(line)

    def save_metrics(self) -> None:
        """Writes lines that wait for it. Call it before a checkpoint is saved.

        Then a restart from that checkpoint finds the lines of all steps before it.
        """
        if distributed.is_first():
            self._metrics_file.save()

    @functools.cached_property
    def _metrics_file(self) -> MetricsFile:
        return MetricsFile(self.metrics)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the run for this job. Raises UserError if another one trains it.

        The kernel drops the lock of a process that dies. Object stores have no locks: there the
        scheduler has to see to it that a job runs once, and a sign left by another job is answered
        with a warning only.
        """
        hold = self._sign if storage.is_remote(self.path) else self._file_lock
        with contextlib.ExitStack() as held:
            distributed.from_first(lambda: held.enter_context(hold()))
            yield

    @contextlib.contextmanager
    def _file_lock(self) -> Iterator[None]:
        self.path.mkdir(parents=True, exist_ok=True)
        with (Path(self.path) / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(f"{self.path} is being trained by another process.") from None
            yield

    @contextlib.contextmanager
    def _sign(self) -> Iterator[None]:
        """Says in running.json who trains this run. Warns if it is there: nothing else can tell
        a job that runs from one that was killed."""
        file = self.path / "running.json"
        if file.exists():
            tqdm.write(
                f"warning: {self.path} was being trained by {json.loads(file.read_text())}, which "
                "did not end in an orderly way. If it was killed, all is well. If it is still "
                "running, stop one of the two: object stores have no locks.",
                file=sys.stderr,
            )
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        owner = {"host": socket.gethostname(), "process": os.getpid(), "since": now}
        storage.replace(file, json.dumps(owner))
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


@checked
def phase_of_run(path: str) -> Phase:
    """The phase that a run executed, e.g. to be the parent of another one.

    `path`: directory of the run.
    """
    return phase_from_plain(RunDirectory.open(path).config["phase"])
