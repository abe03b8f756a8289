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
from code_ablate.jobs.evaluate import evaluate_checkpoint
from code_ablate.jobs.workspace import Workspace
from code_ablate.shown import show
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
    # Everything that can be wrong is found before the first step of training.
    vocabulary = workspace.vocabulary(study.vocabulary)
    stores = workspace.stores(study.corpora, vocabulary, study.prepare)
    plan = make_plan(study, stores, hardware, workspace.paths.runs, fleet=execution.fleet)
    if distributed.is_first():
        show(plan_text(plan), flush=True)
    plan.refuse_if_impossible()
    graph = PhaseGraph.of(study, stores.identities, stores.tokens)
    runs = _reserved_runs(graph, workspace.paths.runs)
    suites = Suites.of(study, vocabulary, stores, graph, runs)
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

    directory = workspace.paths.study(study.folder)
    with locks.held(directory, "run"):
        surroundings = Surroundings(stores, execution, operative_gin)
        seconds = sum(row.seconds for row in plan.phases)
        with choose_trainer(graph, runs, surroundings, seconds=seconds) as trainer:
            execute(graph, trainer, evaluate)
        if distributed.is_first():
            write_results(study, graph, runs, suites, stores, vocabulary, directory, arguments)
    return directory


def _reserved_runs(graph: PhaseGraph, runs_dir: epath.PathLike) -> dict[str, RunDirectory]:
    """The run of every phase, by identity. The folders are made now: another study that begins
    meanwhile finds them, whatever its recipes call the same phases."""

    def paths() -> dict[str, str]:
        runs = RunDirectory.reserve(runs_dir, graph.phases, graph.labels)
        return {identity: str(run.path) for identity, run in runs.items()}

    named = distributed.from_first(paths)
    return {identity: RunDirectory(epath.Path(path), identity) for identity, path in named.items()}
