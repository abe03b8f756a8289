"""Runs a study: prepares, trains each distinct phase once, evaluates, and writes the results table.

    directory = run_study(study, workspace, hardware, execution=Execution())
    directory / "results.parquet"; directory / "study.json"

Everything that is finished is kept and found again by its identity, so the same call goes on where
an interrupted one stopped.
"""

from etils import epath

from code_ablate import distributed, locks
from code_ablate.allocator import ready_the_host
from code_ablate.evaluation.cropping import cropping_note
from code_ablate.jobs.evaluate import CheckpointGone, evaluate_checkpoint
from code_ablate.jobs.workspace import Workspace
from code_ablate.shown import show
from code_ablate.study.earlier_checkpoints import (
    checkpoint_table,
    found_steps,
    planned_steps,
    require_kept,
)
from code_ablate.study.executor import execute, require_parameters
from code_ablate.study.graph import PhaseGraph, Study
from code_ablate.study.hardware import Hardware
from code_ablate.study.phase_order import Work
from code_ablate.study.plan import make_plan
from code_ablate.study.plan_text import plan_text
from code_ablate.study.score_table import Suites, write_results
from code_ablate.study.trainers import choose_trainer
from code_ablate.training.execution import Execution
from code_ablate.training.member import Surroundings
from code_ablate.training.rundir import RunDirectory


def run_study(
    study: Study,
    workspace: Workspace,
    hardware: Hardware,
    *,
    execution: Execution,
    operative_gin: str = "",
    arguments: tuple[str, ...] = (),
) -> epath.Path:
    """Returns the folder with study.json and results.parquet. Raises UserError, Interrupted.

    `arguments`: of the command that this is done for, which the report repeats.
    """
    ready_the_host()
    require_kept(study, execution.loop)
    # Everything that can be wrong is found before the first step of training.
    vocabulary = workspace.vocabulary(study.vocabulary)
    stores = workspace.stores(study.corpora, vocabulary, study.prepare)
    plan = make_plan(study, stores, hardware, workspace.paths.runs, fleet=execution.fleet)
    if distributed.is_first():
        show(plan_text(plan), flush=True)
    plan.refuse_if_impossible()
    graph = PhaseGraph.of(study, stores.identities, stores.tokens)
    runs = _reserved_runs(graph, workspace.paths.runs)
    planned = distributed.from_first(lambda: planned_steps(study, graph, runs, execution.loop))
    suites = Suites.of(study, vocabulary, stores, graph, runs, planned)
    distributed.from_first(lambda: require_parameters(graph, runs, suites.unevaluated(graph, runs)))
    if distributed.is_first():
        for task, reason in suites.missing.items():
            show(f"missing: {task}: {reason}", flush=True)
        if note := cropping_note(suites.cropped):
            show(note, flush=True)

    def evaluate(work: Work) -> None:
        suite = suites.of_phase(work.phase)
        run, step = runs[work.identity], work.phase.steps
        evaluate_checkpoint(run, suite, execution.mesh, step, work.progress)

    def evaluate_earlier(identity: str, step: int) -> bool:
        """False, and says why, if it cannot be read: the study goes on without it."""
        suite = suites.of_phase(graph.phases[identity])
        try:
            evaluate_checkpoint(
                runs[identity], suite, execution.mesh, step, f"baseline, step {step:,}"
            )
        except CheckpointGone as error:
            if distributed.is_first():
                show(f"note: the baseline's curve is without step {step:,}: {error}")
            return False
        return True

    directory = workspace.paths.study(study.folder)
    with locks.held(directory, "run"):
        surroundings = Surroundings(stores, execution, operative_gin)
        seconds = sum(row.seconds for row in plan.phases)
        with choose_trainer(graph, runs, surroundings, seconds=seconds) as trainer:
            execute(graph, trainer, evaluate)
        found = distributed.from_first(lambda: found_steps(study, graph, runs, suites))
        earlier = {
            identity: [step for step in steps if evaluate_earlier(identity, step)]
            for identity, steps in found.items()
        }
        if distributed.is_first():
            table = checkpoint_table(earlier, study, graph, runs, suites)
            write_results(
                study, graph, runs, suites, stores, vocabulary, directory, arguments, table
            )
    return directory


def _reserved_runs(graph: PhaseGraph, runs_dir: epath.PathLike) -> dict[str, RunDirectory]:
    """The run of every phase, by identity. The folders are made now: another study that begins
    meanwhile finds them, whatever its recipes call the same phases."""

    def paths() -> dict[str, str]:
        runs = RunDirectory.reserve(runs_dir, graph.phases, graph.labels)
        return {identity: str(run.path) for identity, run in runs.items()}

    named = distributed.from_first(paths)
    return {identity: RunDirectory(epath.Path(path), identity) for identity, path in named.items()}
