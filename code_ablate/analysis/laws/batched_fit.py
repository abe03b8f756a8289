"""Many small nonlinear least-squares fits at once, with priors that the targets share.

    fit = fit_batch(function, observations, weights_SN, prior)
    fit.theta_STP

Levenberg and Marquardt's method on the penalised squares, all problems in one array. The noise of
each target and the means of the priors are estimated on the way (empirical Bayes): a corpus'
coefficient for one target is drawn towards its mean over targets, and that towards the mean over
corpora, as far as the targets agree. Scales are not: estimated on these data they came out too
small, because no law is exactly true; held-out runs choose them (`stack`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from code_ablate.analysis.laws.law import Observations

Function = Callable[
    [Float[np.ndarray, "B P"], Float[np.ndarray, "N C"], Float[np.ndarray, "N K"]],
    tuple[Float[np.ndarray, "B N"], Float[np.ndarray, "B N P"]],
]
"""Parameters, rates and covariates give values and their derivatives."""

_FIRST_NOISE = 0.3
_LEAST_NOISE = 0.02
"""Standard deviations of a target's noise, in standard deviations of the target over runs."""
_LONGEST_STEP = 2.0
_EVERY = 4
"""Iterations between two estimates of noise and priors."""
_SETTLED = 16
"""Iterations before priors are estimated: an unfinished fit would have them narrow, and stay so."""
_POWERS = (0.0, 0.5, 1.0, 1.5, 2.0)
"""Powers of what lies above the level that the variance of residuals may grow with."""
_LEAST_ABOVE = 0.1
"""What lies above the level, in parts of its mean, below which the variance shrinks no more."""
_MOST_NUMBERS = 4_000_000
"""Derivatives that are held at once; sets of weights beyond that are fitted one after another."""


@dataclass(frozen=True)
class Prior:
    """Normal priors of the parameters, independent given their means and scales."""

    mean_TP: Float[np.ndarray, "T P"]
    """Means; those of pooled parameters are estimated."""

    scale_P: Float[np.ndarray, " P"]
    """Standard deviations."""

    pooled: tuple[slice, ...]
    """Ranges of parameters, one per corpus, whose means are estimated over targets."""

    common: bool
    """Whether their mean over corpora is estimated too; if not, it stays 0."""

    size: int
    """Number of the parameter whose derivative is what lies above the level that no mixture
    undercuts: residuals of bad mixtures are the larger ones, and the variance follows it."""


@dataclass(frozen=True)
class Fit:
    """Parameters of all problems, with what was learned of noise and priors."""

    theta_STP: Float[np.ndarray, "S T P"]
    """The parameters at the greatest posterior density."""

    noise_ST: Float[np.ndarray, "S T"]
    """Residual variance."""

    prior: Prior
    """The priors, estimated on the first set of weights."""

    variance_power: float
    """Power of what lies above the level with which the residual variance grows."""


def fit_batch(
    function: Function,
    observations: Observations,
    weights_SN: Float[np.ndarray, "S N"],
    prior: Prior,
    *,
    start: Fit | None = None,
    iterations: int = 48,
) -> Fit:
    """The fits for all sets of weights and all targets.

    `start`: a fit of one set of weights, whose priors are kept and whose parameters are gone on
    from. Without it, every set estimates its own noise, and the first one the priors of all.
    """
    sets, targets = len(weights_SN), observations.values_NT.shape[1]
    if start is None and sets > 1:
        start = fit_batch(function, observations, weights_SN[:1], prior, iterations=iterations)
    numbers = observations.values_NT.size * prior.scale_P.size
    chunk = max(1, _MOST_NUMBERS // numbers)
    fits = [
        _fit_chunk(function, observations, weights_SN[i : i + chunk], prior, start, iterations)
        for i in range(0, sets, chunk)
    ]
    theta_BP = np.concatenate([fit.theta_STP.reshape(-1, prior.scale_P.size) for fit in fits])
    noise_B = np.concatenate([fit.noise_ST.ravel() for fit in fits])
    return Fit(
        theta_BP.reshape(sets, targets, -1),
        noise_B.reshape(sets, targets),
        fits[0].prior,
        fits[0].variance_power,
    )


def _fit_chunk(
    function: Function,
    observations: Observations,
    weights_SN: Float[np.ndarray, "S N"],
    prior: Prior,
    start: Fit | None,
    iterations: int,
) -> Fit:
    sets, targets = len(weights_SN), observations.values_NT.shape[1]
    known_TN = observations.known_NT.T
    weights_BN = (weights_SN[:, None] * known_TN).reshape(sets * targets, -1)
    values_BN = np.tile(observations.values_NT.T, (sets, 1))
    if start is None:
        theta_BP = np.tile(prior.mean_TP, (sets, 1))
        noise_B = np.full(sets * targets, _FIRST_NOISE**2)
    else:
        prior = start.prior
        theta_BP = np.tile(start.theta_STP[0], (sets, 1))
        noise_B = np.tile(start.noise_ST[0], sets)
    state = _State.begin(_Problem(function, observations, values_BN, weights_BN), theta_BP, noise_B)
    power = start.variance_power if start else 0.0
    if start:
        state = state.reweighted(weights_BN, prior.size, power)
    for iteration in range(iterations):
        if iteration % _EVERY == _EVERY - 1:
            state, spread_BPP = state.with_noise(prior)
            if iteration > _SETTLED:
                if start is None:
                    variance_BP = np.diagonal(spread_BPP, axis1=1, axis2=2)
                    prior = _pooled(prior, state.theta_BP[:targets], variance_BP[:targets])
                    power = state.variance_power(weights_BN, prior.size)
                state = state.reweighted(weights_BN, prior.size, power)
        state = state.stepped(np.tile(prior.mean_TP, (sets, 1)), prior.scale_P**-2)
    theta_BP, noise_B = state.theta_BP, state.noise_B
    theta_STP = theta_BP.reshape(sets, targets, -1)
    return Fit(theta_STP, noise_B.reshape(sets, targets), prior, power)


@dataclass(frozen=True)
class _Problem:
    """The squares that are made small."""

    function: Function
    observations: Observations
    values_BN: Float[np.ndarray, "B N"]
    weights_BN: Float[np.ndarray, "B N"]

    def at(self, theta_BP: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.function(theta_BP, self.observations.rates_NC, self.observations.covariates_NK)

    def squares(self, fitted_BN: np.ndarray) -> np.ndarray:
        return (self.weights_BN * (fitted_BN - self.values_BN) ** 2).sum(axis=1)


@dataclass(frozen=True)
class _State:
    """Where the fits stand."""

    problem: _Problem
    theta_BP: Float[np.ndarray, "B P"]
    noise_B: Float[np.ndarray, " B"]
    damping_B: Float[np.ndarray, " B"]
    fitted_BN: Float[np.ndarray, "B N"]
    slope_BNP: Float[np.ndarray, "B N P"]

    @classmethod
    def begin(cls, problem: _Problem, theta_BP: np.ndarray, noise_B: np.ndarray) -> "_State":
        return cls(problem, theta_BP, noise_B, np.full(len(theta_BP), 0.1), *problem.at(theta_BP))

    def normal(self) -> tuple[np.ndarray, np.ndarray]:
        """The matrix and right side of the normal equations, before noise and priors."""
        weighted_BNP = self.slope_BNP * self.problem.weights_BN[:, :, None]
        rest_BN = self.problem.values_BN - self.fitted_BN
        pull_BP = np.matmul(rest_BN[:, None, :], weighted_BNP)[:, 0]
        return np.matmul(weighted_BNP.transpose(0, 2, 1), self.slope_BNP), pull_BP

    def stepped(self, mean_BP: np.ndarray, precision_P: np.ndarray) -> "_State":
        """One step of Levenberg and Marquardt's, where it makes the penalised squares less."""
        normal_BPP, pull_BP = self.normal()
        gradient_BP = pull_BP / self.noise_B[:, None] - precision_P * (self.theta_BP - mean_BP)
        matrix_BPP = normal_BPP / self.noise_B[:, None, None] + np.diag(precision_P)
        diagonal = np.arange(matrix_BPP.shape[1])
        matrix_BPP[:, diagonal, diagonal] *= 1 + self.damping_B[:, None]
        step_BP = np.linalg.solve(matrix_BPP, gradient_BP[..., None])[..., 0]
        new_BP = self.theta_BP + np.clip(step_BP, -_LONGEST_STEP, _LONGEST_STEP)
        fitted_BN, slope_BNP = self.problem.at(new_BP)

        def cost(fitted_BN: np.ndarray, theta_BP: np.ndarray) -> np.ndarray:
            penalty_B = (precision_P * (theta_BP - mean_BP) ** 2).sum(axis=1)
            return self.problem.squares(fitted_BN) / self.noise_B + penalty_B

        better_B = cost(fitted_BN, new_BP) <= cost(self.fitted_BN, self.theta_BP) + 1e-12
        damping_B = np.where(better_B, self.damping_B / 5, self.damping_B * 6)
        return replace(
            self,
            theta_BP=np.where(better_B[:, None], new_BP, self.theta_BP),
            fitted_BN=np.where(better_B[:, None], fitted_BN, self.fitted_BN),
            slope_BNP=np.where(better_B[:, None, None], slope_BNP, self.slope_BNP),
            damping_B=np.clip(damping_B, 1e-7, 1e8),
        )

    def with_noise(self, prior: Prior) -> tuple["_State", np.ndarray]:
        """The state with new residual variances, and the posterior covariance (B, P, P).

        On the degrees of freedom that the parameters leave (MacKay 1992).
        """
        normal_BPP, _ = self.normal()
        precise_BPP = normal_BPP / self.noise_B[:, None, None] + np.diag(prior.scale_P**-2)
        spread_BPP = np.linalg.inv(precise_BPP)
        used_B = np.einsum("bij,bji->b", spread_BPP, normal_BPP) / self.noise_B
        runs_B = self.problem.weights_BN.sum(axis=1)
        free_B = np.maximum(runs_B - used_B, 0.1 * runs_B + 1e-9)
        noise_B = np.maximum(self.problem.squares(self.fitted_BN) / free_B, _LEAST_NOISE**2)
        return replace(self, noise_B=noise_B), spread_BPP

    def reweighted(self, weights_BN: np.ndarray, size: int, power: float) -> "_State":
        """The squares with runs weighed by their variance too."""
        precision_BN = _precision(weights_BN, self.slope_BNP[..., size], power)
        return replace(self, problem=replace(self.problem, weights_BN=weights_BN * precision_BN))

    def variance_power(self, weights_BN: np.ndarray, size: int) -> float:
        """The power with the greatest likelihood of the residuals, over all problems."""
        squares_BN = (self.fitted_BN - self.problem.values_BN) ** 2
        above_BN = self.slope_BNP[..., size]

        def likelihood(power: float) -> float:
            precision_BN = _precision(weights_BN, above_BN, power)
            runs_B = np.maximum(weights_BN.sum(axis=1), 1e-12)
            variance_B = (weights_BN * precision_BN * squares_BN).sum(axis=1) / runs_B
            log_BN = np.log(precision_BN) - np.log(variance_B + 1e-12)[:, None]
            return float((weights_BN * log_BN).sum())

        return max(_POWERS, key=likelihood)


def _precision(weights_BN: np.ndarray, above_BN: np.ndarray, power: float) -> np.ndarray:
    """Weights by runs' variances, which go with a power of what lies above the level; mean 1."""
    runs_B1 = np.maximum(weights_BN.sum(axis=1, keepdims=True), 1e-12)
    mean_B1 = (weights_BN * above_BN).sum(axis=1, keepdims=True) / runs_B1
    relative_BN = np.maximum(above_BN / np.maximum(mean_B1, 1e-12), _LEAST_ABOVE)
    precision_BN = relative_BN**-power
    return precision_BN * runs_B1 / (weights_BN * precision_BN).sum(axis=1, keepdims=True)


def _pooled(prior: Prior, theta_TP: np.ndarray, variance_TP: np.ndarray) -> Prior:
    """The prior with the means of pooled parameters over targets, shrunk towards their own mean."""
    mean_TP = prior.mean_TP.copy()
    targets = len(theta_TP)
    if targets <= 2:  # they say nothing of what targets share
        return prior
    for part in prior.pooled:
        theta_TC, variance_TC = theta_TP[:, part], variance_TP[:, part]
        column_C = theta_TC.mean(axis=0)
        grand = column_C.mean()
        within = ((theta_TC - column_C) ** 2 + variance_TC).mean() / targets
        between = max(0.0, float(((column_C - grand) ** 2).mean()) - within)
        mean_TP[:, part] = grand * prior.common + between / (between + within) * (column_C - grand)
    return replace(prior, mean_TP=mean_TP)
