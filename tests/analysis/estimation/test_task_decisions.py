"""Signal, noise and decisions of a study's tasks, at its places and sizes."""

import numpy as np
import pytest

from code_ablate.analysis.estimation.decisions import decide, signal_to_noise
from code_ablate.analysis.estimation.estimates import Settings
from code_ablate.analysis.estimation.estimator import Estimator
from code_ablate.analysis.estimation.scores import Place
from code_ablate.analysis.estimation.task_decisions import task_decisions
from code_ablate.analysis.results.results import load_results

SIZES = {"1M": 1_000_000, "4M": 4_000_000}
TEXT = "bits_per_byte/demo.text"


@pytest.fixture(scope="module")
def results(tmp_path_factory, make_study):
    directory = tmp_path_factory.mktemp("sizes")
    return load_results(make_study(directory, sizes=SIZES, seeds=(0, 1, 2), items=40))


@pytest.fixture(scope="module")
def decided(results):
    return task_decisions(Estimator(results.scores, Settings()), results.size_pairs)


def by_hand(results, task, size, column):
    """[recipes, seeds] with pandas: sum over items of one column, by bytes for bits."""
    rows = results.items.query("task == @task and size == @size and stage == 'pretraining'")
    groups = rows.groupby(["recipe", "seed"], sort=False)
    below = groups["bytes"].sum() if column == "bits" else groups["item"].count()
    return (groups[column].sum() / below).unstack("seed")


@pytest.mark.parametrize(
    ("task", "column", "step"),
    [
        (TEXT, "bits", 0.0),
        ("arc_easy", "correct", 1 / 40),
        ("arc_easy", "gold_probability", 0.0),
        ("arc_easy", "bits", 0.0),
    ],
)
def test_signals_and_decisions_are_those_of_the_items(results, decided, task, column, step):
    small, large = (by_hand(results, task, size, column) for size in SIZES)
    signal = decided.signals[task, column, Place("1M", "pretraining")]
    assert signal.ratio.value == pytest.approx(signal_to_noise(small.values, step).ratio.value)
    found = decided.decisions[task, column, "1M", "4M", "pretraining"]
    lower = column == "bits"
    means = [table.loc[small.index].mean(axis=1).values for table in (small, large)]
    expected = decide(*means, lower_is_better=lower)
    assert found.accuracy.value == expected.accuracy.value
    assert found.lost == pytest.approx(expected.lost)


def test_a_study_of_one_size_decides_nothing_for_others(study_dir):
    results = load_results(study_dir)
    decided = task_decisions(Estimator(results.scores, Settings()), results.size_pairs)
    assert decided.decisions == {} and decided.signals


def test_text_is_told_apart_and_a_collapsed_task_is_not(decided):
    place = Place("1M", "pretraining")
    assert decided.signals[TEXT, "bits", place].decides
    boolq = decided.signals["boolq", "correct", place]
    assert not boolq.decides and np.isfinite(boolq.ratio.value)
    assert decided.ratios("boolq", place).keys() == {
        *("bits", "gold_probability", "correct_per_byte", "correct")
    }
