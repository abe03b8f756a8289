"""The published figures agree with each other to the digits they were printed with."""

import pytest

from code_ablate.analysis.report import published
from code_ablate.errors import UserError


def test_averages_of_table_2_follow_from_its_columns():
    for arm in published.TABLE_2:
        language = (arm.reasoning + arm.knowledge) / 2
        assert arm.language_average == pytest.approx(language, abs=0.11), arm
        total = (arm.reasoning + arm.knowledge + arm.code) / 3
        assert arm.average == pytest.approx(total, abs=0.11), arm


def test_figures_agree_with_table_2():
    for recipe, scores in published.PRETRAINED_470M.items():
        row = published.published_arm(recipe, "pretraining")
        found = (scores.reasoning, scores.knowledge, scores.code)
        assert found == pytest.approx((row.reasoning, row.knowledge, row.code), abs=0.08)
    cooled = published.published_arm("balanced_to_text", "cooldown")
    with_code = published.COOLDOWN_470M["with_code"]
    assert (with_code.reasoning, with_code.code) == (cooled.reasoning, cooled.code)
    markup = published.CODE_QUALITY_470M["code+markup"]
    assert markup.reasoning == pytest.approx(published.SWEEP.reasoning[-1], abs=0.05)
    assert markup.code == pytest.approx(published.SWEEP.code[-1], abs=0.05)


def test_headline_gains_follow_from_the_table():
    text = published.published_arm("text_only", "pretraining")
    best = published.published_arm("balanced_to_text", "pretraining")
    assert best.reasoning / text.reasoning - 1 == pytest.approx(0.082, abs=0.001)
    assert best.knowledge / text.knowledge - 1 == pytest.approx(0.042, abs=0.001)
    assert best.code / text.code == pytest.approx(12, abs=0.1)


def test_sweep_has_a_score_at_every_share():
    sweep = published.SWEEP
    assert sweep.code_share == (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)
    assert len(sweep.reasoning) == len(sweep.knowledge) == len(sweep.code) == 6


def test_win_rates_and_their_sign_test():
    for rate in published.WIN_RATES.values():
        assert rate.wins + rate.losses + rate.ties == 199
    headline = published.WIN_RATES["code_to_text against text_only"]
    assert headline.sign_test_p == pytest.approx(0.26, abs=0.005)
    assert headline.win_rate == pytest.approx((64 + 42) / 199)
    assert published.WIN_RATES["cooldown with code against none"].sign_test_p < 1e-6


def test_unknown_arm_is_named():
    with pytest.raises(UserError, match="text_only cooldown"):
        published.published_arm("text_onyl", "cooldown")
