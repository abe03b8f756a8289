"""A study with tasks of every kind: what counts where, and what the page says of it."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
from markupsafe import Markup
from scipy import stats

from code_ablate.analysis.estimation import statistics as st
from code_ablate.analysis.estimation.estimates import Settings
from code_ablate.analysis.report import drawing
from code_ablate.analysis.report.content import read_report
from code_ablate.analysis.report.figures import main_figures
from code_ablate.analysis.report.limits import limits
from code_ablate.analysis.report.page import render_report
from code_ablate.analysis.report.terminal import terminal_table
from tests.analysis.conftest import COOLDOWN, PRETRAINING

ITEMS = 30
KINDS = {
    "trivia": ("world_knowledge", "exact_match"),
    "unscored": ("world_knowledge", "exact_match"),
    "puzzles": ("code", "pass_at_k"),
    "proofs": ("mathematics", "gold_bits_per_byte"),
    "prompts": ("open_ended", "open_ended"),
}


def _rows(task, keys, generator):
    category, kind = KINDS[task]
    rows = pd.DataFrame(
        {
            **keys,
            "task": task,
            "category": category,
            "kind": kind,
            "item": [f"{task}:{i}" for i in range(ITEMS)],
            "prediction": [f"text {i}" for i in generator.integers(0, 9, ITEMS)],
            "generated_tokens": generator.integers(1, 20, ITEMS).astype(float),
        }
    )
    if task == "trivia":
        rows["correct"] = (np.arange(ITEMS) < generator.integers(3, 9)).astype(float)
    if task == "unscored" and keys["recipe"] == "code_25":
        rows["correct"] = 0.0  # all answers empty: the metric looks like a mean of items
    if task == "puzzles":
        rows["correct"] = generator.integers(0, 5, ITEMS) / 4
    if task == "proofs":
        rows["bytes"] = generator.integers(20, 40, ITEMS).astype(float)
        rows["bits"] = rows["bytes"] * 1.5 + generator.normal(0, 3, ITEMS)
        rows["correct"] = 0.0
    return rows


def add_kinds(study, table):
    """Tasks of all kinds beside those that rank, and one that is missing."""
    generator, parts = np.random.default_rng(5), [table]
    for keys in (
        table[["recipe", "size", "seed", "stage", "phase"]].drop_duplicates().to_dict("records")
    ):
        parts += [_rows(task, keys, generator) for task in KINDS]
    for task, (category, kind) in KINDS.items():
        about = {"category": category, "kind": kind, "chance": None, "items": ITEMS}
        study["tasks"][task] = {
            "name": task,
            **about,
            "available": ITEMS,
            "identities": [f"asked-{task}"],
            "notes": [],
        }
    study["tasks"]["puzzles"]["isolated"] = False
    study["tasks"]["unscored"]["notes"] = ["its items have no score"]
    study["missing"] = [{"task": "quac", "category": "reasoning", "reason": "no file of yours"}]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def report(tmp_path_factory, make_study):
    recipes = ("text_only", "code_25", "balanced_to_text")
    study = make_study(
        tmp_path_factory.mktemp("kinds") / "a", recipes=recipes, items=40, change=add_kinds
    )
    return read_report(study, Settings())


@pytest.fixture(scope="module")
def page(report):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "to_svg", lambda figure, alt: Markup("<svg></svg>"))
        return render_report(report, main_figures(report))


def test_each_kind_counts_where_it_belongs(report):
    scores = report.summary.scores
    assert scores.categories["world_knowledge"] == ("trivia",)
    assert scores.categories["code"] == ("puzzles",)
    assert scores.gold_categories == {"mathematics": ("proofs",)}
    names = {metric.key: metric.unit for metric in report.summary.metrics}
    assert names["accuracy/reasoning"] == "accuracy, %"
    assert names["accuracy/world_knowledge"] == "exact match, %"
    assert names["accuracy/code"] == "pass@1, %"
    assert names["gold_bits_per_byte/mathematics"] == "gold bits per byte"
    assert "accuracy/open_ended" not in names


def _category(items, tasks):
    return items[items["task"].isin(tasks)].groupby("task")["correct"].mean().mean()


def test_averages_are_means_of_categories_of_all_tasks_and_of_those_above_chance(report):
    items = report.results.items
    columns = {column.whole.label: column for column in report.summary.columns}
    assert list(columns)[-2:] == ["language average", "total"]
    for recipe in report.results.recipes_at(PRETRAINING):
        rows = items[(items["stage"] == "pretraining") & (items["recipe"] == recipe)]
        means = {
            name: _category(rows, tasks) for name, tasks in report.summary.scores.categories.items()
        }
        expected = {
            "language average": np.mean([means["reasoning"], means["world_knowledge"]]),
            "total": np.mean([means["reasoning"], means["world_knowledge"], means["code"]]),
        }
        for label, value in expected.items():
            score = report.summary.categories[PRETRAINING, recipe, columns[label].whole.key]
            assert score.level.value == pytest.approx(value)
            assert (score.gain is None) == (recipe == "text_only")


def test_the_filter_keeps_what_every_model_does_better_than_guessing(report):
    items = report.results.items
    kept = set()
    for task in (
        report.summary.scores.categories["reasoning"]
        + report.summary.scores.categories["basic skills"]
    ):
        rows = items[items["task"] == task]
        p = [
            stats.binomtest(
                int(arm["correct"].sum()), len(arm), 1 / arm["choices"].iloc[0], "greater"
            ).pvalue
            for _, arm in rows.groupby(["recipe", "seed", "stage"])
        ]
        if max(p) < 0.05:
            kept.add(task)
    assert kept and "boolq" not in kept
    columns = {column.whole.label: column for column in report.summary.columns}
    found = {
        task
        for label in ("reasoning", "basic skills")
        if columns[label].kept
        for task in columns[label].kept.tasks
    }
    assert found == kept
    assert columns["world knowledge"].kept.tasks == ("trivia",)  # above zero in every model


def test_the_filter_asks_every_arm_at_every_stage(report):
    kept = next(column.kept.tasks[0] for column in report.summary.columns if column.kept)
    key = (COOLDOWN, "balanced_to_text", kept)
    assert report.summary.all_beat_chance(kept)
    by_one_answer = (st.Collapse(1.0, 0.97, 0.62, True),)
    for change in ({"chance_p": 0.2}, {"collapses": by_one_answer}):
        result = dataclasses.replace(report.summary.task_results[key], **change)
        changed = dataclasses.replace(
            report.summary, task_results={**report.summary.task_results, key: result}
        )
        assert not changed.all_beat_chance(kept)


def test_the_page_names_scores_and_marks(page):
    assert "World knowledge: exact match, %, after pre-training" in page
    assert "Code: pass@1, %, after pre-training" in page
    assert "Mean length of open-ended answers, tokens" in page
    assert 'class="mark">at chance</span>' in page and 'class="mark">one answer' in page
    assert page.count('class="mark">without isolation</span>') >= 2, "a mark at every place"
    assert re.search('class="mark">missing</span></span><span class="sub">no file of yours', page)
    assert "its items have no score" in page


def test_other_places_say_what_the_scores_are(report):
    table = terminal_table(report)
    assert "world knowledge: exact match in %; 1 task, 30 items" in table
    assert "mathematics: gold bits per byte, lower is better; 30 items" in table
    keys = {limit.key for limit in limits(report)}
    assert {"missing", "task_note", "not_isolated"} <= keys and "prediction" not in keys
