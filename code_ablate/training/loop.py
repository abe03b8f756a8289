"""Trains one phase. Read `train` from top to bottom; it is the whole of it.

    result = train(phase, stores, run, parent=parent_run, loop=LoopConfig(), mesh=MeshConfig())

A phase starts from the first of these that is there: its own newest checkpoint; its parent's last
one; initialisation from its seed. On a pod every process calls `train` alike; process 0 alone
writes what is written once.
"""

import collections
import contextlib
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import jax
import numpy as np
from jax.sharding import Mesh

from code_ablate import distributed
from code_ablate.data.loader import Batches, ReadAhead
from code_ablate.data.store import TokenStore
from code_ablate.errors import Failed, Interrupted, UserError
from code_ablate.identity import to_plain
from code_ablate.model.sharding import MeshConfig, batch_sharding, make_mesh
from code_ablate.progress import bar
from code_ablate.training.checkpoint import Checkpoints
from code_ablate.training.divergence import require_finite
from code_ablate.training.feed import Feed
from code_ablate.training.metrics import Meter
from code_ablate.training.phase import Phase, describe, phase_identity, phase_stream
from code_ablate.training.rundir import RunDirectory
from code_ablate.training.step import TrainState, abstract_state, initial_state, make_train_step
from code_ablate.training.validation import Validation

STEPS_UNDER_WAY = 2
"""Steps that are given to the devices before the first of them is done. More would only hold
memory, and delay a stop."""


@dataclass(frozen=True)
class LoopConfig:
    """How a phase is carried out, and how often things are written. Never changes what is trained,
    but for the rounding of sums."""

    log_every: int = 20
    """Steps between lines of metrics.jsonl."""
    checkpoint_every: int = 1000
    """Steps between checkpoints; there is always one at the end."""
    keep_checkpoints: int = 2
    """Newest checkpoints kept. Two or more, so that there is another one should one be damaged."""
    read_ahead: int = 2
    """Batches read, and moved to the devices, before they are needed."""
    microbatches: int = 1
    """Parts of a batch that are computed one after the other, to save memory."""
    validate_every: int | None = None
    """Steps between measurements of the loss on held-out windows; None: never."""
    validation_windows: int = 64
    """Held-out windows of each corpus."""

    def __post_init__(self):
        for name in (
            "log_every",
            "checkpoint_every",
            "keep_checkpoints",
            "read_ahead",
            "microbatches",
            "validation_windows",
        ):
            if getattr(self, name) < 1:
                raise UserError(
                    f"LoopConfig.{name} is {getattr(self, name)}; it must be 1 or more."
                )
        if self.validate_every is not None and self.validate_every < 1:
            raise UserError("LoopConfig.validate_every must be 1 or more, or None for never.")


DEFAULT_LOOP, ONE_AXIS = LoopConfig(), MeshConfig()


def check_stores(phase: Phase, stores: Mapping[str, TokenStore]) -> None:
    """Raises UserError if `stores` cannot feed `phase`: missing, too short, wrong vocabulary."""
    vocabularies = {}
    for corpus in phase.mixture.active:
        if corpus not in stores:
            raise UserError(f"no token store of {corpus!r}: run code-ablate prepare.")
        manifest = stores[corpus].manifest
        vocabularies[corpus] = manifest.vocabulary["digest"]
        if manifest.vocabulary["size"] > phase.model.vocabulary_size:
            raise UserError(
                f"the store of {corpus!r} was made with a vocabulary of "
                f"{manifest.vocabulary['size']} entries; ModelConfig.vocabulary_size is "
                f"{phase.model.vocabulary_size}: raise it, or prepare with a smaller vocabulary."
            )
        if stores[corpus].num_windows(phase.seq_len) < 1:
            raise UserError(
                f"the store of {corpus!r} holds {stores[corpus].num_tokens():,} tokens, less than "
                f"one window of seq_len + 1 = {phase.seq_len + 1}: add data or lower seq_len."
            )
    if len(set(vocabularies.values())) > 1:
        raise UserError(f"the token stores were made with different vocabularies: {vocabularies}.")


def train(
    phase: Phase,
    stores: Mapping[str, TokenStore],
    run: RunDirectory,
    *,
    parent: RunDirectory | None = None,
    loop: LoopConfig = DEFAULT_LOOP,
    mesh: MeshConfig = ONE_AXIS,
    operative_gin: str = "",
    label: str = "",
) -> dict:
    """Trains `phase` into `run` and returns its status, {'state': 'complete', ...}.

    `stores` by corpus, for all phases of the chain; `parent`: the complete run of `phase.parent`.
    Raises UserError before any work starts, Interrupted after SIGINT or SIGTERM, and Failed if
    training cannot go on.
    """
    # ------------------------------------------------------- what is to be done, if at all
    status = distributed.from_first(lambda: run.status)
    if status["state"] == "complete":
        return status
    stream, windows = _stream(phase, stores, run)
    devices = make_mesh(mesh)
    _check_batch(phase, loop, devices)
    batches = Batches(stream, stores, phase.batch_windows, phase.seq_len)
    feed = Feed(batches, batch_sharding(devices))
    vocabulary = stores[stream.corpora[0]].manifest.vocabulary
    train_step = make_train_step(
        phase.model,
        phase.optimizer,
        phase.z_loss,
        devices,
        microbatches=loop.microbatches,
        eos_id=vocabulary["eos_id"] if phase.document_masks else None,
    )
    validation = Validation(phase, stores, devices, loop.validation_windows)

    with (
        run.locked(),
        Checkpoints(run.checkpoints, keep=loop.keep_checkpoints) as checkpoints,
        jax.set_mesh(devices),
        _stop_signals() as stop,
        _failures_noted(run, phase),
    ):
        run.write_config(
            describe(phase, _identities(stores)),
            to_plain(phase),
            operative_gin,
            vocabulary=vocabulary["digest"],
            device=device_name(),
        )
        # ------------------------------------------------------ resume, continue or initialise
        if checkpoints.latest is not None:
            like = abstract_state(phase.model, phase.optimizer, devices)
            first, state, progress = checkpoints.restore(like)
            seconds_before = progress["seconds"]
        else:
            first, seconds_before = 0, 0.0
            state = _start(phase, parent, devices)
        run.trim_metrics(first)
        run.set_status("running", step=first, steps=phase.steps, seconds=seconds_before)

        # ---------------------------------------------------------------------------- the loop
        meter = Meter(phase, stream, windows)
        batch_tokens = phase.batch_windows * phase.seq_len
        begin = logged = time.monotonic()
        logged_step = first
        under_way: collections.deque[tuple[int, dict]] = collections.deque()
        agreement = distributed.Agreement(devices, lag=STEPS_UNDER_WAY)
        with (
            ReadAhead(feed.read, first=first, last=phase.steps, depth=loop.read_ahead) as ahead,
            bar(
                phase.steps * batch_tokens,
                label or phase.name,
                unit="tok",
                scale=True,
                initial=first * batch_tokens,
            ) as progress_bar,
        ):
            for step, (tokens_BT, corpus_B) in ahead:
                rate = np.float32(phase.learning_rate(step))
                state, metrics = train_step(state, tokens_BT, rate)
                meter.add(metrics, corpus_B)
                under_way.append((step, metrics))
                progress_bar.update(batch_tokens)
                done = step + 1

                stopping = agreement.reached(stop.is_set())
                last = done == phase.steps or stopping
                log = last or done % loop.log_every == 0
                validate = loop.validate_every and done % loop.validate_every == 0
                save = last or done % loop.checkpoint_every == 0

                # What is written has been found finite: nothing spoilt is ever saved.
                while len(under_way) > (0 if log or save else STEPS_UNDER_WAY):
                    require_finite(under_way.popleft(), batches, run)

                if log:
                    now = time.monotonic()
                    speed = (done - logged_step) * batch_tokens / (now - logged)
                    line = meter.line(done, seconds_before + now - begin, speed)
                    run.append_metrics(line)
                    progress_bar.set_postfix_str(
                        f"loss {line['loss']:.3f} lr {line['learning_rate']:.1e}", refresh=False
                    )
                    logged, logged_step = now, done
                if validate:
                    validation.measure(state.params)

                if save:
                    seconds = seconds_before + time.monotonic() - begin
                    counts = stream.counts(done * phase.batch_windows)
                    checkpoints.save(done, state, {"seconds": seconds, "counts": counts})
                if stopping and done < phase.steps:
                    checkpoints.wait()
                    run.set_status("interrupted", step=done, steps=phase.steps, seconds=seconds)
                    raise Interrupted(
                        f"stopped at step {done} of {phase.steps}, saved in {run.path}; "
                        "the same command goes on from there."
                    )

        # ----------------------------------------------------------------------------- the end
        checkpoints.wait()
        run.set_status(
            "complete",
            step=phase.steps,
            steps=phase.steps,
            seconds=seconds_before + time.monotonic() - begin,
            final_loss=run.last_metrics().get("loss"),
        )
        return distributed.from_first(lambda: run.status)


def _stream(phase: Phase, stores: Mapping[str, TokenStore], run: RunDirectory):
    """(the phase's stream, windows by corpus); UserError if the stores are not those of `run`."""
    for part in phase.chain:
        check_stores(part, stores)
    identities = _identities(stores)
    windows = {corpus: store.num_windows(phase.seq_len) for corpus, store in stores.items()}
    if phase_identity(phase, identities) != run.identity:
        raise UserError(f"{run.path} is not the run of this phase: a token store has changed.")
    return phase_stream(phase, windows, identities), windows


def _identities(stores: Mapping[str, TokenStore]) -> dict[str, str]:
    return {corpus: store.manifest.identity for corpus, store in stores.items()}


def _check_batch(phase: Phase, loop: LoopConfig, devices: Mesh) -> None:
    shards = devices.shape["data"] * devices.shape["fsdp"]
    if phase.batch_windows % (shards * loop.microbatches):
        raise UserError(
            f"{phase.batch_windows} windows in a batch do not divide over {shards} devices (mesh "
            f"axes data x fsdp) times {loop.microbatches} microbatches: change batch_windows, "
            "MeshConfig or LoopConfig.microbatches."
        )


def device_name() -> str:
    """What a run computes on: '1 x cpu', '64 x TPU v5 lite'."""
    return f"{jax.device_count()} x {jax.devices()[0].device_kind}"


def _start(phase: Phase, parent: RunDirectory | None, devices) -> TrainState:
    """The state at step 0: from the parent's last checkpoint, or from initialisation."""
    if phase.parent is None:
        return initial_state(phase.model, phase.optimizer, phase.seed, devices)
    if parent is None or not parent.complete:
        raise UserError(
            f"phase {phase.name!r} starts from another phase whose run is not complete"
            + (f" ({parent.path})" if parent else "")
            + ": train that one first."
        )
    like = abstract_state(phase.model, phase.optimizer, devices)
    with Checkpoints(parent.checkpoints, read_only=True) as checkpoints:
        _, state, _ = checkpoints.restore(like, phase.parent.steps)
    if phase.optimizer_state == "reset":
        fresh = initial_state(phase.model, phase.optimizer, phase.seed, devices)
        state = TrainState(state.params, fresh.moments)
    return state


@contextlib.contextmanager
def _failures_noted(run: RunDirectory, phase: Phase) -> Iterator[None]:
    """Writes into the run's status why training could not go on."""
    try:
        yield
    except Failed as error:
        run.set_status("failed", step=run.status["step"], steps=phase.steps, reason=str(error))
        raise


@contextlib.contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set. A second SIGINT stops at once, as ever."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    handlers = {}

    def ask(number, frame) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        handlers[number] = signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
