"""doctor, list and config: whether this machine will do, which names there are, what can be set."""

import argparse

from code_ablate.commands.options import Commands
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
"""Kinds of names that `code-ablate list` lists."""


def add_to(commands: Commands) -> None:
    """Adds these commands."""
    commands.add("doctor", doctor, "check this machine and environment", gin=False)
    command = commands.add("list", show_list, "list names that can be used")
    command.add_argument("what", choices=LISTS, help="kind of names")
    command = commands.add(
        "config",
        show_config,
        "list what gin files and --gin.NAME.FIELD=VALUE can set, with defaults and meanings",
        gin=False,
    )
    command.add_argument(
        "name", nargs="?", help="class or recipe, e.g. Setting; default: an overview of all"
    )
    command.add_argument(
        "--markdown", action="store_true", help="print all as Markdown, as in docs/configuration.md"
    )


def doctor(options: argparse.Namespace) -> int:
    """Prints each check; 1 if one failed."""
    from code_ablate.doctor import run_checks

    return run_checks()


def show_list(options: argparse.Namespace) -> None:
    """Lists the names of one kind of thing, with a line about each."""
    from code_ablate import config
    from code_ablate.listing import listing

    config.load(options.gin_file, options.bindings, options.imports, looks_only=True)
    show(listing(options.what))


def show_config(options: argparse.Namespace) -> None:
    """Lists what gin can set: every class and recipe, or one of them with its fields."""
    from code_ablate import configurables

    if options.markdown:
        show(configurables.markdown(), end="")
    else:
        show(configurables.one(options.name) if options.name else configurables.overview())
