"""Runs composed code in this process, with a limit on its steps.

    trial = Trial(counted(code), "heaviest_crates", names)
    trial.run(([3, 1],))                     # Outcome

What may run here is what the grammar is made of, and mutants of that: Python without files,
processes, network or imports of its own choice. Its limits: passes through loops and calls
of functions, counted by calls put into the code, so that the same code always ends at the same
step; Python's recursion limit, which depends on how deep the caller is; and, set by the worker as a
second line, address space and CPU seconds, which end the run instead of changing its outcome.
Code of others never runs here: it goes to the sandbox (code_ablate.evaluation.sandbox).
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

STEPS = 6_000
"""Passes through loops and calls of functions after which a run is ended."""

_TICK = "_tick"


class OutOfSteps(BaseException):
    """The code did not end. No `except Exception` of its own can catch it."""


@dataclass(frozen=True)
class Outcome:
    """What a run gave."""

    value: Any = None
    """What it returned; None if an exception was raised."""
    error: str = ""
    """Name of the exception that was raised; empty if there was none."""
    steps: int = 0
    """Steps that were counted."""
    changed: bool = False
    """Whether it changed what it was given."""

    def agrees(self, other: "Outcome") -> bool:
        """Whether both returned equal values of one type."""
        if self.error or other.error:
            return False
        return type(self.value) is type(other.value) and bool(self.value == other.value)


class Trial:
    """A function under limits."""

    def __init__(self, tree: ast.Module, function: str, names: Mapping[str, Any]):
        """`tree`: code whose steps are counted; `names`: what it may use beside built-ins."""
        self._left = 0
        self._names = {**names, _TICK: self._tick}
        exec(compile(tree, "<problem>", "exec"), self._names)
        self._function = self._names[function]

    def run(self, arguments: tuple, steps: int = STEPS) -> Outcome:
        """Calls the function with copies of the arguments; ends it after its limit of steps.

        Raises MemoryError, and no other exception of the function.
        """
        self._left = steps
        passed = [copied(argument) for argument in arguments]
        try:
            value = self._function(*passed)
        except MemoryError:  # of the machine, not of the code: no outcome may depend on it
            raise
        except Exception as error:
            return Outcome(error=type(error).__name__, steps=steps - self._left)
        except OutOfSteps:
            return Outcome(error="OutOfSteps", steps=steps)
        return Outcome(value, "", steps - self._left, passed != list(arguments))

    def _tick(self) -> bool:
        self._left -= 1
        if self._left < 0:
            raise OutOfSteps
        return True


def copied(value: Any) -> Any:
    """A copy that shares no list, dictionary or set with the original."""
    kind = type(value)
    if kind is list:
        return [copied(item) for item in value]
    if kind is dict:
        return {key: copied(item) for key, item in value.items()}
    if kind is tuple:
        return tuple(copied(item) for item in value)
    return value


def counted(code: str) -> ast.Module:
    """The tree of some code, in which loops, comprehensions and functions count their steps."""
    tree = ast.parse(code)
    for node in list(ast.walk(tree)):
        if isinstance(node, ast.comprehension):
            test = ast.Call(ast.Name(_TICK, ast.Load()), [], [])
            ast.copy_location(test, node.iter)
            ast.copy_location(test.func, node.iter)
            node.ifs.insert(0, test)
        elif isinstance(node, ast.For | ast.While | ast.FunctionDef):
            call = ast.Expr(ast.Call(ast.Name(_TICK, ast.Load()), [], []))
            ast.copy_location(call, node.body[0])
            ast.copy_location(call.value, node.body[0])
            ast.copy_location(call.value.func, node.body[0])  # type: ignore[attr-defined]
            at = 1 if _has_docstring(node) else 0
            node.body.insert(at, call)
    return tree


def _has_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and ast.get_docstring(node, clean=False) is not None


def is_count(node: ast.AST) -> bool:
    """Whether a statement, or a condition of a comprehension, is one of those that count."""
    call = node.value if isinstance(node, ast.Expr) else node
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == _TICK
