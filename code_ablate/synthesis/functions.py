"""Tests, keys and labels for the elements of a list: drawn from the grammar, or from fields.

    test = draw_function("Test", "Ints", [3, 12], None, rng)
    test.one, test.many         # "is even", "are even"

A test may be made of two: both must hold, or one of them, or not the one.
"""

import ast
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from code_ablate.synthesis.english import identifier, with_article
from code_ablate.synthesis.grammar import ELEMENTARY, ELEMENTS, LETTER, LEVEL, SEEN, Draw, Operation
from code_ablate.synthesis.program import Constant, Function
from code_ablate.synthesis.record_types import Field, RecordType
from code_ablate.synthesis.seeding import weighted
from code_ablate.synthesis.syntax import Replacement, names_in, negated, put_in

_ONE_OF_A_KIND = {
    "backwards",
    "upper",
    "without_vowels",
    "swapped_ends",
    "shifted",
    "in_binary",
    "in_decimal",
}
"""Labels that nearly every element has for itself: nobody would group by them."""

_AND, _OR, _NOT = 0.10, 0.06, 0.06
"""Shares of tests that are made of two, or turned round."""


def draw_function(
    kind: str,
    type_name: str,
    elements: Sequence[Any],
    record: RecordType | None,
    rng: Random,
    grouping: bool = False,
) -> Function | None:
    """A function of the elements of a list; None if nothing of the kind can be asked of them."""
    if kind != "Test":
        return _simple(kind, type_name, elements, record, rng, grouping)
    first = _simple(kind, type_name, elements, record, rng)
    if first is None:
        return None
    chance = rng.random()
    if chance < _AND + _OR:
        second = _simple(kind, type_name, elements, record, rng)
        if second is not None and second.parts != first.parts:
            return _joined(first, second, "and" if chance < _AND else "or")
    elif chance < _AND + _OR + _NOT and not first.adjective:
        return _turned(first)
    return first


def draw_constant(draw: Draw, noun: str, elements: Sequence[Any], rng: Random) -> Constant | None:
    """A constant as an operation asks for it; None if the values seen so far give none."""
    if draw == LEVEL:
        numbers = sorted(x for x in elements if isinstance(x, int))
        if len(set(numbers)) < 3:
            return None
        low, high = numbers[len(numbers) // 6], numbers[-1 - len(numbers) // 6]
        return Constant(rng.randint(low, high), low, high, noun)
    if draw == SEEN:
        return Constant(rng.choice(list(elements))) if elements else None
    if draw == LETTER:
        letters = sorted(
            {c for x in elements if isinstance(x, str) for c in x.lower() if c.isalpha()}
        )
        return Constant(rng.choice(letters)) if letters else None
    if isinstance(draw, tuple) and len(draw) == 2 and isinstance(draw[0], int):
        return Constant(rng.randint(*draw), draw[0], draw[1], noun)
    return Constant(rng.choice(list(draw)))


def _simple(
    kind: str,
    type_name: str,
    elements: Sequence[Any],
    record: RecordType | None,
    rng: Random,
    grouping: bool = False,
) -> Function | None:
    if type_name == "Records":
        assert record is not None
        return _of_record(kind, record, elements, rng)
    table = ELEMENTARY.get((ELEMENTS[type_name], kind), {})
    if grouping:
        table = {name: made for name, made in table.items() if name not in _ONE_OF_A_KIND}
    if not table:
        return None
    choice = weighted(rng, [(made.weight, made) for made in table.values()])
    return bound(choice, kind, elements, rng)


def bound(operation: Operation, kind: str, elements: Sequence[Any], rng: Random) -> Function | None:
    """An elementary operation with its constants drawn."""
    constants = {}
    for name, draw in operation.constants.items():
        constant = draw_constant(draw, constant_noun(name, rng), elements, rng)
        if constant is None:
            return None
        constants[name] = constant
    form = operation.forms[0]

    def apply(element: ast.expr) -> ast.expr:
        assert form.expression is not None
        values: dict[str, Replacement] = {form.parameters[0]: element}
        clash = names_in(element) & set(form.names)
        values.update({own: f"{own}_" for own in clash})
        values.update({name: constant.tree for name, constant in constants.items()})
        return put_in(form.expression, values)

    return Function(
        kind=kind,
        one=operation.says[-1 if kind == "Test" else 0],
        many=operation.says[0 if kind == "Test" else -1],
        adjective=operation.adjective,
        names=operation.names,
        apply=apply,
        python=operation.functions[0],
        constants=constants,
        imports=form.imports,
        parts=(operation.name,),
    )


_NOUNS = {
    "k": ("limit", "threshold", "bound", "level", "cutoff"),
    "s": ("target", "goal", "wanted"),
    "m": ("modulus",),
    "d": ("digit",),
    "r": ("margin", "tolerance"),
}


def constant_noun(name: str, rng: Random) -> str:
    """A name for a constant that becomes an argument."""
    return rng.choice(_NOUNS.get(name, (name,)))


def _joined(first: Function, second: Function, word: str) -> Function:
    """Both tests, or one of them."""
    cut = len(first.constants)
    constants = {f"{n}1": c for n, c in first.constants.items()}
    constants |= {f"{n}2": c for n, c in second.constants.items()}
    connect = ast.And() if word == "and" else ast.Or()

    def python(x: Any, *values: Any) -> bool:
        one = first.python(x, *values[:cut])
        if word == "and":
            return one and second.python(x, *values[cut:])
        return one or second.python(x, *values[cut:])

    return Function(
        kind="Test",
        one=f"{_numbered(first.one, 1)} {word} {_numbered(second.one, 2)}",
        many=f"{_numbered(first.many, 1)} {word} {_numbered(second.many, 2)}",
        adjective="",
        names=first.names,
        apply=lambda x: ast.BoolOp(connect, [first.apply(x), second.apply(x)]),
        python=python,
        constants=constants,
        imports=first.imports | second.imports,
        parts=(*first.parts, *second.parts, word),
    )


def _numbered(template: str, number: int) -> str:
    """The template with the names of its constants told apart."""
    for name in ("k", "r", "d", "c", "v", "w", "s", "m"):
        for end in ("}", ":"):
            template = template.replace(f"{{{name}{end}", f"{{{name}{number}{end}")
    return template


_TURNED = {"are ": "are not ", "is ": "is not ", "have ": "do not have ", "has ": "does not have "}


def _turned(test: Function) -> Function:
    """The opposite of a test, where English has a simple way to say it."""
    one, many = _negated(test.one), _negated(test.many)
    if not one or not many:
        return test
    return Function(
        kind="Test",
        one=one,
        many=many,
        adjective="",
        names=tuple(f"not_{name}" for name in test.names),
        apply=lambda x: negated(test.apply(x)),
        python=lambda x, *values: not test.python(x, *values),
        constants=test.constants,
        imports=test.imports,
        parts=(*test.parts, "not"),
    )


def _negated(clause: str) -> str:
    if " and " in clause or " or " in clause or " not " in clause or " no " in clause:
        return ""
    for start, turned in _TURNED.items():
        if clause.startswith(start):
            return turned + clause[len(start) :]
    return ""


def _of_record(
    kind: str, record: RecordType, elements: Sequence[Any], rng: Random
) -> Function | None:
    numbers = [field for field in record.fields if field.type == "int"]
    strings = [field for field in record.fields if field.type == "str"]
    if kind == "Key":
        return _field(record, rng.choice(numbers), "Key") if numbers else None
    if kind == "Label":
        if not strings:
            return None
        field = rng.choice(strings)
        return _field(record, field, "Label")
    chance = rng.random()
    if numbers and (chance < 0.45 or not strings):
        return _number_test(record, rng.choice(numbers), elements, rng)
    field = rng.choice(strings)
    if chance < 0.7 and len(field.values) < 20:
        return _kind_test(record, field, rng)
    return _string_test(record, field, elements, rng)


def _field(record: RecordType, field: Field, kind: str) -> Function:
    return Function(
        kind=kind,
        one=field.noun,
        many=field.plural,
        adjective="",
        names=(field.name,),
        apply=lambda x: record.access(x, field),
        python=lambda x: record.get(x, field),
        parts=(f"field_{field.type}",),
    )


_COMPARISONS: tuple[tuple[str, type[ast.cmpop], Callable[[int, int], bool]], ...] = (
    ("of more than {k}", ast.Gt, lambda a, b: a > b),
    ("of at least {k}", ast.GtE, lambda a, b: a >= b),
    ("below {k}", ast.Lt, lambda a, b: a < b),
    ("of at most {k}", ast.LtE, lambda a, b: a <= b),
)


def _number_test(
    record: RecordType, field: Field, elements: Sequence[Any], rng: Random
) -> Function | None:
    words, compare, python = rng.choice(_COMPARISONS)
    seen = [record.get(element, field) for element in elements]
    noun = rng.choice((f"{rng.choice(_NOUNS['k'])}", identifier(f"{field.noun} limit")))
    constant = draw_constant(LEVEL, noun, seen, rng)
    if constant is None:
        return None
    return Function(
        kind="Test",
        one=f"has {with_article(field.noun)} {words}",
        many=f"have {with_article(field.noun)} {words}",
        adjective="",
        names=("selected", "matching"),
        apply=lambda x: ast.Compare(record.access(x, field), [compare()], [constant.tree]),
        python=lambda x, k: python(record.get(x, field), k),
        constants={"k": constant},
        parts=(f"compare_{compare.__name__}",),
    )


def _kind_test(record: RecordType, field: Field, rng: Random) -> Function:
    value = rng.choice(field.values)
    other = rng.choice([v for v in field.values if v != value])
    if rng.random() < 0.6:
        values: tuple[str, ...] = (value,)
        words = f"the {field.noun} '{value}'"
        tree: Callable[[ast.expr], ast.expr] = lambda x: ast.Compare(  # noqa: E731
            record.access(x, field), [ast.Eq()], [ast.Constant(value)]
        )
    else:
        values = (value, other)
        words = f"the {field.noun} '{value}' or '{other}'"
        tree = lambda x: ast.Compare(  # noqa: E731
            record.access(x, field),
            [ast.In()],
            [ast.Tuple([ast.Constant(value), ast.Constant(other)], ast.Load())],
        )
    return Function(
        kind="Test",
        one=f"has {words}",
        many=f"have {words}",
        adjective="",
        names=("chosen", "of_kind"),
        apply=tree,
        python=lambda x: record.get(x, field) in values,
        parts=(f"one_of_{len(values)}",),
    )


def _string_test(
    record: RecordType, field: Field, elements: Sequence[Any], rng: Random
) -> Function | None:
    seen = [record.get(element, field) for element in elements]
    inner = _simple("Test", "Words", seen, None, rng)
    if inner is None:
        return None
    return Function(
        kind="Test",
        one=f"has {with_article(field.noun)} that {inner.one}",
        many=f"have {with_article(field.noun)} that {inner.one}",
        adjective="",
        names=inner.names,
        apply=lambda x: inner.apply(record.access(x, field)),
        python=lambda x, *values: inner.python(record.get(x, field), *values),
        constants=inner.constants,
        imports=inner.imports,
        parts=(*inner.parts, "field_str"),
    )
