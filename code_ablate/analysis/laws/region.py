"""Where a mixture may lie: bounds of shares, tokens at hand, distance from today's mixture.

region = Region(corpora, upper={"code": 0.3}, today={"text": 0.8, "code": 0.2}, distance=0.1)
region.sample(1000, rng), region.holds(rates_MC), region.brought_in(rates_MC)
rates_MC[region.distinct(rates_MC)]
read_constraints(["code<=0.3", "distance<=0.1"])  # as the command line writes them
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int

from code_ablate.errors import UserError, unknown_name

_CONSTRAINT = re.compile(r"\s*(?P<name>[^<>=]+?)\s*(?P<sign><=|>=|=)\s*(?P<value>[^<>=]+?)\s*")
_SLACK = 1e-6


@dataclass(frozen=True)
class Region:
    """The mixtures that are allowed; without constraints, all of them."""

    corpora: tuple[str, ...]
    """Names, in the order of the shares."""

    lower: Mapping[str, float] = field(default_factory=dict)
    """Least share of a corpus; 0 for those not named."""

    upper: Mapping[str, float] = field(default_factory=dict)
    """Greatest share of a corpus; 1 for those not named."""

    tokens: float = 0.0
    """Tokens that will be trained on; 0: not said, which `available` needs."""

    available: Mapping[str, float] = field(default_factory=dict)
    """Tokens at hand of a corpus; as many as needed for those not named."""

    epochs: float = 1.0
    """How often a corpus in `available` may be repeated."""

    today: Mapping[str, float] = field(default_factory=dict)
    """The mixture in use; corpora not named have share 0. Empty: none."""

    distance: float = 1.0
    """Share of the tokens that may come from another corpus than in today's mixture, at most."""

    def __post_init__(self):
        for what in (self.lower, self.upper, self.available, self.today):
            for name, value in what.items():
                if name not in self.corpora:
                    raise unknown_name("corpus", name, self.corpora)
                if not np.isfinite(value) or value < 0:
                    raise UserError(f"the constraint on {name} is {value}: use a number from 0 on.")
        if self.available and self.tokens <= 0:
            raise UserError(
                "tokens at hand limit a share only if the tokens of the training are known: give "
                "them (--tokens)."
            )
        if self.epochs <= 0 or not 0 <= self.distance <= 1:
            raise UserError("epochs must be above 0, and distance a share from 0 to 1.")
        lower_C, upper_C = self.bounds_2C
        if (lower_C > upper_C + _SLACK).any():
            name = self.corpora[int((lower_C - upper_C).argmax())]
            raise UserError(f"no mixture meets the constraints on {name}: its least share is above "
                            "its greatest one.")  # fmt: skip
        if lower_C.sum() > 1 + _SLACK or upper_C.sum() < 1 - _SLACK:
            raise UserError(
                f"no mixture meets the constraints: least shares sum to {lower_C.sum():.3g} and "
                f"greatest ones to {upper_C.sum():.3g}, and 1 must lie between: loosen some."
            )
        self._require_today()

    def _require_today(self) -> None:
        if not self.today:
            if self.distance < 1:
                raise UserError("a distance needs today's mixture: give it (--today).")
            return
        total = sum(self.today.values())
        if abs(total - 1) > 0.02:
            raise UserError(f"today's shares sum to {total:.4g}: they must sum to 1.")
        lower_C, upper_C = self.bounds_2C
        nearest_C = _onto_bounds(self.today_C[None], lower_C, upper_C)[0]
        if 0.5 * np.abs(nearest_C - self.today_C).sum() > self.distance + _SLACK:
            raise UserError(
                "no mixture within the distance of today's meets the bounds: loosen one of both."
            )

    @property
    def today_C(self) -> Float[np.ndarray, " C"]:
        """Today's mixture, summing to 1."""
        shares_C = np.array([self.today.get(name, 0.0) for name in self.corpora])
        return shares_C / shares_C.sum()

    @property
    def bounds_2C(self) -> Float[np.ndarray, "2 C"]:
        """Least and greatest shares, tokens at hand included."""
        lower = [self.lower.get(name, 0.0) for name in self.corpora]
        upper = [min(1.0, self.upper.get(name, 1.0)) for name in self.corpora]
        for i, name in enumerate(self.corpora):
            if name in self.available:
                upper[i] = min(upper[i], self.epochs * self.available[name] / self.tokens)
        return np.array([lower, upper])

    def holds(self, rates_MC: Float[np.ndarray, "M C"]) -> Bool[np.ndarray, " M"]:
        """Whether mixtures meet the constraints, to within 1e-6."""
        lower_C, upper_C = self.bounds_2C
        inside_M = ((rates_MC >= lower_C - _SLACK) & (rates_MC <= upper_C + _SLACK)).all(axis=1)
        if self.today:
            moved_M = 0.5 * np.abs(rates_MC - self.today_C).sum(axis=1)
            inside_M &= moved_M <= self.distance + _SLACK
        return inside_M

    def distinct(self, rates_MC: Float[np.ndarray, "M C"]) -> Int[np.ndarray, " K"]:
        """Numbers of the mixtures that meet the constraints, in order, without repetitions.

        Mixtures are the same if their shares are, to six decimals.
        """
        allowed = np.flatnonzero(self.holds(rates_MC))
        _, first = np.unique(rates_MC[allowed].round(6), axis=0, return_index=True)
        return allowed[np.sort(first)]

    def brought_in(self, rates_MC: Float[np.ndarray, "M C"]) -> Float[np.ndarray, "M C"]:
        """Mixtures that meet the constraints, near the given ones."""
        lower_C, upper_C = self.bounds_2C
        inside_MC = _onto_bounds(rates_MC, lower_C, upper_C)
        if self.today:
            # Towards the mixture within the bounds that is nearest to today's; on the line between
            # two mixtures the bounds hold, and the distance grows along it.
            anchor_C = _onto_bounds(self.today_C[None], lower_C, upper_C)[0]
            low_M, high_M = np.zeros(len(inside_MC)), np.ones(len(inside_MC))
            step_MC = inside_MC - anchor_C
            for _ in range(40):
                middle_M = (low_M + high_M) / 2
                at_MC = anchor_C + middle_M[:, None] * step_MC
                near_M = 0.5 * np.abs(at_MC - self.today_C).sum(axis=1) <= self.distance
                low_M, high_M = (
                    np.where(near_M, middle_M, low_M),
                    np.where(near_M, high_M, middle_M),
                )
            all_M = 0.5 * np.abs(inside_MC - self.today_C).sum(axis=1) <= self.distance
            inside_MC = anchor_C + np.where(all_M, 1.0, low_M)[:, None] * step_MC
        return inside_MC

    def sample(self, mixtures: int, rng: np.random.Generator) -> Float[np.ndarray, "M C"]:
        """Random mixtures of few and of many corpora that meet the constraints."""
        concentration_M1 = rng.choice([0.1, 0.3, 1.0, 3.0], (mixtures, 1))
        gamma_MC = rng.standard_gamma(
            np.broadcast_to(concentration_M1, (mixtures, len(self.corpora)))
        )
        rates_MC = (gamma_MC + 1e-12) / (gamma_MC + 1e-12).sum(axis=1, keepdims=True)
        lower_C = self.bounds_2C[0]
        free = 1 - lower_C.sum()
        return self.brought_in(lower_C + free * rates_MC if free > 0 else rates_MC)


def _onto_bounds(rates_MC: np.ndarray, lower_C: np.ndarray, upper_C: np.ndarray) -> np.ndarray:
    """The nearest mixtures within the bounds: shares shifted alike and clipped, to sum 1."""
    low_M1 = (rates_MC - upper_C).min(axis=1, keepdims=True)
    high_M1 = (rates_MC - lower_C).max(axis=1, keepdims=True)
    for _ in range(60):
        middle_M1 = (low_M1 + high_M1) / 2
        clipped_MC = np.clip(rates_MC - middle_M1, lower_C, upper_C)
        above_M1 = clipped_MC.sum(axis=1, keepdims=True) > 1
        low_M1 = np.where(above_M1, middle_M1, low_M1)
        high_M1 = np.where(above_M1, high_M1, middle_M1)
    return np.clip(rates_MC - (low_M1 + high_M1) / 2, lower_C, upper_C)


def read_shares(texts: Iterable[str], what: str) -> dict[str, float]:
    """Numbers by corpus from "code=0.3" or "code=2e9". Raises UserError."""
    numbers = {}
    for text in texts:
        name, sign, value = _split(text)
        if sign != "=":
            raise UserError(f"{what} {text!r}: write CORPUS=NUMBER.")
        numbers[name] = value
    return numbers


def read_constraints(texts: Iterable[str]) -> dict:
    """Keyword arguments of Region from "code<=0.3", "web>=0.2", "epochs<=4", "distance<=0.1"."""
    lower: dict[str, float] = {}
    upper: dict[str, float] = {}
    others: dict[str, float] = {}
    for text in texts:
        name, sign, value = _split(text)
        if name in ("epochs", "distance"):
            if sign != "<=":
                raise UserError(f"constraint {text!r}: write {name}<=NUMBER.")
            others[name] = value
            continue
        if value > 1:
            raise UserError(f"constraint {text!r}: a share is at most 1.")
        if sign in ("<=", "="):
            upper[name] = value
        if sign in (">=", "="):
            lower[name] = value
    return {"lower": lower, "upper": upper, **others}


def _split(text: str) -> tuple[str, str, float]:
    match = _CONSTRAINT.fullmatch(text)
    try:
        value = float(match["value"]) if match else np.nan
    except ValueError:
        value = np.nan
    if match is None or not np.isfinite(value):
        raise UserError(
            f"{text!r} is no constraint: write for instance 'code<=0.3', 'web>=0.2', 'epochs<=4' "
            "or 'distance<=0.1'."
        )
    return match["name"], match["sign"], value
