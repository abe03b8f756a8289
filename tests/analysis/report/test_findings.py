"""What a study shows, in sentences."""

import re

import pandas as pd

from code_ablate.analysis.estimation.estimates import Settings
from code_ablate.analysis.estimation.flips import find_flips
from code_ablate.analysis.report.figures import main_figures
from code_ablate.analysis.report.findings import answer
from code_ablate.analysis.report.limits import limits
from code_ablate.analysis.report.page import (
    read_report,
    render_report,
    terminal_table,
    write_report,
)
from tests.analysis.report.cells import parse

QUICK = Settings()
SMALL = {"recipes": ("text_only", "code_100", "balanced_to_text"), "items": 40}


def test_without_a_common_seed_nothing_is_compared(tmp_path, make_study, undrawn):
    def change(study, table):
        study["arms"] = [
            arm
            for arm in study["arms"]
            if (arm["arm"]["recipe"] == "text_only") == (arm["arm"]["seed"] == 0)
        ]
        return table[(table["recipe"] == "text_only") == (table["seed"] == 0)]

    study = make_study(tmp_path / "a", change=change, **SMALL)
    report = read_report(study, QUICK)
    assert report.summary.comparisons == ()
    assert "Nothing can be said" in answer(report)[0]
    assert "no_common_seed" in {limit.key for limit in limits(report)}
    assert "not comparable" in terminal_table(report)
    write_report(study, tmp_path / "r.html", QUICK)
    text = (tmp_path / "r.html").read_text()
    assert 'data-kind="gain"' not in text and "<figure>" not in text[text.index('id="changes"') :]


def test_a_baseline_of_zero_gives_no_relative_gain(tmp_path, make_study, undrawn):
    def change(study, table):
        zero = (table["recipe"] == "text_only") & (table["category"] == "reasoning")
        table.loc[zero, "correct"] = 0.0

    study = make_study(tmp_path / "a", change=change, seeds=(0, 1, 2, 3), **SMALL)
    report = read_report(study, QUICK)
    undefined = [c for c in report.summary.comparisons if c.gain is None]
    assert {c.metric.label for c in undefined} == {"reasoning"}
    assert all(c.certain(0.2) and c.difference.low > 0 for c in undefined)
    assert "undefined_gain" in {limit.key for limit in limits(report)}
    shown = re.findall(r"\+\d+\.\d\spoints \[\+\d+\.\d, \+\d+\.\d\]", terminal_table(report))
    assert len(shown) == len(undefined)
    cells = pd.DataFrame(parse(render_report(report, main_figures(report))).cells)
    found = cells[cells["kind"] == "difference"]
    expected = [repr(c.difference.value) for c in undefined]
    assert sorted(found["value"]) == sorted(expected)
    certain = [c for c in undefined if c.certain()]
    assert certain and "points" in " ".join(answer(report))


def test_answer_names_what_holds_and_what_does_not(three_seeds_dir):
    text = " ".join(answer(read_report(three_seeds_dir, Settings())))
    assert re.search(r"fell against text_only .*with code_100 on demo\.web_code", text)
    assert re.search(r"rose, at most by: \+2\d\.\d\s% \[.*\] with code_100 on demo\.text", text)
    assert "In accuracy no recipe can be told apart from text_only here" in text
    assert "1.1 million parameters trained on 500,000 to 550,000 tokens with 3 seeds" in text
    assert "; what four of five such studies would find begins at" in text


def test_what_does_not_carry_over_to_another_setting_is_counted(tmp_path, make_study):
    sizes = {"slow": 1_065_344, "fast": 1_065_344}

    def other(study, table):
        """At the other rate what a recipe does to every domain is turned around."""
        turned = (table["size"] == "fast") & (table["kind"] == "bits_per_byte")
        bits = table.loc[turned, "bits"]
        table.loc[turned, "bits"] = 6 * table.loc[turned, "bytes"] - bits

    make = {"recipes": ("text_only", "code_100"), "items": 20, "seeds": (0, 1, 2)}
    same = read_report(make_study(tmp_path / "a", sizes=sizes, **make))
    last = answer(same)[-1]
    assert "hold in at least one of the 2 settings (slow and fast), 0 (0%)" in last
    turned = read_report(make_study(tmp_path / "b", sizes=sizes, change=other, **make))
    found = find_flips(turned.summary)
    assert found.held == found.reversed > 0
    assert f"and {found.reversed} hold there in the other direction" in answer(turned)[-1]
    one = read_report(make_study(tmp_path / "c", **make))
    assert "settings" not in " ".join(answer(one))
