"""Bootstrap, exact intervals and corrections, against scipy and against simulated truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy import stats

from code_ablate.analysis.estimation import statistics as st
from tests.tolerance import assert_close, sampling_error


def _replicates(numerator, denominator=None, resamples=4000, seed=0):
    denominator = np.ones_like(numerator) if denominator is None else denominator
    return st.resample_ratios(numerator, denominator, np.random.default_rng(seed), resamples)


def _one_seed(resamples=4000):
    return st.resample_seeds(1, np.random.default_rng(1), resamples)


def test_row_zero_is_the_data():
    generator = np.random.default_rng(0)
    bits_IA, bytes_IA = generator.random((30, 2)) * 9, generator.integers(5, 90, (30, 2)) * 1.0
    replicates = _replicates(bits_IA, bytes_IA)
    weights_RS = st.resample_seeds(2, np.random.default_rng(1), 4000)
    expected = bits_IA.sum() / bytes_IA.sum()
    assert replicates.score([0, 1], weights_RS)[0] == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(replicates.per_seed([0, 1]), bits_IA.sum(0) / bytes_IA.sum(0))


def test_blocks_change_no_draw(monkeypatch):
    values_I = np.arange(10.0)
    picks_RI = np.random.default_rng(0).integers(0, 10, size=(100, 10))
    expected = np.concatenate([[45], values_I[picks_RI].sum(axis=1)])
    for blocks in ((4_000_000, 100_000), (70, 70), (70, 20)):  # 7 replicates at a time, and 2
        monkeypatch.setattr(st, "_CELLS_PER_BLOCK", blocks[0])
        monkeypatch.setattr(st, "_CELLS_PER_DRAW", blocks[1])
        sums = st.resample_items(values_I[:, None], np.random.default_rng(0), 100)
        np.testing.assert_allclose(sums[:, 0], expected, rtol=1e-12)


def test_a_score_is_the_ratio_of_weighted_sums_of_its_seeds():
    generator = np.random.default_rng(4)
    above_IA, below_IA = generator.random((2, 30, 3))
    replicates = st.resample_ratios(above_IA, below_IA, np.random.default_rng(0), 50)
    sums = st.resample_items(np.hstack([above_IA, below_IA]), np.random.default_rng(0), 50)
    weights_RS = st.resample_seeds(2, generator, 50)
    expected = (sums[:, [2, 0]] * weights_RS).sum(axis=1) / (sums[:, [5, 3]] * weights_RS).sum(1)
    np.testing.assert_allclose(replicates.score([2, 0], weights_RS), expected, rtol=1e-12)
    np.testing.assert_allclose(
        replicates.per_seed([2, 0]), above_IA.sum(0)[[2, 0]] / below_IA.sum(0)[[2, 0]], rtol=1e-12
    )


@given(some.integers(1, 400), some.floats(0.001, 0.999), some.data())
def test_tails_and_masses_are_those_of_scipy(trials, probability, data):
    successes = data.draw(some.integers(0, trials))
    tail = stats.binom.sf(successes - 1, trials, probability)
    assert st.at_least(successes, trials, probability) == pytest.approx(tail, rel=1e-9, abs=1e-300)
    masses = stats.binom.pmf(np.arange(trials + 1), trials, probability)
    np.testing.assert_allclose(
        st._binomial_masses(trials, probability), masses, rtol=1e-9, atol=1e-300
    )
    losses = trials - successes
    sign = stats.binomtest(successes, trials).pvalue
    assert st.sign_test(successes, losses) == pytest.approx(sign, rel=1e-9)


def test_without_a_win_or_loss_there_is_no_sign():
    assert st.sign_test(0, 0) == 1


def test_standard_error_of_a_mean_is_the_analytic_one():
    values = np.random.default_rng(2).normal(3.0, 2.0, 400)
    draws = _replicates(values[:, None], resamples=20_000).score([0], _one_seed(20_000))
    analytic = values.std(ddof=0) / np.sqrt(len(values))
    assert st.standard_error(draws) == pytest.approx(analytic, rel=0.03)


def test_standard_error_of_a_ratio_is_the_linearised_one():
    generator = np.random.default_rng(3)
    sizes = generator.lognormal(6, 0.5, 500)
    bits = sizes * generator.normal(2.3, 0.3, 500)
    draws = _replicates(bits[:, None], sizes[:, None], 20_000).score([0], _one_seed(20_000))
    ratio = bits.sum() / sizes.sum()
    analytic = np.sqrt(np.mean((bits - ratio * sizes) ** 2) / 500) / sizes.mean()
    assert st.standard_error(draws) == pytest.approx(analytic, rel=0.04)


def test_interval_agrees_with_scipy_bootstrap():
    values = np.random.default_rng(4).gamma(2.0, 1.0, 150)
    ours = st.percentile_interval(
        _replicates(values[:, None], resamples=20_000).score([0], _one_seed(20_000))
    )
    theirs = stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=20_000, rng=5
    ).confidence_interval
    np.testing.assert_allclose(ours, theirs, rtol=0.01)


def test_seed_weights_give_the_unbiased_variance_of_a_mean():
    for seeds in (2, 3, 6):
        scores_S = np.random.default_rng(seeds).normal(size=seeds)
        weights_RS = st.resample_seeds(seeds, np.random.default_rng(7), 100_000)
        np.testing.assert_allclose(weights_RS.sum(axis=1), 1.0)
        np.testing.assert_allclose(weights_RS[0], 1 / seeds)
        spread = np.std((weights_RS @ scores_S)[1:])
        assert spread == pytest.approx(scores_S.std(ddof=1) / np.sqrt(seeds), rel=0.02)


def test_two_seeds_are_resampled_as_either_one():
    weights_RS = st.resample_seeds(2, np.random.default_rng(0), 1000)[1:]
    assert {tuple(row) for row in weights_RS} == {(0.0, 1.0), (1.0, 0.0)}


def test_identical_arms_give_a_difference_of_zero_width():
    one_IS = (np.random.default_rng(8).random((50, 2)) < 0.6).astype(float)
    replicates = _replicates(np.concatenate([one_IS, one_IS], axis=1))
    weights_RS = st.resample_seeds(2, np.random.default_rng(9), 4000)
    draws = replicates.score([2, 3], weights_RS) - replicates.score([0, 1], weights_RS)
    assert st.percentile_interval(draws) == (0.0, 0.0)
    assert st.two_sided_p(draws) == 1.0


def test_pairing_is_what_makes_a_small_difference_visible():
    generator = np.random.default_rng(10)
    difficulty_I = generator.normal(0, 1, 100)
    base, better = difficulty_I, difficulty_I + 0.05 + generator.normal(0, 0.01, 100)
    replicates = _replicates(np.stack([base, better], axis=1))
    paired = replicates.score([1], _one_seed()) - replicates.score([0], _one_seed())
    low, high = st.percentile_interval(paired)
    assert 0.04 < low < high < 0.06
    apart = _replicates(better[:, None], seed=1).score([0], _one_seed())
    unpaired = apart - replicates.score([0], _one_seed())
    low, high = st.percentile_interval(unpaired)
    assert low < 0 < high


def test_seed_test_with_two_recipes_is_the_paired_t_test():
    scores_RS = np.random.default_rng(20).normal(size=(2, 6))
    expected = stats.ttest_rel(scores_RS[0], scores_RS[1]).pvalue
    assert st.seed_test(scores_RS, 0, 1) == pytest.approx(expected, rel=1e-9)


def test_seed_test_holds_its_level_where_the_bootstrap_of_two_seeds_does_not():
    generator, by_seeds, by_bootstrap, studies = np.random.default_rng(21), 0, 0, 1000
    for _ in range(studies):  # no effect, and noise between seeds only
        scores_RS = generator.normal(0, 1, (7, 2))
        by_seeds += st.seed_test(scores_RS, 1, 0) < 0.05
        weights_RS = st.resample_seeds(2, generator, 100)
        by_bootstrap += st.two_sided_p(weights_RS @ (scores_RS[1] - scores_RS[0])) < 0.05
    assert by_seeds / studies == pytest.approx(0.05, abs=sampling_error(0.05, studies))
    # Two seeds with differences of one sign, half of all, have a resample on that side only.
    assert by_bootstrap / studies == pytest.approx(0.5, abs=sampling_error(0.5, studies))


def test_seed_test_does_not_borrow_quiet_from_recipes_at_the_floor():
    generator, rejected = np.random.default_rng(22), 0
    for _ in range(1000):  # no effect; one recipe is noisy, the others are as good as silent
        scores_RS = generator.normal(0, 0.01, (8, 2))
        scores_RS[1] = generator.normal(0, 1, 2)
        rejected += st.seed_test(scores_RS, 1, 0) < 0.05
    assert rejected / 1000 < 0.3  # with the noise of all of them alone: 0.45


def test_seed_test_at_its_edges():
    same_RS = np.array([[0.3, 0.5], [0.3, 0.5], [0.9, 0.4]])
    assert st.seed_test(same_RS, 1, 0) == 1.0
    assert st.seed_test(np.array([[0.3, 0.5], [0.4, 0.6]]), 1, 0) == 0.0  # no noise at all
    assert np.isnan(st.seed_test(np.array([[0.3], [0.4]]), 1, 0))


def _coverage(seeds: int, studies: int = 300) -> float:
    """How often the interval of a paired difference holds the truth, with items and seeds drawn."""
    generator, held = np.random.default_rng(11 + seeds), 0
    for _ in range(studies):
        items_I = generator.normal(0.3, 0.5, 60)[:, None]
        seeds_S = generator.normal(0, 0.1, seeds)[None, :]
        difference_IS = items_I + seeds_S + generator.normal(0, 0.2, (60, seeds))
        replicates = st.resample_ratios(
            difference_IS, np.ones_like(difference_IS), generator, resamples=400
        )
        weights_RS = st.resample_seeds(seeds, generator, 400)
        low, high = st.percentile_interval(replicates.score(range(seeds), weights_RS))
        held += low <= 0.3 <= high
    return held / studies


def test_coverage_with_many_seeds_is_near_nominal():
    assert 0.91 <= _coverage(seeds=12) <= 0.99


def test_coverage_with_two_seeds_is_under_nominal_as_documented():
    assert 0.84 <= _coverage(seeds=2) <= 0.935


@given(some.integers(1, 300).flatmap(lambda n: some.tuples(some.integers(0, n), some.just(n))))
@settings(max_examples=60, deadline=None)
def test_exact_interval_is_scipys(count):
    successes, trials = count
    ours = st.exact_interval(successes, trials)
    theirs = stats.binomtest(successes, trials).proportion_ci(0.95, method="exact")
    assert_close(ours, (theirs.low, theirs.high), 1e-9)  # scipy searches the ends


def test_exact_interval_refuses_what_is_not_a_proportion():
    for successes, trials in ((3, 2), (-1, 5), (0, 0)):
        with pytest.raises(ValueError, match="not a proportion"):
            st.exact_interval(successes, trials)


@given(some.lists(some.booleans(), min_size=1, max_size=80), some.integers(2, 6))
@settings(max_examples=60, deadline=None)
def test_chance_p_with_equal_choices_is_the_binomial_test(correct, choices):
    ours = st.chance_p(np.array(correct, float), np.full(len(correct), float(choices)))
    theirs = stats.binomtest(sum(correct), len(correct), 1 / choices, alternative="greater").pvalue
    assert ours == pytest.approx(theirs, rel=1e-9)


def test_chance_p_with_unequal_choices_is_the_poisson_binomial():
    choices = np.array([2.0, 2.0, 3.0, 4.0, 5.0])
    correct = np.array([1.0, 1.0, 1.0, 0.0, 0.0])
    mass = np.ones(1)  # one item after the other, the plain way
    for probability in 1 / choices:
        mass = np.convolve(mass, [1 - probability, probability])
    assert st.chance_p(correct, choices) == pytest.approx(mass[3:].sum(), rel=1e-12)
    assert st.chance_p(np.zeros(5), choices) == pytest.approx(1.0)


def test_two_sided_p_matches_the_interval():
    draws = np.random.default_rng(12).normal(1.0, 0.5, 10_001)
    p = st.two_sided_p(draws)
    tail = stats.norm.cdf(-2.0)
    assert p == pytest.approx(2 * tail, abs=2 * sampling_error(tail, len(draws)))
    low, high = st.percentile_interval(draws, confidence=1 - p - 0.002)
    assert low > 0 and high > 0
    assert st.percentile_interval(draws, confidence=1 - p + 0.002)[0] < 0
    assert st.two_sided_p(np.full(1001, 3.0)) == pytest.approx(2 / 1001)


def test_relative_gain_and_category_mean():
    x, base = np.array([0.6, 0.5]), np.array([0.5, 0.4])
    np.testing.assert_allclose(st.relative_gain(x, base), [0.2, 0.25])
    np.testing.assert_allclose(st.category_mean([x, base]), [0.55, 0.45])
    with pytest.raises(ValueError, match="above zero"):
        st.relative_gain(x, np.array([0.5, 0.0]))


def test_seed_spread():
    assert st.seed_spread([1.0, 2.0, 4.0]) == pytest.approx(np.sqrt(7 / 3))
    assert st.seed_spread([1.0]) is None


def test_collapse_marks_one_answer_and_nothing_else():
    gold = np.array([1.0] * 62 + [0.0] * 38)
    always = st.collapse(np.ones(100), gold)
    assert always.degenerate and always.share == 1.0 and always.majority == 0.62
    varied = st.collapse(np.array([0.0, 1.0] * 50), gold)
    assert not varied.degenerate and varied.share == 0.5
    nearly = np.ones(100)
    nearly[[0, 1, 2, 3, 4, 90, 91, 92, 93, 94]] = 0.0  # 90 % one answer, right as often as always
    assert st.collapse(nearly, gold).degenerate
    skilled = gold.copy()
    skilled[:2] = 0.0
    assert not st.collapse(skilled, gold).degenerate
    one = st.collapse(np.zeros(20), np.zeros(20))  # all right, one gold label
    assert not one.degenerate and one.majority is None


def test_collapse_is_no_better_than_one_answer_and_not_just_equal_to_it():
    gold = np.repeat([1.0, 0.0], [620, 380])
    answers = np.ones(1000)
    answers[:60] = answers[-40:] = 0.0  # 90 % "yes", right for 60 %: worse than always "yes"
    assert st.collapse(answers, gold).degenerate
    answers = np.ones(1000)
    answers[-100:] = 0.0  # 90 % "yes", right for 72 %
    assert not st.collapse(answers, gold).degenerate
    rare = np.repeat([1.0, 0.0], [960, 40])
    assert not st.collapse(rare, rare).degenerate  # all right
    assert st.collapse(np.ones(1000), rare).degenerate


@given(some.lists(some.integers(0, 4), min_size=1, max_size=60), some.integers(0, 4))
def test_a_perfect_model_is_never_marked_and_one_answer_always_is(gold, answer):
    """On sets of every size, however lopsided."""
    gold = np.array(gold, float)
    assert not st.collapse(gold, gold).degenerate
    always = st.collapse(np.full(len(gold), float(answer)), gold)
    common = (gold == answer).mean() == np.unique(gold, return_counts=True)[1].max() / len(gold)
    if len(np.unique(gold)) > 1 and common:
        assert always.degenerate


def texts_of(written, gold):
    """Columns of generated texts: what was written, as numbers, and whether it was right."""
    written, gold = np.asarray(written, float), np.asarray(gold, float)
    nothing = np.full(len(gold), np.nan)
    return {"text": written, "correct": (written == gold).astype(float), "predicted": nothing}


@given(some.lists(some.integers(0, 3), min_size=2, max_size=60))
def test_perfect_texts_are_never_marked(gold):
    assert not st.collapse_of(texts_of(gold, gold)).degenerate


def test_texts_are_judged_against_what_a_good_model_writes():
    lopsided = np.repeat([1.0, 2.0], [94, 6])
    good = lopsided.copy()
    good[-2:] = 1.0  # 96 % one text; right for 98 %
    assert not st.collapse_of(texts_of(good, lopsided)).degenerate
    assert st.collapse_of(texts_of(np.ones(100), lopsided)).degenerate
    assert st.collapse_of(texts_of(np.zeros(100), lopsided)).degenerate
    assert st.collapse_of(texts_of(np.ones(100), np.repeat([1.0, 2.0], [97, 3]))).degenerate
    assert not st.collapse_of(texts_of(np.ones(100), np.ones(100))).degenerate


def test_holm_on_a_worked_example():
    # Holm (1979) by hand: 0.005*4, max(.02, 0.01*3), max(.03, 0.03*2), max(.06, 0.04*1)
    np.testing.assert_allclose(st.holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    assert st.holm([]).shape == (0,)


@given(some.lists(some.floats(0, 1), min_size=1, max_size=25), some.floats(0.001, 0.3))
def test_holm_rejects_what_the_step_down_procedure_rejects(p_values, level):
    rejected = set()
    for step, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        if p_values[i] * (len(p_values) - step) >= level:
            break
        rejected.add(i)
    adjusted = st.holm(p_values)
    assert {i for i, p in enumerate(adjusted) if p < level} == rejected


def test_bad_arrays_are_refused():
    with pytest.raises(ValueError, match="finite"):
        _replicates(np.array([[np.nan]]))
    with pytest.raises(ValueError, match="at least one item"):
        _replicates(np.empty((0, 2)))
    with pytest.raises(ValueError, match="shapes"):
        _replicates(np.ones((3, 2)), np.ones((3, 1)))


def test_a_tied_mean_has_clopper_and_pearsons_ends():
    for items in (1, 20, 500):
        assert_close(st.tied_interval(0.0, items, 0, 1), st.exact_interval(0, items), 1e-12)
        assert_close(st.tied_interval(1.0, items, 0, 1), st.exact_interval(items, items), 1e-9)
    other = 1 - 0.025 ** (1 / 40)
    assert st.tied_interval(0.0, 40, -1, 1) == pytest.approx((-other, other))
    assert st.tied_interval(0.5, 40, 0, 1) == pytest.approx((0.5 - other / 2, 0.5 + other / 2))
    assert st.tied_interval(1.0, 40, -1, 1) == pytest.approx((1 - 2 * other, 1.0))


@given(some.integers(1, 500))
def test_a_tied_difference_misses_the_truth_with_half_of_the_error_at_most(items):
    """The worst case: every discordant pair speaks for one side, and the mean is their share."""
    low, high = st.tied_interval(0.0, items, -1, 1)
    assert low == -high
    assert (1 - high) ** items == pytest.approx(0.025, rel=1e-6)  # that none of n is discordant


def test_a_good_model_of_a_lopsided_set_has_not_collapsed():
    gold = np.repeat([1.0, 0.0], [18, 2])
    assert not st.collapse(gold, gold).degenerate  # perfect
    assert st.collapse(np.ones(20), gold).degenerate
    gold = np.repeat([1.0, 0.0], [94, 6])
    good = gold.copy()
    good[-1] = 1.0  # 99 % right, and 95 % one answer
    assert not st.collapse(good, gold).degenerate
    assert st.collapse(np.ones(100), gold).degenerate


def test_a_text_that_is_right_as_often_as_it_is_written_is_no_collapse():
    def columns(text, correct):
        none = np.full(len(text), np.nan)
        return {"text": np.array(text, float), "predicted": none, "correct": np.array(correct)}

    nearly = columns([0] * 39 + [1], [1.0] * 38 + [0.0, 1.0])
    assert not st.collapse_of(nearly).degenerate
    assert st.collapse_of(columns([0] * 40, [1.0] * 20 + [0.0] * 20)).degenerate
    assert st.collapse_of(columns([0] * 40, [0.0] * 40)).degenerate
