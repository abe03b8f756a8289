import numpy as np
import pytest

from code_ablate.analysis.laws.design import (
    BEST,
    EVERYWHERE,
    DesignConfig,
    first_batch,
    propose_batch,
    repeat_noise,
)
from code_ablate.analysis.laws.hull import Hull
from code_ablate.analysis.laws.optimum import find_optimum
from code_ablate.analysis.laws.outlook import Objective, Outlook, look_at, resample
from code_ablate.analysis.laws.parametric import EffectiveData
from code_ablate.analysis.laws.plain import Mean, Smooth
from code_ablate.analysis.laws.region import Region, read_constraints, read_shares
from code_ablate.analysis.laws.stack import fit_stack
from code_ablate.errors import UserError
from tests.analysis.laws.conftest import CORPORA, TARGETS, losses, make_records, mixtures
from tests.tolerance import assert_close


@pytest.fixture(scope="module")
def stack():
    laws = (Mean(), Smooth(), EffectiveData(returns=True))
    return fit_stack(make_records(), laws, tightnesses=(1.0,))


@pytest.fixture(scope="module")
def objective(stack):
    return Objective.mean_of(stack)


@pytest.fixture(scope="module")
def resampled(stack, objective):
    return resample(stack, objective, resamples=16)


# Region


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"upper": {"code": 0.3}, "lower": {"text": 0.2}},
        {"tokens": 1e9, "available": {"code": 5e7, "text": 2e8}, "epochs": 2.0},
        {"today": {"text": 0.7, "code": 0.3}, "distance": 0.1},
        {"today": {"text": 0.7, "code": 0.3}, "distance": 0.2, "upper": {"text": 0.6}},
    ],
)
def test_samples_meet_the_constraints(options):
    region = Region(CORPORA, **options)
    rates_MC = region.sample(500, np.random.default_rng(0))
    assert region.holds(rates_MC).all()
    assert_close(rates_MC.sum(axis=1), np.ones(len(rates_MC)), share=1e-9)
    assert len(np.unique(rates_MC.round(3), axis=0)) > 300
    corner = np.eye(len(CORPORA))
    assert region.holds(region.brought_in(corner)).all()
    if options:
        assert not region.holds(corner).all()


def test_tokens_at_hand_and_epochs_bound_a_share():
    region = Region(CORPORA, tokens=1e9, available={"code": 5e7}, epochs=2.0)
    assert region.bounds_2C[1].tolist() == pytest.approx([1, 0.1, 1, 1, 1])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"upper": {"cod": 0.3}}, "did you mean 'code'"),
        ({"lower": {"text": 0.7, "code": 0.6}}, "no mixture meets the constraints"),
        ({"lower": {"text": 0.7}, "upper": {"text": 0.6}}, "constraints on text"),
        ({"upper": dict.fromkeys(CORPORA, 0.1)}, "no mixture meets the constraints"),
        ({"distance": 0.1}, "needs today's mixture"),
        ({"available": {"code": 1e6}}, "--tokens"),
        ({"today": {"text": 0.5}}, "must sum to 1"),
        ({"today": {"text": 1}, "upper": {"text": 0.5}, "distance": 0.1}, "within the distance"),
    ],
)
def test_impossible_regions_are_refused(options, said):
    with pytest.raises(UserError) as error:
        Region(CORPORA, **options)
    assert said in str(error.value)


def test_constraints_are_read_as_they_are_written():
    assert read_constraints(["code<=0.3", "text >= 0.2", "maths=0.1", "epochs<=4"]) == {
        "lower": {"text": 0.2, "maths": 0.1},
        "upper": {"code": 0.3, "maths": 0.1},
        "epochs": 4.0,
    }
    assert read_shares(["code=2e9"], "tokens") == {"code": 2e9}
    for bad in ("code<0.3", "code<=x", "<=0.3", "code<=1.3", "epochs>=2", "code<=nan"):
        with pytest.raises(UserError, match=r"code|epochs|constraint"):
            read_constraints([bad])


# What is not known


def test_the_good_set_is_the_fewest_mixtures_with_the_level():
    draws_DM = np.full((100, 4), 1.0)
    for mixture, wins in enumerate((60, 25, 14, 1)):
        start = sum((60, 25, 14, 1)[:mixture])
        draws_DM[start : start + wins, mixture] = 0.0
    outlook = Outlook(np.eye(4), np.array([0.1, 0.2, 0.3, 0.4]), draws_DM)
    assert outlook.good_M(0.85).tolist() == [True, True, False, False]
    assert outlook.good_M(0.9).tolist() == [True, True, True, False]
    np.testing.assert_allclose(outlook.regret_M, [0.4, 0.75, 0.86, 0.99])


def test_intervals_hold_the_truth_and_the_set_holds_the_best_in_new_studies():
    inside, held, sizes = [], [], []
    candidates = mixtures(60, 1234)
    truth_M = losses(candidates).mean(axis=1)
    for seed in range(12):
        stack = fit_stack(
            make_records(30, seed=seed, noise=0.03),
            (Mean(), EffectiveData(returns=True)),
            tightnesses=(1.0,),
        )
        objective = Objective.mean_of(stack)
        outlook = look_at(
            stack, objective, candidates, resampled=resample(stack, objective, resamples=16)
        )
        low_M, high_M = outlook.interval_2M(0.9)
        inside.append(((low_M <= truth_M) & (truth_M <= high_M)).mean())
        good_M = outlook.good_M(0.9)
        held.append(good_M[truth_M.argmin()])
        sizes.append(good_M.sum())
    assert np.mean(inside) > 0.85
    assert np.sum(held) >= 10
    assert np.mean(sizes) < 30


def test_laws_that_disagree_widen_the_interval(stack, objective, resampled):
    from dataclasses import replace

    candidates = mixtures(40, 5)
    alone = np.zeros_like(resampled.weight_SL)
    alone[:, 2] = 1.0
    laws = dict(resampled.laws)
    laws[0] = stack.members[0].law.fit(stack.observations, np.ones((16, 40)))
    both = np.zeros_like(alone)
    both[:, [0, 2]] = 0.5
    spread = [
        look_at(
            stack, objective, candidates, resampled=replace(resampled, laws=laws, weight_SL=weights)
        )
        .draws_DM.std(axis=0)
        .mean()
        for weights in (alone, both)
    ]
    assert spread[1] > 1.5 * spread[0]


def test_targets_of_different_signs_are_judged_in_standard_deviations():
    records = make_records(20)
    values = records.values_NT * [1, 1, -1]
    stack = fit_stack(
        make_records(20, values_NT=values, higher_is_better=frozenset(TARGETS[2:])), (Mean(),)
    )
    objective = Objective.mean_of(stack)
    assert "standard deviations" in objective.unit
    assert objective.of(np.array([1.0, 2.0, 3.0])) == pytest.approx(2.0)
    with pytest.raises(UserError, match="weights of targets"):
        Objective.mean_of(stack, [1, 2])


# Optimum


def test_the_optimum_is_near_the_true_one_and_within_the_region(stack, objective, resampled):
    for region in (Region(CORPORA), Region(CORPORA, upper={"code": 0.1})):
        optimum = find_optimum(stack, objective, region, resampled=resampled)
        assert region.holds(optimum.outlook.rates_MC).all()
        anywhere = losses(region.sample(20_000, np.random.default_rng(0))).mean(axis=1)
        reached = losses(optimum.rates_C[None]).mean()
        usual = np.median(anywhere) - anywhere.min()  # regret of a mixture taken at random
        assert reached - anywhere.min() < 0.05 * usual
        assert optimum.rates_C[CORPORA.index("unused")] == 0
        ranges = optimum.ranges()
        assert (ranges["least"] <= ranges["pick"]).all()
        assert (ranges["pick"] <= ranges["greatest"]).all()
        assert 0 <= optimum.expected_regret < 0.1 * usual


def test_no_mixture_is_compared_twice(objective):
    rates_NC = np.repeat(mixtures(20, 0), 2, axis=0)  # every mixture was trained with two seeds
    records = make_records(40, rates_NC=rates_NC, values_NT=losses(rates_NC))
    stack = fit_stack(records, (Mean(), EffectiveData(returns=True)), tightnesses=(1.0,))
    resampled = resample(stack, objective, resamples=8)
    # The second has few corners, to which most of the mixtures are brought in.
    for region in (
        Region(CORPORA, today={"text": 0.9, "code": 0.1}),
        Region(CORPORA, lower={"text": 0.8, "code": 0.199}, today={"text": 0.8, "code": 0.2}),
    ):
        compared_MC = find_optimum(stack, objective, region, resampled=resampled).outlook.rates_MC
        assert len(np.unique(compared_MC.round(6), axis=0)) == len(compared_MC)
        assert (compared_MC == region.today_C).all(axis=1).sum() == 1
        assert region.holds(compared_MC).all()


def test_a_pick_outside_the_data_is_marked():
    rates_NC = mixtures(60, 0)
    poor = make_records(60, rates_NC=rates_NC, values_NT=losses(rates_NC)).take(
        np.flatnonzero(rates_NC[:, 1] < 0.1)
    )
    stack = fit_stack(poor, (Mean(), EffectiveData(returns=True)), tightnesses=(1.0,))
    objective = Objective.mean_of(stack)
    resampled = resample(stack, objective, resamples=8)
    far = find_optimum(stack, objective, Region(CORPORA, lower={"code": 0.5}), resampled=resampled)
    assert far.outside_M[far.pick]
    near = find_optimum(
        stack, objective, Region(CORPORA, upper={"code": 0.05, "unused": 0}), resampled=resampled
    )
    assert not near.outside_M[near.pick]


def test_distances_to_the_hull_are_shares_of_tokens():
    hull = Hull(np.array([[1.0, 0, 0], [0, 1.0, 0], [0.5, 0.5, 0.0]]))
    at = np.array([[0.3, 0.7, 0.0], [0.3, 0.3, 0.4], [0.0, 0.0, 1.0]])
    assert_close(hull.distances(at), [0, 0.4, 1.0], share=1e-3)


# Design


def test_a_batch_tells_more_than_random_runs(stack, objective, resampled):
    trainable, interest = mixtures(150, 31), mixtures(80, 32)
    batch = propose_batch(
        stack, objective, trainable, interest, DesignConfig(runs=4), resampled=resampled
    )
    assert batch.rates_BC.shape == (4, len(CORPORA))
    alone = DesignConfig(runs=4, repeats=False)  # four mixtures, and no choice among them
    random = [
        propose_batch(
            stack, objective, mixtures(4, seed), interest, alone, resampled=resampled
        ).regret_after
        for seed in range(40, 60)
    ]
    assert batch.regret_after < np.median(random)
    assert batch.regret_after < batch.regret_before
    assert all((trainable == rates_C).all(axis=1).any() for rates_C in batch.rates_BC)


def test_repeats_are_proposed_where_noise_is_large_and_there_is_nothing_else():
    rates_NC = np.repeat(mixtures(10, 0), 2, axis=0)
    noise = 0.2 * np.random.default_rng(0).standard_normal((20, 3))
    records = make_records(20, rates_NC=rates_NC, values_NT=losses(rates_NC) + noise)
    stack = fit_stack(records, (Mean(), EffectiveData(returns=True)), tightnesses=(1.0,))
    objective = Objective.mean_of(stack)
    # Three targets of variance 0.04 each: their mean has standard deviation 0.2 / sqrt(3).
    assert repeat_noise(records, objective, stack.scaling.spread_T) == pytest.approx(
        0.2 / np.sqrt(3), rel=0.5
    )
    batch = propose_batch(
        stack,
        objective,
        rates_NC[:4:2],
        mixtures(30, 3),
        DesignConfig(runs=4, goal=EVERYWHERE),
        resampled=resample(stack, objective, resamples=8),
    )
    assert batch.repeats_B.all()


def test_the_first_batch_spreads_over_the_region():
    region = Region(CORPORA, upper={"code": 0.3})
    rates_BC = first_batch(region, 10)
    assert region.holds(rates_BC).all()
    random = region.sample(10, np.random.default_rng(0))

    def nearest(rates):
        distance = np.linalg.norm(np.sqrt(rates)[:, None] - np.sqrt(rates), axis=2)
        return (distance + 9 * np.eye(10)).min()

    assert nearest(rates_BC) > 2 * nearest(random)
    with pytest.raises(UserError, match="8 runs or more"):
        first_batch(region, 3)
    one_point = Region(CORPORA, lower={"text": 1.0})
    with pytest.raises(UserError, match=r"fewer than 10 different mixtures .*found: 1"):
        first_batch(one_point, 10)


def test_a_goal_that_does_not_exist_is_refused():
    with pytest.raises(UserError, match=BEST):
        DesignConfig(goal="fast")
