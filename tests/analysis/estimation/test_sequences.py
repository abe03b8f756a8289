import numpy as np
import pytest
from scipy import integrate, stats

from code_ablate.analysis.estimation.sequences import (
    MeanSequence,
    simulated_peeking_error,
    t_radius,
)
from code_ablate.errors import UserError


def bayes_factor(t: float, n: int, effect_variance: float) -> float:
    """Bayes factor of a normal prior on the effect against no effect, by integrating the noncentral
    t density."""
    scale = np.sqrt(effect_variance)
    alternative = integrate.quad(
        lambda e: stats.nct.pdf(t, n - 1, e * np.sqrt(n)) * stats.norm.pdf(e, 0, scale),
        -8 * scale,
        8 * scale,
        limit=400,
    )[0]
    return alternative / stats.t.pdf(t, n - 1)


@pytest.mark.parametrize(("n", "variance"), [(5, 1.0), (8, 1.0), (20, 0.5)])
def test_the_radius_is_where_the_bayes_factor_reaches_1_over_the_error(n, variance):
    t = t_radius(n, 0.05, variance)
    assert bayes_factor(t, n, variance) == pytest.approx(20, rel=0.02)


def test_peeking_errs_at_most_as_often_as_said_where_t_tests_err_far_more():
    any_time, fixed = simulated_peeking_error(60, studies=4000)
    assert any_time <= 0.05
    assert fixed > 0.25


def test_intervals_narrow_around_a_mean_and_exclude_what_is_far():
    values = np.random.default_rng(0).normal(1.0, 0.3, 40)
    widths = [s.high - s.low for s in (MeanSequence.of(values[:n]) for n in (6, 12, 24, 40))]
    assert widths == sorted(widths, reverse=True)
    last = MeanSequence.of(values)
    assert last.excludes(0.0)
    assert not last.excludes(1.0)


def test_with_few_values_nothing_is_said():
    assert not MeanSequence.of([1e9]).excludes(0.0)
    assert not MeanSequence.of([1e9, 1e9 + 1]).excludes(0.0)
    with pytest.raises(UserError, match="finite"):
        MeanSequence.of([1.0, np.nan])
