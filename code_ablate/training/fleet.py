"""Trains phases of equal shape as one program, each on devices of its own. Read `train_fleet`.

    failures = train_fleet(members, seats=8, surroundings=Surroundings(stores, execution))

What belongs to a phase stays its own: batches, learning rate, metrics, checkpoints, status and
lock, so that it can be gone on with, evaluated and found alone. Members need not be at the same
step: one that is behind after a kill trains on when the others are done.
"""

import collections
import contextlib
import sys
from collections.abc import Iterator, Sequence

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from tqdm import tqdm

from code_ablate import distributed
from code_ablate.data.loader import Batches, ReadAhead
from code_ablate.errors import Failed, Interrupted, UserError
from code_ablate.identity import to_plain
from code_ablate.progress import step_line
from code_ablate.shown import shown
from code_ablate.training.checkpoint import Checkpoints
from code_ablate.training.clock import Clock
from code_ablate.training.devices import device_name, peak_flops
from code_ablate.training.divergence import require_finite
from code_ablate.training.fleet_step import (
    MEMBER,
    fleet_batch_sharding,
    make_fleet_mesh,
    make_fleet_step,
    member_of,
    parts_of,
    stack,
)
from code_ablate.training.loop import (
    STEPS_UNDER_WAY,
    RunState,
    check_execution,
    checked_stream,
    failures_noted,
)
from code_ablate.training.member import Member, Surroundings
from code_ablate.training.metrics import Meter
from code_ablate.training.phase import Phase, describe
from code_ablate.training.step import TrainState, initial_state
from code_ablate.training.stopping import stop_signals
from code_ablate.training.tracking import open_trackers, require_trackers
from code_ablate.training.validation import Validation


def train_fleet(
    members: Sequence[Member], seats: int, surroundings: Surroundings
) -> dict[str, Failed]:
    """Trains members of one shape (`phase_order.shape`) to their ends.

    `seats`: parts of the devices, at least one for each member; the others stay empty. Returns why
    those could not go on that failed, by identity. Raises UserError for bad input before the first
    step, and Interrupted after SIGINT or SIGTERM, when all have saved.
    """
    # ------------------------------------------------------------- what is to be done, and where
    execution, failures = surroundings.execution, dict[str, Failed]()
    members = [member for member in members if not member.run.complete]
    if not members:
        return failures
    if distributed.process_count() > 1:
        raise UserError("only a job of one process trains phases as one program.")
    if execution.profile.first_step is not None:
        raise UserError("steps of several members are not traced: set FleetConfig.members = 1.")
    require_trackers(execution.tracking)
    mesh = make_fleet_mesh(execution.mesh, seats)
    peak = peak_flops()
    peak_each = None if peak is None else peak / seats
    taken = [
        _Seat(number, member, own, surroundings, seats, peak_each)
        for number, (member, own) in enumerate(zip(members, parts_of(mesh), strict=False))
    ]
    some = members[0].phase
    train_step = make_fleet_step(
        some.model,
        some.optimizer,
        some.z_loss,
        mesh,
        microbatches=execution.loop.microbatches,
        eos_id=taken[0].eos_id,
    )
    empty_BT = np.zeros((some.batch_windows, some.seq_len + 1), np.int32)
    one_each = NamedSharding(mesh, PartitionSpec(MEMBER))

    with contextlib.ExitStack() as open_seats, stop_signals() as stop:
        # ------------------------------------------------ resume, continue or initialise, each one
        states = []
        for seat in taken:
            open_seats.push(seat.close)
            with seat.failing_alone(failures):
                states.append(seat.open(surroundings))
            if seat.failed:
                states.append(_any_state(some, seat.mesh))
        states += [_any_state(some, own) for own in parts_of(mesh)[len(taken) :]]
        state = stack(states, mesh)
        del states

        # ---------------------------------------------------------------------------- the loop
        under_way: collections.deque = collections.deque()
        while going := [seat for seat in taken if seat.going]:
            tokens_KBT = np.stack([empty_BT] * seats)
            rates_K = np.zeros(seats, np.float32)
            begun = []
            for seat in going:
                with seat.failing_alone(failures):
                    tokens_KBT[seat.number], rates_K[seat.number], corpus_B = seat.read()
                    begun.append((seat, seat.step, corpus_B))
            with jax.set_mesh(mesh):
                state, metrics = train_step(
                    state,
                    jax.device_put(tokens_KBT, fleet_batch_sharding(mesh)),
                    jax.device_put(rates_K, one_each),
                )
            under_way.append((begun, metrics))
            stopping = stop.is_set()
            for seat, step, _ in begun:
                seat.step = step + 1

            # What is written has been found finite: nothing spoilt is ever saved.
            wanted = any(seat.writes(stopping) for seat in going)
            while len(under_way) > (0 if wanted else STEPS_UNDER_WAY):
                begun, metrics = under_way.popleft()
                fetched = jax.device_get(metrics)
                for seat, step, corpus_B in begun:
                    if seat.failed:  # what came after the step that failed is spoilt by it
                        continue
                    own_metrics = {name: value[seat.number] for name, value in fetched.items()}
                    with seat.failing_alone(failures):
                        seat.take(step, own_metrics, corpus_B)
            for seat in going:
                with seat.failing_alone(failures):
                    if seat.going and seat.writes(stopping):
                        seat.write(member_of(state, seat.number, mesh), stopping)

            if stopping:
                break

        # ----------------------------------------------------------------------------- the end
        # A signal that came too late to stop these phases must not be lost to what follows.
        if stop.is_set():
            going_on = sum(seat.going for seat in taken)
            raise Interrupted(
                f"stopped with {going_on} of {len(taken)} phases under way, saved in "
                f"{members[0].run.path.parent}; the same command goes on from there."
            )
    return failures


class _Seat:
    """A member's place: its part of the devices, its position, its files."""

    def __init__(
        self,
        number: int,
        member: Member,
        mesh: Mesh,
        surroundings: Surroundings,
        seats: int,
        peak: float | None,
    ):
        """Raises UserError for what would go wrong later. `peak`: FLOP/s of its devices."""
        phase, stores, execution = member.phase, surroundings.stores, surroundings.execution
        self.number, self.member, self.mesh, self.loop = number, member, mesh, execution.loop
        self.going, self.failed, self.step = False, False, 0
        self._stream = checked_stream(phase, stores, member.run)
        check_execution(phase, member.run, member.parent, execution, mesh)
        self._batches = Batches(self._stream, stores, phase.batch_windows, phase.seq_len)
        self._validation = Validation(
            phase, stores, mesh, self.loop.validation_windows, self.loop.microbatches
        )
        if self.loop.validate_every is not None:
            self._validation.require_windows()
        self._vocabulary = stores[self._stream.corpora[0]].manifest.vocabulary
        self._description = describe(phase, stores.identities, stores.tokens)
        self._clock = Clock(begin="startup")
        windows = stores.windows(phase.seq_len)
        self._meter = Meter(phase, self._stream, windows, self._clock, peak)
        self._device = device_name(seats)
        self._files = contextlib.ExitStack()

    @property
    def eos_id(self) -> int | None:
        """Stands between documents, which attention does not cross; None if it does."""
        return self._vocabulary["eos_id"] if self.member.phase.document_masks else None

    def open(self, surroundings: Surroundings) -> TrainState:
        """Opens its files; the state that its training begins with."""
        phase, run, execution = self.member.phase, self.member.run, surroundings.execution
        enter = self._files.enter_context
        enter(run.locked())
        self._checkpoints = enter(Checkpoints(run.checkpoints, keep=self.loop.keep_checkpoints))
        self._kept = RunState(phase, self._stream, run, self._checkpoints, self._clock)
        run.write_config(
            self._description,
            to_plain(phase),
            surroundings.operative_gin,
            vocabulary=self._vocabulary["digest"],
            device=self._device,
        )
        with jax.set_mesh(self.mesh):
            self.step, state = self._kept.begin(self.member.parent, self.mesh)
        read = self._batches.read
        ahead = ReadAhead(read, first=self.step, last=phase.steps, depth=self.loop.read_ahead)
        self._reader = iter(enter(ahead))
        self._tracker = enter(
            open_trackers(execution.tracking, run.path, run.identity, self._description, self.step)
        )
        self._first, self.going = self.step, self.step < phase.steps
        again = f", going on at step {self.step:,}" if self.step else ""
        self._say(f"{self.member.label}{again}")
        if not self.going:  # killed between its last checkpoint and the note of its end
            self._kept.complete(state)
            self.close()
        return state

    def read(self) -> tuple[np.ndarray, float, np.ndarray]:
        """Tokens [B, T+1], learning rate and corpora [B] of its next step."""
        with self._clock.waiting("startup" if self.step == self._first else "data"):
            _, batch = next(self._reader)
        return batch.tokens_RT, self.member.phase.learning_rate(self.step), batch.corpus_B

    def take(self, step: int, metrics: dict[str, np.ndarray], corpus_B: np.ndarray) -> None:
        """Takes what step `step` (from 0) gave. Raises Failed if that is not finite."""
        starting = step == self._first
        if starting:  # compilation is over
            self._clock.switch("compute")
        require_finite((step, metrics), self._batches, self.member.run)
        self._meter.add(metrics, corpus_B, startup=starting)

    def writes(self, stopping: bool) -> bool:
        """Whether something is to be written after the steps that are done."""
        return self._logs(stopping) or self._saves(stopping)

    def _last(self, stopping: bool) -> bool:
        return stopping or self.step == self.member.phase.steps

    def _validates(self) -> bool:
        return self.loop.validate_every is not None and self.step % self.loop.validate_every == 0

    def _logs(self, stopping: bool) -> bool:
        every = self.step % self.loop.log_every == 0
        return self._last(stopping) or self._validates() or every

    def _saves(self, stopping: bool) -> bool:
        return self._last(stopping) or self.step % self.loop.checkpoint_every == 0

    def write(self, state: TrainState, stopping: bool) -> None:
        """Writes what is due: a line of metrics, a checkpoint, the end or the interruption."""
        done, steps, run = self.step, self.member.phase.steps, self.member.run
        with jax.set_mesh(self.mesh):
            if self._logs(stopping):
                held_out = {}
                if self._validates():
                    with self._clock.waiting("evaluation"):
                        held_out = self._validation.measure(state.params)
                self._checkpoints.check_for_errors()
                line = self._meter.line(done) | held_out
                run.append_metrics(line)
                self._tracker.log(line)
                self._say(f"{self.member.mark} {step_line(line, steps)}")
            if self._saves(stopping):
                self._kept.save(done, state)
            if done == steps:
                self._kept.complete(state)
                self.close()
            elif stopping:
                self._kept.interrupt(done)

    @contextlib.contextmanager
    def failing_alone(self, failures: dict[str, Failed]) -> Iterator[None]:
        """Makes what fails in the block the end of this member alone."""
        try:
            with failures_noted(self.member.run, self.member.phase):
                yield
        except Failed as failure:
            failures[self.member.run.identity] = failure
            self.failed = True
            self.close()

    def close(self, *exc_info) -> None:
        """Ends it: its files are whole, and its run is free."""
        self.going = False
        self._files.close()

    def _say(self, text: str) -> None:
        tqdm.write(shown(text), file=sys.stderr)


def _any_state(phase: Phase, mesh: Mesh) -> TrainState:
    """A state for a part of the devices that no member is trained on."""
    with jax.set_mesh(mesh):
        return initial_state(phase.model, phase.optimizer, 0, mesh)
