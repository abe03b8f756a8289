"""Trains one phase, and prepares what it reads.

run = train_phase(phase, workspace, VocabularyConfig(...), PrepareConfig(), Execution())
run.path, run.status
"""

from code_ablate import distributed
from code_ablate.allocator import ready_the_host
from code_ablate.data.preparing.prepare import PrepareConfig
from code_ablate.data.preparing.vocabulary_training import require_held_out
from code_ablate.data.registry import require_corpora
from code_ablate.data.vocabulary import VocabularyConfig
from code_ablate.jobs.workspace import Workspace
from code_ablate.training import loop
from code_ablate.training.execution import Execution
from code_ablate.training.phase import Phase, phase_identity
from code_ablate.training.rundir import RunDirectory


def train_phase(
    phase: Phase,
    workspace: Workspace,
    vocabulary: VocabularyConfig,
    prepare: PrepareConfig,
    execution: Execution,
    operative_gin: str = "",
) -> RunDirectory:
    """Trains `phase` until it is complete, going on where an earlier call stopped.

    The vocabulary and the token stores are made first where they are missing; the parent of the
    phase must be trained. Raises UserError before any step is trained, also if the run is complete
    and its parameters are gone, and Interrupted.
    """
    ready_the_host()
    corpora = tuple(sorted(phase.corpora_read))
    require_corpora(corpora)
    require_held_out(vocabulary, prepare.validation_fraction)
    stores = workspace.stores(corpora, workspace.vocabulary(vocabulary), prepare)
    run, *parent = (
        RunDirectory.of(
            workspace.paths.runs, part, phase_identity(part, stores.identities, stores.tokens)
        )
        for part in (phase, phase.parent)
        if part
    )
    loop.train(
        phase,
        stores,
        run,
        parent=parent[0] if parent else None,
        execution=execution,
        operative_gin=operative_gin,
    )
    distributed.from_first(lambda: run.require_parameters(phase.steps))
    return run
