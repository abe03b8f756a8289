import collections
import datetime
import decimal
import fractions
import uuid
import zoneinfo
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
    assert types_within(value) <= EXACT | {wire.Handle, wire.Yours}


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


class Text(str):
    __eq__ = lambda self, other: True  # noqa: E731
    __hash__ = str.__hash__


@pytest.mark.parametrize("value", [Text("a"), object(), [len], {"a": iter(())}])
def test_other_objects_are_not_sent(value):
    with pytest.raises(TypeError, match="cannot be sent"):
        wire.encode(value)


def test_objects_are_kept_by_the_side_that_has_them():
    kept = []

    def keep(value):
        kept.append(value)
        return wire.Handle(len(kept) - 1, "kept")

    sent = wire.encode(["a", Text("b")], keep)
    assert wire.decode(sent, find=lambda handle: (kept[handle.number], handle.about)) == [
        "a",
        (Text("b"), "kept"),
    ]


LIBRARY = [
    datetime.date(2024, 2, 29),
    datetime.datetime(2024, 2, 29, 1, 2, 3, 4, datetime.UTC, fold=1),
    datetime.datetime(2024, 2, 29, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
    datetime.time(1, 2, 3),
    datetime.timedelta(-1, 2, 3),
    datetime.timezone(datetime.timedelta(hours=2), "here"),
    decimal.Decimal("-0.10"),
    fractions.Fraction(-1, 3),
    range(1, 9, 2),
    slice(1, None, 2),
    bytearray(b"ab"),
    collections.deque([1, 2], maxlen=2),
    collections.OrderedDict([("b", 1), ("a", 2)]),
    collections.Counter("abca"),
    collections.defaultdict(list, a=[1]),
    uuid.UUID(int=5),
    Path("a/b"),
    int,
    ValueError,
    Ellipsis,
    NotImplemented,
]


@pytest.mark.parametrize("value", LIBRARY, ids=repr)
def test_values_of_the_standard_library_come_back(value):
    back = wire.decode(wire.encode([value]))[0]
    assert type(back) is type(value) and back == value and repr(back) == repr(value)


def test_exceptions_come_back_with_arguments_and_cause():
    error = KeyError("a", 1)
    error.__cause__ = OSError(2, "no")
    back = wire.decode(wire.encode(error))
    assert type(back) is KeyError and back.args == ("a", 1)
    assert type(back.__cause__) is FileNotFoundError and back.__cause__.errno == 2


@pytest.mark.parametrize(
    "parts",
    [
        ("os.system", "true"),
        ("type", "subprocess.Popen"),
        ("type", "builtins.type"),
        ("type", "builtins.eval"),
        ("exception", "eval", ("1",), None),
        ("function", "os", "system"),
        ("datetime.date", 2023, 2, 30),
        ("fractions.Fraction", 1, 0),
        ("decimal.Decimal", "no number"),
        ("zoneinfo.ZoneInfo", "../../etc/passwd"),
        ("constant", "quit"),
        (),
        "builtins.range",
        (["builtins.range"], 1),
    ],
)
def test_no_other_type_is_built(parts):
    with pytest.raises(wire.Malformed):
        wire.decode(b"x" + wire.encode(parts))
