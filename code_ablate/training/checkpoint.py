"""Checkpoints of a run: parameters, moments and counters, written by orbax while training goes on.

    with Checkpoints(run_dir / "checkpoints") as checkpoints:
        checkpoints.save(step, state, progress)
        step, state, progress = checkpoints.restore(abstract_state)

Orbax writes into a temporary folder and renames it when it is whole, so a checkpoint that is listed
is complete.
"""

import orbax.checkpoint as ocp
from etils import epath

from code_ablate.errors import UserError
from code_ablate.training.step import TrainState


class Checkpoints:
    """The checkpoints of one run. Use as a context manager: leaving waits for the last write."""

    def __init__(self, directory: epath.PathLike, *, keep: int = 2, read_only: bool = False):
        self._directory = epath.Path(directory)
        if not read_only:
            self._directory.mkdir(parents=True, exist_ok=True)
        self._manager = ocp.CheckpointManager(
            self._directory.resolve() if self._directory.exists() else self._directory,
            options=ocp.CheckpointManagerOptions(
                max_to_keep=None if read_only else keep,
                read_only=read_only,
                create=False,
                enable_async_checkpointing=not read_only,
            ),
            item_names=("params", "moments", "progress"),
        )

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *exc_info) -> None:
        self._manager.wait_until_finished()
        self._manager.close()

    @property
    def latest(self) -> int | None:
        """Step of the newest complete checkpoint: train steps done."""
        return self._manager.latest_step()

    @property
    def steps(self) -> list[int]:
        """Steps of all complete checkpoints."""
        return sorted(self._manager.all_steps())

    def save(self, step: int, state: TrainState, progress: dict) -> None:
        """Starts writing; returns when the arrays are copied and training may go on."""
        self._manager.save(
            step,
            args=ocp.args.Composite(
                params=ocp.args.StandardSave(state.params),
                moments=ocp.args.StandardSave(state.moments),
                progress=ocp.args.JsonSave(progress),
            ),
            force=True,
        )

    def wait(self) -> None:
        """Returns when what was saved is on disk."""
        self._manager.wait_until_finished()

    def restore(self, like: TrainState, step: int | None = None) -> tuple[int, TrainState, dict]:
        """(step, state, progress) of checkpoint `step` or the newest, sharded as `like`."""
        step = self.existing(step)
        restored = self._manager.restore(
            step,
            args=ocp.args.Composite(
                params=ocp.args.StandardRestore(like.params),
                moments=ocp.args.StandardRestore(like.moments),
                progress=ocp.args.JsonRestore(),
            ),
        )
        return step, TrainState(restored.params, restored.moments), restored.progress

    def restore_params(self, like, step: int | None = None):
        """Parameters alone, in the shardings of `like`."""
        args = ocp.args.Composite(params=ocp.args.StandardRestore(like))
        return self._manager.restore(self.existing(step), args=args).params

    def existing(self, step: int | None = None) -> int:
        """`step` if there is such a checkpoint, the newest for None; UserError if there is none."""
        steps = self.steps
        if not steps:
            raise UserError(f"no complete checkpoint under {self._directory}: train the run first.")
        if step is not None and step not in steps:
            raise UserError(f"no checkpoint at step {step} under {self._directory}; has {steps}.")
        return steps[-1] if step is None else step
