"""Whether a mixture lies outside the data: how far it is from all mixtures of the runs' mixtures.

    outside = Hull(rates_NC).outside(rates_MC)

With many corpora almost every mixture is outside the hull of the runs by a little, the runs' own
mixtures too if one is left out. So the distance is held against theirs.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import nnls

_HEAVY = 1e3
"""Weight of the condition that the parts sum to 1."""
_MOST_LEFT_OUT = 128
"""Runs of which the usual distance is taken, spread over all."""
QUANTILE = 0.95
"""Share of the runs that lie within the limit, each held against the others."""


@dataclass(frozen=True)
class Hull:
    """The mixtures of the runs, and everything between them."""

    rates_NC: Float[np.ndarray, "N C"]
    """The runs' mixtures."""

    def distances(self, rates_MC: Float[np.ndarray, "M C"]) -> Float[np.ndarray, " M"]:
        """Share of the tokens that would have to change to be a mixture of the runs' mixtures."""
        return np.array([_distance(self.rates_NC, rates_C) for rates_C in rates_MC])

    @cached_property
    def limit(self) -> float:
        """Distance that 95 % of the runs do not exceed, each from the hull of all others."""
        different_UC = np.unique(self.rates_NC.round(4), axis=0)
        step = max(1, len(different_UC) // _MOST_LEFT_OUT)
        left_out = range(0, len(different_UC), step)
        distances = [_distance(np.delete(different_UC, i, 0), different_UC[i]) for i in left_out]
        return float(np.quantile(distances, QUANTILE))

    def outside(self, rates_MC: Float[np.ndarray, "M C"]) -> Bool[np.ndarray, " M"]:
        """Whether mixtures lie farther out than runs do from each other."""
        return self.distances(rates_MC) > self.limit + 1e-6


def _distance(rates_NC: np.ndarray, rates_C: np.ndarray) -> float:
    """Half the sum of absolute differences to the nearest point (in squares) of the hull."""
    system = np.concatenate([rates_NC.T, np.full((1, len(rates_NC)), _HEAVY)])
    part_N = nnls(system, np.append(rates_C, _HEAVY), maxiter=50 * len(rates_NC))[0]
    return 0.5 * float(np.abs(part_N @ rates_NC - rates_C).sum())
