"""Trains one phase. Read `train` from top to bottom; it is the whole of it.

    status = train(phase, stores, run, parent=parent_run, execution=Execution())

A phase starts from the first of these that is there: its own newest checkpoint; its parent's last
one; weights made elsewhere; initialisation from its seed. On a pod every process calls `train`
alike; process 0 alone writes what is written once.
"""

import collections
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import jax
import numpy as np
from jax.sharding import Mesh

from code_ablate import distributed
from code_ablate.data.loader import Batches, ReadAhead
from code_ablate.data.mixing import Stream
from code_ablate.data.store import Stores
from code_ablate.errors import Failed, Interrupted, UserError
from code_ablate.identity import to_plain
from code_ablate.model.sharding import batch_sharding, check_batch, make_mesh
from code_ablate.progress import TrainingProgress
from code_ablate.training.array_fingerprint import state_fingerprint
from code_ablate.training.checkpoint import Checkpoints
from code_ablate.training.clock import Clock
from code_ablate.training.devices import device_name, peak_flops
from code_ablate.training.divergence import require_finite
from code_ablate.training.execution import Execution
from code_ablate.training.feed import Feed
from code_ablate.training.metrics import Meter
from code_ablate.training.optimizer import SpikeState
from code_ablate.training.phase import (
    Phase,
    describe,
    phase_identity,
)
from code_ablate.training.profiler import Profiler
from code_ablate.training.reading import phase_stream, require_stores
from code_ablate.training.rundir import RunDirectory
from code_ablate.training.step import TrainState, abstract_state, initial_state, make_train_step
from code_ablate.training.stopping import stop_signals
from code_ablate.training.tracking import open_trackers, require_trackers
from code_ablate.training.validation import Validation
from code_ablate.training.weights import require_fit
from code_ablate.training.weights_arrays import load_weights

STEPS_UNDER_WAY = 2
"""Steps that are given to the devices before the first of them is done. More would only hold
memory, and delay a stop."""


def train(
    phase: Phase,
    stores: Stores,
    run: RunDirectory,
    *,
    parent: RunDirectory | None = None,
    execution: Execution = Execution(),
    operative_gin: str = "",
    label: str = "",
) -> dict:
    """Trains `phase` into `run` and returns its status, {'state': 'complete', ...}.

    The status holds, as `fingerprint`, a hash of parameters and moments to the last bit.
    `stores` by corpus, for all phases of the chain; `parent`: the complete run of `phase.parent`.
    Raises UserError for bad input before the first step, Interrupted after SIGINT or SIGTERM, and
    Failed if training cannot go on.
    """
    # ------------------------------------------------------- what is to be done, if at all
    if distributed.from_first(lambda: run.identity) != run.identity:
        raise UserError(
            f"this host would train {run.identity}, the first host another phase: give all hosts "
            "the same configuration and the same token stores."
        )
    status = distributed.from_first(lambda: run.status)
    if status["state"] == "complete":
        return status
    loop, first_process = execution.loop, distributed.is_first()
    require_trackers(execution.tracking)
    stream = checked_stream(phase, stores, run)
    mesh = make_mesh(execution.mesh)
    check_execution(phase, run, parent, execution, mesh)
    batches = Batches(stream, stores, phase.batch_windows, phase.seq_len)
    feed = Feed(batches, batch_sharding(mesh))
    vocabulary = stores[stream.corpora[0]].manifest.vocabulary
    description = describe(phase, stores.identities, stores.tokens)
    train_step = make_train_step(
        phase.model,
        phase.optimizer,
        phase.z_loss,
        mesh,
        microbatches=loop.microbatches,
        eos_id=vocabulary["eos_id"] if phase.document_masks else None,
    )
    validation = Validation(phase, stores, mesh, loop.validation_windows, loop.microbatches)
    if loop.validate_every is not None:
        validation.require_windows()
    clock = Clock(begin="startup")
    peak = peak_flops()  # outside of the mesh, or all simulated devices would measure at once

    with (
        stop_signals() as stop,
        run.locked(),
        failures_noted(run, phase),
        Checkpoints(run.checkpoints, keep=loop.keep_checkpoints) as checkpoints,
        jax.set_mesh(mesh),
    ):
        run.write_config(
            description,
            to_plain(phase),
            operative_gin,
            vocabulary=vocabulary["digest"],
            device=device_name(execution.side_by_side),
        )
        # ------------------------------------------------------ resume, continue or initialise
        kept = RunState(phase, stream, run, checkpoints, clock)
        first, state = kept.begin(parent, mesh)

        # ---------------------------------------------------------------------------- the loop
        meter = Meter(phase, stream, stores.windows(phase.seq_len), clock, peak)
        under_way: collections.deque[tuple[int, dict]] = collections.deque()
        agreement = distributed.Agreement(mesh, lag=STEPS_UNDER_WAY)
        with (
            ReadAhead(feed.read, first=first, last=phase.steps, depth=loop.read_ahead) as ahead,
            Profiler(execution.profile, run.path, write=first_process) as profiler,
            open_trackers(
                execution.tracking,
                run.path,
                run.identity,
                description,
                first,
                write=first_process,
            ) as tracker,
            TrainingProgress(
                phase.steps, label or phase.name, first=first, show=first_process
            ) as progress_line,
        ):
            reader = iter(ahead)
            for step in range(first, phase.steps):
                starting = step == first
                with clock.waiting("startup" if starting else "data"):
                    _, (tokens_BT, corpus_B) = next(reader)
                profiler.before(step)
                rate = np.float32(phase.learning_rate(step))
                state, metrics = train_step(state, tokens_BT, rate)
                profiler.after(step, metrics)
                if starting:  # compilation is over when it is done
                    jax.block_until_ready(metrics)
                    clock.switch("compute")
                meter.add(metrics, corpus_B, startup=starting)
                under_way.append((step, metrics))
                done = step + 1
                progress_line.step(done)

                stopping = agreement.reached(stop.is_set())
                last = done == phase.steps or stopping
                validate = loop.validate_every is not None and done % loop.validate_every == 0
                log = last or validate or done % loop.log_every == 0
                save = last or done % loop.checkpoint_every == 0

                # What is written has been found finite: nothing spoilt is ever saved.
                while len(under_way) > (0 if log or save else STEPS_UNDER_WAY):
                    require_finite(under_way.popleft(), batches, run)

                if log:
                    held_out = {}
                    if validate:
                        with clock.waiting("evaluation"):
                            held_out = validation.measure(state.params)
                    checkpoints.check_for_errors()
                    line = meter.line(done) | held_out
                    run.append_metrics(line)
                    tracker.log(line)
                    progress_line.line(line)

                if save:
                    kept.save(done, state)
                if stopping and done < phase.steps:
                    kept.interrupt(done)
                    raise Interrupted(
                        f"stopped at step {done} of {phase.steps}, saved in {run.path}; "
                        "the same command goes on from there."
                    )

        # ----------------------------------------------------------------------------- the end
        kept.complete(state)
        # A signal that came too late to stop this phase must not be lost to what follows.
        if agreement.settled(stop.is_set()):
            raise Interrupted(
                f"stopped at the end of {run.path}, which is complete; the same command goes on."
            )
        return distributed.from_first(lambda: run.status)


def checked_stream(phase: Phase, stores: Stores, run: RunDirectory) -> Stream:
    """The phase's stream.

    Raises UserError if the stores are not those of `run`, or its weights not those of the phase.
    """
    for part in phase.chain:
        require_stores(part, stores)
    if phase_identity(phase, stores.identities, stores.tokens) != run.identity:
        raise UserError(f"{run.path} is not the run of this phase: a token store has changed.")
    if phase.weights and not phase.parent and not run.has_checkpoints:
        vocabulary = stores[phase.corpora_read[0]].manifest.vocabulary
        require_fit(phase.weights, phase.model, vocabulary["digest"])
    return phase_stream(phase, stores)


def check_execution(
    phase: Phase,
    run: RunDirectory,
    parent: RunDirectory | None,
    execution: Execution,
    mesh: Mesh,
) -> None:
    """Raises UserError for what would go wrong later."""
    if phase.parent and not (parent and distributed.from_first(lambda: parent.complete)):
        raise UserError(
            f"phase {phase.name!r} starts from another phase whose run is not complete"
            + (f" ({parent.path})" if parent else "")
            + ": train that one first."
        )
    if phase.parent and parent and not distributed.from_first(lambda: run.has_checkpoints):
        steps = phase.parent.steps
        distributed.from_first(lambda: parent.require_parameters(steps))
    traced = execution.profile.first_step
    if traced is not None and traced >= phase.steps:
        raise UserError(
            f"ProfileConfig.first_step is {traced}, and the phase has {phase.steps} steps, "
            "numbered from 0: set it lower, or to None."
        )
    check_batch(mesh, phase.batch_windows, execution.loop.microbatches)


@dataclass(frozen=True)
class RunState:
    """What a run keeps on disk so that training can go on from there: checkpoints and its status.

        first, state = kept.begin(parent, mesh)
        kept.save(step, state)                  # again and again, and then one of these
        kept.interrupt(step)
        kept.complete(state)

    Phases that are trained alone and those that are trained as one program are kept alike. To be
    called under the mesh of the run's devices.
    """

    phase: Phase
    """The phase that is trained."""
    stream: Stream
    """Windows of the phase, in order."""
    run: RunDirectory
    """Directory of the run, locked by this process."""
    checkpoints: Checkpoints
    """Checkpoints in the run's directory."""
    clock: Clock
    """Wall time of the run, which goes on after a restart."""

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
            first, state = 0, start_of_phase(self.phase, parent, mesh)
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


def start_of_phase(phase: Phase, parent: RunDirectory | None, mesh: Mesh) -> TrainState:
    """The state at step 0: from the parent's last checkpoint, weights, or initialisation."""
    if phase.parent is None:
        state = initial_state(phase.model, phase.optimizer, phase.seed_of_parameters, mesh)
        if phase.weights is None:
            return state
        return TrainState(load_weights(phase.weights, phase.model, mesh), state.moments)
    assert parent is not None, "checked before"
    like = abstract_state(phase.model, phase.optimizer, mesh)
    with Checkpoints(parent.checkpoints, read_only=True) as checkpoints:
        _, state, _ = checkpoints.restore(like, phase.parent.steps)
    if phase.optimizer_state == "reset":
        fresh = initial_state(phase.model, phase.optimizer, phase.seed_of_parameters, mesh)
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
