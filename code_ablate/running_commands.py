"""launch, status and clean: what the command line takes of each, and what it does.

The commands that stand around a study while it runs; `study` itself is in code_ablate.commands.
"""

import argparse
from collections.abc import Callable

from code_ablate.commands import load_study
from code_ablate.errors import UserError
from code_ablate.shown import show

Add = Callable[..., argparse.ArgumentParser]


def add_to(
    add: Add,
    add_study: Callable[[argparse.ArgumentParser], None],
    add_scale: Callable[[argparse.ArgumentParser], None],
) -> None:
    """Adds these commands. `add` makes one; the others add what names a study, and its scale."""
    command = add("launch", launch, "hand a study over to a scheduler, as jobs")
    add_study(command)
    command.add_argument(
        "--on",
        choices=["slurm", "kubernetes", "local"],
        required=True,
        help="scheduler; local: the same jobs here, one after another",
    )
    command.add_argument(
        "--out", metavar="FOLDER", help="folder of scripts and logs; default: launch/STUDY"
    )
    command.add_argument(
        "--dry-run", action="store_true", help="write the jobs, and submit nothing"
    )
    command = add("status", status, "show how far each phase of a study has come")
    command.add_argument("study", help="folder of its results, or its name in gin/studies")
    add_scale(command)
    command.add_argument(
        "--follow", action="store_true", help="show it again as it goes on, until all is done"
    )
    command = add("clean", clean, "find checkpoints that nothing needs, and delete them")
    command.add_argument("study", help="folder of its results, or its name in gin/studies")
    add_scale(command)
    command.add_argument("--yes", action="store_true", help="delete; without it, only say what")
    command.add_argument(
        "--arms", action="store_true", help="also the last checkpoints of arms that are evaluated"
    )


def launch(options) -> None:
    """Submits a study to a scheduler, or says what would be."""
    from code_ablate import config
    from code_ablate.jobs.launch_study import Launch, launch_study

    study, _ = load_study(options, looks_only=True)
    launch = Launch(
        options.on,
        slurm=config.make("Slurm"),
        kubernetes=config.make("Kubernetes"),
        folder=options.out or "",
        dry_run=options.dry_run,
    )
    for line in launch_study(study, _study_arguments(options), launch):
        show(line, flush=True)


def _study_arguments(options) -> tuple[str, ...]:
    """What names a study on the command line, as it was given to this command."""
    scale = (f"--scale={options.scale}",) if options.scale else ()
    files = (f"--gin_file={file}" for file in options.gin_file)
    modules = (f"--import={module}" for module in options.imports)
    bindings = (f"--gin.{binding}" for binding in options.bindings)
    return (options.study, *scale, *files, *modules, *bindings)


def status(options) -> None:
    """Shows how far each phase of a study has come."""
    import time

    from code_ablate.jobs.study_status import follow_study
    from code_ablate.study.status import StudyStatus
    from code_ablate.study.status_text import status_text

    directory = _folder_of_study(options)
    if options.follow:
        follow_study(directory, wait=lambda: time.sleep(2))
    else:
        show(status_text(StudyStatus.read(directory)))


def clean(options) -> None:
    """Says which checkpoints nothing needs; deletes them, if that is asked for."""
    from code_ablate.jobs.clean_study import clean_study
    from code_ablate.study.garbage import garbage_text

    garbage = clean_study(_folder_of_study(options), arms=options.arms, delete=options.yes)
    show(garbage_text(garbage))
    if options.yes:
        show("they are deleted.")
    elif garbage.deletable:
        show("nothing was deleted; --yes does that.")


def _folder_of_study(options):
    """The folder of a study that has begun: as it is given, or as gin names it. UserError."""
    from etils import epath

    from code_ablate.jobs.study_status import has_begun, require_begun

    if has_begun(options.study):
        if options.scale or options.gin_file or options.bindings:
            raise UserError(f"{options.study} is a study: give no scale, gin file or binding.")
        return epath.Path(options.study)
    if epath.Path(options.study).is_dir():
        require_begun(epath.Path(options.study), "NAME")
    study, workspace = load_study(options, looks_only=True)
    directory = workspace.paths.study(study.folder)
    require_begun(directory, options.study)
    return directory
