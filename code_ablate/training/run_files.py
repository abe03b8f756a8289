"""config.json and status.json of a run: what it is, and how far it has come.

    run_files.read_status(run.path)            # a RunStatus, rebuilt from checkpoints if it must be
    run_files.read_config(run.path)            # a RunConfig, or UserError

Imports no JAX: plans and reports read runs too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from etils import epath

from code_ablate import own_file

FORMAT = 1
"""Format of both files; raised when the meaning of a field changes."""

CONFIG, STATUS, CHECKPOINTS = "config.json", "status.json", "checkpoints"
"""Names in the folder of a run."""

STATES = ("new", "running", "interrupted", "failed", "complete")


@dataclass(frozen=True)
class RunStatus:
    """How far a run has come."""

    state: str
    """'new', 'running', 'interrupted', 'failed' or 'complete'."""
    step: int = 0
    """Train steps done, those of the newest checkpoint."""
    steps: int = 0
    """Train steps of the phase; 0 where that is not known."""
    seconds: float = 0.0
    """Seconds of training so far."""
    final_loss: float | None = None
    """Training loss at the end, nats per token; None before it, and where no line was logged."""
    fingerprint: str = ""
    """Hash of parameters and moments of a complete run, to the last bit."""
    reason: str = ""
    """Why a failed run could not go on."""

    def __post_init__(self):
        if self.state not in STATES:
            raise ValueError(f"the state is {self.state!r}")


@dataclass(frozen=True)
class RunConfig:
    """What a run is."""

    identity: str
    """Identity of the phase."""
    description: Mapping[str, Any]
    """What the identity is the hash of."""
    phase: Mapping[str, Any]
    """The phase, as plain values."""
    vocabulary: str
    """Digest of the vocabulary that its token ids are of."""
    device: str
    """Kind of device that it was trained on."""
    commits: tuple[str, ...] = ()
    """Commits of the code that trained it, first to last, as `source_commit` gives them; none where
    it ran from no clone."""


def checkpoint_steps(run: epath.Path) -> list[int]:
    """Steps of the checkpoints in a run's folder, as their names say. Opens none."""
    folder = run / CHECKPOINTS
    names = [path.name for path in folder.iterdir()] if folder.exists() else []
    return sorted(int(name) for name in names if name.isdecimal())


def read_config(run: epath.Path) -> RunConfig:
    """Raises Damaged, with what to do."""
    try:
        return own_file.read(run / CONFIG, RunConfig, FORMAT)
    except own_file.Damaged as error:
        raise own_file.Damaged(
            f"{error}; give the command that trained this run: what is trained is found, and the "
            "file is written anew."
        ) from error


def read_status(run: epath.Path) -> RunStatus:
    """What status.json says.

    Where it cannot be read, or config.json beside it: what the checkpoints tell, with a warning. A
    run is then at most 'interrupted', so that the command that trains it goes on from its last
    checkpoint, with nothing to do if that is the end, and writes both files anew.
    """
    steps = checkpoint_steps(run)
    if not (run / STATUS).exists() and not steps:
        return RunStatus("new")
    try:
        status = own_file.read(run / STATUS, RunStatus, FORMAT)
        if status.state == "complete":
            own_file.read(run / CONFIG, RunConfig, FORMAT)
    except own_file.Damaged as error:
        rebuilt = RunStatus("interrupted", step=max(steps, default=0))
        own_file.warn_once(f"{error}: going by the checkpoints, the run is at step {rebuilt.step}.")
        return rebuilt
    return status
