"""The published figures agree with each other to the digits they were printed with."""

import csv
import re
from pathlib import Path

import pytest

from code_ablate.analysis.report import published
from code_ablate.errors import UserError

CLAIMS = Path(__file__).parents[3] / "docs" / "results" / "claims.csv"


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


def test_figures_of_claims_on_the_page_of_results_are_those_of_the_study():
    sweep, text = published.SWEEP, published.published_arm("text_only", "pretraining")
    by_share = dict(zip(sweep.code_share, sweep.reasoning, strict=True))
    expected = {
        f"{recipe} gold_bits_per_byte/reasoning": (text.reasoning, arm.reasoning)
        for recipe in ("balanced_to_text", "code_to_text")
        for arm in [published.published_arm(recipe, "pretraining")]
    } | {
        f"code_{100 * share:.0f} gold_bits_per_byte/reasoning": (
            sweep.reasoning[0],
            by_share[share],
        )
        for share in (0.25, 0.5, 1.0)
    }
    found = {}
    with CLAIMS.open() as file:
        for row in csv.DictReader(file):
            if row["figure"]:
                low, high = re.search(r"([\d.]+) to ([\d.]+) %", row["figure"]).groups()
                found[row["hypothesis"].rpartition(" ")[0]] = (float(low), float(high))
    assert found == {name: pytest.approx(pair, abs=0.051) for name, pair in expected.items()}


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
