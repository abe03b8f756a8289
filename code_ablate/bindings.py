"""What gin files and bindings say, and where: gin keeps no places, and its errors name few.

    read = Bindings.read(["gin/studies/demo.gin"], ["Schedule.peak = 1"], folders)
    read.binds("Setting", "model")                    # whether one of them does
    read.place("Schedule", "peak", scope="cooldown")  # 'gin/scales/demo.gin:12'

Only the text is read: no name is looked up, nothing is imported or made.
"""

import re
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from code_ablate.errors import UserError
from gin import config_parser


@dataclass(frozen=True)
class Reference:
    """@name or %name in a value."""

    name: str
    """Name of the macro or configurable, without scope and module."""
    scope: str = ""
    """Scope in which a configurable is used; of a macro nothing."""


class Statement(config_parser.BindingStatement):
    """A binding, with where it stands."""

    @property
    def key(self) -> tuple[str, str]:
        """What is bound: class or function, without its module, and field."""
        return self.selector.rpartition(".")[2], self.arg_name


@dataclass(frozen=True)
class Bindings:
    """All bindings of gin files and of a command line, in order."""

    statements: tuple[Statement, ...]
    """A later one of the same scope, selector and argument wins."""
    imports: tuple[str, ...] = ()
    """Modules that the files import."""

    @classmethod
    def read(
        cls, files: Sequence[str], bindings: Sequence[str], folders: Sequence[Path]
    ) -> "Bindings":
        """Reads files with the files that they include, looked for in `folders` too.

        Raises UserError, with file and line, for what is not gin, and for includes that are missing
        or go round in a circle.
        """
        statements: list = []
        for file in files:
            statements += _statements_of(file, folders, ())
        for binding in bindings:
            statements += _parse(binding, f"the binding {binding!r}")
        kept = (Statement(*s) for s in statements if isinstance(s, config_parser.BindingStatement))
        modules = (s.module for s in statements if isinstance(s, config_parser.ImportStatement))
        return cls(tuple(kept), tuple(modules))

    def binds(self, owner: str, field: str) -> bool:
        """Whether `owner`.`field` is bound, in any scope."""
        return any(statement.key == (owner, field) for statement in self.statements)

    def references(self) -> Iterator[Reference]:
        """Every @name and %name in a value."""
        return (found for statement in self.statements for found in _references(statement.value))

    def values(self, owner: str) -> dict[str, Any]:
        """What is bound to the fields of `owner`, outside of all scopes, by field."""
        plain = (s for s in self.statements if not s.scope and s.key[0] == owner)
        return {statement.arg_name: statement.value for statement in plain}

    def place(self, owner: str, field: str, scope: str = "") -> str:
        """Where the value comes from that holds in `scope`: file and line, or the option; or ''."""
        places = {}
        for statement in self.statements:
            if statement.key == (owner, field):
                where = statement.location
                file = f"{where.filename}:{where.line_num}" if where.filename else ""
                scoped = f"{statement.scope}/{owner}" if statement.scope else owner
                places[statement.scope] = file or f"--gin.{scoped}.{field}"
        return places.get(scope) or places.get("") or next(iter(places.values()), "")

    def circle(self) -> tuple[str, ...]:
        """Names of macros and configurables of which each needs the next, and the last the first.

        Scopes are not told apart. Empty if there is none.
        """
        needs: dict[str, list[str]] = {}
        for statement in self.statements:
            own = needs.setdefault(statement.selector.rpartition(".")[2], [])
            own += (reference.name for reference in _references(statement.value))
        return next(filter(None, (_circle(name, needs, ()) for name in needs)), ())


def _circle(name: str, needs: dict[str, list[str]], path: tuple[str, ...]) -> tuple[str, ...]:
    if name in path:
        return path[path.index(name) :]
    found = (_circle(other, needs, (*path, name)) for other in needs.get(name, ()))
    return next(filter(None, found), ())


def _references(value: Any) -> Iterator[Reference]:
    if isinstance(value, Reference):
        yield value
    elif isinstance(value, dict):
        yield from _references([*value, *value.values()])
    elif isinstance(value, list | tuple | set):
        for item in value:
            yield from _references(item)


class _Delegate(config_parser.ParserDelegate):
    """Keeps the names of references and macros; looks nothing up."""

    def configurable_reference(self, scoped_configurable_name, evaluate):
        scope, _, name = scoped_configurable_name.rpartition("/")
        return Reference(name.rpartition(".")[2], scope)

    def macro(self, scoped_name):
        return Reference(scoped_name.rpartition("/")[2])


def _statements_of(file: str, folders: Sequence[Path], above: tuple[Path, ...]) -> Iterator:
    """All statements of a file, those of the files that it includes in their places."""
    path = next((p for p in (Path(file), *(f / file for f in folders)) if p.is_file()), None)
    if path is None:
        by = f", which {above[-1]} includes" if above else ""
        raise UserError(f"no gin file {file!r}{by}.")
    if path in above:
        circle = " -> ".join(map(str, (*above[above.index(path) :], path)))
        raise UserError(f"gin files include one another in a circle: {circle}.")
    try:
        text = path.read_text(encoding="utf-8")
        if text.startswith("\ufeff"):  # gin reads the file too, and cannot pass over it
            raise UserError(f"{path} begins with a byte order mark: save it as UTF-8 without BOM.")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"the gin file {path} cannot be read: {error}.") from None
    for statement in _parse(text, str(path)):
        if isinstance(statement, config_parser.IncludeStatement):
            yield from _statements_of(statement.filename, folders, (*above, path))
        else:
            yield statement


def _parse(text: str, source: str) -> Iterable:
    """The statements of a text. UserError, which names `source` and the line, for what is none."""
    statements: list = []
    try:
        parser = config_parser.ConfigParser(text, _Delegate())
        try:
            statements += parser
        except (SyntaxError, ValueError, RecursionError) as error:
            line = parser.current_token.start[0]
            raise UserError(f"{source}, line {line}: {_why(error)}") from None
    except tokenize.TokenError:
        raise UserError(f"{source}: a bracket or a quote is not closed.") from None
    if source.startswith("the binding"):
        return statements
    return [s._replace(location=s.location._replace(filename=source)) for s in statements]


def _why(error: Exception) -> str:
    text = str(error).partition("\n")[0]
    if "malformed node" in text:
        return "a value is no literal of Python; text needs quotes, references @ or %."
    return re.sub(r" *[(]line [0-9]+[)]", "", text)
