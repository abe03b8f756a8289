"""Bindings of gin that reach nothing: gin takes them without a word.

    require_used(read)     # UserError: nothing is made in the scope 'frist'; did you mean 'first'?

A scope that no reference names, a name on the command line that no value refers to, and a binding
of the command line that every scope binds by itself, would leave a study as it was.
"""

import difflib
from collections.abc import Iterator

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
