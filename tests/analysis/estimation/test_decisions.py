"""Signal-to-noise, decision accuracy and regret: by hand, and by simulation."""

import numpy as np
import pytest
from scipy import stats

from code_ablate.analysis.estimation import decisions
from code_ablate.analysis.estimation.decisions import (
    checkpoint_noise,
    decide,
    signal_to_noise,
)
from tests.tolerance import sampling_error

STUDIES = 600


def test_expected_ranges_are_those_of_the_table():
    """Tippett's d2, as control charts have it."""
    table = {2: 1.128, 3: 1.693, 5: 2.326, 8: 2.847, 12: 3.258, 25: 3.931}
    for count, expected in table.items():
        assert decisions._expected_range(count) == pytest.approx(expected, rel=1e-3)


def test_two_recipes_by_hand():
    """d2 of two cancels the factor of a mean distance: what is left is distance over noise."""
    scores_RS = np.array([[0.0, 2.0, 4.0], [10.0, 11.0, 15.0]])
    differences = scores_RS[1] - scores_RS[0]
    unbiased = np.exp(-0.5 * (np.log(differences.var(ddof=1) / 2) + np.euler_gamma))
    found = signal_to_noise(scores_RS)
    assert found.noise == pytest.approx(1 / unbiased)
    assert found.published == pytest.approx(10.0 * unbiased)
    expected = (found.published**2 - (2 / np.pi**0.5) ** 2 / 3) ** 0.5
    assert found.ratio.value == pytest.approx(expected)
    assert found.ratio.low is None  # two recipes say nothing of others


def test_a_seed_that_moves_all_recipes_alike_is_no_noise():
    scores_RS = np.random.default_rng(0).normal(size=(6, 4))
    moved = signal_to_noise(scores_RS + 5.0 * np.arange(4))
    still = signal_to_noise(scores_RS)
    assert moved.noise == pytest.approx(still.noise)
    assert moved.ratio.value == pytest.approx(still.ratio.value, abs=1e-6)


def test_one_noisy_recipe_is_one_of_many():
    rng = np.random.default_rng(1)
    scores_RS = rng.normal(size=(12, 5)) + 10 * rng.normal(size=(12, 1))
    quiet = signal_to_noise(scores_RS).noise
    scores_RS[3] = scores_RS[3].mean() + 100 * (scores_RS[3] - scores_RS[3].mean())
    assert signal_to_noise(scores_RS).noise < 2.5 * quiet
    assert np.sqrt(scores_RS.var(axis=1, ddof=1).mean()) > 15 * quiet  # what pooling would say


def test_runs_that_agree_by_chance_are_not_without_noise():
    """Three seeds of a small set often have the same number right."""
    scores_RS = np.repeat(np.arange(6)[:, None] / 30, 3, axis=1)
    found = signal_to_noise(scores_RS, step=1 / 30)
    assert found.noise >= 1 / 30 / 12**0.5
    assert found.ratio.value < 5 / 30 / (1 / 30 / 12**0.5)


def test_repeats_that_do_not_differ_at_all_tell_no_noise():
    scores_RS = np.repeat(np.arange(1.0, 7.0)[:, None], 3, axis=1)
    assert signal_to_noise(scores_RS) is None
    scores_RS[0, 0] += 0.5  # one recipe alone repeats badly
    assert np.isfinite(signal_to_noise(scores_RS).ratio.value)
    equal = signal_to_noise(np.random.default_rng(5).normal(size=(1, 3)).repeat(6, axis=0))
    assert equal.ratio.value == 0 and equal.ratio.low is None


def test_where_nothing_differs_the_ratio_is_about_zero_and_the_published_one_is_not():
    rng = np.random.default_rng(2)
    found = [signal_to_noise(rng.normal(size=(8, 3))) for _ in range(300)]
    assert np.median([f.ratio.value for f in found]) < 0.8
    assert np.median([f.published for f in found]) > 1.4
    assert not any(f.decides for f in found if f.ratio.value < 2)


def test_too_few_recipes_or_seeds_have_no_ratio_or_no_interval():
    scores_RS = np.random.default_rng(3).normal(size=(8, 4))
    assert signal_to_noise(scores_RS[:1]) is None and signal_to_noise(scores_RS[:, :1]) is None
    assert signal_to_noise(scores_RS[:4]).ratio.low is None
    assert signal_to_noise(scores_RS[:, :2]).ratio.low is None
    assert signal_to_noise(scores_RS).ratio.low is not None


def drawn_recipes(rng, kind, size):
    if kind == "normal":
        return rng.normal(size=size)
    return rng.uniform(-1, 1, size) * 3**0.5 if kind == "even" else rng.exponential(size=size) - 1


def drawn_scores(rng, kind, shape, spread, unequal):
    """[studies, recipes, seeds]: recipes with noise of their own, and seeds that move them all."""
    studies, recipes, seeds = shape
    noise = np.exp(rng.normal(0, unequal, (studies, recipes, 1)))
    scores = spread * drawn_recipes(rng, kind, (studies, recipes, 1))
    return scores + noise * rng.normal(size=shape) + 2 * rng.normal(size=(studies, 1, seeds))


def share_held(recipes, seeds, kind, unequal, spread):
    """Share of the studies whose interval holds the ratio of very many recipes."""
    rng = np.random.default_rng([recipes, seeds, round(10 * spread), len(kind)])
    # The truth: mean distance and mean log noise over pairs of very many recipes.
    mean_D = drawn_scores(rng, kind, (200, 200, seeds), spread, unequal).mean(axis=2)
    order = 2 * np.arange(1, 201) - 201
    distance = (np.sort(mean_D, axis=1) @ order).mean() * 2 / (200 * 199)
    noise_P = np.exp(rng.normal(0, 2 * unequal, (100_000, 2))).sum(axis=1) / 2
    apparent = distance / np.exp(np.log(noise_P).mean() / 2) * np.pi**0.5 / 2
    scale = decisions._expected_range(recipes)
    truth = scale * max(0, apparent**2 - 1 / seeds) ** 0.5
    held = 0
    for scores_RS in drawn_scores(rng, kind, (STUDIES, recipes, seeds), spread, unequal):
        ratio = signal_to_noise(scores_RS).ratio
        held += ratio.low - 1e-9 <= truth <= ratio.high + 1e-9
    return held / STUDIES


@pytest.mark.parametrize(("recipes", "seeds"), [(5, 3), (8, 3), (12, 5)])
@pytest.mark.parametrize(("kind", "unequal"), [("normal", 0.0), ("normal", 0.5), ("even", 0.5)])
@pytest.mark.parametrize("spread", [0.5, 3.0])
def test_the_interval_of_the_ratio_holds_that_of_other_recipes(
    recipes, seeds, kind, unequal, spread
):
    share = share_held(recipes, seeds, kind, unequal, spread)
    error = sampling_error(0.95, STUDIES) / 2
    assert 0.935 - error <= share <= 0.985 + error


def test_the_ratio_is_held_where_recipes_or_their_noise_are_skewed():
    """Studies whose recipes lie too close together by chance show too small an error as well."""
    cells = [(8, 5, "skewed", 0.0, 8.0), (12, 5, "skewed", 0.0, 8.0), (25, 5, "normal", 1.0, 0.0)]
    shares = [share_held(*cell) for cell in cells]
    assert np.mean(shares) >= 0.935 - sampling_error(0.95, STUDIES * len(cells)) / 2


def test_the_noise_of_checkpoints_is_about_their_trend():
    tokens_C = np.array([1e3, 2e3, 4e3, 8e3, 16e3])
    line_C = 5.0 - 0.3 * np.log(tokens_C)
    rest_SC = np.array([[0.0, 0.1, -0.2, 0.1, 0.0], [0.05, 0.0, -0.1, 0.0, 0.05]])
    expected = [stats.linregress(np.log(tokens_C), line_C + rest).stderr for rest in rest_SC]
    spread = np.log(tokens_C).std() * 5**0.5
    found = checkpoint_noise(line_C + rest_SC, tokens_C)
    assert found == pytest.approx(spread * np.mean(np.square(expected)) ** 0.5)
    assert checkpoint_noise(np.ones((2, 2)), tokens_C[:2]) is None


# Decisions.


def down_regret(small_R, large_R):
    """That of scores of which less is better: the same pairs are ordered differently."""
    return decide(small_R, large_R, lower_is_better=True).regret.value


def test_decisions_by_hand():
    small_R, large_R = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 2.0, 2.5])
    found = decide(small_R, large_R, lower_is_better=False)
    assert found.accuracy.value == pytest.approx(4 / 6)  # 1 < 2, 3, 4 and 2 < 4 hold
    assert (found.pick, found.best, found.lost) == (3, 1, 0.5)
    down = decide(small_R, large_R, lower_is_better=True)
    assert (down.pick, down.best, down.lost) == (0, 0, 0.0)
    assert str(down.lost) == "0.0"  # and not "-0.0", which tables would show
    assert found.small == tuple(small_R) and found.large == tuple(large_R)
    assert found.accuracy.low is None and found.regret.low is None  # four recipes
    # Of two pairs the wrong one is taken: 3 for 2 loses 1, and 4 for 2 loses a half.
    assert found.regret.value == pytest.approx((1 + 0.5) / 6)
    assert down_regret(small_R, large_R) == pytest.approx((1 + 0.5) / 6)
    assert decide(small_R[:1], large_R[:1], lower_is_better=True) is None


def test_regret_and_accuracy_tell_different_stories():
    """Small losses among the best spoil accuracy; one bad pick is dear."""
    large_R = np.array([1.0, 1.01, 1.02, 1.03, 5.0, 6.0])
    shuffled_R = np.array([1.03, 1.02, 1.01, 1.0, 5.0, 6.0])
    wrong_best_R = np.array([1.0, 1.01, 1.02, 1.03, 5.0, 0.9])
    near, far = (decide(x, large_R, lower_is_better=True) for x in (shuffled_R, wrong_best_R))
    assert near.accuracy.value < far.accuracy.value
    assert near.lost == pytest.approx(0.03) and far.lost == pytest.approx(5.0)


def test_scores_that_do_not_vary_decide_nothing():
    found = decide(np.zeros(6), np.arange(6.0), lower_is_better=False)
    assert found.accuracy.value == 0.5 and found.accuracy.low is None


def test_the_interval_of_the_accuracy_goes_by_orders_alone():
    rng = np.random.default_rng(4)
    x_R = rng.normal(size=9)
    y_R = x_R + 0.5 * rng.normal(size=9)
    near = decide(x_R, y_R, lower_is_better=False).accuracy
    far = decide(np.exp(5 * x_R), y_R**3, lower_is_better=True).accuracy
    assert near == far and 0 < near.low < near.value < near.high < 1


def test_the_interval_of_the_accuracy_by_hand():
    """Jeffreys', with the size at which a binomial share has the jackknife's variance."""
    small_R, large_R = np.arange(5.0), np.array([0.0, 1.0, 2.0, 4.0, 3.0])
    # One pair of ten is in disorder: of six without each recipe one, but none without the last two.
    leave_one_out = np.array([5 / 6, 5 / 6, 5 / 6, 1, 1])
    size = 0.9 * 0.1 / (4 * leave_one_out.var())
    share = stats.beta(size * 0.9 + 0.5, size * 0.1 + 0.5)
    found = decide(small_R, large_R, lower_is_better=False).accuracy
    assert (found.low, found.high) == pytest.approx(share.ppf([0.025, 0.975]))
    # All alike: as many independent ones as there are recipes.
    alike = decide(small_R, small_R, lower_is_better=False).accuracy
    assert alike.low == pytest.approx(stats.beta(5.5, 0.5).ppf(0.025)) and alike.high == 1


def test_an_accuracy_knows_no_more_than_its_pairs():
    """Where every recipe has one pair in disorder, the jackknife sees no variance."""
    found = decide(np.arange(6.0), np.array([1.0, 0, 3, 2, 5, 4]), lower_is_better=False).accuracy
    share = stats.beta(12 + 0.5, 3 + 0.5)  # twelve of fifteen
    assert (found.low, found.high) == pytest.approx(share.ppf([0.025, 0.975]))


def test_where_no_pair_is_ordered_differently_regret_has_no_interval():
    found = decide(np.arange(8.0), np.arange(8.0) ** 2, lower_is_better=False)
    assert found.regret.value == 0 and found.regret.low is None
    assert found.accuracy.value == 1 and 0 < found.accuracy.low < 1


@pytest.mark.parametrize("recipes", [5, 8, 12, 25])
@pytest.mark.parametrize("kind", ["normal", "skewed"])
@pytest.mark.parametrize("correlation", [0.0, 0.7, 0.95])
def test_the_intervals_of_decisions_hold_for_other_recipes(recipes, kind, correlation):
    rng = np.random.default_rng([recipes, round(100 * correlation)])
    rest = (1 - correlation**2) ** 0.5

    def drawn(studies, recipes):
        large = drawn_recipes(rng, kind, (studies, recipes))
        return correlation * large + rest * rng.normal(size=large.shape), large

    small_D, large_D = (x[:, 0] - x[:, 1] for x in drawn(400_000, 2))
    wrong_D = small_D * large_D < 0
    accuracy, regret = 1 - wrong_D.mean(), (np.abs(large_D) * wrong_D).mean()
    if kind == "normal":  # Greiner's, and two recipes lie 2 / sqrt(pi) apart
        assert accuracy == pytest.approx(0.5 + np.arcsin(correlation) / np.pi, abs=0.004)
        assert regret == pytest.approx((1 - correlation) / np.pi**0.5, abs=0.004)
    held, defined = np.zeros(2), np.zeros(2)
    for small_R, large_R in zip(*drawn(STUDIES, recipes), strict=True):
        found = decide(small_R, large_R, lower_is_better=False)
        for i, (ranged, truth) in enumerate(((found.accuracy, accuracy), (found.regret, regret))):
            if ranged.low is not None:
                defined[i] += 1
                held[i] += ranged.low <= truth <= ranged.high
    assert defined[0] == STUDIES and defined[1] > 0.6 * STUDIES
    shares = held / defined
    assert np.all(shares >= 0.935 - sampling_error(0.95, STUDIES) / 2)
    # Few pairs in disorder: the accuracy has steps, and the regret leaves out studies without any.
    assert recipes < 12 or np.all(shares <= 0.985 + sampling_error(0.95, STUDIES) / 2)
