"""Figures: what is drawn is what was computed; small, embeddable, reproducible."""

import base64
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread

from code_ablate.analysis.estimation.estimates import Settings
from code_ablate.analysis.report import figures
from code_ablate.analysis.report.content import read_report
from code_ablate.analysis.report.page import write_report
from tests.analysis.conftest import PRETRAINING, SIZE


@pytest.fixture(scope="module")
def report(study_dir):
    return read_report(study_dir, Settings(resamples=500))


def test_main_figure_draws_the_sweep_at_its_shares(report):
    figure = figures.main_figure(report, PRETRAINING)
    assert [axis.get_title(loc="left") for axis in figure.axes] == [
        m.label for m in report.summary.metrics
    ]
    for axis, metric in zip(figure.axes, report.summary.metrics, strict=True):
        scale = 1 if metric.lower_is_better else 100
        (line,) = [line for line in axis.lines if len(line.get_xdata()) == 5]
        np.testing.assert_allclose(line.get_xdata(), [0, 25, 50, 75, 100])
        names = ("text_only", "code_25", "balanced_only", "code_75", "code_100")
        values = [scale * report.summary.level(PRETRAINING, name, metric).value for name in names]
        np.testing.assert_allclose(line.get_ydata(), values)
        markers = {
            (round(float(line.get_xdata()[0])), line.get_marker())
            for line in axis.lines
            if line.get_marker() in "s^"
        }
        assert markers == {(30, "s"), (55, "^")}


def test_band_is_the_paired_interval_around_the_mean(report):
    metric = report.summary.metrics[0]
    low, high = figures._band(report, PRETRAINING, "code_75", metric)
    base = report.summary.level(PRETRAINING, "text_only", metric).value
    difference = report.summary.comparison(PRETRAINING, "code_75", metric).difference
    assert (low, high) == pytest.approx((base + difference.low, base + difference.high))
    level = report.summary.level(PRETRAINING, "code_75", metric)
    assert high - low < (level.high - level.low) / 2  # what pairing by document is for


def test_forest_fills_what_holds_after_correction(report):
    figure = figures.forest_figure(report, SIZE)
    titles = [axis.get_title(loc="left") for axis in figure.axes]
    axis = figure.axes[titles.index("demo.web_code")]
    markers = [line for line in axis.lines if line.get_marker() in "oD"]
    assert len(markers) == 6 + 3
    drawn = sorted(float(line.get_xdata()[0]) for line in markers)
    found = [c for c in report.summary.comparisons if c.metric.label == "demo.web_code"]
    np.testing.assert_allclose(drawn, sorted(100 * c.gain.value for c in found))
    filled = sum(line.get_markerfacecolor() != "white" for line in markers)
    assert filled == sum(c.certain() for c in found)
    without = replace(report, summary=replace(report.summary, comparisons=()))
    assert figures.forest_figure(without, SIZE) is None


def test_data_uri_is_svg_and_reproducible(report):
    uri = figures.to_data_uri(figures.main_figure(report, PRETRAINING))
    head, _, body = uri.partition(",")
    assert head == "data:image/svg+xml;base64"
    assert b"<svg" in base64.b64decode(body)
    assert figures.to_data_uri(figures.main_figure(report, PRETRAINING)) == uri


def test_readme_figure_is_small(report, tmp_path):
    path = figures.save_png(
        [figures.main_figure(report, PRETRAINING)], tmp_path / "docs" / "main.png"
    )
    assert path.stat().length < 200_000
    height, width, _ = imread(path).shape
    assert width > 900 and height > 400


def test_the_picture_of_a_study_shows_all_of_its_sizes(tmp_path, make_study):
    study = make_study(
        tmp_path / "a",
        sizes={"1M": 1_000_000, "4M": 4_000_000},
        recipes=("text_only", "code_25", "code_100"),
        items=20,
    )
    report = write_report(study, tmp_path / "report.html", Settings(resamples=100))
    both, parts = imread(tmp_path / "report.png"), []
    for i, figure in enumerate(figures.main_figures(report).values()):
        parts.append(imread(figures.save_png([figure], tmp_path / f"{i}.png")))
    assert len(parts) == 2
    assert both.shape[1] == parts[0].shape[1]
    np.testing.assert_array_equal(both, np.concatenate(parts))
    assert not np.array_equal(*parts)
