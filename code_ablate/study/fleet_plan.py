"""What training phases side by side is expected to give.

expected = FleetPlan.of(graph, runs, members=2, seconds=by_identity)
expected.seconds, expected.waves
"""

import heapq
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from code_ablate.study.graph import PhaseGraph
from code_ablate.study.phase_order import Order
from code_ablate.training.rundir import RunDirectory


@dataclass(frozen=True)
class FleetPlan:
    """Phases of a study, several at a time."""

    members: int
    """Phases that are trained at the same time."""
    waves: tuple[str, ...]
    """What is left to train, in words: phases that are ready together, then those after them."""
    seconds: float
    """Time until all are trained; not a number where no such run was measured here before."""

    @classmethod
    def of(
        cls,
        graph: PhaseGraph,
        runs: Mapping[str, RunDirectory],
        members: int,
        seconds: Mapping[str, float],
    ) -> "FleetPlan":
        """`seconds`: what is left of each phase, with the others beside it, by identity."""
        return cls(members, tuple(_waves(graph, runs)), makespan(graph, seconds, members))

    def __str__(self) -> str:
        return f"{self.members} phases at a time: {', then '.join(self.waves)}"


def makespan(graph: PhaseGraph, seconds: Mapping[str, float], members: int) -> float:
    """Seconds until all phases are trained, `members` at a time, each as soon as it can be."""
    order, now = Order.of(graph), 0.0
    under_way: list[tuple[float, int, list]] = []
    while True:
        while len(under_way) < members and (group := order.take()):
            (work,) = group
            heapq.heappush(under_way, (now + seconds[work.identity], work.number, group))
        if not under_way:
            return now
        now, _, group = heapq.heappop(under_way)
        order.note(group, {})
        if math.isnan(now):
            return math.nan


def _waves(graph: PhaseGraph, runs: Mapping[str, RunDirectory]) -> list[str]:
    order = Order.of(graph)
    waves: list[str] = []
    while True:
        ready = []
        while group := order.take():
            ready += group
        if not ready:
            return waves
        left = [work.phase for work in ready if not runs[work.identity].complete]
        kinds = Counter(f"{phase.name} ({phase.steps:,} steps)" for phase in left)
        if kinds:
            waves.append(" and ".join(f"{number} x {kind}" for kind, number in kinds.items()))
        order.note(ready, {})
