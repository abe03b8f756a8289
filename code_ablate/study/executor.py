"""Goes through a phase graph: trains each distinct phase once, and evaluates those that are arms.

    execute(graph, trainer, evaluate=evaluate_phase)

How phases are trained is the trainer's (code_ablate.study.trainers), what evaluation is the
caller's; here is the order, what may go on at the same time, what follows from a failure, and which
parameters are needed.
"""

import contextlib
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from typing import Protocol

from etils import epath

from code_ablate.errors import Failed, UserError
from code_ablate.study.graph import PhaseGraph
from code_ablate.study.phase_order import Order, Work
from code_ablate.study.side_by_side import SideBySide
from code_ablate.training.rundir import RunDirectory


class Trainer(Protocol):
    """Trains phases."""

    @property
    def together(self) -> int:
        """Most phases that one call trains, as one program."""

    @property
    def at_once(self) -> int:
        """Most calls that may go on at the same time, each in a thread of its own."""

    def train(self, works: Sequence[Work]) -> Mapping[str, Failed]:
        """Trains phases of equal shape to their ends.

        Returns why those could not go on that failed, by identity. What it raises ends everything.
        """

    def stop(self) -> None:
        """Makes calls that are under way raise Interrupted, once their work is saved."""


def execute(graph: PhaseGraph, trainer: Trainer, evaluate: Callable[[Work], object]) -> None:
    """Trains every phase, parents first, and evaluates after it those of arms.

    A phase that fails stops only those that start from it: Failed is raised when the others are
    done. Whatever else training and evaluation raise ends everything.
    """
    order = Order.of(graph, trainer.together)
    train = one_by_one if trainer.at_once == 1 else side_by_side
    with contextlib.closing(train(order, trainer)) as trained:
        for work in trained:
            if work.identity in graph.evaluated:
                evaluate(work)
    if order.failures:
        raise _failed(order, alone=len(graph.phases) == 1)


def one_by_one(order: Order, trainer: Trainer) -> Generator[Work, None, None]:
    """Trains group after group in this thread; gives the phases that are trained."""
    while group := order.take():
        yield from order.note(group, trainer.train(group))


def side_by_side(order: Order, trainer: Trainer) -> Generator[Work, None, None]:
    """Trains `trainer.at_once` groups at a time; gives the phases as they are trained."""
    with SideBySide(order, trainer.train, trainer.stop, threads=trainer.at_once) as trained:
        yield from trained


def _failed(order: Order, *, alone: bool) -> Failed:
    """Says which phases failed and why, and what was left out because of them.

    `alone`: whether there was only one to train.
    """
    if alone:
        return next(iter(order.failures.values()))
    left_out = ""
    if order.abandoned:
        left_out = f" Not trained, because they start from there: {len(order.abandoned)} phases."
    number = len(order.failures)
    head = "a phase" if number == 1 else f"{number} phases"
    reasons = "\n".join(str(failure) for failure in order.failures.values())
    return Failed(f"{head} could not go on; all others are done.{left_out}\n{reasons}")


def require_parameters(
    graph: PhaseGraph, runs: Mapping[str, RunDirectory], unevaluated: Collection[str]
) -> None:
    """Raises UserError if a complete run has lost parameters that this study needs.

    It needs those of a phase that another one starts from which is not complete, and those of an
    arm in `unevaluated`, identities of phases.
    """
    to_start: set[str] = set()
    gone: list[epath.Path] = []
    for identity, phase in reversed(tuple(graph.phases.items())):  # children before parents
        run = runs[identity]
        needed = identity in unevaluated or any(
            graph.parents[child] == identity for child in to_start
        )
        lost = run.complete and needed and not run.has_parameters(phase.steps)
        if lost:
            gone.append(run.path)
        if (lost or not run.complete) and not run.has_checkpoints:
            to_start.add(identity)
    if gone:
        shown = ", ".join(str(path) for path in reversed(gone))
        raise UserError(
            f"complete runs whose parameters are needed have lost their checkpoints: {shown}. Put "
            "checkpoints/ back; or delete status.json in each of them and give the same command "
            "again: they are trained once more."
        )
