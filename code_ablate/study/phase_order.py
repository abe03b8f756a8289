"""Which phases of a graph can be trained now, and what follows when one is trained or fails.

order = Order.of(graph, together=8)
while group := order.take():
    order.note(group, failures={})
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from code_ablate.errors import Failed
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


@dataclass
class Order:
    """Which phases are still to do, which of them can be done now, and what came of the others."""

    waiting: dict[str, Work]
    """Phases that nobody has begun, by identity, in the order of the graph."""
    together: int
    """Most phases of one group."""
    done: set[str] = field(default_factory=set)
    """Identities of the phases that are trained."""
    failures: dict[str, Failed] = field(default_factory=dict)
    """Why a phase could not go on, by identity."""
    abandoned: list[Work] = field(default_factory=list)
    """Phases that start from one that failed."""

    @classmethod
    def of(cls, graph: PhaseGraph, together: int = 1) -> "Order":
        """The order of a graph of which nothing is done, but for parents outside of it."""
        total = len(graph.phases)
        works = (
            Work(identity, phase, graph.parents[identity], number, total)
            for number, (identity, phase) in enumerate(graph.phases.items(), 1)
        )
        outside = {parent for parent in graph.parents.values() if parent} - set(graph.phases)
        return cls({work.identity: work for work in works}, together, done=outside)

    def take(self) -> list[Work]:
        """Phases that can be trained now: the first, and others of its shape. Empty: none can."""
        ready = [w for w in self.waiting.values() if w.parent is None or w.parent in self.done]
        group = [w for w in ready if shape(w.phase) == shape(ready[0].phase)][: self.together]
        for work in group:
            del self.waiting[work.identity]
        return group

    def note(self, works: Sequence[Work], failures: Mapping[str, Failed]) -> list[Work]:
        """Takes down what came of a group, and returns those of it that are trained."""
        self.failures |= failures
        trained = [work for work in works if work.identity not in failures]
        self.done |= {work.identity for work in trained}
        gone = set(self.failures)
        for work in list(self.waiting.values()):  # parents before children
            if work.parent in gone:
                gone.add(work.identity)
                self.abandoned.append(self.waiting.pop(work.identity))
        return trained


def shape(phase: Phase) -> Hashable:
    """What phases have in common that one program can train together."""
    return (
        phase.model,
        phase.optimizer,
        phase.z_loss,
        phase.document_masks,
        phase.steps,
        phase.batch_windows,
        phase.seq_len,
    )
