"""Runs a study: prepares, trains each distinct phase once, evaluates, and writes the results table.

    directory = run_study(study, workspace, hardware, execution=Execution())
    directory / "results.parquet"; directory / "study.json"
    run_phases(study, workspace, hardware, [phase_key(phase)], execution=Execution())

Everything that is finished is kept and found again by its identity, so the same call goes on where
an interrupted one stopped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from etils import epath

from code_ablate import distributed, locks
from code_ablate.allocator import ready_the_host
from code_ablate.data.store import Stores
from code_ablate.data.vocabulary import Vocabulary
from code_ablate.errors import UserError
from code_ablate.evaluation.cropping import cropping_note
from code_ablate.jobs.evaluate import CheckpointGone, evaluate_checkpoint
from code_ablate.jobs.workspace import Workspace
from code_ablate.shown import show
from code_ablate.study.describe_phases import describe_phases
from code_ablate.study.earlier_checkpoints import (
    checkpoint_table,
    found_steps,
    planned_steps,
    require_kept,
)
from code_ablate.study.executor import execute, require_parameters
from code_ablate.study.graph import PhaseGraph, Study
from code_ablate.study.hardware import Hardware
from code_ablate.study.phase_keys import part_of, unprepared_graph
from code_ablate.study.phase_order import Work
from code_ablate.study.plan import make_plan
from code_ablate.study.plan_text import plan_text
from code_ablate.study.score_table import Suites, write_results
from code_ablate.study.trainers import choose_trainer, require_devices
from code_ablate.training.execution import Execution
from code_ablate.training.member import Surroundings
from code_ablate.training.rundir import RunDirectory
from code_ablate.training.weights import require_fit


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
    ready = _get_ready(study, workspace, hardware, execution)
    with locks.held(ready.directory, "run"):
        ready.execute(execution, operative_gin)
        earlier = ready.evaluate_earlier(execution)
        if distributed.is_first():
            write_results(
                study,
                ready.graph,
                ready.runs,
                ready.suites,
                ready.stores,
                ready.vocabulary,
                ready.directory,
                arguments,
                checkpoint_table(earlier, study, ready.graph, ready.runs, ready.suites),
            )
    return ready.directory


def write_results_so_far(
    study: Study,
    workspace: Workspace,
    hardware: Hardware,
    *,
    execution: Execution,
    arguments: tuple[str, ...] = (),
) -> tuple[epath.Path, int]:
    """Writes the results of the arms that are trained and evaluated by now; trains nothing.

    The study may be running meanwhile: at its end it writes the results of all arms. Returns the
    study's folder and how many arms are still missing. Raises UserError if no arm is there yet.
    """
    none = UserError(
        f"no arm of {study.folder} is trained and evaluated yet: run code-ablate study without "
        "--so-far, and ask again once a phase is done."
    )
    if not _is_prepared(study, workspace):
        raise none
    ready = _get_ready(study, workspace, hardware, execution, shows_plan=False)
    missing = ready.suites.unevaluated(ready.graph, ready.runs)
    done = {
        arm
        for arm in ready.graph.arms
        if all(ready.runs[name].complete for name in ready.graph.chain(arm))
        and ready.graph.identities[arm] not in missing
    }
    if not done:
        raise none
    write_results(
        study,
        ready.graph.part(done),
        ready.runs,
        ready.suites,
        ready.stores,
        ready.vocabulary,
        ready.directory,
        arguments,
    )
    return ready.directory, len(ready.graph.arms) - len(done)


def _is_prepared(study: Study, workspace: Workspace) -> bool:
    """Whether nothing has to be prepared for the study any more."""
    if not workspace.has_vocabulary(study.vocabulary):
        return False
    vocabulary = workspace.existing_vocabulary(study.vocabulary)
    prepared = workspace.prepared(study.corpora, vocabulary, study.prepare)
    return all(corpus in prepared for corpus in study.corpora)


def run_phases(
    study: Study,
    workspace: Workspace,
    hardware: Hardware,
    names: Sequence[str],
    *,
    execution: Execution,
    operative_gin: str = "",
) -> None:
    """Trains single phases of a study, and evaluates those of arms; writes no results.

    Each is named by its key or its identity. Others may train other phases of the study at the same
    time, on other machines. The parents of those that are named must be trained, or be named too.
    Raises UserError, Failed, Interrupted.
    """
    _get_ready(study, workspace, hardware, execution, names).execute(execution, operative_gin)


@dataclass(frozen=True)
class _Ready:
    """A study, or part of one, of which everything is known that can be before training."""

    study: Study
    """The whole study."""
    vocabulary: Vocabulary
    """The vocabulary of its models."""
    stores: Stores
    """Token stores of all its corpora."""
    seconds: float
    """Training that is left to do, as far as can be told."""
    graph: PhaseGraph
    """The phases to train."""
    runs: Mapping[str, RunDirectory]
    """Run of every phase of the study, by identity."""
    suites: Suites
    """What the phases of `graph` are evaluated on."""
    directory: epath.Path
    """Folder of the study's results."""

    def execute(self, execution: Execution, operative_gin: str) -> None:
        """Trains and evaluates what is to do."""

        def evaluate(work: Work) -> None:
            suite = self.suites.of_phase(work.phase)
            run, step = self.runs[work.identity], work.phase.steps
            evaluate_checkpoint(run, suite, execution.mesh, step, work.progress)

        surroundings = Surroundings(self.stores, execution, operative_gin)
        chosen = choose_trainer(self.graph, self.runs, surroundings, seconds=self.seconds)
        with chosen as trainer:
            execute(self.graph, trainer, evaluate)

    def evaluate_earlier(self, execution: Execution) -> dict[str, list[int]]:
        """Evaluates the baseline's earlier checkpoints that the study asks for, once trained.

        Returns the steps of those that have scores, by identity; says which cannot be read.
        """

        def evaluate(identity: str, step: int) -> bool:
            suite, title = self.suites.of_phase(self.graph.phases[identity]), f"step {step:,}"
            try:
                evaluate_checkpoint(
                    self.runs[identity], suite, execution.mesh, step, f"baseline, {title}"
                )
            except CheckpointGone as error:
                if distributed.is_first():
                    show(f"note: the baseline's curve is without {title}: {error}")
                return False
            return True

        found = distributed.from_first(
            lambda: found_steps(self.study, self.graph, self.runs, self.suites)
        )
        return {
            identity: [step for step in steps if evaluate(identity, step)]
            for identity, steps in found.items()
        }


def _get_ready(
    study: Study,
    workspace: Workspace,
    hardware: Hardware,
    execution: Execution,
    names: Sequence[str] = (),
    shows_plan: bool = True,
) -> _Ready:
    """Prepares what is missing, and finds everything that can be wrong, before any training.

    `names`: phases to train, by key or identity; none: all of the study. `shows_plan`: whether a
    plan of the whole study is printed.
    """
    ready_the_host()
    require_kept(study, execution.loop)
    if distributed.process_count() == 1 and not _is_prepared(study, workspace):
        _check_before_preparing(study, execution, names)
    vocabulary = workspace.vocabulary(study.vocabulary)
    stores = workspace.stores(study.corpora, vocabulary, study.prepare)
    runs_dir, directory = workspace.paths.runs, workspace.paths.study(study.folder)
    plan = make_plan(study, stores, hardware, runs_dir, fleet=execution.fleet)
    whole = PhaseGraph.of(study, stores.identities, stores.tokens)
    graph = part_of(whole, names) if names else whole
    if distributed.is_first() and not names and shows_plan:
        show(plan_text(plan), flush=True)
    plan.refuse_if_impossible()
    for phase in graph.phases.values():
        if phase.weights and not phase.parent:
            require_fit(phase.weights, phase.model, vocabulary.digest)
    runs = _reserved_runs(whole, runs_dir)
    planned = distributed.from_first(lambda: planned_steps(study, whole, runs, execution.loop))
    suites = Suites.of(study, vocabulary, stores, graph, runs, planned)

    def note_and_check() -> None:
        # Nobody deletes checkpoints in between: `clean` has its turn before or after, and goes by
        # what is noted here.
        with locks.turn(epath.Path(runs_dir), "notes what its study needs"):
            describe_phases(study, whole, runs, suites, planned).write(directory)
            require_parameters(graph, runs, suites.unevaluated(graph, runs))

    distributed.from_first(note_and_check)
    if distributed.is_first():
        for task, reason in suites.missing.items():
            show(f"missing: {task}: {reason}", flush=True)
        if note := cropping_note(suites.cropped):
            show(note, flush=True)
    seconds = sum(row.seconds for row in plan.phases if row.identity in graph.phases)
    return _Ready(study, vocabulary, stores, seconds, graph, runs, suites, directory)


def _check_before_preparing(study: Study, execution: Execution, names: Sequence[str]) -> None:
    """Raises UserError for what would be refused after preparation, which may take hours."""
    if names:
        part_of(unprepared_graph(study), names)
    require_devices(execution)


def _reserved_runs(graph: PhaseGraph, runs_dir: epath.PathLike) -> dict[str, RunDirectory]:
    """The run of every phase, by identity. The folders are made now: another study that begins
    meanwhile finds them, whatever its recipes call the same phases."""

    def paths() -> dict[str, str]:
        runs = RunDirectory.reserve(runs_dir, graph.phases, graph.labels)
        return {identity: str(run.path) for identity, run in runs.items()}

    named = distributed.from_first(paths)
    return {identity: RunDirectory(epath.Path(path), identity) for identity, path in named.items()}
