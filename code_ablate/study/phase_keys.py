"""Keys of a study's phases, and the part of a study that some of them name: what a job trains.

    key = phase_key(phase)                  # known before anything is prepared
    part = part_of(graph, [key])            # a graph of that phase alone

A phase's identity depends on the content of its token stores. Its key does not: it is the identity
that the phase has while nothing is prepared, the one that `code-ablate plan` shows then. So a study
can be launched before its corpora are prepared, and a job that finds another configuration than it
was launched with has no such phase, and says so.
"""

from collections.abc import Iterable

from code_ablate.errors import UserError
from code_ablate.study.graph import PhaseGraph, Study
from code_ablate.training.phase import Phase, phase_identity


def unprepared(corpora: Iterable[str]) -> dict[str, str]:
    """What stands for the content of each corpus' token store as long as there is none."""
    return {corpus: f"unprepared {corpus}" for corpus in corpora}


def phase_key(phase: Phase) -> str:
    """What names a phase before its corpora are prepared, and afterwards."""
    return phase_identity(phase, unprepared(phase.corpora_read))


def unprepared_graph(study: Study) -> PhaseGraph:
    """The graph of a study by the keys of its phases."""
    return PhaseGraph.of(study, unprepared(study.corpora))


def part_of(graph: PhaseGraph, names: Iterable[str]) -> PhaseGraph:
    """The graph of those phases alone, each named by its key or its identity.

    A parent that is not named stands in `parents` and not in `phases`. Raises UserError for a name
    that no phase has.
    """
    identities = {phase_key(phase): identity for identity, phase in graph.phases.items()}
    identities |= {identity: identity for identity in graph.phases}
    asked = set(names)
    if unknown := sorted(asked - set(identities)):
        raise UserError(
            f"the study has no phase {', '.join(unknown)}: `code-ablate plan` shows its phases. If "
            "it had one when it was launched, its gin files or bindings have changed since: launch "
            "it again."
        )
    chosen = {identities[name] for name in asked}
    arms = {arm: phase for arm, phase in graph.arms.items() if graph.identities[arm] in chosen}
    return PhaseGraph(
        {identity: phase for identity, phase in graph.phases.items() if identity in chosen},
        {identity: parent for identity, parent in graph.parents.items() if identity in chosen},
        arms,
        {arm: graph.identities[arm] for arm in arms},
    )
