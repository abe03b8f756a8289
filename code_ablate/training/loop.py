"""Trains one phase. Read `train` from top to bottom; it is the whole of it.

    result = train(phase, stores, run, parent=parent_run, loop=LoopConfig(), mesh=MeshConfig())

A phase starts from the first of these that is there: its own newest checkpoint; its parent's last
one; initialisation from its seed.
"""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import jax
import numpy as np

from code_ablate.data.loader import Batches, ReadAhead
from code_ablate.data.store import TokenStore
from code_ablate.errors import UserError
from code_ablate.identity import to_plain
from code_ablate.model.sharding import MeshConfig, batch_sharding, make_mesh
from code_ablate.progress import bar
from code_ablate.training.checkpoint import Checkpoints
from code_ablate.training.metrics import Meter
from code_ablate.training.phase import Phase, describe, phase_identity, phase_stream
from code_ablate.training.rundir import RunDirectory
from code_ablate.training.step import TrainState, abstract_state, initial_state, make_train_step


@dataclass(frozen=True)
class LoopConfig:
    """How often things are written. Never changes what is trained."""

    log_every: int = 20
    """Steps between lines of metrics.jsonl."""
    checkpoint_every: int = 1000
    """Steps between checkpoints; there is always one at the end."""
    keep_checkpoints: int = 2
    """Newest checkpoints kept."""
    read_ahead: int = 2
    """Batches read, and moved to the devices, before they are needed."""

    def __post_init__(self):
        for name in ("log_every", "checkpoint_every", "keep_checkpoints", "read_ahead"):
            if getattr(self, name) < 1:
                raise UserError(
                    f"LoopConfig.{name} is {getattr(self, name)}; it must be 1 or more."
                )


DEFAULT_LOOP, ONE_AXIS = LoopConfig(), MeshConfig()


class Interrupted(Exception):
    """Training was asked to stop; what it had is saved, and the same command goes on from there."""


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
    Raises UserError before any work starts, or Interrupted after SIGINT or SIGTERM.
    """
    # ------------------------------------------------------- what is to be done, if at all
    if run.complete:
        return run.status
    for part in phase.chain:
        check_stores(part, stores)
    identities = {corpus: store.manifest.identity for corpus, store in stores.items()}
    windows = {corpus: store.num_windows(phase.seq_len) for corpus, store in stores.items()}
    if phase_identity(phase, identities) != run.identity:
        raise UserError(f"{run.path} is not the run of this phase: a token store has changed.")
    stream = phase_stream(phase, windows, identities)
    devices = make_mesh(mesh)
    shards = devices.shape["data"] * devices.shape["fsdp"]
    if phase.batch_windows % shards:
        raise UserError(
            f"{phase.batch_windows} windows in a batch do not divide over {shards} devices (mesh "
            "axes data x fsdp): change batch_windows, or MeshConfig."
        )
    batches = Batches(
        stream,
        stores,
        phase.batch_windows,
        phase.seq_len,
        jax.process_index(),
        jax.process_count(),
    )
    rows = batch_sharding(devices)

    def read(step: int) -> tuple[jax.Array, np.ndarray]:
        batch = batches.read(step)
        return jax.make_array_from_process_local_data(rows, batch.tokens_BT), batch.corpus_B

    with (
        run.locked(),
        Checkpoints(run.checkpoints, keep=loop.keep_checkpoints) as checkpoints,
        jax.set_mesh(devices),
        _stop_signals() as stop,
    ):
        run.write_config(
            describe(phase, identities),
            to_plain(phase),
            operative_gin,
            vocabulary=next(iter(stores.values())).manifest.vocabulary["digest"],
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
        train_step = make_train_step(phase.model, phase.optimizer, phase.z_loss, devices)
        meter = Meter(phase, stream, windows)
        batch_tokens = phase.batch_windows * phase.seq_len
        begin = logged = time.monotonic()
        logged_step, waiting = first, []
        with (
            ReadAhead(read, first=first, last=phase.steps, depth=loop.read_ahead) as batches_ahead,
            bar(
                phase.steps * batch_tokens,
                label or phase.name,
                unit="tok",
                scale=True,
                initial=first * batch_tokens,
            ) as progress_bar,
        ):
            for step, (tokens_BT, corpus_B) in batches_ahead:
                rate = np.float32(phase.learning_rate(step))
                state, metrics = train_step(state, tokens_BT, rate)
                meter.add(metrics, corpus_B)
                done = step + 1

                # Two steps may be under way; more would only hold memory and delay a stop.
                waiting.append(metrics["loss"])
                if len(waiting) > 2:
                    waiting.pop(0).block_until_ready()
                progress_bar.update(batch_tokens)

                stopping = stop.is_set()  # read once: a signal may come at any line
                last = done == phase.steps or stopping
                if last or done % loop.log_every == 0:
                    jax.block_until_ready(metrics)
                    now = time.monotonic()
                    speed = (done - logged_step) * batch_tokens / (now - logged)
                    line = meter.line(done, seconds_before + now - begin, speed)
                    if jax.process_index() == 0:
                        run.append_metrics(line)
                    progress_bar.set_postfix_str(
                        f"loss {line['loss']:.3f} lr {line['learning_rate']:.1e}", refresh=False
                    )
                    logged, logged_step = now, done

                if last or done % loop.checkpoint_every == 0:
                    seconds = seconds_before + time.monotonic() - begin
                    checkpoints.save(
                        done,
                        state,
                        {"seconds": seconds, "counts": stream.counts(done * phase.batch_windows)},
                    )
                if stopping and done < phase.steps:
                    checkpoints.wait()
                    run.set_status("interrupted", step=done, steps=phase.steps, seconds=seconds)
                    raise Interrupted(
                        f"stopped at step {done} of {phase.steps}, saved in {run.path}; "
                        "the same command goes on from there."
                    )

        # ----------------------------------------------------------------------------- the end
        checkpoints.wait()
        seconds = seconds_before + time.monotonic() - begin
        run.set_status(
            "complete",
            step=phase.steps,
            steps=phase.steps,
            seconds=seconds,
            final_loss=run.last_metrics().get("loss"),
        )
    return run.status


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
