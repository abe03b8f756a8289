"""How far a study has come, once or as it goes on.

print(status_text(StudyStatus.read(directory)))
follow_study(directory, wait=lambda: time.sleep(5))
"""

import shutil
import sys
from collections.abc import Callable
from typing import TextIO

from etils import epath

from code_ablate.errors import UserError
from code_ablate.shown import show, shown
from code_ablate.study.status import StudyStatus
from code_ablate.study.status_text import status_text
from code_ablate.study.study_phases import FILE, StudyPhases


def require_begun(directory: epath.Path, study: str) -> None:
    """Raises UserError if a study's phases are not known yet. `study`: how the user named it."""
    if not (directory / FILE).exists():
        raise UserError(
            f"no {FILE} in {directory}: the study has not begun there, or its corpora are still "
            f"being prepared. `code-ablate study {study}` or `launch` begins it."
        )


def configuration_note(directory: epath.Path, study: str, configuration: str) -> str:
    """What to know where a study was edited since it began in a folder; empty where it was not.

    `study`: how the user named it. `configuration`: its `Study.configuration` now. Raises Damaged.
    """
    if StudyPhases.read(directory).configuration == configuration:
        return ""
    return (
        f"note: this is the study as it began in {directory}; its gin files or bindings have "
        f"changed since. `code-ablate plan` shows it as it is now, `code-ablate study {study}` "
        "goes on with that."
    )


def follow_study(
    directory: epath.Path, wait: Callable[[], object], out: TextIO | None = None
) -> None:
    """Shows the status until the study is finished: drawn in place on a terminal.

    Elsewhere it is written again when a phase comes into another state. `wait` returns when it is
    time to look again. Raises Damaged.
    """
    out = out or sys.stdout
    drawn = 0
    before: tuple[object, ...] = ()
    while True:
        status = StudyStatus.read(directory)
        if out.isatty():
            text = status_text(status, lines=shutil.get_terminal_size().lines - 1)
            if drawn:
                out.write(f"\x1b[{drawn}F\x1b[J")  # to the first of the lines; clear what follows
            out.write(shown(_cut(text, shutil.get_terminal_size().columns)) + "\n")
            out.flush()
            drawn = text.count("\n") + 1
        elif (states := (status.reported, *(phase.state for phase in status.phases))) != before:
            show(status_text(status), end="\n\n", file=out, flush=True)
            before = states
        if status.finished:
            return
        wait()


def _cut(text: str, columns: int) -> str:
    """No line longer than the terminal is wide: it would take two, and the next drawing miss."""
    return "\n".join(line[:columns] for line in text.split("\n"))
