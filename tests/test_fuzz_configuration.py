"""Every field of everything that gin binds, with values of every wrong kind: one message, or right.

What is accepted is compared with the annotation by another library than the one that checks.
"""

import contextlib
import inspect
import typing
from typing import Any

import pytest
from beartype.door import is_bearable

from code_ablate import checked, config
from code_ablate.data.variants import CorpusVariant
from code_ablate.errors import UserError
from code_ablate.study.recipes import text_only

NUMBERS = (0, 1, -1, 2, 7, 2**31, 2**53 + 1, 10**24, -(10**24), 10**400, 0.0, -0.0, 0.5, 1.0, 1.5)
STRANGE_NUMBERS = (-0.5, 1e-300, 1e300, 2048.7, float("inf"), -float("inf"), float("nan"), 1j)
TEXTS = ("", "no", "3", "1e-3", "none", "a\x00b", "\ud800", "../../x", "x" * 300, b"bytes")
SEQUENCES = ((), (1,), ("a",), ["a"], ("a", 1), (None,), [[]], {1, 2}, range(3))
MAPPINGS = ({}, {"a": 1.0}, {"a": "b"}, {1: 2}, {"a": ("b",)})
OBJECTS = (None, True, False, object(), object, int, len, ..., lambda x: x, Exception("x"))
VALUES = (*NUMBERS, *STRANGE_NUMBERS, *TEXTS, *SEQUENCES, *MAPPINGS, *OBJECTS)

GIN_NUMBERS = ("True", "-1", "2.5", "1e400", "1" + 30 * "0")
GIN_OTHERS = ("None", "'x'", "''", "()", "('a', 1)", "{}", "{'a': 'b'}")
GIN_REFERENCES = ("@Schedule", "@Schedule()", "@ModelConfig", "@text_only", "%none")
GIN_VALUES = (*GIN_NUMBERS, *GIN_OTHERS, *GIN_REFERENCES)


@pytest.fixture(scope="module")
def valid():
    """An instance of every class, and arguments of every function, that gin can bind."""
    config.load_study("demo", "demo", bindings=["Setting.source = {'demo.web_code': 1.0}"])
    study = config.make("Study")
    setting = study.settings[0]
    phase = next(iter(study.phases))
    known: dict[str, Any] = {type(v).__name__: v for v in (study, setting, phase, setting.model)}
    known |= {type(v).__name__: v for v in (setting.optimizer, setting.schedule)}
    known |= {type(v).__name__: v for v in (study.suite, study.vocabulary, study.prepare)}
    known["CorpusVariant"] = CorpusVariant("a.variant", of="demo.text")
    yield known
    config.load([])


def _cases(thing: Any, valid: dict[str, Any]):
    names = [name for name in inspect.signature(thing).parameters if name != "path"]
    if inspect.isclass(thing):
        instance = valid.get(thing.__name__) or (thing() if thing.__name__ != "Side" else None)
        instance = instance or thing("name", {"a": 1.0})
        given = {name: getattr(instance, name) for name in names}
    else:
        given = {"setting": valid["Setting"], "of": valid["Setting"], "share": 0.1}
        given |= {"corpus": "demo.text", "mixture": {"demo.text": 1.0}, "name": "toy"}
        given |= {"recipe": text_only, "changes": {}, "roles": "language.*", "source_share": 0.1}
        given = {name: given[name] for name in names if name in given}
    for name in names:
        for value in VALUES:
            yield name, value, {**given, name: value}


def test_no_traceback_and_no_value_of_a_wrong_type(valid):
    tried = accepted = 0
    for thing in config.CONFIGURABLES:
        hints = checked.annotations(thing)
        for name, value, arguments in _cases(thing, valid):
            tried += 1
            with contextlib.suppress(UserError):
                made = thing(**arguments)
                accepted += 1
                hint = hints[name]
                if inspect.isclass(thing):
                    result = getattr(made, name)
                    assert is_bearable(result, hint), (thing.__name__, name, value, result)
                _require_bounds(hint, value, (thing.__name__, name, value))
    assert tried > 5_000 and 200 < accepted < tried / 2


def _require_bounds(hint: Any, value: Any, where: tuple) -> None:
    """A bool is no number, and nothing is endless."""
    leaves = [
        leaf for part in (hint, *typing.get_args(hint)) for leaf in (part, *typing.get_args(part))
    ]
    if isinstance(value, bool):
        assert bool in leaves, where
    if isinstance(value, float) and not value.is_integer():
        assert float in leaves, where
        assert abs(value) < float("inf"), where


def test_through_gin_there_is_one_line_and_no_traceback():
    classes = [t for t in config.CONFIGURABLES if inspect.isclass(t) and t.__name__ != "Side"]
    tried = 0
    for thing in classes:
        for name in inspect.signature(thing).parameters:
            for value in GIN_VALUES[tried % 3 :: 3]:
                tried += 1
                try:
                    config.load(
                        [config.find_gin_file("demo", folder) for folder in ("scales", "studies")],
                        [f"{thing.__name__}.{name} = {value}"],
                    )
                    config.make(thing.__name__)
                except UserError as error:
                    assert "\n" not in str(error) and len(str(error)) < 1000, str(error)
    config.load([])
    assert tried > 500
