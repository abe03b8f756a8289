"""What each command of the command line does. See code_ablate.cli for how they are called.

Heavy modules are imported inside the functions, so that `code-ablate --help` is instant.
"""

import sys

from code_ablate import distributed


def doctor(options) -> int:
    """Prints each check; 1 if one failed."""
    from code_ablate.doctor import run_checks

    return run_checks()


def _load_study(options):
    """(study, workspace) of `options.study`, read through gin."""
    from code_ablate import config
    from code_ablate.data.registry import require_tasks

    file = config.find_gin_file(options.study, "studies")
    _load(options, [file])
    study = config.make("Study")
    require_tasks("corpus", study.corpora)
    require_tasks("evaluation task", study.suite.tasks)
    return study, _workspace(options)


def _load(options, files: list[str]) -> None:
    from code_ablate import config

    config.load([*files, *options.gin_file], options.bindings, ["tasks", *options.imports])


def _workspace(options):
    from code_ablate import config
    from code_ablate.jobs.workspace import Workspace

    # gin's own `import` statements register modules too; worker processes need them as well.
    modules = ("tasks", *options.imports, *config.imported_modules())
    return Workspace(config.make("Paths"), tuple(dict.fromkeys(modules)))


def _execution():
    from code_ablate import config
    from code_ablate.training.execution import Execution

    return Execution(
        mesh=config.make("MeshConfig"),
        loop=config.make("LoopConfig"),
        tracking=config.make("TrackingConfig"),
        profile=config.make("ProfileConfig"),
    )


def _ready_the_host() -> None:
    """What speeds up training and scoring on a CPU, and is of no use elsewhere."""
    import jax

    from code_ablate.allocator import keep_freed_memory

    if jax.default_backend() == "cpu":
        keep_freed_memory()


def prepare(options) -> None:
    """Vocabulary and token stores of a study."""
    from code_ablate.data.preparing.inspect import describe_store
    from code_ablate.data.registry import require_tasks

    study, workspace = _load_study(options)
    corpora = tuple(options.corpora or study.corpora)
    require_tasks("corpus", corpora)
    vocabulary = workspace.vocabulary(study.vocabulary)
    stores = workspace.stores(corpora, vocabulary, study.prepare)
    for store in stores.values():
        print(describe_store(store), end="\n\n")


def inspect(options) -> None:
    """A corpus' documents and windows, or a mixture's windows in the order of training."""
    import numpy as np

    from code_ablate.data.mixing import Stream
    from code_ablate.data.preparing.inspect import describe_store, show_documents, show_windows
    from code_ablate.data.registry import resolve_mixture

    study, workspace = _load_study(options)
    mixture = resolve_mixture(options.name)
    vocabulary = workspace.vocabulary(study.vocabulary)
    stores = workspace.stores(tuple(mixture.active), vocabulary, study.prepare)
    seq_len = study.settings[0].seq_len
    stream = Stream(
        mixture,
        stores.windows(seq_len),
        stores.identities,
        study.seeds[0],
    )
    for store in stores.values():
        print(describe_store(store), end="\n\n")
        print(show_documents(store, vocabulary, options.documents), end="\n\n")
    print(f"first windows of {mixture}, seed {study.seeds[0]}:")
    corpus_N, window_N = stream.at(np.arange(options.windows))
    for corpus, window in zip(corpus_N, window_N, strict=True):
        store = stores[stream.corpora[corpus]]
        print(f"\n{stream.corpora[corpus]}:")
        print(show_windows(store, vocabulary, seq_len, [int(window)]))


def plan(options) -> int:
    """Prints the plan; 2 if it cannot be carried out."""
    from code_ablate import config
    from code_ablate.data.store import Stores
    from code_ablate.study.plan import make_plan
    from code_ablate.study.plan_text import plan_text

    study, workspace = _load_study(options)
    stores = Stores({})
    if workspace.has_vocabulary(study.vocabulary):
        vocabulary = workspace.existing_vocabulary(study.vocabulary)
        stores = workspace.prepared(study.corpora, vocabulary, study.prepare)
    else:
        print("note: nothing is prepared yet, so what is available is unknown.\n", file=sys.stderr)
    pod = None
    if options.topology:
        from code_ablate.pods.pod import Pod

        microbatches = config.make("LoopConfig").microbatches
        pod = Pod(options.topology, config.make("MeshConfig"), microbatches)
    made = make_plan(study, stores, config.make("Hardware"), workspace.paths.runs, pod)
    print(plan_text(made))
    return 2 if made.problems else 0


def train(options) -> None:
    """Trains the Phase that gin describes, preparing what is missing."""
    from code_ablate import config
    from code_ablate.data.registry import require_tasks
    from code_ablate.training import loop
    from code_ablate.training.phase import phase_identity
    from code_ablate.training.rundir import RunDirectory

    _ready_the_host()
    _load(options, [])
    phase, workspace = config.make("Phase"), _workspace(options)
    corpora = tuple(sorted({c for part in phase.chain for c in part.mixture.active}))
    require_tasks("corpus", corpora)
    vocabulary = workspace.vocabulary(config.make("VocabularyConfig"))
    stores = workspace.stores(corpora, vocabulary, config.make("PrepareConfig"))
    run, *parent = (
        RunDirectory.of(workspace.paths.runs, part, phase_identity(part, stores.identities))
        for part in (phase, phase.parent)
        if part
    )
    loop.train(
        phase,
        stores,
        run,
        parent=parent[0] if parent else None,
        execution=_execution(),
        operative_gin=config.operative(),
    )
    if distributed.is_first():
        print(f"complete: {run.path}")


def evaluate(options) -> None:
    """Evaluates checkpoints of a run and prints a line per task for each."""
    from code_ablate import config
    from code_ablate.data.registry import require_tasks
    from code_ablate.evaluation.suite import Suite
    from code_ablate.jobs import evaluate as evaluating
    from code_ablate.training.rundir import RunDirectory, phase_of_run

    _ready_the_host()
    run = RunDirectory.open(options.run_directory)
    _load(options, [])
    phase, workspace = phase_of_run(str(run.path)), _workspace(options)
    suite_config = config.make("SuiteConfig")
    require_tasks("corpus", suite_config.domains)
    require_tasks("evaluation task", suite_config.tasks)
    vocabulary = workspace.existing_vocabulary(config.make("VocabularyConfig"))
    run.require_vocabulary(vocabulary.digest)
    stores = workspace.stores(suite_config.domains, vocabulary, config.make("PrepareConfig"))
    mesh = config.make("MeshConfig")
    suite = Suite.of(suite_config, vocabulary, stores, phase.seq_len)
    steps = evaluating.asked_steps(
        run, suite, options.step, every=options.all_checkpoints or options.follow
    )
    # One that follows a run needs everything that its last checkpoint will need.
    known = {*steps, phase.steps} if options.follow else steps
    suite = suite.prepared([evaluating.records_of(run, step) for step in known])

    def evaluate_step(step: int) -> None:
        evaluating.evaluate_checkpoint(run, suite, mesh, step, f"step {step:,}")
        if distributed.is_first():
            _show_scores(run, suite, step)

    if options.follow:
        skipped = evaluating.follow(run, evaluate_step, evaluating.Pause())
        for step, why in skipped.items() if distributed.is_first() else ():
            print(f"note: step {step:,} was not evaluated: {why}")
        return
    for step in steps:
        evaluate_step(step)


def _show_scores(run, suite, step: int) -> None:
    """Prints a checkpoint's table, and writes the same beside its scores."""
    from code_ablate import storage
    from code_ablate.analysis.report.terminal import task_table
    from code_ablate.analysis.results.one_checkpoint import as_json, summarise_tasks
    from code_ablate.jobs.evaluate import records_of

    records = records_of(run, step)
    result = suite.result(records)
    summaries = summarise_tasks(result.items, result.tasks)
    storage.replace(
        records.directory / "summary.json", as_json(summaries, result.metrics, suite.missing)
    )
    print(f"\n{run.path}, step {step:,}\n{task_table(summaries, suite.missing)}", flush=True)


def study(options) -> None:
    """Runs a study to its report."""
    from code_ablate import config
    from code_ablate.jobs.run_study import run_study

    _ready_the_host()
    study, workspace = _load_study(options)
    run_study(
        study,
        workspace,
        config.make("Hardware"),
        execution=_execution(),
        operative_gin=config.operative(),
    )
    if distributed.is_first() and not options.no_report:
        _report(workspace.paths.study(study.folder), None)


def report(options) -> None:
    """Writes the report of a study that has run."""
    import json

    from code_ablate.errors import UserError

    study, workspace = _load_study(options)
    directory = workspace.paths.study(study.folder)
    file = directory / "study.json"
    if not file.exists():
        raise UserError(f"no results in {directory}: run code-ablate study {options.study}.")
    if json.loads(file.read_text())["configuration"] != study.configuration:
        raise UserError(
            f"the results in {directory} are of another configuration than gin's: run code-ablate "
            f"study {options.study} with the same files and bindings, or give Study.name another "
            "value."
        )
    _report(directory, options.out)


def _report(directory, out: str | None) -> None:
    from code_ablate.analysis.report.page import terminal_table, write_report

    path = out or directory / "report.html"
    print(terminal_table(write_report(directory, path)))
    print(f"report: {path}")


def judge(options) -> None:
    """Judges two models' answers pair by pair, writes the judgements and prints a summary."""
    from etils import epath

    from code_ablate import config
    from code_ablate.evaluation.judge.pairs import find_answers, pair_answers, read_answers
    from code_ablate.identity import identity
    from code_ablate.jobs import judge as judging

    _load(options, [])
    workspace = _workspace(options)
    about = {key: getattr(options, key) for key in ("candidate", "baseline", "task")}
    for side in ("candidate", "baseline"):  # the file says the step, and what was asked
        about[f"{side}_answers"] = str(find_answers(epath.Path(about[side]), options.task))
    pairs = pair_answers(
        *(
            read_answers(about[f"{side}_answers"], options.task)
            for side in ("candidate", "baseline")
        )
    )
    if options.reference:
        judged = _judge_by_likelihood(options, pairs, workspace)
    else:
        judge, cache = config.make("JudgeConfig"), f"{workspace.paths.data}/judge_cache.sqlite"
        print(judging.estimate(pairs, judge, cache))
        if options.estimate:
            return
        judged = judging.by_endpoint(pairs, judge, cache)
    name = f"judging-{options.task}-{identity([about, judged.judge])}"
    directory = epath.Path(options.out or epath.Path(workspace.paths.runs) / name)
    print(judging.save(judged, about, directory))
    if spent := judged.usage:
        print(f"{spent['requests']:,} requests, {spent['failures']:,} in vain: {spent['cost']:.4f}")
    print(f"judgements: {directory}")


def _judge_by_likelihood(options, pairs, workspace):
    from code_ablate import config
    from code_ablate.jobs.judge import by_likelihood
    from code_ablate.training.rundir import RunDirectory

    _ready_the_host()
    run = RunDirectory.open(options.reference)
    vocabulary = workspace.existing_vocabulary(config.make("VocabularyConfig"))
    return by_likelihood(pairs, run, vocabulary, config.make("MeshConfig"), options.step)


def export(options) -> None:
    """Writes a checkpoint in the form of another library."""
    from code_ablate.interop import huggingface
    from code_ablate.training.trained import open_run

    trained = open_run(
        options.run_directory,
        step=options.step,
        data_dir=options.data,
        vocabulary=options.vocabulary,
        eos_token=options.eos_token,
    )
    huggingface.export(trained, options.out)
    print(f"step {trained.step} of {options.run_directory}: {options.out}")


def why_not_cached(options) -> None:
    """Explains, field by field, why phases and stores of a study are not found."""
    from code_ablate.study.explain import explain_phases, explain_stores

    study, workspace = _load_study(options)
    vocabulary = workspace.existing_vocabulary(study.vocabulary)
    stores = workspace.prepared(study.corpora, vocabulary, study.prepare)
    missing = explain_stores(study, stores, vocabulary, workspace.paths.data)
    print(missing or "all token stores are prepared.")
    if len(stores) == len(study.corpora):
        print(explain_phases(study, stores, workspace.paths.runs) or "all phases are complete.")
