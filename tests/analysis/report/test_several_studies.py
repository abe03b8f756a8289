"""Several studies in one table: `code-ablate report A B`."""

import pandas as pd
import pytest

from code_ablate.analysis.report.content import read_report
from code_ablate.cli import main
from code_ablate.errors import UserError
from code_ablate.jobs.report import report_together
from tests.analysis.conftest import read_content, save_study

RECIPES = ("text_only", "balanced_only")
KEYS = ["study", "recipe", "size", "stage", "metric"]


@pytest.fixture
def two(make_study, tmp_path):
    """Two studies of other recipes and names, with the same suite."""

    def of(change=None, others=("text_only", "code_to_text")):
        def named(study, table):
            study["name"] = "second"
            return change(study, table) if change else None

        return [
            make_study(tmp_path / "a", recipes=RECIPES, items=30, seeds=(0, 1, 2)),
            make_study(tmp_path / "b", recipes=others, items=30, seeds=(0, 1, 2), change=named),
        ]

    return of


def test_every_arm_of_every_study_has_the_score_of_its_own_report(two, tmp_path, capsys):
    folders, out = two(), tmp_path / "arms.csv"
    assert main(["report", *map(str, folders), "--out", str(out)]) == 0
    table = pd.read_csv(out).set_index(KEYS)
    assert table.index.is_unique
    total = 0
    for folder in folders:
        report = read_report(folder)
        for (place, recipe, key), level in report.summary.levels.items():
            row = table.loc[report.record.name, recipe, place.size, place.stage, key]
            assert row["value"] == pytest.approx(level.value, rel=1e-12)
            assert row["high"] == pytest.approx(level.high, rel=1e-12)
            assert row["is_baseline"] == (recipe == "text_only")
            total += 1
    assert len(table) == total
    said = capsys.readouterr().out
    assert "2 studies, 15 common tasks" in said and f"table: {out}" in said
    rows = [line.split() for line in said.splitlines()]
    assert ["demo", "text_only", "b"] in [row[:3] for row in rows]
    assert ["second", "code_to_text"] in [row[:2] for row in rows]


def asked(identities):
    """What changes a study's suite, and the identities of its tasks, to these."""

    def change(study, table):
        study["suite"] = "another"
        for name, task in study["tasks"].items():
            task["identities"] = identities(name)

    return change


def test_scores_of_other_questions_are_refused_in_one_message(two):
    def other(name):
        return ["changed" if name in ("arc_easy", "piqa") else f"same-{name}"]

    first, second = two(asked(other))
    content = read_content(first)
    for name, task in content["tasks"].items():
        task["identities"] = [f"same-{name}"]
    save_study(first, content, pd.read_parquet(first / "results.parquet"))
    with pytest.raises(UserError, match=r"2 of 15 common tasks .* one table: arc_easy, piqa\. Rep"):
        report_together([first, second])
    content["tasks"] = {k: v for k, v in content["tasks"].items() if k not in ("arc_easy", "piqa")}
    rows = pd.read_parquet(first / "results.parquet")
    save_study(first, content, rows[~rows["task"].isin(["arc_easy", "piqa"])])
    said = report_together([first, second])
    assert "13 common tasks" in said
    assert "left out, as not all studies have them: arc_easy (only second), piqa" in said


def test_a_mean_is_taken_over_the_common_tasks_alone(two, tmp_path):
    first, second = two()
    content, rows = read_content(first), pd.read_parquet(first / "results.parquet")
    del content["tasks"]["boolq"]
    save_study(first, content, rows[rows["task"] != "boolq"])
    report_together([first, second], tmp_path / "arms.csv")
    table = pd.read_csv(tmp_path / "arms.csv").set_index(KEYS)
    second_rows = pd.read_parquet(second / "results.parquet")
    own = second_rows[
        (second_rows["category"] == "reasoning")
        & (second_rows["task"] != "boolq")
        & (second_rows["recipe"] == "text_only")
        & (second_rows["stage"] == "cooldown")
    ]
    row = table.loc["second", "text_only", own["size"].iloc[0], "cooldown", "accuracy/reasoning"]
    assert row["value"] == pytest.approx(own.groupby("task")["correct"].mean().mean(), rel=1e-12)


def test_a_record_that_does_not_say_what_was_asked_is_refused(two):
    with pytest.raises(UserError, match="records of demo, second do not say what was asked"):
        report_together(two(asked(lambda name: [])))


def test_studies_of_one_name_are_told_apart_by_their_folders(make_study, tmp_path):
    folders = [make_study(tmp_path / n, recipes=RECIPES, items=9) for n in ("one", "other")]
    said = report_together(folders)
    assert "  one: " in said and "  other: " in said
    same = [make_study(tmp_path / n / "x", recipes=RECIPES, items=9) for n in ("p", "q")]
    assert f"  {same[0]}: " in report_together(same)


def test_what_cannot_be_reported_together_is_said(two, tmp_path, capsys):
    first, second = map(str, two())
    assert main(["report", first, str(tmp_path / "none")]) == 2
    assert "no study.json in" in capsys.readouterr().err
    assert main(["report", first, second, "--out", str(tmp_path / "page.html")]) == 2
    assert "name a .csv file" in capsys.readouterr().err
    assert main(["report", first, first]) == 2
    assert "named twice" in capsys.readouterr().err
    assert main(["report", first, second, "--scale", "demo"]) == 2
    assert "give no scale" in capsys.readouterr().err


def test_studies_without_a_common_task_are_refused(two):
    def boolq_alone(study, table):
        study["tasks"] = {"boolq": study["tasks"]["boolq"]}
        return table[table["task"] == "boolq"]

    first, second = two(boolq_alone)
    content, rows = read_content(first), pd.read_parquet(first / "results.parquet")
    del content["tasks"]["boolq"]
    save_study(first, content, rows[rows["task"] != "boolq"])
    with pytest.raises(UserError, match="demo, second have no task in common"):
        report_together([first, second])
