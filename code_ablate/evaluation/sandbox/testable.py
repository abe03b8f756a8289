"""Which tests the sandbox can run: the others are refused before a program is generated.

    require_testable("assert Stack().size() == 0", ("Stack",))      # or UserError

Tests run in another process than the program. So they cannot read what it prints, take its objects
apart or derive classes from its own; docs/sandbox.md says what they can do.
"""

import ast
import functools
import sys
from collections.abc import Iterator

from code_ablate.errors import UserError

REFUSED_MODULES = {
    "asyncio": "call asyncio.run in a function of the program's side",
    "copyreg": "compare attributes",
    "inspect": "compare attributes and results",
    "marshal": "compare attributes",
    "multiprocessing": "new processes are refused",
    "pickle": "compare attributes",
    "subprocess": "new processes are refused",
    "weakref": "compare attributes",
}
"""Modules that look into objects, or start what the sandbox refuses; and what to do instead."""

REFUSED_NAMES = {
    "asdict": "compare attributes",
    "astuple": "compare attributes",
    "fields": "compare attributes",
    "is_dataclass": "compare attributes",
    "patch": "the program is in another process, where nothing can be patched",
    "redirect_stderr": "what the program prints is thrown away: test what it returns",
    "redirect_stdout": "what the program prints is thrown away: test what it returns",
    "replace": "compare attributes",
}
"""Functions of `contextlib`, `dataclasses` and `unittest.mock`, and why they are refused."""

FROM = {"contextlib", "dataclasses", "mock", "unittest.mock"}


@functools.lru_cache(maxsize=4096)
def require_testable(tests: str, functions: tuple[str, ...], setup: str = "") -> None:
    """Raises UserError for tests that the sandbox cannot run, or that would test nothing."""
    try:
        ast.parse(setup)
        tree = ast.parse(tests)
    except SyntaxError as error:
        raise _refusal(f"SyntaxError: {error}", "mend them", tests) from None
    for node in ast.walk(tree):
        for found, advice in _faults(node, functions):
            raise _refusal(found, advice, tests)
    for name in _never_called(tree):
        raise _refusal(f"they define {name} and never call it", "call it", tests)


def _refusal(found: str, advice: str, tests: str) -> UserError:
    return UserError(
        f"these tests cannot be run in the sandbox: {found}. Rewrite them ({advice}): "
        f"docs/sandbox.md says what tests may do.\n{tests[:500]}"
    )


def _faults(node: ast.AST, functions: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """What is wrong with one node, and what to do about it."""
    match node:
        case ast.Import():
            for alias in node.names:
                yield from _faults_of_import(alias.name, ())
        case ast.ImportFrom(module=str(module)):
            yield from _faults_of_import(module, tuple(alias.name for alias in node.names))
        case ast.ClassDef():
            for base in (*node.bases, *(keyword.value for keyword in node.keywords)):
                if isinstance(base, ast.Name) and base.id in functions:
                    yield (
                        f"class {node.name} derives from the program's {base.id}",
                        "let the program define the class",
                    )
        case ast.Global(names=names):
            for name in names:
                if name in functions:
                    yield (
                        f"a function of theirs says `global {name}`, which is the program's",
                        "assign it at the top of the tests, or call a function of the program",
                    )
        case ast.MatchClass():
            if any(isinstance(inner, ast.MatchMapping) for inner in ast.walk(node)):
                yield (
                    "they match a dict within a pattern of a class",
                    "match that attribute by a `match` of its own",
                )
        case ast.AsyncFunctionDef() | ast.Await():
            yield "they are asynchronous", REFUSED_MODULES["asyncio"]
        case ast.Attribute(value=ast.Name(id=module), attr=name):
            if module == "unittest" and name == "main":
                yield "they call unittest.main", "leave it out: TestCases are run"
            elif module in FROM and name in REFUSED_NAMES:
                yield f"they use {module}.{name}", REFUSED_NAMES[name]


def _faults_of_import(module: str, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    package = module.partition(".")[0]
    if package not in sys.stdlib_module_names:
        yield (
            f"they import {package}",
            "they have the standard library alone; unittest has assertRaises",
        )
    elif package in REFUSED_MODULES:
        yield f"they import {package}", REFUSED_MODULES[package]
    if module in FROM:
        for name in names:
            if name in REFUSED_NAMES:
                yield f"they use {module}.{name}", REFUSED_NAMES[name]


def _never_called(tree: ast.Module) -> list[str]:
    """Functions named "test..." or "check..." that nothing uses: they test nothing."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return [
        statement.name
        for statement in tree.body
        if isinstance(statement, ast.FunctionDef)
        and statement.name.startswith(("test", "check"))
        and statement.name not in used
    ]
