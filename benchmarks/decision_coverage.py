"""How often the intervals of signal-to-noise, decisions and the compute multiplier are right.

    python -m benchmarks.coverage --only signal decisions multiplier

Tables for `coverage.py`, which prints them. Recipes are drawn too: from a normal distribution, from
an even one (as the shares of a sweep are), and from a skewed one (exponential).
"""

import itertools
from collections.abc import Iterable, Iterator

import numpy as np
from jaxtyping import Float

from code_ablate.analysis.estimation.decisions import decide, signal_to_noise

KINDS = ("normal", "even", "skewed")


def drawn_recipes(
    rng: np.random.Generator, kind: str, shape: tuple[int, ...]
) -> Float[np.ndarray, "..."]:
    """Values with mean 0 and standard deviation 1."""
    if kind == "normal":
        return rng.normal(size=shape)
    if kind == "even":
        return rng.uniform(-1, 1, shape) * 3**0.5
    return rng.exponential(size=shape) - 1


def drawn_runs(
    rng: np.random.Generator,
    kind: str,
    shape: tuple[int, int, int],
    spread: float,
    unequal: float,
) -> Float[np.ndarray, "studies recipes seeds"]:
    """Scores of runs. The noise of recipes is log-normal, and a seed moves all recipes too."""
    studies, recipes, seeds = shape
    noise = np.exp(rng.normal(0, unequal, (studies, recipes, 1)))
    scores = spread * drawn_recipes(rng, kind, (studies, recipes, 1))
    return scores + noise * rng.normal(size=shape) + 2 * rng.normal(size=(studies, 1, seeds))


def signal_cells(studies: int) -> Iterator[list[object]]:
    """Coverage of the ratio's interval, by spread over noise and by how unequal noise is."""
    spreads = [f"spread {spread:g}, %" for spread in (0, 0.5, 2, 8)]
    yield ["recipes", "seeds", "distribution of recipes", "s.d. of log noise", *spreads]
    for recipes, seeds, kind, unequal in itertools.product(
        (5, 8, 12, 25), (3, 5), KINDS, (0.0, 0.5, 1.0)
    ):
        row: list[object] = [recipes, seeds, kind, unequal]
        for spread in (0.0, 0.5, 2.0, 8.0):
            rng = np.random.default_rng([recipes, seeds, round(10 * spread), len(kind)])
            truth = _true_apparent(rng, kind, seeds, spread, unequal)
            held = 0
            for scores_RS in drawn_runs(rng, kind, (studies, recipes, seeds), spread, unequal):
                ratio = signal_to_noise(scores_RS).ratio  # type: ignore[union-attr]
                true_ratio = _ratio(truth, recipes, seeds)
                held += ratio.low - 1e-9 <= true_ratio <= ratio.high + 1e-9  # type: ignore
            row.append(f"{100 * held / studies:.1f}")
        yield row


def _true_apparent(
    rng: np.random.Generator, kind: str, seeds: int, spread: float, unequal: float
) -> float:
    """Mean distance of two mean scores, by the typical noise of two: of very many recipes."""
    mean_D = drawn_runs(rng, kind, (300, 200, seeds), spread, unequal).mean(axis=2)
    order = 2 * np.arange(1, 201) - 201
    distance = (np.sort(mean_D, axis=1) @ order).mean() * 2 / (200 * 199)
    noise_P = np.exp(rng.normal(0, 2 * unequal, (200_000, 2))).mean(axis=1)
    return float(distance / np.exp(np.log(noise_P).mean() / 2))


def _ratio(apparent: float, recipes: int, seeds: int) -> float:
    """The ratio that as many recipes and seeds are said to have: see `signal_to_noise`."""
    from code_ablate.analysis.estimation.decisions import _denoised, _expected_range

    return _denoised(_expected_range(recipes) * np.pi**0.5 / 2 * apparent, recipes, seeds)


def decision_cells(studies: int) -> Iterator[list[object]]:
    """Coverage of decision accuracy and regret, where they have an interval."""
    coverage = ["accuracy: coverage, %", "regret: coverage, %", "studies with an interval, %"]
    yield ["recipes", "distribution of recipes", "correlation", "accuracy, true", *coverage]
    for recipes, kind, correlation in itertools.product(
        (5, 8, 12, 25), KINDS, (0.0, 0.5, 0.8, 0.95)
    ):
        rng = np.random.default_rng([recipes, round(100 * correlation), len(kind)])
        accuracy = _true_accuracy(rng, kind, correlation)
        small, large = _sizes(rng, kind, (200_000, recipes), correlation)
        regret = (large.max(axis=1) - large[np.arange(len(large)), small.argmax(axis=1)]).mean()
        held = np.zeros(3)
        sizes = _sizes(rng, kind, (studies, recipes), correlation)
        for small_R, large_R in zip(*sizes, strict=True):
            found = decide(small_R, large_R, lower_is_better=False)
            if found is None or found.accuracy.low is None or found.accuracy.high is None:
                continue
            held += [
                1,
                found.accuracy.low <= accuracy <= found.accuracy.high,
                found.regret.low is not None and found.regret.low <= regret <= found.regret.high,
            ]
        shares = [f"{100 * share:.1f}" for share in held[1:] / held[0]]
        if recipes == 25:
            shares[1] = "–"
        shares.append(f"{100 * held[0] / studies:.0f}")
        yield [recipes, kind, correlation, f"{accuracy:.2f}", *shares]


def _sizes(
    rng: np.random.Generator, kind: str, shape: tuple[int, int], correlation: float
) -> tuple[Float[np.ndarray, "studies recipes"], Float[np.ndarray, "studies recipes"]]:
    """Mean scores at a small size and at a large one; noise of seeds is part of both."""
    large = drawn_recipes(rng, kind, shape)
    return correlation * large + (1 - correlation**2) ** 0.5 * rng.normal(size=shape), large


def _true_accuracy(rng: np.random.Generator, kind: str, correlation: float) -> float:
    small, large = _sizes(rng, kind, (1_000_000, 2), correlation)
    return float(((small[:, 0] - small[:, 1]) * (large[:, 0] - large[:, 1]) > 0).mean())


def as_table(cells: Iterable[list[object]]) -> Iterator[str]:
    """Markdown; the first row is the head."""
    for number, row in enumerate(cells):
        yield f"| {' | '.join(map(str, row))} |"
        if not number:
            yield "|" + "---|" * len(row)


def signal_table(studies: int) -> Iterator[str]:
    """The ratio of signal to noise."""
    yield from as_table(signal_cells(studies))


def decision_table(studies: int) -> Iterator[str]:
    """Decision accuracy and regret."""
    yield from as_table(decision_cells(studies))
