"""The directory of a run: where a phase was executed, and what came of it.

    run = RunDirectory.of(runs_dir, phase, identity, "text_only-pretraining-seed0")
    with run.locked(): ...
    run.status["state"]        # 'new', 'running', 'interrupted', 'failed' or 'complete'

config.json (what the phase is), operative_config.gin, metrics.jsonl, checkpoints/, eval/,
status.json. On a pod every process may call the methods that write: process 0 alone does.
"""

import contextlib
import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from etils import epath

from code_ablate import distributed, locks, logged_metrics, own_file, storage
from code_ablate.checked import checked
from code_ablate.errors import UserError
from code_ablate.source_commit import source_commit
from code_ablate.training import run_files
from code_ablate.training.metrics_file import MetricsFile
from code_ablate.training.phase import Phase, phase_from_plain
from code_ablate.training.run_files import CHECKPOINTS, CONFIG, STATUS, RunConfig, RunStatus


@dataclass(frozen=True)
class RunDirectory:
    """Paths and small files of one run."""

    path: epath.Path
    """Folder of the run."""
    identity: str
    """Identity of the phase that it executes."""

    @classmethod
    def of(
        cls, runs_dir: epath.PathLike, phase: Phase, identity: str, label: str = ""
    ) -> "RunDirectory":
        """The directory for this identity: the one that is there, whatever name it begins with,
        else a new one, `label` and the identity.

        Equal phases are one run, also if two recipes name them differently. `label`: what the
        phase belongs to, as `file_part` makes it; empty: the phase's own name and seed.
        """
        storage.require(runs_dir, "the folder of runs", storage.CHECKPOINTS)
        storage.require_reachable(runs_dir, "the folder of runs")
        runs_dir = epath.Path(runs_dir)
        folders = runs_dir.iterdir() if runs_dir.exists() else ()
        matches = sorted(path for path in folders if path.name.endswith(f"-{identity}"))
        name = f"{label or f'{phase.name}-seed{phase.seed}'}-{identity}"
        return cls(matches[0] if matches else runs_dir / name, identity)

    @classmethod
    def reserve(
        cls, runs_dir: epath.PathLike, phases: Mapping[str, Phase], labels: Mapping[str, str]
    ) -> "dict[str, RunDirectory]":
        """The directory of each phase, as `of` gives it, by identity, and made.

        Whoever reserves runs in the same folder meanwhile, by whatever labels, gets the same ones.
        `labels`: by identity.
        """
        runs = {}
        with locks.turn(epath.Path(runs_dir), "makes folders for its runs"):
            for identity, phase in phases.items():
                runs[identity] = cls.of(runs_dir, phase, identity, labels[identity])
                runs[identity].path.mkdir(parents=True, exist_ok=True)
        return runs

    @classmethod
    def open(cls, path: epath.PathLike) -> "RunDirectory":
        """An existing run. Raises UserError if `path` is not one, or its config.json is damaged."""
        storage.require(path, "the run directory", storage.CHECKPOINTS)
        storage.require_reachable(path, "the run directory")
        path = epath.Path(path)
        if not (path / CONFIG).exists():
            raise UserError(f"{path} is not a run directory: it has no {CONFIG}.")
        return cls(path, run_files.read_config(path).identity)

    @classmethod
    def all_in(cls, runs_dir: epath.PathLike) -> "list[RunDirectory]":
        """The runs in a folder, by name. One whose config.json is damaged is left out, and said."""
        runs_dir, runs = epath.Path(runs_dir), []
        for file in sorted(runs_dir.glob(f"*/{CONFIG}")) if runs_dir.exists() else ():
            try:
                runs.append(cls.open(file.parent))
            except own_file.Damaged as error:
                own_file.warn_once(str(error))
        return runs

    @property
    def checkpoints(self) -> epath.Path:
        """Folder of the checkpoints."""
        return self.path / CHECKPOINTS

    @property
    def metrics(self) -> epath.Path:
        """The file of metrics, one JSON object a line."""
        return self.path / logged_metrics.FILE

    def evaluation(self, step: int) -> epath.Path:
        """Folder of the scores of checkpoint `step`."""
        return self.path / "eval" / str(step)

    @property
    def status(self) -> dict[str, Any]:
        """The fields of RunStatus, as plain values: see `run_files.read_status`."""
        return dataclasses.asdict(run_files.read_status(self.path))

    @property
    def complete(self) -> bool:
        """Whether the phase was trained to its end. Its checkpoints may be gone since."""
        return self.status["state"] == "complete"

    @property
    def has_checkpoints(self) -> bool:
        """Whether training goes on from a checkpoint of its own."""
        return bool(run_files.checkpoint_steps(self.path))

    def has_parameters(self, step: int) -> bool:
        """Whether the checkpoint of `step` is there."""
        return step in run_files.checkpoint_steps(self.path)

    def require_parameters(self, step: int) -> None:
        """Raises UserError if the run is complete and its last checkpoint, of `step`, is gone."""
        if self.complete and not self.has_parameters(step):
            raise UserError(
                f"{self.path} is complete, but its parameters are gone: {CHECKPOINTS}/ has no step "
                f"{step}. Put that folder back; or delete {self.path / STATUS} and give the same "
                "command again: the run is trained once more."
            )

    @property
    def config(self) -> dict[str, Any]:
        """The fields of RunConfig, as plain values. Raises UserError if config.json is damaged."""
        return dataclasses.asdict(run_files.read_config(self.path))

    def set_status(self, state: str, **fields: Any) -> None:
        """Replaces status.json in one move, so that a reader never sees half of it.

        `fields`: those of RunStatus. The metrics so far are saved first.
        """
        self.save_metrics()
        self._replace(STATUS, own_file.text_of(RunStatus(state, **fields), run_files.FORMAT))

    def write_config(
        self, description: dict, phase: dict, operative_gin: str, *, vocabulary: str, device: str
    ) -> None:
        """Writes what the run is. Raises UserError if the directory is of another phase.

        The commit of the running code joins those that trained it before.

        `vocabulary`: digest of the one its token ids are of; `device`: what it runs on.
        """
        commits: tuple[str, ...] = ()
        with contextlib.suppress(own_file.Damaged):  # then it is written anew
            before = run_files.read_config(self.path)
            if before.identity != self.identity:
                raise UserError(
                    f"{self.path} is the run of {before.identity}, not of {self.identity}: "
                    "the configuration or a token store has changed. Choose another directory."
                )
            commits = before.commits
        if (commit := source_commit()) and commit not in commits[-1:]:
            commits = (*commits, commit)
        config = RunConfig(self.identity, description, phase, vocabulary, device, commits)
        self._replace(CONFIG, own_file.text_of(config, run_files.FORMAT))
        if operative_gin:
            self._replace("operative_config.gin", operative_gin)

    def _replace(self, name: str, text: str) -> None:
        if not distributed.is_first():
            return
        self.path.mkdir(parents=True, exist_ok=True)
        storage.replace(self.path / name, text)

    def trim_metrics(self, step: int, written: dict[str, Any] | None = None) -> None:
        """Drops the lines of steps after `step`: they are about to be done again.

        `written`: what `save_metrics` returned when the checkpoint of `step` was saved; it is said
        if the lines are no longer those.
        """
        if distributed.is_first():
            self._metrics_file.trim(step, written)

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

    def save_metrics(self) -> dict[str, Any]:
        """Writes lines that wait for it. Call it before a checkpoint is saved.

        Then a restart from that checkpoint finds the lines of all steps before it, and knows them
        by what this returns on process 0; empty on the others.
        """
        return self._metrics_file.save() if distributed.is_first() else {}

    @functools.cached_property
    def _metrics_file(self) -> MetricsFile:
        return MetricsFile(self.metrics)

    def locked(self) -> contextlib.AbstractContextManager[None]:
        """Holds the run for this job. Raises UserError if another one trains it.

        On an object store, which has no locks, a sign left by another host is answered with a
        warning only: there the scheduler has to see to it that a job runs once.
        """
        return locks.held(self.path, "trained")

    @property
    def dead_trainer(self) -> str | None:
        """The process that trained the run, where it is gone and the run says that it trains.

        None where it lives, or stopped in an orderly way, or this host cannot tell: that process
        was on another one.
        """
        holder = locks.holder(self.path)
        gone = holder.state == "dead" and self.status["state"] == "running"
        return str(holder.owner) if gone else None


@checked
def phase_of_run(path: str) -> Phase:
    """The phase that a run executed, e.g. to be the parent of another one.

    Raises UserError if it was of another version. `path`: directory of the run.
    """
    run = RunDirectory.open(path)
    try:
        return phase_from_plain(run.config["phase"])
    except (TypeError, KeyError, ValueError) as error:
        raise UserError(
            f"{run.path} is of another version of code-ablate, whose phases have other fields "
            f"({error}): train it again with this version."
        ) from error
