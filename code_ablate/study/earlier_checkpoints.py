"""Which earlier checkpoints of the baseline are evaluated, and the table of their scores.

    steps = earlier_steps(study, graph, runs, checkpoint_every=500)     # (24, 48, 72) by identity
    table = checkpoint_table(steps, study, graph, runs, suites)

They give the curve that the compute multiplier is read off. Only phases from initialisation have
one: what a later phase scores says nothing of a longer budget.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from code_ablate import distributed
from code_ablate.errors import UserError
from code_ablate.evaluation.records import Records
from code_ablate.identity import to_plain
from code_ablate.shown import show
from code_ablate.study.graph import PhaseGraph, Study
from code_ablate.study.score_table import Suites
from code_ablate.training.execution import LoopConfig
from code_ablate.training.phase import Phase
from code_ablate.training.rundir import RunDirectory

Steps = Mapping[str, Sequence[int]]


def require_kept(study: Study, loop: LoopConfig) -> None:
    """Raises UserError if training would delete checkpoints that the study evaluates."""
    wanted = study.analysis.earlier_checkpoints
    if wanted and loop.keep_checkpoints <= wanted:
        raise UserError(
            f"AnalysisPlan.earlier_checkpoints = {wanted}, and LoopConfig.keep_checkpoints = "
            f"{loop.keep_checkpoints}: give it {wanted + 1} or more, so that they are kept."
        )


def baseline_phases(study: Study, graph: PhaseGraph) -> dict[str, Phase]:
    """The baseline's phases from initialisation that are evaluated, by identity."""
    return {
        graph.identities[arm]: phase
        for arm, phase in graph.arms.items()
        if arm.recipe == study.baseline and phase.parent is None
    }


def planned_steps(
    study: Study, graph: PhaseGraph, runs: Mapping[str, RunDirectory], loop: LoopConfig
) -> Steps:
    """Steps at which training will leave the checkpoints that are wanted, and those at which it
    has left some, by identity: what may have to be evaluated."""
    wanted = study.analysis.earlier_checkpoints
    steps: dict[str, tuple[int, ...]] = {}
    for identity, phase in baseline_phases(study, graph).items() if wanted else ():
        left = range(loop.checkpoint_every, phase.steps, loop.checkpoint_every)
        found = _steps_in(runs[identity].checkpoints) - {phase.steps}
        steps[identity] = tuple(sorted({*tuple(left)[-wanted:], *found}))
    return steps


def found_steps(
    study: Study, graph: PhaseGraph, runs: Mapping[str, RunDirectory], suites: Suites
) -> Steps:
    """Steps of the wanted checkpoints that are there, or whose scores are all on record.

    By identity, of trained runs. A curve needs every seed, so that they are those that all seeds of
    a size have. Says so if they are fewer than wanted.
    """
    wanted = study.analysis.earlier_checkpoints
    phases = baseline_phases(study, graph) if wanted else {}
    by_size: dict[str, dict[str, set[int]]] = {}
    for arm in graph.arms:
        identity = graph.identities[arm]
        if arm.recipe == study.baseline and identity in phases:
            usable = _usable_steps(runs[identity], phases[identity], suites)
            by_size.setdefault(arm.size, {})[identity] = usable
    steps: dict[str, tuple[int, ...]] = {}
    for size, usable_steps in by_size.items():
        shared = tuple(sorted(set.intersection(*usable_steps.values())))[-wanted:]
        steps |= dict.fromkeys(usable_steps, shared)
        if len(shared) < wanted and distributed.is_first():
            show(
                f"note: the baseline has {len(shared)} of {wanted} earlier checkpoints with every "
                f"seed ({size}): lower LoopConfig.checkpoint_every; runs that were trained when "
                "fewer were kept, or others, have to be trained again."
            )
    return steps


def _usable_steps(run: RunDirectory, phase: Phase, suites: Suites) -> set[int]:
    suite = suites.of_phase(phase)
    known = _steps_in(run.path / "eval") | _steps_in(run.checkpoints)
    return {
        step
        for step in known
        if step < phase.steps
        and (run.has_parameters(step) or suite.result(Records(run.evaluation(step))))
    }


def _steps_in(folder) -> set[int]:
    if not folder.exists():
        return set()
    return {int(path.name) for path in folder.iterdir() if path.name.isdecimal()}


def checkpoint_table(
    steps: Steps,
    study: Study,
    graph: PhaseGraph,
    runs: Mapping[str, RunDirectory],
    suites: Suites,
) -> pd.DataFrame | None:
    """Their scores as rows of a table of results, with a column `tokens`; None without any."""
    tables = []
    for arm, phase in graph.arms.items():
        identity = graph.identities[arm]
        for step in steps.get(identity, ()) if arm.recipe == study.baseline else ():
            result = suites.of_phase(phase).result(Records(runs[identity].evaluation(step)))
            if result is None:
                raise UserError(f"step {step} of {runs[identity].path} is not evaluated yet.")
            tokens = step * phase.batch_windows * phase.seq_len
            tables.append(result.items.assign(**to_plain(arm), phase=identity, tokens=tokens))
    return pd.concat(tables, ignore_index=True) if tables else None
