"""Several studies in one table and on one page: `code-ablate report A B`."""

import dataclasses
import html
import re

import pandas as pd
import pytest

from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.report.content import read_report
from code_ablate.analysis.report.headline import headline
from code_ablate.analysis.report.joint_figure import joint_figure
from code_ablate.analysis.report.several_studies import arm_rows
from code_ablate.analysis.report.study_facts import study_facts
from code_ablate.analysis.results.several import load_several
from code_ablate.analysis.results.study_record import TABLE
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
    with pytest.raises(
        UserError, match=r"one table: 2 of 15 common tasks .*: arc_easy, piqa\. Rep"
    ):
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


def test_studies_of_one_name_are_told_apart_by_their_folders(make_study, tmp_path):
    folders = [make_study(tmp_path / n, recipes=RECIPES, items=9) for n in ("one", "other")]
    said = report_together(folders)
    assert "  one: " in said and "  other: " in said
    same = [make_study(tmp_path / n / "x", recipes=RECIPES, items=9) for n in ("p", "q")]
    assert f"  {same[0]}: " in report_together(same)


def test_what_cannot_be_reported_together_is_said(two, tmp_path, capsys):
    first, second = map(str, two())
    absent = [str(tmp_path / name) for name in ("none", "nowhere")]
    assert main(["report", first, *absent]) == 2
    assert f"no study.json in {', '.join(absent)}: several" in capsys.readouterr().err
    assert main(["report", first, second, "--out", str(tmp_path / "page.pdf")]) == 2
    assert "name a .html or a .csv file" in capsys.readouterr().err
    assert main(["report", first, second, "--law"]) == 2
    assert "--law and --png are for the report of one study" in capsys.readouterr().err
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


def test_all_reasons_against_a_comparison_stand_in_one_message(two):
    def change(study, table):
        asked(lambda name: ["changed" if name == "piqa" else f"same-{name}"])(study, table)
        study["tasks"]["boolq"]["kind"] = "gold_bits_per_byte"

    first, second = two(change)
    content = read_content(first)
    for name, task in content["tasks"].items():
        task["identities"] = [f"same-{name}"]
    save_study(first, content, pd.read_parquet(first / "results.parquet"))
    with pytest.raises(UserError) as raised:
        load_several([first, second])
    said = str(raised.value)
    assert "1 of 15 common tasks were asked in different ways" in said and "piqa" in said
    assert "'boolq' counts by correct in demo, bits in second" in said


def test_what_is_compared_is_the_score_that_the_studies_name(two):
    named = {"arc_easy": "bits", "sciq": "bits"}

    def change(study, table):
        study["primary_scores"] = named

    first, second = two(change)
    with pytest.raises(UserError, match="'arc_easy' counts by correct in demo, bits in second"):
        load_several([first, second])
    content = read_content(first)
    save_study(first, content | {"primary_scores": named}, pd.read_parquet(first / TABLE))
    studies = load_several([first, second])
    keys = [metric.key for metric in read_report(second).summary.metrics]
    assert [metric.key for metric in studies.metrics] == keys
    assert "gold_bits_per_byte/reasoning" in {row["metric"] for row in arm_rows(studies)}


@pytest.fixture
def page(two, tmp_path, capsys, undrawn):
    def change(study, table):
        study["stores"]["demo.text"]["identity"] = "of other documents"

    folders = two(change)
    assert main(["report", *map(str, folders)]) == 0
    path = tmp_path / "a-and-b.html"
    assert f"report: {path}" in capsys.readouterr().out
    return path, folders


def text_of(path, anchor):
    found = re.search(rf'<section id="{anchor}">.*?</section>', path.read_text(), re.DOTALL)
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", found[0])).split())


def test_the_page_says_what_is_shared_and_what_differs(page):
    path, _ = page
    said = text_of(path, "shared")
    same, differs = said.split("What differs between the studies")
    assert "Vocabulary bpe_4096" in same and "Baseline text_only" in same
    assert "Recipes text_only, balanced_only text_only, code_to_text" in differs
    assert "demo.text (other documents)" in differs and "Corpora" not in same
    assert "phases stand in all of them, and were trained once" in differs
    assert "They differ in recipes and corpora" in text_of(path, "limits")


def test_other_documents_are_found_in_studies_that_the_first_is_not_one_of(two):
    def with_stores(results, stores):
        return dataclasses.replace(
            results, record=dataclasses.replace(results.record, stores=stores)
        )

    studies = load_several(two())
    base = studies.results["demo"]
    stores = dict(base.record.stores)
    text = stores.pop("demo.text")
    changed = dataclasses.replace(text, identity="of other documents")
    three = {
        "a": with_stores(base, stores),
        "b": with_stores(base, {**stores, "demo.text": text}),
        "c": with_stores(base, {**stores, "demo.text": changed}),
    }
    facts = study_facts(dataclasses.replace(studies, results=three))
    [corpora] = [fact for fact in facts if fact.name == "Corpora"]
    assert not corpora.is_shared and "demo.text" not in corpora.values["a"]
    assert all("demo.text (other documents)" in corpora.values[name] for name in "bc")


def test_the_page_has_each_studys_answer_changes_and_scores(page):
    path, folders = page
    cells = re.findall(r'<td[^>]*data-kind="arm"[^>]*>', path.read_text())
    reports = {read_report(folder).record.name: read_report(folder) for folder in folders}
    assert len(cells) == sum(len(report.summary.levels) for report in reports.values())
    for cell in cells:
        data = dict(re.findall(r'data-([a-z-]+)="([^"]*)"', cell))
        place = Place(data["size"], data["stage"])
        level = reports[data["study"]].summary.levels[place, data["recipe"], data["metric"]]
        assert float(data["value"]) == pytest.approx(level.value, rel=1e-12)
        assert float(data["low"]) == pytest.approx(level.low, rel=1e-12)
    answers = text_of(path, "answer")
    for report in reports.values():
        [size] = report.results.sizes
        for sentence in headline(report, size):
            assert " ".join(f"{sentence.verdict} {sentence.text}".split()) in answers
    assert "called different in 10\u00a0% of such sets" in path.read_text()
    written = pd.read_parquet(path.parent / "a-and-b_data" / "arms.parquet")
    assert len(written) == len(cells)
    assert "against text_only" in text_of(path, "changes")


def test_the_page_stands_where_it_is_asked_for(two, tmp_path, undrawn):
    folders = two()
    said = report_together(folders, tmp_path / "new" / "page.html")
    assert (tmp_path / "new" / "page.html").exists() and "page.html" in said
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(UserError, match="cannot write the report to"):
        report_together(folders, blocked / "page.html")


def test_the_joint_figure_has_a_row_for_each_recipe_of_each_study(two):
    studies = load_several(two())
    rows = arm_rows(studies)
    drawing = joint_figure(studies, rows)
    assert len(drawing.panels) == len({row["metric"] for row in rows})
    for panel in drawing.panels:
        labels = [label.get_text() for label in panel.get_yticklabels()]
        assert labels == ["text_only", "balanced_only", "text_only", "code_to_text"]
    text = next(p for p in drawing.panels if p.get_label() == "demo.text")
    shown = [line.get_xdata()[0] for line in text.lines if len(line.get_xdata()) == 1]
    expected = [
        row["value"]
        for row in rows
        if row["metric"] == "bits_per_byte/demo.text" and row["stage"] == "pretraining"
    ]
    assert shown == pytest.approx(expected)
