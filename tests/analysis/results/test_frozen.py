"""What was frozen: read and written, amended, and held against comparisons."""

import dataclasses

import pytest

from code_ablate.analysis.estimation import estimates
from code_ablate.analysis.estimation.estimates import Settings
from code_ablate.analysis.estimation.summary import summarise
from code_ablate.analysis.results import frozen
from code_ablate.analysis.results.frozen import Frozen, FrozenPlan, Hypothesis, analysis_digest
from code_ablate.analysis.results.results import load_results
from code_ablate.errors import UserError
from tests.analysis.conftest import PRETRAINING

ENTRY = Frozen(
    created="2026-01-01T00:00:00Z",
    version="1",
    configuration="abc",
    analysis="def",
    hypotheses=("code_* bits_per_byte/demo.web_code better",),
    primary_scores={"arc_easy": "bits"},
    primary_rule="a rule",
    noise_study="",
    stopping_rule="once",
    design={"seeds": [0, 1], "margin": 0.01},
    after_results=False,
)


@pytest.mark.parametrize("text", ["", "a b", "a b c", "a b better now", "a better", "better"])
def test_a_hypothesis_that_cannot_be_read_is_refused(text):
    with pytest.raises(UserError, match="write 'RECIPE METRIC CLAIM'"):
        Hypothesis.parse(text)


def test_a_hypothesis_may_name_a_metric_with_spaces():
    hypothesis = Hypothesis.parse("code_* accuracy/basic skills better")
    assert hypothesis.covers("code_25", "accuracy/basic skills")
    assert not hypothesis.covers("text_only", "accuracy/basic skills")
    assert str(hypothesis) == "code_* accuracy/basic skills better"


def test_a_plan_is_read_as_it_was_written(tmp_path):
    assert FrozenPlan.read(tmp_path) is None
    plan = FrozenPlan.of(None, ENTRY)
    plan.write(tmp_path / "study")
    assert FrozenPlan.read(tmp_path / "study") == plan
    file = tmp_path / "study" / "frozen.json"
    file.write_text(file.read_text().replace("better", "worse"))
    with pytest.raises(UserError, match=r"changed after it was written.*everything in the report"):
        FrozenPlan.read(tmp_path / "study")


def test_saying_the_same_again_is_no_amendment():
    plan = FrozenPlan.of(None, ENTRY)
    again = dataclasses.replace(ENTRY, created="2027-01-01T00:00:00Z", version="2")
    assert FrozenPlan.of(plan, again) == plan
    other = dataclasses.replace(again, hypotheses=("code_100 accuracy/* worse",))
    amended = FrozenPlan.of(plan, other)
    assert amended.first == ENTRY and amended.amendments == (other,)
    assert FrozenPlan.of(amended, dataclasses.replace(other, created="later")) == amended


def test_what_is_frozen_amended_and_exploratory():
    later = dataclasses.replace(ENTRY, hypotheses=("code_100 accuracy/* worse",), created="b")
    too_late = dataclasses.replace(
        ENTRY,
        hypotheses=("text_* * different",),
        after_results=True,
        primary_scores={"arc_easy": "correct"},
    )
    plan = FrozenPlan((ENTRY, later, too_late))
    assert plan.status("code_25", "bits_per_byte/demo.web_code") == frozen.FROZEN
    assert plan.status("code_100", "accuracy/reasoning") == frozen.AMENDED
    assert plan.status("text_only", "accuracy/reasoning") == frozen.EXPLORATORY
    assert plan.status("code_25", "accuracy/reasoning") == frozen.EXPLORATORY
    assert plan.primary_scores == {"arc_easy": "bits"}
    assert FrozenPlan((too_late,)).status("text_x", "y") == frozen.EXPLORATORY


def test_outcomes_follow_the_verdicts(three_seeds_dir):
    summary = summarise(load_results(three_seeds_dir).scores)
    web_code = next(m for m in summary.metrics if m.label == "demo.web_code")
    text = next(m for m in summary.metrics if m.label == "demo.text")
    basic = next(m for m in summary.metrics if m.label == "reasoning")

    def outcomes(recipe, metric):
        comparison = summary.comparison(PRETRAINING, recipe, metric)
        claims = (Hypothesis(recipe, metric.key, claim) for claim in frozen.CLAIMS)
        return [hypothesis.outcome(comparison) for hypothesis in claims]

    yes, no, unknown = frozen.HOLDS, frozen.CONTRADICTED, frozen.CANNOT_SAY
    assert outcomes("code_100", web_code) == [yes, no, yes, no]
    assert outcomes("code_100", text) == [no, yes, yes, no]
    assert outcomes("code_25", basic) == [unknown] * 4


@pytest.mark.parametrize(
    "size, outcome", [(0.9, frozen.HOLDS), (0.01, frozen.CONTRADICTED), (None, frozen.CANNOT_SAY)]
)
def test_what_is_certainly_not_zero_may_be_within_the_margin(three_seeds_dir, size, outcome):
    scores = load_results(three_seeds_dir).scores
    claim = Hypothesis("code_100", "bits_per_byte/demo.web_code", "equivalent")

    def compare(margin):
        summary = summarise(scores, Settings(margin=margin))
        [found] = [c for c in summary.comparisons
                   if c.place == PRETRAINING and claim.covers(c.recipe, c.metric.key)]  # fmt: skip
        return found

    change = abs(compare(0.01).gain.value)
    comparison = compare(change if size is None else size)  # None: at the margin itself
    assert comparison.verdict() == estimates.DIFFERENT and change < 0.9
    assert claim.outcome(comparison) == outcome
    assert dataclasses.replace(claim, claim="better").outcome(comparison) == frozen.HOLDS


def test_a_small_difference_does_not_contradict_that_there_is_one(three_seeds_dir):
    scores = load_results(three_seeds_dir).scores
    summary = summarise(scores, Settings(margin=0.9))
    basic = next(m for m in summary.metrics if m.label == "reasoning")
    comparison = summary.comparison(PRETRAINING, "code_25", basic)
    assert comparison.verdict() == estimates.EQUIVALENT
    said = [Hypothesis("code_25", basic.key, claim).outcome(comparison) for claim in frozen.CLAIMS]
    assert said == [frozen.NEGLIGIBLE] * 3 + [frozen.HOLDS]


def test_what_hypotheses_name_is_corrected_for_apart(three_seeds_dir):
    scores = load_results(three_seeds_dir).scores
    plan = FrozenPlan.of(None, ENTRY)  # code_* on demo.web_code
    whole = {_key(c): c for c in summarise(scores).comparisons}
    split = summarise(scores, None, plan.names).comparisons
    assert [_key(c) for c in split] == list(whole)
    named = [c for c in split if not c.exploratory]
    assert {(c.recipe.partition("_")[0], c.metric.label) for c in named} == {
        ("code", "demo.web_code")
    }
    others = [c for c in split if c.exploratory]
    assert len(named) + len(others) == len(whole) and min(len(named), len(others)) > 1
    for group in (named, others):
        adjusted = sorted(zip([c.p for c in group], [c.p_holm for c in group], strict=True))
        worst = 0.0
        for rank, (p, p_holm) in enumerate(adjusted):  # by hand
            worst = max(worst, min(1.0, p * (len(group) - rank)))
            assert p_holm == pytest.approx(worst, rel=1e-12)
        assert {c.family for c in group} == {len(group)}
    for c in split:
        assert c.p == whole[_key(c)].p and c.p_holm <= whole[_key(c)].p_holm


def _key(comparison):
    return comparison.place, comparison.recipe, comparison.metric.key


@pytest.mark.parametrize(
    "entry",
    [
        dataclasses.replace(ENTRY, hypotheses=()),
        dataclasses.replace(ENTRY, hypotheses=("* * different",)),
        dataclasses.replace(ENTRY, hypotheses=("code_25 accuracy/none better",)),
        dataclasses.replace(ENTRY, after_results=True),
    ],
)
def test_without_a_smaller_family_all_are_corrected_for_together(three_seeds_dir, entry):
    scores = load_results(three_seeds_dir).scores
    plan = FrozenPlan.of(None, entry)
    split = summarise(scores, None, plan.names).comparisons
    assert split == summarise(scores).comparisons
    assert not any(c.exploratory for c in split)


def test_the_hash_of_the_analysis_is_that_of_its_sources():
    digest = analysis_digest()
    assert digest == analysis_digest() and len(digest) == 16
