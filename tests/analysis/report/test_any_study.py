"""Studies of other shapes than the reference study's: groups, sizes, stages and names of theirs."""

import html
import json
import re

import pandas as pd
import pytest

from code_ablate.analysis.estimation.estimates import Settings
from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.report import figures
from code_ablate.analysis.report.change_figure import change_figure
from code_ablate.analysis.report.figures import main_figures
from code_ablate.analysis.report.findings import answer
from code_ablate.analysis.report.limits import limits
from code_ablate.analysis.report.page import read_report, render_report, terminal_table
from code_ablate.analysis.report.sweep import swept_recipes
from code_ablate.errors import UserError
from tests.analysis.conftest import PRETRAINING, SIZE
from tests.analysis.report.cells import parse

QUICK = Settings()
SMALL = {"recipes": ("text_only", "balanced_only", "code_100", "balanced_to_text"), "items": 30}


def said(page: str) -> str:
    """What a reader sees of a page, without the program's own name."""
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    plain = html.unescape(re.sub(r"<[^>]*>", " ", body)).replace("code-ablate", "")
    return " ".join(plain.split())


def texts(report) -> dict[str, str]:
    return {limit.key: limit.text for limit in limits(report)}


def synthetic_source(study, table):
    """code_100 reads synthetic code alone, which is a group of its own."""
    study["groups"]["synthetic"] = ["demo.synthetic_code"]
    for arm in study["arms"]:
        arm["requested_shares"]["synthetic"] = arm["shares"]["synthetic"] = 0.0
        if arm["arm"]["recipe"] == "code_100":
            arm["shares"] = {"code": 0.0, "synthetic": 0.5}
            arm["requested_shares"] = {"code": 0.0, "synthetic": 0.5}
            use = {"unique_tokens": 250_000, "epochs": 0.1, "requested_share": 0.5}
            arm["corpora"] = {
                name: {**use, "tokens": 250_000} for name in ("demo.text", "demo.synthetic_code")
            }


def test_a_recipe_with_a_source_of_its_own_is_reported_with_its_share(
    tmp_path, make_study, undrawn
):
    report = read_report(make_study(tmp_path / "a", change=synthetic_source, **SMALL), QUICK)
    assert report.results.share("code_100", PRETRAINING) == 0.0
    assert report.results.share("code_100", PRETRAINING, "synthetic") == 0.5
    page = said(render_report(report, main_figures(report)))
    assert "Groups code (demo.web_code, demo.markup); synthetic (demo.synthetic_code)" in page
    table = page[page.index("recipe share of code share of synthetic") :].replace("\u00a0", " ")
    assert "code_100 0.0 % 50.0 %" in table[: table.index("What it cost")]
    assert re.search(r"code_100\s+0\s+50\n", terminal_table(report))


def test_a_recipe_with_other_corpora_is_no_point_of_the_curve(tmp_path, make_study):
    recipes = ("text_only", "code_25", "balanced_only", "code_75", "code_100")
    plain = read_report(make_study(tmp_path / "a", recipes=recipes, items=10), QUICK)
    assert swept_recipes(plain.results, PRETRAINING) == recipes
    study = make_study(tmp_path / "b", recipes=recipes, items=10, change=synthetic_source)
    mixed = read_report(study, QUICK)
    assert swept_recipes(mixed.results, PRETRAINING) == recipes[:-1]


def half_the_tokens(study, table):
    """text_only is trained on half as many tokens as the others."""
    for arm in study["arms"]:
        if arm["arm"]["recipe"] == "text_only":
            arm["tokens"] //= 2


def test_a_recipe_of_another_budget_is_no_point_of_the_curve(tmp_path, make_study):
    recipes = ("text_only", "code_25", "balanced_only", "code_75", "code_100")
    study = make_study(tmp_path / "a", recipes=recipes, items=10, change=half_the_tokens)
    report = read_report(study, QUICK)
    assert swept_recipes(report.results, PRETRAINING) == recipes[1:]
    keys = [key.label for key in figures.main_figure(report, PRETRAINING).keys]
    assert "1 text_only (another budget)" in keys


def test_without_a_sweep_the_figure_shows_levels_by_recipe(tmp_path, make_study):
    study = make_study(tmp_path / "a", recipes=("text_only", "code_25"), items=30)
    report = read_report(study, QUICK)
    assert swept_recipes(report.results, PRETRAINING) == ()
    axis = figures.main_figure(report, PRETRAINING).panels[0]
    labels = [label.get_text() for label in axis.get_yticklabels()]
    assert labels == ["text_only", "code_25"]
    metric = report.summary.metrics[0]
    drawn = {float(x) for line in axis.lines for x in line.get_xdata()}
    for recipe in labels:
        assert report.summary.level(PRETRAINING, recipe, metric).value in drawn
    page = said(render_report(report, main_figures(report)))
    assert "Scores by recipe" in page and "against the share" not in page


def test_sizes_are_compared_within_themselves(tmp_path, make_study, undrawn):
    def change(study, table):
        """The larger size has another budget, and its text_only no cooldown."""
        gone = {"recipe": "text_only", "size": "4M", "stage": "cooldown"}
        study["arms"] = [a for a in study["arms"] if not gone.items() <= a["arm"].items()]
        for arm in study["arms"]:
            arm["tokens"] *= 2 if arm["arm"]["size"] == "4M" else 1
        lost = (table["recipe"] == "text_only") & (table["size"] == "4M")
        table = table[~(lost & (table["stage"] == "cooldown"))]
        worse = (table["size"] == "4M") & (table["recipe"] == "text_only")
        table.loc[worse, "bits"] *= 1.5
        return table

    sizes = {SIZE: 1_065_344, "4M": 4_000_000}
    report = read_report(make_study(tmp_path / "a", sizes=sizes, change=change, **SMALL), QUICK)
    large = Place("4M", "pretraining")
    metric = report.summary.metrics[0]
    items = report.results.items
    for place in (PRETRAINING, large):
        rows = items[(items["size"] == place.size) & (items["stage"] == "pretraining")]
        rows = rows[rows["task"] == metric.tasks[0]]
        sums = rows.groupby("recipe")[["bits", "bytes"]].sum()
        score = sums["bits"] / sums["bytes"]
        gain = report.summary.comparison(place, "code_100", metric).gain
        assert gain.value == pytest.approx(score["code_100"] / score["text_only"] - 1)
    assert not any(c.place == Place("4M", "cooldown") for c in report.summary.comparisons)
    assert "after cooldown (4M)" in texts(report)["no_baseline"]
    assert "balanced_only and balanced_to_text" in texts(report)["no_baseline"]
    sentences = " ".join(answer(report))
    assert "1.1 million parameters trained on 500,000 to 550,000 tokens" in sentences
    assert "4.0 million parameters trained on 1,000,000 to 1,100,000 tokens" in sentences
    page = render_report(report, main_figures(report))
    assert {c.get("size") for c in parse(page).cells} == {SIZE, "4M"}
    assert "Scores after pre-training (4M)" in said(page)
    assert "AFTER PRE-TRAINING (4M)" in terminal_table(report)


def test_stages_are_those_of_the_record_in_its_order(tmp_path, make_study, undrawn):
    def change(study, table):
        study["stages"] = ["pretraining", "anneal", "cooldown"]
        again = [a for a in study["arms"] if a["arm"]["stage"] == "cooldown"]
        study["arms"] += [{**a, "arm": {**a["arm"], "stage": "anneal"}} for a in again]
        return pd.concat([table, table[table["stage"] == "cooldown"].assign(stage="anneal")])

    report = read_report(make_study(tmp_path / "a", change=change, **SMALL), QUICK)
    assert [place.stage for place in report.places] == ["pretraining", "anneal", "cooldown"]
    page = said(render_report(report, main_figures(report)))
    order = [page.index(f"Scores {when}:") for when in ("after pre-training", "after anneal")]
    assert order == sorted(order) and "Scores after cooldown:" in page
    assert "After anneal, " in " ".join(answer(report))
    drawing = change_figure(report, SIZE)
    labels = [key.label for key in drawing.keys]
    assert labels == [*(report.title(p) for p in report.places), "different", "cannot say"]


def about_notes(study, table):
    """The same study about the notes of its writer: no name of the reference study is left."""
    names = {
        "demo.web_code": "my.notes",
        "demo.markup": "my.letters",
        "demo.synthetic_code": "my.diary",
        "demo.text": "wiki",
        "text_only": "without",
        "code_100": "notes_100",
        "balanced_to_text": "balanced_to_wiki",
        "basic_skills_coding": "basic_skills_drawing",
    }
    dumped = json.dumps(study)
    for old, new in names.items():
        dumped = dumped.replace(old, new)
        for column in ("recipe", "task", "item"):
            table[column] = table[column].str.replace(old, new)
    changed = json.loads(dumped)
    changed["base"], changed["source"] = "wiki", "my.notes"
    changed["groups"] = {"my.notes": ["my.notes", "my.letters"]}
    for arm in changed["arms"]:
        for shares in ("shares", "requested_shares"):
            arm[shares] = {"my.notes": arm[shares]["code"]}
    for phase in changed["phases"].values():
        phase["shares"] = {"my.notes": phase["shares"]["code"]}
    for recipe in changed["recipes"]:
        recipe["description"] = "A recipe."
    study.clear()
    study.update(changed)


def test_a_study_of_notes_speaks_of_notes(tmp_path, make_study, undrawn):
    report = read_report(make_study(tmp_path / "a", change=about_notes, **SMALL), QUICK)
    page = said(render_report(report, main_figures(report)))
    assert "Varied my.notes, mixed into wiki" in page
    assert "Scores against the share of my.notes" in page
    for word in ("code", "text", "reference study", "published", "Aryabumi"):
        assert word not in page.lower(), page[page.lower().index(word) - 80 :][:160]
    panels = figures.main_figure(report, PRETRAINING).panels
    assert {axis.get_xlabel() for axis in panels} == {"share of my.notes, %"}
    assert "code" not in terminal_table(report)


def publish(name):
    def change(study, table):
        study["published"] = name

    return change


def test_published_panels_stand_in_reports_of_the_published_study_only(
    tmp_path, make_study, undrawn
):
    other = read_report(make_study(tmp_path / "a", **SMALL), QUICK)
    assert "published" not in said(render_report(other, main_figures(other)))
    study = make_study(tmp_path / "b", change=publish("to_code_or_not_to_code"), **SMALL)
    report = read_report(study, QUICK)
    page = render_report(report, main_figures(report))
    assert "The published figures beside these" in page and "Table 2, 470M" in page


def test_an_unknown_published_study_is_answered_with_close_names(tmp_path, make_study):
    study = make_study(tmp_path / "a", change=publish("to_code_or_not"), **SMALL)
    with pytest.raises(UserError, match="did you mean 'to_code_or_not_to_code'"):
        read_report(study, QUICK)


def test_unequal_budgets_are_said_with_their_tokens(tmp_path, make_study):
    def change(study, table):
        for arm in study["arms"]:
            if arm["arm"]["recipe"] == "code_100":
                arm["tokens"] += 250_000 + arm["arm"]["seed"] * 1000

    equal = read_report(make_study(tmp_path / "a", **SMALL), QUICK)
    assert "unequal_budgets" not in texts(equal)
    report = read_report(make_study(tmp_path / "b", change=change, **SMALL), QUICK)
    text = texts(report)["unequal_budgets"]
    assert "code_100 (750,000 to 751,000) after pre-training" in text
    assert "text_only was trained on 500,000 tokens" in text
    assert "trained on 550,000 to 751,000 tokens" in answer(report)[-1]
