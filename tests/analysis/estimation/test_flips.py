import dataclasses
from types import SimpleNamespace

import pytest

from code_ablate.analysis.estimation.flips import find_flips
from code_ablate.analysis.estimation.scores import Place


@dataclasses.dataclass
class Compared:
    recipe: str
    size: str
    better: bool
    held: bool
    metric: SimpleNamespace = dataclasses.field(default_factory=lambda: SimpleNamespace(key="m"))

    @property
    def place(self):
        return Place(self.size, "pretraining")

    def certain(self):
        return self.held


def flips(*rows):
    compared = [Compared(*row) for row in rows]
    places = tuple(dict.fromkeys(c.place for c in compared))
    return find_flips(SimpleNamespace(comparisons=compared, places=places))


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ((True, True), (1, 0, 0, 0)),
        ((True, False), (1, 1, 0, 0)),
        ((False, False), (1, 1, 1, 0)),
        ((False, True), (1, 0, 1, 1)),
    ],
)
def test_what_holds_at_one_rate_is_looked_for_at_the_other(other, expected):
    found = flips(("code", "low", True, True), ("code", "high", *other))
    assert (found.held, found.not_everywhere, found.turned, found.reversed) == expected
    assert found.sizes == ("low", "high")


def test_what_holds_nowhere_is_no_conclusion_and_one_size_tells_nothing():
    assert flips(("a", "low", True, False), ("a", "high", False, False)).held == 0
    assert flips(("a", "low", True, True), ("b", "high", True, True)).held == 0


def test_two_that_do_not_hold_do_not_turn_each_other():
    rows = (("a", "1", True, True), ("a", "2", True, False), ("a", "3", False, False))
    assert flips(*rows).turned == 1
    assert flips(*rows[:2]).turned == 0
