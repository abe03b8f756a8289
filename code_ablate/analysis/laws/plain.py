"""Laws without a formula of their own (linear, smooth, trees), and the two baselines.

    Smooth().fit(observations, weights_SN).predict(rates_MC, covariates_MK)

Baselines belong beside every law: one corpus' own share alone ranks the loss on that corpus well.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from code_ablate.analysis.laws.law import FittedLaw, Observations, target_patterns

_RIDGES = np.logspace(-4, 2, 13)
_LENGTHS = (0.3, 0.6, 1.2, 2.4)
_NOISES = (0.01, 0.05, 0.2, 0.6)
_KNEE = 0.01
"""Share below which a share's logarithm levels off, in the baseline of a single corpus."""


@dataclass(frozen=True)
class FittedConstant:
    """The same value for every mixture."""

    mean_ST: Float[np.ndarray, "S T"]
    """Weighted mean of each target, for each set of weights."""

    def predict(self, rates_MC: np.ndarray, covariates_MK: np.ndarray) -> np.ndarray:
        """The mean of the runs, (S, T, M)."""
        return np.repeat(self.mean_ST[:, :, None], len(rates_MC), axis=2)


@dataclass(frozen=True)
class Mean:
    """The mean of the runs: what a law has to beat."""

    name = "mean"
    description = "the mean of the runs, whatever the mixture"

    def fit(
        self,
        observations: Observations,
        weights_SN: Float[np.ndarray, "S N"],
        start: FittedLaw | None = None,
    ) -> FittedConstant:
        """One mean per set of weights and target; see `Law.fit`."""
        weights_ST = weights_SN @ observations.known_NT
        sums_ST = weights_SN @ (observations.values_NT * observations.known_NT)
        return FittedConstant(sums_ST / np.maximum(weights_ST, 1e-12))


@dataclass(frozen=True)
class FittedLinear:
    """Intercept and coefficients for features of a mixture."""

    intercept_ST: Float[np.ndarray, "S T"]
    """Value where all features are 0, for each set of weights and target."""
    slope_STF: Float[np.ndarray, "S T F"]
    """Coefficients of the features: shares of the corpora, then covariates."""
    observations: Observations
    """The runs that it was fitted to, which bound what it predicts."""

    def predict(self, rates_MC: np.ndarray, covariates_MK: np.ndarray) -> np.ndarray:
        """Standardised targets of mixtures, bounded, (S, T, M)."""
        features_MF = np.concatenate([rates_MC, covariates_MK], axis=1)
        predicted_STM = self.intercept_ST[..., None] + self.slope_STF @ features_MF.T
        return self.observations.bounded(predicted_STM)


@dataclass(frozen=True)
class Linear:
    """A weighted sum of the shares; ridge penalty, its strength by generalised cross-validation."""

    name = "linear"
    description = "c + t . r; ridge, its strength by generalised cross-validation over all targets"

    def fit(
        self,
        observations: Observations,
        weights_SN: Float[np.ndarray, "S N"],
        start: FittedLaw | None = None,
    ) -> FittedLinear:
        """One fit per set of weights; see `Law.fit`."""
        x_NF = np.concatenate([observations.rates_NC, observations.covariates_NK], axis=1)
        targets = observations.values_NT.shape[1]
        slope_STF = np.zeros((len(weights_SN), targets, x_NF.shape[1]))
        intercept_ST = np.zeros((len(weights_SN), targets))
        for s, weights_N in enumerate(weights_SN):
            for known_N, targets_U in target_patterns(observations.known_NT):
                w_N = weights_N * known_N
                z_NU = observations.values_NT[:, targets_U]
                total = max(w_N.sum(), 1e-12)
                middle_F, middle_U = w_N @ x_NF / total, w_N @ z_NU / total
                root_N1 = np.sqrt(w_N)[:, None]
                slope_FU = _ridge(root_N1 * (x_NF - middle_F), root_N1 * (z_NU - middle_U), total)
                slope_STF[s, targets_U] = slope_FU.T
                intercept_ST[s, targets_U] = middle_U - middle_F @ slope_FU
        return FittedLinear(intercept_ST, slope_STF, observations)


def _ridge(x_NF: np.ndarray, z_NU: np.ndarray, runs: float) -> np.ndarray:
    """Coefficients (F, U) at the penalty with the least generalised cross-validation error."""
    left_NQ, singular_Q, right_QF = np.linalg.svd(x_NF, full_matrices=False)
    turned_QU = left_NQ.T @ z_NU
    best, chosen_QU = np.inf, 0 * turned_QU
    for ridge in _RIDGES:
        kept_Q = singular_Q**2 / (singular_Q**2 + ridge)
        rest = ((z_NU - left_NQ @ (kept_Q[:, None] * turned_QU)) ** 2).sum()
        error = rest / max(runs - 1 - kept_Q.sum(), 0.1) ** 2
        if error < best:
            best = error
            chosen_QU = (singular_Q / (singular_Q**2 + ridge))[:, None] * turned_QU
    return right_QF.T @ chosen_QU


@dataclass(frozen=True)
class FittedShare:
    """A line in the logarithm of one corpus' share, which differs between targets."""

    corpus_ST: np.ndarray
    """Number of the corpus whose share is used, for each set of weights and target."""
    intercept_ST: Float[np.ndarray, "S T"]
    """Value where the logarithm is 0, for each set of weights and target."""
    slope_ST: Float[np.ndarray, "S T"]
    """Coefficient of the logarithm, for each set of weights and target."""

    def predict(self, rates_MC: np.ndarray, covariates_MK: np.ndarray) -> np.ndarray:
        """Standardised targets of mixtures, (S, T, M)."""
        log_MC = np.log(rates_MC + _KNEE)
        return self.intercept_ST[..., None] + self.slope_ST[..., None] * np.moveaxis(
            log_MC[:, self.corpus_ST], 0, -1
        )


@dataclass(frozen=True)
class OneShare:
    """Baseline: a line in the logarithm of that corpus' share which tells most of the target."""

    name = "one corpus' share"
    description = "a line in log(r + 0.01) of the one corpus that explains most of the target"

    def fit(
        self,
        observations: Observations,
        weights_SN: Float[np.ndarray, "S N"],
        start: FittedLaw | None = None,
    ) -> FittedShare:
        """One fit per set of weights; see `Law.fit`."""
        x_NC = np.log(observations.rates_NC + _KNEE)
        w_STN = weights_SN[:, None] * observations.known_NT.T
        w_STN = w_STN / np.maximum(w_STN.sum(axis=2, keepdims=True), 1e-12)
        z_TN = observations.values_NT.T
        x_STC, z_ST = w_STN @ x_NC, (w_STN * z_TN).sum(axis=2)
        products_STC = (w_STN * z_TN) @ x_NC - z_ST[..., None] * x_STC
        variance_STC = w_STN @ x_NC**2 - x_STC**2
        slope_STC = np.where(variance_STC > 1e-9, products_STC / (variance_STC + 1e-12), 0.0)
        best_ST1 = (slope_STC * products_STC).argmax(axis=2)[..., None]
        slope_ST = np.take_along_axis(slope_STC, best_ST1, 2)[..., 0]
        middle_ST = np.take_along_axis(x_STC, best_ST1, 2)[..., 0]
        return FittedShare(best_ST1[..., 0], z_ST - slope_ST * middle_ST, slope_ST)


@dataclass(frozen=True)
class FittedSmooth:
    """Weights of the runs in a kernel's sum."""

    features_NF: np.ndarray
    """Features of the runs: roots of the shares, then covariates."""
    length: float
    """Distance of features over which the kernel falls, as chosen by likelihood."""
    noise: float
    """Variance of the noise, by that of the function."""
    weight_STN: Float[np.ndarray, "S T N"]
    """Weight of each run in the sum, for each set of weights and target."""
    middle_ST: Float[np.ndarray, "S T"]
    """Value far from all runs, for each set of weights and target."""
    observations: Observations
    """The runs that it was fitted to, which bound what it predicts."""

    def predict(self, rates_MC: np.ndarray, covariates_MK: np.ndarray) -> np.ndarray:
        """Standardised targets of mixtures, bounded, (S, T, M)."""
        kernel_NM = _kernel(self.features_NF, _features(rates_MC, covariates_MK), self.length)
        return self.observations.bounded(self.middle_ST[..., None] + self.weight_STN @ kernel_NM)


@dataclass(frozen=True)
class Smooth:
    """Gaussian process on the square roots of the shares: mixtures that are alike score alike."""

    name = "smooth"
    description = (
        "Gaussian process in sqrt(r) (Hellinger distance); length and noise by likelihood, "
        "the same for all targets; falls back to the mean far from the runs"
    )

    def fit(
        self,
        observations: Observations,
        weights_SN: Float[np.ndarray, "S N"],
        start: FittedLaw | None = None,
    ) -> FittedSmooth:
        """One fit per set of weights, with the length and noise of the first; see `Law.fit`."""
        x_NF = _features(observations.rates_NC, observations.covariates_NK)
        if isinstance(start, FittedSmooth):
            length, noise = start.length, start.noise
        else:
            length, noise = _best_hyperparameters(observations, weights_SN[0] > 0)
        kernel_NN = _kernel(x_NF, x_NF, length)
        sets, (runs, targets) = len(weights_SN), observations.values_NT.shape
        weight_STN, middle_ST = np.zeros((sets, targets, runs)), np.zeros((sets, targets))
        for s, weights_N in enumerate(weights_SN):
            for known_N, targets_U in target_patterns(observations.known_NT):
                w_N = weights_N * known_N
                used = np.flatnonzero(w_N > 1e-6)
                if not used.size:
                    continue
                z_NU = observations.values_NT[np.ix_(used, targets_U)]
                middle_U = w_N[used] @ z_NU / w_N[used].sum()
                matrix = kernel_NN[np.ix_(used, used)] + np.diag(noise / w_N[used])
                solved_NU = np.linalg.solve(matrix, z_NU - middle_U)
                weight_STN[s][np.ix_(targets_U, used)] = solved_NU.T
                middle_ST[s, targets_U] = middle_U
        return FittedSmooth(x_NF, length, noise, weight_STN, middle_ST, observations)


def _features(rates_NC: np.ndarray, covariates_NK: np.ndarray) -> np.ndarray:
    return np.concatenate([np.sqrt(rates_NC), 0.5 * covariates_NK], axis=1)


def _kernel(x_NF: np.ndarray, y_MF: np.ndarray, length: float) -> np.ndarray:
    square_NM = (x_NF**2).sum(1)[:, None] + (y_MF**2).sum(1) - 2 * x_NF @ y_MF.T
    return np.exp(-np.maximum(square_NM, 0) / (2 * length**2))


def _best_hyperparameters(observations: Observations, fitted_N: np.ndarray) -> tuple[float, float]:
    """Length and noise with the greatest likelihood over all targets, their variance profiled."""
    x_NF = _features(observations.rates_NC, observations.covariates_NK)
    best, chosen = -np.inf, (_LENGTHS[0], _NOISES[-1])
    patterns = target_patterns(observations.known_NT)
    for length in _LENGTHS:
        kernel_NN = _kernel(x_NF, x_NF, length)
        for noise in _NOISES:
            likelihood = 0.0
            for known_N, targets_U in patterns:
                used = np.flatnonzero(known_N & fitted_N)
                matrix = kernel_NN[np.ix_(used, used)] + noise * np.eye(used.size)
                z_NU = observations.values_NT[np.ix_(used, targets_U)]
                z_NU = z_NU - z_NU.mean(axis=0)
                lower = np.linalg.cholesky(matrix)
                whitened_NU = np.linalg.solve(lower, z_NU)
                variance_U = np.maximum((whitened_NU**2).mean(axis=0), 1e-12)
                determinant = 2 * np.log(np.diag(lower)).sum()
                likelihood -= 0.5 * float((used.size * np.log(variance_U) + determinant).sum())
            if likelihood > best:
                best, chosen = likelihood, (length, noise)
    return chosen
