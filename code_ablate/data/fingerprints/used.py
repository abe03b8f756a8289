"""Installed distributions that a function uses, and those that these use in turn.

    used_distributions([my_metric])       # {"numpy": "2.1.0", "sacrebleu": "2.6.0", "t5": "0.9.4"}

A metric of t5 computes with sacrebleu, or with rouge_score, which stems with nltk: the version of
any of them may change a score. Followed is what a function names, by the sources of the modules as
they lie on the disk, of which none is imported for it: what another function of the same module
uses does not count. The way ends in the second distribution; what that uses is named, and so are
libraries of arrays and tables wherever they are met.
"""

import ast
import functools
import importlib.util
import inspect
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from etils.epy import lazy_imports_utils

from code_ablate.data.fingerprints import installed
from code_ablate.data.fingerprints.source_text import closure_of, imports_in, names_in

_NOT_FOLLOWED = {
    "jax", "jaxlib", "numpy", "pandas", "scipy", "seqio", "sklearn", "tensorflow",
    "torch", "transformers",
}  # fmt: skip
"""Packages that stay as they are named: what they use in turn is theirs."""


_NO_MATTER = {"absl"}
"""Packages that change no result: they log."""


class _Definition(NamedTuple):
    """Something that a module on the disk defines."""

    module: str
    """Name of the module."""
    name: str
    """Name in it."""
    way: tuple[str, ...]
    """Packages on the way to it, with its own: it is followed if they are two or fewer."""


class _Source(NamedTuple):
    """What the source of a module says, without running it."""

    definitions: Mapping[str, ast.AST]
    """Functions, classes and values by name."""
    imports: Mapping[str, str]
    """Name in the module -> what it is imported from, dotted."""


def used_distributions(functions: Iterable[Callable]) -> dict[str, str]:
    """Name -> version of the distributions that the functions use."""
    search = _Search()
    for function in functions:
        search.start(function)
    search.finish()
    texts = sorted(installed.version_of(root) for root in search.roots)
    return {name: version for name, _, version in (text.partition(" ") for text in texts)}


class _Search:
    """What was met so far, and what is still to be followed."""

    def __init__(self):
        self.roots: set[str] = set()
        """Names of the installed packages that were met."""
        self._waiting: list[_Definition] = []
        self._seen: dict[int, Any] = {}

    def start(self, thing: Any) -> None:
        """Follows what runs here, object by object, up to what is installed."""
        if id(thing) in self._seen:
            return
        self._seen[id(thing)] = thing
        module = _module_name(thing)
        if module:
            self._resolve(module, set(), ())
        elif isinstance(thing, types.FunctionType | type) and _is_installed(thing):
            self._resolve(f"{thing.__module__}.{thing.__qualname__.partition('.')[0]}", set(), ())
        else:
            for part in self._parts(thing):
                self.start(part)

    def _parts(self, thing: Any) -> Iterator[Any]:
        """What an object of this project or of the user's own is made of."""
        if isinstance(thing, functools.partial):
            yield from (thing.func, *thing.args, *thing.keywords.values())
        elif isinstance(thing, types.MethodType):
            yield from (thing.__func__, type(thing.__self__))
        elif isinstance(thing, type):
            yield from (*vars(thing).values(), *thing.__bases__)
        elif isinstance(thing, types.FunctionType):
            yield from (inspect.unwrap(thing), *(thing.__defaults__ or ()))
            yield from closure_of(thing).values()
            names, scope = names_in(thing.__code__), thing.__globals__
            for level, module in imports_in(thing.__code__):
                if level == 0:
                    self._resolve(module, names, ())
            for value in (scope[name] for name in names & scope.keys()):
                if module := _module_name(value):
                    self._resolve(module, names, ())
                else:
                    yield value
        elif isinstance(thing, list | tuple | set | frozenset):
            yield from thing
        elif isinstance(thing, dict):
            yield from thing.values()
        elif callable(thing):
            yield from (type(thing), getattr(thing, "__wrapped__", None))

    def finish(self) -> None:
        """Follows what is installed, by the text of its definitions."""
        seen: set[_Definition] = set()
        while self._waiting:
            definition = self._waiting.pop()
            source = _source(definition.module)
            if definition in seen or source is None:
                continue
            seen.add(definition)
            nodes = list(ast.walk(source.definitions[definition.name]))
            names = {node.id for node in nodes if isinstance(node, ast.Name)}
            attributes = names | {node.attr for node in nodes if isinstance(node, ast.Attribute)}
            imports = {**source.imports, **dict(_imports(nodes, definition.module))}
            for name in sorted(names):
                if name in source.definitions:
                    self._waiting.append(definition._replace(name=name))
                elif name in imports:
                    self._resolve(imports[name], attributes, definition.way)

    def _resolve(self, dotted: str, names: set[str], way: tuple[str, ...]) -> None:
        """A module, or something in one, of which `names` are used."""
        root = dotted.partition(".")[0]
        if root in sys.stdlib_module_names:
            return
        if not installed.is_ours(root):
            if _path(root) is None and root not in sys.modules:
                return  # it is not there, and nothing of it runs
            if root not in _NO_MATTER and installed.version_of(root) != root:  # a distribution
                self.roots.add(root)
                way = way if root in way else (*way, root)
        if root in _NOT_FOLLOWED | _NO_MATTER or len(way) > 2:
            return
        module, _, name = dotted.rpartition(".")
        if _path(dotted) is not None:
            self._named_in(dotted, names, way)
        elif module and _path(module) is not None:
            self._named_in(module, {name}, way)

    def _named_in(self, module: str, names: set[str], way: tuple[str, ...]) -> None:
        source = _source(module)
        for name in sorted(names):
            if source and name in source.definitions:
                self._waiting.append(_Definition(module, name, way))
            elif _path(f"{module}.{name}") is not None:
                self._named_in(f"{module}.{name}", names - {name}, way)
            elif source and source.imports.get(name) not in (None, f"{module}.{name}"):
                self._resolve(source.imports[name], names - {name}, way)


def _module_name(thing: Any) -> str:
    """The name of a module, also of one that is imported when it is used; else ''."""
    if isinstance(thing, lazy_imports_utils.LazyModule):
        return thing.module_name
    return thing.__name__ if isinstance(thing, types.ModuleType) else ""


def _is_installed(thing: types.FunctionType | type) -> bool:
    return installed.is_installed(thing.__module__ or "")


@functools.cache
def _path(module: str) -> Path | None:
    """The Python file of a module; None if it has none."""
    root, *inner = module.split(".")
    try:
        spec = importlib.util.find_spec(root)  # of a package at the top, which imports nothing
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    if not inner:
        return Path(spec.origin)
    place = Path(spec.origin).parent.joinpath(*inner)
    for file in (place.with_name(place.name + ".py"), place / "__init__.py"):
        if file.is_file():
            return file
    return None


@functools.cache
def _source(module: str) -> _Source | None:
    path = _path(module)
    if path is None:
        return None
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
    definitions: dict[str, ast.AST] = {}
    for node in _top(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            definitions[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    definitions[target.id] = node
    return _Source(definitions, dict(_imports(_top(tree), module)))


def _top(tree: ast.Module) -> Iterator[ast.AST]:
    """Statements of a module, those within `if` and `try` and `with` too."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With | ast.ExceptHandler):
            waiting.extend(ast.iter_child_nodes(node))


def _imports(nodes: Iterable[ast.AST], module: str) -> Iterator[tuple[str, str]]:
    """(name, what it stands for) of the imports among the nodes."""
    path = _path(module)
    is_package = path is not None and path.name == "__init__.py"
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                root = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (root, root)
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: len(module.split(".")) - node.level + is_package]
            base = ".".join([*(above if node.level else []), *filter(None, [node.module])])
            for alias in node.names:
                yield alias.asname or alias.name, f"{base}.{alias.name}"
