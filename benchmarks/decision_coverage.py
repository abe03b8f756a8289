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
from code_ablate.analysis.estimation.estimates import Metric, Settings
from code_ablate.analysis.estimation.estimator import Estimator
from code_ablate.analysis.estimation.multiplier import Curve, compute_multiplier
from code_ablate.analysis.estimation.scores import Place, ScoredTask, Scores, TaskScores

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
    if not spread and not unequal:
        return float(2 / (np.pi * seeds) ** 0.5)  # the ratio is 0, which no simulation would give
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
    parts = [f"{what}: {part}, %" for what in ("accuracy", "regret") for part in ("cover", "have")]
    yield ["recipes", "distribution of recipes", "correlation", "accuracy, true", *parts]
    for recipes, kind, correlation in itertools.product(
        (5, 8, 12, 25), KINDS, (0.0, 0.5, 0.8, 0.95)
    ):
        rng = np.random.default_rng([recipes, round(100 * correlation), len(kind)])
        truths = _true_decisions(rng, kind, correlation)
        held, defined = np.zeros(2), np.zeros(2)
        sizes = _sizes(rng, kind, (studies, recipes), correlation)
        for small_R, large_R in zip(*sizes, strict=True):
            found = decide(small_R, large_R, lower_is_better=False)
            for i, ranged in enumerate((found.accuracy, found.regret) if found else ()):
                if ranged.low is not None and ranged.high is not None:
                    defined[i] += 1
                    held[i] += ranged.low <= truths[i] <= ranged.high
        row: list[object] = [recipes, kind, correlation, f"{truths[0]:.2f}"]
        for i in range(2):
            row += [f"{100 * held[i] / defined[i]:.1f}", f"{100 * defined[i] / studies:.0f}"]
        yield row


def _sizes(
    rng: np.random.Generator, kind: str, shape: tuple[int, int], correlation: float
) -> tuple[Float[np.ndarray, "studies recipes"], Float[np.ndarray, "studies recipes"]]:
    """Mean scores at a small size and at a large one; noise of seeds is part of both."""
    large = drawn_recipes(rng, kind, shape)
    return correlation * large + (1 - correlation**2) ** 0.5 * rng.normal(size=shape), large


def _true_decisions(rng: np.random.Generator, kind: str, correlation: float) -> tuple[float, float]:
    """Decision accuracy, and regret of a pair, of very many recipes."""
    small, large = _sizes(rng, kind, (2_000_000, 2), correlation)
    small, large = small[:, 0] - small[:, 1], large[:, 0] - large[:, 1]
    wrong = small * large < 0
    return float(1 - wrong.mean()), float((np.abs(large) * wrong).mean())


TOKENS = (1000.0, 2000.0, 4000.0, 8000.0)
CURVE = Curve(("base@1000", "base@2000", "base@4000"), TOKENS)
PLACE = Place("1M", "pretraining")
SLOPE = 0.5
"""Bits per byte that the baseline gains for each factor of e in tokens."""


def multiplier_cells(studies: int) -> Iterator[list[object]]:
    """Coverage of the compute multiplier, where there is one."""
    coverage = ["coverage, %", "studies with an interval, %"]
    yield ["items", "seeds", "true multiplier", "s.d. of seeds", *coverage]
    metric = Metric("bits_per_byte/t", "t", "bits per byte", (("t",),), "bits")
    for items, seeds, true, of_seeds in itertools.product(
        (40, 300), (3, 5, 10), (0.5, 1.0, 2.0), (0.02, 0.1)
    ):
        rng = np.random.default_rng([items, seeds, round(10 * true), round(100 * of_seeds)])
        held = defined = 0
        for _ in range(studies):
            estimator = _curve_study(rng, items, seeds, SLOPE * np.log(true), of_seeds)
            found = compute_multiplier(estimator, PLACE, "new", metric, CURVE)
            if found is not None:
                defined += 1
                held += found.low <= true <= found.high
        share = f"{100 * held / defined:.1f}" if defined else "–"
        yield [items, seeds, true, of_seeds, share, f"{100 * defined / studies:.0f}"]


def _curve_study(
    rng: np.random.Generator, items: int, seeds: int, better: float, of_seeds: float
) -> Estimator:
    """Bits of a recipe, `better` than the baseline at the end, and of the baseline's checkpoints.

    Every checkpoint has noise of its own with each seed, and items differ in ease.
    """
    names = ("new", *CURVE.names, "base")
    ends = (-better, *(-SLOPE * np.log(np.array(TOKENS) / TOKENS[-1])))
    ease = rng.normal(3.0, 0.5, (items, 1))
    parts = [
        ease
        + end
        + of_seeds * rng.normal(size=(1, seeds))
        + rng.normal(0, 0.05, (items, 1))
        + rng.normal(0, 0.1, (items, seeds))
        for end in ends
    ]
    task = ScoredTask("t", "c", "bits per byte", "bits", ("bits",))
    bits = np.hstack(parts)
    arms = tuple((name, seed) for name in names for seed in range(seeds))
    table = {"bits": bits, "bytes": np.ones_like(bits)}
    scores = TaskScores(task, PLACE, tuple(map(str, range(items))), arms, table)
    seeds_of = {(PLACE, name): tuple(range(seeds)) for name in names}
    return Estimator(Scores("base", {"t": task}, seeds_of, {("t", PLACE): scores}), Settings())


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


def multiplier_table(studies: int) -> Iterator[str]:
    """The compute multiplier."""
    yield from as_table(multiplier_cells(studies))
