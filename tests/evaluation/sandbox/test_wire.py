from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from code_ablate.evaluation.sandbox.inside import wire

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.complex_numbers(),
    st.text(st.characters(), max_size=5), st.binary(max_size=5),
)  # fmt: skip
HASHABLE = SCALARS | st.tuples(SCALARS, SCALARS) | st.frozensets(SCALARS, max_size=3)
VALUES = st.recursive(
    HASHABLE | st.sets(HASHABLE, max_size=3),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(HASHABLE, part, max_size=3),
    max_leaves=6,
)
EXACT = {type(None), bool, int, float, complex, str, bytes, tuple, list, dict, set, frozenset}


def parts_of(value):
    if type(value) is dict:
        return [part for item in value.items() for part in item]
    return list(value) if type(value) in (tuple, list, set, frozenset) else []


def types_within(value):
    return {type(value)}.union(*map(types_within, parts_of(value)))


def written(value):
    """Tells 1 from True and -0.0 from 0, finds NaN equal to NaN, and sorts sets."""
    parts = [written(part) for part in parts_of(value)]
    if type(value) in (set, frozenset):
        parts.sort()
    return f"{type(value).__name__}({', '.join(parts) if parts else repr(value)})"


@settings(deadline=None)
@given(VALUES)
def test_values_come_back_as_they_were(value):
    assert written(wire.decode(wire.encode(value))) == written(value)


@settings(deadline=None)
@given(st.binary(max_size=60) | st.builds(lambda v, cut: wire.encode(v)[cut:], VALUES, st.just(1)))
def test_any_bytes_give_exact_built_in_types_or_are_malformed(payload):
    try:
        value = wire.decode(payload)
    except wire.Malformed:
        return
    assert types_within(value) <= EXACT | {wire.Handle}


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"?",
        wire.encode(1) + b"N",
        wire.encode("ab")[:-1],
        b"l\xff\xff\xff\xff",
        b"S\x01\0\0\0l\0\0\0\0",  # a set of a list
        b"d\x01\0\0\0N",  # a key without a value
        b"l\x01\0\0\0" * 5000 + b"N",
    ],
)
def test_malformed_bytes_are_refused(payload):
    with pytest.raises(wire.Malformed):
        wire.decode(payload)


def test_subclasses_are_sent_as_the_built_in_value():
    class Text(str):
        __eq__ = lambda self, other: True  # noqa: E731
        __hash__ = str.__hash__

    back = wire.decode(wire.encode([Text("a"), {Text("b"): True}]))
    assert types_within(back) == {list, str, dict, bool} and back == ["a", {"b": True}]


def test_other_objects_are_not_sent():
    with pytest.raises(TypeError, match="Path"):
        wire.encode(Path("."))
