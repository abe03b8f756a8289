"""Metrics for viewers: TensorBoard events, and Weights & Biases where it is asked for.

    with open_trackers(TrackingConfig(), run.path, identity, description, first_step) as tracker:
        tracker.log(line)                 # a line of metrics.jsonl

    tensorboard --logdir runs

Tags are the names in metrics.jsonl (code_ablate.training.metrics), the x axis is the step. After a
restart, what had been logged of later steps than the restored one is superseded, so that curves
have no zigzag. metrics.jsonl remains the record; what is here is for looking at.
"""

import contextlib
import importlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from etils import epath

from code_ablate import storage
from code_ablate.checked import checked
from code_ablate.errors import Interrupted, UserError


@checked
@dataclass(frozen=True)
class TrackingConfig:
    """Where metrics go besides metrics.jsonl. Never changes what is trained."""

    tensorboard: bool = True
    """Writes TensorBoard events into the run directory, under tensorboard/; for runs on an object
    store, into ./tensorboard on the host of process 0."""
    wandb_project: str | None = None
    """Weights & Biases project to log to as well; None: not. Needs `pip install wandb`; its own
    environment variables (WANDB_API_KEY, WANDB_MODE, ...) hold."""
    wandb_entity: str | None = None
    """User or team that owns the project; None: the one that wandb is logged in as."""

    def __post_init__(self):
        if self.wandb_entity and not self.wandb_project:
            raise UserError(
                "TrackingConfig.wandb_entity is set and wandb_project is not: name the project, "
                "or leave both out."
            )


class Tracker:
    """What lines are logged to; nothing, on all processes but one."""

    def __init__(self, sinks: tuple[Callable[[Mapping[str, float]], None], ...]):
        """Each of `sinks` is called with every line."""
        self._sinks = sinks

    def log(self, line: Mapping[str, float]) -> None:
        """Logs a line of metrics, which holds its `step`. They are in its files when it returns."""
        for sink in self._sinks:
            sink(line)


@contextlib.contextmanager
def open_trackers(
    config: TrackingConfig,
    run_path: epath.PathLike,
    identity: str,
    description: Mapping[str, Any],
    first_step: int,
    *,
    write: bool = True,
) -> Iterator[Tracker]:
    """A tracker for the run at `run_path`; its files are complete when the block is left.

    `identity`: of the phase, by which a restart finds its earlier self; `description`: what
    determines its result, plain values; `first_step`: steps done that are kept, 0 or those of the
    checkpoint that was restored; `write`: true on one process. All processes raise UserError if
    something that is asked for is missing, so that none is left waiting for the others.
    """
    require_trackers(config)
    with contextlib.ExitStack() as stack:
        sinks = []
        if write and config.tensorboard:
            sinks.append(stack.enter_context(_tensorboard(run_path, first_step)))
        if write and config.wandb_project:
            sinks.append(stack.enter_context(_wandb(config, run_path, identity, description)))
        yield Tracker(tuple(sinks))


def require_trackers(config: TrackingConfig) -> None:
    """Raises UserError if `config` asks for what is not installed. To be called before any work."""
    if config.wandb_project:
        _require("wandb", "wandb", "TrackingConfig.wandb_project", off=None)
    if config.tensorboard:
        _require("tensorboardX", "tensorboardX", "TrackingConfig.tensorboard", off=False)


def events_folder(run_path: epath.PathLike) -> epath.Path:
    """Where TensorBoard events of a run go: beside its metrics, if that is on a disk.

    Event files grow by appending, which object stores cannot: of runs that lie there, events go to
    a folder on this host, and metrics.jsonl is what remains.
    """
    path = epath.Path(run_path)
    if storage.is_remote(path):
        return epath.Path("tensorboard") / path.name
    return path / "tensorboard"


def _require(module: str, package: str, asked_by: str, off: Any) -> None:
    """Raises UserError that says how to install `module` where it cannot be imported."""
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise UserError(
            f"{asked_by} needs {package}, which cannot be imported ({error}): "
            f"pip install {package}, or set it to {off}."
        ) from None


@contextlib.contextmanager
def _tensorboard(run_path: epath.PathLike, first_step: int):
    from tensorboardX.event_file_writer import EventsWriter
    from tensorboardX.proto.event_pb2 import Event, SessionLog
    from tensorboardX.summary import scalar

    folder = events_folder(run_path)
    folder.mkdir(parents=True, exist_ok=True)
    # Not its SummaryWriter: that one leaves events in the queue of a thread, where `flush` does not
    # see them, and a kill after a checkpoint would lose lines that are never logged again.
    # The writer names files by the second, and would overwrite one of the same second.
    writer = EventsWriter(str(folder / "events"), f".{time.time_ns()}")
    # Readers drop earlier events of this step and later ones. Step `first_step` itself is in the
    # checkpoint, and so are its events.
    start = SessionLog(status=SessionLog.START)
    writer.write_event(Event(wall_time=time.time(), step=first_step + 1, session_log=start))

    def log(line: Mapping[str, float]) -> None:
        now = time.time()
        for name, value in line.items():
            if name != "step":
                event = Event(wall_time=now, step=line["step"], summary=scalar(name, value))
                writer.write_event(event)
        writer.flush()

    try:
        yield log
    finally:
        writer.close()


@contextlib.contextmanager
def _wandb(
    config: TrackingConfig,
    run_path: epath.PathLike,
    identity: str,
    description: Mapping[str, Any],
):
    import wandb

    path = epath.Path(run_path)
    run = wandb.init(
        project=config.wandb_project,
        entity=config.wandb_entity,
        id=identity,
        name=path.name,
        config=dict(description),
        resume="allow",
        dir=None if "://" in str(path) else str(path),
    )
    # wandb takes steps in rising order only. After a restart it has lines of steps that are done
    # again with the same losses; the ones it has stay.
    next_step = run.step

    def log(line: Mapping[str, float]) -> None:
        if line["step"] >= next_step:
            values = {name: value for name, value in line.items() if name != "step"}
            run.log(values, step=line["step"], commit=True)

    failed = True
    try:
        yield log
        failed = False
    except Interrupted:
        failed = False
        raise
    finally:
        run.finish(exit_code=int(failed))
