"""The page: self-contained, in order, reproducible, and written or refused."""

import html
import re

import jinja2
import pytest
from markupsafe import Markup

from code_ablate.analysis.estimation.estimates import Settings
from code_ablate.analysis.report.limits import limits
from code_ablate.analysis.report.page import (
    terminal_table,
    write_report,
)
from code_ablate.analysis.report.rendering import render
from code_ablate.errors import UserError
from tests.analysis.report.cells import parse

QUICK = Settings()
SMALL = {"recipes": ("text_only", "code_100", "balanced_to_text"), "items": 40}


def test_page_is_self_contained(page):
    assert not re.search(r"https?://", page)
    assert "@import" not in page and not re.search(r"url\((?!#)", page)
    parsed = parse(page)
    assert parsed.loads and all(load.startswith("#") for load in parsed.loads)
    assert not {"script", "link", "iframe", "object", "embed", "form", "img"} & set(parsed.tags)
    lower = page.lower()  # as the parser reads names of tags
    for name in set(parsed.tags) - {"meta"}:
        closed = lower.count(f"</{name}>") + len(re.findall(f"<{name}(?: [^>]*)?/>", lower))
        assert closed == parsed.tags.count(name), name


def test_names_in_the_page_are_unique_and_every_link_leads_to_one(page):
    names = re.findall(r' id="([^"]*)"', page)
    assert len(set(names)) == len(names)
    links = set(re.findall(r'href="#([^"]*)"', page)) | set(re.findall(r"url\(#([^)]*)\)", page))
    assert {"answer", "limits"} <= links <= set(names)


def test_sections_stand_in_order_and_the_contents_name_them(page):
    titles = re.findall(r'<h2><a class="anchor" href="#([^"]*)">(.*?)</a></h2>', page)
    assert titles == [
        ("question", "The question"),
        ("answer", "The answer"),
        ("design", "The design"),
        ("data", "What the recipes read"),
        ("main-figure", "Scores against the share of code"),
        ("changes", "Change against text_only"),
        ("decisions", "What the scores can decide"),
        ("beforehand", "What was said before the data"),
        ("noise", "Noise"),
        ("scores", "Scores"),
        ("curves", "Training curves"),
        ("cost", "What it cost"),
        ("provenance", "Provenance"),
        ("limits", "What cannot be concluded"),
        ("methods", "How each number was made"),
    ]
    contents = page[page.index("<nav") : page.index("</nav>")]
    assert re.findall(r'<li><a href="#([^"]*)">(.*?)</a></li>', contents) == titles


def test_names_are_escaped(tmp_path, make_study, undrawn):
    def change(study, table):
        study["name"] = "<script>alert(1)</script>"
        study["missing"] = [{"task": "a<b", "category": "other", "reason": 'not "there" & gone'}]

    study = make_study(tmp_path / "a", change=change, **SMALL)
    write_report(study, tmp_path / "r.html", QUICK)
    text = (tmp_path / "r.html").read_text()
    assert "<script" not in text and "&lt;script&gt;" in text
    assert "a&lt;b (not &#34;there&#34; &amp; gone)" in text


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
    write_report(study_dir, tmp_path / "elsewhere" / "report.html", QUICK)
    assert (tmp_path / "elsewhere" / "report.html").read_text() == page


def test_a_path_that_cannot_be_written_is_named(tmp_path, study_dir, undrawn):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write the report"):
        write_report(study_dir, tmp_path / "file" / "r.html", Settings())


def test_a_template_that_uses_what_nobody_gives_is_an_error():
    with pytest.raises(jinja2.UndefinedError, match="drawings"):
        render("curves.html", missing="", several_seeds=False)


def test_what_is_filled_in_is_escaped_unless_it_is_html():
    values = {"base": "<b>", "source": "a & b", "baseline": '"x"', "recipes": "2", "seeds": "1"}
    html = render("question.html", facts={"<i>": Markup("<em>kept</em>")}, **values)
    assert "&lt;b&gt;" in html and "a &amp; b" in html and "&lt;i&gt;" in html
    assert "<em>kept</em>" in html


def test_the_command_that_made_the_results_is_repeated(tmp_path, make_study, undrawn):
    arguments = ["mine.gin", "--scale=demo", "--gin.Study.seeds=(0, 1, 2)"]

    def change(study, table):
        study["arguments"] = arguments

    for name, changed in (("a", change), ("b", None)):
        write_report(
            make_study(tmp_path / name, change=changed, **SMALL), tmp_path / f"{name}.html"
        )
    text = html.unescape((tmp_path / "a.html").read_text())
    assert "code-ablate study mine.gin --scale=demo '--gin.Study.seeds=(0, 1, 2)'" in text
    assert "do not say by which command" not in text
    assert "do not say by which command" in (tmp_path / "b.html").read_text()


def test_one_cluster_gives_no_interval_and_the_report_says_so(tmp_path, make_study, undrawn):
    def change(study, table):
        return table.assign(cluster="one")

    study = make_study(tmp_path / "a", change=change, seeds=(0, 1, 2), **SMALL)
    report = write_report(study, tmp_path / "r.html", QUICK)
    text = (tmp_path / "r.html").read_text()
    body = re.sub("<[^>]*>", " ", text)
    assert "[no interval]" in body and "inf" not in re.findall(r"[a-z]+", body)
    assert "[no interval]" in terminal_table(report) and "inf" not in terminal_table(report)
    (limit,) = [limit for limit in limits(report) if limit.key == "one_cluster"]
    assert "arc_easy" in limit.text and "bits_per_byte/demo.text" in limit.text
