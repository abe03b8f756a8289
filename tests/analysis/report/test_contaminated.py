"""Scores without items that stood in a training corpus."""

import pandas as pd
import pytest

from code_ablate.analysis.estimation.estimates import Settings
from code_ablate.analysis.report.content import Report, read_report
from code_ablate.analysis.report.figures import main_figures
from code_ablate.analysis.report.methods import contamination_note
from code_ablate.analysis.report.page import render_report
from code_ablate.analysis.results.contaminated import contaminated_items, corpora_read
from tests.analysis.conftest import TASKS, write_study
from tests.analysis.report.cells import parse

QUICK = Settings()
TASK = next(iter(TASKS))


def page_of(report: Report) -> str:
    return render_report(report, main_figures(report))


def report_of(folder, found: dict[str, dict[str, int]], searched=tuple(TASKS)):
    """`found`: corpus -> task -> how many of its first items stood in it."""

    def change(study: dict, table: pd.DataFrame) -> None:
        for corpus, store in study["stores"].items():
            store["searched_tasks"] = list(searched)
            store["contaminated"] = {
                task: sorted(table.loc[table["task"] == task, "item"].unique())[:count]
                for task, count in found.get(corpus, {}).items()
            }

    recipes = ("text_only", "code_100")
    return read_report(write_study(folder, recipes=recipes, items=40, change=change), QUICK)


def test_the_last_column_is_the_mean_of_the_other_items(tmp_path):
    report = report_of(tmp_path, {"demo.text": {TASK: 10}, "demo.web_code": {TASK: 12}})
    cells = [c for c in parse(page_of(report)).cells if c["kind"] == "uncontaminated"]
    items = pd.read_parquet(tmp_path / "results.parquet")
    gone = sorted(items.loc[items["task"] == TASK, "item"].unique())[:12]
    rows = items[(items["task"] == TASK) & ~items["item"].isin(gone)]
    expected = rows.groupby(["stage", "recipe"])["correct"].mean()
    assert len(cells) == len({stage for stage, _ in expected.index})
    for found in cells:
        assert found["task"] == TASK and found["items"] == str(rows["item"].nunique())
        wanted = [
            expected[found["stage"], place]
            for place in report.results.recipes_at(
                next(p for p in report.places if p.stage == found["stage"])
            )
        ]
        assert [float(v) for v in found["values"].split()] == pytest.approx(wanted)
    assert f"Items of {TASK} were found" in contamination_note(report)


def test_only_corpora_that_are_read_count(tmp_path):
    report = report_of(tmp_path, {"demo.text": {TASK: 5}, "demo.web_code": {TASK: 3}})
    record = report.record
    by_recipe = {r: contaminated_items(record, TASK, r) for r in ("text_only", "code_100")}
    for recipe, found in by_recipe.items():
        read = corpora_read(record, recipe)
        assert {c for corpora in found.values() for c in corpora} <= read
    assert len(contaminated_items(record, TASK)) == 5
    assert {recipe: len(found) for recipe, found in by_recipe.items()} == {
        "text_only": 5,
        "code_100": 3,
    }


def test_one_sentence_where_nothing_was_found_or_looked_for(tmp_path):
    clean = report_of(tmp_path / "clean", {})
    assert contamination_note(clean) == (
        "No scored item was found in the corpora that the recipes read."
    )
    assert not [c for c in parse(page_of(clean)).cells if c["kind"] == "uncontaminated"]
    unknown = report_of(tmp_path / "unknown", {}, searched=())
    assert contamination_note(unknown) == (
        "Items of the tasks were not looked for in all corpora that the recipes read."
    )
