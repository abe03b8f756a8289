"""Runs as plain records: shares of corpora, values of targets, size and tokens where these vary.

    records = Records(("text", "code"), ("loss",), rates_NC, values_NT)
    records.take(rows), records.with_targets(["loss"]), records.mixture_N

What cannot be used is refused here, in one message, before anything is fitted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from code_ablate.analysis.laws.law import Observations
from code_ablate.errors import UserError, unknown_name
from code_ablate.names import require_label

TOLERANCE = 0.02
"""How far the shares of one mixture may be from 1 in sum; they are divided by their sum."""

LEAST_MIXTURES = 8
"""Different mixtures below which no law is fitted: too few to hold any out."""

_SAME = 4
"""Decimals to which two mixtures have to agree to be one mixture repeated."""


@dataclass(frozen=True)
class Records:
    """Runs that were trained on mixtures of the same corpora and measured on the same targets."""

    corpora: tuple[str, ...]
    """Names of the corpora."""

    targets: tuple[str, ...]
    """Names of what was measured: a loss per domain, a score per task."""

    rates_NC: Float[np.ndarray, "N C"]
    """Shares of the corpora in tokens, a row per run; sums within 0.02 of 1 are rescaled."""

    values_NT: Float[np.ndarray, "N T"]
    """The measurements, in units of their own; NaN where one is missing."""

    higher_is_better: frozenset[str] = frozenset()
    """Targets of which more is better; of all others less is."""

    sizes_N: Float[np.ndarray, " N"] | None = None
    """Parameters of each run's model; None if all have the same."""

    tokens_N: Float[np.ndarray, " N"] | None = None
    """Tokens each run was trained on; None if all had as many."""

    runs: tuple[str, ...] = ()
    """Names of the runs; empty: their numbers, from 1."""

    source: str = field(default="the table", compare=False)
    """Where they come from, for messages."""

    def __post_init__(self):
        rates_NC = np.array(self.rates_NC, dtype=float)
        values_NT = np.array(self.values_NT, dtype=float)
        shape = (len(rates_NC), len(self.corpora)), (len(rates_NC), len(self.targets))
        if (rates_NC.shape, values_NT.shape) != shape:
            raise UserError(
                f"{self.source}: shares are {rates_NC.shape} and values {values_NT.shape} for "
                f"{len(self.corpora)} corpora and {len(self.targets)} targets: give a row per run."
            )
        self._require_names()
        if self.runs and len(self.runs) != len(rates_NC):
            raise UserError(
                f"{self.source}: {len(self.runs)} names for {len(rates_NC)} runs: give each one."
            )
        runs = self.runs or tuple(str(n) for n in range(1, len(rates_NC) + 1))
        object.__setattr__(self, "runs", runs)
        object.__setattr__(self, "rates_NC", self._shares(rates_NC))
        object.__setattr__(self, "values_NT", self._values(values_NT))
        for name, column_N in (("sizes", self.sizes_N), ("tokens", self.tokens_N)):
            if column_N is not None:
                self._require_positive(name, np.asarray(column_N, dtype=float))

    def _require_names(self) -> None:
        for kind, names in (("corpus", self.corpora), ("target", self.targets)):
            for name in names:
                require_label(kind, name)
            if len(set(names)) < len(names):
                raise UserError(f"{self.source}: two columns of one {kind}: rename or drop one.")
            if not names:
                raise UserError(f"{self.source} has no {kind}: name the columns that are.")
        unknown = sorted(self.higher_is_better - set(self.targets))
        if unknown:
            raise unknown_name("target", unknown[0], self.targets)

    def _shares(self, rates_NC: np.ndarray) -> np.ndarray:
        sums_N = rates_NC.sum(axis=1)
        wrong_N = ~np.isfinite(rates_NC).all(axis=1) | (rates_NC < 0).any(axis=1)
        wrong_N |= ~(np.abs(sums_N - 1) <= TOLERANCE)
        if wrong_N.any():
            row = int(wrong_N.argmax())
            raise UserError(
                f"{self.source}: the shares of run {self.runs[row] if self.runs else row + 1} are "
                f"not a mixture: {int(wrong_N.sum())} of {len(wrong_N)} rows have a share that is "
                f"missing or below 0, or a sum that is not 1 (here {sums_N[row]:.4g}): correct the "
                "rows, or name the columns that are shares."
            )
        return rates_NC / sums_N[:, None]

    def _values(self, values_NT: np.ndarray) -> np.ndarray:
        if np.isinf(values_NT).any():
            row, column = np.argwhere(np.isinf(values_NT))[0]
            raise UserError(
                f"{self.source}: {self.targets[column]} of run {self.runs[row]} is infinite: leave "
                "the field empty if the run failed."
            )
        return values_NT

    def _require_positive(self, name: str, column_N: np.ndarray) -> None:
        if (
            column_N.shape != (len(self.runs),)
            or not (np.isfinite(column_N) & (column_N > 0)).all()
        ):
            raise UserError(f"{self.source}: {name} must be a number above 0 in every row.")

    @property
    def known_NT(self) -> Bool[np.ndarray, "N T"]:
        """Whether a value was measured."""
        return np.isfinite(self.values_NT)

    @property
    def sign_T(self) -> Float[np.ndarray, " T"]:
        """1 where less is better, -1 where more is: laws make values small."""
        return np.array([-1.0 if name in self.higher_is_better else 1.0 for name in self.targets])

    @cached_property
    def mixture_N(self) -> Int[np.ndarray, " N"]:
        """Number of each run's mixture: repeats of one mixture have the same."""
        return np.unique(self.rates_NC.round(_SAME), axis=0, return_inverse=True)[1].ravel()

    @property
    def covariates(self) -> dict[str, Float[np.ndarray, " N"]]:
        """Logarithms of size and of tokens, those that differ between the runs."""
        columns = {"size": self.sizes_N, "tokens": self.tokens_N}
        given = {name: np.log(np.asarray(c, float)) for name, c in columns.items() if c is not None}
        return {name: log_N for name, log_N in given.items() if np.ptp(log_N) > 1e-6}

    def take(self, rows: Sequence[int] | np.ndarray) -> "Records":
        """Some of the runs."""
        rows = np.asarray(rows)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        return replace(
            self,
            rates_NC=self.rates_NC[rows],
            values_NT=self.values_NT[rows],
            sizes_N=None if self.sizes_N is None else np.asarray(self.sizes_N)[rows],
            tokens_N=None if self.tokens_N is None else np.asarray(self.tokens_N)[rows],
            runs=tuple(self.runs[row] for row in rows),
        )

    def with_targets(self, names: Sequence[str]) -> "Records":
        """The same runs with some of the targets. UserError for a target that is not there."""
        for name in names:
            if name not in self.targets:
                raise unknown_name("target", name, self.targets)
        columns = [self.targets.index(name) for name in names]
        return replace(
            self,
            targets=tuple(names),
            values_NT=self.values_NT[:, columns],
            higher_is_better=self.higher_is_better & set(names),
        )

    def require_fit(self) -> None:
        """Raises UserError unless a law can be fitted and held to runs it has not seen."""
        if len(self.corpora) < 2 or (self.rates_NC > 0).any(axis=0).sum() < 2:
            raise UserError(
                f"{self.source}: all runs were trained on one corpus alone: a law of the mixture "
                "needs runs that mix two or more."
            )
        for column, name in enumerate(self.targets):
            mixtures = len(set(self.mixture_N[self.known_NT[:, column]]))
            if mixtures < LEAST_MIXTURES:
                raise UserError(
                    f"{self.source}: {name} was measured on {mixtures} different mixtures: a law "
                    f"needs {LEAST_MIXTURES} or more. Train more (code-ablate design says which), "
                    "or leave the target out."
                )
            known_N = self.values_NT[self.known_NT[:, column], column]
            if np.ptp(known_N) <= 1e-12 * max(1.0, np.abs(known_N).max()):
                raise UserError(
                    f"{self.source}: {name} is the same in every run: there is nothing to explain. "
                    "Leave the target out."
                )


@dataclass(frozen=True)
class Scaling:
    """How records become what laws see, and how predictions come back."""

    mean_T: Float[np.ndarray, " T"]
    """Mean of each target over the runs, signed so that less is better."""

    spread_T: Float[np.ndarray, " T"]
    """Standard deviation of each target over the runs."""

    sign_T: Float[np.ndarray, " T"]
    """See `Records.sign_T`."""

    covariates: dict[str, tuple[float, float]]
    """Mean and standard deviation of the logarithms of size and tokens, those that differ."""

    @classmethod
    def of(cls, records: Records) -> "Scaling":
        """The scaling that gives these runs mean 0 and variance 1."""
        signed_NT = records.values_NT * records.sign_T
        logs = records.covariates
        return cls(
            np.nanmean(signed_NT, axis=0),
            np.nanstd(signed_NT, axis=0),
            records.sign_T,
            {name: (float(log_N.mean()), float(log_N.std())) for name, log_N in logs.items()},
        )

    def observations(self, records: Records) -> Observations:
        """The runs as laws see them."""
        signed_NT = (records.values_NT * self.sign_T - self.mean_T) / self.spread_T
        known_NT = records.known_NT
        logs = records.covariates
        columns = [(logs[name] - m) / s for name, (m, s) in self.covariates.items()]
        covariates_NK = np.stack(columns, axis=1) if columns else np.zeros((len(signed_NT), 0))
        return Observations(
            records.rates_NC, covariates_NK, np.where(known_NT, signed_NT, 0.0), known_NT
        )

    def covariates_MK(self, mixtures: int, at: dict[str, float]) -> Float[np.ndarray, "M K"]:
        """Covariates of predictions at one size and number of tokens."""
        row = [(np.log(at[name]) - m) / s for name, (m, s) in self.covariates.items()]
        return np.tile(np.array(row, dtype=float), (mixtures, 1))
