"""Levels and comparisons of a study with known effects."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from code_ablate.analysis.estimation.estimates import (
    CANNOT_SAY,
    DIFFERENT,
    EQUIVALENT,
    Settings,
)
from code_ablate.analysis.estimation.estimator import Estimator
from code_ablate.analysis.estimation.summary import summarise
from code_ablate.analysis.report.page import read_report
from code_ablate.analysis.results.results import load_results
from code_ablate.errors import UserError
from tests.analysis.conftest import COOLDOWN, PRETRAINING

QUICK = Settings()
SMALL = {"recipes": ("text_only", "code_100", "balanced_to_text"), "items": 40}


def test_built_in_effects_are_found(three_seeds_dir):
    report = read_report(three_seeds_dir, Settings())
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


def test_a_score_that_the_study_names_takes_the_place_of_accuracy(three_seeds_dir):
    scores = load_results(three_seeds_dir).scores
    named = {"arc_easy": "bits", "sciq": "bits", "piqa": "gold_probability"}
    metrics = {metric.key: metric for metric in summarise(scores, named=named).metrics}
    plain = {metric.key: metric for metric in summarise(scores).metrics}
    assert set(plain["accuracy/reasoning"].tasks) == {*named, "copa", "boolq"}
    assert set(metrics["accuracy/reasoning"].tasks) == {"copa", "boolq"}
    gold = metrics["gold_bits_per_byte/reasoning"]
    assert gold.tasks == ("arc_easy", "sciq") and gold.lower_is_better
    assert gold.unit == "gold bits per byte"
    assert metrics["gold_probability/reasoning"].tasks == ("piqa",)
    assert metrics.keys() - plain.keys() == {gold.key, "gold_probability/reasoning"}
    everything = dict.fromkeys(plain["accuracy/reasoning"].tasks, "bits")
    assert "accuracy/reasoning" not in {m.key for m in summarise(scores, named=everything).metrics}
    # The level is the mean over tasks of all bits by all bytes.
    summary = summarise(scores, named=named)
    table = load_results(three_seeds_dir).items
    rows = table[(table.recipe == "code_25") & (table.stage == "pretraining")]
    rows = rows[rows.task.isin(gold.tasks)].groupby("task")[["bits", "bytes"]].sum()
    expected = (rows.bits / rows.bytes).mean()
    assert summary.level(PRETRAINING, "code_25", gold).value == pytest.approx(expected)


def test_nothing_is_compared_twice(study_dir, monkeypatch):
    compared, compare = [], Estimator.comparison

    def note(self, place, recipe, metric):
        compared.append((place, recipe, metric.groups, metric.score))
        return compare(self, place, recipe, metric)

    monkeypatch.setattr(Estimator, "comparison", note)
    summary = summarise(load_results(study_dir).scores)
    assert len(set(compared)) == len(compared)
    # The category table shows what stands in the others, and its own where tasks are left out.
    skills = next(metric for metric in summary.metrics if metric.label == "basic skills")
    column = next(column for column in summary.columns if column.whole.label == "basic skills")
    shown = summary.categories[PRETRAINING, "code_100", column.whole.key]
    assert shown.level == summary.level(PRETRAINING, "code_100", skills)
    assert shown.gain == summary.comparison(PRETRAINING, "code_100", skills).gain
    reasoning = next(column for column in summary.columns if column.whole.label == "reasoning")
    assert reasoning.kept is None or reasoning.kept.groups != reasoning.whole.groups
    assert (PRETRAINING, "code_100", "accuracy_above_chance/basic skills") in summary.categories


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


def _with_passages(study, table):
    """Four questions on each passage, of which the model answers all or none."""
    number = (
        table["item"].str.rpartition(":")[2].where(table["task"] == "arc_easy", "0").astype(int)
    )
    here = table["task"] == "arc_easy"
    rng = np.random.default_rng([8])
    right = rng.random(1000) < 0.4
    table.loc[here, "correct"] = right[number[here] // 4].astype(float)
    table["cluster"] = ("passage " + (number // 4).astype(str)).where(here)


def test_clusters_are_drawn_together(tmp_path, make_study):
    study = make_study(tmp_path / "a", change=_with_passages, **SMALL)
    table = pd.read_parquet(study / "results.parquet")
    report = read_report(study)
    scores = report.results.scores.of("arc_easy", PRETRAINING)
    assert len(set(scores.clusters)) == 10 and len(scores.items) == 40
    level = report.summary.task_results[PRETRAINING, "code_100", "arc_easy"].scores["correct"]
    rows = table[(table["task"] == "arc_easy") & (table["recipe"] == "code_100")]
    by_passage = rows.groupby("cluster")["correct"].mean()  # equal in both seeds
    assert level.noise.units == pytest.approx(by_passage.var() / 10)
    assert level.noise.unit_freedom == 9
    assert report.results.scores.of("piqa", PRETRAINING).clusters == ()
    odd = scores.chosen(np.arange(40) % 2 == 1)
    assert odd.clusters == scores.clusters[1::2] and odd.items == scores.items[1::2]


def test_one_seed_of_right_and_wrong_is_compared_by_mcnemars_exact_test(tmp_path, make_study):
    def change(study, table):
        table.loc[table["category"] == "reasoning", "category"] = table["task"]
        for task in study["tasks"].values():
            if task["category"] == "reasoning":
                task["category"] = task["name"]

    study = make_study(tmp_path / "a", change=change, seeds=(0,), **SMALL)
    report, table = read_report(study), pd.read_parquet(study / "results.parquet")
    table = table[(table["task"] == "piqa") & (table["stage"] == "pretraining")]
    right = table.pivot(index="item", columns="recipe", values="correct")
    apart = right["code_100"] - right["text_only"]
    expected = stats.binomtest(int((apart > 0).sum()), int((apart != 0).sum())).pvalue
    metric = next(m for m in report.summary.metrics if m.tasks == ("piqa",))
    found = report.summary.comparison(PRETRAINING, "code_100", metric)
    assert found.p == pytest.approx(expected) and not found.certain()


@pytest.mark.parametrize(("margins", "key"), [({}, None), ({"accuracy/reasoning": 0.4}, 0.4)])
def test_verdicts_need_a_margin_and_seeds(tmp_path, make_study, margins, key):
    study = make_study(tmp_path / "a", seeds=(0, 1, 2, 3, 4), **SMALL)
    summary = read_report(study, Settings(margin=0.02, margins=margins)).summary
    metrics = {metric.label: metric for metric in summary.metrics}
    verdicts = {
        label: summary.comparison(PRETRAINING, "balanced_to_text", metric).verdict()
        for label, metric in metrics.items()
    }
    assert verdicts["demo.text"] == EQUIVALENT and verdicts["demo.web_code"] == DIFFERENT
    assert verdicts["reasoning"] == (EQUIVALENT if key else CANNOT_SAY)
    open_one = summary.comparison(PRETRAINING, "balanced_to_text", metrics["basic skills"])
    assert open_one.verdict() == CANNOT_SAY
    assert open_one.detectable > abs(open_one.difference.value)
    assert open_one.sought == pytest.approx(0.02 * open_one.base)
    few = read_report(make_study(tmp_path / "b", **SMALL), Settings(margin=0.5)).summary
    assert {c.verdict() for c in few.comparisons} == {CANNOT_SAY}


def test_equivalence_is_two_one_sided_tests(tmp_path, make_study):
    """By hand, from the scores by seed, where items add next to nothing."""
    summary = read_report(
        make_study(tmp_path / "a", seeds=(0, 1, 2, 3), **SMALL), Settings(margin=0.01)
    ).summary
    metric = next(m for m in summary.metrics if m.label == "demo.text")
    found = summary.comparison(PRETRAINING, "balanced_to_text", metric)
    x, b = (
        np.array(summary.level(PRETRAINING, name, metric).per_seed)
        for name in ("balanced_to_text", "text_only")
    )
    above = stats.ttest_1samp(x - 0.99 * b, 0, alternative="greater").pvalue
    below = stats.ttest_1samp(x - 1.01 * b, 0, alternative="less").pvalue
    assert found.p_margin >= max(above, below) * (1 - 1e-9)
    assert found.p_margin_holm >= found.p_margin


def test_a_margin_of_no_metric_is_answered_with_close_names(study_dir):
    with pytest.raises(UserError, match="did you mean 'accuracy/reasoning'"):
        read_report(study_dir, Settings(margins={"accuracy/reasonin": 0.01}))
