"""What every law of the mixture is: fitted to runs, it predicts targets for any mixture.

    fitted = LogLinear().fit(observations, weights_SN)
    fitted.predict(rates_MC, covariates_MK)  # (S, T, M)

Laws see standardised values (mean 0, variance 1 per target, lower is better) and are fitted for
many sets of weights of the runs at once: all runs, all runs but a fold, a resample.

Letters in shapes: N runs, C corpora, T targets, K covariates (log model size, log tokens), S sets
of weights, M mixtures to predict, P parameters, B problems (S times T).
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Bool, Float

MARGIN = 0.5
"""How far a prediction may lie beyond the range of the observed values, in widths of that range."""


@dataclass(frozen=True)
class Observations:
    """Runs as laws see them."""

    rates_NC: Float[np.ndarray, "N C"]
    """Shares of the corpora; each row sums to 1."""

    covariates_NK: Float[np.ndarray, "N K"]
    """Standardised logarithms of model size and tokens; only those that differ between runs."""

    values_NT: Float[np.ndarray, "N T"]
    """Standardised targets, lower is better; 0 where the value is missing."""

    known_NT: Bool[np.ndarray, "N T"]
    """Whether the value was observed."""

    @property
    def range_2T(self) -> Float[np.ndarray, "2 T"]:
        """The least and greatest value of each target that a law may predict."""
        low_T = np.where(self.known_NT, self.values_NT, np.inf).min(axis=0)
        high_T = np.where(self.known_NT, self.values_NT, -np.inf).max(axis=0)
        width_T = MARGIN * (high_T - low_T)
        return np.stack([low_T - width_T, high_T + width_T])

    def bounded(self, predicted_STM: Float[np.ndarray, "S T M"]) -> Float[np.ndarray, "S T M"]:
        """Predictions kept within `range_2T`: no law knows of anything far beyond what was seen."""
        low_T, high_T = self.range_2T
        return np.clip(predicted_STM, low_T[:, None], high_T[:, None])


class FittedLaw(Protocol):
    """A law that knows its parameters, one set of them per set of weights."""

    def predict(
        self, rates_MC: Float[np.ndarray, "M C"], covariates_MK: Float[np.ndarray, "M K"]
    ) -> Float[np.ndarray, "S T M"]:
        """Standardised targets of mixtures, bounded."""
        ...


class Law(Protocol):
    """A family of functions from mixtures to targets."""

    @property
    def name(self) -> str:
        """One word or two, as it stands in tables."""
        ...

    @property
    def description(self) -> str:
        """The formula and how it is regularised, in one sentence."""
        ...

    def fit(
        self,
        observations: Observations,
        weights_SN: Float[np.ndarray, "S N"],
        start: FittedLaw | None = None,
    ) -> FittedLaw:
        """One fit per set of weights (0: the run is left out).

        `start`: the same law fitted to the same runs, from which an iterative fit may go on.
        """
        ...


def target_patterns(known_NT: Bool[np.ndarray, "N T"]) -> list[tuple[np.ndarray, np.ndarray]]:
    """(runs that are known, targets known in just these runs): one fit serves them all."""
    patterns_UN, pattern_T = np.unique(known_NT.T, axis=0, return_inverse=True)
    pattern_T = pattern_T.ravel()
    return [(known_N, np.flatnonzero(pattern_T == u)) for u, known_N in enumerate(patterns_UN)]
