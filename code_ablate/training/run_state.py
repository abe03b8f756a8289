"""What a run keeps on disk so that training can go on from there: checkpoints and its status.

    kept = RunState(phase, stream, run, checkpoints, clock)
    first, state = kept.begin(parent, mesh)      # its own checkpoint, its parent's, or the seed
    kept.save(step, state)                       # again and again, and then one of these
    kept.interrupt(step)
    kept.complete(state)

Phases that are trained alone and those that are trained as one program are kept alike.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from jax.sharding import Mesh

from code_ablate.data.mixing import Stream
from code_ablate.errors import Failed
from code_ablate.training.array_fingerprint import state_fingerprint
from code_ablate.training.checkpoint import Checkpoints
from code_ablate.training.clock import Clock
from code_ablate.training.optimizer import SpikeState
from code_ablate.training.phase import Phase
from code_ablate.training.rundir import RunDirectory
from code_ablate.training.step import TrainState, abstract_state, initial_state


@dataclass(frozen=True)
class RunState:
    """Writes and restores the state of one run. To be called under the mesh of its devices."""

    phase: Phase
    """The phase that is trained."""
    stream: Stream
    """Its windows."""
    run: RunDirectory
    """Its directory, locked by this process."""
    checkpoints: Checkpoints
    """The checkpoints in that directory."""
    clock: Clock
    """Its wall time, which goes on after a restart."""

    def begin(self, parent: RunDirectory | None, mesh: Mesh) -> tuple[int, TrainState]:
        """Steps that are done, and the state after them.

        From the first of these that is there: its newest checkpoint; the last one of `parent`, the
        complete run of `phase.parent`; initialisation from the phase's seed. Lines of metrics that
        came after that state are dropped.
        """
        if self.checkpoints.latest is not None:
            like = abstract_state(self.phase.model, self.phase.optimizer, mesh)
            first, state, progress = self.checkpoints.restore(like)
            self.clock.carry(progress["seconds"])
            self.run.trim_metrics(first, progress.get("metrics"))
        else:
            first, state = 0, _start_of_phase(self.phase, parent, mesh)
            self.run.trim_metrics(0)
        self._say("running", first, self.clock.seconds)
        return first, state

    def save(self, step: int, state: TrainState) -> None:
        """Begins to write a checkpoint of the state after `step` steps."""
        with self.clock.waiting("checkpoint"):
            written = self.run.save_metrics()  # a restart from there finds these lines
            counts = self.stream.counts(step * self.phase.batch_windows)
            seconds = self.clock.seconds
            progress = {"seconds": seconds, "counts": counts, "metrics": written}
            self.checkpoints.save(step, state, progress)
            self._say("running", step, seconds)

    def interrupt(self, step: int) -> None:
        """Waits until the checkpoint of `step` is written, and notes that training stopped."""
        self.checkpoints.wait()
        self._say("interrupted", step, self.clock.seconds)

    def complete(self, state: TrainState) -> None:
        """Waits until the last checkpoint is written, and notes how the phase ended."""
        self.checkpoints.wait()
        self._say(
            "complete",
            self.phase.steps,
            self.clock.seconds,
            final_loss=self.run.last_metrics().get("loss"),
            fingerprint=state_fingerprint(state),
        )

    def _say(self, state: str, step: int, seconds: float, **more) -> None:
        self.run.set_status(state, step=step, steps=self.phase.steps, seconds=seconds, **more)


def _start_of_phase(phase: Phase, parent: RunDirectory | None, mesh: Mesh) -> TrainState:
    """The state at step 0: from the parent's last checkpoint, or from initialisation."""
    if phase.parent is None:
        return initial_state(phase.model, phase.optimizer, phase.seed, mesh)
    assert parent is not None, "checked before"
    like = abstract_state(phase.model, phase.optimizer, mesh)
    with Checkpoints(parent.checkpoints, read_only=True) as checkpoints:
        _, state, _ = checkpoints.restore(like, phase.parent.steps)
    if phase.optimizer_state == "reset":
        fresh = initial_state(phase.model, phase.optimizer, phase.seed, mesh)
        return TrainState(state.params, fresh.moments)
    if isinstance(state.moments, SpikeState):  # the history goes on, the count is of a phase
        none_yet = state.moments.skipped * 0
        return TrainState(state.params, state.moments._replace(skipped=none_yet))
    return state


@contextlib.contextmanager
def failures_noted(run: RunDirectory, phase: Phase) -> Iterator[None]:
    """Writes into the run's status why training could not go on. Makes Failed of OSError."""
    try:
        yield
    except (Failed, OSError) as error:
        failure = error
        if isinstance(error, OSError):
            failure = Failed(
                f"{run.path}: {error}. When that is mended, the same command goes on from the last "
                "checkpoint."
            )
        known = {name: run.status[name] for name in ("step", "seconds") if name in run.status}
        with contextlib.suppress(OSError):  # such as a full disk, which is why we are here
            run.set_status("failed", **known, steps=phase.steps, reason=str(failure))
        raise failure from error
