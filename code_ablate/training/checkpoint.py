"""Checkpoints of a run: parameters, moments and counters, written by orbax while training goes on.

    with Checkpoints(run_dir / "checkpoints") as checkpoints:
        checkpoints.save(step, state, progress)
        checkpoints.check_for_errors()  # now and then: the disk may have become full
        step, state, progress = checkpoints.restore(abstract_state)

Orbax writes into a temporary folder and renames it when it is whole, so a kill leaves no half of a
checkpoint. What storage does to it later, orbax notices only in part: a flipped byte of an array
goes by in silence. So each checkpoint carries a record (dtype, shape and fingerprint of every
array, and a hash of the record itself), and what is restored has to agree with it, bit for bit.
"""

import contextlib
import dataclasses
import errno
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from etils import epath
from jax.experimental import multihost_utils
from tqdm import tqdm

from code_ablate import storage
from code_ablate.errors import Failed, UserError
from code_ablate.identity import differences, identity
from code_ablate.shown import shown
from code_ablate.training.array_fingerprint import fingerprint, named_leaves
from code_ablate.training.step import TrainState

ARRAYS = tuple(field.name for field in dataclasses.fields(TrainState))
"""Items of a checkpoint that hold arrays, each in a folder of its own."""

RECORD = "progress"
"""The item beside them: progress, leaves (see `fingerprint`) and digest, as JSON."""

_NOT_DAMAGE = (UserError, MemoryError, PermissionError, jax.errors.JaxRuntimeError)
"""What may go wrong while reading and says nothing about the checkpoint."""


class SaveFailed(Failed):
    """A checkpoint could not be written. The ones before it are as they were."""


class Unreadable(UserError):
    """There is no such checkpoint, or it is damaged; not: it is of another model."""


class _Damaged(Exception):
    """A checkpoint cannot be read as it was written; the message says why."""


class Checkpoints:
    """The checkpoints of one run. Use as a context manager: leaving waits for the last write.

    With several processes all of them make the same calls, on a directory that all can reach.
    """

    def __init__(self, directory: epath.PathLike, *, keep: int = 2, read_only: bool = False):
        directory = epath.Path(directory)
        if not read_only:
            directory.mkdir(parents=True, exist_ok=True)
        # An absolute path is what orbax wants. `resolve` would take gs:// for a relative one.
        self._directory = directory if storage.is_remote(directory) else directory.resolve()
        self._read_only = read_only
        self._writing: int | None = None  # the step whose write is under way
        self._manager = ocp.CheckpointManager(
            self._directory,
            options=ocp.CheckpointManagerOptions(
                max_to_keep=None if read_only else keep,
                read_only=read_only,
                create=False,
                enable_async_checkpointing=not read_only,
                # What a killed process was writing. Only the process that trains the run writes.
                cleanup_tmp_directories=not read_only,
                # Or one that training deletes meanwhile would be looked into.
                lightweight_initialize=True,
                # All processes go by what the first one sees.
                single_host_load_and_broadcast=True,
            ),
            item_names=(*ARRAYS, RECORD),
        )

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, kind, error, trace) -> None:
        try:
            self.wait()
        except SaveFailed as failure:
            if error is None:
                raise
            _warn(str(failure))  # beside the error that is on its way
        finally:
            self._manager.close()

    @property
    def latest(self) -> int | None:
        """Step of the newest checkpoint: train steps done."""
        return self.steps[-1] if self.steps else None

    @property
    def steps(self) -> list[int]:
        """Steps of all checkpoints."""
        return sorted(int(step) for step in self._manager.all_steps())

    def existing(self, step: int | None = None) -> int:
        """`step`, or the newest for None. Raises Unreadable if there is no such checkpoint."""
        steps = self.steps
        if not steps:
            raise Unreadable(
                f"no complete checkpoint under {self._directory}: train the run first."
            )
        if step is not None and step not in steps:
            raise Unreadable(f"no checkpoint at step {step} under {self._directory}; has {steps}.")
        return steps[-1] if step is None else step

    # ------------------------------------------------------------------------------------ writing

    def save(self, step: int, state: TrainState, progress: dict) -> None:
        """Starts writing; returns when the arrays are copied and training may go on.

        Raises SaveFailed if this write cannot start, or if the one before has failed.
        """
        self.wait()
        record = _make_record(state, progress)
        with self._save_errors(step):
            self._manager.save(
                step,
                args=ocp.args.Composite(
                    **{name: ocp.args.StandardSave(getattr(state, name)) for name in ARRAYS},
                    **{RECORD: ocp.args.JsonSave(record)},
                ),
                force=True,
            )
        self._writing = step

    def wait(self) -> None:
        """Returns when what was saved is on disk. Raises SaveFailed if it could not be written."""
        step, self._writing = self._writing, None
        with self._save_errors(step):
            self._manager.wait_until_finished()

    def check_for_errors(self) -> None:
        """Raises SaveFailed if the last write has failed; never waits for one that goes on.

        Where one of several processes fails alone, it may show here only after orbax' limit of 20
        minutes, in which the others wait for it.
        """
        # Not the manager's own method of this name: it takes the error away from the thread that
        # would have kept the older checkpoints because of it.
        if self._writing is not None and not self._manager.is_saving_in_progress():
            self.wait()

    @contextlib.contextmanager
    def _save_errors(self, step: int | None) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self._writing = None
            written = ocp.utils.checkpoint_steps(self._directory)
            why, remedy = _why_not_written(error)
            raise SaveFailed(
                f"the checkpoint of step {step} could not be written to {self._directory}: {why}. "
                + (f"The last good one is of step {max(written)}. " if written else "")
                + f"{remedy}, and the same command goes on from "
                + ("there." if written else "the beginning: there is none before it.")
            ) from error

    # ------------------------------------------------------------------------------------ reading

    def restore(self, like: TrainState, step: int | None = None) -> tuple[int, TrainState, dict]:
        """(step, state, progress) of checkpoint `step` or the newest, sharded as `like`.

        If the newest is damaged, warns, uses the one before, and moves the damaged one to the
        folder `damaged` beside the checkpoints, so that its step can be saved again. Raises
        Unreadable if `step`, or each one, is damaged or gone, UserError if it was made by another
        model or optimizer.
        """
        items = {name: getattr(like, name) for name in ARRAYS}
        step, arrays, progress = self._restore(items, step)
        return step, TrainState(**arrays), progress

    def restore_params(self, like, step: int | None = None):
        """Parameters alone, in the shardings of `like`. Otherwise as `restore`."""
        return self._restore({"params": like}, step)[1]["params"]

    def _restore(self, like: dict[str, Any], step: int | None) -> tuple[int, dict, dict]:
        first = self.existing(step)
        candidates = self.steps[::-1] if step is None else [first]
        damaged: dict[int, str] = {}
        for candidate in candidates:
            try:
                arrays, progress = self._read(self._folder(candidate), like)
            except _Damaged as error:
                damaged[candidate] = str(error)
                continue
            # Only now: if none can be read, the fault may not lie with the checkpoints.
            self._set_aside(damaged, instead=candidate)
            return candidate, arrays, progress
        raise Unreadable(self._all_damaged(damaged, asked=step))

    def _read(self, folder: epath.Path, like: dict[str, Any]) -> tuple[dict, dict]:
        """Arrays and progress of one checkpoint. Raises _Damaged in all processes if in any."""
        why, record, arrays = "", {}, {}
        try:
            record = _read_record(folder)
            _check_structure(folder, record["leaves"], like)
            for name, item in like.items():
                # Without the manager, which makes the processes wait for each other: where one of
                # them cannot read its part, the others would wait for ever.
                handler = ocp.StandardCheckpointHandler()
                args = ocp.args.StandardRestore(item)
                arrays[name] = handler.restore(folder / name, args=args)
        except _NOT_DAMAGE:
            raise
        except Exception as error:
            why = _first_cause(error)
        _raise_in_all(why)
        for name, found in fingerprint(arrays).items():
            if found != record["leaves"][name]:
                raise _Damaged(f"{name} does not have the fingerprint it was saved with")
        return arrays, record["progress"]

    def _folder(self, step: int) -> epath.Path:
        return self._directory / str(step)

    def _set_aside(self, damaged: dict[int, str], instead: int) -> None:
        for step, why in damaged.items():
            _warn(f"{self._folder(step)} is damaged ({why}): using step {instead} instead.")
        if not damaged or self._read_only:
            return
        if jax.process_index() == 0:
            aside = self._directory.parent / "damaged"
            aside.mkdir(parents=True, exist_ok=True)
            for step, why in damaged.items():
                place = _free_name(aside, str(step))
                # Before the checkpoint: on an object store, a folder is there when it has content.
                (aside / f"{place.name}.txt").write_text(why + "\n")
                # There every object is moved by itself; killed in between, the rest is found
                # damaged again, or as half-written.
                self._folder(step).rename(place)
        if jax.process_count() > 1:
            multihost_utils.sync_global_devices("damaged checkpoints are set aside")
        self._manager.reload()

    def _all_damaged(self, damaged: dict[int, str], asked: int | None) -> str:
        """What to do where nothing is left to restore from."""
        if asked is None:
            reasons = "; ".join(f"step {step}: {why}" for step, why in damaged.items())
            return (
                f"no checkpoint under {self._directory} can be read ({reasons}). Move that folder "
                "away and give the same command: the run starts again from its beginning."
            )
        return (
            f"{self._folder(asked)} is damaged ({damaged[asked]}). Delete "
            f"{self._directory.parent / 'status.json'} and give the command that trained this run: "
            "it goes on from the checkpoint before, and trains its end again."
        )


def _make_record(state: TrainState, progress: dict) -> dict:
    items = {name: getattr(state, name) for name in ARRAYS}
    record = {"progress": progress, "leaves": fingerprint(items)}
    return {**record, "digest": identity(record)}


def _read_record(folder: epath.Path) -> dict:
    """The record as it was written. Raises any error, or _Damaged, if it is not that."""
    if not folder.exists():
        raise _Damaged("the folder is missing")
    record = ocp.JsonCheckpointHandler().restore(folder / RECORD)
    if "digest" not in record:
        raise _Damaged(f"the file in {RECORD}/ has no hash: an earlier version wrote it")
    digest = record.pop("digest")
    if digest != identity(record):
        raise _Damaged(f"the file in {RECORD}/ does not have the hash it was saved with")
    return record


def _check_structure(folder: epath.Path, leaves: dict[str, list], like: dict[str, Any]) -> None:
    """Raises UserError if the checkpoint holds other arrays than `like`.

    The record has proved to be whole, so that a difference is one of configuration, not damage.
    """
    saved = {
        name: f"{dtype}{shape}"
        for name, (dtype, shape, _) in leaves.items()
        if name.split("/")[0] in like
    }
    names, arrays = named_leaves(like)
    wanted = {
        name: f"{array.dtype}{list(array.shape)}" for name, array in zip(names, arrays, strict=True)
    }
    if saved != wanted:
        lines = differences(saved, wanted)
        shown = "; ".join(lines[:3]) + (f"; and {len(lines) - 3} more" if lines[3:] else "")
        raise UserError(
            f"{folder} is of another model or optimizer than the configuration ({shown}): give "
            "the configuration of its training, or another run directory."
        )


def _raise_in_all(why: str) -> None:
    """Raises _Damaged in every process if `why` says something in one of them."""
    if jax.process_count() > 1:
        failed = np.atleast_1d(multihost_utils.process_allgather(np.asarray(bool(why))))
        if failed.any() and not why:
            why = f"process {int(np.argmax(failed))} cannot read its part"
    if why:
        raise _Damaged(why)


def _free_name(folder: epath.Path, name: str) -> epath.Path:
    """folder/name, or the first of folder/name-2, -3, ... that is not there."""
    path, number = folder / name, 1
    while path.exists():
        number += 1
        path = folder / f"{name}-{number}"
    return path


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what it was raised from, the first cause last."""
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(cause)
    return chain


def _first_cause(error: BaseException) -> str:
    """One line on what went wrong first."""
    first = _causes(error)[-1]
    if isinstance(first, _Damaged):
        return str(first)
    if isinstance(first, json.JSONDecodeError):
        return "a JSON file is broken"
    text = (str(first).splitlines() or [""])[0]
    text = text if len(text) <= 160 else text[:157] + "..."
    return text if isinstance(first, FileNotFoundError) else f"{type(first).__name__}: {text}"


def _why_not_written(error: BaseException) -> tuple[str, str]:
    """Why storage refused, and what to do.

    Tensorstore passes the system's message on, not its number.
    """
    known = {
        errno.ENOSPC: ("the disk is full", "Make room"),
        errno.EDQUOT: ("the disk quota is used up", "Make room"),
        errno.EFBIG: ("a file is larger than the system allows", "Raise the limit (ulimit -f)"),
    }
    for cause in _causes(error):
        for number, answer in known.items():
            if getattr(cause, "errno", None) == number or os.strerror(number) in str(cause):
                return answer
    return _first_cause(error), "Mend that"


def _warn(text: str) -> None:
    if jax.process_index() == 0:
        tqdm.write(shown(f"warning: {text}"), file=sys.stderr)
