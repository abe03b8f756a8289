"""What phases.json says of a study before its training: the values, from its graph.

describe_phases(study, graph, runs, suites, earlier).write(directory)
"""

from collections.abc import Mapping, Sequence

from code_ablate.study.graph import PhaseGraph, Study
from code_ablate.study.plan import phase_sizes, training_flops
from code_ablate.study.score_table import Suites
from code_ablate.study.study_phases import StudyPhase, StudyPhases
from code_ablate.training.rundir import RunDirectory


def describe_phases(
    study: Study,
    graph: PhaseGraph,
    runs: Mapping[str, RunDirectory],
    suites: Suites,
    earlier: Mapping[str, Sequence[int]] = {},
) -> StudyPhases:
    """All phases of a study; `runs` by identity, `suites` of the phases that this job evaluates.

    `earlier`: steps of checkpoints that are evaluated too, by identity of the phase.
    """
    sizes, evaluated = phase_sizes(graph), graph.evaluated
    phases = tuple(
        StudyPhase(
            identity=identity,
            run=runs[identity].path.name,
            name=phase.name,
            size=sizes[identity],
            mixture=str(phase.mixture),
            seed=phase.seed,
            parent=graph.parents[identity],
            steps=phase.steps,
            seq_len=phase.seq_len,
            flops=training_flops(phase),
            evaluated=identity in evaluated,
            used_by=graph.users[identity],
            earlier_steps=tuple(earlier.get(identity, ())),
        )
        for identity, phase in graph.phases.items()
    )
    scores = {
        str(seq_len): tuple(part.key for part in suite.parts)
        for seq_len, suite in suites.by_seq_len.items()
    }
    return StudyPhases(study.folder, study.configuration, phases, scores)
