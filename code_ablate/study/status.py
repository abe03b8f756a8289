"""How far a study has come, from what its runs' folders say. Changes nothing, loads no JAX.

    status = StudyStatus.read(epath.Path("runs/study-demo"))
    status.finished, status.seconds_left
    for phase in status.phases: phase.state, phase.step

Jobs on other machines are seen as soon as their files are: a step with the next line of metrics.
"""

import contextlib
import functools
import json
import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from etils import epath

from code_ablate import storage
from code_ablate.analysis.results.study_record import FILE
from code_ablate.study.study_phases import StudyPhase, StudyPhases
from code_ablate.training.rundir import RunDirectory


@dataclass(frozen=True)
class PhaseStatus:
    """How far one phase has come."""

    phase: StudyPhase
    """The phase."""
    state: str
    """'waiting' (for its parent), 'to do', 'running', 'stopped' (its process was killed),
    'interrupted', 'failed', 'evaluating' (trained, and scores are missing) or 'complete'."""
    step: int
    """Train steps done, as far as is written."""
    loss: float | None
    """Nats per token of the last line of metrics; None before it."""
    tokens_per_second: float | None
    """Speed by the last line of metrics; None where it says none."""
    seconds: float
    """Seconds of training so far."""
    unscored: int
    """Tasks and domains that are still to be scored."""
    reason: str
    """Why a phase that failed could not go on."""

    @property
    def flops_left(self) -> float:
        """Floating-point operations of the training that is left."""
        return self.phase.flops * (1 - self.step / self.phase.steps)


@dataclass(frozen=True)
class StudyStatus:
    """How far a study has come."""

    study: str
    """Name of the study, and its scale."""
    phases: tuple[PhaseStatus, ...]
    """All phases, parents before children."""
    reported: bool
    """Whether its results are written, by this configuration."""

    @classmethod
    def read(cls, directory: epath.Path) -> "StudyStatus":
        """The status of the study in a folder. Raises Damaged if it has no readable phases.json."""
        record = StudyPhases.read(directory)
        phases: dict[str, PhaseStatus] = {}
        for phase in record.phases:
            parent = phases.get(phase.parent or "")
            phases[phase.identity] = _phase_status(record, phase, directory.parent, parent)
        return cls(record.study, tuple(phases.values()), _is_reported(record, directory))

    def count(self, *states: str) -> int:
        """Number of phases in these states."""
        return sum(phase.state in states for phase in self.phases)

    @property
    def finished(self) -> bool:
        """Whether all is trained, evaluated and written."""
        return self.reported and self.count("complete") == len(self.phases)

    @functools.cached_property
    def seconds_left(self) -> float | None:
        """Seconds of training that are left, with as many phases at a time as are running now.

        By the FLOPs that are left, at the median speed of this study's phases so far; None before
        there is one. What waits for a parent cannot start before it.
        """
        left = [phase for phase in self.phases if phase.step < phase.phase.steps]
        speeds = [
            phase.phase.flops * phase.step / phase.phase.steps / phase.seconds
            for phase in self.phases
            if phase.step and phase.seconds
        ]
        if not speeds or not left:
            return None if left else 0.0
        speed = statistics.median(speeds)
        until: dict[str, float] = {}  # seconds until a phase is done, if it never has to queue
        for phase in left:
            before = until.get(phase.phase.parent or "", 0.0)
            until[phase.phase.identity] = before + phase.flops_left / speed
        at_once = max(1, self.count("running"))
        return max(sum(phase.flops_left for phase in left) / speed / at_once, max(until.values()))

    @functools.cached_property
    def children(self) -> Mapping[str | None, list[PhaseStatus]]:
        """The phases that start from each phase, by its identity; for None from initialisation."""
        children: dict[str | None, list[PhaseStatus]] = {}
        for phase in self.phases:
            children.setdefault(phase.phase.parent, []).append(phase)
        return children


def _is_reported(record: StudyPhases, directory: epath.Path) -> bool:
    """Whether the results in a study's folder are of this configuration."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        content = json.loads(storage.read_file(directory / FILE))
        return content.get("configuration") == record.configuration
    return False


def _phase_status(
    record: StudyPhases, phase: StudyPhase, runs_dir: epath.Path, parent: PhaseStatus | None
) -> PhaseStatus:
    run = RunDirectory(runs_dir / phase.run, phase.identity)
    status, last = run.status, run.last_metrics()
    state, step, unscored = status["state"], status["step"], 0
    if state == "new":
        trained = parent is None or parent.step == parent.phase.steps
        state, last = "to do" if trained else "waiting", {}
    elif state == "running":
        step = max(step, last.get("step", 0))
        state = "stopped" if run.dead_trainer else state
    elif state == "complete":
        unscored = len(record.unscored(phase, runs_dir))
        state = "evaluating" if unscored else state
    return PhaseStatus(
        phase,
        state,
        step,
        last.get("loss"),
        last.get("tokens_per_second"),
        max(status["seconds"], last.get("seconds", 0.0)),
        unscored,
        status["reason"],
    )
