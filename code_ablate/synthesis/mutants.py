"""Small mistakes in a solution, made one at a time: what good tests must notice.

for site in sites(tree):
    undo = mutated(site)            # the tree is changed in place
    ...
    undo()
"""

import ast
from collections.abc import Callable, Iterator

from code_ablate.synthesis.syntax import names_in
from code_ablate.synthesis.trial import is_count

_COMPARISONS: dict[type, type] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_ARITHMETIC: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Sub,
    ast.Mod: ast.FloorDiv,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd,
}  # fmt: skip
_CALLS = {"min": "max", "max": "min", "all": "any", "any": "all", "sum": "len"}

Site = tuple[object, str | int, object]
"""Where a tree is changed: an object or list, a field or index, and what is put there."""


def sites(tree: ast.AST) -> list[Site]:
    """All places for a mistake, in the order of the text."""
    return list(_sites(tree))


def mutated(site: Site) -> Callable[[], None]:
    """Makes one mistake; returns what takes it back."""
    holder, where, value = site
    if isinstance(holder, list):
        assert isinstance(where, int)
        index = where
        old = holder[index]
        holder[index] = value

        def undo() -> None:
            holder[index] = old
    else:
        field = str(where)
        old = getattr(holder, field)
        setattr(holder, field, value)

        def undo() -> None:
            setattr(holder, field, old)

    return undo


def _sites(tree: ast.AST) -> Iterator[Site]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            for i, compare in enumerate(node.ops):
                yield node.ops, i, _COMPARISONS[type(compare)]()
        elif isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in _ARITHMETIC:
            if not (
                isinstance(node.op, ast.Mod)
                and _is_text(node.left if isinstance(node, ast.BinOp) else node)
            ):
                yield node, "op", _ARITHMETIC[type(node.op)]()
        elif isinstance(node, ast.BoolOp):
            yield node, "op", (ast.Or if isinstance(node.op, ast.And) else ast.And)()
        elif isinstance(node, ast.Constant):
            yield from _constants(node)
        elif isinstance(node, ast.If | ast.IfExp | ast.While):
            yield node, "test", _not(node.test)
        elif isinstance(node, ast.comprehension):
            for i, test in enumerate(node.ifs):
                if not is_count(test):
                    yield node.ifs, i, _not(test)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in _CALLS and not (node.keywords and node.func.id == "sum"):
                yield node.func, "id", _CALLS[node.func.id]
            elif node.func.id == "sorted" and not any(k.arg == "reverse" for k in node.keywords):
                flag = ast.copy_location(ast.Constant(True), node)
                yield (
                    node,
                    "keywords",
                    [*node.keywords, ast.keyword("reverse", flag, **_place(node))],
                )
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            yield node, "op", ast.UAdd()
        yield from _statements(node)


def _statements(node: ast.AST) -> Iterator[Site]:
    """Statements that are left out, and loops that go on where they should end."""
    for body in (getattr(node, "body", None), getattr(node, "orelse", None)):
        if not isinstance(body, list):
            continue
        for i, statement in enumerate(body):
            if is_count(statement):
                continue
            if (
                isinstance(statement, ast.AugAssign | ast.Expr) and not _is_docstring(statement)
            ) or isinstance(statement, ast.Break):
                yield body, i, ast.copy_location(ast.Pass(), statement)
            elif isinstance(statement, ast.Continue):
                yield body, i, ast.copy_location(ast.Break(), statement)
            elif isinstance(statement, ast.Assign) and _is_update(statement):
                yield body, i, ast.copy_location(ast.Pass(), statement)


def _is_update(statement: ast.Assign) -> bool:
    """Whether a variable is given a value that depends on its old one: without it nothing fails."""
    target = statement.targets[0]
    return isinstance(target, ast.Subscript) or (
        isinstance(target, ast.Name) and target.id in names_in(statement.value)
    )


def _constants(node: ast.Constant) -> Iterator[Site]:
    if isinstance(node.value, bool):
        yield node, "value", not node.value
    elif isinstance(node.value, int):
        yield node, "value", node.value + 1
        if node.value > 1:
            yield node, "value", node.value - 1
    elif isinstance(node.value, str):
        yield node, "value", node.value[:-1] if node.value else "?"


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _not(test: ast.expr) -> ast.expr:
    return ast.copy_location(ast.UnaryOp(ast.Not(), test), test)


def _place(node: ast.expr) -> dict[str, int]:
    return {"lineno": node.lineno, "col_offset": node.col_offset}
