"""Syntax trees of operations: read once, then copied with other names and expressions put in.

    form = read_form(function)              # of a Python function, from its source
    statements = [put_in(s, {"xs": ast.Name("weights")}) for s in form.body]

`put_in` replaces a name by another name or by an expression, and a call of a function that stands
for a test or a key by what that function computes.
"""

import ast
import functools
import linecache
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

Replacement = str | ast.expr | Callable[[list[ast.expr]], ast.expr]
"""A new name, an expression, or what a call becomes, given its arguments."""

IMPORTS = {
    **dict.fromkeys(("Counter", "defaultdict", "deque"), "collections"),
    **dict.fromkeys(("accumulate", "combinations", "groupby", "pairwise", "product"), "itertools"),
    **dict.fromkeys(("permutations", "takewhile", "dropwhile", "zip_longest"), "itertools"),
    **dict.fromkeys(("gcd", "isqrt", "lcm", "prod", "comb"), "math"),
    **dict.fromkeys(("heappop", "heappush", "heapify", "nlargest", "nsmallest"), "heapq"),
    **dict.fromkeys(("bisect_left", "bisect_right", "insort"), "bisect"),
    **dict.fromkeys(("reduce", "cache", "cmp_to_key"), "functools"),
    **dict.fromkeys(("median_low", "mode"), "statistics"),
    "ascii_lowercase": "string",
    "re": "",
}
"""Names that operations use from the standard library -> module; "": the name is a module."""


@dataclass(frozen=True)
class Form:
    """One way to compute an operation."""

    parameters: tuple[str, ...]
    """Names of the arguments, in order."""

    body: tuple[ast.stmt, ...]
    """The statements, without a docstring. The last one returns."""

    expression: ast.expr | None
    """What is returned, where the body is nothing else."""

    needs_function: bool
    """Whether it returns before its end, calls itself or yields: it must stay a function."""

    once: frozenset[str]
    """Arguments that are evaluated at most once: an expression can stand in their place."""

    names: tuple[str, ...]
    """Names that the body gives values to."""

    assigned: frozenset[str]
    """Arguments that the body gives new values to: it needs variables of its own for them."""

    imports: frozenset[str]
    """Names that it uses from the standard library."""

    own_name: str
    """Name by which it calls itself."""


def read_form(function: Callable, own_name: str = "") -> Form:
    """The form that a function of this project is, from its source.

    `own_name`: the name by which it calls itself, where that is not its own.
    """
    code = function.__code__
    definition = _definitions(code.co_filename)[code.co_firstlineno]
    parameters = tuple(argument.arg for argument in definition.args.args)
    body = tuple(_without_annotations(statement) for statement in definition.body)
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    last = body[-1]
    expression = last.value if len(body) == 1 and isinstance(last, ast.Return) else None
    nodes = [node for statement in body for node in ast.walk(statement)]
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    own_name = own_name or definition.name
    inner = {id(n) for d in nodes if isinstance(d, ast.FunctionDef) for n in ast.walk(d)}
    early = any(isinstance(n, ast.Return) and n is not last and id(n) not in inner for n in nodes)
    yields = any(isinstance(n, ast.Yield | ast.YieldFrom) and id(n) not in inner for n in nodes)
    names = list(_given_names(body))
    return Form(
        parameters=parameters,
        body=body,
        expression=expression,
        needs_function=early or yields or own_name in used or not isinstance(last, ast.Return),
        once=frozenset(
            p for p in parameters if expression is not None and _evaluations(expression, p) <= 1
        ),
        names=tuple(dict.fromkeys(name for name in names if name not in parameters)),
        assigned=frozenset(set(names) & set(parameters)),
        imports=frozenset((used & set(IMPORTS)) - set(names)),
        own_name=own_name,
    )


class _Plain(ast.NodeTransformer):
    """Annotations of variables are there for mypy alone."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        assert node.value is not None
        return ast.Assign([node.target], node.value, lineno=0)


def _without_annotations(statement: ast.stmt) -> ast.stmt:
    return _Plain().visit(statement)


@functools.cache
def _definitions(filename: str) -> dict[int, ast.FunctionDef]:
    """First line, decorators included, -> function, of all in a file."""
    tree = ast.parse("".join(linecache.getlines(filename)))
    return {
        min([node.lineno, *(d.lineno for d in node.decorator_list)]): node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    }


def _given_names(body: tuple[ast.stmt, ...]) -> Iterator[str]:
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id
            elif isinstance(node, ast.FunctionDef):
                yield node.name
            elif isinstance(node, ast.arg):
                yield node.arg


_REPEATED = 2


def _evaluations(node: ast.AST, name: str) -> int:
    """How often a name may be evaluated: 0, 1, or more (as 2)."""
    if isinstance(node, ast.Name):
        return int(node.id == name)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
        return _REPEATED
    if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
        first = _evaluations(node.generators[0].iter, name)
        everything = sum(_evaluations(child, name) for child in ast.iter_child_nodes(node))
        return first if everything == first else _REPEATED
    if isinstance(node, ast.Lambda):
        return _REPEATED if _evaluations(node.body, name) else 0
    return min(_REPEATED, sum(_evaluations(child, name) for child in ast.iter_child_nodes(node)))


def put_in(node, replacements: Mapping[str, Replacement]):
    """A copy of a tree with names replaced; see the module's docstring."""
    kind = type(node)
    if kind is ast.Name:
        replacement = replacements.get(node.id)
        if replacement is None:
            return ast.Name(node.id, node.ctx)
        if isinstance(replacement, str):
            return ast.Name(replacement, node.ctx)
        if isinstance(replacement, ast.AST):
            return put_in(replacement, {})
        raise ValueError(f"{node.id} is a function, and is used as a value")
    if kind is ast.Constant:
        return ast.Constant(node.value)
    if kind is ast.Call and type(node.func) is ast.Name:
        replacement = replacements.get(node.func.id)
        if callable(replacement):
            return replacement([put_in(argument, replacements) for argument in node.args])
    if kind is ast.UnaryOp and type(node.op) is ast.Not:
        return negated(put_in(node.operand, replacements))
    copy = kind()
    if isinstance(node, ast.stmt):
        copy.lineno = 0  # what unparses statements asks for it
    for field in node._fields:
        value = getattr(node, field, None)
        if isinstance(value, list):
            value = [put_in(v, replacements) if isinstance(v, ast.AST) else v for v in value]
        elif isinstance(value, ast.AST):
            value = put_in(value, replacements)
        elif kind in (ast.FunctionDef, ast.arg) and field in ("name", "arg"):
            replacement = replacements.get(str(value))
            value = replacement if isinstance(replacement, str) else value
        setattr(copy, field, value)
    return copy


_OPPOSITES: dict[type, type] = {
    ast.Eq: ast.NotEq, ast.Lt: ast.GtE, ast.Gt: ast.LtE, ast.In: ast.NotIn, ast.Is: ast.IsNot
}  # fmt: skip
_OPPOSITES |= {opposite: kind for kind, opposite in _OPPOSITES.items()}


def negated(test: ast.expr) -> ast.expr:
    """`not test`, said by the opposite comparison where there is one."""
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        opposite = _OPPOSITES[type(test.ops[0])]()
        return ast.Compare(test.left, [opposite], test.comparators)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return test.operand
    return ast.UnaryOp(ast.Not(), test)


def bound_inside(node: ast.AST) -> set[str]:
    """Names that the comprehensions and lambdas of an expression bind for themselves."""
    found = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.comprehension):
            found |= {n.id for n in ast.walk(inner.target) if isinstance(n, ast.Name)}
        elif isinstance(inner, ast.arg):
            found.add(inner.arg)
    return found


def names_in(node: ast.AST) -> set[str]:
    """All names of a tree."""
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def source(node: ast.AST) -> str:
    """The text of a tree, without the brackets that ast.unparse puts where they are not needed."""
    return "\n".join(_plain_brackets(line) for line in ast.unparse(node).splitlines())


_TUPLE_AFTER = re.compile(r"return|\w+(, \w+)+ =")
_STRING = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")


def _plain_brackets(line: str) -> str:
    """`sum((x for x in xs))` -> `sum(x for x in xs)`; `return (a, b)` -> `return a, b`."""
    if "((" not in line and "return (" not in line and " = (" not in line:
        return line
    hidden = _STRING.sub(lambda match: "'" * len(match[0]), line)
    opened: list[int] = []
    pairs: dict[int, int] = {}
    for i, letter in enumerate(hidden):
        if letter == "(":
            opened.append(i)
        elif letter == ")" and opened:
            pairs[opened.pop()] = i
    dropped: set[int] = set()
    for start, end in pairs.items():
        inside = pairs.get(start + 1) == end - 1 and start > 0
        if inside and (hidden[start - 1].isalnum() or hidden[start - 1] in "_]"):
            if _at_top(hidden[start + 2 : end - 1], " for "):
                dropped |= {start + 1, end - 1}
        elif _TUPLE_AFTER.fullmatch(hidden[:start].strip()) and end == len(hidden) - 1:
            dropped |= {start, end} if _is_tuple(hidden[start + 1 : end]) else set()
    return "".join(letter for i, letter in enumerate(line) if i not in dropped)


def _is_tuple(text: str) -> bool:
    return _at_top(text, ", ") and " for " not in text


def _at_top(text: str, part: str) -> bool:
    """Whether `part` occurs outside of all brackets."""
    depth = 0
    for i, letter in enumerate(text):
        depth += (letter in "([{") - (letter in ")]}")
        if depth == 0 and text.startswith(part, i):
            return True
    return False


def size(node: ast.AST) -> int:
    """Nodes of a tree, but for those that only say whether a name is read or written."""
    return 1 + sum(
        size(child)
        for child in ast.iter_child_nodes(node)
        if not isinstance(child, ast.expr_context)
    )


def name(identifier: str) -> ast.Name:
    """A name that is read."""
    return ast.Name(identifier, ast.Load())


def assign(identifier: str, value: ast.expr) -> ast.Assign:
    """`identifier = value`."""
    return ast.Assign([ast.Name(identifier, ast.Store())], value, lineno=0)


def function_definition(
    identifier: str,
    parameters: list[str],
    body: list[ast.stmt],
    annotations: Mapping[str, str] | None = None,
    returns: str = "",
) -> ast.FunctionDef:
    """`def identifier(parameters) -> returns: body`; annotations are given as text."""
    notes = annotations or {}
    arguments = [
        ast.arg(p, ast.parse(notes[p], mode="eval").body if p in notes else None)
        for p in parameters
    ]
    return ast.FunctionDef(
        name=identifier,
        args=ast.arguments([], arguments, None, [], [], None, []),
        body=body,
        decorator_list=[],
        returns=ast.parse(returns, mode="eval").body if returns else None,
        lineno=0,
    )
