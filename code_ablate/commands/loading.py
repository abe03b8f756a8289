"""What commands read through gin: a study, a workspace, and how the command line named them."""

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from code_ablate.errors import UserError

if TYPE_CHECKING:
    from etils import epath

    from code_ablate.jobs.workspace import Workspace
    from code_ablate.study.graph import Study


def load_study(
    options: argparse.Namespace, *, looks_only: bool = False
) -> "tuple[Study, Workspace]":
    """(study, workspace) of `options.study`, read through gin. Raises UserError.

    `looks_only`: whether the command makes nothing, so that it need not have what making needs.
    """
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


def load_workspace(options: argparse.Namespace) -> "Workspace":
    """The workspace, after the gin files of a command that has no study. Raises UserError."""
    from code_ablate import config

    config.load(options.gin_file, options.bindings, options.imports)
    return config.make_workspace()


def study_arguments(options: argparse.Namespace) -> tuple[str, ...]:
    """What names a study on the command line, as it was given to this command."""
    scale = (f"--scale={options.scale}",) if options.scale else ()
    files = (f"--gin_file={file}" for file in options.gin_file)
    modules = (f"--import={module}" for module in options.imports)
    bindings = (f"--gin.{binding}" for binding in options.bindings)
    return (options.study, *scale, *files, *modules, *bindings)


def names_settings(options: argparse.Namespace) -> bool:
    """Whether a scale, gin files or bindings are given, which a folder of results needs none of."""
    return bool(options.scale or options.gin_file or options.bindings)


def folder_of_study(
    options: argparse.Namespace,
    file: str,
    require: "Callable[[epath.Path, Study | None], None]",
) -> "epath.Path":
    """The folder of a study: that which is given, if `file` is in it, else that of the study that
    gin names.

    `require`: raises UserError if there is not in a folder what the command needs. It is given the
    study, or None for a folder that the user named, which lacks `file`. Raises UserError.
    """
    from etils import epath

    directory = epath.Path(options.study)
    if (directory / file).exists():
        if names_settings(options):
            raise UserError(
                f"{directory} is the folder of a study: give no scale, gin file or binding."
            )
        return directory
    if directory.is_dir():
        require(directory, None)
    if "/" in options.study and not options.study.endswith(".gin"):
        raise UserError(f"no folder {options.study!r}: give that of a study, or the study's name.")
    study, workspace = load_study(options, looks_only=True)
    directory = workspace.paths.study(study.folder)
    require(directory, study)
    return directory
