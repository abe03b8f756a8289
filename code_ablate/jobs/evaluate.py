"""Evaluates checkpoints of a run, and follows a run while it trains.

    evaluate_run("runs/RUN", workspace, SuiteConfig(...), vocabulary, prepare, mesh, show=print)
    follow(run, lambda step: evaluate_checkpoint(run, suite, mesh, step), wait=Pause())

Scores are written task by task: what is on record is not computed again, and a kill loses the task
under way alone.
"""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from etils import epath
from tqdm import tqdm

from code_ablate import distributed, storage
from code_ablate.allocator import ready_the_host
from code_ablate.data.preparing.prepare import PrepareConfig
from code_ablate.data.registry import require_corpora, require_evaluation_tasks
from code_ablate.data.vocabulary import VocabularyConfig
from code_ablate.errors import Failed, UserError
from code_ablate.evaluation.generation import Generator
from code_ablate.evaluation.measure import Engine
from code_ablate.evaluation.records import Records
from code_ablate.evaluation.scoring import Scorer
from code_ablate.evaluation.suite import Suite, SuiteResult
from code_ablate.evaluation.suite_config import SuiteConfig
from code_ablate.jobs.workspace import Workspace
from code_ablate.model.config import MeshConfig
from code_ablate.progress import bar
from code_ablate.shown import shown
from code_ablate.training.checkpoint import Checkpoints, Unreadable
from code_ablate.training.rundir import RunDirectory, phase_of_run
from code_ablate.training.trained import open_checkpoint


@dataclass(frozen=True)
class CheckpointScores:
    """What one checkpoint scored. `str()` is the table that `code-ablate eval` prints."""

    run: epath.Path
    """Directory of the run."""
    step: int
    """Step of the checkpoint."""
    result: SuiteResult
    """Scores of every item, and facts and metrics of every task."""
    missing: Mapping[str, str]
    """Why a task was not evaluated, by task."""

    def __str__(self) -> str:
        from code_ablate.analysis.report.terminal import task_table

        table = task_table(self.summaries, dict(self.missing))
        return f"{self.run}, step {self.step:,}\n{table}"

    @property
    def summaries(self) -> Any:
        """A summary of each task, with intervals."""
        from code_ablate.analysis.report.one_checkpoint import summarise_tasks

        return summarise_tasks(self.result.items, self.result.tasks)

    def to_json(self) -> str:
        """The summaries and the tasks' own metrics."""
        from code_ablate.analysis.report.one_checkpoint import as_json

        return as_json(self.summaries, self.result.metrics, dict(self.missing))


class CheckpointGone(UserError):
    """A checkpoint cannot be read, and there are newer ones: training has deleted it, or it is
    damaged."""


def evaluate_run(
    directory: epath.PathLike,
    workspace: Workspace,
    suite: SuiteConfig,
    vocabulary: VocabularyConfig,
    prepare: PrepareConfig,
    mesh: MeshConfig,
    *,
    steps: Sequence[int] = (),
    every: bool = False,
    wait: Callable[[str], object] | None = None,
    show: Callable[[CheckpointScores], object] | None = None,
) -> dict[int, str]:
    """Evaluates checkpoints of a run: `steps`, else `every` one, else the last.

    With `wait` (e.g. `Pause()`) it follows the run until it is complete. `show` is called with the
    scores of each checkpoint, on the first process. Returns why steps were skipped, by step. Raises
    UserError before anything is evaluated.
    """
    run = RunDirectory.open(directory)
    ready_the_host()
    require_corpora(suite.domains)
    require_evaluation_tasks(suite.tasks)
    phase, loaded = phase_of_run(str(run.path)), workspace.existing_vocabulary(vocabulary)
    run.require_vocabulary(loaded.digest)
    stores = workspace.stores(suite.domains, loaded, prepare)
    measured = Suite.of(suite, loaded, stores, phase.seq_len)
    chosen = asked_steps(run, measured, steps, every=every or wait is not None)
    # One that follows a run needs everything that its last checkpoint will need.
    known = {*chosen, phase.steps} if wait else chosen
    measured = measured.prepared([records_of(run, step) for step in known])

    def evaluate_step(step: int) -> None:
        evaluate_checkpoint(run, measured, mesh, step, f"step {step:,}")
        if distributed.is_first():
            scores = scores_of(run, measured, step)
            storage.replace(run.evaluation(step) / "summary.json", scores.to_json())
            if show:
                show(scores)

    if wait:
        return follow(run, evaluate_step, wait)
    for step in chosen:
        evaluate_step(step)
    return {}


def scores_of(run: RunDirectory, suite: Suite, step: int) -> CheckpointScores:
    """What is on record for a checkpoint. Raises UserError if it is not evaluated."""
    result = suite.result(records_of(run, step))
    if result is None:
        raise UserError(f"step {step} of {run.path} is not evaluated yet: run code-ablate eval.")
    return CheckpointScores(run.path, step, result, suite.missing)


def records_of(run: RunDirectory, step: int) -> Records:
    """Where the scores of a checkpoint are."""
    return Records(run.evaluation(step))


def steps_of(run: RunDirectory) -> list[int]:
    """Steps of the run's checkpoints, the same on all processes."""
    if not distributed.from_first(run.checkpoints.exists):
        return []
    with Checkpoints(run.checkpoints, read_only=True) as checkpoints:
        return checkpoints.steps


def asked_steps(
    run: RunDirectory, suite: Suite, asked: Sequence[int], *, every: bool = False
) -> list[int]:
    """The checkpoints to evaluate: the asked ones, else `every` one, else the last.

    One that was deleted may be asked for if all of its scores are on record. Raises UserError for
    one that was not evaluated and is not there, and where there is none at all.
    """
    there = steps_of(run)
    if every:
        return there
    if not there and not asked:
        raise UserError(f"{run.path} has no checkpoint yet: train it first, or give --follow.")
    for step in asked:
        if step not in there and suite.todo(records_of(run, step)):
            raise UserError(f"no checkpoint at step {step} of {run.path}; it has {there}.")
    return sorted(set(asked)) or there[-1:]


def evaluate_checkpoint(
    run: RunDirectory, suite: Suite, mesh: MeshConfig, step: int, label: str = ""
) -> None:
    """Evaluates what is not on record. The checkpoint is read only if something is missing.

    Raises UserError if there is no such checkpoint, CheckpointGone if there are newer ones.
    """
    records = records_of(run, step)
    todo = suite.todo(records)
    if not todo:
        return
    engine = _engine(run, suite, mesh, step)
    total = sum(part.measure.work for part in todo)
    with bar(total, f"{label} evaluation".strip(), unit="req") as progress:
        for part in todo:
            progress.set_postfix_str(part.key.name, refresh=False)
            description, items = part.evaluate(engine, progress.update)
            if distributed.is_first():
                records.save(part.key, description, items)
            distributed.wait_for_all()  # for programs to be run, which the first process does


def _engine(run: RunDirectory, suite: Suite, mesh: MeshConfig, step: int) -> Engine:
    try:
        trained = open_checkpoint(run, suite.vocabulary, mesh, step)
    except Unreadable as error:
        # Training deletes the older checkpoints, file by file, and never the newest.
        if max(steps_of(run), default=step) > step:
            raise CheckpointGone(str(error)) from error
        raise
    model, params, longest = trained.model, trained.params, trained.seq_len + 1
    return Engine(
        Scorer(model, params, trained.mesh, longest=longest, name=trained.name),
        Generator(
            model, params, trained.mesh, suite.vocabulary, longest=longest, name=trained.name
        ),
    )


def follow(
    run: RunDirectory, evaluate: Callable[[int], object], wait: Callable[[str], object]
) -> dict[int, str]:
    """Calls `evaluate` on each checkpoint of a run that may still be training, oldest first.

    One that comes and goes while another is evaluated is not seen at all: keep more of them
    (`LoopConfig.keep_checkpoints`) to have each. `wait` is given a message and returns when it is
    time to look again. Returns when the run is complete and its last checkpoint is evaluated: the
    steps that were deleted or damaged before they could be, and what was said of them. Raises
    Failed when everything is evaluated and the process that trains is known to have been killed.
    """
    done: set[int] = set()
    skipped: dict[int, str] = {}
    while True:
        # The status first: what it says is complete has written all of its checkpoints, and so has
        # a process that is gone.
        status = distributed.from_first(lambda: run.status)
        gone = distributed.from_first(lambda: run.dead_trainer)
        new = [step for step in steps_of(run) if step not in done]
        if new:
            try:
                evaluate(new[0])
            except CheckpointGone as error:
                skipped[new[0]] = str(error)
            done.add(new[0])
        elif status["state"] == "complete":
            return skipped
        elif gone:
            raise Failed(
                f"{run.path} says that it is being trained, and that process ({gone}) has ended "
                "without a word. What it saved is evaluated. Give the command that trains it "
                "again, and this one again for what follows."
            )
        else:
            message = _waiting(run, status)
            distributed.from_first(lambda: wait(message))  # noqa: B023  (called at once)


def _waiting(run: RunDirectory, status: dict) -> str:
    state = f"{status['state']}, step {status.get('step', 0):,}"
    if status["state"] == "running":
        return f"waiting for the next checkpoint of {run.path} ({state}); Ctrl-C stops."
    return f"{run.path} is not training ({state}): waiting until it goes on; Ctrl-C stops."


class Pause:
    """A `wait` for `follow`: says what it waits for when that changes, and sleeps."""

    def __init__(self, seconds: float = 10.0):
        self._seconds, self._said = seconds, ""

    def __call__(self, message: str) -> None:
        """Returns after a while."""
        if message != self._said:
            tqdm.write(shown(message), file=sys.stderr)
            self._said = message
        time.sleep(self._seconds)
