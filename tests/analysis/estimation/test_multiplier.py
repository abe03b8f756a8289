"""The compute multiplier: by hand, and by simulation."""

import math

import numpy as np
import pytest

from code_ablate.analysis.estimation.estimates import Metric, Settings
from code_ablate.analysis.estimation.estimator import Estimator
from code_ablate.analysis.estimation.multiplier import Curve, compute_multiplier
from code_ablate.analysis.estimation.scores import Place, ScoredTask, Scores, TaskScores
from tests.tolerance import sampling_error

PLACE = Place("1M", "pretraining")
TOKENS = (1000.0, 2000.0, 4000.0, 8000.0)
CURVE = Curve(("base@1000", "base@2000", "base@4000"), TOKENS)
NAMES = ("new", *CURVE.names, "base")


def estimator_of(scores_by_name, column="bits"):
    """The multiplier from arrays [items, seeds] of recipe, checkpoints and baseline."""
    task = ScoredTask("t", "c", "bits per byte", column, (column,))
    items, seeds = next(iter(scores_by_name.values())).shape
    values = np.hstack([scores_by_name[name] for name in NAMES])
    arms = tuple((name, seed) for name in NAMES for seed in range(seeds))
    table = {column: values, "bytes": np.ones_like(values)}
    scores = TaskScores(task, PLACE, tuple(map(str, range(items))), arms, table)
    seeds_of = {(PLACE, name): tuple(range(seeds)) for name in NAMES}
    return Estimator(Scores("base", {"t": task}, seeds_of, {("t", PLACE): scores}), Settings())


def study(rng, *, better, items=60, seeds=3, of_seeds=0.02, slope=0.5):
    """Bits that fall by `slope` for each factor of e; the recipe is `better` at the end."""
    ease = rng.normal(3.0, 0.5, (items, 1))
    levels = {name: -slope * np.log(t / 8000) for name, t in zip(NAMES[1:], TOKENS, strict=True)}
    levels["new"] = -better
    return {
        name: ease
        + level
        + of_seeds * rng.normal(size=(1, seeds))
        + rng.normal(0, 0.05, (items, 1))
        + rng.normal(0, 0.1, (items, seeds))
        for name, level in levels.items()
    }


METRIC = Metric("bits_per_byte/t", "t", "bits per byte", (("t",),), "bits")


def test_a_recipe_that_is_one_doubling_ahead_is_worth_two_of_the_tokens():
    # Items and seeds that differ, and no noise in what is looked at but a trace.
    trace = 1e-6 * np.random.default_rng(2).normal(size=(5, 4, 3))
    exact = {name: 3.0 - 0.5 * np.log(2) * k + trace[k] for k, name in enumerate(NAMES[1:])}
    exact["new"] = exact["base"] - 0.5 * np.log(2) + trace[4]
    found = compute_multiplier(estimator_of(exact), PLACE, "new", METRIC, CURVE)
    assert found.value == pytest.approx(2.0, rel=1e-4) and found.reach == 8
    exact["new"] = exact["base@2000"] + trace[4]
    found = compute_multiplier(estimator_of(exact), PLACE, "new", METRIC, CURVE)
    assert found.value == pytest.approx(1 / 4, rel=1e-4)


def test_more_is_better_for_shares():
    rng = np.random.default_rng(0)
    right = {
        name: (rng.random((400, 3)) < share).astype(float)
        for name, share in zip(NAMES, (0.7, 0.3, 0.4, 0.5, 0.6), strict=True)
    }
    metric = Metric("accuracy/t", "t", "accuracy", (("t",),), "correct")
    found = compute_multiplier(estimator_of(right, "correct"), PLACE, "new", metric, CURVE)
    means = np.array([right[name].mean() for name in NAMES])
    slope = np.polyfit(np.log(TOKENS), means[1:], 1)[0]
    assert found.value == pytest.approx(math.exp((means[0] - means[-1]) / slope))
    assert found.low < found.value < found.high


def test_where_no_item_differs_nothing_is_certain():
    """A recipe and the baseline that have everything right are not known to be alike."""
    rng = np.random.default_rng(3)
    right = {
        name: (rng.random((400, 3)) < share).astype(float)
        for name, share in zip(NAMES[1:], (0.3, 0.5, 0.8, 1.1), strict=True)
    }
    right["new"] = np.ones((400, 3))
    metric = Metric("accuracy/t", "t", "accuracy", (("t",),), "correct")
    assert compute_multiplier(estimator_of(right, "correct"), PLACE, "new", metric, CURVE) is None
    right["new"][:2] = 0.0
    found = compute_multiplier(estimator_of(right, "correct"), PLACE, "new", metric, CURVE)
    assert found.low < 1 and found.value < 1


def test_a_flat_curve_or_few_seeds_or_points_say_nothing():
    rng = np.random.default_rng(1)
    flat = estimator_of(study(rng, better=0.1, slope=0.0))
    assert compute_multiplier(flat, PLACE, "new", METRIC, CURVE) is None
    two_seeds = estimator_of(study(rng, better=0.1, seeds=2))
    assert compute_multiplier(two_seeds, PLACE, "new", METRIC, CURVE) is None
    steep = estimator_of(study(rng, better=0.1))
    assert compute_multiplier(steep, PLACE, "new", METRIC, CURVE) is not None
    two_points = Curve(CURVE.names[-1:], TOKENS[-2:])
    assert compute_multiplier(steep, PLACE, "new", METRIC, two_points) is None


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize(("better", "of_seeds"), [(0.0, 0.02), (0.4, 0.02), (-0.3, 0.1)])
def test_the_interval_holds_the_multiplier(seeds, better, of_seeds):
    rng, held, studies = np.random.default_rng([seeds, round(100 * of_seeds)]), 0, 500
    for _ in range(studies):
        scores = study(rng, better=better, seeds=seeds, of_seeds=of_seeds)
        found = compute_multiplier(estimator_of(scores), PLACE, "new", METRIC, CURVE)
        held += found.low <= math.exp(better / 0.5) <= found.high
    assert abs(held / studies - 0.95) <= 0.015 + sampling_error(0.95, studies) / 2
