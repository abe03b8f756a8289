"""Levels and comparisons of a study with known effects."""

import pandas as pd
import pytest

from code_ablate.analysis.estimation.estimates import Settings
from code_ablate.analysis.report.page import (
    read_report,
)
from tests.analysis.conftest import COOLDOWN, PRETRAINING

QUICK = Settings(resamples=1000)
SMALL = {"recipes": ("text_only", "code_100", "balanced_to_text"), "items": 40}


def test_built_in_effects_are_found(study_dir):
    report = read_report(study_dir, Settings(resamples=5000))
    domains = {metric.label: metric for metric in report.summary.metrics}
    worse = report.summary.comparison(PRETRAINING, "code_100", domains["demo.text"])
    assert worse.certain() and not worse.better
    assert worse.gain.low < (2.94 - 2.30) / 2.30 < worse.gain.high
    better = report.summary.comparison(COOLDOWN, "balanced_only", domains["demo.web_code"])
    assert better.certain() and better.better
    built_in = (2.75 - 1.15 * 0.5**0.4 - 0.06) / (2.75 - 0.06) - 1
    width = better.gain.high - better.gain.low  # four standard errors
    assert 0 < width < 0.1 * abs(built_in)
    assert better.gain.value == pytest.approx(built_in, abs=width)
    assert not report.summary.comparison(PRETRAINING, "code_25", domains["reasoning"]).certain()
    assert report.summary.comparison(PRETRAINING, "text_only", domains["demo.text"]) is None


def test_nothing_right_has_an_interval_all_the_same(tmp_path, make_study):
    def change(study, table):
        table.loc[table["task"].isin(["arc_easy", "boolq"]), "correct"] = 0.0
        table.loc[table["category"] == "basic skills", "correct"] = 0.0

    report = read_report(make_study(tmp_path / "a", change=change, **SMALL), QUICK)
    high = 1 - 0.025 ** (1 / 40)  # Clopper and Pearson's upper end for 0 of 40
    task = report.summary.task_results[PRETRAINING, "text_only", "arc_easy"].scores["correct"]
    assert (task.low, task.high) == (0.0, pytest.approx(high))
    skills = next(metric for metric in report.summary.metrics if metric.label == "basic skills")
    level = report.summary.level(PRETRAINING, "text_only", skills)
    assert (level.value, level.low, level.high) == (0.0, 0.0, pytest.approx(high))


def test_no_difference_on_any_item_has_an_interval_all_the_same(tmp_path, make_study):
    def change(study, table):
        table.loc[table["category"] == "basic skills", "correct"] = 0.0
        table.loc[table["task"] == "arc_easy", "correct"] = 1.0

    report = read_report(make_study(tmp_path / "a", change=change, **SMALL), QUICK)
    other = 1 - 0.025 ** (1 / 40)  # Clopper and Pearson's upper end for 0 discordant pairs of 40
    skills = next(metric for metric in report.summary.metrics if metric.label == "basic skills")
    difference = report.summary.comparison(PRETRAINING, "code_100", skills).difference
    assert (difference.value, difference.low, difference.high) == pytest.approx((0, -other, other))


def test_tasks_on_the_same_items_are_not_independent(tmp_path, make_study):
    def change(study, table):
        arc = table[table["task"] == "arc_easy"]
        others = table["category"] != "reasoning"
        again = [arc.assign(task=name) for name in ("arc_easy", "piqa", "sciq", "copa", "boolq")]
        for name in study["tasks"]:
            if study["tasks"][name]["category"] == "reasoning":
                study["tasks"][name]["items"] = 40
        return pd.concat([table[others], *again], ignore_index=True)

    report = read_report(make_study(tmp_path / "a", change=change, **SMALL), QUICK)
    reasoning = next(metric for metric in report.summary.metrics if metric.label == "reasoning")
    level = report.summary.level(PRETRAINING, "code_100", reasoning)
    task = report.summary.task_results[PRETRAINING, "code_100", "arc_easy"].scores["correct"]
    assert (level.low, level.high) == pytest.approx((task.low, task.high))
