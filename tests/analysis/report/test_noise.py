"""The table of noise, recomputed from the per-item table."""

import html
import re
import statistics

import pandas as pd
import pytest

from code_ablate.analysis.estimation.estimates import Settings
from code_ablate.analysis.report.content import read_report
from code_ablate.analysis.report.noise_tables import noise_table
from code_ablate.analysis.report.page import write_report
from tests.analysis.conftest import PRETRAINING


def score(rows: pd.DataFrame, metric: str) -> float:
    if metric.startswith("bits_per_byte/"):
        rows = rows[rows["task"] == metric]
        return rows["bits"].sum() / rows["bytes"].sum()
    rows = rows[rows["category"] == metric.removeprefix("accuracy/")]
    return rows.groupby("task")["correct"].mean().mean()


def test_spreads_over_seeds_are_those_of_the_items(three_seeds_dir):
    report = read_report(three_seeds_dir, Settings())
    items = report.results.items
    items = items[items["stage"] == "pretraining"]
    table = noise_table(report, PRETRAINING)
    for row, metric in zip(table.rows, report.summary.metrics, strict=True):
        spreads = [
            statistics.stdev(score(of_seed, metric.key) for _, of_seed in rows.groupby("seed"))
            for _, rows in items.groupby("recipe")
        ]
        assert float(row[1].data["value"]) == pytest.approx(statistics.median(spreads), rel=1e-9)
        scale, digits = metric.form
        low, high = (f"{scale * end:.{digits}f}" for end in (min(spreads), max(spreads)))
        assert row[1].lines[0].text == f"{low} to {high}"


def test_the_least_change_is_that_of_the_most_and_the_least_precise_recipe(three_seeds_dir):
    report = read_report(three_seeds_dir, Settings())
    table = noise_table(report, PRETRAINING)
    for row, metric in zip(table.rows, report.summary.metrics, strict=True):
        sizes = [
            100 * c.detectable / c.base
            for c in report.summary.comparisons
            if (c.place, c.metric) == (PRETRAINING, metric)
        ]
        shown = [float(cell.text.removesuffix("\u00a0%")) for cell in row[3:]]
        assert shown == pytest.approx([min(sizes), max(sizes)], abs=0.051)


@pytest.mark.parametrize(("seeds", "said"), [((0,), "has one seed"), ((0, 1), "has two seeds")])
def test_too_few_seeds_are_named(tmp_path, make_study, undrawn, seeds, said):
    study = make_study(tmp_path / "a", seeds=seeds, recipes=("text_only", "code_25"), items=10)
    write_report(study, tmp_path / "r.html", Settings())
    page = (tmp_path / "r.html").read_text()
    section = page[page.index('<section id="noise">') :]
    section = re.sub("<[^>]*>", " ", html.unescape(section[: section.index("</section>")]))
    assert said in section and "nan" not in section and "inf" not in section.replace("inform", "")
