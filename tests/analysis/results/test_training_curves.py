"""Training curves are read from the runs beside a study; what is not there is told."""

import json
import shutil

import numpy as np
import pytest

from code_ablate.analysis.estimation.estimates import Settings
from code_ablate.analysis.report.content import make_report
from code_ablate.analysis.report.curve_figure import curve_figure
from code_ablate.analysis.report.page import write_report
from code_ablate.analysis.results.arm import Arm
from code_ablate.analysis.results.results import load_results
from code_ablate.analysis.results.training_curves import read_curves
from tests.analysis.conftest import SIZE

RECIPES = ("text_only", "balanced_to_text")


def loss(identity: str, corpus: str, tokens: int) -> float:
    return 5.0 - tokens / 1e6 + (0.5 if corpus == "demo.text" else 0.0) + len(identity) / 1000


@pytest.fixture
def study(tmp_path, make_study):
    """A study, and the metrics of its runs beside it: five lines each."""
    folder = make_study(tmp_path / "runs" / "study-demo", recipes=RECIPES, items=10)
    for identity, phase in load_results(folder).record.phases.items():
        run = tmp_path / "runs" / f"some-label-{identity}"
        run.mkdir()
        lines = []
        for step in range(1, 6):
            tokens = phase.tokens * step // 5
            line = {"step": step, "tokens": tokens, "loss": 4.0}
            for corpus in ("demo.text", "demo.web_code"):
                if corpus == "demo.text" or step > 2:
                    line[f"loss/{corpus}"] = loss(identity, corpus, tokens)
            lines.append(json.dumps(line))
        (run / "metrics.jsonl").write_text("\n".join(lines) + "\n" + '{"step": 6, "tok')
    return folder


def test_a_chain_of_phases_is_one_curve_with_the_tokens_of_all(study):
    results = load_results(study)
    curves = read_curves(study, results)
    assert curves.missing == () and set(curves.arms) == {arm.arm for arm in results.last_arms}
    curve = curves.arms[Arm("balanced_to_text", SIZE, 1, "cooldown")]
    lengths = [200_000, 300_000, 50_000]
    starts = np.cumsum([0, *lengths[:-1]])
    assert curve.starts == tuple(starts)
    expected = np.concatenate(
        [s + n * np.arange(1, 6) / 5 for s, n in zip(starts, lengths, strict=True)]
    )
    np.testing.assert_array_equal(curve.tokens, expected)
    text, code = curve.loss["demo.text"], curve.loss["demo.web_code"]
    assert np.isfinite(text).all() and np.isnan(code).sum() == 6
    (arm,) = (a for a in results.last_arms if a.arm == Arm("balanced_to_text", SIZE, 1, "cooldown"))
    assert text[7] == pytest.approx(loss(arm.phases[1], "demo.text", 180_000))


def test_a_run_that_is_not_there_leaves_out_what_needs_it(study):
    results = load_results(study)
    arm = next(a for a in results.last_arms if a.arm.recipe == "text_only")
    shutil.rmtree(study.parent / f"some-label-{arm.phases[0]}")
    curves = read_curves(study, results)
    assert curves.missing == (arm.phases[0],)
    assert set(curves.arms) == {a.arm for a in results.last_arms} - {arm.arm}


def test_the_figure_has_a_panel_for_each_corpus_and_a_line_for_each_recipe(study):
    results = load_results(study)
    report = make_report(results, Settings())
    drawing = curve_figure(report, read_curves(study, results), SIZE)
    assert [axis.get_label() for axis in drawing.panels] == ["demo.text", "demo.web_code"]
    assert [key.label for key in drawing.keys] == list(RECIPES)
    lines = [line for line in drawing.panels[0].lines if len(line.get_xdata()) > 1]
    assert len(lines) == 2 and lines[0].get_color() != lines[1].get_color()
    assert max(lines[1].get_xdata()) == 550  # thousands


def test_the_page_says_where_curves_are_not(study, tmp_path, undrawn):
    write_report(study, tmp_path / "with.html", Settings())
    text = (tmp_path / "with.html").read_text()
    assert "Lines are means of the seeds" in text and "There are no curves" not in text
    shutil.copytree(study, tmp_path / "moved" / "study-demo")
    write_report(tmp_path / "moved" / "study-demo", tmp_path / "moved.html", Settings())
    assert "There are no curves" in (tmp_path / "moved.html").read_text()


def test_a_long_run_is_thinned_to_its_last_line(study):
    results = load_results(study)
    arm = results.last_arms[0]
    path = study.parent / f"some-label-{arm.phases[0]}" / "metrics.jsonl"
    lines = [{"step": n, "tokens": 10 * n, "loss/demo.text": float(n)} for n in range(1, 5001)]
    path.write_text("\n".join(map(json.dumps, lines)) + "\n")
    curve = read_curves(study, results).arms[arm.arm]
    first = curve.tokens[curve.tokens <= 50_000]
    assert 100 <= len(first) <= 200 and first[-1] == 50_000
