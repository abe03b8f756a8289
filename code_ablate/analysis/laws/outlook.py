"""What is not known of mixtures: resamples of the runs, other laws, and what all laws miss.

    objective = Objective.mean_of(stack)
    outlook = look_at(stack, objective, rates_MC, seed=0)
    outlook.chance_of_best_M, outlook.good_M, outlook.regret_M

Resampling one law gives an interval that is too short: two sound laws on the same runs put the best
mixture at different places. So a draw takes a resample of the runs, one of the laws by the weights
that this resample gives them, and an error of the size and reach of those at held-out mixtures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float

from code_ablate.analysis.laws.law import FittedLaw, Law, Observations
from code_ablate.analysis.laws.stack import Stack, stacking_weights
from code_ablate.errors import UserError

RESAMPLES = 32
"""Resamples of the runs."""

ERRORS = 30
"""Draws of what all laws miss, per resample."""

LEVEL = 0.9
"""Probability that the set of good mixtures is to hold the best one with."""

_LENGTHS = (0.2, 0.4, 0.8)
_SHORT = 0.12
"""Reach of errors, in Hellinger distance; the short one stands for what belongs to a run alone."""
_SMOOTH_PARTS = (0.0, 0.3, 0.6, 0.9)
_LEAST_ERROR = 0.2
"""Part of the held-out squared error that is kept, however much of it resampling explains."""


@dataclass(frozen=True)
class Objective:
    """The one number that a mixture is judged by: a weighted mean of targets; less is better."""

    weight_T: Float[np.ndarray, " T"]
    """Weights of the standardised targets."""

    offset: float
    """What is added to their sum."""

    unit: str
    """How the number is to be read."""

    sign: float = 1.0
    """-1 where the targets are such that more is better: what is shown is the negative."""

    @classmethod
    def mean_of(cls, stack: Stack, weights: Sequence[float] | None = None) -> "Objective":
        """The mean of all targets, in their units; in standard deviations if their signs differ."""
        scaling = stack.scaling
        weight_T = np.ones(len(scaling.sign_T)) if weights is None else np.array(weights, float)
        if weight_T.shape != scaling.sign_T.shape or (weight_T < 0).any() or not weight_T.any():
            raise UserError("weights of targets: give one of at least 0 for each, not all 0.")
        weight_T = weight_T / weight_T.sum()
        if len(set(scaling.sign_T)) > 1:
            return cls(weight_T, 0.0, "standard deviations of the targets over the runs")
        return cls(
            weight_T * scaling.spread_T,
            float(weight_T @ scaling.mean_T),
            "mean of the targets" if len(weight_T) > 1 else stack.records.targets[0],
            float(scaling.sign_T[0]),
        )

    def of(self, standardised: np.ndarray) -> np.ndarray:
        """The objective of standardised targets that stand on the last axis."""
        return standardised @ self.weight_T + self.offset


@dataclass(frozen=True)
class Outlook:
    """Draws of the objective at mixtures, and what they say about which is best."""

    rates_MC: Float[np.ndarray, "M C"]
    """The mixtures."""

    predicted_M: Float[np.ndarray, " M"]
    """The stack's own prediction; less is better."""

    draws_DM: Float[np.ndarray, "D M"]
    """Draws around it."""

    @cached_property
    def chance_of_best_M(self) -> Float[np.ndarray, " M"]:
        """Share of the draws in which the mixture is the best of all."""
        best_D = self.draws_DM.argmin(axis=1)
        return np.bincount(best_D, minlength=len(self.rates_MC)) / len(best_D)

    @property
    def predicted_best(self) -> int:
        """Number of the mixture that is predicted best."""
        return int(self.predicted_M.argmin())

    def good_M(self, level: float = LEVEL) -> Bool[np.ndarray, " M"]:
        """The fewest mixtures that hold the best one with this probability, and the one that is
        predicted best."""
        order_M = np.lexsort((self.predicted_M, -self.chance_of_best_M))
        before_M = np.cumsum(self.chance_of_best_M[order_M]) - self.chance_of_best_M[order_M]
        good_M = np.zeros(len(order_M), bool)
        good_M[order_M[before_M < level - 1e-9]] = True
        good_M[self.predicted_best] = True
        return good_M

    @cached_property
    def regret_M(self) -> Float[np.ndarray, " M"]:
        """How much worse than the best of all a mixture is, expected over the draws."""
        return (self.draws_DM - self.draws_DM.min(axis=1, keepdims=True)).mean(axis=0)

    def interval_2M(self, level: float = LEVEL) -> Float[np.ndarray, "2 M"]:
        """Interval of the objective at each mixture."""
        tail = (1 - level) / 2
        return np.quantile(self.draws_DM, [tail, 1 - tail], axis=0)


@dataclass(frozen=True)
class Resampled:
    """The stack's laws on resampled runs; predicts any mixtures, many times."""

    stack: Stack
    """The stack as it was fitted to all runs."""
    objective: Objective
    """What of the targets counts."""
    laws: dict[int, FittedLaw]
    """Fitted laws by their place among the members, one set of parameters per resample."""
    weight_SL: Float[np.ndarray, "S L"]
    """Weights of the members on each resample."""

    def predict(self, rates_MC: Float[np.ndarray, "M C"]) -> Float[np.ndarray, "L S M"]:
        """Objective by law (in the order of `laws`), resample and mixture."""
        covariates_MK = self.stack.covariates_MK(len(rates_MC))
        return np.stack(
            [
                self.objective.of(np.moveaxis(law.predict(rates_MC, covariates_MK), 1, -1))
                for law in self.laws.values()
            ]
        )


def resample(
    stack: Stack, objective: Objective, *, seed: int = 0, resamples: int = RESAMPLES
) -> Resampled:
    """Fits the laws with weight to resampled runs (Bayesian bootstrap of mixtures, Rubin 1981)."""
    rng = np.random.default_rng([seed, 1])
    mixture_N = stack.records.mixture_N
    weight_SU = rng.standard_exponential((resamples, mixture_N.max() + 1))
    weights_SN = weight_SU[:, mixture_N]
    weights_SN *= weights_SN.shape[1] / weights_SN.sum(axis=1, keepdims=True)
    held_out = [m.held_out_NT for m in stack.members]
    active = [i for i, member in enumerate(stack.members) if member.weight > 0]
    weight_SL = np.zeros((resamples, len(stack.members)))
    observations = stack.observations
    for s in range(resamples):
        found = stacking_weights([held_out[i] for i in active], observations, weights_SN[s])
        weight_SL[s, active] = found
    laws = {}
    for i in active:
        law: Law = stack.members[i].law
        laws[i] = law.fit(observations, weights_SN, stack.members[i].fitted)
    return Resampled(stack, objective, laws, weight_SL)


def look_at(
    stack: Stack,
    objective: Objective,
    rates_MC: Float[np.ndarray, "M C"],
    *,
    seed: int = 0,
    resampled: Resampled | None = None,
) -> Outlook:
    """Draws of the objective at mixtures. `resampled`: laws on resamples, if already fitted."""
    resampled = resampled or resample(stack, objective, seed=seed)
    rng = np.random.default_rng([seed, 2])
    records = stack.records
    both = np.concatenate([rates_MC, records.rates_NC])
    predicted_LSM = resampled.predict(both)
    chosen_S = [
        rng.choice(len(resampled.laws), p=weights[list(resampled.laws)])
        for weights in resampled.weight_SL
    ]
    drawn_SM = predicted_LSM[chosen_S, np.arange(len(chosen_S))]
    predicted_M = objective.of(stack.standardised(both))
    mixtures = len(rates_MC)
    errors = _Errors.of(stack, objective, drawn_SM[:, mixtures:].var(axis=0))
    scale_M = errors.scale(predicted_M[:mixtures])
    unit_DM = errors.draws(rates_MC, len(chosen_S) * ERRORS, rng)
    draws_DM = np.repeat(drawn_SM[:, :mixtures], ERRORS, axis=0) + scale_M * unit_DM
    return Outlook(rates_MC, predicted_M[:mixtures], draws_DM)


@dataclass(frozen=True)
class _Errors:
    """Errors of the objective at held-out mixtures: how large, and how far they reach."""

    predicted_N: Float[np.ndarray, " N"]
    square_N: Float[np.ndarray, " N"]
    length: float
    smooth_part: float

    @classmethod
    def of(cls, stack: Stack, objective: Objective, explained_N: np.ndarray) -> "_Errors":
        """`explained_N`: variance of the resamples at the runs, which is not counted twice."""
        observations: Observations = stack.observations
        # A missing target's error is taken as 0 and the others' made as much larger.
        known_NT = observations.known_NT
        rest_NT = (observations.values_NT - stack.held_out_NT) * known_NT
        share_N = (known_NT * objective.weight_T).sum(axis=1) / objective.weight_T.sum()
        rest_N = rest_NT @ objective.weight_T / np.maximum(share_N, 1e-9)
        full_N = share_N > min(0.5, share_N.max() / 2)  # the others say little of the objective
        square_N = np.maximum(rest_N**2 - explained_N, _LEAST_ERROR * rest_N**2)[full_N]
        predicted_N = objective.of(stack.held_out_NT)[full_N]
        errors = cls(predicted_N, square_N, _SHORT, 0.0)
        unit_N = rest_N[full_N] / errors.scale(predicted_N)
        rates_NC = stack.records.rates_NC[full_N]
        best, chosen = -np.inf, (_SHORT, 0.0)
        for length in _LENGTHS:
            for part in _SMOOTH_PARTS:
                kernel_NN = _mixed_kernel(rates_NC, rates_NC, length, part)
                likelihood = _likelihood(kernel_NN + 0.05 * np.eye(len(unit_N)), unit_N)
                if likelihood > best:
                    best, chosen = likelihood, (length, part)
        return cls(predicted_N, square_N, *chosen)

    def scale(self, predicted_M: np.ndarray) -> np.ndarray:
        """Standard deviation of the error where this much is predicted: that of the runs near it.

        Near in rank: the quarter of the runs around, so that the scale at the best end is theirs.
        """
        order = self.predicted_N.argsort()
        ranks_N = np.linspace(0, 1, len(order))
        rank_M = np.interp(predicted_M, self.predicted_N[order], ranks_N)
        near_MN = np.exp(-0.5 * ((rank_M[:, None] - ranks_N) / 0.125) ** 2)
        return np.sqrt(near_MN @ self.square_N[order] / near_MN.sum(axis=1) + 1e-24)

    def draws(self, rates_MC: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
        """Errors of unit variance at mixtures, (draws, M), alike where mixtures are."""
        kernel_MM = _mixed_kernel(rates_MC, rates_MC, self.length, self.smooth_part)
        values_M, vectors_MM = np.linalg.eigh(kernel_MM)
        root_MM = vectors_MM * np.sqrt(np.maximum(values_M, 0))
        return rng.standard_normal((draws, len(rates_MC))) @ root_MM.T


def _mixed_kernel(x_NC: np.ndarray, y_MC: np.ndarray, length: float, part: float) -> np.ndarray:
    square_NM = 2 - 2 * np.sqrt(x_NC) @ np.sqrt(y_MC).T
    square_NM = np.maximum(square_NM, 0) / 2  # Hellinger distance, at most 1
    short_NM = np.exp(-square_NM / (2 * _SHORT**2))
    return part * np.exp(-square_NM / (2 * length**2)) + (1 - part) * short_NM


def _likelihood(kernel_NN: np.ndarray, unit_N: np.ndarray) -> float:
    lower = np.linalg.cholesky(kernel_NN)
    whitened_N = np.linalg.solve(lower, unit_N)
    return float(-0.5 * len(unit_N) * np.log((whitened_N**2).mean()) - np.log(np.diag(lower)).sum())
