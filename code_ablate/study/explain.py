"""Why something is not found in the cache, field by field.

print(explain_stores(study, stores, vocabulary, data_dir))
print(explain_phases(study, stores, runs_dir))
"""

from etils import epath

from code_ablate.data.preparing.prepared import explain_missing
from code_ablate.data.store import Stores
from code_ablate.data.vocabulary import Vocabulary
from code_ablate.identity import differences
from code_ablate.study.graph import PhaseGraph, Study
from code_ablate.training.phase import describe
from code_ablate.training.rundir import RunDirectory


def explain_stores(
    study: Study, stores: Stores, vocabulary: Vocabulary, data_dir: epath.PathLike
) -> str:
    """For each corpus that is not among `stores`: how the nearest store differs. May be empty."""
    return "\n".join(
        f"{corpus}: {explain_missing(corpus, vocabulary, data_dir, study.prepare)}"
        for corpus in study.corpora
        if corpus not in stores
    )


def explain_phases(study: Study, stores: Stores, runs_dir: epath.PathLike) -> str:
    """For each phase without a complete run: how the nearest one differs. May be empty."""
    graph = PhaseGraph.of(study, stores.identities, stores.tokens)
    runs = RunDirectory.all_in(runs_dir)
    lines = []
    for identity, phase in graph.phases.items():
        run = RunDirectory.of(runs_dir, phase, identity)
        head = f"{identity} {phase.name} ({phase.mixture}, seed {phase.seed})"
        if run.complete:
            if not run.has_parameters(phase.steps):
                lines.append(f"{head}: {run.path} is complete, but its parameters are gone")
            continue
        if run.status["state"] != "new":
            lines.append(f"{head}: {run.path} is at step {run.status['step']} of {phase.steps}")
            continue
        wanted = describe(phase, stores.identities, stores.tokens)
        compared = [(differences(other.config["description"], wanted), other) for other in runs]
        if not compared:
            lines.append(f"{head}: there is no run yet")
            continue
        fields, nearest = min(compared, key=lambda pair: len(pair[0]))
        lines.append(f"{head}: the nearest run, {nearest.path.name}, differs in")
        lines += [f"    {field}" for field in fields]
    return "\n".join(lines)
