"""Goes through a phase graph: trains each distinct phase once, and evaluates those that are arms.

execute(graph, train=train_phase, evaluate=evaluate_phase)

What training and evaluation are is the caller's; here is the order, and what is told beside it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from code_ablate.study.graph import PhaseGraph
from code_ablate.training.phase import Phase


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
