"""code-ablate: plan | study | report | launch | train | eval | inspect | law | doctor | ...

    code-ablate study proportion --scale demo
    code-ablate plan demo --gin.Setting.tokens=1000000
    code-ablate inspect demo.web_code --windows 2
    code-ablate config Setting

Exit codes: 0 done, 1 a check of doctor failed, 2 bad input (one message, before any work), 3 work
that began cannot go on, 130 interrupted (the same command goes on from there), 141 nobody reads the
output any more. JAX and TensorFlow are loaded by the commands that need them.
"""

import argparse
import gc
import logging
import os
import sys
import traceback
from collections.abc import Sequence

from code_ablate import __version__, distributed, shadows
from code_ablate.allocator import keep_freed_memory
from code_ablate.commands import (
    corpus_commands,
    launch_commands,
    mixture_commands,
    reference_commands,
    run_commands,
    study_commands,
)
from code_ablate.commands.options import Commands
from code_ablate.errors import (
    Failed,
    Interrupted,
    NobodyReads,
    UserError,
    code_of_the_user,
    disk_failures,
)
from code_ablate.shown import flush, show

NOBODY_READS = 141
"""Exit code where what reads the output has ended, as a shell gives it for SIGPIPE."""

_SUBJECTS = (
    study_commands,
    launch_commands,
    run_commands,
    corpus_commands,
    mixture_commands,
    reference_commands,
)
"""Modules of commands, in the order of `code-ablate --help`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    # Imports and tables make many objects and little garbage: looking for it at every 700th takes
    # a twentieth of a short command's time.
    gc.set_threshold(50_000, 20, 50)
    try:
        shadows.require_none()  # before anything else is imported
    except UserError as error:
        return fail(f"error: {error}", 2)
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
        if options.computes:
            keep_freed_memory()
        if options.joins:
            distributed.join()
        with disk_failures("the disk"):
            code = options.run(options) or 0
        # Process 0 may still be writing the report; who leaves before it ends it.
        distributed.wait_for_all()
        flush()
        return code
    except UserError as error:
        return fail(f"error: {error}", 2)
    except Failed as error:
        return fail(f"error: {error}", 3)
    except Interrupted as error:
        return _say(f"\n{error}", 130)
    except SystemExit as error:  # of code of the user's: nothing here ends so
        where = code_of_the_user(error) or "a library"
        return fail(
            f"error: {where} ends the program (exit code {error.code}): let it raise an error, or "
            "return.",
            2,
        )
    except KeyboardInterrupt:
        _say("\nstopped; the same command goes on from what is finished.", 130)
        distributed.end_failed(130)
        return 130
    except NobodyReads:  # `code-ablate plan | head`
        # Python would try once more at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return fail("", NOBODY_READS)
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
  code-ablate config Study   what can be set, with defaults and meanings
more about a command:
  code-ablate COMMAND --help"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="code-ablate",
        description="Controlled data ablations for language-model pre-training.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = Commands(parser)
    for subject in _SUBJECTS:
        subject.add_to(commands)
    return parser


if __name__ == "__main__":
    shadows.put_current_folder_last()
    sys.exit(main())
