"""Bindings of gin that reach nothing, or not all: gin takes them without a word.

    require_used(read)     # UserError: nothing is made in the scope 'frist'; did you mean 'first'?
    partly_used(read)      # ["--gin.Schedule.peak does not reach the scope 'first' ..."]

A scope that no reference names, a name on the command line that no value refers to, and a binding
of the command line that every scope binds by itself, would leave a study as it was.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence

from code_ablate.bindings import Bindings, Reference, Statement
from code_ablate.errors import UserError


def require_used(read: Bindings, *, scopes_in_code: bool = False) -> None:
    """Raises UserError for the first binding that reaches nothing.

    `scopes_in_code`: modules of the user's enter scopes by themselves, so that any may be named.
    """
    references = tuple(read.references())
    scopes = {scope for reference in references for scope in _parts_of(reference.scope)}
    named = {reference.name for reference in references}
    for statement in read.statements:
        from_file = bool(statement.location.filename)
        if not statement.arg_name:
            if not from_file and statement.selector not in named:
                raise UserError(_no_field(statement))
        elif statement.scope and statement.scope not in scopes:
            if not scopes_in_code:
                raise UserError(_no_scope(statement, scopes, read))
        elif not from_file and not statement.scope:
            _require_reach(statement, references, read)


def partly_used(read: Bindings) -> list[str]:
    """A sentence about each binding without a scope that loses to scopes of an earlier file."""
    sentences = []
    for place, statement in enumerate(read.statements):
        if statement.arg_name and not statement.scope:
            keeping = _keeping_their_own(read.statements[:place], statement, read)
            if keeping:
                owner, field = statement.key
                sentences.append(
                    f"{_shown(statement)} does not reach {_listed(keeping)}, where {owner} keeps a "
                    f"{field} of its own."
                )
    return list(dict.fromkeys(sentences))


def _keeping_their_own(
    earlier: Sequence[Statement], statement: Statement, read: Bindings
) -> dict[str, str]:
    """The scopes of other files in which another value holds, and where each is bound."""
    owner, field = statement.key
    own_file = statement.location.filename
    scopes = sorted(
        s.scope
        for s in earlier
        if s.key == statement.key and s.scope and s.location.filename != own_file
    )
    # One that the same file or command line binds anew is meant as it is.
    anew = {
        s.scope
        for s in read.statements
        if s.key == statement.key and s.location.filename == own_file
    }
    return {scope: read.place(owner, field, scope) for scope in scopes if scope not in anew}


def _shown(statement: Statement) -> str:
    owner, field = statement.key
    where = statement.location
    if where.filename:
        return f"{owner}.{field} ({where.filename}:{where.line_num})"
    return f"--gin.{owner}.{field}"


def _listed(keeping: Mapping[str, str]) -> str:
    scopes = [f"{scope!r} ({place})" for scope, place in keeping.items()]
    return f"the scope{'s' if len(scopes) > 1 else ''} {' and '.join(scopes)}"


def _parts_of(scope: str) -> Iterator[str]:
    """The scopes whose bindings hold within one: "a" and "a/b" of "a/b"."""
    parts = scope.split("/")
    yield from ("/".join(parts[: i + 1]) for i in range(len(parts)) if scope)


def _no_field(statement: Statement) -> str:
    name = statement.selector
    return (
        f"--gin.{name} names no field, and no value refers to %{name}, so that it changes nothing: "
        f"to set a field write --gin.NAME.FIELD=VALUE."
    )


def _no_scope(statement: Statement, scopes: set[str], read: Bindings) -> str:
    owner, field, scope = *statement.key, statement.scope
    close = difflib.get_close_matches(scope, scopes, n=2, cutoff=0.5)
    meant = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
    return (
        f"{scope}/{owner}.{field} changes nothing: no value refers to @{scope}/{owner}."
        f"{meant} ({read.place(owner, field, scope)})"
    )


def _require_reach(statement: Statement, references: tuple[Reference, ...], read: Bindings) -> None:
    """Raises UserError if each use of what is bound is in a scope with a value of its own."""
    owner, field = statement.key
    uses = {reference.scope for reference in references if reference.name == owner}
    own = {s.scope for s in read.statements if s.key == (owner, field) and s.scope}
    if uses and all(any(scope in own for scope in _parts_of(use)) for use in uses):
        places = sorted(f"--gin.{scope}/{owner}.{field}" for scope in own)
        raise UserError(
            f"--gin.{owner}.{field} changes nothing: each scope in which {owner} is used binds "
            f"{field} by itself. Set {' or '.join(places)}."
        )
