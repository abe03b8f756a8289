"""gin's errors, and those of modules that it imports, as one message that names what to mend.

explain(error, read, {"Schedule": ["shape", "peak"]})   # a UserError, or None: not gin's matter
"""

import difflib
import re
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from code_ablate.bindings import Bindings
from code_ablate.checked import FieldError
from code_ablate.data.fingerprints.installed import is_installed_file
from code_ablate.errors import UserError, failing_import, first_line, unknown_name

_IMPORT = r'In (?:file "(?P<file>.*)",|bindings string) line (?P<line>\d+)\n\s*(?:import|from) '
_GIN = (ValueError, TypeError, AttributeError, LookupError, OSError)


def explain(
    error: Exception, read: Bindings, known: Mapping[str, Sequence[str]]
) -> UserError | None:
    """The message for an error that came while gin read `read`, or made objects of it.

    `known`: parameters of everything that gin can bind, by name. None for errors of other kinds.
    """
    if isinstance(error, UserError):
        return UserError(first_line(error) + _place_of(error, read))
    if isinstance(error, RecursionError):
        circle = read.circle()
        names = " -> ".join((*circle, *circle[:1]))
        return UserError(f"gin: a value needs itself: {names}. Take one of these bindings out.")
    if place := re.search(_IMPORT, str(error)):
        where = f"{place['file']}:{place['line']}" if place["file"] else "a gin binding"
        return failing_import(f"{where} imports a module that", error)
    if isinstance(error, SyntaxError):  # gin's own were found when `read` was made
        return failing_import("a module that a gin file imports", error)
    if code := _in_code_of_the_user(error):
        return UserError(f"{code} fails: {type(error).__name__}: {first_line(error)}.")
    if isinstance(error, _GIN):
        return _of_a_name(str(error), known) or UserError(f"gin: {first_line(error)}")
    return None


def _in_code_of_the_user(error: Exception) -> str:
    """Function, file and line where an error was raised, if that is code of the user's own."""
    frames = traceback.extract_tb(error.__traceback__)
    file = Path(frames[-1].filename) if frames else Path()
    ours = file.resolve().is_relative_to(Path(__file__).resolve().parent)
    if ours or not file.is_file() or is_installed_file(str(file)):
        return ""
    return f"{frames[-1].name} ({file}:{frames[-1].lineno})"


def _place_of(error: UserError, read: Bindings) -> str:
    """Where the value comes from, if the error is one of a single field; else nothing."""
    if not isinstance(error, FieldError):
        return ""
    scope = re.search(r"in scope '([^']*)'", str(error))
    place = read.place(error.owner, error.field, scope[1] if scope else "")
    return f" ({place})" if place else ""


def _of_a_name(text: str, known: Mapping[str, Sequence[str]]) -> UserError | None:
    """The message about a name that gin does not know, with the closest that it does."""
    if found := re.search(r"No configurable matching '([^']+)'", text):
        return unknown_name("gin configurable", found[1].rpartition("/")[2], known)
    if found := re.search(r"No configurable matching reference '@(?:.*/)?([^'()]+)", text):
        return unknown_name("gin configurable", found[1], known)
    if found := re.search(r"No bindings specified for '(.+)/gin\.macro'", text):
        return UserError(f"gin: %{found[1]} is used, and {found[1]} is bound nowhere: bind it.")
    if found := re.search(r"Unable to open file: (.*?)\. Searched", text):
        return UserError(f"no gin file {found[1]!r}.")
    parameter = re.search(r"Configurable '([^']+)' doesn't have a parameter named '([^']+)'", text)
    if not parameter:
        return None
    owner, name = parameter[1].rpartition(".")[2], parameter[2]
    parameters = known.get(owner, ())
    close = difflib.get_close_matches(name, parameters, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(close)}?" if close else f"it has {', '.join(parameters)}."
    return UserError(f"{owner} has no parameter {name!r}; {hint}")
