"""A task with metrics of its own, from its metric_fns to study.json, report and terminal."""

import html
import re

import numpy as np
import pandas as pd
import pytest
import seqio

from code_ablate.analysis.estimation.estimates import Settings
from code_ablate.analysis.report.figures import main_figures
from code_ablate.analysis.report.one_checkpoint import as_json, summarise_tasks
from code_ablate.analysis.report.page import read_report, render_report, terminal_table
from code_ablate.analysis.report.terminal import task_table
from code_ablate.errors import UserError
from code_ablate.evaluation import declarations
from code_ablate.evaluation.measure import Engine
from code_ablate.evaluation.suite import Suite
from code_ablate.evaluation.suite_config import SuiteConfig
from code_ablate.identity import to_plain
from code_ablate.study.describe import _describe_tasks
from tests.analysis.conftest import PRETRAINING
from tests.analysis.report.cells import parse
from tests.evaluation.test_downstream import Bytes, Script, register_generation

QUESTIONS = ("the sky is", "grass is", "snow is")
GOLD = ("blue grey pale wide", "green deep", "white")
QUICK = Settings()
RECIPES = ("text_only", "balanced_only")


class Named(Bytes):
    digest = "bytes"


def words(target, prediction):
    return len(set(target) & set(prediction.split())) / len(target)


def overlap(targets, predictions):
    return {"overlap": float(np.mean(list(map(words, targets, predictions))))}


def length(targets, predictions):
    return {"length": float(np.mean([len(p.split()) for p in predictions]))}


def penalty(targets, predictions):
    return {"penalty": -2.0 * float(np.mean(list(map(words, targets, predictions))))}


def as_words(text, example=None, is_target=False):
    number = [q in str(example["inputs_pretokenized"]) for q in QUESTIONS].index(True)
    return tuple(GOLD[number].split()) if is_target else text


@pytest.fixture
def add_task():
    def add(*metrics):
        register_generation("own.task", metric_fns=list(metrics), postprocess_fn=as_words)

    yield add
    seqio.TaskRegistry.remove("own.task")
    declarations.forget("own.task")


ANSWERS = {
    "text_only": ("blue", "green", "white"),  # 0.25, 0.5, 1
    "balanced_only": ("blue grey", "green deep", "white"),  # 0.5, 1, 1
}


def evaluated(recipe):
    """What the suite makes of a recipe's answers: a SuiteResult."""
    suite = Suite.of(SuiteConfig(tasks=("own.task",)), Named(), {}, seq_len=127)
    (part,) = suite.parts
    script = Script(dict(zip(QUESTIONS, ANSWERS[recipe], strict=True)))
    about, items = part.evaluate(Engine(None, script), lambda done: None)
    known = {"identity": part.key.identity, **about}
    records = type("Records", (), {"load": lambda self, key: (items, dict(known))})
    return suite.result(records())


@pytest.fixture
def study_of(tmp_path, make_study):
    """A study whose arms answered the task."""

    def of():
        results = {recipe: evaluated(recipe) for recipe in RECIPES}

        def change(study, table):
            tasks = _describe_tasks(results.values())
            study["tasks"] |= {name: to_plain(record) for name, record in tasks.items()}
            parts = [table]
            for arm in study["arms"]:
                rows = results[arm["arm"]["recipe"]].items
                parts.append(rows.assign(**arm["arm"], phase=arm["phase"]))
            return pd.concat(parts, ignore_index=True)

        return make_study(tmp_path / "study", recipes=RECIPES, items=20, change=change)

    return of


def cells(page, **wanted):
    found = parse(page).cells
    return [c for c in found if all(c.get(key) == value for key, value in wanted.items())]


def said(page):
    plain = html.unescape(re.sub(r"<[^>]*>", " ", re.sub(r"<style>.*?</style>", "", page)))
    return " ".join(plain.split())


def test_a_graded_metric_appears_under_its_name(add_task, study_of, undrawn):
    add_task(overlap, length)
    report = read_report(study_of(), QUICK)
    record = report.record.tasks["own.task"]
    assert record.own_metrics == ("overlap", "length") and record.kind == "exact_match"
    for recipe, mean in (("text_only", 7 / 12), ("balanced_only", 2.5 / 3)):
        result = report.summary.task_results[PRETRAINING, recipe, "own.task"]
        assert result.scores["correct"].value == pytest.approx(mean)
        low, high = result.scores["correct"].low, result.scores["correct"].high
        assert 0 <= low < mean < high <= 1
    page = render_report(report, main_figures(report))
    (cell,) = cells(page, recipe="text_only", task="own.task", score="correct", stage="pretraining")
    assert float(cell["value"]) == pytest.approx(7 / 12)
    assert "Other: overlap, %" in said(page)
    (further,) = cells(
        page, recipe="balanced_only", task="own.task", score="metric/length", stage="pretraining"
    )
    assert float(further["value"]) == pytest.approx(5 / 3)
    assert "length, by the tasks' own metric" in said(page)
    assert re.search(r"other: overlap in %; 1 task, 3 items\n", terminal_table(report))
    assert re.search(r"text_only +0 % +58\.3 \[", terminal_table(report))


def test_a_metric_of_any_range_keeps_its_unit(add_task, study_of, undrawn):
    add_task(penalty)
    report = read_report(study_of(), QUICK)
    (metric,) = (m for m in report.summary.metrics if m.tasks == ("own.task",))
    assert (metric.unit, metric.is_share, metric.key) == ("penalty", False, "metric/own.task")
    level = report.summary.level(PRETRAINING, "text_only", metric)
    assert level.value == pytest.approx(-14 / 12) and level.low < level.value < level.high
    change = report.summary.comparison(PRETRAINING, "balanced_only", metric)
    assert change.gain is None and change.difference.value == pytest.approx(-0.5)
    text = terminal_table(report)
    assert "own.task: penalty; 1 task, 3 items" in text and "−0.500 [" in text
    page = said(render_report(report, main_figures(report)))
    assert "-1.167" in page and "penalty, %" not in page


def test_an_arm_alone_does_not_decide_the_range(add_task, study_of, undrawn):
    def points(targets, predictions):  # of text_only 0 or 1, of the other 0 to 2
        counts = [len(p.split()) for p in predictions]
        return {"points": float(np.mean(counts))}

    add_task(points)
    report = read_report(study_of(), QUICK)
    values = [
        report.summary.task_results[PRETRAINING, recipe, "own.task"].scores["metric/points"].value
        for recipe in RECIPES
    ]
    assert values == pytest.approx([1, 5 / 3])


def test_one_checkpoint_says_the_name(add_task):
    add_task(overlap, length)
    result = evaluated("text_only")
    summaries = summarise_tasks(result.items, result.tasks)
    (summary,) = summaries
    assert (summary.score_name, summary.is_share) == ("overlap", True)
    assert summary.score == pytest.approx(7 / 12) and summary.low < summary.score < summary.high
    text = task_table(summaries, {})
    assert re.search(r"overlap 58\.3% \[.*length 1\.000 \[1\.000, 1\.000\]", text)
    assert '"overlap": 0.583' in as_json(summaries, result.metrics, {})
    assert result.items["metric/overlap"].tolist() == [0.25, 0.5, 1.0]


def test_a_metric_without_numbers_is_refused_before_training(add_task):
    def worded(targets, predictions):
        return {"verdict": "good"}

    add_task(worded)
    suite = Suite.of(SuiteConfig(tasks=("own.task",)), Named(), {}, seq_len=127)
    with pytest.raises(UserError, match=r"'own\.task': metric 'verdict' of metric_fn 'worded'"):
        suite.prepared([type("Records", (), {"has": lambda self, key: False})()])


def test_a_table_without_the_scores_that_its_record_names_is_refused(add_task, study_of):
    add_task(overlap)
    directory = study_of()
    from code_ablate.analysis.results.results import load_results
    from tests.analysis.conftest import save_study

    results = load_results(directory)
    table = results.items.drop(columns="metric/overlap")
    save_study(directory, to_plain(results.record), table)
    with pytest.raises(UserError, match=r"'own\.task' have no score by its metric 'overlap'"):
        load_results(directory)
