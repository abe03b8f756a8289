"""Which mixtures to train next, and what is to be expected of it.

    batch = propose_batch(stack, objective, trainable_MC, of_interest_QC, runs=8, seed=0)
    batch.rates_BC, batch.regret_before, batch.regret_after

Each run of the batch is the one that lowers most what is not known of the good mixtures: the
variance there (Bayesian V-optimal, Chaloner and Verdinelli 1995) of a sum of the stack's features,
levelled logarithms of the shares. A mixture weighs less the worse it is predicted, and a run of a
bad mixture tells less, because laws err most there. With goal "everywhere" all weigh alike, and the
determinant is what counts (D-optimal).
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from jaxtyping import Float, Int

from code_ablate.analysis.laws.mixture_records import LEAST_MIXTURES, Records
from code_ablate.analysis.laws.outlook import Objective, Outlook, Resampled, look_at, resample
from code_ablate.analysis.laws.region import Region
from code_ablate.analysis.laws.stack import Stack
from code_ablate.checked import OneOf, PositiveInt, checked
from code_ablate.errors import UserError

BEST, EVERYWHERE = "best", "everywhere"
_JITTER = 1e-9
_KNEE = 0.01
_PRIOR = 0.5
"""Prior precision of the features' coefficients."""
_NEAREST, _FALL = 0.3, 4
"""A run's variance goes with (0.3 + its gap to the best)**4, the gap in units of the median one."""
_DEFAULT_NOISE = 0.1
"""Standard deviation between repeats, in parts of the error at held-out mixtures, where no mixture
was repeated: the rest of that error is the laws'."""


@checked
@dataclass(frozen=True)
class DesignConfig:
    """What a batch is to be good for."""

    runs: PositiveInt = 8
    """Number of runs in the batch."""

    goal: Annotated[str, OneOf((BEST, EVERYWHERE))] = BEST
    """best: to find the best mixture; everywhere: to know the laws over the whole region."""

    repeats: bool = True
    """Whether a mixture may be trained again; noise decides whether that is worth a run."""


@dataclass(frozen=True)
class Batch:
    """Mixtures to train next."""

    rates_BC: Float[np.ndarray, "B C"]
    """Their shares, the most telling first; equal rows are repeats."""

    chosen_B: Int[np.ndarray, " B"]
    """Their numbers among the mixtures that may be trained."""

    repeats_B: np.ndarray
    """Whether a run repeats a mixture that was trained, or stands before in the batch."""

    unknown_B: Float[np.ndarray, " B"]
    """Standard deviation of the objective at each mixture, before its run."""

    regret_before: float
    """Expected regret of the pick today."""

    regret_after: float
    """Expected regret of the pick once the batch has been trained: a mean over draws, which for a
    batch that tells nothing may come out a little above `regret_before`."""


@dataclass(frozen=True)
class Proposal:
    """A batch of runs, and the names that its shares belong to."""

    corpora: tuple[str, ...]
    """Names of the corpora."""

    rates_BC: Float[np.ndarray, "B C"]
    """Shares of each proposed run."""

    batch: Batch | None
    """What is expected of it; None for the first batch, before any run."""

    unit: str = ""
    """Unit of the expectation."""

    @property
    def parts_BC(self) -> Int[np.ndarray, "B C"]:
        """Shares in ten-thousandths, which sum to 10,000 in each run."""
        parts_BC = np.floor(self.rates_BC * 10_000 + 1e-6).astype(int)
        for parts_C, rates_C in zip(parts_BC, self.rates_BC, strict=True):
            missing = 10_000 - parts_C.sum()
            parts_C[np.argsort(parts_C - rates_C * 10_000)[:missing]] += 1
        return parts_BC

    def csv(self) -> str:
        """The mixtures as CSV, a row per run, shares to four decimals that sum to 1."""
        rows = [",".join(("run", *(f'"{c}"' if "," in c else c for c in self.corpora)))]
        for number, parts_C in enumerate(self.parts_BC, 1):
            rows.append(",".join([str(number), *(f"{part / 10_000:.4f}" for part in parts_C)]))
        return "\n".join(rows) + "\n"

    def gin(self) -> str:
        """The mixtures as recipes of a study, `mixtures/each`: an arm named after each run."""
        digits = len(str(len(self.rates_BC)))
        rows = []
        for number, parts_C in enumerate(self.parts_BC, 1):
            parts = zip(self.corpora, parts_C, strict=True)
            shares = ", ".join(f"{corpus!r}: {part / 10_000}" for corpus, part in parts if part)
            rows.append(f"    {{'name': 'mixture_{number:0{digits}}', 'mixture': {{{shares}}}}},\n")
        return f"mixtures/each.recipe = @on_mixture\nmixtures/each.listed = (\n{''.join(rows)})\n"


def repeat_noise(records: Records, objective: Objective, spread_T: np.ndarray) -> float | None:
    """Standard deviation of the objective between runs of one mixture; None without repeats."""
    signed_N = (records.values_NT * records.sign_T / spread_T) @ objective.weight_T
    squares, free = 0.0, 0
    for mixture in range(records.mixture_N.max() + 1):
        values = signed_N[(records.mixture_N == mixture) & np.isfinite(signed_N)]
        if len(values) > 1:
            squares += float(((values - values.mean()) ** 2).sum())
            free += len(values) - 1
    return float(np.sqrt(squares / free)) if free else None


def propose_batch(
    stack: Stack,
    objective: Objective,
    trainable_MC: Float[np.ndarray, "M C"],
    of_interest_QC: Float[np.ndarray, "Q C"],
    config: DesignConfig | None = None,
    *,
    seed: int = 0,
    resampled: Resampled | None = None,
) -> Batch:
    """Chooses the runs one by one.

    `trainable_MC`: mixtures that may be trained; `of_interest_QC`: those among which the best is
    looked for. Raises UserError if there is nothing to choose from.
    """
    config = config or DesignConfig()
    if not len(trainable_MC):
        raise UserError("no mixture may be trained: loosen the constraints.")
    resampled = resampled or resample(stack, objective, seed=seed)
    both = np.concatenate([of_interest_QC, trainable_MC])
    outlook = look_at(stack, objective, both, seed=seed, resampled=resampled)
    interest = len(of_interest_QC)
    among = Outlook(of_interest_QC, outlook.predicted_M[:interest], outlook.draws_DM[:, :interest])
    draws_DM = outlook.draws_DM - outlook.draws_DM.mean(axis=0)
    covariance_MM = draws_DM.T @ draws_DM / len(draws_DM)
    noise = repeat_noise(stack.records, objective, stack.scaling.spread_T)
    if noise is None:
        noise = _DEFAULT_NOISE * float(np.sqrt(np.diag(covariance_MM).mean()))
    error = float(np.sqrt(np.diag(covariance_MM).mean()))
    chosen = _chosen(
        stack, objective, outlook.predicted_M, both, interest, (noise / error) ** 2, config
    )
    regret_after = _regret_after(outlook.draws_DM, interest, covariance_MM, chosen, noise)
    rates_BC = both[chosen]
    seen_NC = np.concatenate([stack.records.rates_NC, rates_BC]).round(4)
    runs = len(stack.records.rates_NC)
    repeats_B = [
        bool((seen_NC[: runs + b] == seen_NC[runs + b]).all(1).any()) for b in range(len(chosen))
    ]
    return Batch(
        rates_BC,
        np.array(chosen) - interest,
        np.array(repeats_B),
        np.sqrt(np.diag(covariance_MM)[chosen]),
        float(among.regret_M.min()),
        regret_after,
    )


def _chosen(
    stack: Stack,
    objective: Objective,
    predicted_M: np.ndarray,
    rates_MC: np.ndarray,
    interest: int,
    noise: float,
    config: DesignConfig,
) -> list[int]:
    """Numbers of the runs. `noise`: variance between repeats, in parts of that of laws' errors."""
    features_MF, seen_NF = _features(rates_MC), _features(stack.records.rates_NC)
    variance_M, variance_N = np.ones(len(rates_MC)), np.ones(len(seen_NF))
    weight_Q = np.ones(interest)
    if config.goal == BEST:
        least, middle = predicted_M.min(), np.median(predicted_M[:interest])
        unit = max(middle - least, 1e-12)
        at_runs_N = objective.of(stack.standardised(stack.records.rates_NC))
        variance_M = (_NEAREST + (predicted_M - least) / unit) ** _FALL
        variance_N = (_NEAREST + np.maximum(at_runs_N - least, 0) / unit) ** _FALL
        weight_Q = np.exp(-(predicted_M[:interest] - least) / unit)
    variance_M, variance_N = variance_M + noise, variance_N + noise
    precision_FF = (seen_NF / variance_N[:, None]).T @ seen_NF
    spread_FF = np.linalg.inv(precision_FF + _PRIOR * np.eye(len(precision_FF)))
    chosen: list[int] = []
    for _ in range(config.runs):
        told_MF = features_MF @ spread_FF
        own_M = (told_MF * features_MF).sum(axis=1)
        if config.goal == BEST:
            gain_M = ((told_MF @ features_MF[:interest].T) ** 2) @ weight_Q / (own_M + variance_M)
        else:
            gain_M = np.log1p(own_M / variance_M)
        gain_M[:interest] = -np.inf  # they are looked at, not trained
        if not config.repeats:
            gain_M[chosen] = -np.inf
        best = int(gain_M.argmax())
        chosen.append(best)
        column_F = told_MF[best]
        spread_FF = spread_FF - np.outer(column_F, column_F) / (own_M[best] + variance_M[best])
    return chosen


def _features(rates_NC: np.ndarray) -> np.ndarray:
    """1 and the shares' logarithms, levelled off below 1 %, about -1.5 to 0."""
    return np.concatenate([np.ones((len(rates_NC), 1)), np.log(rates_NC + _KNEE) / 3], axis=1)


def _regret_after(
    draws_DM: np.ndarray, interest: int, covariance_MM: np.ndarray, chosen: list[int], noise: float
) -> float:
    """Mean regret if each draw in turn is the truth, the batch is observed, the best picked."""
    rng = np.random.default_rng(len(chosen))
    middle_M = draws_DM.mean(axis=0)
    observed_DB = draws_DM[:, chosen] - middle_M[chosen]
    observed_DB = observed_DB + noise * rng.standard_normal(observed_DB.shape)
    known_BB = covariance_MM[np.ix_(chosen, chosen)] + (noise**2 + _JITTER) * np.eye(len(chosen))
    gain_BQ = np.linalg.solve(known_BB, covariance_MM[chosen][:, :interest])
    expected_DQ = middle_M[:interest] + observed_DB @ gain_BQ
    picked_D = expected_DQ.argmin(axis=1)
    truth_DQ = draws_DM[:, :interest]
    return float((truth_DQ[np.arange(len(picked_D)), picked_D] - truth_DQ.min(axis=1)).mean())


def first_batch(region: Region, runs: int, *, seed: int = 0) -> Float[np.ndarray, "B C"]:
    """Mixtures to begin with, when there are no runs: far apart within the region.

    Each is the one farthest (Hellinger distance) from those before it, the first the most balanced.
    Raises UserError below `LEAST_MIXTURES`, with which no law can be fitted, and where the region
    has not as many different ones.
    """
    if runs < LEAST_MIXTURES:
        raise UserError(f"begin with {LEAST_MIXTURES} runs or more: no law is fitted to fewer.")
    rates_MC = region.sample(4000, np.random.default_rng([seed, 4]))
    rates_MC = rates_MC[region.distinct(rates_MC)]
    if len(rates_MC) < runs:
        raise UserError(
            f"the constraints leave fewer than {runs} different mixtures to begin with (found: "
            f"{len(rates_MC)}): loosen them."
        )
    root_MC = np.sqrt(rates_MC)
    even_C = region.brought_in(np.full((1, len(region.corpora)), 1 / len(region.corpora)))[0]
    chosen = [int(((root_MC - np.sqrt(even_C)) ** 2).sum(1).argmin())]
    nearest_M = ((root_MC - root_MC[chosen[0]]) ** 2).sum(1)
    while len(chosen) < runs:
        chosen.append(int(nearest_M.argmax()))
        nearest_M = np.minimum(nearest_M, ((root_MC - root_MC[chosen[-1]]) ** 2).sum(1))
    return rates_MC[chosen]
