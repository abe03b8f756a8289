"""The rule that chooses the score of a task that counts."""

import pytest

from code_ablate.analysis.estimation.primary import candidates, primary_score
from code_ablate.analysis.estimation.scores import ScoredTask
from code_ablate.errors import UserError

RANKED = ScoredTask("q", "c", "accuracy", "correct", ("correct", "correct_per_byte", "bits"))
GOLD = ScoredTask("g", "c", "gold bits per byte", "bits", ("bits", "correct"))
ANSWERS = ScoredTask("a", "c", "exact match", "correct", ("correct",))
DOMAIN = ScoredTask("bits_per_byte/x", "domains", "bits per byte", "bits", ("bits",), domain=True)
OWN = ScoredTask("o", "c", "rouge", "metric/rouge", ("metric/rouge",))
UNSCORED = ScoredTask("u", "c", "", None, ())


def test_what_a_task_can_be_judged_by():
    assert candidates(RANKED) == ("bits", "gold_probability", "correct_per_byte", "correct")
    assert candidates(GOLD) == ("bits", "correct")
    assert [candidates(t) for t in (ANSWERS, DOMAIN, OWN)] == [
        ("correct",),
        ("bits",),
        ("metric/rouge",),
    ]
    assert candidates(UNSCORED) == () and primary_score(UNSCORED) is None


def test_the_rule_in_its_order():
    ratios = {"bits": 2.5, "correct_per_byte": 7.0, "correct": 1.0}
    assert primary_score(RANKED).score == "bits"
    assert primary_score(RANKED, {}, ratios).score == "correct_per_byte"
    assert primary_score(RANKED, {"q": "correct"}, ratios).score == "correct"
    assert primary_score(RANKED, {}, {"correct": 1.9}).score == "bits"  # tells nothing apart
    assert primary_score(ANSWERS, {}, {"bits": 9.0}).score == "correct"


def test_a_score_that_the_task_does_not_have_is_refused():
    with pytest.raises(UserError, match="'a' is named as 'bits'; it has correct"):
        primary_score(ANSWERS, {"a": "bits"})
