import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression

from code_ablate.analysis.estimation import win_rates as judging
from code_ablate.analysis.estimation.win_rates import (
    length_controlled,
    percentile_interval,
    summarise_judgements,
)
from tests.tolerance import endpoint_error, sampling_error

C, B = "candidate", "baseline"


def table(verdicts, lengths=None, status=None):
    """`verdicts`: per item, those of the orders candidate_first and baseline_first."""
    rows = []
    for item, given in enumerate(verdicts):
        candidate, baseline = lengths[item] if lengths is not None else (10 + item, 10)
        for order, verdict in zip((C, B), given, strict=True):
            rows.append(
                {
                    "item": str(item),
                    "group": "",
                    "order": f"{order}_first",
                    "verdict": verdict,
                    "status": "judged" if verdict else (status or "unparseable"),
                    "candidate_characters": candidate,
                    "baseline_characters": baseline,
                    "identical": False,
                }
            )
    return pd.DataFrame(rows)


def test_counts_rates_and_the_sign_test():
    # 7 wins, 2 losses, 3 ties (twice the one shown first, once the one shown second), 2 left out.
    verdicts = [(C, C)] * 7 + [(B, B)] * 2 + [(C, B)] * 2 + [(B, C)] + [(C, None), (None, None)]
    summary = summarise_judgements(table(verdicts))
    assert (summary.wins, summary.losses, summary.ties) == (7, 2, 3)
    assert (summary.prompts, summary.n, summary.unparseable, summary.unanswered) == (14, 12, 2, 0)
    assert summary.win_rate == 8.5 / 12
    assert summary.bounds == (8.5 / 14, 10.5 / 14)
    # Exact binomial, by hand: 2 (1 + 9 + 36) / 2^9.
    assert summary.sign_p == pytest.approx(2 * (1 + 9 + 36) / 2**9)
    assert summary.agreement == 9 / 12
    # An item whose orders agree shows the first once; of the ties two show it twice, one never.
    assert summary.first_position == (9 * 0.5 + 2) / 12
    low, high = summary.interval
    assert low < summary.win_rate < high


def test_each_sort_of_request_has_a_summary_of_its_own():
    verdicts = [(C, C)] * 7 + [(B, B)] * 6 + [(C, B)] * 2 + [(None, None)]
    judgements = table(verdicts)
    assert judging.by_group(judgements) == judging.by_group(judgements.assign(group="all")) == {}
    of_item = ["advice"] * 7 + ["planning"] * 9
    judgements["group"] = judgements["item"].astype(int).map(of_item.__getitem__)
    groups = judging.by_group(judgements)
    advice, planning = groups["advice"], groups["planning"]
    assert (advice.wins, advice.losses, advice.ties, advice.prompts) == (7, 0, 0, 7)
    assert (planning.wins, planning.losses, planning.ties, planning.prompts) == (0, 6, 2, 9)
    assert planning == summarise_judgements(judgements[judgements["group"] == "planning"])
    unnamed = judgements.assign(group=judgements["group"].replace("advice", ""))
    assert judging.by_group(unnamed) == {}  # one sort, and requests of none


def test_what_the_endpoint_did_not_answer_is_told_apart():
    summary = summarise_judgements(table([(C, C), (C, None)], status="unanswered"))
    assert (summary.n, summary.unparseable, summary.unanswered) == (1, 0, 1)


def test_the_interval_is_that_of_a_bootstrap_over_prompts():
    verdicts = [(C, C)] * 60 + [(B, B)] * 40 + [(C, B)] * 100
    low, high = summarise_judgements(table(verdicts)).interval
    values = np.repeat([1.0, 0.0, 0.5], [60, 40, 100])
    drawn = stats.bootstrap((values,), np.mean, method="percentile", rng=0, n_resamples=3000)
    off = endpoint_error(drawn.standard_error, judging.RESAMPLES, 3000)
    assert (low, high) == pytest.approx(tuple(drawn.confidence_interval), abs=off)


@pytest.mark.parametrize(("verdict", "rate"), [((C, C), 1.0), ((B, B), 0.0), ((C, B), 0.5)])
def test_an_interval_has_a_width_when_all_prompts_came_out_alike(verdict, rate):
    summary = summarise_judgements(table([verdict] * 8))
    wilson = stats.binomtest(int(8 * rate), 8).proportion_ci(method="wilson")
    assert summary.interval == pytest.approx((wilson.low, wilson.high))
    assert summary.length_controlled is None


def test_nothing_readable_gives_no_rate():
    summary = summarise_judgements(table([(None, None)] * 3))
    assert summary.win_rate is summary.interval is summary.agreement is None
    assert summary.sign_p == 1 and summary.bounds == (0, 1) and summary.unparseable == 3


def simulated(items, rng, *, ability, slope, ties=0.0):
    """(outcome, difference in length), with a candidate that writes more than the baseline."""
    longer_I = rng.normal(80, 150, items)
    p_I = 1 / (1 + np.exp(-(ability + slope * np.tanh(longer_I / longer_I.std()))))
    outcome_I = (rng.random(items) < p_I).astype(float)
    return np.where(rng.random(items) < ties, 0.5, outcome_I), longer_I


@pytest.mark.parametrize(("ability", "slope"), [(0.0, 2.0), (-0.6, 1.5), (0.8, 0.0)])
def test_length_control_finds_the_win_rate_at_equal_length(ability, slope):
    outcome_I, longer_I = simulated(20_000, np.random.default_rng(0), ability=ability, slope=slope)
    (rate,) = length_controlled(outcome_I, longer_I, np.ones((1, len(outcome_I))))
    expected = 1 / (1 + np.exp(-ability))
    assert rate == pytest.approx(expected, abs=1.25 * sampling_error(expected, len(outcome_I)))
    if slope:
        assert outcome_I.mean() - rate > 0.1  # which is what there was to take out


def test_length_control_agrees_with_another_library():
    outcome_I, longer_I = simulated(3000, np.random.default_rng(1), ability=0.4, slope=1.0)
    (rate,) = length_controlled(outcome_I, longer_I, np.ones((1, 3000)))
    x_I1 = np.tanh(longer_I / longer_I.std())[:, None]
    fitted = LogisticRegression(C=np.inf).fit(x_I1, outcome_I)
    assert rate == pytest.approx(fitted.predict_proba([[0.0]])[0, 1], rel=1e-3)


def test_length_control_counts_weights_as_repetitions():
    outcome_I, longer_I = simulated(60, np.random.default_rng(2), ability=0.2, slope=1.0, ties=0.3)
    times_I = np.random.default_rng(3).integers(1, 4, 60)
    # The scale of the lengths is that of the data, not of the draw.
    rates = length_controlled(outcome_I, longer_I, np.stack([times_I, 2 * times_I]))
    x_RP = np.stack([np.ones(60), np.tanh(longer_I / longer_I.std())], 1).repeat(times_I, 0)
    y_R = outcome_I.repeat(times_I)
    theta = np.array([np.log(rates[0] / (1 - rates[0])), 0.0])
    # At the estimate the penalised score is zero for some slope: find it on a grid.
    scores = []
    for theta[1] in np.linspace(-3, 3, 6001):
        p_R = 1 / (1 + np.exp(-x_RP @ theta))
        w_R = p_R * (1 - p_R)
        inverse = np.linalg.inv(x_RP.T * w_R @ x_RP)
        leverage_R = w_R * np.einsum("rp,pq,rq->r", x_RP, inverse, x_RP)
        scores.append(np.abs(x_RP.T @ (y_R - p_R + leverage_R * (0.5 - p_R))).max())
    assert min(scores) < 0.02


def test_length_control_is_finite_where_length_decides_everything():
    longer_I = np.array([-300.0, -200, -100, 100, 200, 300])
    verdicts = [(C, C) if longer > 0 else (B, B) for longer in longer_I]
    lengths = [(500 + int(longer), 500) for longer in longer_I]
    summary = summarise_judgements(table(verdicts, lengths))
    assert summary.longer_preferred == 1
    assert summary.length_controlled == pytest.approx(0.5, rel=2e-6)
    assert all(0 < bound < 1 for bound in summary.length_controlled_interval)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    rng, held, truth = np.random.default_rng(4), 0, 1 / (1 + np.exp(-0.5))
    for _ in range(100):
        outcome_I, longer_I = simulated(100, rng, ability=0.5, slope=1.0)
        draws = rng.multinomial(100, np.full(100, 0.01), 300)
        low, high = percentile_interval(length_controlled(outcome_I, longer_I, draws))
        held += low <= truth <= high
    assert held >= 88  # 95 are expected; fewer than 88 by chance less than once in 200 times


def test_a_likelihood_judge_has_no_orders_to_agree():
    rows = table([(C, C), (B, B), (C, C)]).iloc[::2].assign(order="none")
    rows.iloc[2, rows.columns.get_loc("verdict")] = "equal"
    summary = summarise_judgements(rows)
    assert (summary.wins, summary.losses, summary.ties) == (1, 1, 1)
    assert summary.agreement is None and summary.first_position is None
