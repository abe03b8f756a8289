"""Ways to say that the user's input is wrong, and two in which work ends before its end.

    raise UserError("rate of 'demo.text' is -0.5: rates must be 0 or more.")
    raise unknown_name("mixture", "demo.txt", known_names)

The command line prints the message alone, without a traceback, and exits with code 2 (UserError),
3 (Failed) or 130 (Interrupted).
"""

import contextlib
import difflib
import errno
import os
import re
import traceback
from collections.abc import Iterable, Iterator
from typing import Any

DATA_PACKAGES = ("seqio", "tensorflow", "tensorflow_text", "tensorflow_datasets", "t5")
"""Packages that declaring data needs, and training from prepared token stores does not."""


class UserError(Exception):
    """Bad input. The message says what is wrong and what to do, in one go."""


class MissingData(UserError):
    """Data or a library that a task needs are missing on this machine; nothing else is wrong."""


class NewerFormat(UserError):
    """A file that a newer version of this program wrote: nothing is wrong with it."""


class Failed(Exception):
    """Work that began well cannot go on. The message says what is saved, and what to do."""


class Interrupted(Exception):
    """Work was asked to stop; what it had is saved, and the same command goes on from there."""


class NobodyReads(Exception):
    """The program that reads the output has ended, as `head` does when it has its lines."""


def unknown_name(kind: str, name: str, choices: Iterable[str]) -> UserError:
    """The error for a name that is not registered: names the closest ones that are."""
    choices = sorted(choices)
    close = difflib.get_close_matches(name, choices, n=3, cutoff=0.5)
    if close:
        hint = "did you mean " + " or ".join(repr(c) for c in close) + "?"
    elif choices:
        shown = ", ".join(choices[:12]) + (", ..." if len(choices) > 12 else "")
        hint = f"known: {shown}"
    else:
        hint = "none is registered; is the module that registers it named with --import?"
    return UserError(f"no {kind} named {name!r}; {hint}")


_STANDARD_LIBRARY = re.escape(os.path.dirname(os.__file__))
_INSTALLED = re.compile(
    rf"/(site|dist)-packages/|^<frozen |/__autograph_generated_file|^{_STANDARD_LIBRARY}/"
)
"""Files that an error may come up in, and that are not the user's to mend."""


def failing_import(subject: str, error: BaseException) -> UserError:
    """The message for an error that a module met while it was imported: "`subject` fails: ..."."""
    missing = re.search(r"No module named '([^']+)'", str(error))
    if missing and missing[1].partition(".")[0] in DATA_PACKAGES:
        return UserError(
            f"{subject} needs {missing[1]}, which is not installed: pip install "
            "'code-ablate[data]'."
        )
    if missing and repr(missing[1]) in subject:
        return UserError(
            f"no module named {missing[1]!r} can be imported: run from the folder that holds it, "
            "or add that folder to PYTHONPATH."
        )
    if missing:
        return UserError(
            f"{subject} needs {missing[1]!r}, which cannot be found: run from the folder that "
            "holds it, or add that folder to PYTHONPATH."
        )
    what = f"{type(error).__name__}: {first_line(error)}"
    if isinstance(error, SyntaxError):
        return UserError(f"{subject} fails: {what}.")
    last = (frames_of_the_user(error) or traceback.extract_tb(error.__traceback__))[-1]
    return UserError(f"{subject} fails: {what} ({last.filename}, line {last.lineno}).")


def frames_of_the_user(error: BaseException) -> list[traceback.FrameSummary]:
    """The calls that an error passed through in code of the user's own, outermost first."""
    here = os.path.dirname(os.path.abspath(__file__)) + os.sep
    return [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if os.path.isfile(frame.filename)
        and not os.path.realpath(frame.filename).startswith(os.path.realpath(here))
        and not _INSTALLED.search(frame.filename)
    ]


def code_of_the_user(error: BaseException) -> str:
    """Function, file and line that an error came from, if that is code of the user's own, or what
    such code called."""
    frames = frames_of_the_user(error)
    if not frames:
        return ""
    return f"{frames[-1].name} ({frames[-1].filename}:{frames[-1].lineno})"


def first_line(error: BaseException) -> str:
    """What an error says, without the lines that gin adds; its type if it says nothing."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def told(error: BaseException) -> str:
    """An error in one line: its type, what it says, and the line of the user's code, if any, that
    it came from."""
    # AutoGraph writes a traceback into the message, and what is meant at its end.
    lines = str(error).strip().splitlines() or [""]
    said = (lines[-1] if "in user code" in lines[0] else lines[0]).strip().rstrip(".")
    kind = type(error).__name__
    said = said if said.startswith(kind) else f"{kind}: {said}".removesuffix(": ")
    frames = frames_of_the_user(error)
    return f"{said} ({frames[-1].filename}:{frames[-1].lineno})" if frames else said


def require_format(what: str, found: Any, known: int) -> None:
    """Raises NewerFormat if `what` is of a format above `known`, ValueError if of another one."""
    if isinstance(found, int) and found > known:
        raise NewerFormat(
            f"{what} was written by a newer code-ablate (its format is {found}; this version reads "
            f"{known}): upgrade code-ablate."
        )
    if found != known:
        raise ValueError(f"its format is {found!r}, not {known}")


_CHOOSE = "choose a folder that you may write to, or have its permissions changed"
_MOVE = "move what is there away, or name another path"
_REMEDIES = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space, or have your quota raised",
    errno.EFBIG: "have the limit on the size of files raised (ulimit -f)",
    errno.EROFS: _CHOOSE,
    errno.EACCES: _CHOOSE,
    errno.EPERM: _CHOOSE,
    errno.EISDIR: _MOVE,
    errno.ENOTDIR: _MOVE,
    errno.EEXIST: _MOVE,
    errno.ELOOP: _MOVE,
    errno.ENXIO: _MOVE,
}
"""What to do about a disk that does not take or give a file, by the number of the error."""
_ERROR_OF_TENSORSTORE = re.compile(r"os_error_code='(\d+)'")


@contextlib.contextmanager
def disk_failures(place: str | os.PathLike) -> Iterator[None]:
    """Full disks, missing permissions, and folders or pipes in the place of files become one
    Failed.

    `place`: where the work writes; named where the error names no file.
    """
    try:
        yield
    except (OSError, ValueError) as error:
        number = _number_of(error)
        if number not in _REMEDIES:
            raise
        name = getattr(error, "filename", None) or os.fspath(place)
        why = getattr(error, "strerror", None) or os.strerror(number)
        raise Failed(
            f"{name}: {why}. What was finished before is kept: "
            f"{_REMEDIES[number]}, and run the same command again."
        ) from error


def _number_of(error: OSError | ValueError) -> int:
    """The number of an error of the system, as Python or TensorStore gives it; 0: none."""
    if isinstance(error, OSError):
        return error.errno or 0
    told = _ERROR_OF_TENSORSTORE.search(str(error))
    return int(told[1]) if told else 0
