"""train, eval, compare, judge, export and import: what is done to single runs."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from code_ablate import distributed
from code_ablate.commands.loading import load_workspace
from code_ablate.commands.options import Commands, count
from code_ablate.shown import show

if TYPE_CHECKING:
    from code_ablate.evaluation.judge.pairs import Pair
    from code_ablate.jobs.judge import Judged
    from code_ablate.jobs.workspace import Workspace


def add_to(commands: Commands) -> None:
    """Adds these commands."""
    commands.add(
        "train",
        train,
        "train one phase (a stretch of training on one mixture), as gin files describe it",
        joins=True,
        computes=True,
    )
    _add_evaluate(commands)
    _add_compare(commands)
    _add_judge(commands)
    _add_export(commands)
    _add_import(commands)


def _add_evaluate(commands: Commands) -> None:
    command = commands.add(
        "eval", evaluate, "evaluate checkpoints of a run", joins=True, computes=True
    )
    command.add_argument("run_directory", help="folder of the run, e.g. runs/NAME-0123456789abcdef")
    which = command.add_mutually_exclusive_group()
    which.add_argument(
        "--step",
        type=count,
        action="append",
        default=[],
        metavar="N",
        help="step of a checkpoint; default: the last; may be given again",
    )
    which.add_argument(
        "--all-checkpoints", action="store_true", help="evaluate every checkpoint there is"
    )
    which.add_argument(
        "--follow",
        action="store_true",
        help="evaluate each checkpoint as training writes it, until the run is complete",
    )


def _add_compare(commands: Commands) -> None:
    command = commands.add("compare", compare, "compare two evaluated checkpoints", gin=False)
    command.add_argument("candidate", help="folder of a run that was evaluated")
    command.add_argument("baseline", help="folder of the run to compare it with")
    command.add_argument(
        "--step",
        type=count,
        metavar="N",
        help="step of the candidate; default: the last evaluated",
    )
    command.add_argument(
        "--baseline-step",
        type=count,
        metavar="N",
        help="step of the baseline; default: the last evaluated",
    )
    command.add_argument("--out", metavar="FILE", help="CSV file for the table")


def _add_judge(commands: Commands) -> None:
    command = commands.add(
        "judge",
        judge,
        "let a judge compare two models' answers to open-ended prompts",
        computes=True,
    )
    command.add_argument(
        "candidate", help="folder of a run that was evaluated on the task, or Parquet file"
    )
    command.add_argument("baseline", help="run or Parquet file to compare it with")
    command.add_argument(
        "--task", default="open_prompts", help="open-ended task; default: open_prompts"
    )
    command.add_argument("--estimate", action="store_true", help="say what it may cost, and stop")
    command.add_argument(
        "--reference",
        metavar="RUN",
        help="judge by the likelihood of the answers under this run, instead of by an endpoint",
    )
    command.add_argument(
        "--step", type=count, metavar="N", help="checkpoint of that run; default: the last"
    )
    command.add_argument(
        "--out", metavar="FOLDER", help="folder of the results; default: one below Paths.runs"
    )


def _add_export(commands: Commands) -> None:
    command = commands.add("export", export, "write a run's model for other programs", gin=False)
    command.add_argument("run_directory", help="folder of the run")
    command.add_argument(
        "--format",
        choices=["huggingface"],
        default="huggingface",
        help="what will read it; default: huggingface",
    )
    command.add_argument(
        "--out", required=True, metavar="FOLDER", help="new folder, e.g. for from_pretrained"
    )
    command.add_argument(
        "--step", type=count, metavar="N", help="step of the checkpoint; default: the last"
    )
    command.add_argument(
        "--data",
        default="data",
        metavar="FOLDER",
        help="data folder that the run was trained from; default: data",
    )
    command.add_argument(
        "--vocabulary",
        default="",
        metavar="FILE",
        help="vocabulary file, where the run was trained with one of your own",
    )
    command.add_argument(
        "--eos_token",
        default="",
        metavar="TOKEN",
        help="token that ends a document, if the vocabulary is a tokenizer.json",
    )


def _add_import(commands: Commands) -> None:
    command = commands.add(
        "import", import_weights, "make weights that studies can start from", gin=False
    )
    command.add_argument(
        "source", help="folder of a Cohere model in Hugging Face's format, or of a run"
    )
    command.add_argument("--out", required=True, metavar="FOLDER", help="new folder of the weights")
    command.add_argument(
        "--step", type=count, metavar="N", help="step of the run's checkpoint; default: the last"
    )


def train(options: argparse.Namespace) -> None:
    """Trains the Phase that gin describes, preparing what is missing."""
    from code_ablate import config
    from code_ablate.jobs.train import train_phase

    workspace = load_workspace(options)
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


def evaluate(options: argparse.Namespace) -> None:
    """Evaluates checkpoints of a run and prints a line per task for each."""
    from code_ablate import config
    from code_ablate.jobs.evaluate import Pause, evaluate_run
    from code_ablate.training.rundir import RunDirectory

    run = RunDirectory.open(options.run_directory)  # before gin: the likeliest mistake
    workspace = load_workspace(options)
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


def compare(options: argparse.Namespace) -> None:
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


def judge(options: argparse.Namespace) -> None:
    """Judges two models' answers pair by pair, writes the judgements and prints a summary."""
    from etils import epath

    from code_ablate import config
    from code_ablate.jobs import judge as judging

    workspace = load_workspace(options)
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


def _judge_by_likelihood(
    options: argparse.Namespace, pairs: "Sequence[Pair]", workspace: "Workspace"
) -> "Judged":
    from code_ablate import config
    from code_ablate.jobs.judge import by_likelihood
    from code_ablate.training.rundir import RunDirectory

    run = RunDirectory.open(options.reference)
    vocabulary = workspace.existing_vocabulary(config.make("VocabularyConfig"))
    return by_likelihood(pairs, run, vocabulary, config.make("MeshConfig"), options.step)


def export(options: argparse.Namespace) -> None:
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


def import_weights(options: argparse.Namespace) -> None:
    """Makes a folder of weights that studies can start from."""
    from code_ablate.interop.import_weights import import_weights

    weights = import_weights(options.source, options.out, step=options.step)
    show(f"weights {weights.digest} of {options.source}: {weights.folder}")
    show(
        f"start a study from them: Setting.weights = @weights_in(), weights_in.folder = "
        f"{weights.folder!r}"
    )
