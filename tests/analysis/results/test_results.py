"""Loading a study's results, and refusing what is not one."""

import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest

from code_ablate.analysis.estimation.estimates import Settings
from code_ablate.analysis.estimation.summary import summarise
from code_ablate.analysis.results.results import load_results
from code_ablate.analysis.results.study_record import FILE, TABLE
from code_ablate.errors import UserError
from tests.analysis.conftest import COOLDOWN, PRETRAINING, read_content, save_study

SMALL = {"recipes": ("text_only", "code_100"), "items": 20}


def test_loads_recipes_arms_and_tasks(study_dir):
    results = load_results(study_dir)
    assert results.record.baseline == "text_only"
    assert results.places == (PRETRAINING, COOLDOWN)
    assert results.recipes_at(COOLDOWN) == (
        "text_only",
        "balanced_only",
        "balanced_to_text",
        "code_to_text",
    )
    assert results.scores.seeds_of("code_25", PRETRAINING) == (0, 1)
    assert results.scores.seeds_of("code_25", COOLDOWN) == ()
    assert set(results.scores.categories) == {"reasoning", "basic skills"}
    assert len(results.scores.domains) == 4
    assert results.share("balanced_to_text", PRETRAINING) == pytest.approx(0.3)
    assert results.arms_of("code_25", PRETRAINING)[0].corpora["demo.web_code"].tokens == 100_000


def test_matrices_are_aligned_by_item_whatever_the_order_of_rows(tmp_path, make_study):
    shuffled = make_study(
        tmp_path / "a",
        change=lambda study, table: table.sample(frac=1.0, random_state=0),
        **SMALL,
    )
    results = load_results(shuffled)
    scores = results.scores.of("sciq", PRETRAINING)
    assert scores.column("correct").shape == (20, 4)
    matrix = scores.matrix("bits", "code_100", (1, 0))
    rows = results.items.set_index(["task", "recipe", "seed", "stage", "item"])["bits"]
    for i, item in enumerate(scores.items):
        assert matrix[i, 0] == rows["sciq", "code_100", 1, "pretraining", item]
        assert matrix[i, 1] == rows["sciq", "code_100", 0, "pretraining", item]


def test_arms_scored_on_other_items_cannot_be_compared(tmp_path, make_study):
    def other(study, table):
        row = (table["recipe"] == "code_100") & (table["seed"] == 1) & (table["item"] == "sciq:3")
        table.loc[row, "item"] = "sciq:99"

    results = load_results(make_study(tmp_path / "a", change=other, **SMALL))
    with pytest.raises(UserError, match=r"text_only, 1.07M, seed 0.*20 of the 21 items of 'sciq'"):
        results.scores  # noqa: B018


def test_unknown_names_are_answered_with_close_ones(study_dir):
    results = load_results(study_dir)
    with pytest.raises(UserError, match="did you mean 'sciq'"):
        results.scores.of("sciqq", PRETRAINING)
    with pytest.raises(UserError, match="'correct'"):
        results.scores.of("sciq", PRETRAINING).column("corect")
    with pytest.raises(
        UserError, match=r"no 1\.07M, pretraining results of recipe 'code_25' with seed 7"
    ):
        results.scores.of("sciq", PRETRAINING).matrix("correct", "code_25", (7,))


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
    with pytest.raises(UserError, match="not of format 3: another version"):
        load_results(tmp_path / "s")
    save_study(tmp_path / "s", read_content(study_dir), pd.DataFrame({"recipe": ["a"]}))
    with pytest.raises(UserError, match="lacks column size"):
        load_results(tmp_path / "s")


def test_a_study_of_the_old_format_is_refused_in_one_message(tmp_path, study_dir):
    shutil.copytree(study_dir, tmp_path / "s")
    old = {"name": "demo", "baseline": "text_only", "code_corpora": [], "arms": []}
    (tmp_path / "s/study.json").write_text(json.dumps(old))
    with pytest.raises(UserError, match="another version wrote it; run the study again"):
        load_results(tmp_path / "s")


def test_a_damaged_record_is_refused(tmp_path, study_dir):
    shutil.copytree(study_dir, tmp_path / "s")
    path = tmp_path / "s/study.json"
    path.write_text(path.read_text().replace('"tokens": 500000', '"tokens": 600000', 1))
    with pytest.raises(UserError, match="was changed after it was written"):
        load_results(tmp_path / "s")


@pytest.mark.parametrize("file", ["results.parquet", "study.json"])
def test_a_damaged_file_is_refused_wherever_the_damage_is(tmp_path, make_study, file):
    study = make_study(tmp_path / "s", **SMALL)
    content = (study / file).read_bytes()
    damaged = [content[: len(content) * part // 5] for part in range(5)]
    for place in range(0, len(content), len(content) // 60):
        flipped = bytearray(content)
        flipped[place] ^= 1 << place % 8
        damaged.append(bytes(flipped))
    for wrong in damaged:
        (study / file).write_bytes(wrong)
        with pytest.raises(UserError, match="run the study again"):
            load_results(study)


def test_a_table_that_lacks_rows_is_refused(tmp_path, study_dir):
    shutil.copytree(study_dir, tmp_path / "s")
    path = tmp_path / "s/results.parquet"
    pd.read_parquet(path).iloc[:-1].to_parquet(path)
    with pytest.raises(UserError, match="is damaged, or is not the table"):
        load_results(tmp_path / "s")


def test_two_sizes_are_two_places_at_each_stage(tmp_path, make_study):
    sizes = {"1.07M": 1_065_344, "4M": 4_000_000}
    results = load_results(make_study(tmp_path / "a", sizes=sizes, **SMALL))
    assert [str(place) for place in results.places] == [
        "1.07M, pretraining",
        "1.07M, cooldown",
        "4M, pretraining",
        "4M, cooldown",
    ]
    assert [size.name for size in results.sizes] == ["1.07M", "4M"]
    assert results.scores.of("sciq", results.places[2]).column("correct").shape == (20, 4)


def _repeat(study, table):
    return pd.concat([table, table.iloc[:1]])


def _lose_arm(study, table):
    return table[table["recipe"] != "code_100"]


def _lose_rows(study, table):
    return table.iloc[:0]


def _lose_every_second_row(study, table):
    return table.iloc[::2]


def _lose_task_of_an_arm(study, table):
    return table[(table["recipe"] != "code_100") | (table["task"] != "sciq")]


def _lose_task(study, table):
    del study["tasks"]["sciq"]


def _wrong_baseline(study, table):
    study["baseline"] = "text_onyl"


def _wrong_arm(study, table):
    study["arms"][0]["shares"] = {"notes": 0.5}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_repeat, "1 repeated rows"),
        (_lose_arm, "do not belong together: code_100"),
        (_lose_rows, "no rows"),
        (_lose_every_second_row, "text_only, 1.07M, seed 0, pretraining, has 30 rows for the 60"),
        (_lose_task_of_an_arm, "code_100, .* has 0 rows for the 20 items of 'sciq'"),
        (_lose_task, "no task in study.json named 'sciq'"),
        (_wrong_baseline, "did you mean 'text_only'"),
        (_wrong_arm, "has shares of notes, but the study's groups are code"),
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
        summarise(results.scores, Settings())


@pytest.mark.parametrize("kind", ["folder", "pipe", "link to itself", "link to nothing"])
@pytest.mark.parametrize("name", [FILE, TABLE])
def test_what_stands_in_the_place_of_a_file_is_named(tmp_path, make_study, name, kind):
    folder = tmp_path / "study"
    make_study(folder, **SMALL)
    (folder / name).unlink()
    if kind == "folder":
        (folder / name).mkdir()
    elif kind == "pipe":
        os.mkfifo(folder / name)
    else:
        (folder / name).symlink_to(name if kind == "link to itself" else "/nowhere/at/all")
    with pytest.raises(UserError, match=f"{name} (cannot be read|is no file|is missing|does not)"):
        load_results(folder)
