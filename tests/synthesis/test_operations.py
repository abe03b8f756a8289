"""Every operation: its forms agree, its properties hold, its wordings can be read."""

import ast
import copy
import string
from random import Random

import pytest

from code_ablate.synthesis import operations as operations
from code_ablate.synthesis.grammar import ANNOTATIONS, ELEMENTARY, OPERATIONS, operation
from code_ablate.synthesis.syntax import read_form
from tests.synthesis.values import arguments_of, value_of

TRIALS = 40
EXPECTED = 15
"""Least number of trials that an operation must bear; the others may lack what it needs."""

SINGLE = {"plus", "times", "weighted_difference", "equals", "pair"}
"""Operations that have one form, because there is one sensible way to write them."""


def test_there_are_more_than_two_hundred():
    assert len(OPERATIONS) > 200
    assert sum(len(table) for table in ELEMENTARY.values()) > 50


@pytest.mark.parametrize("name", OPERATIONS)
def test_all_forms_of_an_operation_agree_and_its_properties_hold(name):
    made, rng, done = OPERATIONS[name], Random(name), 0
    for _ in range(TRIALS):
        arguments = arguments_of(made, rng)
        if arguments is None:
            continue
        before = copy.deepcopy([a for a in arguments if not callable(a)])
        try:
            result = made(*arguments)
        except (IndexError, ValueError):  # an empty grid, for one; the composer takes it back
            continue
        for form in made.functions[1:]:
            other = form(*arguments)
            assert other == result and type(other) is type(result), (arguments, result, other)
        for _, holds in made.properties:
            assert holds(*arguments, result), (arguments, result)
        assert [a for a in arguments if not callable(a)] == before, "it changes its arguments"
        done += 1
    assert done >= EXPECTED


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - SINGLE))
def test_an_operation_has_a_second_form(name):
    assert len(OPERATIONS[name].forms) > 1


@pytest.mark.parametrize("name", OPERATIONS)
def test_wordings_name_arguments_that_are_there(name):
    made = OPERATIONS[name]
    for template in (*made.says, *made.does, made.item):
        for _, field, _, _ in string.Formatter().parse(template):
            if field:
                argument = field.partition(".")[0]
                assert argument in (*made.takes, *made.constants), template


def test_every_type_that_can_be_returned_has_an_annotation():
    gives = {made.gives for made in OPERATIONS.values()} - {"Items", "Result"}
    assert gives - {"Text"} <= set(ANNOTATIONS)


@pytest.mark.parametrize(
    ("table", "name"), [(table, name) for table, made in ELEMENTARY.items() for name in made]
)
def test_tests_and_keys_are_single_expressions(table, name):
    assert ELEMENTARY[table][name].forms[0].expression is not None


def test_two_operations_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two operations are called total"):

        @operation("the sum of {xs}")
        def total(xs: "Ints") -> "Int":
            return sum(xs)


def test_what_a_form_needs_is_read_from_its_source():
    form = read_form(OPERATIONS["prime_factors"].functions[0])
    assert form.assigned == {"n"}  # it needs a variable of its own for its argument
    assert not form.needs_function
    recursive = OPERATIONS["prime_factors"].forms[1]
    assert recursive.needs_function and recursive.own_name == "prime_factors"
    assert OPERATIONS["select"].forms[0].once == {"xs"}
    assert isinstance(OPERATIONS["select"].forms[0].expression, ast.ListComp)


def test_values_of_all_input_types_can_be_drawn():
    for type_name in (
        "Grid",
        "Board",
        "Links",
        "Roads",
        "Spans",
        "Nested",
        "Moves",
        "Log",
        "Clock",
    ):
        assert value_of(type_name, Random(1)) is not None
