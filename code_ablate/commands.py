"""What each command of the command line does: parse, call one typed function, print.

What is worth calling from a notebook is in code_ablate.jobs and code_ablate.config. Heavy modules
are imported inside the functions, so that `code-ablate --help` is instant.
"""

from code_ablate import distributed
from code_ablate.errors import UserError
from code_ablate.shown import show


def doctor(options) -> int:
    """Prints each check; 1 if one failed."""
    from code_ablate.doctor import run_checks

    return run_checks()


def load_study(options, *, looks_only: bool = False):
    """(study, workspace) of `options.study`, read through gin."""
    from code_ablate import config

    study = config.load_study(
        options.study,
        options.scale,
        files=options.gin_file,
        bindings=options.bindings,
        imports=options.imports,
        looks_only=looks_only,
    )
    return study, config.make_workspace()


def _load(options):
    """The workspace, after reading the gin files of a command that has no study."""
    from code_ablate import config

    config.load(options.gin_file, options.bindings, options.imports)
    return config.make_workspace()


def prepare(options) -> None:
    """Vocabulary and token stores of a study."""
    from code_ablate.jobs.prepare_study import prepare_study

    study, workspace = load_study(options)
    for description in prepare_study(study, workspace, options.corpora):
        show(description, end="\n\n")


def inspect(options) -> None:
    """A corpus' documents and windows, or a mixture's windows in the order of training."""
    from code_ablate.jobs.inspect import inspect_cards, inspect_dropped, inspect_mixture

    study, workspace = load_study(options, looks_only=True)
    if options.card:
        for card in inspect_cards(options.name, study, workspace):
            show(card)
        return
    if options.dropped is not None:
        for part in inspect_dropped(options.name, study, workspace, options.dropped):
            show(part)
        return
    counts = {"documents": options.documents, "windows": options.windows}
    for part in inspect_mixture(options.name, study, workspace, **counts):
        show(part)


def corpora(options) -> None:
    """Builds the corpora of a tier; says before what will be fetched, and at the end what it is."""
    from code_ablate.jobs.build_corpora import build_corpora, estimate, summary

    show(f"tier {options.tier}: {estimate(options.tier)}")
    if options.dry_run:
        return
    report = build_corpora(
        options.tier,
        options.out,
        lock=options.lock,
        missing=options.missing,
        workers=options.workers,
    )
    show(summary(report))
    show("inspect one with: code-ablate inspect registry.text")


def plan(options) -> int:
    """Prints the plan, or the study's configuration; 2 if it cannot be carried out."""
    from code_ablate import config

    study, workspace = load_study(options, looks_only=True)
    if options.show_config:
        from code_ablate.settings import resolved

        show(resolved(study, config.make("Hardware"), workspace.paths))
        return 0
    from code_ablate.jobs.plan_study import count_cropped_prompts, plan_study
    from code_ablate.study.plan_text import plan_text

    made = plan_study(
        study,
        workspace,
        config.make("Hardware"),
        topology=options.topology or "",
        mesh=config.make("MeshConfig"),
        microbatches=config.make("LoopConfig").microbatches,
        fleet=config.make("FleetConfig"),
    )
    show(plan_text(made))
    if options.noise:
        from code_ablate.jobs.expected_power import power_text

        show(power_text(study, options.noise))
    if options.prompts:
        from code_ablate.evaluation.cropping import cropping_note

        note = cropping_note(count_cropped_prompts(study, workspace))
        show(f"\n{note or 'every prompt fits what a model sees at once.'}")
    elif study.suite.tasks:
        show("prompts         not looked at; --prompts counts those that do not fit a window")
    return 2 if made.problems else 0


def train(options) -> None:
    """Trains the Phase that gin describes, preparing what is missing."""
    from code_ablate import config
    from code_ablate.jobs.train import train_phase

    workspace = _load(options)
    run = train_phase(
        config.make("Phase"),
        workspace,
        config.make("VocabularyConfig"),
        config.make("PrepareConfig"),
        config.make_execution(),
        config.operative(),
    )
    if distributed.is_first():
        show(f"complete: {run.path}")


def evaluate(options) -> None:
    """Evaluates checkpoints of a run and prints a line per task for each."""
    from code_ablate import config
    from code_ablate.jobs.evaluate import Pause, evaluate_run
    from code_ablate.training.rundir import RunDirectory

    run = RunDirectory.open(options.run_directory)  # before gin: the likeliest mistake
    workspace = _load(options)
    skipped = evaluate_run(
        run.path,
        workspace,
        config.make("SuiteConfig"),
        config.make("VocabularyConfig"),
        config.make("PrepareConfig"),
        config.make("MeshConfig"),
        steps=options.step,
        every=options.all_checkpoints,
        wait=Pause() if options.follow else None,
        show=lambda scores: show(f"\n{scores}", flush=True),
    )
    for step, why in skipped.items() if distributed.is_first() else ():
        show(f"note: step {step:,} was not evaluated: {why}")


def study(options) -> None:
    """Runs a study to its report, or single phases; or freezes what it says before its data."""
    from code_ablate import config

    if options.freeze and options.so_far:
        raise UserError("--freeze writes no results, and --so-far nothing else: give one.")
    if options.freeze:
        _freeze(options)
        return
    if options.noise:
        raise UserError("--noise goes with --freeze, or with code-ablate plan.")
    if options.so_far and options.phases:
        raise UserError("--so-far trains nothing, and --phase names what to train: give one.")
    from code_ablate.jobs.run_study import run_phases, run_study, write_results_so_far

    study, workspace = load_study(options)
    hardware, execution = config.make("Hardware"), config.make_execution()
    gin = config.operative()
    if names := options.phases:
        run_phases(study, workspace, hardware, names, execution=execution, operative_gin=gin)
        return
    if options.so_far:
        directory, missing = write_results_so_far(
            study, workspace, hardware, execution=execution, arguments=_study_arguments(options)
        )
        show(f"arms still to be trained and evaluated: {missing}")
        _show_report(options, directory)
        return
    directory = run_study(
        study,
        workspace,
        hardware,
        execution=execution,
        operative_gin=gin,
        arguments=_study_arguments(options),
    )
    _show_report(options, directory)


def _show_report(options, directory) -> None:
    """Writes the report of a study's folder and shows its table, unless none is asked for."""
    if distributed.is_first() and not options.no_report:
        from code_ablate.jobs.report import write_study_report

        show(write_study_report(directory))


def _freeze(options) -> None:
    from code_ablate.jobs.freeze_study import freeze_study, frozen_text

    study, workspace = load_study(options, looks_only=True)
    if distributed.is_first():
        directory = workspace.paths.study(study.folder)
        show(frozen_text(*freeze_study(study, directory, options.noise or "")))


def _study_arguments(options) -> tuple[str, ...]:
    """What names a study on the command line, as it was given to this command."""
    scale = (f"--scale={options.scale}",) if options.scale else ()
    files = (f"--gin_file={file}" for file in options.gin_file)
    modules = (f"--import={module}" for module in options.imports)
    bindings = (f"--gin.{binding}" for binding in options.bindings)
    return (options.study, *scale, *files, *modules, *bindings)


def report(options) -> None:
    """Writes the report of a study that has run, its folder or its name; of several, a table."""
    from code_ablate.jobs.report import is_results, report_together, write_study_report

    if len(options.study) > 1:
        if options.scale or options.gin_file or options.bindings:
            raise UserError("several studies are named by folders: give no scale, file or binding.")
        if options.law or options.png:
            raise UserError("several studies are one table: --law and --png are for one study.")
        show(report_together(options.study, options.out))
        return
    (options.study,) = options.study
    directory = options.study
    if not is_results(directory):
        directory = _results_of_study(options)
    elif options.scale or options.gin_file or options.bindings:
        raise UserError(f"{directory} holds its results: give no scale, gin file or binding.")
    show(write_study_report(directory, options.out, law=options.law, png=options.png))


def _results_of_study(options):
    """The folder of the results of a study that gin names. UserError if they are not its own."""
    from pathlib import Path

    from code_ablate.analysis.results.study_record import FILE
    from code_ablate.jobs.report import require_results

    if Path(options.study).is_dir():
        raise UserError(f"no {FILE} in {options.study}: it is not the folder of a study.")
    if options.study in ("", ".") or ("/" in options.study and not options.study.endswith(".gin")):
        raise UserError(f"no folder {options.study!r}: give that of a study, or the study's name.")
    study, workspace = load_study(options, looks_only=True)
    directory = workspace.paths.study(study.folder)
    require_results(directory, study.configuration, f"code-ablate study {options.study}")
    return directory


def results(options) -> None:
    """Writes the page of a result that several studies make together, complete or not."""
    from code_ablate.jobs.results_page import write_results_page

    made = write_results_page(
        options.studies,
        options.out,
        title=options.title,
        noise=options.noise,
        law=options.law,
    )
    show(f"page: {made.page}, with {len(made.files)} files in {made.page.stem}/")
    if made.missing:
        show(f"arms still missing: {made.missing}")


def compare(options) -> None:
    """Compares two checkpoints item by item, by the scores that they have on record."""
    from code_ablate.jobs.compare_runs import compare_runs
    from code_ablate.jobs.report import save_table

    comparison = compare_runs(
        options.candidate,
        options.baseline,
        step=options.step,
        baseline_step=options.baseline_step,
    )
    show(comparison)
    if options.out:
        show(f"table: {save_table(comparison.table, options.out)}")


def judge(options) -> None:
    """Judges two models' answers pair by pair, writes the judgements and prints a summary."""
    from etils import epath

    from code_ablate import config
    from code_ablate.jobs import judge as judging

    workspace = _load(options)
    answers = judging.read_both(options.candidate, options.baseline, options.task)
    if options.reference:
        judged = _judge_by_likelihood(options, answers.pairs, workspace)
    else:
        judge, cache = config.make("JudgeConfig"), f"{workspace.paths.data}/judge_cache.sqlite"
        show(judging.estimate(answers.pairs, judge, cache))
        if options.estimate:
            return
        judged = judging.by_endpoint(answers.pairs, judge, cache)
    directory = epath.Path(options.out or answers.directory(judged, workspace.paths.runs))
    show(judging.save(judged, answers.about, directory))
    if spent := judged.usage:
        show(f"{spent['requests']:,} requests, {spent['failures']:,} failed: {spent['cost']:.4f}")
    show(f"judgements: {directory}")


def _judge_by_likelihood(options, pairs, workspace):
    from code_ablate import config
    from code_ablate.jobs.judge import by_likelihood
    from code_ablate.training.rundir import RunDirectory

    run = RunDirectory.open(options.reference)
    vocabulary = workspace.existing_vocabulary(config.make("VocabularyConfig"))
    return by_likelihood(pairs, run, vocabulary, config.make("MeshConfig"), options.step)


def _mixture_runs(options):
    """(records, region) of a table or a study."""
    from code_ablate.jobs.mixture_law import read_region, read_runs

    records = read_runs(
        options.table,
        options.results,
        corpora=options.corpora,
        targets=options.target,
        higher_is_better=options.higher_is_better,
        run=options.run_column,
    )
    return records, _region(options, records.corpora, read_region)


def _region(options, corpora, read_region):
    return read_region(
        corpora,
        options.constraint,
        tokens=options.tokens,
        available=options.available,
        today=options.today,
    )


def law(options) -> None:
    """Fits the laws of the mixture and prints the mixtures that cannot be told from the best."""
    from code_ablate.analysis.report.law_text import law_text
    from code_ablate.jobs.mixture_law import study_mixtures, write_law

    records, region = _mixture_runs(options)
    optimum = study_mixtures(records, region, trees=options.trees, seed=options.seed)
    show(law_text(optimum))
    if options.out:
        show(f"\ntables and figure: {write_law(optimum, options.out)}")


def design(options) -> None:
    """Proposes the next mixtures to train."""
    from etils import epath

    from code_ablate.analysis.laws.design import DesignConfig
    from code_ablate.analysis.report.law_text import batch_text
    from code_ablate.jobs.mixture_law import begin_design, design_batch, read_region

    if bool(options.begin) == bool(options.table):
        raise UserError("give a table or study of the runs so far, or --begin CORPUS CORPUS ...")
    config = DesignConfig(runs=options.runs, goal=options.goal)
    if options.begin:
        region = _region(options, options.begin, read_region)
        proposal = begin_design(region, config.runs, seed=options.seed)
    else:
        records, region = _mixture_runs(options)
        proposal = design_batch(records, region, config, trees=options.trees, seed=options.seed)
    show(batch_text(proposal))
    if options.out:
        as_gin = str(options.out).endswith(".gin")
        epath.Path(options.out).write_text(proposal.gin() if as_gin else proposal.csv())
        show(f"mixtures: {options.out}")


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
    show(f"step {trained.step} of {options.run_directory}: {options.out}")


def import_weights(options) -> None:
    """Makes a folder of weights that studies can start from."""
    from code_ablate.interop.import_weights import import_weights

    weights = import_weights(options.source, options.out, step=options.step)
    show(f"weights {weights.digest} of {options.source}: {weights.folder}")
    show(
        f"start a study from them: Setting.weights = @weights_in(), weights_in.folder = "
        f"{weights.folder!r}"
    )


def synthesize(options) -> None:
    """Makes verified problems in a folder and says what it holds."""
    from code_ablate.synthesis.making import synthesize
    from code_ablate.synthesis.summary_text import summary_text

    made = synthesize(options.out, options.problems, options.seed, options.workers, options.mined)
    show(summary_text(made, options.out))


def why_not_cached(options) -> None:
    """Explains, field by field, why phases and stores of a study are not found."""
    from code_ablate.jobs.why_not_cached import explain_study

    for line in explain_study(*load_study(options, looks_only=True)):
        show(line)


def show_config(options) -> None:
    """Lists what gin can set: every class and recipe, or one of them with its fields."""
    from code_ablate import settings

    if options.markdown:
        show(settings.markdown(), end="")
    else:
        show(settings.one(options.name) if options.name else settings.overview())


def show_list(options) -> None:
    """Lists the names of one kind of thing, with a line about each."""
    from code_ablate import config
    from code_ablate.listing import listing

    config.load(options.gin_file, options.bindings, options.imports, looks_only=True)
    show(listing(options.what))
