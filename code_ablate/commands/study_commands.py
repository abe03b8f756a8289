"""plan, prepare, study, report and why-not-cached: what is done to a study."""

import argparse
from typing import TYPE_CHECKING

from code_ablate import distributed
from code_ablate.commands.loading import (
    folder_of_study,
    load_study,
    names_settings,
    study_arguments,
)
from code_ablate.commands.options import Commands, add_scale, add_study
from code_ablate.errors import UserError
from code_ablate.shown import show

if TYPE_CHECKING:
    from etils import epath

    from code_ablate.study.graph import Study


def add_to(commands: Commands) -> None:
    """Adds these commands."""
    command = commands.add(
        "plan", plan, "show what a study will train: phases, tokens, epochs, FLOPs and time"
    )
    add_study(command)
    command.add_argument(
        "--show-config", action="store_true", help="print every setting of the study instead"
    )
    command.add_argument(
        "--prompts",
        action="store_true",
        help="also count prompts that do not fit a model's window (loads TensorFlow)",
    )
    command.add_argument(
        "--noise",
        metavar="STUDY",
        help="also say the least change that the study will be able to find: from the noise of an "
        "earlier study, whose folder this is, or from a guess, such as 1%% where two runs of one "
        "recipe differ by that much",
    )
    command.add_argument(
        "--topology",
        metavar="CHIP:AxB",
        help="compile for this TPU pod, e.g. v5e:8x8 (needs `make plan-tpu`): memory and time",
    )
    command = commands.add(
        "study", study, "prepare, train, evaluate and report a study", joins=True, computes=True
    )
    add_study(command)
    command.add_argument(
        "--no-report", action="store_true", help="stop before the report is written"
    )
    command.add_argument(
        "--so-far",
        action="store_true",
        help="write results and report of the arms that are done by now; train nothing",
    )
    command.add_argument(
        "--freeze",
        action="store_true",
        help="write down hypotheses, primary scores, design and stopping rule before there are "
        "data, and stop",
    )
    command.add_argument(
        "--noise",
        metavar="STUDY",
        help="with --freeze: folder of an earlier study, whose noise chooses the primary scores",
    )
    command.add_argument(
        "--phase",
        dest="phases",
        action="append",
        default=[],
        metavar="IDENTITY",
        help="train and evaluate only this phase of it, as `plan` names it; may be given again",
    )
    command = commands.add(
        "report", report, "write a study's report again, or one of several studies together"
    )
    command.add_argument(
        "study",
        nargs="+",
        help="folder of its results, or its name in gin/studies; of several: their folders",
    )
    add_scale(command)
    command.add_argument(
        "--out",
        metavar="FILE",
        help="HTML file, by default report.html beside the results; of several, HTML or CSV",
    )
    command.add_argument(
        "--law",
        action="store_true",
        help="also fit laws of the mixture (scores from the shares of corpora), for a section on "
        "them",
    )
    command.add_argument(
        "--png",
        action="store_true",
        help="also write the main figures as a picture, beside the HTML file",
    )
    command = commands.add(
        "results", results, "write a page on what several studies show together", gin=False
    )
    command.add_argument(
        "studies", nargs="+", help="folders of the studies; they need not be complete"
    )
    command.add_argument(
        "--out",
        required=True,
        metavar="FILE",
        help="Markdown file, e.g. docs/results.md; figures and tables go into the folder of its "
        "name, docs/results, where your own question.md, words.md, limits.md, failed.md, data.md "
        "and, if there are any, claims.csv lie",
    )
    command.add_argument("--title", required=True, help="title of the page")
    command.add_argument(
        "--noise", metavar="STUDY", help="folder of a pilot study, whose noise the page gives"
    )
    command.add_argument(
        "--law",
        metavar="STUDY",
        help="the one of these folders whose mixtures a law is fitted to",
    )
    command.add_argument(
        "--keep",
        action="store_true",
        help="also copy what the studies found (the scores of every item) beside the page, so that "
        "it can be made again without their runs; for studies under 1 MB",
    )
    command = commands.add(
        "prepare",
        prepare,
        "make a study's vocabulary and token stores (its corpora, as tokens on disk)",
    )
    add_study(command)
    command.add_argument(
        "--corpora", nargs="+", metavar="CORPUS", help="prepare only these corpora"
    )
    command = commands.add(
        "why-not-cached", why_not_cached, "say why phases or token stores would be made again"
    )
    add_study(command)


def plan(options: argparse.Namespace) -> int:
    """Prints the plan, or the study's configuration; 2 if it cannot be carried out."""
    from code_ablate import config

    study, workspace = load_study(options, looks_only=True)
    if options.show_config:
        from code_ablate.configurables import resolved

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


def study(options: argparse.Namespace) -> None:
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
            study, workspace, hardware, execution=execution, arguments=study_arguments(options)
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
        arguments=study_arguments(options),
    )
    _show_report(options, directory)


def _show_report(options: argparse.Namespace, directory: "epath.Path") -> None:
    """Writes the report of a study's folder and shows its table, unless none is asked for."""
    if distributed.is_first() and not options.no_report:
        from code_ablate.jobs.report import write_study_report

        show(write_study_report(directory))


def _freeze(options: argparse.Namespace) -> None:
    from code_ablate.jobs.freeze_study import freeze_study, frozen_text

    study, workspace = load_study(options, looks_only=True)
    if distributed.is_first():
        directory = workspace.paths.study(study.folder)
        show(frozen_text(*freeze_study(study, directory, options.noise or "")))


def report(options: argparse.Namespace) -> None:
    """Writes the report of a study that has run, its folder or its name; or of several."""
    from code_ablate.jobs.report import report_together, write_study_report

    if len(options.study) > 1:
        if names_settings(options):
            raise UserError("several studies are named by folders: give no scale, file or binding.")
        if options.law or options.png:
            raise UserError("--law and --png are for the report of one study.")
        show(report_together(options.study, options.out))
        return
    (options.study,) = options.study
    directory = _results_folder(options)
    show(write_study_report(directory, options.out, law=options.law, png=options.png))


def _results_folder(options: argparse.Namespace) -> "epath.Path":
    """The folder of a study that has results, its own ones. Raises UserError."""
    from code_ablate.analysis.results.study_record import FILE
    from code_ablate.jobs.report import require_results

    def require(directory: "epath.Path", study: "Study | None") -> None:
        if study is None:
            raise UserError(f"no {FILE} in {directory}: it is not the folder of a study.")
        require_results(directory, study.configuration, f"code-ablate study {options.study}")

    return folder_of_study(options, FILE, require)


def results(options: argparse.Namespace) -> None:
    """Writes the page of a result that several studies make together, complete or not."""
    from code_ablate.jobs.write_results import write_results_page

    made = write_results_page(
        options.studies,
        options.out,
        title=options.title,
        noise=options.noise,
        law=options.law,
        keep=options.keep,
    )
    show(f"page: {made.page}, with {len(made.files)} files in {made.page.stem}/")
    if made.missing:
        show(f"arms still missing: {made.missing}")
    if made.left:
        names = ", ".join(map(str, made.left))
        show(f"kept there earlier, and not what this page is made of: {names}")


def prepare(options: argparse.Namespace) -> None:
    """Vocabulary and token stores of a study."""
    from code_ablate.jobs.prepare_study import prepare_study

    study, workspace = load_study(options)
    for description in prepare_study(study, workspace, options.corpora):
        show(description, end="\n\n")


def why_not_cached(options: argparse.Namespace) -> None:
    """Explains, field by field, why phases and stores of a study are not found."""
    from code_ablate.jobs.why_not_cached import explain_study

    for line in explain_study(*load_study(options, looks_only=True)):
        show(line)
