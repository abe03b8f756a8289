"""The mixtures that cannot be told from the best one: never a single mixture.

optimum = find_optimum(stack, objective, Region(records.corpora), seed=0)
optimum.pick, optimum.ranges(), optimum.expected_regret
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from code_ablate.analysis.laws.hull import Hull
from code_ablate.analysis.laws.outlook import (
    LEVEL,
    Objective,
    Outlook,
    Resampled,
    look_at,
    resample,
)
from code_ablate.analysis.laws.region import Region
from code_ablate.analysis.laws.stack import Stack
from code_ablate.errors import UserError

_SAMPLES = 2000
"""Mixtures tried per round."""
_ROUNDS = 12
_KEPT = 60
"""The best of a round, around which the next one looks."""
_MOST_CANDIDATES = 700
"""Mixtures that are compared in the end."""


@dataclass(frozen=True)
class Optimum:
    """Candidates for the best mixture under constraints, with what is known of them."""

    stack: Stack
    """What they are predicted by."""

    objective: Objective
    """What they are judged by."""

    region: Region
    """Where they may lie."""

    outlook: Outlook
    """The mixtures that were compared; near the best they lie dense."""

    outside_M: Bool[np.ndarray, " M"]
    """Which of the good ones lie outside the data, as far as these were looked at."""

    pick: int
    """The mixture with the least expected regret, inside the data where one is as good."""

    level: float
    """Probability of the set of good mixtures."""

    @property
    def rates_C(self) -> Float[np.ndarray, " C"]:
        """Shares of the pick."""
        return self.outlook.rates_MC[self.pick]

    @property
    def expected_regret(self) -> float:
        """How much worse than the best allowed mixture the pick is expected to be."""
        return float(self.outlook.regret_M[self.pick])

    @property
    def good_MC(self) -> Float[np.ndarray, "M C"]:
        """The mixtures that cannot be told from the best, most likely first."""
        outlook = self.outlook
        good = np.flatnonzero(outlook.good_M(self.level))
        return outlook.rates_MC[good[np.argsort(-outlook.chance_of_best_M[good])]]

    def best_run(self) -> tuple[str, float] | None:
        """The run with the best objective, and that as measured (with its sign: as it is shown).

        One run's noise is in it. None where runs differ in size or tokens, or no run has all
        targets.
        """
        records = self.stack.records
        seen = self.stack.scaling.observations(records)
        whole_N = np.flatnonzero(seen.known_NT.all(axis=1))
        if self.stack.at or not len(whole_N):
            return None
        value_N = self.objective.of(seen.values_NT[whole_N])
        best = int(value_N.argmin())
        return records.runs[whole_N[best]], float(self.objective.sign * value_N[best])

    def ranges(self) -> pd.DataFrame:
        """Per corpus: share in the pick, least and greatest share among the good mixtures, today's.

        Also the least and greatest share that a run had.
        """
        runs_NC = self.stack.records.rates_NC
        columns = {
            "corpus": self.region.corpora,
            "pick": self.rates_C,
            "least": self.good_MC.min(axis=0),
            "greatest": self.good_MC.max(axis=0),
            "least_run": runs_NC.min(axis=0),
            "greatest_run": runs_NC.max(axis=0),
        }
        if self.region.today:
            columns["today"] = self.region.today_C
        return pd.DataFrame(columns)

    def targets(self) -> pd.DataFrame:
        """Predicted targets of the pick, and of today's mixture if there is one."""
        records = self.stack.records
        columns = {
            "target": records.targets,
            "pick": self.stack.predict(self.rates_C[None])[0],
            "mean_of_runs": np.nanmean(records.values_NT, axis=0),
        }
        if self.region.today:
            columns["today"] = self.stack.predict(self.region.today_C[None])[0]
        return pd.DataFrame(columns)


def find_optimum(
    stack: Stack,
    objective: Objective,
    region: Region,
    *,
    seed: int = 0,
    level: float = LEVEL,
    resampled: Resampled | None = None,
) -> Optimum:
    """Searches the region and compares what it finds.

    The search follows the stack and each resampled law, so that mixtures that only one of them
    likes are compared too. Today's mixture and the runs' mixtures take part where they are allowed.
    A corpus that no run used gets no share unless the region asks for it: nothing is known of it.
    """
    region = _with_known_corpora(region, stack)
    resampled = resampled or resample(stack, objective, seed=seed)
    rates_MC = find_candidates(stack, objective, region, resampled, seed=seed)
    outlook = look_at(stack, objective, rates_MC, seed=seed, resampled=resampled)
    good = np.flatnonzero(outlook.good_M(level))
    hull = Hull(stack.records.rates_NC)
    outside_M = np.zeros(len(rates_MC), bool)
    least = good[np.argsort(outlook.regret_M[good])]
    outside_M[least] = hull.outside(rates_MC[least])
    return Optimum(
        stack, objective, region, outlook, outside_M, _pick(outlook, least, outside_M), level
    )


def _with_known_corpora(region: Region, stack: Stack) -> Region:
    used_C = np.asarray((stack.records.rates_NC > 0).any(axis=0))
    unknown = [c for c, used in zip(region.corpora, used_C, strict=True) if not used]
    left_out = {name: 0.0 for name in unknown if region.lower.get(name, 0.0) == 0}
    today = {name: share for name, share in region.today.items() if name in left_out and share > 0}
    if today and region.distance < 1:
        raise UserError(
            f"no run used {min(today)}, which is in today's mixture: say how much of it there must "
            f"be ({min(today)}>=SHARE), or train runs with it."
        )
    return replace(region, upper={**region.upper, **left_out})


def _pick(outlook: Outlook, least: np.ndarray, outside_M: np.ndarray) -> int:
    """The least regret; inside the data, if that costs less than a tenth of what is not known."""
    inside = least[~outside_M[least]]
    if not inside.size:
        return int(least[0])
    spread = outlook.draws_DM[:, least[0]].std()
    dear = outlook.regret_M[inside[0]] - outlook.regret_M[least[0]] > 0.1 * spread
    return int(least[0] if dear else inside[0])


def find_candidates(
    stack: Stack, objective: Objective, region: Region, resampled: Resampled, *, seed: int = 0
) -> Float[np.ndarray, "M C"]:
    """Mixtures near the best of the stack and of single resamples, with some from everywhere."""
    rng = np.random.default_rng([seed, 3])
    runs_NC = stack.records.rates_NC
    own_MC = np.concatenate([region.today_C[None], runs_NC]) if region.today else runs_NC
    own_MC = own_MC[region.distinct(own_MC)]
    pool_MC = np.concatenate([own_MC, region.sample(_SAMPLES, rng)])
    value_M = objective.of(stack.standardised(pool_MC))
    for step in np.geomspace(0.5, 0.05, _ROUNDS):
        elite_MC = pool_MC[value_M.argsort()[:_KEPT]]
        near_MC = region.brought_in(_around(elite_MC, _SAMPLES // 4, step, rng))
        pool_MC = np.concatenate([pool_MC, near_MC])
        value_M = np.concatenate([value_M, objective.of(stack.standardised(near_MC))])
    # Many a mixture is brought in to the same corner of the region; twice compared, it would halve
    # its chance of being the best.
    distinct = region.distinct(pool_MC)
    pool_MC, value_M = pool_MC[distinct], value_M[distinct]
    # Which of them a resample would choose: the best few of each law on each resample.
    order = value_M.argsort()[: 4 * _MOST_CANDIDATES]
    predicted_LSM = resampled.predict(pool_MC[order])
    liked = set(order[:_KEPT])
    for predicted_M in predicted_LSM.reshape(-1, len(order)):
        liked.update(order[predicted_M.argsort()[:4]])
    spread = order[:: max(1, len(order) // _MOST_CANDIDATES)]
    ranked = sorted(liked, key=lambda i: value_M[i])[:_MOST_CANDIDATES]
    chosen = list(dict.fromkeys([*ranked, *spread]))[:_MOST_CANDIDATES]
    own = range(min(len(own_MC), _MOST_CANDIDATES // 4))  # they stand first in the pool
    return pool_MC[list(dict.fromkeys([*chosen, *own]))]


def _around(
    rates_MC: np.ndarray, mixtures: int, step: float, rng: np.random.Generator
) -> np.ndarray:
    """Mixtures near given ones: shares times random factors, or on the way to another one."""
    first = rng.integers(len(rates_MC), size=mixtures)
    second = rng.integers(len(rates_MC), size=mixtures)
    way_M1 = rng.uniform(-0.3, 1.3, (mixtures, 1))
    between_MC = rates_MC[first] + way_M1 * (rates_MC[second] - rates_MC[first])
    factor_MC = np.exp(step * rng.standard_normal(between_MC.shape))
    moved_MC = np.maximum(between_MC, 0) * factor_MC
    # A share of 0 times a factor stays 0: some corpora are added anew.
    moved_MC += 0.1 * step * rng.exponential(1, moved_MC.shape) * (rng.random(moved_MC.shape) < 0.1)
    return moved_MC / moved_MC.sum(axis=1, keepdims=True)
