"""Components of variance of a grid of seeds: by hand, and by simulation."""

import numpy as np
import pytest
from scipy import stats

from code_ablate.analysis.estimation.crossed import crossed_covariance
from code_ablate.analysis.estimation.mean_squares import MeanSquare, alone, less
from code_ablate.analysis.estimation.seed_components import FEWEST_UNITS, seed_components


def runs(rng, shape, of_initialisation, of_order, of_rest):
    """Scores of a grid of runs with these variances."""
    rows, columns = shape
    scores = of_initialisation**0.5 * rng.normal(size=(rows, 1))
    scores = scores + of_order**0.5 * rng.normal(size=(1, columns))
    return scores + of_rest**0.5 * rng.normal(size=shape)


def test_components_are_those_of_the_analysis_of_variance():
    """By hand: every sum of squares from the effects, as a textbook has them."""
    scores_IO = runs(np.random.default_rng(1), (3, 4), 2.0, 0.5, 1.0)
    parts = seed_components([scores_IO[None] - scores_IO.mean()])
    mean, rows, columns = scores_IO.mean(), scores_IO.mean(axis=1), scores_IO.mean(axis=0)
    of_rows = 4 * sum((x - mean) ** 2 for x in rows) / 2
    of_columns = 3 * sum((x - mean) ** 2 for x in columns) / 3
    rest = 0.0
    for i in range(3):
        for o in range(4):
            rest += (scores_IO[i, o] - rows[i] - columns[o] + mean) ** 2 / 6
    assert parts.initialisation.value == pytest.approx((of_rows - rest) / 4, rel=1e-12)
    assert parts.order.value == pytest.approx((of_columns - rest) / 3, rel=1e-12)
    assert parts.rest.value == pytest.approx(rest, rel=1e-12)
    low, high = (6 * rest / stats.chi2.ppf(q, 6) for q in (0.975, 0.025))
    assert (parts.rest.low, parts.rest.high) == pytest.approx((low, high), rel=1e-9)


def test_what_runs_leave_is_the_variance_of_their_mean():
    """For the grid itself it is what the two-way variance of its mean is made of."""
    parts = seed_components([runs(np.random.default_rng(2), (4, 5), 3.0, 2.0, 1.0)[None]])
    squares = [square.value for square in parts.squares]
    of_grid = (squares[0] + squares[1] - squares[2]) / 20
    assert parts.left(4, 5, 20) == pytest.approx(of_grid, rel=1e-12)
    held, new = parts.left(1, 10, 10), parts.left(10, 10, 10)
    assert held - new == pytest.approx(0.9 * parts.initialisation.value, rel=1e-12)


def test_the_choice_of_units_is_what_is_left_of_their_spread():
    """With nothing that an initialisation or an order makes of single items, it is that of the
    covariance over items and seeds, but for the residuals' degrees of freedom."""
    rng = np.random.default_rng(3)
    own_G = rng.normal(size=(2000, 1, 1))
    c_GIO = (own_G + rng.normal(size=(2000, 3, 3))) / 2000
    parts = seed_components([c_GIO])
    noise = crossed_covariance([c_GIO.reshape(2000, 9, 1)]).along([1.0])
    assert parts.units.value == pytest.approx(noise.of_units, rel=0.01)
    assert parts.units.low < 1 / 2000 < parts.units.high
    halved = seed_components([c_GIO[:1000], c_GIO[1000:]])
    assert halved.units.value == pytest.approx(parts.units.value, rel=0.01)


def test_what_an_initialisation_makes_of_items_is_not_the_choice_of_items():
    rng = np.random.default_rng(4)
    by_row = rng.normal(size=(4000, 3, 1)) + 0.1 * rng.normal(size=(4000, 3, 3))
    found = seed_components([by_row / 4000]).units.value
    wrong = crossed_covariance([by_row.reshape(4000, 9, 1) / 4000]).along([1.0]).of_units
    assert abs(found) < 0.05 / 4000 and wrong > 0.2 / 4000


@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (5, 5)])
@pytest.mark.parametrize("truth", [(0.0, 0.0, 1.0), (1.0, 0.2, 1.0), (20.0, 1.0, 0.01)])
def test_intervals_hold_the_truth_as_often_as_they_say(shape, truth):
    rng, studies = np.random.default_rng([*shape, round(10 * truth[1])]), 1500
    held, means = np.zeros(3), np.zeros(3)
    for _ in range(studies):
        parts = seed_components([runs(rng, shape, *truth)[None]])
        for i, part in enumerate((parts.initialisation, parts.order, parts.rest)):
            held[i] += part.low <= truth[i] <= part.high
            means[i] += part.value / studies
    assert held / studies == pytest.approx(0.95, abs=0.015 + 3 * 0.0056)
    spread = [(t + truth[2]) * (2 / min(n - 1 for n in shape)) ** 0.5 for t in truth]
    for mean, true, one in zip(means, truth, spread, strict=True):  # unbiased, below zero too
        assert mean == pytest.approx(true, abs=4 * one / studies**0.5)


def test_an_interval_is_exact_where_the_difference_is_zero():
    """It holds zero exactly where the F test does not reject."""
    edge = stats.f.ppf(0.975, 2, 6)
    above = less(MeanSquare(1.001 * edge, 2), MeanSquare(1.0, 6))
    below = less(MeanSquare(0.999 * edge, 2), MeanSquare(1.0, 6))
    assert above.low > 0 > below.low
    edge = stats.f.ppf(0.025, 2, 6)
    assert less(MeanSquare(0.99 * edge, 2), MeanSquare(1.0, 6)).high < 0
    one = less(MeanSquare(2.0, 3), MeanSquare(0.0, 9))
    same = alone(MeanSquare(2.0, 3))
    assert (one.low, one.high) == pytest.approx((same.low, same.high), rel=1e-9)


def test_runs_that_are_all_alike_are_no_certainty():
    same = seed_components([np.zeros((30, 3, 3))])
    rows = seed_components([np.zeros((30, 3, 3)) + np.arange(3.0)[:, None]])
    for part in (same.initialisation, same.order, same.rest, rows.order, rows.rest):
        assert (part.low, part.high) == (None, None)
    assert 0 < rows.initialisation.low < rows.initialisation.value


def test_too_few_seeds_or_units_have_no_interval():
    rng = np.random.default_rng(5)
    parts = seed_components([rng.normal(size=(FEWEST_UNITS - 1, 2, 3))])
    for part in (parts.initialisation, parts.order, parts.rest, parts.units):
        assert part.low is None and part.high is None
    few = rng.normal(3, 1, size=(30, 1, 1)) + np.zeros((1, 2, 3))
    asked = [seed_components([few], fewest_units=fewest).units for fewest in (30, 31)]
    assert asked[0].low < asked[0].value < asked[0].high and asked[1].low is None
    wide = seed_components([rng.normal(3, 1, size=(FEWEST_UNITS, 1, 1)) + np.zeros((1, 2, 3))])
    assert wide.units.low < wide.units.value < wide.units.high
    with pytest.raises(ValueError, match="grid of 1 x 3"):
        seed_components([rng.normal(size=(5, 1, 3))])
    with pytest.raises(ValueError, match="finite"):
        seed_components([np.full((5, 2, 3), np.nan)])
