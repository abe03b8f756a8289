"""Variance over items crossed with seeds: by hand, against other libraries, and by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy import stats

from code_ablate.analysis.estimation import crossed
from code_ablate.analysis.estimation.crossed import (
    Noise,
    crossed_covariance,
    margin_p,
)
from code_ablate.analysis.estimation.ratios import ratio_interval
from code_ablate.analysis.estimation.statistics import holm
from tests.tolerance import sampling_error

STUDIES = 2000


def noise_of(values_GS) -> tuple[float, Noise]:
    """Mean and noise of plain scores, each unit and seed counting alike."""
    values_GS = np.asarray(values_GS, float)
    mean = values_GS.mean()
    covariance = crossed_covariance([((values_GS - mean) / len(values_GS))[..., None]])
    return mean, covariance.along([1.0])


def of_seeds(differences_S) -> tuple[float, Noise]:
    """The same for differences of scores by seed alone."""
    spread = np.var(differences_S, ddof=1) / len(differences_S)
    return float(np.mean(differences_S)), Noise(0.0, spread, 0.0, 1e6, len(differences_S))


def test_the_parts_are_those_of_the_analysis_of_variance():
    values_GS = np.random.default_rng(0).normal(size=(7, 4))
    mean, noise = noise_of(values_GS)
    units, seeds = values_GS.mean(1), values_GS.mean(0)
    rest_GS = values_GS - units[:, None] - seeds + mean
    assert noise.units * 28 == pytest.approx(4 * ((units - mean) ** 2).sum() / 6)
    assert noise.seeds * 28 == pytest.approx(7 * ((seeds - mean) ** 2).sum() / 3)
    assert noise.both * 28 == pytest.approx((rest_GS**2).sum() / 18)
    assert noise.variance == pytest.approx(
        max(0, noise.units - noise.both) + noise.seeds, rel=1e-12
    )
    assert (noise.unit_freedom, noise.seed_count) == (6, 4)


def test_one_seed_leaves_the_t_interval_of_items():
    values_G = np.random.default_rng(1).normal(size=20)
    mean, noise = noise_of(values_G[:, None])
    theirs = stats.ttest_1samp(values_G, 0.0)
    low, high = theirs.confidence_interval(0.95)
    assert not noise.of_seeds
    assert noise.half_width(0.95) == pytest.approx((high - low) / 2)
    assert noise.p(mean) == pytest.approx(theirs.pvalue)


@given(some.integers(2, 8), some.floats(0.1, 30))
def test_without_items_it_is_the_paired_t_test_over_seeds(seeds, ratio):
    noisy_S, quiet_S = np.random.default_rng(seeds).normal(size=(2, seeds)) * [[ratio], [1.0]]
    mean, noise = of_seeds(noisy_S - quiet_S)
    assert noise.p(mean) == pytest.approx(stats.ttest_rel(noisy_S, quiet_S).pvalue, rel=1e-6)


def test_the_p_of_a_paired_test_is_met_from_both_sides():
    """Howe's combination is the quantile that it inverts."""
    noise = Noise(units=4.0, seeds=1.0, both=0.5, unit_freedom=99, seed_count=3)
    p = noise.p(9.0)
    expected = stats.t.isf(p / 2, 99) ** 2 * 3.5 + stats.t.isf(p / 2, 2) ** 2 * 1.0
    assert expected == pytest.approx(81.0, rel=1e-6)


@given(some.floats(0, 3), some.floats(0, 3), some.floats(0, 1), some.integers(3, 12))
def test_what_is_found_has_an_interval_without_zero(units, seeds, share, count):
    noise = Noise(units, seeds + share * units, share * units, 59, count)
    half = noise.half_width(0.95)
    assert noise.p(half * 0.999) >= 0.05 * (1 - 1e-9) or half == 0


def test_seeds_that_agree_by_chance_do_not_make_a_mean_certain():
    """On small sets they often do: all three have 31 of 56 right, though not the same ones."""
    values_GS = np.stack([np.roll(np.arange(56) < 31, k) for k in (0, 11, 29)], axis=1)
    _, noise = noise_of(values_GS)
    alone = noise.units**0.5
    assert noise.seeds == pytest.approx(0, abs=1e-20)
    assert noise.half_width(0.95) >= 0.95 * alone
    assert noise.p(2 * alone) >= 0.045


def test_one_unit_tells_nothing_of_others():
    _, noise = noise_of([[0.3, 0.4, 0.6]])
    assert noise.half_width(0.95) == math.inf and noise.p(0.4) == 1.0
    assert noise.detectable(0.05) == math.inf and noise.seeds_needed(0.1, 0.05) is None


def test_scores_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="finite"):
        crossed_covariance([np.array([[[np.nan]], [[1.0]]])])


def test_strata_add_up_and_seeds_are_joint_over_them():
    rng = np.random.default_rng(2)
    first_GSK, second_GSK = rng.normal(size=(5, 3, 1)), rng.normal(size=(9, 3, 1))
    parts = [crossed_covariance([part]).along([1.0]) for part in (first_GSK, second_GSK)]
    both = crossed_covariance([first_GSK, second_GSK]).along([1.0])
    assert both.units == pytest.approx(sum(part.units for part in parts))
    assert both.both == pytest.approx(sum(part.both for part in parts))
    by_seed_S = first_GSK.sum((0, 2)) + second_GSK.sum((0, 2))
    assert both.seeds == pytest.approx(by_seed_S.var(ddof=1) / 3)
    expected = both.units**2 / (parts[0].units ** 2 / 4 + parts[1].units ** 2 / 8)
    assert both.unit_freedom == pytest.approx(expected)


def test_pairing_is_what_makes_a_small_difference_visible():
    rng = np.random.default_rng(10)
    base_G = rng.normal(0, 1, 100)
    better_G = base_G + 0.05 + rng.normal(0, 0.01, 100)
    added_GSK = np.stack([better_G - better_G.mean(), base_G - base_G.mean()], -1)[:, None] / 100
    covariance = crossed_covariance([added_GSK])
    assert covariance.along([1, -1]).half_width(0.95) < 0.003
    assert covariance.along([1, 0]).half_width(0.95) > 0.1


# Coverage. docs/statistics.md has the whole grid, from benchmarks/coverage.py.


def drawn(rng, units, seeds, *, of_units, of_seeds, of_both, clusters=0):
    """Scores [units, seeds] about a mean of zero. With clusters, units of one share their part."""
    own_G = rng.normal(0, 1, units)
    if clusters:
        own_G = rng.normal(0, 1, clusters)[np.arange(units) % clusters]
    parts = of_units * own_G[:, None], of_seeds * rng.normal(0, 1, seeds)
    return parts[0] + parts[1] + of_both * rng.normal(0, 1, (units, seeds))


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize(
    ("of_units", "of_seeds", "of_both"),
    [(1, 0, 0), (0, 0, 1), (1, 0.13, 1), (1, 0.4, 1), (0, 1, 0), (0.3, 0.1, 2)],
)
def test_intervals_hold_the_truth_as_often_as_they_say(seeds, of_units, of_seeds, of_both):
    rng, held = np.random.default_rng([seeds, int(10 * of_units)]), 0
    for _ in range(STUDIES):
        values_GS = drawn(rng, 60, seeds, of_units=of_units, of_seeds=of_seeds, of_both=of_both)
        mean, noise = noise_of(values_GS)
        held += abs(mean) <= noise.half_width(0.95)
    assert abs(held / STUDIES - 0.95) <= 0.015 + sampling_error(0.95, STUDIES) / 2


@pytest.mark.parametrize("ratio", [1, 5, 25])
@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_a_noisy_recipe_is_called_different_no_more_often_than_said(ratio, seeds):
    rng = np.random.default_rng([ratio, seeds])
    noisy_TS, quiet_TS = rng.normal(0, ratio, (STUDIES, seeds)), rng.normal(0, 1, (STUDIES, seeds))
    found = sum(noise.p(mean) < 0.05 for mean, noise in map(of_seeds, noisy_TS - quiet_TS))
    assert found / STUDIES <= 0.06 + sampling_error(0.05, STUDIES) / 4
    assert found / STUDIES >= 0.04 - sampling_error(0.05, STUDIES) / 4


@pytest.mark.parametrize(("noisy", "ratio"), [("none", 1), ("a recipe", 5), ("baseline", 5)])
def test_a_study_without_effects_has_a_star_in_at_most_5_percent(noisy, ratio):
    """7 recipes and 9 metrics, with Holm's correction, far out in the tails."""
    rng, studies, with_star = np.random.default_rng(ratio), 400, 0
    for _ in range(studies):
        scores_RMS = rng.normal(0, 1, (7, 9, 3))
        scores_RMS[{"none": 0, "baseline": 0, "a recipe": 1}[noisy]] *= ratio
        differences = (scores_RMS[1:] - scores_RMS[0]).reshape(-1, 3)
        p = [noise.p(mean) for mean, noise in map(of_seeds, differences)]
        with_star += holm(p).min() < 0.05
    assert with_star / studies <= 0.05 + sampling_error(0.05, studies) / 2


@pytest.mark.parametrize("level", [0.05, 0.05 / 54])
@pytest.mark.parametrize(("of_units", "of_seeds"), [(1.0, 0.0), (0.5, 0.1), (1.0, 1.0)])
def test_items_do_not_make_the_test_liberal_in_the_tail(level, of_units, of_seeds):
    """For a normal mean and its noise, without drawing the items: what `p` gets to see."""
    rng, studies = np.random.default_rng(5), 40_000
    chi_T = rng.chisquare(2, studies) / 2
    mean_T = rng.normal(0, (of_units**2 + of_seeds**2) ** 0.5, studies)
    # Rejected where the difference passes the quantile: one call of `p` each would take minutes.
    squared_T = (
        crossed._t_squared(level, 1e6) * of_units**2
        + crossed._t_squared(level, 2) * of_seeds**2 * chi_T
    )
    rejected = float((mean_T**2 > squared_T).mean())
    assert rejected <= level + sampling_error(level, studies)
    for mean, chi, squared in list(zip(mean_T, chi_T, squared_T, strict=True))[:200]:
        noise = Noise(of_units**2, of_seeds**2 * chi, 0.0, 1e6, 3)
        assert (noise.p(mean) < level) == (mean**2 > squared)


@pytest.mark.parametrize("true_base", [0.05, 0.5])
def test_fiellers_interval_holds_the_ratio(true_base):
    rng, held, studies = np.random.default_rng(3), 0, 1000
    for _ in range(studies):
        x_GS, b_GS = (rng.normal(true_base * r, 0.15, (200, 4)) for r in (1.2, 1.0))
        b_GS += rng.normal(0, 0.02 * true_base, 4)
        both = np.stack([x_GS - x_GS.mean(), b_GS - b_GS.mean()], -1) / 200
        ends = ratio_interval(x_GS.mean(), b_GS.mean(), crossed_covariance([both]), 0.95)
        held += ends is None or ends[0] <= 1.2 <= ends[1]
    assert abs(held / studies - 0.95) <= 0.015 + sampling_error(0.95, studies) / 2


def test_fiellers_interval_holds_1_where_that_of_the_difference_holds_0():
    rng = np.random.default_rng(4)
    for shift in np.linspace(0, 0.1, 21):
        x_GS, b_GS = rng.normal(0.5 + shift, 0.2, (50, 3)), rng.normal(0.5, 0.2, (50, 3))
        both = np.stack([x_GS - x_GS.mean(), b_GS - b_GS.mean()], -1) / 50
        covariance = crossed_covariance([both])
        low, high = ratio_interval(x_GS.mean(), b_GS.mean(), covariance, 0.95)
        half = covariance.along([1, -1]).half_width(0.95)
        assert (low <= 1 <= high) == (abs(x_GS.mean() - b_GS.mean()) <= half)


def test_a_base_that_may_be_zero_has_no_ratio():
    covariance = crossed_covariance([np.random.default_rng(5).normal(size=(9, 3, 2))])
    assert ratio_interval(1.0, 0.01, covariance, 0.95) is None
    assert ratio_interval(1.0, -3.0, covariance, 0.95) is None


@pytest.mark.parametrize(("of_units", "of_seeds"), [(0.0, 1.0), (1.0, 0.5), (2.0, 0.1)])
@pytest.mark.parametrize("seeds", [3, 6])
def test_what_is_detectable_is_found_in_four_of_five_studies(of_units, of_seeds, seeds):
    level, rng = 0.05 / 20, np.random.default_rng(6)
    size = Noise(of_units, of_seeds, 0.0, 1e6, seeds).detectable(level)
    found = 0
    for _ in range(STUDIES):
        chi = rng.chisquare(seeds - 1) / (seeds - 1)
        estimate = rng.normal(size, (of_units + of_seeds) ** 0.5)
        found += Noise(of_units, of_seeds * chi, 0.0, 1e6, seeds).p(estimate) < level
    assert found / STUDIES == pytest.approx(0.8, abs=sampling_error(0.8, STUDIES))


def test_the_seeds_that_it_takes_are_the_fewest_that_do():
    noise = Noise(units=0.25, seeds=1.0, both=0.2, unit_freedom=99, seed_count=3)
    needed = noise.seeds_needed(1.0, 0.001)
    assert noise.with_seeds(needed).detectable(0.001) <= 1.0
    assert noise.with_seeds(needed - 1).detectable(0.001) > 1.0
    assert noise.with_seeds(3) == noise
    assert noise.seeds_needed(0.5, 0.001) is None  # items alone hide it, whatever the seeds


@pytest.mark.parametrize("relative", [True, False])
def test_what_lies_at_the_margin_is_called_equivalent_in_5_percent_of_studies(relative):
    """One side of the margin is tested there, so of the two errors only one can happen."""
    rng, called, studies = np.random.default_rng(7), {0.0: 0, 0.05: 0}, 1500
    for _ in range(studies):
        base_GS = drawn(rng, 40, 4, of_units=0.1, of_seeds=0.0, of_both=0.01) + 1
        for true in called:
            noise_GS = drawn(rng, 40, 4, of_units=0.01, of_seeds=0.012, of_both=0.02)
            both = np.stack([base_GS * (1 + true) + noise_GS, base_GS], axis=-1)
            means = both.mean((0, 1))
            covariance = crossed_covariance([(both - means) / 40])
            called[true] += margin_p(*means, covariance, 0.05, relative=relative) < 0.05
    assert called[0.05] / studies <= 0.05 + sampling_error(0.05, studies) / 2
    assert called[0.0] / studies > 0.5


def test_more_units_shrink_what_units_and_both_add_and_leave_the_seeds():
    noise = Noise(units=5.0, seeds=3.0, both=1.0, unit_freedom=99, seed_count=4)
    more = noise.with_units(4)
    assert (more.both, more.of_units) == pytest.approx((0.25, 1.0))
    assert more.seeds == pytest.approx(2.25) and more.unit_freedom == 396
    assert noise.with_units(1) == noise


def test_the_units_that_are_said_to_be_needed_are_enough_and_a_tenth_fewer_are_not():
    noise = Noise(units=5.0, seeds=1.2, both=1.0, unit_freedom=99, seed_count=5)
    factor = noise.units_needed(5.0, 0.01)
    assert factor > 1.5
    assert noise.with_units(factor).detectable(0.01) <= 5.0
    assert noise.with_units(0.9 * factor).detectable(0.01) > 5.0
    assert noise.units_needed(noise.detectable(0.01), 0.01) == pytest.approx(1.0, rel=0.02)
    assert noise.units_needed(0.01, 0.01) is None  # seeds alone hide it, whatever the items


def test_a_study_with_the_items_that_it_takes_finds_the_difference_four_times_of_five():
    rng, found = np.random.default_rng(12), 0
    parts = {"of_units": 1.0, "of_seeds": 0.02, "of_both": 1.0}
    pilot = [noise_of(drawn(rng, 50, 4, **parts))[1] for _ in range(300)]
    # The noise as it is, from many pilots: one alone knows little of the seeds.
    mean = Noise(*np.mean([[n.units, n.seeds, n.both] for n in pilot], axis=0), 49, 4)
    factor = mean.units_needed(0.12, 0.05)
    for _ in range(400):
        value, noise = noise_of(0.12 + drawn(rng, round(50 * factor), 4, **parts))
        found += noise.p(value) < 0.05
    assert 2 < factor < 40
    assert found / 400 >= 0.8 - sampling_error(0.8, 400)
    assert found / 400 <= 0.9 + sampling_error(0.9, 400)
