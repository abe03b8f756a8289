"""Parsers of commands, and the arguments that several commands take.

command = commands.add("prepare", prepare, "make a study's vocabulary and token stores")
add_study(command)
command.add_argument("--workers", type=count, metavar="N", help="processes")
"""

import argparse
from collections.abc import Callable
from typing import Any


class Commands:
    """The commands of a parser, in the order in which they are added."""

    def __init__(self, parser: argparse.ArgumentParser):
        self._parsers = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(
        self,
        name: str,
        run: Callable[[Any], int | None],
        text: str,
        *,
        gin: bool = True,
        joins: bool = False,
        computes: bool = False,
    ) -> argparse.ArgumentParser:
        """Adds a command, and returns its parser for arguments of its own.

        Args:
          run: is called with the parsed options, and returns the exit code; None is 0.
          text: what the command does, for its own help and for the list of all commands.
          gin: whether the command takes gin files, bindings and modules.
          joins: whether the processes of a pod, each given the command, do it together.
          computes: whether this process may train or score with a model.
        """
        command = self._parsers.add_parser(name, help=text, description=text)
        command.set_defaults(run=run, joins=joins, computes=computes)
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
            command.epilog = (
                "--gin.NAME.FIELD=VALUE sets a field, e.g. --gin.Setting.tokens=400000; "
                "`code-ablate config` lists what there is to set."
            )
        return command


def add_scale(command: argparse.ArgumentParser) -> None:
    """Adds the option that says how large a study is."""
    command.add_argument(
        "--scale",
        metavar="NAME",
        help="how large: name in gin/scales, or a gin file; default: the study's own, else demo",
    )


def add_study(command: argparse.ArgumentParser) -> None:
    """Adds the arguments that say which study is meant, and at which scale."""
    command.add_argument("study", help="what is compared: name in gin/studies, or a gin file")
    add_scale(command)


def count(text: str) -> int:
    """A whole number of 0 or more. Raises ArgumentTypeError for anything else."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of 0 or more")
    return int(text)
