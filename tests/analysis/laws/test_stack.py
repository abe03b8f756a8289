import numpy as np
import pytest

from code_ablate.analysis.laws.mixture_records import Scaling
from code_ablate.analysis.laws.parametric import EffectiveData
from code_ablate.analysis.laws.plain import Linear, Mean, OneShare
from code_ablate.analysis.laws.stack import (
    default_laws,
    fit_stack,
    rank_correlation,
    stacking_weights,
)
from code_ablate.errors import UserError
from tests.analysis.laws.conftest import TARGETS, losses, make_records, mixtures
from tests.tolerance import assert_close

FEW = (Mean(), OneShare(), Linear(), EffectiveData(returns=True))


@pytest.fixture(scope="module")
def stack():
    return fit_stack(make_records(), FEW, tightnesses=(1.0,))


def test_weights_are_shares_and_go_to_the_law_that_made_the_runs(stack):
    weights = {m.law.name: m.weight for m in stack.members}
    assert sum(weights.values()) == pytest.approx(1)
    assert weights["effective data, returns"] > 0.9


def test_the_table_has_the_baselines_and_stands_in_order(stack):
    table = stack.table()
    assert set(table["law"]) == {"stack", *(law.name for law in FEW)}
    assert table["law"][0] == "stack"
    assert table["error"][0] <= table["error"][1:].min() * 1.02


def test_weights_are_those_that_make_the_squared_error_least():
    records = make_records(30)
    observations = Scaling.of(records).observations(records)
    rng = np.random.default_rng(0)
    held_out = [observations.values_NT + s * rng.standard_normal((30, 3)) for s in (0.5, 1.0, 2.0)]
    weights = stacking_weights(held_out, observations)
    # Independent errors: the best weights go with 1 / variance.
    assert_close(weights, np.array([4, 1, 0.25]) / 5.25, share=0.16)

    def error(w):
        rest = sum(x * h for x, h in zip(w, held_out, strict=True)) - observations.values_NT
        return (rest**2).sum()

    for _ in range(50):
        other = np.clip(weights + 0.05 * rng.standard_normal(3), 0, None)
        assert error(weights) <= error(other / other.sum()) * 1.001


def test_repeats_of_a_mixture_are_held_out_together():
    rates_NC = np.repeat(mixtures(12, 0), 2, axis=0)
    stack = fit_stack(
        make_records(24, rates_NC=rates_NC, values_NT=losses(rates_NC)), [Mean(), Linear()]
    )
    pairs = stack.fold_N.reshape(12, 2)
    assert (pairs[:, 0] == pairs[:, 1]).all()


def test_predictions_are_in_the_units_of_the_records_and_follow_them():
    records = make_records(30)
    unseen = mixtures(20, 4)
    plain = fit_stack(records, FEW, tightnesses=(1.0,)).predict(unseen)
    scaled = make_records(
        30, values_NT=7 - 1000 * records.values_NT, higher_is_better=frozenset(TARGETS)
    )
    np.testing.assert_allclose(
        fit_stack(scaled, FEW, tightnesses=(1.0,)).predict(unseen), 7 - 1000 * plain, rtol=1e-6
    )


def test_predictions_at_another_size_need_runs_that_differ_in_it():
    with pytest.raises(UserError, match="do not differ in size"):
        fit_stack(make_records(20), FEW, at={"size": 1e9})


def test_all_laws_take_part_with_missing_values_and_few_runs():
    values_NT = make_records(12).values_NT
    values_NT[3, 1] = np.nan
    stack = fit_stack(make_records(12, values_NT=values_NT))
    assert len(stack.members) == len(default_laws())
    assert np.isfinite(stack.predict(mixtures(10, 2))).all()


def test_rank_correlation_is_scipys():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    a = rng.integers(0, 9, (30, 2)).astype(float)
    b = rng.standard_normal((30, 2))
    expected = np.mean([spearmanr(a[:, t], b[:, t]).statistic for t in (0, 1)])
    assert rank_correlation(a, b) == pytest.approx(expected)
    assert rank_correlation(np.ones((30, 2)), b) == 0


def test_regmix_ranks_unseen_mixtures(regmix):
    rows = np.random.default_rng(0).choice(512, 64, replace=False)
    stack = fit_stack(
        regmix["train"].take(rows), (Mean(), EffectiveData(returns=True)), tightnesses=(0.5,)
    )
    test = regmix["test"]
    predicted = stack.predict(test.rates_NC).mean(axis=1, keepdims=True)
    assert rank_correlation(predicted, test.values_NT.mean(axis=1, keepdims=True)) > 0.965
