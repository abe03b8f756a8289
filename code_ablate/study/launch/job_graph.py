"""The phase graph of a study as jobs, each of them one command that can be given again.

    graph = JobGraph.of(study, ("demo", "--gin.Study.seeds=(0,)"))
    graph.prepare, graph.report                 # commands
    graph.train([phase.key])                    # command
    for array in graph.arrays(1000): ...        # phases that are independent and alike
    for tree in graph.trees: ...                # a phase from initialisation, and all that follow

First the corpora are prepared, then each phase is trained and evaluated after its parent, and when
all are, the results are written and reported. Every command finds what is finished.
"""

import functools
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

from code_ablate.study.graph import Study
from code_ablate.study.phase_keys import unprepared_graph
from code_ablate.study.phase_order import shape
from code_ablate.study.plan import phase_sizes


@dataclass(frozen=True)
class PhaseJob:
    """One phase to be trained."""

    key: str
    """Key of the phase (code_ablate.study.phase_keys)."""
    label: str
    """Recipe, size, name and seed, for people."""
    parent: str | None
    """Key of the phase it starts from; None: from initialisation."""
    size: str
    """Name of its model size."""
    shape: Hashable
    """What phases that are alike have in common."""


@dataclass(frozen=True)
class JobArray:
    """Phases that are alike and do not depend on each other."""

    number: int
    """Number of the array, from 1."""
    parent: int | None
    """Number of the array of their parents, in which a parent has its child's index; None: they
    start from initialisation."""
    phases: Mapping[int, PhaseJob]
    """The phases by index."""

    @property
    def size(self) -> str:
        """Name of the size of their models."""
        return next(iter(self.phases.values())).size


@dataclass(frozen=True)
class JobGraph:
    """The jobs of a study."""

    study: str
    """Name of the study, and its scale."""
    arguments: tuple[str, ...]
    """What names the study on a command line: its name, scale, gin files, bindings, modules."""
    phases: tuple[PhaseJob, ...]
    """Distinct phases, parents before children."""

    @classmethod
    def of(cls, study: Study, arguments: tuple[str, ...]) -> "JobGraph":
        """The jobs of all phases, those that are trained already too: their jobs are short."""
        graph = unprepared_graph(study)
        sizes = phase_sizes(graph)
        phases = tuple(
            PhaseJob(key, graph.labels[key], graph.parents[key], sizes[key], shape(phase))
            for key, phase in graph.phases.items()
        )
        return cls(study.folder, arguments, phases)

    @property
    def prepare(self) -> tuple[str, ...]:
        """Arguments of code-ablate that prepare the corpora."""
        return ("prepare", *self.arguments)

    @property
    def report(self) -> tuple[str, ...]:
        """Arguments of code-ablate that write results and report when everything is trained."""
        return ("study", *self.arguments)

    def train(self, phases: Iterable[PhaseJob]) -> tuple[str, ...]:
        """Arguments of code-ablate that train and evaluate these phases."""
        return ("study", *self.arguments, *(f"--phase={phase.key}" for phase in phases))

    @functools.cached_property
    def children(self) -> Mapping[str | None, tuple[PhaseJob, ...]]:
        """The phases that start from each phase, by its key; for None from initialisation."""
        children: dict[str | None, tuple[PhaseJob, ...]] = {}
        for phase in self.phases:
            children[phase.parent] = (*children.get(phase.parent, ()), phase)
        return children

    @property
    def trees(self) -> tuple[tuple[PhaseJob, ...], ...]:
        """Each phase from initialisation with all that follow from it, parents first."""

        def tree(phase: PhaseJob) -> tuple[PhaseJob, ...]:
            later = (tree(child) for child in self.children.get(phase.key, ()))
            return (phase, *(one for part in later for one in part))

        return tuple(tree(root) for root in self.children.get(None, ()))

    def arrays(self, largest: int) -> tuple[JobArray, ...]:
        """All phases in arrays of at most `largest`, those of parents first.

        A child has the index of its parent, so that it can wait for that one alone; several
        children of one parent are in several arrays.
        """
        roots: dict[Hashable, list[PhaseJob]] = {}
        for root in self.children.get(None, ()):
            roots.setdefault(root.shape, []).append(root)
        arrays: list[JobArray] = []
        for alike in roots.values():
            for first in range(0, len(alike), largest):
                phases = dict(enumerate(alike[first : first + largest]))
                arrays.append(JobArray(len(arrays) + 1, None, phases))
        for array in arrays:  # grows meanwhile
            for phases in self._children_of(array):
                arrays.append(JobArray(len(arrays) + 1, array.number, phases))
        return tuple(arrays)

    def _children_of(self, array: JobArray) -> Iterable[dict[int, PhaseJob]]:
        """The children of an array's phases by index: the first ones, the second ones, by shape."""
        groups: dict[tuple[Hashable, int], dict[int, PhaseJob]] = {}
        for index, phase in array.phases.items():
            seen: dict[Hashable, int] = {}
            for child in self.children.get(phase.key, ()):
                rank = seen[child.shape] = seen.get(child.shape, -1) + 1
                groups.setdefault((child.shape, rank), {})[index] = child
        return groups.values()
