"""gin's errors, and those of modules that it imports, as one message that names what to mend.

explain(error, read, {"Schedule": ["shape", "peak"]})   # a UserError, or None: not gin's matter
"""

import difflib
import re
from collections.abc import Mapping, Sequence

from code_ablate.bindings import Bindings
from code_ablate.checked import FieldError
from code_ablate.errors import (
    UserError,
    code_of_the_user,
    failing_import,
    first_line,
    frames_of_the_user,
    unknown_name,
)

_IMPORT = r'In (?:file "(?P<file>.*)",|bindings string) line (?P<line>\d+)\n\s*(?:import|from) '
_GIN = (ValueError, TypeError, AttributeError, LookupError, OSError)


def explain(
    error: Exception, read: Bindings, known: Mapping[str, Sequence[str]]
) -> UserError | None:
    """The message for an error that came while gin read `read`, or made objects of it.

    `known`: parameters of everything that gin can bind, by name. None for errors of other kinds.
    """
    if isinstance(error, UserError):
        code = code_of_the_user(error)
        in_code = f" (in {code})" if code and code not in str(error) else ""
        return UserError(first_line(error) + (_place_of(error, read) or in_code))
    if isinstance(error, RecursionError):
        return _of_a_circle(error, read)
    if place := re.search(_IMPORT, str(error)):
        where = f"{place['file']}:{place['line']}" if place["file"] else "a gin binding"
        return failing_import(f"{where} imports a module that", error)
    if isinstance(error, SyntaxError):  # gin's own were found when `read` was made
        return failing_import("a module that a gin file imports", error)
    if code := code_of_the_user(error):
        return UserError(f"{code} fails: {type(error).__name__}: {first_line(error)}.")
    if isinstance(error, _GIN):
        return _of_a_name(str(error), known) or UserError(f"gin: {first_line(error)}")
    return None


def _of_a_circle(error: RecursionError, read: Bindings) -> UserError | None:
    """The message about bindings that need one another, or functions of the user's that do."""
    if circle := read.circle():
        names = " -> ".join((*circle, *circle[:1]))
        return UserError(f"gin: a value needs itself: {names}. Take one of these bindings out.")
    calls = frames_of_the_user(error)
    if not calls:
        return None
    last = calls[-1]
    # From one call of the function to its next: all that the circle consists of.
    earlier = [place for place, call in enumerate(calls[:-1]) if call.name == last.name]
    round_trip = calls[earlier[-1] :] if earlier else calls[-1:]
    way = " -> ".join(call.name for call in round_trip)
    return UserError(
        f"{way} ({last.filename}:{last.lineno}) calls itself without end: let it return at some "
        "point."
    )


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
