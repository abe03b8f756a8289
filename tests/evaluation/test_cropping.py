"""Prompts that do not fit are counted, task by task."""

import dataclasses

from code_ablate.errors import MissingData
from code_ablate.evaluation.cropping import CroppedPrompts, cropped_prompts, cropping_note
from code_ablate.evaluation.records import Key
from code_ablate.evaluation.suite import Part, Suite
from code_ablate.evaluation.suite_config import SuiteConfig


@dataclasses.dataclass(frozen=True)
class Measured:
    """A task whose prompts have these lengths, for a model that sees `longest` tokens."""

    lengths: tuple[int, ...]
    longest: int = 10

    def describe(self):
        cropped = sum(length > self.longest for length in self.lengths)
        return {"examples": len(self.lengths), "cropped": cropped}


class Documents:
    def describe(self):
        return {"examples": 0, "cropped": 3}


def suite_of(**measures):
    def loader(measure):
        def load():
            if measure is None:
                raise MissingData("not here")
            return measure

        return load

    parts = (Part(Key(name, name), "c", None, loader(found)) for name, found in measures.items())
    return Suite(SuiteConfig(tasks=tuple(measures)), None, tuple(parts), {})


def test_tasks_that_lose_something_are_named_with_the_numbers():
    suite = suite_of(
        fits=Measured((1, 10)),
        long=Measured((11, 9, 12)),
        gone=None,
        domain=Documents(),
        all=Measured((20,) * 1200),
    )
    found = cropped_prompts(suite, 9)
    assert found == (CroppedPrompts("long", 9, 3, 2), CroppedPrompts("all", 9, 1200, 1200))
    note = cropping_note(found)
    assert "more than the 9 tokens" in note
    assert "long: 2 of 3" in note and "all: 1,200 of 1,200" in note
    assert cropping_note(()) == ""


def test_only_what_is_loaded_belongs_to_the_loaded_suite():
    suite = suite_of(one=Measured((11,)), two=Measured((11,)))
    assert suite.parts[1].measure
    assert [part.key.name for part in suite.loaded.parts] == ["two"]
