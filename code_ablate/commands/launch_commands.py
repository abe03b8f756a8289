"""launch, status and clean: what stands around a study while it runs."""

import argparse
import sys
from typing import TYPE_CHECKING

from code_ablate.commands.loading import folder_of_study, load_study, study_arguments
from code_ablate.commands.options import Commands, add_scale, add_study
from code_ablate.shown import show

if TYPE_CHECKING:
    from etils import epath

    from code_ablate.study.graph import Study


def add_to(commands: Commands) -> None:
    """Adds these commands."""
    command = commands.add(
        "launch", launch, "hand a study over to a scheduler, as jobs that wait for each other"
    )
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
    command = commands.add("status", status, "show how far each phase of a study has come")
    _add_begun_study(command)
    command.add_argument(
        "--follow", action="store_true", help="keep it up to date until all is done"
    )
    command = commands.add("clean", clean, "list checkpoints that nothing needs, or delete them")
    _add_begun_study(command)
    command.add_argument(
        "--yes", action="store_true", help="delete them; without it they are only listed"
    )
    command.add_argument(
        "--arms",
        action="store_true",
        help="also delete the last checkpoints of arms whose scores are all on record",
    )


def _add_begun_study(command: argparse.ArgumentParser) -> None:
    command.add_argument("study", help="folder of its results, or its name in gin/studies")
    add_scale(command)


def launch(options: argparse.Namespace) -> None:
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
    for line in launch_study(study, study_arguments(options), launch):
        show(line, flush=True)


def status(options: argparse.Namespace) -> None:
    """Shows how far each phase of a study has come."""
    import time

    from code_ablate.jobs.study_status import follow_study
    from code_ablate.study.status import StudyStatus
    from code_ablate.study.status_text import status_text

    directory = _begun_folder(options)
    if options.follow:
        follow_study(directory, wait=lambda: time.sleep(2))
    else:
        show(status_text(StudyStatus.read(directory)))


def clean(options: argparse.Namespace) -> None:
    """Says which checkpoints nothing needs; deletes them, if that is asked for."""
    from code_ablate.jobs.clean_study import clean_study
    from code_ablate.study.garbage import garbage_text

    garbage = clean_study(_begun_folder(options), arms=options.arms, delete=options.yes)
    show(garbage_text(garbage))
    if options.yes:
        show("they are deleted.")
    elif garbage.deletable:
        show("nothing was deleted; --yes does that.")


def _begun_folder(options: argparse.Namespace) -> "epath.Path":
    """The folder of a study that has begun. Raises UserError."""
    from code_ablate.jobs.study_status import configuration_note, require_begun
    from code_ablate.study.study_phases import FILE

    def require(directory: "epath.Path", study: "Study | None") -> None:
        require_begun(directory, "NAME" if study is None else options.study)
        if study and (note := configuration_note(directory, options.study, study.configuration)):
            show(note, file=sys.stderr)

    return folder_of_study(options, FILE, require)
