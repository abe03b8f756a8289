"""What stands in the source of functions and classes: their text, and what they name."""

import ast
import contextlib
import dis
import functools
import hashlib
import inspect
import textwrap
import types
from collections.abc import Iterable
from typing import Any

from code_ablate.errors import UserError


class Unfollowable(UserError):
    """Something may change a result and cannot be followed. The message says what."""


@functools.cache
def source_text(thing: types.FunctionType | type) -> str:
    """The normalised source of a function or class; its byte code where there is no source."""
    try:
        # Of the code: inspect would show what a function wraps instead of the function.
        own = getattr(thing, "__code__", thing)
        text = textwrap.dedent(_lambda_lines(thing) or inspect.getsource(own))
    except (OSError, TypeError):
        code = getattr(thing, "__code__", None)
        return _code_text(code) if code else "(no source)"
    try:
        tree = ast.parse(text)
    except SyntaxError:  # a lambda in the middle of an expression
        return text
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_docstring(body[0]):
            body[:] = body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def _lambda_lines(thing: Any) -> str:
    """The lines of a lambda that goes on after its first; "" for all else.

    inspect.getsource ends where a statement could end, though brackets may be open around a lambda.
    """
    code = getattr(thing, "__code__", None)
    if getattr(thing, "__name__", None) != "<lambda>" or code is None:
        return ""
    first = code.co_firstlineno
    last = max(end or first for _, end, _, _ in code.co_positions())
    if last < first + len(inspect.getsourcelines(thing)[0]):
        return ""
    return "".join(inspect.findsource(thing)[0][first - 1 : last])


def _is_docstring(node: ast.AST) -> bool:
    value = getattr(node, "value", None)
    return (
        isinstance(node, ast.Expr)
        and isinstance(value, ast.Constant)
        and isinstance(value.value, str)
    )


def _code_text(code: types.CodeType) -> str:
    constants = [_code_text(c) if inspect.iscode(c) else repr(c) for c in code.co_consts]
    return f"{code.co_code.hex()} {code.co_names} {constants}"


def module_digest(module: types.ModuleType) -> str:
    """Hash of the source of a module. Raises Unfollowable where it has none."""
    try:
        return hashlib.sha256(inspect.getsource(module).encode()).hexdigest()
    except (OSError, TypeError):
        raise Unfollowable(f"the module {module.__name__} has no source") from None


def _inner(code: types.CodeType) -> Iterable[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if inspect.iscode(constant):
            yield from _inner(constant)


@functools.cache
def names_in(code: types.CodeType) -> set[str]:
    """Names of globals and attributes that code uses, functions within it included."""
    return {name for part in _inner(code) for name in part.co_names}


def closure_of(function: types.FunctionType) -> dict[str, Any]:
    """Values of the names that a function has from the functions around it, as far as they are
    set."""
    values = {}
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    for name, cell in cells:
        with contextlib.suppress(ValueError):  # not set yet
            values[name] = cell.cell_contents
    return values


@functools.cache
def imports_in(code: types.CodeType) -> set[tuple[int, str]]:
    """(level, module) of the imports that code makes when it runs; level 1 and more is relative."""
    found = set()
    for part in _inner(code):
        steps = list(dis.get_instructions(part))
        for level, _, step in zip(steps, steps[1:], steps[2:], strict=False):
            if step.opname == "IMPORT_NAME":
                found.add((int(level.argval or 0), str(step.argval)))
    return found


@functools.cache
def texts_in(code: types.CodeType) -> set[str]:
    """The strings that stand in code."""
    return {c for part in _inner(code) for c in part.co_consts if isinstance(c, str)}
