"""Arguments are checked against annotations, strictly, before anything is made of them."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest

from code_ablate.checked import (
    FieldError,
    Given,
    NonNegative,
    OneOf,
    Positive,
    PositiveInt,
    Share,
    checked,
)


@checked
@dataclass(frozen=True)
class Inner:
    size: PositiveInt = 1


@checked
@dataclass(frozen=True)
class Outer:
    count: PositiveInt
    rate: Positive | None = None
    flag: bool = False
    shape: Annotated[str, OneOf(("cosine", "linear"))] = "cosine"
    names: tuple[str, ...] = ()
    inner: Inner | None = None
    rates: Mapping[str, NonNegative] | str = ""
    make: Callable[[int], str] = str
    parent: "Outer | None" = None
    whole: Annotated[tuple[int, ...], Given(tuple[int, ...] | int)] = ()

    def __post_init__(self):
        if isinstance(self.whole, int):
            object.__setattr__(self, "whole", (self.whole,))


@pytest.mark.parametrize(
    "field, value, said",
    [
        ("count", 0, "a whole number of 1 or more"),
        ("count", True, "a whole number of 1 or more"),
        ("count", 2.5, "a whole number of 1 or more"),
        ("count", "3", "a whole number of 1 or more"),
        ("count", 10**24, "The largest is 9,007,199,254,740,992"),
        ("rate", 0, "a finite number above 0 or None"),
        ("rate", float("inf"), "a finite number above 0 or None"),
        ("rate", float("nan"), "a finite number above 0 or None"),
        ("rate", "1e-3", "a finite number above 0 or None"),
        ("rate", False, "a finite number above 0 or None"),
        ("flag", "no", "True or False"),
        ("flag", 1, "True or False"),
        ("shape", "linaer", "one of 'cosine', 'linear'. Did you mean 'linear'"),
        ("shape", 3, "one of 'cosine', 'linear'"),
        ("names", "one", r"For one item write \('one',\)"),
        ("names", ("one", 2), "a tuple of items that are each text"),
        ("inner", Inner, r"the class Inner: it must be a Inner or None\. .* with \(\)"),
        ("inner", {"size": 1}, "a Inner or None"),
        ("rates", {"a": "x"}, "a mapping {text: a finite number of 0 or more} or text"),
        ("rates", {1: 1.0}, "a mapping"),
        ("rates", {"a": -1.0}, "a mapping"),
        ("make", 3, "a function"),
        ("parent", "x", "a Outer or None"),
        ("whole", "x", "a tuple of items that are each a whole number or a whole number"),
    ],
)
def test_what_an_annotation_does_not_allow_is_refused_by_name(field, value, said):
    with pytest.raises(FieldError, match=f"^Outer.{field}.*{said}") as caught:
        Outer(**{"count": 1, field: value})
    assert (caught.value.owner, caught.value.field) == ("Outer", field)
    assert len(str(caught.value)) < 400


def test_a_number_that_python_does_not_print_is_refused_all_the_same():
    with pytest.raises(FieldError, match="more digits than Python prints"):
        Outer(10**6000)


def test_what_loses_nothing_is_converted():
    value = Outer(1e9, names=["a"], rate=np.float32(2), whole=3, parent=Outer(np.int64(7)))
    assert value.count == 10**9 and type(value.count) is int
    assert value.names == ("a",) and value.whole == (3,)
    assert Outer(1, rates=Path("a/b")).rates == "a/b"
    assert type(value.rate) is float and type(value.parent.count) is int


def test_an_instance_is_kept_as_it_is_and_a_copy_is_checked():
    inner = Inner()
    assert Outer(1, inner=inner).inner is inner
    with pytest.raises(FieldError, match=r"Outer\.count"):
        dataclasses.replace(Outer(1), count=-1)


def test_a_missing_argument_is_named():
    with pytest.raises(FieldError, match=r"Outer\.count is not set, and has no default"):
        Outer()
    with pytest.raises(TypeError, match="unknown"):
        Outer(1, unknown=2)


def test_a_function_is_checked_and_keeps_its_signature():
    @checked
    def recipe(setting: Inner, share: Share = 0.5) -> float:
        """Doc."""
        return share

    assert recipe(Inner()) == 0.5 and recipe(Inner(), 1) == 1.0
    assert list(inspect.signature(recipe).parameters) == ["setting", "share"]
    with pytest.raises(FieldError, match=r"recipe\.share is 1\.5: .* from 0 to 1"):
        recipe(Inner(), 1.5)
    with pytest.raises(FieldError, match="write @recipe, without"):
        recipe(share=0.1)
