"""Every operation: its forms agree, its properties hold, its wordings can be read."""

from __future__ import annotations

import ast
import copy
import os
import string
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from code_ablate.synthesis import operations as operations
from code_ablate.synthesis.grammar import (
    ANNOTATIONS,
    ELEMENTARY,
    OPERATIONS,
    Int,
    Ints,
    operation,
)
from code_ablate.synthesis.syntax import read_form
from tests.synthesis.values import arguments_of

TRIALS = 40
EXPECTED = 15
"""Least number of trials that an operation must bear; the others may lack what it needs."""

SINGLE = {"plus", "times", "weighted_difference", "equals", "pair"}
"""Operations that have one form, because there is one sensible way to write them."""


def test_there_are_as_many_as_the_documentation_says():
    """docs/synthetic.md says how many there are, and how many of them have a second form."""
    assert len(OPERATIONS) == 267
    assert len([made for made in OPERATIONS.values() if len(made.forms) > 1]) == 262
    elementary = [made for table in ELEMENTARY.values() for made in table.values()]
    assert [len(made.forms) for made in elementary] == [1] * 60
    assert len([made for made in OPERATIONS.values() if made.properties]) == 17


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


RESULTS = """
import hashlib
from random import Random

from code_ablate.synthesis import operations
from code_ablate.synthesis.grammar import OPERATIONS
from tests.synthesis.values import arguments_of

for name, made in OPERATIONS.items():
    rng = Random(name)
    drawn = [arguments for _ in range(20) if (arguments := arguments_of(made, rng)) is not None]
    for number, form in enumerate(made.functions):
        results = []
        for arguments in drawn:
            try:
                results.append(repr(form(*arguments)))
            except (IndexError, ValueError):
                results.append("")
        print(name, number, hashlib.sha256("|".join(results).encode()).hexdigest())
"""


def test_no_form_depends_on_the_order_of_a_set():
    """A set of strings has another order in each process, unless PYTHONHASHSEED says which."""
    printed = []
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(
            [sys.executable, "-c", RESULTS],
            cwd=Path(__file__).parents[2],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        printed.append(done.stdout.splitlines())
    assert len(printed[0]) == sum(len(made.functions) for made in OPERATIONS.values())
    assert [one for one, other in zip(*printed, strict=True) if one != other] == []


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
        def total(xs: Ints) -> Int:
            return sum(xs)


def test_what_a_form_needs_is_read_from_its_source():
    form = read_form(OPERATIONS["prime_factors"].functions[0])
    assert form.assigned == {"n"}  # it needs a variable of its own for its argument
    assert not form.needs_function
    recursive = OPERATIONS["prime_factors"].forms[1]
    assert recursive.needs_function and recursive.own_name == "prime_factors"
    assert OPERATIONS["select"].forms[0].once == {"xs"}
    assert isinstance(OPERATIONS["select"].forms[0].expression, ast.ListComp)
