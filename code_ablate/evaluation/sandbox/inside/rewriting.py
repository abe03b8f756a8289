"""Makes tests ask the candidate where Python's own functions see only what stands for an object.

    compiled = compiled_tests("assert type(stack) is Stack")

`type(x)`, `isinstance`, `issubclass` and `callable` become functions of Builtins, and so do the
subject of `match` and the classes of its patterns. A `with` block that asserts something is
guarded: the program's `__exit__` is called, and cannot hide what failed.
"""

from __future__ import annotations

import ast
import contextlib

from . import library, proxies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

REPLACED = ("type", "isinstance", "issubclass", "callable")


def compiled_tests(tests: str) -> CodeType:
    """The tests, rewritten. Raises SyntaxError."""
    tree = Rewriting().visit(ast.parse(tests))
    return compile(ast.fix_missing_locations(tree), "<tests>", "exec")


class Rewriting(ast.NodeTransformer):
    """Puts the functions of Builtins into the place of Python's."""

    def __init__(self) -> None:
        self._kinds = 0

    def visit_Match(self, node: ast.Match) -> list[ast.stmt]:
        """`case Circle(radius=r)`: the class of a pattern has to be a name, and a class."""
        self.generic_visit(node)
        before: list[ast.stmt] = []
        for case in node.cases:
            for pattern in ast.walk(case.pattern):
                if isinstance(pattern, ast.MatchClass):
                    name = f"__sandbox_kind_{self._kinds}__"
                    self._kinds += 1
                    kind = ast.Call(_name("kind"), [pattern.cls], [])
                    before.append(ast.Assign([ast.Name(name, ast.Store())], kind))
                    pattern.cls = ast.Name(name, ast.Load())
        node.subject = ast.Call(_name("subject"), [node.subject], [])
        return [*before, node]

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """`type(x)` and the like."""
        self.generic_visit(node)
        match node:
            case ast.Call(func=ast.Name(id="type"), args=[_], keywords=[]):
                node.func = _name("type")
            case ast.Call(func=ast.Name(id=name)) if name in REPLACED and name != "type":
                node.func = _name(name)
                node.args = [*node.args[:1], *map(_without_union, node.args[1:])]
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """`x.__class__`: Python itself asks for it too, and needs a class of its own."""
        self.generic_visit(node)
        if node.attr == "__class__" and isinstance(node.ctx, ast.Load):
            return ast.Call(_name("class"), [node.value], [])
        return node

    def visit_With(self, node: ast.With) -> ast.AST:
        """A block that asserts something."""
        self.generic_visit(node)
        if any(_asserts(part) for statement in node.body for part in ast.walk(statement)):
            for item in node.items:
                item.context_expr = ast.Call(_name("guarded"), [item.context_expr], [])
        return node


def _without_union(kinds: ast.expr) -> ast.expr:
    """`(A, B)` for `A | B`: what stands for a class is none that Python can unite."""
    match kinds:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return ast.Tuple([_without_union(left), _without_union(right)], ast.Load())
    return kinds


def _name(name: str) -> ast.Name:
    return ast.Name(f"__sandbox_{name}__", ast.Load())


def _asserts(node: ast.AST) -> bool:
    match node:
        case ast.Assert() | ast.Call(func=ast.Attribute(attr="fail")):
            return True
        case ast.Call(func=ast.Attribute(attr=name)):
            return name.startswith("assert")
    return False


class Builtins:
    """Python's functions, for what stands for objects too."""

    def __init__(self, home: proxies.Proxies):
        self._home = home

    def names(self) -> dict[str, Any]:
        """What the rewritten tests call, by name."""
        names = (*REPLACED, "class", "guarded", "kind", "subject")
        return {f"__sandbox_{name}__": getattr(self, f"_{name}") for name in names}

    def _is_object(self, value: Any) -> bool:
        return self._home.number_of(value) is not None

    def _type(self, value: Any) -> Any:
        if self._is_object(value) and not isinstance(value, BaseException):
            return self._home.ask("type", value)
        return type(value)

    def _class(self, value: Any) -> Any:
        if type(value) is proxies.Remote:
            return self._home.ask("getattr", value, "__class__")
        return value.__class__

    def _callable(self, value: Any) -> bool:
        if self._is_object(value) and not isinstance(value, type):
            return self._home.ask("callable", value) is True
        return callable(value)

    def _isinstance(self, value: Any, kinds: Any) -> bool:
        return self._related(isinstance, "isinstance", value, kinds)

    def _issubclass(self, value: Any, kinds: Any) -> bool:
        return self._related(issubclass, "issubclass", value, kinds)

    def _related(self, function: Any, do: str, value: Any, kinds: Any) -> bool:
        """`isinstance` or `issubclass`: asked for a class of the program, and whether an object of
        the program belongs to an abstract class of the standard library."""
        if type(kinds) is tuple:
            return any(self._related(function, do, value, kind) for kind in kinds)
        if type(value) is proxies.Remote and not self._is_object(kinds) and kinds is not type:
            built_in = do == "isinstance" and library.name_of(kinds) != ""
            if not built_in and library.reference_to(kinds):
                return self._home.ask(do, value, kinds) is True
        return function(value, kinds)

    def _kind(self, kind: Any) -> Any:
        """A class that stands for one of the program's in a pattern; any other as it is."""
        if type(kind) is not proxies.Remote or not self._isinstance(kind, type):
            return kind
        bases = (base for base in _BOUND_WHOLE if self._home.ask("issubclass", kind, base) is True)
        return KindType("Kind", tuple(bases)[:1], {"__object__": (kind, self._home)})

    def _subject(self, value: Any) -> Any:
        """What is matched: of a dict or the like that the program holds, its value."""
        is_mapping = isinstance(value, dict) and self._is_object(value)
        return proxies.plain(value) if is_mapping else value

    def _guarded(self, manager: Any) -> Any:
        return Guarded(manager) if self._is_object(manager) else manager


def json_value(_: Any, value: Any) -> Any:
    """What json writes of a list or dict that the program holds."""
    if proxies.is_container(value):
        return proxies.plain(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


_BOUND_WHOLE = (bool, bytearray, bytes, dict, float, frozenset, int, list, set, str, tuple)
"""Types of which a pattern with one argument binds the value itself."""


class KindType(type):
    """The class of what stands for the program's classes in patterns."""

    def __instancecheck__(cls, instance: Any) -> bool:
        kind, home = vars(cls)["__object__"]
        return home.ask("isinstance", instance, kind) is True

    def __getattr__(cls, name: str) -> Any:
        if name != "__match_args__":
            raise AttributeError(name)
        kind, home = vars(cls)["__object__"]
        return home.ask("getattr", kind, name)


class Guarded(contextlib.AbstractContextManager):
    """The program's context manager, whose `__exit__` hides no exception."""

    def __init__(self, manager: Any):
        self._manager = manager

    def __enter__(self) -> Any:
        return type(self._manager).__enter__(self._manager)

    def __exit__(self, *raised: Any) -> None:
        type(self._manager).__exit__(self._manager, *raised)
