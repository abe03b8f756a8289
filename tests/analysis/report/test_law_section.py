"""The section on the law of the mixture: the set of good mixtures, with its figure and tables."""

import html
import re

import numpy as np
import pandas as pd
import pytest

from code_ablate.analysis.estimation.estimates import Settings
from code_ablate.analysis.report.law_figures import law_drawing
from code_ablate.analysis.report.page import write_report
from code_ablate.analysis.report.sections.law_section import law_section
from code_ablate.cli import main
from tests.analysis.laws.conftest import CORPORA, make_optimum


@pytest.fixture(scope="module")
def optimum():
    return make_optimum()


def test_the_ranges_of_good_mixtures_are_drawn_and_written(optimum):
    drawing = law_drawing(optimum)
    ranges = optimum.ranges().set_index("corpus")
    axis = drawing.panels[0]
    names = [label.get_text() for label in axis.get_yticklabels()]
    assert set(names) == set(CORPORA)
    picks, todays = (line for line in axis.lines if len(line.get_xdata()) == len(CORPORA))
    for line, column in ((picks, "pick"), (todays, "today")):
        for y, share in zip(line.get_ydata(), line.get_xdata(), strict=True):
            assert share == pytest.approx(100 * ranges[column][names[int(y)]])
    low, high = axis.get_ylim()
    assert low < high  # the greatest share of the pick on top, as its row comes last
    text = re.sub("<[^>]*>", " ", html.unescape(law_section(optimum).html))
    assert "cannot be told from the best" in text and "Shares of the tokens, %" in text
    pick = ranges["pick"].idxmax()
    assert re.search(rf"{pick}\s+{100 * ranges['pick'][pick]:.1f}\s", text)


def test_slices_show_where_the_region_does_not_allow_them(optimum):
    drawing = law_drawing(optimum)
    assert "predicted, where the region does not allow it" in [k.label for k in drawing.keys]
    (code,) = (axis for axis in drawing.panels[1:] if axis.get_label() == "code")
    whole, allowed = (line for line in code.lines if len(line.get_xdata()) > 2)
    beyond = np.asarray(whole.get_xdata()) > 20.01
    assert beyond.any() and np.isnan(np.asarray(allowed.get_ydata())[beyond]).all()


def test_a_report_with_a_law_has_its_section_and_tables(optimum, study_dir, tmp_path, undrawn):
    write_report(study_dir, tmp_path / "r.html", Settings(), law=optimum)
    assert '<section id="law">' in (tmp_path / "r.html").read_text()
    shares = pd.read_parquet(tmp_path / "r_data" / "law_shares.parquet")
    pd.testing.assert_frame_equal(shares, optimum.ranges(), check_dtype=False)
    own = tmp_path / "r_data" / "of_mine.csv"
    own.write_text("a")
    write_report(study_dir, tmp_path / "r.html", Settings())
    assert not list((tmp_path / "r_data").glob("law*")) and own.exists()


def test_a_law_of_too_few_mixtures_is_refused_before_anything_is_written(
    study_dir, tmp_path, capsys
):
    out = tmp_path / "r.html"
    assert main(["report", str(study_dir), "--law", "--out", str(out)]) == 2
    assert "different mixtures: a law needs 8 or more" in capsys.readouterr().err
    assert not out.exists()
