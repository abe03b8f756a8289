"""The stack: laws weighed by how well they predict mixtures that they have not seen.

    stack = fit_stack(records, default_laws(), seed=0)
    stack.predict(rates_MC)          # (M, T), in the units of the records
    stack.table()                    # a row per law: weight, error, rank correlation

Weights are at least 0, and the same for all targets (Wolpert 1992; Breiman 1996: without that bound
a stack of correlated predictors is worse than the best of them). What they leave of 1 goes to the
mean, which stands among the laws, as does one corpus' share.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy.optimize import nnls

from code_ablate.analysis.laws.law import FittedLaw, Law, Observations
from code_ablate.analysis.laws.mixture_records import Records, Scaling
from code_ablate.analysis.laws.parametric import EffectiveData, LogLinear
from code_ablate.analysis.laws.plain import Linear, Mean, OneShare, Smooth
from code_ablate.analysis.laws.trees import Trees
from code_ablate.errors import UserError

FOLDS = 8
"""Parts that runs are divided into; each is predicted by laws fitted to the others."""

TIGHTNESSES = (0.5, 1.0, 2.0)
"""Strengths of regularisation, of which held-out mixtures choose one per law."""

_LEAST_WEIGHT = 0.02
"""Weight below which a law is left out of predictions."""


@dataclass(frozen=True)
class Member:
    """A law of the stack, fitted to all runs, and what it said of runs that it had not seen."""

    law: Law
    """The law, at the strength that was chosen."""

    fitted: FittedLaw
    """Fitted to all runs."""

    held_out_NT: Float[np.ndarray, "N T"]
    """Standardised predictions of each run by a fit without its fold."""

    weight: float
    """Its part in the stack's predictions."""


@dataclass(frozen=True)
class Stack:
    """Fitted laws and their weights."""

    records: Records
    """The runs."""

    observations: Observations
    """The runs as laws see them."""

    scaling: Scaling
    """Units."""

    members: tuple[Member, ...]
    """Laws and baselines, those without weight too."""

    fold_N: np.ndarray
    """The fold of each run; repeats of a mixture share one."""

    at: Mapping[str, float]
    """Model size and tokens that predictions are made for, those that differ between runs."""

    @property
    def active(self) -> list[Member]:
        """Members with a weight."""
        return [member for member in self.members if member.weight > 0]

    @property
    def held_out_NT(self) -> Float[np.ndarray, "N T"]:
        """The stack's standardised predictions of runs by fits that had not seen their fold."""
        parts = [m.weight * m.held_out_NT for m in self.active]
        return sum(parts[1:], parts[0])

    def covariates_MK(self, mixtures: int) -> Float[np.ndarray, "M K"]:
        """Covariates of predictions."""
        return self.scaling.covariates_MK(mixtures, dict(self.at))

    def standardised(self, rates_MC: Float[np.ndarray, "M C"]) -> Float[np.ndarray, "M T"]:
        """Predictions in standard deviations, less is better."""
        covariates_MK = self.covariates_MK(len(rates_MC))
        parts = [m.weight * m.fitted.predict(rates_MC, covariates_MK)[0] for m in self.active]
        return sum(parts[1:], parts[0]).T

    def predict(self, rates_MC: Float[np.ndarray, "M C"]) -> Float[np.ndarray, "M T"]:
        """Predicted targets of mixtures, in the units of the records."""
        scaling = self.scaling
        return scaling.sign_T * (self.standardised(rates_MC) * scaling.spread_T + scaling.mean_T)

    def table(self) -> pd.DataFrame:
        """Per law: weight, and its error and rank correlation on runs held out, over targets.

        `error`: root mean square, in standard deviations of the target. `rank`: mean over targets.
        """
        known_NT, values_NT = self.observations.known_NT, self.observations.values_NT

        def row(name: str, weight: float, predicted_NT: np.ndarray, description: str) -> dict:
            squares_NT = np.where(known_NT, (predicted_NT - values_NT) ** 2, np.nan)
            return {
                "law": name,
                "weight": weight,
                "error": float(np.sqrt(np.nanmean(squares_NT))),
                "rank": rank_correlation(predicted_NT, values_NT, known_NT),
                "description": description,
            }

        rows = [row(m.law.name, m.weight, m.held_out_NT, m.law.description) for m in self.members]
        rows.sort(key=lambda r: (-r["weight"], r["error"]))
        rows.insert(0, row("stack", 1.0, self.held_out_NT, "the laws below, by their weights"))
        return pd.DataFrame(rows)


def default_laws(trees: str = "forest") -> tuple[Law, ...]:
    """The laws that are weighed, baselines included. `trees`: see `Trees.engine`."""
    return (
        Mean(),
        OneShare(),
        Linear(),
        LogLinear(),
        LogLinear(power=0.5),
        EffectiveData(),
        EffectiveData(returns=True),
        Smooth(),
        Trees(trees),
    )


def fit_stack(
    records: Records,
    laws: Sequence[Law] | None = None,
    *,
    seed: int = 0,
    at: Mapping[str, float] | None = None,
    tightnesses: Sequence[float] = TIGHTNESSES,
) -> Stack:
    """Fits every law to all runs and to all but each fold, and weighs them.

    `at`: model size and tokens to predict for, where runs differ in them; default: the greatest of
    each. Raises UserError if the records do not allow a fit.
    """
    records.require_fit()
    scaling = Scaling.of(records)
    observations = scaling.observations(records)
    fold_N = _folds(records, seed)
    weights_SN = np.ones((fold_N.max() + 2, len(fold_N)))
    weights_SN[1:] = fold_N != np.arange(fold_N.max() + 1)[:, None]
    members = [
        _best_member(law, observations, weights_SN, fold_N, tightnesses)
        for law in (default_laws() if laws is None else laws)
    ]
    weights = stacking_weights([m.held_out_NT for m in members], observations)
    members = [dataclasses.replace(m, weight=w) for m, w in zip(members, weights, strict=True)]
    return Stack(
        records, observations, scaling, tuple(members), fold_N, _prediction_point(records, at)
    )


def _prediction_point(records: Records, at: Mapping[str, float] | None) -> dict[str, float]:
    logs = records.covariates
    unknown = set(at or {}) - set(logs)
    if unknown:
        raise UserError(
            f"{records.source}: runs do not differ in {min(unknown)}, so predictions cannot be "
            "made at another one."
        )
    return {name: float((at or {}).get(name, np.exp(log_N.max()))) for name, log_N in logs.items()}


def _folds(records: Records, seed: int) -> np.ndarray:
    """Folds of mixtures, not of runs: a repeat of a mixture would give the answer away."""
    mixtures = records.mixture_N.max() + 1
    order = np.random.default_rng(seed).permutation(mixtures)
    fold_of_mixture = np.empty(mixtures, int)
    fold_of_mixture[order] = np.arange(mixtures) % min(FOLDS, mixtures)
    return fold_of_mixture[records.mixture_N]


def _best_member(
    law: Law,
    observations: Observations,
    weights_SN: np.ndarray,
    fold_N: np.ndarray,
    tightnesses: Sequence[float],
) -> Member:
    """The law at the strength of regularisation that predicts held-out runs best."""
    variants: list[Law] = [law]
    if isinstance(law, (LogLinear, EffectiveData)):
        variants = [dataclasses.replace(law, tightness=t * law.tightness) for t in tightnesses]
    best, least = None, np.inf
    for variant in variants:
        whole = variant.fit(observations, weights_SN[:1])
        folds = variant.fit(observations, weights_SN[1:], whole)
        predicted_STN = folds.predict(observations.rates_NC, observations.covariates_NK)
        held_out_NT = predicted_STN[fold_N, :, np.arange(len(fold_N))]
        error_NT = (held_out_NT - observations.values_NT) ** 2 * observations.known_NT
        if error_NT.sum() < least:
            best, least = Member(variant, whole, held_out_NT, 0.0), error_NT.sum()
    if best is None:
        raise UserError(f"the law {law.name} gave no finite prediction: leave it out.")
    return best


def stacking_weights(
    held_out: Sequence[Float[np.ndarray, "N T"]],
    observations: Observations,
    runs_N: Float[np.ndarray, " N"] | None = None,
) -> np.ndarray:
    """Weights of at least 0 that sum to 1 and make the stack's squared error least.

    `runs_N`: weights of the runs in that error, for resampling. Weights below 0.02 become 0.
    """
    known_NT = observations.known_NT
    weight_NT = np.sqrt(known_NT * (np.ones(len(known_NT)) if runs_N is None else runs_N)[:, None])
    x = np.stack([(weight_NT * predicted)[known_NT] for predicted in held_out], axis=1)
    y = (weight_NT * observations.values_NT)[known_NT]
    # On the normal equations: as many rows as laws, however many runs and targets there are. One
    # heavy row makes the weights sum to 1.
    gram, pull = x.T @ x, x.T @ y
    heavy = 1e3 * np.trace(gram) / len(gram) + 1e-9
    gram, pull = gram + heavy, pull + heavy
    lower = np.linalg.cholesky(gram + 1e-9 * np.trace(gram) / len(gram) * np.eye(len(gram)))
    weights = nnls(lower.T, np.linalg.solve(lower, pull))[0]
    weights[weights < _LEAST_WEIGHT * weights.sum()] = 0.0
    return weights / weights.sum()


def rank_correlation(
    predicted_NT: np.ndarray, values_NT: np.ndarray, known_NT: np.ndarray | None = None
) -> float:
    """Spearman's rank correlation over runs, its mean over targets; 0 for a constant prediction."""
    correlations = []
    for column in range(values_NT.shape[1]):
        rows = slice(None) if known_NT is None else known_NT[:, column]
        a, b = _ranks(predicted_NT[rows, column]), _ranks(values_NT[rows, column])
        constant = np.ptp(a) == 0 or np.ptp(b) == 0
        correlations.append(0.0 if constant else float(np.corrcoef(a, b)[0, 1]))
    return float(np.mean(correlations))


def _ranks(values_N: np.ndarray) -> np.ndarray:
    """Ranks from 1; equal values have the mean of theirs. Not by scipy.stats: it starts slowly."""
    return pd.Series(values_N).rank().to_numpy()
