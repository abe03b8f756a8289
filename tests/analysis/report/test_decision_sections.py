"""What the scores can decide, and what was said beforehand: in the page and in the terminal."""

import dataclasses

import numpy as np
import pytest

from code_ablate.analysis.estimation.decisions import Ranged
from code_ablate.analysis.estimation.multiplier import Multiplier
from code_ablate.analysis.estimation.task_decisions import metric_of
from code_ablate.analysis.report.content import read_report
from code_ablate.analysis.report.decision_figure import (
    signal_figure,
    size_caption,
    size_figure,
)
from code_ablate.analysis.report.decision_phrases import multiplier_text, ranged_text, with_unit
from code_ablate.analysis.report.decision_tables import (
    decision_table,
    hypothesis_table,
    multiplier_table,
    signal_table,
)
from code_ablate.analysis.report.decision_text import decision_lines
from code_ablate.analysis.report.drawing import BLUE
from code_ablate.analysis.report.frozen_text import (
    corrected_over,
    frozen_facts,
    frozen_summary,
)
from code_ablate.analysis.report.headline import headline
from code_ablate.analysis.report.sections.decision_sections import decision_sections
from code_ablate.analysis.report.tables import gain_table, verdict_table
from code_ablate.analysis.report.terminal import terminal_table
from code_ablate.analysis.results.frozen import FrozenPlan, analysis_digest
from code_ablate.errors import UserError
from tests.analysis.conftest import PRETRAINING
from tests.analysis.results.test_curves import with_checkpoints
from tests.analysis.results.test_frozen import ENTRY

FEW = {"recipes": ("text_only", "code_25", "code_100"), "items": 20, "seeds": (0, 1, 2)}
SIZES = {"1M": 1_000_000, "4M": 4_000_000}


@pytest.fixture(scope="module")
def report(three_seeds_dir):
    return read_report(three_seeds_dir)


@pytest.fixture(scope="module")
def two_sizes(tmp_path_factory, make_study):
    directory = tmp_path_factory.mktemp("two")
    return read_report(make_study(directory, sizes=SIZES, seeds=(0, 1, 2), items=30))


def rows_of(table):
    return {row[0].text: row for row in table.rows}


def test_tasks_that_decide_nothing_are_grey(report):
    rows = rows_of(signal_table(report, PRETRAINING))
    assert rows.keys() == {report.summary.scores.tasks[t].label for t in report.evidence.primary}
    for task in report.evidence.primary:
        signal = report.evidence.signal(task, PRETRAINING)
        cell = rows[report.summary.scores.tasks[task].label][2]
        assert (cell.style == "open") == (signal.ratio.value < 2) == bool(cell.lines)
        assert float(cell.data["value"]) == signal.ratio.value
    styles = {row[2].style for row in rows.values()}
    assert styles == {"", "open"}


def test_the_score_that_counts_is_the_one_that_the_study_names(tmp_path, make_study):
    def change(study, table):
        study["primary_scores"] = {"arc_easy": "correct"}

    report = read_report(make_study(tmp_path / "a", change=change, **FEW))
    rows = rows_of(signal_table(report, PRETRAINING))
    assert rows["arc_easy"][1].text == "accuracy"
    assert rows["piqa"][1].text == "gold bits per byte"


def test_a_named_score_that_is_not_there_is_refused(tmp_path, make_study):
    def change(study, table):
        study["primary_scores"] = {"bits_per_byte/demo.text": "correct"}

    report = read_report(make_study(tmp_path / "a", change=change, **FEW))
    with pytest.raises(UserError, match=r"bits_per_byte/demo\.text.*it has bits"):
        signal_table(report, PRETRAINING)


def test_means_of_decisions_are_over_what_decides(two_sizes):
    table, evidence = decision_table(two_sizes), two_sizes.evidence
    for stage in ("pretraining", "cooldown"):
        place = dataclasses.replace(PRETRAINING, size="1M", stage=stage)
        kept = [
            evidence.decisions(task)["1M", "4M", stage].accuracy.value
            for task in evidence.primary
            if evidence.signal(task, place).decides
        ]
        assert 0 < len(kept) < len(evidence.primary)
        means = [
            row for row in table.rows if row[0].text == "mean" and row[1].lines[0].text == stage
        ]
        assert [float(row[2].data["value"]) for row in means] == [pytest.approx(np.mean(kept))]
    grey = [row for row in table.rows if row[2].style == "open"]
    assert grey and all(row[0].lines[0].mark for row in grey)


def test_regret_has_its_unit(two_sizes):
    tasks = two_sizes.summary.scores.tasks
    rows = [row for row in decision_table(two_sizes).rows if row[0].text != "mean"]
    units = {(row[0].text, cell.lines[0].text) for row in rows for cell in row[3:5]}
    assert units == {
        (tasks[name].label, "bits per byte" if tasks[name].domain else "gold bits per byte")
        for name in two_sizes.evidence.primary
    }
    values = [with_unit(metric_of(tasks["arc_easy"], score), 0.01) for score in ("correct", "bits")]
    assert values == ["1.0\N{NO-BREAK SPACE}points", "0.0100 gold bits per byte"]


def test_a_study_of_one_size_says_so(report):
    assert decision_table(report) is None
    [decisions, beforehand] = decision_sections(report)
    assert "has one model size" in decisions.html
    assert "Nothing was frozen" in beforehand.html


def test_multipliers_stand_in_their_table_and_beside_the_changes(tmp_path, make_study):
    make_study(tmp_path / "a", **FEW)
    digest = with_checkpoints(tmp_path / "a")

    def change(study, table):
        study["checkpoints_digest"] = digest

    report = read_report(make_study(tmp_path / "a", change=change, **FEW))
    rows = rows_of(multiplier_table(report, PRETRAINING))
    found = report.evidence.multipliers[PRETRAINING, "code_25", "bits_per_byte/demo.text"]
    assert rows["code_25"][1].text == multiplier_text(found)
    assert any("tokens" in line for line in decision_lines(report))
    assert report.evidence.checkpoint_noise["bits_per_byte/demo.text", PRETRAINING] < 1e-9
    [decisions, _] = decision_sections(report)
    assert "Compute multiplier" in decisions.html
    [size] = report.results.sizes
    texts = [sentence.text for sentence in headline(report, size)]
    assert any("for which text_only would need" in text for text in texts)
    cells = [cell for row in gain_table(report, PRETRAINING).rows for cell in row]
    assert any(line.text == f"tokens {multiplier_text(found)}" for c in cells for line in c.lines)


def test_what_lies_beyond_the_curve_is_not_made_up():
    text = multiplier_text(Multiplier(9.0, 0.1, np.inf, reach=4.0))
    assert text == "over 4× [under 0.25, over 4]"
    assert multiplier_text(Multiplier(0.1, 0.01, 0.2, reach=4.0)) == "under 0.25×"
    assert multiplier_text(Multiplier(1.4, 1.2, 1.66, reach=4.0)) == "1.40× [1.20, 1.66]"
    assert ranged_text(Ranged(1.25), "{:.1f}".format) == "1.2"
    assert ranged_text(Ranged(1.26, 0.5, 2.0), "{:.1f}".format) == "1.3 [0.5, 2.0]"


@pytest.fixture
def frozen_report(tmp_path, make_study):
    def make(**fields):
        directory = make_study(tmp_path / "a", **FEW)
        known = {"configuration": "0123", "analysis": analysis_digest(), "design": {}}
        plan = FrozenPlan.of(None, dataclasses.replace(ENTRY, **known | fields))
        plan.write(directory)
        return read_report(directory), plan

    return make


def test_hypotheses_and_what_is_exploratory(frozen_report):
    report, plan = frozen_report()
    table = hypothesis_table(report)
    claims = {(row[0].text, row[1].text): row for row in table.rows}
    assert {claim: row[4].text for claim, row in claims.items()} == {
        ("code_25", "demo.web_code"): "holds",  # both were claimed to be better, and are
        ("code_100", "demo.web_code"): "holds",
    }
    exploratory = len(report.summary.comparisons) - len(table.rows)
    assert f"{len(table.rows)} frozen, 0 amended and {exploratory} exploratory" in (
        frozen_summary(report)
    )
    facts = frozen_facts(report, plan)
    assert "the study was run so" in facts["Design"] and "same code" in facts["Analysis"]
    assert facts["Margins"] == "none: nothing is called equivalent"


def test_what_is_exploratory_is_marked_wherever_it_is_called_different(frozen_report):
    report, _ = frozen_report()
    certain = [c for c in report.summary.comparisons if c.certain()]
    apart = [c for c in certain if c.exploratory]
    assert apart and len(apart) < len(certain)
    [size] = report.results.sizes
    for make in (verdict_table, gain_table):
        table = make(report, PRETRAINING)
        marks = [
            any(line.text == "exploratory" and line.mark for line in cell.lines)
            for row in table.rows
            for cell in row[1:]
        ]
        assert sum(marks) == sum(c.place == PRETRAINING for c in apart)
    sentences = [sentence.text for sentence in headline(report, size)]
    # A hypothesis named code_100 on demo.web_code, so it goes before larger changes elsewhere.
    assert any("on demo.web_code" in s and "exploratory" not in s for s in sentences)
    assert any("exploratory, as no hypothesis named it" in s for s in sentences)
    text = terminal_table(report)
    assert "° exploratory" in text and "are exploratory and corrected apart" in text
    assert "* exploratory" not in text
    named = len(report.summary.comparisons) - sum(c.exploratory for c in report.summary.comparisons)
    assert corrected_over(report).startswith(f"the {named} comparisons that hypotheses named")


def test_a_claim_about_nothing_is_said(frozen_report):
    claims = ("code_25 accuracy/reasonin better", "code_25 accuracy/reasoning better")
    report, plan = frozen_report(hypotheses=claims)
    assert frozen_facts(report, plan)["Claims about no comparison"] == claims[0]


def test_a_changed_design_and_analysis_are_said(frozen_report):
    report, plan = frozen_report(configuration="other", analysis="other", design={"margin": 0.02})
    facts = frozen_facts(report, plan)
    for name in ("Design", "Margins", "Analysis"):
        assert "it was changed after it was frozen" in facts[name]
    amended = FrozenPlan.of(plan, dataclasses.replace(plan.first, configuration="0123"))
    assert "as it was amended before there were results" in frozen_facts(report, amended)["Design"]
    late = dataclasses.replace(plan.first, configuration="0123", after_results=True)
    assert "changed after" in frozen_facts(report, FrozenPlan.of(plan, late))["Design"]


def test_what_was_frozen_after_the_results_proves_nothing(frozen_report):
    report, plan = frozen_report(after_results=True)
    assert "proves nothing" in frozen_facts(report, plan)["Frozen"]
    assert hypothesis_table(report) is None
    assert "0 frozen, 0 amended" in frozen_summary(report)


def drawn_points(panel):
    """(x, y) of every marker, in the order in which they were drawn."""
    return [
        (line.get_xdata()[0], line.get_ydata()[0])
        for line in panel.lines
        if len(line.get_xdata()) == 1
    ]


def test_the_figure_of_signals_has_every_score_and_marks_the_one_that_counts(report):
    drawing = signal_figure(report, PRETRAINING)
    evidence, tasks = report.evidence, report.summary.scores.tasks
    drawn = 0
    for panel in drawing.panels:
        rows = [label.get_text() for label in panel.get_yticklabels()]
        markers = [line for line in panel.lines if line.get_marker() not in ("None", None)]
        drawn += len(markers)
        filled = [m for m in markers if m.get_markerfacecolor() != "white"]
        assert len(filled) == len(rows)
        for marker, label in zip(filled, rows, strict=True):
            [task] = [name for name in evidence.primary if tasks[name].label == label]
            signal = evidence.signal(task, PRETRAINING)
            assert marker.get_xdata()[0] == pytest.approx(signal.ratio.value)
            assert (marker.get_markerfacecolor() == BLUE) == signal.decides
    assert drawn == sum(place == PRETRAINING for _, _, place in evidence.decided.signals)
    few = sum(not evidence.signal(t, PRETRAINING).decides for t in evidence.primary)
    assert 0 < few < len(evidence.primary)
    assert f"{len(evidence.primary) - few} of {len(evidence.primary)} tasks reach 2" in drawing.alt
    assert all("Signal to noise" in svg for svg in drawing.svgs())


def test_nothing_is_drawn_without_seeds_or_sizes(report, tmp_path, make_study):
    assert size_figure(report) is None and size_caption(report) == ""
    one = read_report(make_study(tmp_path / "a", **{**FEW, "seeds": (0,)}))
    assert signal_figure(one, PRETRAINING) is None
    [decisions, _] = decision_sections(one)
    assert "<svg" not in decisions.html.replace('<svg class="swatch"', "")


def test_the_figure_of_sizes_has_recipes_at_both(two_sizes):
    drawing = size_figure(two_sizes)
    evidence, scores = two_sizes.evidence, two_sizes.summary.scores
    key = ("1M", "4M", "pretraining")
    ratios = {
        task: evidence.signal(task, dataclasses.replace(PRETRAINING, size="1M")).ratio.value
        for task in evidence.primary
    }
    largest = sorted(ratios, key=lambda task: -ratios[task])[:6]
    titles = [panel.get_label().partition(",")[0] for panel in drawing.panels]
    assert titles == [scores.tasks[task].label for task in largest]
    for panel, task in zip(drawing.panels, largest, strict=True):
        decision = evidence.decisions(task)[key]
        found = drawn_points(panel)
        assert [x for x, _ in found] == pytest.approx(decision.small)
        assert [y for _, y in found] == pytest.approx(decision.large)
        level = two_sizes.summary.levels.get(
            (dataclasses.replace(PRETRAINING, size="4M"), "text_only", task)
        )
        if level is not None:
            assert found[0][1] == pytest.approx(level.value)
        assert f"{100 * decision.accuracy.value:.0f}" in panel.get_xlabel()
    caption = size_caption(two_sizes)
    assert f"the 6 of {len(evidence.primary)} tasks" in caption and "1M and at 4M" in caption
    [decisions, _] = decision_sections(two_sizes)
    assert caption.replace("'", "&#39;") in decisions.html


def test_sizes_are_held_against_each_other_within_a_setting(tmp_path, make_study):
    names = [f"{size}, learning rate {rate}" for size in ("1M", "4M") for rate in (1, 2)]
    sizes = {name: int(name[0]) * 1_000_000 for name in names}
    parts = {name: tuple(name.split(", ")) for name in names}
    report = read_report(make_study(tmp_path / "a", sizes=sizes, parts=parts, **FEW))
    for task in report.evidence.primary:
        pairs = {(small, large) for small, large, _ in report.evidence.decisions(task)}
        assert pairs == {(names[0], names[2]), (names[1], names[3])}


def test_a_comma_in_the_name_of_a_model_begins_no_setting(tmp_path, make_study):
    sizes = {"1M, deep": 1_000_000, "4M, wide": 4_000_000}
    report = read_report(make_study(tmp_path / "a", sizes=sizes, **FEW))
    task = next(iter(report.evidence.primary))
    pairs = {(small, large) for small, large, _ in report.evidence.decisions(task)}
    assert pairs == {tuple(sizes)}


def test_settings_of_one_model_are_no_two_sizes(tmp_path, make_study):
    settings = {"1M, learning rate 1": 1_000_000, "1M, learning rate 2": 1_000_000}
    report = read_report(make_study(tmp_path / "a", sizes=settings, **FEW))
    assert decision_table(report) is None and size_figure(report) is None
    [decisions, _] = decision_sections(report)
    assert "has one model size" in decisions.html
