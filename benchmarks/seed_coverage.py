"""How often the intervals of components of variance are right.

    python -m benchmarks.coverage --only components component_units

Tables for `coverage.py`, which prints them. Runs are a grid of seeds of the initialisation and of
the order of the data.
"""

import itertools
from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float
from scipy import special

from benchmarks.decision_coverage import as_table
from code_ablate.analysis.estimation.seed_components import SeedComponents, seed_components

GRIDS = ((3, 3), (4, 4), (6, 3), (10, 10))
VARIANCES = (
    (0.0, 0.0, 1.0),
    (1.0, 0.0, 1.0),
    (0.3, 0.3, 1.0),
    (1.0, 1.0, 0.1),
    (4.0, 0.3, 1.0),
    (10.0, 10.0, 1.0),
    (25.0, 1.0, 0.01),
)
"""By the initialisation, by the order, and what is left."""


def component_cells(studies: int) -> Iterator[list[object]]:
    """Coverage of the components, and how often an estimate is below zero."""
    parts = ("initialisation", "order", "rest")
    below = [f"{name} below 0, %" for name in parts[:2]]
    yield ["seeds", "variances", *(f"{name}, %" for name in parts), *below]
    for (rows, columns), truth in itertools.product(GRIDS, VARIANCES):
        rng = np.random.default_rng([rows, columns, *(round(100 * part) for part in truth)])
        held, negative = np.zeros(3), np.zeros(3)
        for _ in range(studies):
            found = seed_components([_runs(rng, (rows, columns), truth)[None]])
            for i, name in enumerate(parts):
                part = getattr(found, name)
                held[i] += part.low <= truth[i] <= part.high
                negative[i] += part.value < 0
        shares = [f"{100 * x / studies:.1f}" for x in (*held, *negative[:2])]
        yield [f"{rows} × {columns}", ":".join(f"{part:g}" for part in truth), *shares]


def _runs(
    rng: np.random.Generator, shape: tuple[int, int], variances: tuple[float, float, float]
) -> Float[np.ndarray, "initialisations orders"]:
    of_rows, of_columns, rest = (part**0.5 for part in variances)
    scores = of_rows * rng.normal(size=(shape[0], 1)) + of_columns * rng.normal(size=(1, shape[1]))
    return scores + rest * rng.normal(size=shape)


def _normal(rng: np.random.Generator, units: int) -> Float[np.ndarray, "units three three"]:
    """Items that differ as much as one of them does between runs."""
    own = rng.normal(size=(units, 1, 1)) + rng.normal(size=(units, 3, 3))
    return own + 0.5 * (rng.normal(size=(units, 3, 1)) + rng.normal(size=(units, 1, 3)))


def _tailed(rng: np.random.Generator, units: int) -> Float[np.ndarray, "units three three"]:
    """Some items that are far off: Student's t, five degrees of freedom."""
    return rng.standard_t(5, (units, 1, 1)) + rng.normal(size=(units, 3, 3))


def _shares(
    share: float, is_change: bool
) -> Callable[[np.random.Generator, int], Float[np.ndarray, "units three three"]]:
    """Right and wrong, by a probit model as in `coverage.share_table`; or the change by a fifth."""

    def drawn(rng: np.random.Generator, units: int) -> Float[np.ndarray, "units three three"]:
        ease = rng.normal(size=(units, 1, 1))
        levels = []
        for true_share in (share, min(0.95, 1.2 * share)):
            own = ease + 0.5 * rng.normal(size=(units, 1, 1)) + rng.normal(size=(units, 3, 3))
            levels.append((own + 1.5 * special.ndtri(true_share) > 0).astype(float))
        return levels[1] - levels[0] if is_change else levels[0]

    return drawn


ITEMS = {
    "normal": _normal,
    "heavy tails": _tailed,
    "5 % right": _shares(0.05, False),
    "30 % right": _shares(0.3, False),
    "change of 5 % right": _shares(0.05, True),
    "change of 30 % right": _shares(0.3, True),
}


def unit_cells(studies: int) -> Iterator[list[object]]:
    """Coverage of the variance by the choice of items, with fewer than the report asks for too."""
    sizes = (50, 100, 300, 1000, 3000)
    yield ["items that are", *(f"{units:,} items, %" for units in sizes)]
    for number, (name, draw) in enumerate(ITEMS.items()):
        truth = _of_units(draw(np.random.default_rng(99), 1_000_000)).units.value * 1e6
        row: list[object] = [name]
        for units in sizes:
            rng = np.random.default_rng([number, units])
            held = defined = 0
            for _ in range(studies):
                part = _of_units(draw(rng, units)).units
                if part.low is not None and part.high is not None:
                    defined += 1
                    held += part.low <= truth / units <= part.high
            row.append(f"{100 * held / defined:.1f}")
        yield row


def _of_units(scores: Float[np.ndarray, "units initialisations orders"]) -> SeedComponents:
    return seed_components([scores / len(scores)], fewest_units=2)


def component_table(studies: int) -> Iterator[str]:
    """Components of variance of a grid of seeds."""
    yield from as_table(component_cells(studies))


def unit_table(studies: int) -> Iterator[str]:
    """Variance by the choice of items."""
    yield from as_table(unit_cells(studies))
