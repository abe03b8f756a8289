"""A study as tables: the report's own numbers, one to a row."""

import json
import math
import shutil

import pandas as pd
import pytest

import code_ablate
from code_ablate.analysis.report.content import read_report
from code_ablate.errors import UserError
from tests.small_laboratory import RECIPES

KEYS = ["recipe", "size", "stage", "metric"]


@pytest.fixture(scope="module")
def study(laboratory):
    return code_ablate.open_study(laboratory.study)


@pytest.fixture(scope="module")
def report(laboratory):
    return read_report(laboratory.study)


def test_items_are_the_stored_table(laboratory, study):
    stored = pd.read_parquet(laboratory.study / "results.parquet")
    assert list(study.items)[:4] == ["recipe", "size", "seed", "stage"]
    pd.testing.assert_frame_equal(study.items[list(stored)], stored)


def test_a_score_is_the_one_of_the_report(study, report):
    scores = study.scores.set_index(KEYS)
    assert len(scores) == len(report.summary.levels) and scores.index.is_unique
    for (place, recipe, key), level in report.summary.levels.items():
        row = scores.loc[recipe, place.size, place.stage, key]
        assert (row["value"], row["low"], row["high"]) == (level.value, level.low, level.high)
        assert (row["seeds"], row["seed_sd"]) == (3, level.seed_sd)
    single = study.seed_scores.set_index([*KEYS, "seed"])["value"]
    assert len(single) == 3 * len(scores)
    assert single.groupby(KEYS).std().max() == pytest.approx(scores["seed_sd"].max(), rel=1e-9)


def test_a_comparison_is_the_one_of_the_report(study, report):
    table = study.comparisons.set_index(KEYS)
    assert set(table["baseline"]) == {"text_only"}
    assert len(table) == len(report.summary.comparisons) > 0
    for one in report.summary.comparisons:
        row = table.loc[one.recipe, one.place.size, one.place.stage, one.metric.key]
        assert (row["value"], row["low"]) == (one.difference.value, one.difference.low)
        assert (row["change"], row["change_high"]) == (one.gain.value, one.gain.high)
        assert (row["p"], row["p_holm"], row["verdict"]) == (one.p, one.p_holm, one.verdict())
        assert (row["seeds_needed"] is pd.NA) == (one.seeds_needed is None)


def test_a_task_says_which_of_its_scores_counts(study, report):
    table = study.task_scores
    counting = table[table["counts"]].set_index(["recipe", "size", "stage", "task"])
    assert counting.index.is_unique and set(counting["score"]) == {"correct"}
    for (place, recipe, task), result in report.summary.task_results.items():
        row = counting.loc[recipe, place.size, place.stage, task]
        assert row["value"] == result.scores["correct"].value
        assert row["chance_p"] == result.chance_p and row["collapsed"] == result.degenerate
    assert table[~table["counts"]]["chance"].isna().all()


def test_arms_and_what_they_read(study):
    arms, tokens = study.arms, study.realised_tokens
    assert len(arms) == len(study.record.arms)
    assert arms["share/code"].between(0, 1).all()
    for arm in study.record.arms:
        own = tokens[(tokens[["recipe", "size", "seed", "stage"]] == vars(arm.arm)).all(axis=1)]
        assert own["tokens"].tolist() == [use.tokens for use in arm.corpora.values()]
        assert own["share"].tolist() == [use.tokens / arm.tokens for use in arm.corpora.values()]


def test_curves_go_through_all_phases_of_every_arm(laboratory, study):
    curves = study.curves
    assert set(curves["recipe"]) == set(RECIPES) and set(curves["seed"]) == {0, 1, 2}
    own = curves[(curves["recipe"] == "balanced_only") & (curves["seed"] == 1)]
    loss = own[(own["measure"] == "loss") & (own["corpus"] == "")]
    assert loss["total_tokens"].tolist() == [256 * n for n in range(1, 9)]
    assert loss["identity"].unique().tolist() == [
        laboratory.first.identity,
        laboratory.then.identity,
    ]
    runs = [code_ablate.open_run(run.path) for run in (laboratory.first, laboratory.then)]
    assert loss["value"].tolist() == [v for run in runs for v in run.metrics["loss"]]


def test_a_run_is_found_by_its_arm(laboratory, study):
    assert study.run("text_only").identity == laboratory.then.identity
    other = study.run("text_only", stage="pretraining", seed=2)
    assert other.identity == laboratory.other.identity
    with pytest.raises(UserError, match="no recipe named 'text_onl'; did you mean 'text_only'"):
        study.run("text_onl")
    with pytest.raises(UserError, match="no seed of text_only named '7'"):
        study.run("text_only", seed=7)
    away = code_ablate.open_study(laboratory.study, runs=laboratory.folder / "none")
    for look in (lambda: away.curves, lambda: away.run("text_only")):
        with pytest.raises(UserError, match="name the folder of the study's runs"):
            look()


def test_several_sizes_have_to_be_told_apart(make_study, tmp_path):
    study = code_ablate.open_study(
        make_study(tmp_path / "two", recipes=RECIPES, sizes={"1M": 10**6, "2M": 2 * 10**6}, items=9)
    )
    with pytest.raises(UserError, match="say which size is meant: 1M, 2M"):
        study.run("text_only")
    with pytest.raises(UserError, match="no size named '3M'"):
        study.plot_scores("3M")


def test_what_is_no_study_is_said_in_one_message(laboratory, tmp_path):
    with pytest.raises(UserError, match=r"there is no such folder\. .* give that command again"):
        code_ablate.open_study(tmp_path / "none")
    with pytest.raises(UserError, match=r"holds no finished study: it has no study\.json"):
        code_ablate.open_study(tmp_path)
    with pytest.raises(UserError, match="is a run: open it with open_run"):
        code_ablate.open_study(laboratory.then.path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content | {"format": 1}, "not of format 3: another version wrote it"),
        (lambda content: content | {"baseline": "other"}, "was changed after it was written"),
    ],
)
def test_an_older_or_damaged_study_is_refused(laboratory, tmp_path, change, message):
    copy = tmp_path / "study"
    shutil.copytree(laboratory.study, copy)
    content = json.loads((copy / "study.json").read_text())
    (copy / "study.json").write_text(json.dumps(change(content)))
    with pytest.raises(UserError, match=message):
        code_ablate.open_study(copy)


def test_a_change_that_may_not_be_known_is_empty(make_study, tmp_path):
    def all_wrong(study, table):
        table.loc[table["task"].str.startswith("basic"), "correct"] = 0.0

    study = code_ablate.open_study(
        make_study(tmp_path / "wrong", recipes=RECIPES, items=9, change=all_wrong)
    )
    rows = study.comparisons[study.comparisons["metric"] == "accuracy/basic skills"]
    assert len(rows) and rows["change"].isna().all() and (rows["value"] == 0).all()
    assert not math.isnan(rows["high"].max())


def test_a_study_of_one_recipe_on_domains_has_frames_without_rows(study, make_study, tmp_path):
    def domains_alone(study, table):
        study["tasks"] = {k: v for k, v in study["tasks"].items() if v["category"] == "domains"}
        return table[table["category"] == "domains"]

    alone = code_ablate.open_study(
        make_study(tmp_path / "alone", recipes=("text_only",), change=domains_alone)
    )
    for name in ("comparisons", "task_scores"):
        frame, usual = getattr(alone, name), getattr(study, name)
        assert not len(frame) and list(frame) == list(usual)
    assert len(alone.scores) == 8
    with pytest.raises(UserError, match="has a relative change to the baseline"):
        alone.plot_comparisons()
