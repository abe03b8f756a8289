"""Figures: what is drawn is what was computed; small, embeddable, reproducible."""

import re
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread

from code_ablate.analysis.estimation.estimates import (
    CANNOT_SAY,
    DIFFERENT,
    EQUIVALENT,
    Settings,
)
from code_ablate.analysis.report import figures
from code_ablate.analysis.report.change_figure import change_figure
from code_ablate.analysis.report.content import read_report
from code_ablate.analysis.report.drawing import Drawing, panel, save_png
from code_ablate.analysis.report.elements import Key
from code_ablate.analysis.report.page import write_report
from tests.analysis.conftest import PRETRAINING, SIZE


@pytest.fixture(scope="module")
def report(study_dir):
    return read_report(study_dir, Settings())


def test_main_figure_draws_the_sweep_at_its_shares(report):
    panels = figures.main_figure(report, PRETRAINING).panels
    assert [axis.get_title(loc="left") for axis in panels] == [
        m.label for m in report.summary.metrics
    ]
    for axis, metric in zip(panels, report.summary.metrics, strict=True):
        scale = 1 if metric.lower_is_better else 100
        (line,) = [line for line in axis.lines if len(line.get_xdata()) == 5]
        np.testing.assert_allclose(line.get_xdata(), [0, 25, 50, 75, 100])
        names = ("text_only", "code_25", "balanced_only", "code_75", "code_100")
        values = [scale * report.summary.level(PRETRAINING, name, metric).value for name in names]
        np.testing.assert_allclose(line.get_ydata(), values)
        beside = {line.get_marker(): line.get_xdata()[0] for line in axis.lines
                  if line.get_marker() in "s^"}  # fmt: skip
        assert 100 < beside["s"] < beside["^"] < axis.get_xlim()[1]  # no point of the curve


def test_recipes_beside_the_line_are_told_apart_by_colour_and_shape(report):
    keys = figures.main_figure(report, PRETRAINING).keys
    looks = {(key.colour, key.marker, key.line, key.face, key.band) for key in keys}
    assert len(looks) == len(keys)
    named = [key for key in keys if "(several phases, " in key.label]
    assert [key.label.rpartition(", ")[2] for key in named] == ["30 % code)", "55 % code)"]
    assert len({key.colour for key in named}) == len({key.marker for key in named}) == 2


def test_band_is_the_paired_interval_around_the_mean(report):
    metric = report.summary.metrics[0]
    low, high = figures._band(report, PRETRAINING, "code_75", metric)
    base = report.summary.level(PRETRAINING, "text_only", metric).value
    difference = report.summary.comparison(PRETRAINING, "code_75", metric).difference
    assert (low, high) == pytest.approx((base + difference.low, base + difference.high))
    level = report.summary.level(PRETRAINING, "code_75", metric)
    assert high - low < (level.high - level.low) / 2  # what pairing by document is for


def test_marks_of_changes_tell_the_verdicts_and_a_band_the_margin(three_seeds_dir):
    report = read_report(three_seeds_dir, Settings(margin=0.02))
    drawn = [c for c in report.summary.comparisons if c.gain is not None]
    metrics = list(dict.fromkeys(c.metric for c in drawn))
    verdicts = set()
    for metric, axis in zip(metrics, change_figure(report, SIZE).panels, strict=True):
        marks = [line for line in axis.lines if line.get_marker() in "oD"]
        found = sorted((c for c in drawn if c.metric == metric), key=lambda c: c.gain.value)
        marks.sort(key=lambda line: float(line.get_xdata()[0]))
        places = [float(line.get_xdata()[0]) for line in marks]
        np.testing.assert_allclose(places, [100 * c.gain.value for c in found])
        for line, comparison in zip(marks, found, strict=True):
            face = {EQUIVALENT: "#c8c8c8", CANNOT_SAY: "white"}
            own = line.get_markeredgecolor()
            assert line.get_markerfacecolor() == face.get(comparison.verdict(), own)
            verdicts.add(comparison.verdict())
        [band] = axis.patches
        assert (band.get_x(), band.get_x() + band.get_width()) == pytest.approx((-2, 2))
    assert verdicts == {DIFFERENT, EQUIVALENT, CANNOT_SAY}
    # An absolute margin is drawn as a part of the baseline's score, and only where there is one.
    settings = Settings(margins={"bits_per_byte/demo.text": 0.05})
    report = read_report(three_seeds_dir, settings)
    figure = change_figure(report, SIZE)
    bands = {axis.get_title(loc="left"): list(axis.patches) for axis in figure.panels}
    [band] = bands.pop("demo.text")
    bases = [c.base for c in report.summary.comparisons if c.metric.label == "demo.text"]
    assert band.get_width() / 2 == pytest.approx(100 * 0.05 / max(bases))
    assert not any(bands.values())
    assert "margin of equivalence" in [key.label for key in figure.keys]
    plain = change_figure(read_report(three_seeds_dir, Settings()), SIZE)
    assert "margin of equivalence" not in [key.label for key in plain.keys]
    without = replace(report, summary=replace(report.summary, comparisons=()))
    assert change_figure(without, SIZE) is None


def test_panels_are_svg_of_text_and_reproducible(report):
    svgs = figures.main_figure(report, PRETRAINING).svgs()
    assert svgs == figures.main_figure(report, PRETRAINING).svgs()
    for svg, metric in zip(svgs, report.summary.metrics, strict=True):
        assert svg.startswith("<svg ") and svg.rstrip().endswith("</svg>")
        assert f">{metric.label}</text>" in svg
        assert "<style" not in svg and "xmlns" not in svg and "<!--" not in svg


def test_names_within_panels_are_unique_and_lead_somewhere(report):
    drawing = figures.main_figure(report, PRETRAINING)
    names = [name for svg in drawing.svgs() for name in re.findall(r' id="([^"]*)"', svg)]
    used = {
        name for svg in drawing.svgs() for name in re.findall(r'(?:href="#|url\(#)([^")]+)', svg)
    }
    assert names and len(set(names)) == len(names) and set(names) == used


def test_a_panel_fits_its_names_and_says_them_in_full():
    rows = ["a_recipe_with_a_very_long_name_of_many_words", "short"]
    title = "a measure whose name is longer than any panel is wide, by far"
    axis = panel(title, rows=rows)
    figure = axis.get_figure()
    figure.draw_without_rendering()
    for label in axis.get_yticklabels():
        assert label.get_window_extent().x0 >= 0
    width = figure.get_size_inches()[0] * figure.dpi
    assert axis._left_title.get_window_extent().x1 <= width
    assert axis.get_title(loc="left").endswith("…")
    (svg,) = Drawing("Scores", (axis,)).svgs()
    assert title in svg


def test_readme_figure_is_small(report, tmp_path):
    path = save_png([figures.main_figure(report, PRETRAINING)], tmp_path / "docs" / "main.png")
    assert path.stat().length < 200_000
    height, width, _ = imread(path).shape
    assert width > 900 and height > 400


def test_a_legend_of_many_keys_is_drawn_whole(tmp_path):
    axis = panel("a")
    keys = tuple(Key(f"recipe_{i:02d}", "#0072B2", "o", "-") for i in range(20))
    heights = []
    for count in (1, 20):
        path = save_png([Drawing("a", (axis,), keys[:count])], tmp_path / f"{count}.png")
        heights.append(imread(path).shape[0])
    assert heights[1] > heights[0] + 100


def test_the_picture_of_a_study_shows_all_of_its_sizes(tmp_path, make_study):
    study = make_study(
        tmp_path / "a",
        sizes={"1M": 1_000_000, "4M": 4_000_000},
        recipes=("text_only", "code_25", "code_100"),
        items=20,
    )
    report = write_report(study, tmp_path / "report.html", Settings(), png=True)
    both, parts = imread(tmp_path / "report.png"), []
    for i, drawing in enumerate(figures.main_figures(report).values()):
        parts.append(imread(save_png([drawing], tmp_path / f"{i}.png")))
    assert len(parts) == 2
    assert both.shape[1] == parts[0].shape[1]
    np.testing.assert_array_equal(both, np.concatenate(parts))
    assert not np.array_equal(*parts)
