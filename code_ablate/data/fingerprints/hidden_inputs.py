"""What code reads beside its arguments, so that its text does not say what it gives.

    require_visible(function)           # UserError: keep (own.py:12) uses time.time, the time: ...
    require_lasting(function, "RNG")    # the same of the expression that made a global

Such are the environment, clocks, random numbers without a seed, the machine, the user and the
current folder. A name is followed to what it stands for: `from os import environ as e`, `t = time`
and `getattr(os, "environ")` are seen, and a method of the user's own that is called `time` is not
taken for a clock. What has a seed is accepted: `random.Random(17)`, `numpy.random.default_rng(17)`.
"""

import ast
import functools
import importlib.util
import inspect
import os
import sys
import types
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePath
from typing import Any, NamedTuple

from code_ablate.data.fingerprints.hidden_tables import (
    CLASSES,
    CLOCK,
    HOME,
    RANDOM,
    SEEDING,
    WATCHED,
    Kind,
    hidden_functions,
    hidden_objects,
)
from code_ablate.data.fingerprints.source_text import Unfollowable, closure_of, names_in

_NOW = {"numpy.datetime64", "pandas.Timestamp", "pandas.to_datetime"}
"""What makes a time of text, which may be "now"."""
_LONGEST_WAY = 10
"""Modules through which a global may have been imported."""


class _Use(NamedTuple):
    """Something hidden that code uses."""

    name: str
    """Dotted name, such as "os.environ"."""
    kind: Kind
    line: int
    """Line of the file."""


def require_visible(function: types.FunctionType) -> None:
    """Raises Unfollowable where a function reads what neither its text nor its arguments say."""
    code = function.__code__
    node = _definition(code)
    if node is None:  # no source: what is named is all that can be known
        _require_by_names(function)
        return
    for use in _Reading(node, {**function.__globals__, **closure_of(function)}).uses():
        raise _refusal(f"{function.__qualname__} ({_shown(code.co_filename)}:{use.line})", use)


def require_lasting(function: types.FunctionType, name: str) -> None:
    """Raises Unfollowable for a global that is another one in each process: one made by a clock,
    or by random numbers without a seed."""
    module = sys.modules.get(str(function.__globals__.get("__name__")))
    for _ in range(_LONGEST_WAY):
        tree = _tree_of(module) if module else None
        if module is None or tree is None:
            return
        made = _last_statement(tree, name)
        if isinstance(made, ast.ImportFrom):
            alias = next(a for a in made.names if (a.asname or a.name) == name)
            origin = "." * made.level + (made.module or "")
            module, name = _loaded(origin, module.__package__), alias.name
            continue
        if made is not None and made.value is not None:
            for use in _Reading(made.value, vars(module), whole=tree).uses():
                if use.kind in (CLOCK, RANDOM):
                    raise _refusal(f"{name} ({_shown(str(module.__file__))}:{use.line})", use)
        return


def _refusal(where: str, use: _Use) -> Unfollowable:
    return Unfollowable(f"{where} uses {use.name}, {use.kind.what}: {use.kind.remedy}")


class _Dotted(str):
    """The dotted name of something that cannot be looked at, or need not."""


class _Reading:
    """The names in a function or expression, followed to what they stand for."""

    def __init__(self, node: ast.AST, scope: Mapping[str, Any], whole: ast.AST | None = None):
        """`whole`: what is searched for calls that seed a generator; None: `node`."""
        self._scope, self._whole = scope, whole or node
        roots = getattr(node, "body", node)
        self._nodes = [
            inner
            for root in (roots if isinstance(roots, list) else [roots])
            for inner in ast.walk(root)
        ]
        self._parents = {
            child: parent for parent in self._nodes for child in ast.iter_child_nodes(parent)
        }
        self._is_hash = getattr(node, "name", "") == "__hash__"
        self._aliases = dict(_aliases(self._nodes))
        self._locals = set(_bound(ast.walk(node))) if roots is not node else set()
        self._following: set[str] = set()

    def uses(self) -> Iterator[_Use]:
        """What is hidden, in the order of the lines."""
        seeded = tuple(self._seeded())
        found = [use for node in self._nodes for use in self._used_by(node)]
        for use in sorted(found, key=lambda use: use.line):
            if not use.name.startswith(seeded):
                yield use

    def _used_by(self, node: ast.AST) -> Iterator[_Use]:
        if isinstance(node, ast.Call):
            yield from self._used_by_call(node)
        stored = isinstance(getattr(node, "ctx", None), ast.Store | ast.Del)
        if stored or not isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript):
            return
        name, call = self._name(node), self._call_of(node)
        if name in WATCHED and isinstance(node, ast.Name) and not self._is_looked_into(node):
            yield _Use(f"{name} as a whole", WATCHED[name], node.lineno)
        hidden = hidden_functions().get(name)
        if hidden is None or hidden.is_visible(call):
            return
        if name == "builtins.hash" and self._is_hash:
            return
        if hidden.kind is HOME and call and self._is_found(call):
            return
        yield _Use(name.removeprefix("builtins."), hidden.kind, node.lineno)

    def _used_by_call(self, call: ast.Call) -> Iterator[_Use]:
        """What shows in the arguments, or in the name of a method of what is not known."""
        first = call.args[0] if call.args else None
        name = self._name(call.func)
        if name in _NOW and _constant(first) in ("now", "today"):
            yield _Use(f"{name}({_constant(first)!r})", CLOCK, call.lineno)
        if name or not isinstance(call.func, ast.Attribute):
            return
        if call.func.attr == "expanduser" and not self._is_found(call):
            yield _Use("expanduser", HOME, call.lineno)
        keywords = {keyword.arg for keyword in call.keywords}
        sized = "buffer_size" in keywords or isinstance(self._value(first), int)
        if call.func.attr == "shuffle" and sized and len(call.args) < 2 and "seed" not in keywords:
            yield _Use("shuffle of a dataset", RANDOM, call.lineno)

    def _seeded(self) -> Iterator[str]:
        """How names begin that draw from a generator which is given a seed."""
        for call in ast.walk(self._whole):
            if isinstance(call, ast.Call):
                name = self._name(call.func)
                if name in SEEDING and hidden_functions()[name].is_visible(call):
                    yield SEEDING[name]

    def _is_found(self, call: ast.Call) -> bool:
        """Whether a path is expanded that is written out, so that its file counts by content."""
        path: Any = call.args[0] if call.args else getattr(call.func, "value", None)
        if isinstance(path, ast.Call) and path.args:  # Path("~/list.txt").expanduser()
            path = path.args[0]
        text = _constant(path)
        return isinstance(text, str) and os.path.isfile(os.path.expanduser(text))

    def _call_of(self, node: ast.AST) -> ast.Call | None:
        parent = self._parents.get(node)
        return parent if isinstance(parent, ast.Call) and parent.func is node else None

    def _is_looked_into(self, node: ast.AST) -> bool:
        """Whether a module is looked into, or given another name, and not handed on."""
        parent = self._parents.get(node)
        if isinstance(parent, ast.Call):
            above = self._parents.get(parent)
            return self._resolved(parent) is not None or self._resolved(above) is not None
        is_alias = isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name)
        return is_alias or isinstance(parent, ast.Attribute)

    def _name(self, node: ast.AST | None) -> str:
        """The dotted name of what an expression stands for; "" where that is not known."""
        return _name_of(self._resolved(node))

    def _value(self, node: ast.AST | None) -> Any:
        return node.value if isinstance(node, ast.Constant) else self._resolved(node)

    def _resolved(self, node: ast.AST | None) -> Any:
        """The object that an expression stands for, or its _Dotted name; None where it is not
        known."""
        match node:
            case ast.Name(id=name):
                return self._of_name(name)
            case ast.Attribute(value=owner, attr=attribute):
                return _within(self._resolved(owner), attribute)
            case ast.Call(func=function, args=[owner, ast.Constant(value=str(attribute)), *_]):
                if self._name(function) == "builtins.getattr":
                    return _within(self._resolved(owner), attribute)
            case ast.Subscript(
                value=ast.Call(func=function, args=[owner]),
                slice=ast.Constant(value=str(attribute)),
            ):
                if self._name(function) == "builtins.vars":
                    return _within(self._resolved(owner), attribute)
            case ast.Subscript(
                value=ast.Attribute(value=owner, attr="__dict__"),
                slice=ast.Constant(value=str(attribute)),
            ):
                return _within(self._resolved(owner), attribute)
        return None

    def _of_name(self, name: str) -> Any:
        if name in self._aliases and name not in self._following:  # not for ever: x = x.y
            self._following.add(name)
            try:
                return self._of_alias(self._aliases[name])
            finally:
                self._following.discard(name)
        if name in self._locals:
            return None
        return self._scope[name] if name in self._scope else _Dotted(f"builtins.{name}")

    def _of_alias(self, alias: "ast.AST | tuple[str, str]") -> Any:
        if isinstance(alias, ast.AST):
            return self._resolved(alias)
        module, attribute = alias
        held = _loaded(module, self._scope.get("__package__")) or _Dotted(module)
        return _within(held, attribute) if attribute else held


def _within(owner: Any, attribute: str) -> Any:
    """An attribute of a module or class, found without running anything."""
    if isinstance(owner, types.ModuleType):
        held = vars(owner).get(attribute)
        if isinstance(held, types.ModuleType | type) or id(held) in hidden_objects():
            return held
    if isinstance(owner, types.ModuleType | type | _Dotted):
        return _Dotted(f"{_name_of(owner)}.{attribute}")
    return None


def _name_of(thing: Any) -> str:
    if isinstance(thing, _Dotted):
        return str(thing)
    if isinstance(thing, types.ModuleType):
        return thing.__name__.replace("tensorflow._api.v2", "tensorflow")
    if id(thing) in hidden_objects():
        return hidden_objects()[id(thing)]
    if not isinstance(thing, type):
        return ""
    name = f"{thing.__module__}.{thing.__qualname__}"
    return "pathlib.Path" if issubclass(thing, PurePath) else CLASSES.get(name, name)


def _aliases(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, Any]]:
    """(name, (module, name in it) or expression) of local names that stand for something else."""
    for node in nodes:
        match node:
            case ast.Import():
                for alias in node.names:
                    root = alias.name.partition(".")[0]
                    yield (alias.asname, (alias.name, "")) if alias.asname else (root, (root, ""))
            case ast.ImportFrom():
                module = "." * node.level + (node.module or "")
                for alias in node.names:
                    yield alias.asname or alias.name, (module, alias.name)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                if isinstance(value, ast.Name | ast.Attribute | ast.Call | ast.Subscript):
                    yield name, value


def _bound(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Names that a function gives a value to, its parameters and inner functions among them."""
    for node in nodes:
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield name
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                yield name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name


def _constant(node: ast.AST | None) -> Any:
    return node.value if isinstance(node, ast.Constant) else None


def _loaded(module: str, package: str | None) -> types.ModuleType | None:
    try:
        return sys.modules.get(importlib.util.resolve_name(module, package))
    except ImportError:  # relative, and in no package
        return None


@functools.cache
def _definition(code: types.CodeType) -> ast.AST | None:
    """The definition that code was made of; None without source."""
    try:
        lines, _ = inspect.findsource(code)
    except (OSError, TypeError):
        return None
    tree = _parsed("".join(lines))
    found = [node for node in ast.walk(tree) if _is_of(node, code)] if tree else []
    return found[0] if len(found) == 1 else next((n for n in found if _covers(n, code)), None)


def _is_of(node: ast.AST, code: types.CodeType) -> bool:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            return name == code.co_name and first == code.co_firstlineno
        case ast.Lambda():
            return code.co_name == "<lambda>" and node.lineno == code.co_firstlineno
    return False


def _covers(node: Any, code: types.CodeType) -> bool:
    """Whether the code of one of several lambdas in a line is this one's."""
    body = node.body
    begin, end = (body.lineno, body.col_offset), (body.end_lineno, body.end_col_offset)
    places = [(line, column) for line, _, column, _ in code.co_positions() if column]
    return bool(places) and all(begin <= place <= end for place in places)


@functools.lru_cache(maxsize=64)
def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):
        return None


def _tree_of(module: types.ModuleType) -> ast.Module | None:
    try:
        return _parsed(inspect.getsource(module))
    except (OSError, TypeError):
        return None


def _last_statement(
    tree: ast.Module, name: str
) -> ast.Assign | ast.AnnAssign | ast.ImportFrom | None:
    """The last statement of a module that gives a name its value."""
    found: ast.Assign | ast.AnnAssign | ast.ImportFrom | None = None
    waiting = tree.body[::-1]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.Assign(targets=targets):
                if any(isinstance(t, ast.Name) and t.id == name for t in targets):
                    found = node
            case ast.AnnAssign(target=ast.Name(id=target)) if target == name:
                found = node
            case ast.ImportFrom() if any((a.asname or a.name) == name for a in node.names):
                found = node
            case ast.If() | ast.Try() | ast.With() | ast.For():
                inner = [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.stmt)]
                waiting += inner[::-1]
    return found


def _shown(file: str) -> str:
    return os.path.relpath(file) if file.startswith(os.getcwd() + os.sep) else file


def _require_by_names(function: types.FunctionType) -> None:
    names, scope = names_in(function.__code__), function.__globals__
    for dotted, hidden in hidden_functions().items():
        owner, _, name = dotted.rpartition(".")
        if hidden.least is not None or hidden.keyword or name not in names:
            continue
        used = any(_name_of(scope[n]) == owner for n in names & scope.keys())
        own = any(_name_of(scope[n]) == dotted for n in names & scope.keys())
        if used or own or (owner == "builtins" and name not in scope and name != "hash"):
            use = _Use(dotted.removeprefix("builtins."), hidden.kind, 0)
            raise _refusal(function.__qualname__, use)
