"""The tables of a report: every figure recomputed from the per-item table."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from code_ablate.analysis.estimation.estimates import Settings
from tests.analysis.report.cells import parse

QUICK = Settings()
SMALL = {"recipes": ("text_only", "code_100", "balanced_to_text"), "items": 40}


@pytest.fixture(scope="module")
def cells(page) -> pd.DataFrame:
    return pd.DataFrame(parse(page).cells)


@pytest.fixture(scope="module")
def items(study_dir) -> pd.DataFrame:
    return pd.read_parquet(study_dir / "results.parquet")


def _score(rows: pd.DataFrame, metric: str) -> float:
    """A metric in plain pandas, from the rows of one recipe and stage."""
    if metric.startswith("bits_per_byte/"):
        rows = rows[rows["task"] == metric]
        return rows["bits"].sum() / rows["bytes"].sum()
    rows = rows[rows["category"] == metric.removeprefix("accuracy/")]
    return rows.groupby("task")["correct"].mean().mean()


def _rows(items, stage, recipe):
    return items[(items["stage"] == stage) & (items["recipe"] == recipe)]


def test_every_score_is_that_of_the_items(cells, items):
    scores = cells[cells["kind"] == "score"]
    assert len(scores) == (7 + 4) * 6  # recipes of both stages x metrics
    for row in scores.itertuples():
        assert float(row.value) == pytest.approx(
            _score(_rows(items, row.stage, row.recipe), row.metric), rel=1e-9
        )
        assert float(row.low) < float(row.value) < float(row.high)
        assert row.seeds == "0 1"


def test_every_gain_is_that_of_the_items(cells, items):
    gains = cells[cells["kind"] == "gain"]
    assert len(gains) == (6 + 3) * 6
    for row in gains.itertuples():
        base = _score(_rows(items, row.stage, "text_only"), row.metric)
        x = _score(_rows(items, row.stage, row.recipe), row.metric)
        assert float(row.value) == pytest.approx((x - base) / base, rel=1e-9, abs=1e-12)
        assert float(row.low) <= float(row.value) <= float(row.high)
    _check_p(gains, items)
    p = np.sort(gains["p"].astype(float).to_numpy())
    expected = np.minimum(1, np.maximum.accumulate(p * np.arange(len(p), 0, -1)))
    np.testing.assert_allclose(np.sort(gains["p-holm"].astype(float)), expected)


def _check_p(gains, items):
    """No p is under that of the paired t test over seeds, from plain pandas."""
    for (stage, metric), group in gains.groupby(["stage", "metric"]):
        rows = items[items["stage"] == stage]
        scores = {key: _score(g, metric) for key, g in rows.groupby(["recipe", "seed"])}
        base_S = [scores["text_only", seed] for seed in (0, 1)]
        for row in group.itertuples():
            own_S = [scores[row.recipe, seed] for seed in (0, 1)]
            expected = stats.ttest_rel(own_S, base_S).pvalue
            assert float(row.p) >= expected * (1 - 1e-6)


def test_every_task_score_is_that_of_the_items(cells, items):
    found = cells[cells["kind"] == "task"]
    assert len(found) == (7 + 4) * 11 * 3
    for row in found.itertuples():
        rows = _rows(items, row.stage, row.recipe)
        rows = rows[rows["task"] == row.task]
        if row.score == "bits":
            expected = rows["bits"].sum() / rows["bytes"].sum()
        else:
            expected = rows[row.score].mean()
        assert float(row.value) == pytest.approx(expected, rel=1e-9)
        assert int(row.n) == rows["item"].nunique()


def test_tests_against_chance_and_collapse(cells, items):
    found = cells[(cells["kind"] == "task") & (cells["score"] == "correct")]
    assert len(found) > 10
    for _, row in found.iterrows():
        rows = _rows(items, row["stage"], row["recipe"])
        rows = rows[rows["task"] == row["task"]]
        worst = max(
            stats.binomtest(
                int(g["correct"].sum()), len(g), 1 / g["choices"].iloc[0], alternative="greater"
            ).pvalue
            for _, g in rows.groupby("seed")
        )
        assert float(row["chance-p"]) == pytest.approx(worst, rel=1e-6)
        assert (row["degenerate"] == "true") == (row["task"] == "boolq")


def _plain_bootstrap(items, stage, recipe, metric, draws=1500) -> np.ndarray:
    """Differences, items resampled one replicate at a time with an index, as one would by hand."""
    generator = np.random.default_rng(99)
    rows = items[items["stage"] == stage]
    if metric.startswith("bits_per_byte/"):
        names, top, bottom = [metric], "bits", "bytes"
    else:
        category = metric.removeprefix("accuracy/")
        names = list(rows.loc[rows["category"] == category, "task"].unique())
        top, bottom = "correct", None
    arrays = []
    for name in names:
        wide = rows[rows["task"] == name].pivot(index="item", columns=["recipe", "seed"])
        tops, sizes = wide[top], wide[bottom] if bottom else wide[top] * 0 + 1
        arrays.append([(tops[r].to_numpy(), sizes[r].to_numpy()) for r in (recipe, "text_only")])
    gains = []
    for _ in range(draws):
        x = base = 0.0
        for (x_top, x_size), (b_top, b_size) in arrays:
            chosen = generator.integers(0, len(x_top), len(x_top))
            x += x_top[chosen].sum() / x_size[chosen].sum()
            base += b_top[chosen].sum() / b_size[chosen].sum()
        gains.append((x - base) / base)
    return np.array(gains)


@pytest.mark.parametrize(
    ("recipe", "metric"),
    [
        ("code_100", "bits_per_byte/demo.text"),
        ("balanced_to_text", "bits_per_byte/demo.markup"),
        ("code_75", "accuracy/basic skills"),
    ],
)
def test_intervals_of_two_seeds_are_those_of_a_plain_bootstrap_over_items(
    cells, items, recipe, metric
):
    row = cells[
        (cells["kind"] == "gain")
        & (cells["stage"] == "pretraining")
        & (cells["recipe"] == recipe)
        & (cells["metric"] == metric)
    ].iloc[0]
    low, high = np.quantile(_plain_bootstrap(items, "pretraining", recipe, metric), [0.025, 0.975])
    tolerance = 0.12 * (high - low)
    assert float(row["low"]) == pytest.approx(low, abs=tolerance)
    assert float(row["high"]) == pytest.approx(high, abs=tolerance)
    assert row["verdict"] == "cannot say"
