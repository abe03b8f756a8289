"""What comes of judgements: wins, losses, ties, how sure one can be, and what biases the judge has.

    summary = summarise_judgements(judgements)        # the table of code_ablate.evaluation.judge
    summary.win_rate, summary.interval, summary.sign_p
    by_group(judgements)["brainstorming"].win_rate        # of one sort of request

All from the view of the candidate. A prompt is a win if every order prefers the candidate, a loss
if every order prefers the baseline, a tie if the orders disagree. A prompt with a judgement that
is missing or cannot be read is none of them: it is left out of n and of every rate, and counted.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import special

from code_ablate.analysis.estimation.statistics import sign_test

RESAMPLES = 2000

Interval = tuple[float, float]


@dataclass(frozen=True)
class JudgingSummary:
    """Every rate is a fraction of 1; intervals are of 95 %, by a bootstrap over prompts."""

    prompts: int
    """Prompts that both models answered."""
    n: int
    """Prompts with a readable judgement in every order: wins + losses + ties."""
    wins: int
    """Prompts on which both orders prefer the candidate."""
    losses: int
    """Prompts on which both orders prefer the baseline."""
    ties: int
    """Prompts on which the orders disagree, and those with equal answers."""
    unparseable: int
    """Prompts left out because a judgement could not be read."""
    unanswered: int
    """Prompts left out because the judge gave none."""
    identical: int
    """Prompts with equal answers."""
    win_rate: float | None
    """(wins + ties / 2) / n."""
    interval: Interval | None
    """Interval of the win rate; Wilson's where all prompts came out alike, so that no draw
    differs."""
    bounds: Interval
    """The win rate if all that was left out were losses, and if it were wins."""
    sign_p: float
    """Two-sided exact p of "wins and losses are equally likely"; ties are left out."""
    agreement: float | None
    """Share of prompts with different answers on which both orders prefer the same one."""
    agreement_interval: Interval | None
    """Interval of `agreement`; None without it."""
    first_position: float | None
    """Share of the same judgements that prefer the answer shown first; 0.5 is without bias."""
    first_position_interval: Interval | None
    """Interval of `first_position`; None without it."""
    candidate_characters: float
    """Mean length of the candidate's answers."""
    baseline_characters: float
    """Mean length of the baseline's answers."""
    longer_preferred: float | None
    """Share of the wins and losses, with answers of different length, won by the longer."""
    longer_preferred_interval: Interval | None
    """Interval of `longer_preferred`; None without it."""
    length_controlled: float | None
    """Win rate if all answers were of equal length: `length_controlled`. None without both
    lengths that differ and outcomes that differ."""
    length_controlled_interval: Interval | None
    """Interval of `length_controlled`; None without it."""


def summarise_judgements(judgements: pd.DataFrame, *, seed: int = 0) -> JudgingSummary:
    """Counts, rates and tests. `judgements`: a row per item and order, as the judges make them."""
    items = _outcomes(judgements)
    kept = items[items["outcome"].notna()]
    outcome_I = kept["outcome"].to_numpy(float)
    wins, losses, ties = (int((outcome_I == value).sum()) for value in (1.0, 0.0, 0.5))
    left_out = len(items) - len(kept)
    weights_RI = _resampled(len(kept), seed)
    score = wins + ties / 2
    different = kept[~kept["identical"] & (kept["orders"] > 1)]
    decided = kept[(kept["outcome"] != 0.5) & (kept["longer"] != 0)]
    won_by_longer = (decided["outcome"] == 1) == (decided["longer"] > 0)
    controlled, controlled_interval = _length_control(kept, weights_RI)
    return JudgingSummary(
        prompts=len(items),
        n=len(kept),
        wins=wins,
        losses=losses,
        ties=ties,
        unparseable=int((items["outcome"].isna() & ~items["unanswered"]).sum()),
        unanswered=int(items["unanswered"].sum()),
        identical=int(items["identical"].sum()),
        win_rate=_mean(outcome_I),
        interval=_interval(outcome_I, weights_RI),
        bounds=(score / len(items), (score + left_out) / len(items)),
        sign_p=sign_test(wins, losses),
        agreement=_mean(different["agree"]),
        agreement_interval=_interval(different["agree"], _resampled(len(different), seed)),
        first_position=_mean(different["first"]),
        first_position_interval=_interval(different["first"], _resampled(len(different), seed)),
        candidate_characters=float(items["candidate_characters"].mean()),
        baseline_characters=float(items["baseline_characters"].mean()),
        longer_preferred=_mean(won_by_longer),
        longer_preferred_interval=_interval(won_by_longer, _resampled(len(decided), seed)),
        length_controlled=controlled,
        length_controlled_interval=controlled_interval,
    )


def by_group(judgements: pd.DataFrame, *, seed: int = 0) -> dict[str, JudgingSummary]:
    """The summary of each sort of request, by its name; empty where all are of one sort.

    Requests of no sort are in none of them.
    """
    groups = judgements[judgements["group"] != ""].groupby("group")
    found = {str(name): summarise_judgements(rows, seed=seed) for name, rows in groups}
    return found if len(found) > 1 else {}


_VALUE = {"candidate": 1.0, "baseline": 0.0, "equal": 0.5}


def _outcomes(judgements: pd.DataFrame) -> pd.DataFrame:
    """One row per item: outcome (1 win, 0 loss, 0.5 tie, NaN left out) and what goes with it."""
    rows = []
    for item, orders in judgements.groupby("item", sort=False):
        verdicts = orders["verdict"].map(_VALUE)
        readable = verdicts.notna().all()
        agree = verdicts.nunique() == 1
        shown_first = orders["order"].str.removesuffix("_first").map(_VALUE)
        answers = orders.iloc[0]
        rows.append(
            {
                "item": item,
                "orders": len(orders),
                "outcome": (verdicts.iloc[0] if agree else 0.5) if readable else np.nan,
                "agree": float(agree),
                "first": float((verdicts == shown_first).mean()),
                "unanswered": bool((orders["status"] == "unanswered").any()),
                "identical": bool(answers["identical"]),
                "candidate_characters": int(answers["candidate_characters"]),
                "baseline_characters": int(answers["baseline_characters"]),
                "longer": int(answers["candidate_characters"] - answers["baseline_characters"]),
            }
        )
    return pd.DataFrame(rows)


def _resampled(items: int, seed: int) -> Float[np.ndarray, "replicates items"]:
    """How often each item is drawn; row 0 is the data itself."""
    if not items:
        return np.ones((RESAMPLES + 1, 0))
    generator = np.random.default_rng(seed)
    counts = generator.multinomial(items, np.full(items, 1 / items), RESAMPLES)
    return np.concatenate([np.ones((1, items)), counts])


def _mean(values_I) -> float | None:
    return float(np.mean(values_I)) if len(values_I) else None


def _interval(values_I, weights_RI) -> Interval | None:
    values_I = np.asarray(values_I, float)
    if not len(values_I):
        return None
    if np.ptp(values_I) == 0:
        return _wilson(values_I[0], len(values_I))
    return percentile_interval(weights_RI @ values_I / len(values_I))


def percentile_interval(
    replicates: Float[np.ndarray, " replicates"], confidence: float = 0.95
) -> tuple[float, float]:
    """Percentile interval of a bootstrap distribution; row 0, the estimate, is left out.

    [q_(a/2), q_(1-a/2)] with a = 1 - confidence (Efron & Tibshirani 1993, ch. 13).
    """
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(replicates[1:], [tail, 1.0 - tail])
    return float(low), float(high)


def _wilson(rate: float, trials: int) -> Interval:
    """Wilson's 95 % interval (Wilson 1927, JASA 22), also for a rate that counts halves."""
    z = special.ndtri(0.975)
    centre = (rate + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z * np.sqrt(rate * (1 - rate) / trials + z**2 / (4 * trials**2)) / (1 + z**2 / trials)
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))


def _length_control(kept: pd.DataFrame, weights_RI) -> tuple[float | None, Interval | None]:
    outcome_I, longer_I = kept["outcome"].to_numpy(float), kept["longer"].to_numpy(float)
    if not len(kept) or np.ptp(outcome_I) == 0 or np.ptp(longer_I) == 0:
        return None, None
    rates_R = length_controlled(outcome_I, longer_I, weights_RI)
    return float(rates_R[0]), percentile_interval(rates_R)


def length_controlled(
    outcome_I: Float[np.ndarray, " items"],
    longer_I: Float[np.ndarray, " items"],
    weights_RI: Float[np.ndarray, "replicates items"],
) -> Float[np.ndarray, " replicates"]:
    """Win rate with the effect of length taken out, for each row of weights.

    `outcome_I` is 1, 1/2 or 0; `longer_I` the candidate's length less the baseline's. Fits
    P(win) = logistic(a + b tanh(d / std(d))), d the difference in length, and gives logistic(a),
    the win rate at d = 0: Length-Controlled AlpacaEval (Dubois et al. 2024, arXiv 2404.04475, eq.
    2) without its term for the difficulty of each prompt, which one comparison cannot estimate. A
    tie counts as half a win and half a loss. The likelihood is penalised by Jeffreys' prior
    (Firth 1993, Biometrika 80), so that it has a maximum also where length decides everything.
    """
    x_IP = np.stack([np.ones_like(longer_I), np.tanh(longer_I / longer_I.std())], axis=1)
    theta_RP = np.zeros((len(weights_RI), 2))
    for _ in range(_NEWTON_STEPS):
        p_RI = 1 / (1 + np.exp(-theta_RP @ x_IP.T))
        information_RPP = np.einsum("ri,ip,iq->rpq", weights_RI * p_RI * (1 - p_RI), x_IP, x_IP)
        inverse_RPP = np.linalg.pinv(information_RPP)
        # Leverages: the diagonal of the hat matrix of the weighted regression.
        leverage_RI = weights_RI * p_RI * (1 - p_RI)
        leverage_RI *= np.einsum("ip,rpq,iq->ri", x_IP, inverse_RPP, x_IP)
        residual_RI = weights_RI * (outcome_I - p_RI) + leverage_RI * (0.5 - p_RI)
        step_RP = np.einsum("rpq,rq->rp", inverse_RPP, residual_RI @ x_IP)
        # Steps of at most 1 keep replicates with few outcomes of a kind from overshooting.
        theta_RP += np.clip(step_RP, -1, 1)
        if np.abs(step_RP).max() < 1e-8:
            break
    return 1 / (1 + np.exp(-theta_RP[:, 0]))


_NEWTON_STEPS = 30
