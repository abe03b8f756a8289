"""Exact intervals, marks and corrections, against scipy and against simulated truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy import stats

from code_ablate.analysis.estimation import statistics as st
from tests.tolerance import assert_close


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


@given(some.integers(1, 199), some.integers(2, 200))
def test_a_share_of_independent_items_has_jeffreys_interval(right, items):
    right = min(right, items - 1)
    value = right / items
    half = stats.norm.ppf(0.975) * (value * (1 - value) / items) ** 0.5
    expected = stats.beta.ppf([0.025, 0.975], right + 0.5, items - right + 0.5)
    assert_close(st.share_interval(value, half, 0.95), expected, 1e-9)


def test_a_share_at_an_end_or_without_noise_known_may_be_anything():
    assert st.share_interval(0.4, np.inf, 0.95) == (0.0, 1.0)
    assert st.share_interval(0.0, 0.1, 0.95) == (0.0, 1.0)


def test_guesses_that_are_alike_within_a_passage_prove_less():
    correct, choices = np.repeat([1.0, 0.0], [48, 32]), np.full(80, 2.0)
    passages = [str(i // 8) for i in range(80)]  # six passages all right, four all wrong
    alone = st.guessing_p(correct, choices, None)
    assert alone == pytest.approx(stats.binomtest(48, 80, 0.5, alternative="greater").pvalue)
    beyond = np.repeat([4.0, -4.0], [6, 4])
    expected = stats.ttest_1samp(beyond, 0, alternative="greater").pvalue
    assert st.guessing_p(correct, choices, None, passages) == pytest.approx(expected)
    assert st.guessing_p(correct, choices, None, ["one"] * 80) == 1.0
    mixed = [str(i % 10) for i in range(80)]  # every passage alike: no reason to doubt more
    assert st.guessing_p(correct, choices, None, mixed) == alone
