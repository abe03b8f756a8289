"""The global names of the tests: those that the program has too are read and set with it.

    names = Namespace(child.ask, {"__name__": "tests"})
    names.share(("total",), code, ast.parse(tests))
    exec(compiled, names)       # `assert total == 3` asks for what `total` is now

As if the tests stood below the program: a program that counts in a global is seen to count, and a
global that the tests set is set for its functions.
"""

from __future__ import annotations

import ast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_REBINDING = ("global", "modules", "setattr", "vars", "__dict__", "exec", "solution")
"""Words without which no program gives a global of its own another value after it was loaded."""


class Namespace(dict):
    """A dict that asks the program for the names that both have."""

    def __init__(self, ask: Callable[..., Any], names: dict[str, Any]):
        super().__init__(names)
        self._ask = ask
        self._shared: frozenset[str] = frozenset()
        self._changes = False

    def share(self, names: tuple[str, ...], code: str, tests: ast.Module) -> None:
        """From now on these names are the program's. What the tests define by `def`, `class` or
        `import` stays theirs: the program cannot put something else there."""
        self._changes = any(word in code for word in _REBINDING)
        assigned = _assigned_names(tests)
        for name in names:
            try:
                super().__setitem__(name, self._ask("global", name))
            except AttributeError:
                if name not in assigned:
                    raise
        self._shared = frozenset(names) - _defined_names(tests)

    def __getitem__(self, name: str) -> Any:
        if self._changes and name in self._shared and name in self:
            super().__setitem__(name, self._ask("global", name))
        return super().__getitem__(name)

    def __setitem__(self, name: str, value: Any) -> None:
        if name in self._shared:
            self._ask("set global", name, value)
            value = self._ask("global", name)  # a list is the program's from now on
        super().__setitem__(name, value)


def _assigned_names(tests: ast.Module) -> set[str]:
    """Names that statements of the tests give a value to."""
    nodes = (node for node in ast.walk(tests) if isinstance(node, ast.Name))
    return {node.id for node in nodes if isinstance(node.ctx, ast.Store)}


def _defined_names(tests: ast.Module) -> set[str]:
    """Names that the tests define or import at their top."""
    names: set[str] = set()
    for node in tests.body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names |= {alias.asname or alias.name.partition(".")[0] for alias in aliases}
    return names
