"""Bindings of gin in identities: those of the name that is referred to, and no others."""

import pytest

import gin
from code_ablate.data.fingerprints.bound_values import bindings_of
from code_ablate.data.fingerprints.reachable import Reached


@gin.configurable(module="tests_of_bound_values")
def kept(dataset, least=0):
    return [d for d in dataset if len(d) > least]


@gin.configurable(module="tests_of_bound_values")
def sized(size=1):
    return size


@pytest.fixture(autouse=True)
def bindings_as_before():
    with gin.unlock_config():
        before = {key: dict(values) for key, values in gin.config._CONFIG.items()}
    yield
    with gin.unlock_config():
        gin.config._CONFIG.clear()
        gin.config._CONFIG.update(before)


def described(*lines: str) -> str:
    gin.config._CONFIG.clear()
    with gin.unlock_config():
        gin.parse_config(list(lines))
    return Reached().describe(kept)


@pytest.mark.parametrize(
    "lines",
    [
        ["kept.least = %LEAST", "LEAST = 30"],
        ["kept.least = [%LEAST, {'a': %LEAST}]", "LEAST = 30"],
        [
            "kept.least = @one/singleton()",
            "one/singleton.constructor = @one/sized",
        ],
        ["kept.least = %LEAST", "LEAST = %OTHER", "OTHER = 30"],
    ],
)
def test_other_names_change_nothing(lines):
    alone = described(*lines)
    others = [
        "SIZES = (1, 2)", "LEASTS = 40", "two/singleton.constructor = @two/sized"]  # fmt: skip
    assert described(*lines, *others) == alone


@pytest.mark.parametrize(
    ("lines", "change"),
    [
        (["kept.least = %LEAST", "LEAST = 30"], ["LEAST = 31"]),
        (["kept.least = %LEAST", "LEAST = %OTHER", "OTHER = 30"], ["OTHER = 31"]),
        (
            [
                "kept.least = @one/singleton()",
                "one/singleton.constructor = @one/sized",
            ],
            ["sized.size = 2"],
        ),
        (["kept.least = @one/sized()"], ["one/sized.size = 2"]),
        (["kept.least = 1"], ["scope/kept.least = 2"]),
    ],
)
def test_a_value_that_is_referred_to_counts(lines, change):
    assert described(*lines, *change) != described(*lines)


def test_a_constant_is_its_value():
    gin.constant("tests_of_bound_values.CONSTANT", 41)
    assert "41" in described("kept.least = %tests_of_bound_values.CONSTANT")


def test_what_gin_does_not_bind_has_no_bindings():
    assert bindings_of(described) is None
