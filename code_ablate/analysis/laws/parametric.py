"""Laws with a formula: effective data, with and without returns that diminish, and log-linear.

    EffectiveData().fit(observations, weights_SN).predict(rates_MC, covariates_MK)

Sources: the effective-data form is that of domain-transfer laws (Hernandez et al. 2021, "Scaling
laws for transfer"; Goyal et al. 2024), the log-linear one is Ye et al. 2024, "Data mixing laws".
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from code_ablate.analysis.laws.batched_fit import Fit, Function, Prior, fit_batch
from code_ablate.analysis.laws.law import FittedLaw, Observations

_FLOOR = 1e-3
"""Effective data that every mixture has: keeps the power finite where all useful corpora lack."""
_MORE_ITERATIONS = 12
"""Iterations of a fit that goes on from another one."""
_LEVEL, _LEVEL_SCALE = -1.5, 2.0
_SIZE, _SIZE_SCALE = 0.3, 2.0
"""Priors of the level that no mixture undercuts, and of the logarithm of what lies above it."""
_EXPONENT, _EXPONENT_SCALE = -0.7, 0.5
"""Prior of the logarithm of the power of effective data: between 0.2 and 1.3."""
_RETURNS = -0.35
"""Prior mean of the logarithm of the power of a corpus' own share."""


@dataclass(frozen=True)
class FittedFormula:
    """A law with a formula, and its parameters."""

    function: Function
    """The formula, with its derivatives."""
    fit: Fit
    """Parameters for each set of weights and target."""
    observations: Observations
    """The runs that it was fitted to, which bound what it predicts."""

    def predict(
        self, rates_MC: Float[np.ndarray, "M C"], covariates_MK: Float[np.ndarray, "M K"]
    ) -> Float[np.ndarray, "S T M"]:
        """Standardised targets of mixtures, bounded."""
        sets, targets, parameters = self.fit.theta_STP.shape
        theta_BP = self.fit.theta_STP.reshape(-1, parameters)
        predicted_BM = np.empty((len(theta_BP), len(rates_MC)))
        # In pieces: the derivatives, of no use here, come with the values.
        piece = max(1, 2_000_000 // (len(rates_MC) * parameters))
        for i in range(0, len(theta_BP), piece):
            predicted_BM[i : i + piece] = self.function(
                theta_BP[i : i + piece], rates_MC, covariates_MK
            )[0]
        return self.observations.bounded(predicted_BM.reshape(sets, targets, -1))


def _above_level(
    theta_BP: np.ndarray, covariates_NK: np.ndarray, shape_BN: np.ndarray, slope_BNQ: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """level + exp(size + shape), both linear in the covariates, with all derivatives.

    The first parameters are level, its K slopes, size, its K slopes; `slope_BNQ` holds the
    derivatives of `shape_BN` with regard to the others.
    """
    K = covariates_NK.shape[1]
    level_BN = theta_BP[:, :1] + theta_BP[:, 1 : 1 + K] @ covariates_NK.T
    size_BN = theta_BP[:, 1 + K : 2 + K] + theta_BP[:, 2 + K : 2 + 2 * K] @ covariates_NK.T
    above_BN = np.exp(np.clip(size_BN + shape_BN, -30, 30))
    slope_BNP = np.empty((*above_BN.shape, theta_BP.shape[1]))
    slope_BNP[..., 0] = 1
    slope_BNP[..., 1 : 1 + K] = covariates_NK
    slope_BNP[..., 1 + K] = above_BN
    slope_BNP[..., 2 + K : 2 + 2 * K] = above_BN[..., None] * covariates_NK
    slope_BNP[..., 2 + 2 * K :] = above_BN[..., None] * slope_BNQ
    return level_BN + above_BN, slope_BNP


def log_linear_function(power: float) -> Function:
    """level + exp(size + t . rates**power)."""

    def function(theta_BP, rates_NC, covariates_NK):
        features_NC = rates_NC**power
        t_BC = theta_BP[:, 2 + 2 * covariates_NK.shape[1] :]
        slope_BNC = np.broadcast_to(features_NC, (len(t_BC), *features_NC.shape))
        return _above_level(theta_BP, covariates_NK, t_BC @ features_NC.T, slope_BNC)

    return function


def effective_data_function(returns: bool) -> Function:
    """level + exp(size) (sum of a_c rate_c**g_c)**-b, with g_c = 1 unless `returns`."""

    def function(theta_BP, rates_NC, covariates_NK):
        C, head = rates_NC.shape[1], 2 + 2 * covariates_NK.shape[1]
        b_B1 = np.exp(theta_BP[:, head : head + 1])
        a_BC = np.exp(theta_BP[:, head + 1 : head + 1 + C])
        slope_BNQ = np.empty((len(theta_BP), len(rates_NC), theta_BP.shape[1] - head))
        if returns:
            power_BC = np.exp(theta_BP[:, head + 1 + C :])
            log_NC = np.log(np.maximum(rates_NC, 1e-300))
            terms_BNC = np.exp(power_BC[:, None] * log_NC) * a_BC[:, None]
            data_BN = terms_BNC.sum(axis=2) + _FLOOR
        else:
            terms_BNC = a_BC[:, None] * rates_NC
            data_BN = a_BC @ rates_NC.T + _FLOOR
        log_BN = np.log(data_BN)
        slope_BNQ[..., 0] = -b_B1 * log_BN
        parts_BNC = terms_BNC * (-b_B1 / data_BN)[..., None]
        slope_BNQ[..., 1 : 1 + C] = parts_BNC
        if returns:
            slope_BNQ[..., 1 + C :] = parts_BNC * log_NC * power_BC[:, None]
        return _above_level(theta_BP, covariates_NK, -b_B1 * log_BN, slope_BNQ)

    return function


def _head_prior(covariates: int) -> tuple[list[float], list[float]]:
    mean = [_LEVEL, *[0.0] * covariates, _SIZE, *[0.0] * covariates]
    scale = [_LEVEL_SCALE, *[1.0] * covariates, _SIZE_SCALE, *[0.5] * covariates]
    return mean, scale


def _fit(
    function: Function,
    observations: Observations,
    weights_SN: np.ndarray,
    start: FittedLaw | None,
    mean: list[float],
    scale: list[float],
    pooled: tuple[slice, ...],
    common: bool,
) -> FittedFormula:
    targets, K = observations.values_NT.shape[1], observations.covariates_NK.shape[1]
    prior = Prior(np.tile(mean, (targets, 1)), np.array(scale), pooled, common, 1 + K)
    first = start.fit if isinstance(start, FittedFormula) else None
    iterations = _MORE_ITERATIONS if first else 48
    fit = fit_batch(function, observations, weights_SN, prior, start=first, iterations=iterations)
    return FittedFormula(function, fit, observations)


@dataclass(frozen=True)
class LogLinear:
    """Level plus an exponential of a weighted sum of the shares."""

    tightness: float = 1.0
    """Strength of regularisation: divides the scale of the prior of what a corpus is worth."""

    power: float = 1.0
    """Power of the shares in the sum: 1 as published; 0.5 lets a first little count for more."""

    @property
    def name(self) -> str:
        """As it stands in tables."""
        return "log-linear" if self.power == 1 else "log-linear, roots"

    @property
    def description(self) -> str:
        """Formula and regularisation."""
        shares = "r" if self.power == 1 else "sqrt(r)"
        return f"c + exp(t . {shares}); t drawn towards its mean over targets"

    def fit(
        self,
        observations: Observations,
        weights_SN: Float[np.ndarray, "S N"],
        start: FittedLaw | None = None,
    ) -> FittedFormula:
        """One fit per set of weights; see `Law.fit`."""
        C, K = observations.rates_NC.shape[1], observations.covariates_NK.shape[1]
        mean, scale = _head_prior(K)
        pooled = (slice(len(mean), len(mean) + C),)
        mean, scale = mean + [0.0] * C, scale + [2.0 / self.tightness] * C
        function = log_linear_function(self.power)
        return _fit(function, observations, weights_SN, start, mean, scale, pooled, True)


@dataclass(frozen=True)
class EffectiveData:
    """Level plus a power of the effective data: what each corpus is worth for the target."""

    tightness: float = 1.0
    """Strength of regularisation: divides the scale of the prior of what a corpus is worth."""

    returns: bool = False
    """Whether a corpus' own worth is a power of its share, below 1 where its returns diminish."""

    @property
    def name(self) -> str:
        """As it stands in tables."""
        return "effective data, returns" if self.returns else "effective data"

    @property
    def description(self) -> str:
        """Formula and regularisation."""
        data = "sum of a_c r_c^g_c" if self.returns else "a . r"
        return f"E + ({data})^-b, a > 0; log a drawn towards its mean over targets"

    def fit(
        self,
        observations: Observations,
        weights_SN: Float[np.ndarray, "S N"],
        start: FittedLaw | None = None,
    ) -> FittedFormula:
        """One fit per set of weights; see `Law.fit`."""
        C, K = observations.rates_NC.shape[1], observations.covariates_NK.shape[1]
        mean, scale = _head_prior(K)
        mean, scale = [*mean, _EXPONENT], [*scale, _EXPONENT_SCALE]
        first = len(mean)
        pooled = (slice(first, first + C),)
        mean, scale = mean + [0.0] * C, scale + [1.0 / self.tightness] * C
        if self.returns:
            mean, scale = mean + [_RETURNS] * C, scale + [0.25] * C
        function = effective_data_function(self.returns)
        return _fit(function, observations, weights_SN, start, mean, scale, pooled, False)
