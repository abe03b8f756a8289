"""Goes through a phase graph: trains each distinct phase once, and evaluates those that are arms.

execute(graph, train=train_phase, evaluate=evaluate_phase)

What training and evaluation are is the caller's; here is the order, what is told beside it, and
which parameters it needs.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from etils import epath

from code_ablate.errors import UserError
from code_ablate.study.graph import PhaseGraph
from code_ablate.training.phase import Phase
from code_ablate.training.rundir import RunDirectory


@dataclass(frozen=True)
class Work:
    """One phase, as it is handed out to be trained or evaluated."""

    identity: str
    """Identity of the phase."""
    phase: Phase
    """The phase."""
    parent: str | None
    """Identity of the phase it starts from; None: from initialisation."""
    number: int
    """Its number in the graph, from 1."""
    total: int
    """Phases of the graph."""

    @property
    def progress(self) -> str:
        """ "[3/26]"."""
        return f"[{self.number}/{self.total}]"

    def __str__(self) -> str:
        phase = self.phase
        return f"{self.progress} {phase.name} {phase.mixture} seed {phase.seed}"


def execute(
    graph: PhaseGraph, train: Callable[[Work], object], evaluate: Callable[[Work], object]
) -> None:
    """Calls `train` for every phase, parents first, and `evaluate` after it for those of arms."""
    evaluated = graph.evaluated
    for number, (identity, phase) in enumerate(graph.phases.items(), 1):
        work = Work(identity, phase, graph.parents[identity], number, len(graph.phases))
        train(work)
        if identity in evaluated:
            evaluate(work)


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
