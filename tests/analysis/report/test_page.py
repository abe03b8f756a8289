"""The page: self-contained, in order, reproducible, and written or refused."""

import re

import pytest

from code_ablate.analysis.estimation.estimates import Settings
from code_ablate.analysis.report.page import (
    terminal_table,
    write_report,
)
from code_ablate.errors import UserError
from tests.analysis.report.cells import parse

QUICK = Settings()
SMALL = {"recipes": ("text_only", "code_100", "balanced_to_text"), "items": 40}


def test_page_is_self_contained(page):
    assert not re.search(r"https?://", page)
    assert "@import" not in page and "url(" not in page
    parsed = parse(page)
    assert len(parsed.loads) == 2  # the two figures
    assert all(load.startswith("data:image/svg+xml;base64,") for load in parsed.loads)
    assert not {"script", "link", "iframe", "object", "embed", "form"} & set(parsed.tags)
    for name in set(parsed.tags) - {"meta", "img"}:
        assert page.count(f"</{name}>") == parsed.tags.count(name), name


def test_sections_stand_in_order(page):
    titles = re.findall(r"<h2>(.*?)</h2>", page)
    assert titles == [
        "Scores against the share of code",
        "Scores",
        "Change relative to text_only",
        "Categories",
        "Tasks",
        "Realised mixtures",
        "Token stores",
        "Phases",
        "What cannot be concluded",
        "How each number was made",
    ]


def test_names_are_escaped(tmp_path, make_study, undrawn):
    def change(study, table):
        study["name"] = "<script>alert(1)</script>"
        study["missing"] = [{"task": "a<b", "category": "other", "reason": 'not "there" & gone'}]

    study = make_study(tmp_path / "a", change=change, **SMALL)
    write_report(study, tmp_path / "r.html", QUICK)
    text = (tmp_path / "r.html").read_text()
    assert "<script" not in text and "&lt;script&gt;" in text
    assert "a&lt;b (not &quot;there&quot; &amp; gone)" in text


UNUSUAL = r"50 $\alpha_ % & <b>co^de</b>$"


def unusual_names(study, table):
    """Names that LaTeX, HTML and format strings would each read in a way of their own."""
    for recipe in (arm["arm"] for arm in study["arms"] if arm["arm"]["recipe"] == "code_100"):
        recipe["recipe"] = UNUSUAL
    for recipe in (recipe for recipe in study["recipes"] if recipe["name"] == "code_100"):
        recipe["name"] = UNUSUAL
    for task in (task for task in study["tasks"].values() if task["category"] == "reasoning"):
        task["category"] = UNUSUAL
    table["recipe"] = table["recipe"].replace("code_100", UNUSUAL)
    table["category"] = table["category"].replace("reasoning", UNUSUAL)
    study["source"] = UNUSUAL
    study["groups"] = {UNUSUAL: study["groups"]["code"]}
    for part in (*study["arms"], *study["phases"].values()):
        for field in ("shares", "requested_shares"):
            if field in part:
                part[field] = {UNUSUAL: part[field]["code"]}


def test_names_are_drawn_and_written_as_they_are(tmp_path, make_study):
    study = make_study(tmp_path / "a", change=unusual_names, **SMALL)
    report = write_report(study, tmp_path / "r.html", QUICK)
    page = (tmp_path / "r.html").read_text()
    assert "<b>co" not in page and "&lt;b&gt;co^de" in page
    assert UNUSUAL in terminal_table(report)


def test_same_results_give_the_same_page(tmp_path, study_dir, page):
    write_report(study_dir, tmp_path / "r.html", QUICK)
    assert (tmp_path / "r.html").read_text() == page


def test_a_path_that_cannot_be_written_is_named(tmp_path, study_dir, undrawn):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write the report"):
        write_report(study_dir, tmp_path / "file" / "r.html", Settings())
