"""Python for a program: one of many ways to write it, by the forms and the style that are drawn.

    style = Style.draw(rng)
    source = Emitter(program, "heaviest_crates", style, rng).emit().text

A value is put where it is used, kept in a variable, or computed by a function of its own.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from code_ablate.synthesis.english import RESERVED, identifier
from code_ablate.synthesis.program import Constant, Function, Input, Node, Program
from code_ablate.synthesis.syntax import (
    IMPORTS,
    Form,
    Replacement,
    assign,
    bound_inside,
    function_definition,
    name,
    names_in,
    put_in,
    size,
    source,
)
from code_ablate.synthesis.variable_names import OF_SOMETHING, PARAMETERS, SYNONYMS
from code_ablate.synthesis.wording import annotation


@dataclass
class Style:
    """How a solution is written."""

    helper: float
    """Share of the operations that get a function of their own."""
    bind: float
    """Share of the expressions that are kept in a variable."""
    short: bool
    """Whether elements get names of one letter."""
    annotated: bool
    """Whether parameters and results have annotations."""
    telling: float = 0.0
    """Share of the variables whose names say what they are about."""
    checked: bool = False
    """Whether the properties of each operation are asserted; every value is then in a variable."""

    @classmethod
    def draw(cls, rng: Random) -> "Style":
        """A style."""
        return cls(
            helper=rng.choice((0.05, 0.1, 0.3, 0.55)),
            bind=rng.choice((0.1, 0.35, 0.7)),
            short=rng.random() < 0.3,
            annotated=rng.random() < 0.55,
            telling=rng.choice((0.1, 0.5, 0.9)),
        )


@dataclass
class Emitted:
    """A solution."""

    text: str
    """The whole source: imports, classes, helpers, function."""
    signature: str
    """The line that begins the function."""
    preamble: str
    """Imports and classes alone."""
    code: str
    """All but imports and classes."""


class Emitter:
    """Writes one solution."""

    def __init__(
        self, program: Program, function: str, style: Style, rng: Random, other: bool = False
    ):
        self.program, self.function, self.style, self.rng = program, function, style, rng
        self.other = other
        self.uses = program.uses()
        self.body: list[ast.stmt] = []
        self.helpers: list[ast.stmt] = []
        self.imports: set[str] = set()
        self.values: dict[int, ast.expr] = {}
        self.global_names = {function, *RESERVED, *IMPORTS}
        if program.record is not None:
            self.global_names.add(program.record.name)
        self.taken = {i.name for i in program.inputs}
        self.taken |= {node.name for node in program.nodes if node.name}
        self.lasting = set(self.taken)
        self.ever = set(self.taken)
        self.functions: dict[int, str] = {}
        nouns = [n for i in program.inputs for n in (identifier(i.phrase.item), i.name)]
        self.nouns = [noun for noun in nouns if len(noun) < 16] or ["item"]

    def emit(self) -> Emitted:
        """The solution."""
        result = self.value(self.program.root)
        self.body.append(ast.Return(result))
        notes = {}
        returns = ""
        if self.style.annotated:
            notes = {i.name: annotation(self.program, i) for i in self.program.inputs}
            notes = {n: t for n, t in notes.items() if t}
            returns = annotation(self.program, self.program.root)
        main = function_definition(
            self.function, [i.name for i in self.program.inputs], self.body, notes, returns
        )
        blocks = [source(helper) for helper in self.helpers] + [source(main)]
        code = "\n\n\n".join(blocks)
        record = self.program.record
        by_module: dict[str, list[str]] = {}
        for imported in sorted(self.imports):
            by_module.setdefault(IMPORTS[imported], []).append(imported)
        lines = [
            f"from {module} import {', '.join(names)}" if module else f"import {names[0]}"
            for module, names in sorted(by_module.items())
        ]
        definition = ""
        if record is not None and record.definition:
            lines = sorted([*lines, record.imports])
            definition = record.definition
        preamble = "\n\n\n".join(part for part in ("\n".join(lines), definition) if part)
        text = f"{preamble}\n\n\n{code}" if preamble else code
        return Emitted(text, source(main).partition("\n")[0], preamble, code)

    def value(self, node: Node | Input) -> ast.expr:
        """The tree that stands for a value, after the statements that it needs."""
        if isinstance(node, Input):
            return name(node.name)
        if id(node) in self.values:
            return self.values[id(node)]
        result = self.computed(node)
        is_root = node is self.program.root
        shared = self.uses.get(id(node), 0) > 1
        simple = isinstance(result, ast.Name | ast.Constant)
        wanted = node.name or shared or self.style.checked
        if not is_root and not simple and (wanted or self.rng.random() < self.style.bind):
            target = node.name or self.fresh(self.rng.choice(node.operation.names))
            self.body.append(assign(target, result))
            result = name(target)
        elif not is_root and node.name and isinstance(result, ast.Name) and result.id != node.name:
            # The form computed it in a variable of its own: that one gets the name.
            self.body.append(assign(node.name, result))
            result = name(node.name)
        if self.style.checked and node.operation.properties:
            result = self.asserted(node, result)
        self.values[id(node)] = result
        return result

    def asserted(self, node: Node, result: ast.expr) -> ast.expr:
        """Asserts the properties of a value, which is put into a variable first."""
        if not isinstance(result, ast.Name):
            target = self.fresh("checked")
            self.body.append(assign(target, result))
            result = name(target)
        for form, _ in node.operation.properties:
            if form.expression is None:
                inside, value = self.inlined(node, form, [*self.arguments(node), result])
                self.body += inside
            else:
                value = put_in(
                    form.expression, self.replacements(node, form, [*self.arguments(node), result])
                )
            self.imports |= form.imports
            self.body.append(ast.Assert(value, None))
        return result

    def arguments(self, node: Node) -> list[ast.expr | Function]:
        """What an operation is given: trees, and functions of elements."""
        trees: list[ast.expr | Function] = []
        for parameter in node.operation.forms[0].parameters:
            argument = node.arguments[parameter]
            if isinstance(argument, Function):
                trees.append(argument)
            elif isinstance(argument, Constant):
                trees.append(argument.tree)
            else:
                trees.append(self.value(argument))
        return trees

    def choose(self, node: Node) -> Form:
        """The form to write; for a second solution, another one than the first has.

        The first solution leaves the place of its form in the node.
        """
        forms = node.operation.forms
        if not self.other:
            index = self.rng.randrange(len(forms))
            node.form = index
            return forms[index]
        rest = [form for i, form in enumerate(forms) if i != node.form]
        return self.rng.choice(rest) if rest else forms[0]

    def computed(self, node: Node) -> ast.expr:
        """The tree of what an operation gives, after the statements it needs."""
        form = self.choose(node)
        arguments = self.arguments(node)
        self.imports |= form.imports
        as_helper = form.needs_function or (
            form.expression is None and self.rng.random() < self.style.helper
        )
        if as_helper:
            return self.called(node, form, arguments)
        if form.expression is not None:
            ready = [
                a
                if isinstance(a, Function) or (p in form.once and size(a) < 16)
                else self.bound(a, node, p)
                for p, a in zip(form.parameters, arguments, strict=True)
            ]
            replacements = self.replacements(node, form, ready)
            result = put_in(form.expression, replacements)
            self.release(form, replacements, set())
            return result
        ready = [
            a if isinstance(a, Function) else self.bound(a, node, p, p in form.assigned)
            for p, a in zip(form.parameters, arguments, strict=True)
        ]
        statements, result = self.inlined(node, form, ready)
        self.body += statements
        return result

    def inlined(
        self, node: Node, form: Form, arguments: list[ast.expr | Function]
    ) -> tuple[list[ast.stmt], ast.expr]:
        """The statements of a form, and what it returns."""
        replacements = self.replacements(node, form, arguments)
        last = form.body[-1]
        assert isinstance(last, ast.Return) and last.value is not None
        if isinstance(last.value, ast.Name) and last.value.id in form.names and node.name:
            replacements[last.value.id] = node.name
        statements = [put_in(statement, replacements) for statement in form.body[:-1]]
        result = put_in(last.value, replacements)
        self.release(form, replacements, names_in(result) - bound_inside(result))
        return statements, result

    def release(self, form: Form, replacements: Mapping[str, Replacement], kept: set[str]) -> None:
        """Lets the names of a form be used again, but for those that what follows still reads."""
        own = {replacements[n] for n in form.names}
        self.taken -= {
            n for n in own if isinstance(n, str) and n not in kept and n not in self.lasting
        }

    def bound(self, tree: ast.expr, node: Node, parameter: str, copy: bool = False) -> ast.expr:
        """A tree that may be evaluated often: a name or a constant.

        `copy`: whether it must be a variable that nothing else reads.
        """
        if copy:
            target = self.fresh(self.rng.choice(("rest", "left", "current", "remaining", "x")))
            self.body.append(assign(target, tree))
            return name(target)
        if isinstance(tree, ast.Name | ast.Constant | ast.UnaryOp):
            return tree
        source = node.arguments[parameter]
        wish = self.rng.choice(source.operation.names) if isinstance(source, Node) else parameter
        target = self.fresh(wish)
        self.body.append(assign(target, tree))
        if isinstance(source, Node):
            self.values[id(source)] = name(target)
        return name(target)

    def replacements(
        self, node: Node, form: Form, arguments: list[ast.expr | Function]
    ) -> dict[str, Replacement]:
        """What the names of a form become: its arguments, and fresh names for its own."""
        found: dict[str, Replacement] = {}
        for parameter, argument in zip(form.parameters, arguments, strict=True):
            found[parameter] = (
                self.applied(argument) if isinstance(argument, Function) else argument
            )
        for own in form.names:
            found[own] = "_" if own == "_" else self.fresh(self.wish(own, node))
        return found

    def applied(self, function: Function):
        """What a call of a test or key becomes: its expression, or a call of a helper."""
        self.imports |= function.imports
        known = self.functions.get(id(function))
        if known is None and self.rng.random() < self.style.helper * 0.7:
            known = self.helper_for(function)
            self.functions[id(function)] = known
        if known is not None:
            lifted = [c.lifted for c in function.constants.values() if c.lifted]
            constants: list[ast.expr] = [name(made.name) for made in lifted]
            return lambda trees: ast.Call(name(known), [trees[0], *constants], [])
        return lambda trees: function.apply(trees[0])

    def helper_for(self, function: Function) -> str:
        """Writes a function for a test or key; returns its name."""
        start = {"Test": ("is_", "has_", ""), "Key": ("", "get_", "compute_")}.get(
            function.kind, ("",)
        )
        wish = function.names[0]
        helper = self.fresh_global(f"{self.rng.choice(start)}{identifier(wish)}")
        parameter = self.rng.choice(("x", "item", "entry", "value"))
        lifted = [c.lifted.name for c in function.constants.values() if c.lifted]
        body: list[ast.stmt] = [ast.Return(function.apply(name(parameter)))]
        self.helpers.append(function_definition(helper, [parameter, *lifted], body))
        return helper

    def called(self, node: Node, form: Form, arguments: list[ast.expr | Function]) -> ast.expr:
        """A call of a function of its own, which is written first."""
        outer, self.taken = self.taken, set()
        wish = self.rng.choice(node.operation.names)
        verb = self.rng.choice(("", "", "find_", "get_", "compute_", "make_"))
        helper = self.fresh_global(f"{verb}{wish}")
        parameters: list[str] = []
        passed: list[ast.expr] = []
        replacements: dict[str, Replacement] = {form.own_name: helper}
        for parameter, argument in zip(form.parameters, arguments, strict=True):
            if isinstance(argument, Function):
                lifted = [c.lifted for c in argument.constants.values() if c.lifted]
                for made in lifted:
                    self.taken.add(made.name)
                    parameters.append(made.name)
                    passed.append(name(made.name))
            elif isinstance(argument, ast.Constant) and parameter not in form.assigned:
                continue
            else:
                source = node.arguments[parameter]
                wish = (
                    PARAMETERS.get(source.type, parameter)
                    if isinstance(source, Node | Input)
                    else parameter
                )
                if self.rng.random() < self.style.telling:
                    wish = self.rng.choice((*self.nouns, f"{wish}_of_{self.nouns[0]}"))
                own = self.fresh(wish)
                replacements[parameter] = own
                parameters.append(own)
                passed.append(argument)
        for parameter, argument in zip(form.parameters, arguments, strict=True):
            if isinstance(argument, Function):
                replacements[parameter] = self.applied(argument)
            elif isinstance(argument, ast.Constant) and parameter not in form.assigned:
                replacements[parameter] = argument
        for own in form.names:
            replacements[own] = "_" if own == "_" else self.fresh(self.wish(own, node))
        body = [put_in(statement, replacements) for statement in form.body]
        self.helpers.append(function_definition(helper, parameters, body))
        self.taken = outer
        return ast.Call(name(helper), passed, [])

    def wish(self, own: str, node: Node) -> str:
        """A name for what a form calls `own`."""
        if own in ("x", "y"):
            noun = self.element_noun(node)
            return noun[0] if self.style.short else noun
        role = self.rng.choice(SYNONYMS.get(own, (own,)))
        if len(role) > 2 and own in OF_SOMETHING and self.rng.random() < self.style.telling:
            return f"{role}_{self.rng.choice(self.nouns)}"
        return role

    def element_noun(self, node: Node) -> str:
        """What an element of the list that an operation works on is called."""
        source: Node | Input = node
        while isinstance(source, Node):
            if source is not node and source.operation.item:
                return self.rng.choice(("value", "number", "item", source.operation.names[0][:9]))
            inner = next(iter(source.inner))
            if isinstance(inner, Node) and inner.operation.name in ("each_number", "each_label"):
                function = next(a for a in inner.arguments.values() if isinstance(a, Function))
                return self.rng.choice(function.names)
            source = inner
        return identifier(source.phrase.item) or "item"

    def fresh(self, wish: str) -> str:
        """A name that nothing in the function has yet."""
        candidate = wish
        number = 2
        while candidate in self.taken or candidate in self.global_names:
            candidate = f"{wish}_{number}" if len(wish) > 1 else f"{wish}{number}"
            number += 1
        self.taken.add(candidate)
        self.ever.add(candidate)
        return candidate

    def fresh_global(self, wish: str) -> str:
        """A name that nothing in the module has yet."""
        candidate = wish
        number = 2
        while candidate in self.global_names or candidate in self.ever:
            candidate = f"{wish}_{number}"
            number += 1
        self.global_names.add(candidate)
        return candidate
