"""Loading a study's results, and refusing what is not one."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from code_ablate.analysis.estimation.estimates import Settings
from code_ablate.analysis.estimation.summary import summarise
from code_ablate.analysis.results.results import load_results
from code_ablate.errors import UserError

SMALL = {"recipes": ("text_only", "code_100"), "items": 20}


def test_loads_recipes_arms_and_tasks(study_dir):
    results = load_results(study_dir)
    assert results.baseline == "text_only"
    assert results.stages == ("pretraining", "cooldown")
    assert results.recipes_at("cooldown") == (
        "text_only",
        "balanced_only",
        "balanced_to_text",
        "code_to_text",
    )
    assert results.seeds_of("code_25", "pretraining") == (0, 1)
    assert results.seeds_of("code_25", "cooldown") == ()
    assert set(results.categories) == {"reasoning", "basic skills"}
    assert len(results.domains) == 4
    assert results.code_share("balanced_to_text") == pytest.approx(0.3)
    assert results.arms_of("code_25", "pretraining")[0].corpora["demo.web_code"].tokens == 100_000


def test_matrices_are_aligned_by_item_whatever_the_order_of_rows(tmp_path, make_study):
    shuffled = make_study(
        tmp_path / "a",
        change=lambda study, table: table.sample(frac=1.0, random_state=0),
        **SMALL,
    )
    results = load_results(shuffled)
    scores = results.scores("sciq", "pretraining")
    assert scores.column("correct").shape == (20, 4)
    matrix = scores.matrix("bits", "code_100", (1, 0))
    rows = results.items.set_index(["task", "recipe", "seed", "stage", "item"])["bits"]
    for i, item in enumerate(scores.items):
        assert matrix[i, 0] == rows["sciq", "code_100", 1, "pretraining", item]
        assert matrix[i, 1] == rows["sciq", "code_100", 0, "pretraining", item]


def test_arms_scored_on_other_items_cannot_be_compared(tmp_path, make_study):
    def drop(study, table):
        gone = (table["recipe"] == "code_100") & (table["seed"] == 1) & (table["item"] == "sciq:3")
        return table[~gone]

    results = load_results(make_study(tmp_path / "a", change=drop, **SMALL))
    with pytest.raises(UserError, match=r"code_100 \(seed 1.*19 of the 20 items of 'sciq'"):
        results.scores("sciq", "pretraining")


def test_unknown_names_are_answered_with_close_ones(study_dir):
    results = load_results(study_dir)
    with pytest.raises(UserError, match="did you mean 'sciq'"):
        results.scores("sciqq", "pretraining")
    with pytest.raises(UserError, match="'correct'"):
        results.scores("sciq", "pretraining").column("corect")
    with pytest.raises(UserError, match="no pretraining results of recipe 'code_25' with seed 7"):
        results.scores("sciq", "pretraining").matrix("correct", "code_25", (7,))


def test_missing_files(tmp_path, study_dir):
    with pytest.raises(UserError, match="give the directory of a study"):
        load_results(tmp_path)
    shutil.copy(study_dir / "study.json", tmp_path)
    with pytest.raises(UserError, match="has not been evaluated"):
        load_results(tmp_path)


def test_foreign_files(tmp_path, study_dir):
    shutil.copytree(study_dir, tmp_path / "s")
    (tmp_path / "s/study.json").write_text("{not json")
    with pytest.raises(UserError, match="not readable JSON"):
        load_results(tmp_path / "s")
    (tmp_path / "s/study.json").write_text(json.dumps({"name": "x"}))
    with pytest.raises(UserError, match="lacks baseline, version"):
        load_results(tmp_path / "s")
    shutil.copy(study_dir / "study.json", tmp_path / "s")
    (tmp_path / "s/results.parquet").write_bytes(b"PK not parquet at all")
    with pytest.raises(UserError, match="not a readable Parquet"):
        load_results(tmp_path / "s")
    pd.DataFrame({"recipe": ["a"]}).to_parquet(tmp_path / "s/results.parquet")
    with pytest.raises(UserError, match="lacks column seed"):
        load_results(tmp_path / "s")


def _repeat(study, table):
    return pd.concat([table, table.iloc[:1]])


def _lose_arm(study, table):
    return table[table["recipe"] != "code_100"]


def _lose_rows(study, table):
    return table.iloc[:0]


def _lose_task(study, table):
    del study["tasks"]["sciq"]


def _wrong_baseline(study, table):
    study["baseline"] = "text_onyl"


def _wrong_arm(study, table):
    del study["arms"][0]["code_share"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_repeat, "1 repeated rows"),
        (_lose_arm, "do not belong together: arm code_100"),
        (_lose_rows, "no rows"),
        (_lose_task, "no task in study.json named 'sciq'"),
        (_wrong_baseline, "did you mean 'text_only'"),
        (_wrong_arm, "Arm lacks code_share"),
    ],
)
def test_inconsistent_studies_are_refused(tmp_path, change, message, make_study):
    with pytest.raises(UserError, match=message):
        load_results(make_study(tmp_path / "a", change=change, **SMALL))


def test_a_score_that_is_not_a_number_is_named(tmp_path, make_study):
    def spoil(study, table):
        table.loc[table["item"] == "piqa:4", "correct"] = np.nan

    results = load_results(make_study(tmp_path / "a", change=spoil, **SMALL))
    with pytest.raises(UserError, match="'correct' is not a number for item 'piqa:4'"):
        summarise(results, Settings(resamples=50))
