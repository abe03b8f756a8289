"""Which part of a seed makes the noise, in the report."""

import csv
import html
import re

import pandas as pd
import pytest

from code_ablate.analysis.report.content import read_report
from code_ablate.analysis.report.methods import methods
from code_ablate.analysis.report.page import write_report
from code_ablate.analysis.report.sections.noise_section import noise_section
from code_ablate.analysis.results.study_record import TABLE
from tests.analysis.conftest import read_content, save_study
from tests.analysis.results.test_seed_grid import FEW, PARTS, SETTINGS, crossed

SIZES = dict.fromkeys(SETTINGS, 1_000_000)


@pytest.fixture(scope="module")
def crossed_dir(tmp_path_factory, make_study):
    where = tmp_path_factory.mktemp("a")
    return make_study(where, sizes=SIZES, parts=PARTS, change=crossed, **FEW)


def words(section):
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", section.html)).split())


def components(section):
    return [
        dict(re.findall(r'data-([a-z-]+)="([^"]*)"', cell))
        for cell in re.findall(r'<td[^>]*data-kind="component"[^>]*>', section.html)
    ]


def test_one_sentence_says_how_to_have_it_where_seeds_are_not_crossed(three_seeds_dir):
    section = noise_section(read_report(three_seeds_dir))
    assert "code-ablate study seed_parts" in section.html and not components(section)


def test_every_component_has_its_variance_and_its_interval(crossed_dir):
    report = read_report(crossed_dir)
    section = noise_section(report)
    assert "code-ablate study seed_parts" not in section.html
    assert "3 initialisations with each of 3 orders" in section.html
    found = {
        (c["of"], c["recipe"], c["metric"], c["stage"], c["part"]): c for c in components(section)
    }
    assert len(found) == 4 * len(report.seed_noise)
    for row in report.seed_noise:
        of, stage = "change" if row.is_change else "score", row.grid.place.stage
        for part in ("initialisation", "order", "rest", "units"):
            cell = found[of, row.recipe, row.metric.key, stage, part]
            ranged = getattr(row.parts, part)
            assert float(cell["variance"]) == ranged.value
            assert ("low" in cell) == (ranged.low is not None)


def test_the_noise_is_that_of_what_the_study_compares(crossed_dir, tmp_path):
    content = read_content(crossed_dir) | {"primary_scores": {"arc_easy": "bits"}}
    save_study(tmp_path, content, pd.read_parquet(crossed_dir / TABLE))
    report = read_report(tmp_path)
    keys = {row.metric.key for row in report.seed_noise}
    assert keys == {metric.key for metric in report.summary.metrics}
    assert "gold_bits_per_byte/reasoning" in keys


def test_estimates_below_zero_are_told(crossed_dir):
    report = read_report(crossed_dir)
    parts = ("initialisation", "order", "rest", "units")
    below = sum(getattr(row.parts, name).value < 0 for row in report.seed_noise for name in parts)
    assert below and words(noise_section(report)).count("estimate below 0") == below


def test_by_several_recipes_the_median_stands_first(tmp_path, make_study):
    few = {**FEW, "recipes": ("text_only", "code_25", "code_100"), "seeds": (0, 1)}
    sizes = {"sizes": SIZES, "parts": PARTS}
    report = read_report(make_study(tmp_path / "b", **sizes, change=crossed, **few))
    said = words(noise_section(report))
    assert "median of the recipes, least to greatest" in said
    assert "With fewer than three seeds of either kind there are no intervals" in said
    assert "Recipe by recipe, with intervals" in said


def test_the_page_says_how_parts_were_made(crossed_dir, three_seeds_dir):
    said, unsaid = (" ".join(methods(read_report(d))) for d in (crossed_dir, three_seeds_dir))
    assert "Parts of the seed:" in said and "Parts of the seed" not in unsaid


def test_the_file_has_signed_variances(crossed_dir, tmp_path, undrawn):
    report = write_report(crossed_dir, tmp_path / "report.html")
    with (tmp_path / "report_data" / "components.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * len(report.seed_noise)
    assert any(float(row["variance"]) < 0 for row in rows)
    assert {row["initialisations"] for row in rows} == {"3"}
