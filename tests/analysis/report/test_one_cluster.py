"""Items that all share one passage or subject give no interval, and none is shown."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from code_ablate.analysis.estimation.estimates import Settings
from code_ablate.analysis.report import figures
from code_ablate.analysis.report.content import read_report
from code_ablate.analysis.report.findings import answer
from code_ablate.analysis.report.one_checkpoint import as_json, summarise_tasks
from code_ablate.analysis.report.page import render_report
from code_ablate.analysis.report.terminal import task_table, terminal_table
from tests.analysis.conftest import PRETRAINING, REASONING

SWEEP = ("text_only", "code_25", "code_100", "balanced_to_text")
ROWS = ("text_only", "code_25")
MARKUP = "bits_per_byte/demo.markup"


@pytest.fixture(scope="module", params=[SWEEP, ROWS], ids=["against the share", "row by row"])
def report(tmp_path_factory, make_study, request):
    def change(study, table):
        table["cluster"] = np.where(table["task"].isin([MARKUP, *REASONING]), "all", None)
        if request.param == ROWS:  # no domain that is not infinite
            del study["tasks"]["bits_per_byte/demo.text"]
            return table[table["task"] != "bits_per_byte/demo.text"]
        return table

    folder = tmp_path_factory.mktemp("one") / "a"
    study = make_study(folder, seeds=(0, 1, 2), recipes=request.param, items=40, change=change)
    return read_report(study, Settings())


def test_nothing_is_said_to_be_detectable_there(report, undrawn):
    table = terminal_table(report)
    block = table.partition("demo.markup: bits")[2].partition("\n\n")[0]
    compared = len(report.results.recipes_at(PRETRAINING)) - 1
    assert block.count("[no interval]") == 2 * compared + 1  # scores, and changes to the baseline
    assert block.count("? more") == compared  # and no number
    sentences = " ".join(answer(report))
    page = re.sub("<[^>]*>", "", render_report(report, figures.main_figures(report)))
    for text in (table, sentences, page):
        assert not re.search(r"\b(inf|nan)\b", text)
    alone = "; where all items share one passage or subject, no change is called one"
    domains = re.search(
        r"no recipe can be told apart from text_only in bits per byte([^.]*)", sentences
    )[1]
    assert domains == alone
    # Of scores that are told apart with enough effort it is said how much, and of those alone.
    assert re.search(r"In accuracy no recipe.*; (what|one of) .* would (find|be found)", sentences)


def test_infinite_ends_are_drawn_to_the_edge_of_the_panel(report):
    figure = figures.main_figure(report, PRETRAINING)
    (axis,) = [a for a in figure.panels if a.get_title(loc="left") == "demo.markup"]
    levels = [
        report.summary.level(PRETRAINING, name, m).value
        for m in report.summary.metrics
        if m.label == "demo.markup"
        for name in report.results.recipes_at(PRETRAINING)
    ]
    if "code_100" in report.results.recipes_at(PRETRAINING):
        limits = axis.get_ylim()
        (band,) = axis.collections
        drawn = band.get_paths()[0].vertices[:, 1]
        (other,) = [line for line in axis.lines if set(line.get_ydata()) == set(limits)]
        assert len(set(other.get_xdata())) == 1
    else:
        limits = axis.get_xlim()
        drawn = np.concatenate(
            [line.get_xdata() for line in axis.lines if len(line.get_xdata()) == 2]
        )
        drawn = drawn[(drawn < min(levels)) | (drawn > max(levels))]
    assert np.isfinite(drawn).all()
    assert limits[0] in drawn and limits[1] in drawn
    assert limits[0] < min(levels) and max(levels) < limits[1]
    room = max(levels) - min(levels)  # and the rest can still be told apart
    assert limits[1] - limits[0] < 2 * room


def test_one_checkpoint_says_so_too():
    items = pd.DataFrame(
        {"item": ["a", "b"], "bits": [8.0, 30.0], "bytes": [4.0, 10.0], "correct": [1.0, 0.0]}
    ).assign(task="t", cluster="p", choices=np.nan, gold=np.nan, predicted=np.nan)
    info = {"kind": "gold_bits_per_byte", "category": "c", "available": 2}
    summaries = summarise_tasks(items, {"t": info})
    assert "2.714 [no interval]" in task_table(summaries, {})

    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    written = json.loads(as_json(summaries, {"t": {}}, {}), parse_constant=refuse)["tasks"]["t"]
    assert written["low"] is None and written["high"] is None
    assert written["score"] == pytest.approx(38 / 14, rel=1e-12)
