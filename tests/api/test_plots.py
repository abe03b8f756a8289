"""Pictures: they hold the lines and bars of their frames, and show themselves."""

import pandas as pd
import pytest

import code_ablate
from code_ablate.api.plots import COLOURS, Plot, lines_plot
from code_ablate.errors import UserError
from tests.small_laboratory import RECIPES, SEQ_LEN

PNG = b"\x89PNG"


def lines(plot):
    return plot.figure.axes[0].get_lines()


def bars(plot):
    return plot.figure.axes[0].patches


def test_curves_of_a_run_have_a_line_for_each_corpus(laboratory):
    run = code_ablate.open_run(laboratory.first.path)
    drawn = lines(run.plot_curves())
    assert len(drawn) == 3  # of all, and of two corpora
    assert list(drawn[0].get_ydata()) == run.metrics["loss"].tolist()
    assert list(drawn[0].get_xdata()) == run.metrics["tokens"].tolist()
    assert run.plot_curves()._repr_png_().startswith(PNG)
    with pytest.raises(UserError, match="no measure 'los' was logged: there is loss, "):
        run.plot_curves("los")


def test_curves_of_a_study_have_a_line_for_each_seed(laboratory):
    study = code_ablate.open_study(laboratory.study)
    drawn = lines(study.plot_curves())
    assert len(drawn) == 3 * len(RECIPES)
    assert [line.get_color() for line in drawn] == [COLOURS[0]] * 3 + [COLOURS[1]] * 3
    assert len(lines(study.plot_curves(recipe="balanced_only"))) == 3 * 3


def test_scores_and_changes_have_a_panel_for_each_metric(laboratory):
    study = code_ablate.open_study(laboratory.study)
    plot, scores = study.plot_scores(), study.scores
    titles = [axis.get_title(loc="left") for axis in plot.figure.axes if axis.get_title(loc="left")]
    assert titles == list(dict.fromkeys(scores["label"]))
    text = scores[scores["label"] == "demo.text"]
    marks = [line for line in lines(plot) if len(line.get_xdata()) == 1]
    assert sorted(line.get_xdata()[0] for line in marks) == sorted(text["value"])
    ends = [sorted(line.get_xdata()) for line in lines(plot) if len(line.get_xdata()) == 2]
    assert sorted(ends) == sorted(text[["low", "high"]].to_numpy().tolist())
    assert plot._repr_png_().startswith(PNG)


def test_the_inside_of_a_mark_tells_the_verdict(laboratory):
    study = code_ablate.open_study(laboratory.study)
    comparisons = study.comparisons
    assert {"different", "cannot say"} <= set(comparisons["verdict"])
    found = 0
    for axis in study.plot_comparisons().figure.axes:
        rows = comparisons[comparisons["label"] == axis.get_title(loc="left")]
        marks = [line for line in axis.get_lines() if line.get_marker() != "None"]
        marks.sort(key=lambda line: line.get_xdata()[0])
        rows = rows.sort_values("change")
        assert [line.get_xdata()[0] for line in marks] == list(100 * rows["change"])
        for line, verdict in zip(marks, rows["verdict"], strict=True):
            face = {"equivalent": "#c8c8c8", "cannot say": "white"}.get(verdict)
            assert line.get_markerfacecolor() == (face or line.get_markeredgecolor())
        found += len(marks)
    assert found == len(comparisons)


def test_bars_are_as_long_as_shares(laboratory):
    mixture = code_ablate.open_mixture(
        {"small.text": 0.75, "small.code": 0.25}, data=laboratory.data, seq_len=SEQ_LEN
    )
    shares = mixture.realised_tokens(400)
    widths = [bar.get_width() for bar in bars(mixture.plot_realised_tokens(400))]
    wanted = [*(100 * shares["requested_share"]), *(100 * shares["share"])]
    assert widths == pytest.approx(wanted, rel=1e-12)
    assert len(lines(mixture.plot_epochs(4000))) == 2
    run = code_ablate.open_run(laboratory.then.path)
    assert [bar.get_width() for bar in bars(run.plot_realised_tokens())] == [100, 100]
    study = code_ablate.open_study(laboratory.study)
    assert len(bars(study.plot_realised_tokens("text_only"))) == 2 * len(
        study.record.arms[1].corpora
    )


def test_a_corpus_is_drawn_by_its_steps_and_its_lengths(laboratory):
    corpus = code_ablate.open_corpus("small.code", data=laboratory.data)
    widths = [bar.get_width() for bar in bars(corpus.plot_funnel())]
    assert widths == corpus.funnel["documents"].tolist()
    heights = [bar.get_height() for bar in bars(corpus.plot_documents())]
    assert sum(heights) == len(corpus.documents)


def test_more_lines_than_colours_are_told_apart():
    names = [f"n{i}" for i in range(9)]
    frame = pd.DataFrame({"x": [1, 2] * 9, "y": 0.0, "of": [n for n in names for _ in "ab"]})
    drawn = lines(lines_plot(frame, "x", "y", "of", ("x", "y")))
    looks = {(line.get_color(), line.get_marker(), line.get_linestyle()) for line in drawn}
    assert len(looks) == len(names)


def test_it_is_written_by_the_ending_of_its_name(tmp_path, laboratory):
    plot = code_ablate.open_corpus("small.code", data=laboratory.data).plot_funnel()
    assert isinstance(plot, Plot)
    for ending, begin in (("svg", b"<?xml"), ("png", PNG), ("pdf", b"%PDF")):
        plot.save(tmp_path / f"funnel.{ending}")
        assert (tmp_path / f"funnel.{ending}").read_bytes().startswith(begin)
    with pytest.raises(UserError, match=r"not '\.gif'"):
        plot.save(tmp_path / "funnel.gif")
