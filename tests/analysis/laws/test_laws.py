import importlib.util

import numpy as np
import pytest

from code_ablate.analysis.laws.law import Observations
from code_ablate.analysis.laws.mixture_records import Scaling
from code_ablate.analysis.laws.parametric import (
    EffectiveData,
    LogLinear,
    effective_data_function,
    log_linear_function,
)
from code_ablate.analysis.laws.plain import Linear, Mean, OneShare, Smooth
from code_ablate.analysis.laws.trees import Trees
from code_ablate.errors import MissingData, UserError
from tests.analysis.laws.conftest import CORPORA, losses, make_records, mixtures
from tests.tolerance import assert_close

LAWS = (
    Mean(),
    OneShare(),
    Linear(),
    LogLinear(),
    LogLinear(power=0.5),
    EffectiveData(),
    EffectiveData(returns=True),
    Smooth(),
    Trees(),
)


def observed(records) -> Observations:
    return Scaling.of(records).observations(records)


def predict(law, observations, rates_MC, weights_SN=None):
    weights_SN = np.ones((1, len(observations.rates_NC))) if weights_SN is None else weights_SN
    covariates = np.zeros((len(rates_MC), observations.covariates_NK.shape[1]))
    return law.fit(observations, weights_SN).predict(rates_MC, covariates)


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (log_linear_function(1.0), 4 + 5),
        (log_linear_function(0.5), 4 + 5),
        (effective_data_function(False), 5 + 5),
        (effective_data_function(True), 5 + 10),
    ],
)
def test_derivatives_are_those_of_the_function(function, parameters):
    rng = np.random.default_rng(0)
    theta_BP = 0.3 * rng.standard_normal((2, parameters))
    rates_NC = rng.dirichlet(np.ones(len(CORPORA)), 6)  # all are used, so all slopes matter
    covariates_NK = rng.standard_normal((6, 1))
    _, slope_BNP = function(theta_BP, rates_NC, covariates_NK)
    for p in range(parameters):
        step = 1e-6 * (np.arange(parameters) == p)
        above, below = (function(theta_BP + s * step, rates_NC, covariates_NK)[0] for s in (1, -1))
        assert_close(slope_BNP[..., p], (above - below) / 2e-6, share=1e-5)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_a_run_of_weight_0_has_no_part_in_a_fit(law):
    records = make_records(24)
    changed = records.values_NT.copy()
    changed[0] += 5
    weights_SN = np.ones((2, 24))
    weights_SN[1, 0] = 0
    scaling = Scaling.of(records)
    fits = [
        predict(law, scaling.observations(make_records(24, values_NT=values)), mixtures(5, 9),
                weights_SN[1:])
        for values in (records.values_NT, changed)
    ]  # fmt: skip
    assert_close(*fits, share=1e-6)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_nothing_explodes_on_mixtures_that_lack_what_runs_had(law):
    records = make_records(24)
    rich = records.take(records.rates_NC[:, 0] > 0.05)
    observations = observed(rich)
    corners = np.eye(5)
    low_T, high_T = observations.range_2T
    predicted_TM = predict(law, observations, corners)[0]
    assert np.isfinite(predicted_TM).all()
    spread_T = (high_T - low_T)[:, None]
    assert (predicted_TM >= low_T[:, None] - spread_T).all()
    assert (predicted_TM <= high_T[:, None] + spread_T).all()


def test_the_effective_data_law_finds_the_law_that_made_the_runs():
    records = make_records(60, noise=0.002)
    observations, scaling = observed(records), Scaling.of(records)
    unseen = mixtures(200, 77)
    truth_MT = (losses(unseen) - scaling.mean_T) / scaling.spread_T
    errors = {
        law.name: float(np.sqrt(((predict(law, observations, unseen)[0].T - truth_MT) ** 2).mean()))
        for law in LAWS
    }
    best = errors["effective data, returns"]
    assert best < 0.08
    assert all(best < 0.7 * e for name, e in errors.items() if name != "effective data, returns")


def test_the_effective_data_law_is_convex_in_the_shares():
    observations = observed(make_records(40))
    a, b = mixtures(100, 5), mixtures(100, 6)
    for returns in (False, True):
        fitted = EffectiveData(returns=returns).fit(observations, np.ones((1, 40)))
        function, theta = fitted.function, fitted.fit.theta_STP[0]
        at = [function(theta, rates, np.zeros((100, 0)))[0] for rates in (a, b, (a + b) / 2)]
        between = (at[0] + at[1]) / 2
        assert (at[2] - between).max() <= 1e-9 * np.abs(between).max()


def test_missing_values_leave_the_other_targets_fits_alone():
    records = make_records(30)
    holes = records.values_NT.copy()
    holes[:10, 2] = np.nan
    for law in (Linear(), Smooth(), OneShare(), Mean()):
        whole = predict(law, observed(records), mixtures(5, 3))[0, :2]
        part = predict(law, observed(make_records(30, values_NT=holes)), mixtures(5, 3))[0, :2]
        assert_close(part, whole, share=0.03)


def test_sizes_are_fitted_together():
    rates_NC = mixtures(40, 0)
    sizes_N = np.where(np.arange(40) % 2, 1e6, 6e7)
    values_NT = losses(rates_NC) * np.where(sizes_N > 1e7, 0.8, 1.0)[:, None]
    records = make_records(40, values_NT=values_NT, sizes_N=sizes_N)
    scaling = Scaling.of(records)
    fitted = EffectiveData(returns=True).fit(scaling.observations(records), np.ones((1, 40)))
    unseen = mixtures(30, 8)
    for size, factor in ((1e6, 1.0), (6e7, 0.8)):
        covariates = scaling.covariates_MK(30, {"size": size})
        predicted_MT = fitted.predict(unseen, covariates)[0].T * scaling.spread_T + scaling.mean_T
        np.testing.assert_allclose(predicted_MT, factor * losses(unseen), rtol=0.03)


@pytest.mark.skipif(importlib.util.find_spec("lightgbm") is not None, reason="it is installed")
def test_lightgbm_is_an_extra():
    with pytest.raises(MissingData, match=r"code-ablate\[lightgbm\]"):
        Trees("lightgbm")


def test_another_engine_of_trees_is_refused():
    with pytest.raises(UserError, match="forest"):
        Trees("wood")
