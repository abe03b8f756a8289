"""How often tests and intervals are wrong, by simulation: the tables of docs/statistics.md.

    python -m benchmarks.coverage                        # all tables, about half an hour
    python -m benchmarks.coverage --only tests --studies 500

Everything is drawn from models whose truth is known, with fixed seeds, and judged by the functions
that judge studies. Tables are Markdown. No JAX is needed.
"""

import argparse
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from jaxtyping import Float
from scipy import special, stats

from benchmarks import decision_coverage, seed_coverage
from code_ablate.analysis.estimation.crossed import Noise, crossed_covariance
from code_ablate.analysis.estimation.estimates import Metric, Settings
from code_ablate.analysis.estimation.estimator import Estimator
from code_ablate.analysis.estimation.scores import Place, ScoredTask, Scores, TaskScores

LEVEL, METRICS = 0.05, 9
PLACE = Place("1M", "pretraining")

Studies = Float[np.ndarray, "studies recipes metrics seeds"]
PValues = Float[np.ndarray, "studies recipes metrics"]


def main(argv: list[str] | None = None) -> None:
    """Prints the tables."""
    flags = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    flags.add_argument("--studies", type=int, default=2000, help="simulated studies per cell")
    flags.add_argument("--only", choices=sorted(TABLES), nargs="*", default=list(TABLES))
    options = flags.parse_args(argv)
    for name in options.only:
        title, make = TABLES[name]
        print(f"\n### {title}\n", flush=True)
        for line in make(options.studies):
            print(line, flush=True)


def _head(names: Sequence[str]) -> Iterable[str]:
    yield _row(names)
    yield "|" + "---|" * len(names)


def _row(cells: Sequence[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


# Tests of differences against the noise between seeds: candidates, and why it is the paired one.
# All take scores [studies, recipes, metrics, seeds], recipe 0 being the baseline.


def paired_p(scores: Studies) -> PValues:
    """Own variance of the paired differences, S - 1 degrees of freedom: what `Noise.p` is."""
    means, variances = _differences(scores)
    seeds = scores.shape[-1]
    return 2 * special.stdtr(seeds - 1, -np.abs(means) / np.sqrt(variances / seeds))


def pooled_p(scores: Studies) -> PValues:
    """Randomised blocks: noise of all recipes, or a comparison's own where that is larger."""
    recipes, seeds = scores.shape[1], scores.shape[-1]
    means, own = _differences(scores)
    rest = scores - scores.mean(3, keepdims=True) - scores.mean(1, keepdims=True)
    rest = rest + scores.mean((1, 3), keepdims=True)
    freedom = (recipes - 1) * (seeds - 1)
    pooled = 2 * (rest**2).sum((1, 3)) / freedom
    error = np.sqrt(np.maximum(pooled[:, None], own) / seeds)
    return 2 * special.stdtr(freedom, -np.abs(means) / error)


def welch_p(scores: Studies) -> PValues:
    """Variance of each recipe, unpaired, with Satterthwaite's degrees of freedom."""
    seeds = scores.shape[-1]
    variances = scores.var(3, ddof=1) / seeds
    both = variances[:, 1:] + variances[:, :1]
    freedom = both**2 * (seeds - 1) / (variances[:, 1:] ** 2 + variances[:, :1] ** 2)
    means = _differences(scores)[0]
    return 2 * special.stdtr(freedom, -np.abs(means) / np.sqrt(both))


def moderated_p(scores: Studies) -> PValues:
    """Variances of all paired differences, shrunk to their common one (Smyth 2004, Statistical
    Applications in Genetics and Molecular Biology 3), degrees of freedom estimated from them."""
    own = scores.shape[-1] - 1
    means, variances = _differences(scores)
    prior_T, common_T = _smyth(variances.reshape(len(scores), -1), own)
    prior, common = prior_T[:, None, None], common_T[:, None, None]
    shrunk = (prior * common + own * variances) / (prior + own)
    return 2 * special.stdtr(prior + own, -np.abs(means) / np.sqrt(shrunk / (own + 1)))


def _smyth(
    variances: Float[np.ndarray, "studies tests"], freedom: int
) -> tuple[Float[np.ndarray, " studies"], Float[np.ndarray, " studies"]]:
    """Prior degrees of freedom and variance, by the moments of the logarithms (his eq. 8, 9)."""
    logs = np.log(variances) - special.digamma(freedom / 2) + np.log(freedom / 2)
    excess_T = logs.var(axis=1, ddof=1) - special.polygamma(1, freedom / 2)
    low_T, high_T = np.full(len(logs), 1e-6), np.full(len(logs), 1e9)
    for _ in range(80):  # the inverse of the trigamma function, which falls
        middle_T = np.sqrt(low_T * high_T)
        above_T = special.polygamma(1, middle_T) > excess_T
        low_T, high_T = np.where(above_T, middle_T, low_T), np.where(above_T, high_T, middle_T)
    shift_T = special.digamma(high_T) - np.log(high_T)
    return 2 * high_T, np.exp(logs.mean(axis=1) + shift_T)


def _differences(scores: Studies) -> tuple[PValues, PValues]:
    apart = scores[:, 1:] - scores[:, :1]
    return apart.mean(3), apart.var(3, ddof=1)


CANDIDATES: Mapping[str, Callable[[Studies], PValues]] = {
    "pooled": pooled_p,
    "Welch": welch_p,
    "moderated": moderated_p,
    "paired": paired_p,
}


def test_table(studies: int) -> Iterable[str]:
    """Share of differences found where there is none, and where there is one."""
    head = ["recipes", "seeds", "noise of the tested recipe"]
    head += [f"{name}: error" for name in CANDIDATES] + [f"{name}: power" for name in CANDIDATES]
    yield from _head(head)
    for recipes, seeds, ratio in itertools.product((2, 6, 12), (2, 3, 5), (1, 5, 25)):
        rng = np.random.default_rng([recipes, seeds, ratio])
        scores = rng.normal(size=(studies, recipes, METRICS, seeds))
        scores[:, 1] *= ratio
        moved = scores.copy()
        moved[:, 1] += 3 * np.sqrt((1 + ratio**2) / seeds)  # three standard errors
        found = [
            _percent((p(data)[:, 0, 0] < LEVEL).mean())
            for data in (scores, moved)
            for p in CANDIDATES.values()
        ]
        yield _row([recipes, seeds, ratio, *found])


def null_table(studies: int) -> Iterable[str]:
    """Share of studies without effects in which anything has a star after Holm's correction."""
    head = ["seeds", "noisy", "ratio", *CANDIDATES]
    yield from _head(head)
    for seeds, (noisy, at), ratio in itertools.product(
        (2, 3, 5), (("a recipe", 1), ("the baseline", 0)), (1, 5, 25)
    ):
        if ratio == 1 and at:
            continue
        rng = np.random.default_rng([seeds, at, ratio])
        scores = rng.normal(size=(studies, 7, METRICS, seeds))
        scores[:, at] *= ratio
        comparisons = 6 * METRICS
        # Holm's procedure rejects something exactly where the smallest p passes its first step.
        stars = [
            (p(scores).reshape(studies, -1).min(1) * comparisons < LEVEL).mean()
            for p in CANDIDATES.values()
        ]
        yield _row([seeds, "none" if ratio == 1 else noisy, ratio, *map(_percent, stars)])


def tail_table(studies: int) -> Iterable[str]:
    """Type-I error by nominal level, of Howe's combination and of Satterthwaite's test."""
    levels = (0.05, 0.005, 0.05 / 54, 1e-4)
    head = ["seeds", "variance of seeds / of items"]
    head += [f"{name}, {level:.1e}" for name in ("Howe", "Satterthwaite") for level in levels]
    yield from _head(head)
    draws = 100 * studies
    for seeds, ratio in itertools.product((3, 5, 10), (0, 0.1, 1, 10)):
        rng = np.random.default_rng([seeds, round(10 * ratio)])
        freedom = seeds - 1
        squared_T = rng.normal(size=draws) ** 2 * (1 + ratio)
        noise_T = ratio * rng.chisquare(freedom, draws) / freedom
        mixed_T = np.minimum(1e9, (1 + noise_T) ** 2 * freedom / np.maximum(noise_T**2, 1e-300))
        row: list[object] = [seeds, ratio]
        for level in levels:
            units, of_seeds = stats.norm.isf(level / 2) ** 2, stats.t.isf(level / 2, freedom) ** 2
            row.append(f"{(squared_T > units + of_seeds * noise_T).mean() / level:.2f}")
        for level in levels:
            quantile_T = special.stdtrit(mixed_T, level / 2) ** 2
            row.append(f"{(squared_T > quantile_T * (1 + noise_T)).mean() / level:.2f}")
        yield _row(row)


# Intervals.


def interval_table(studies: int) -> Iterable[str]:
    """Coverage and median width of intervals of a mean, by what it varies with."""
    head = ["items", "clusters", "seeds", "variance of items : seeds : both", "coverage, %"]
    head += ["Satterthwaite, %", "items alone, %", "width by that of items alone"]
    yield from _head(head)
    sizes = ((50, 0), (300, 0), (3000, 0), (300, 30), (3000, 57))
    both = ((1, 0.003, 1), (1, 0.02, 1), (1, 0.02, 20))
    noises = ((1, 0, 0), (1, 0, 1), (0, 0, 1), *both, (0, 1, 0))
    for (items, clusters), seeds, parts in itertools.product(sizes, (3, 5, 10), noises):
        rng = np.random.default_rng([items, clusters, seeds, *(round(1000 * p) for p in parts)])
        held, widths = np.zeros(3), []
        for _ in range(studies):
            noise, mean = _drawn_noise(rng, items, clusters, seeds, parts)
            half, alone = noise.half_width(0.95), noise.units**0.5 * 1.96
            held += [abs(mean) <= half, abs(mean) <= _satterthwaite(noise), abs(mean) <= alone]
            widths.append(half / max(alone, 1e-12))
        shares = map(_percent, held / studies)
        wider = f"{np.median(widths):.2f}" if parts[0] or parts[2] else "–"
        yield _row([items, clusters or "–", seeds, ":".join(map(str, parts)), *shares, wider])


def _drawn_noise(
    rng: np.random.Generator, items: int, clusters: int, seeds: int, parts: Sequence[float]
) -> tuple[Noise, float]:
    """Noise and mean of scores with the variances `parts`; half of the items' is the clusters'."""
    of_items, of_seeds, of_both = np.sqrt(parts)
    own_I = rng.normal(size=items)
    cluster_I = np.sort(rng.integers(0, clusters, items)) if clusters else np.arange(items)
    if clusters:
        own_I = (own_I + rng.normal(size=clusters)[cluster_I]) / 2**0.5
    values_IS = of_items * own_I[:, None] + of_seeds * rng.normal(size=seeds)
    values_IS += of_both * rng.normal(size=(items, seeds))
    mean = float(values_IS.mean())
    added_IS = (values_IS - mean) / items
    if clusters:
        starts = np.flatnonzero(np.diff(cluster_I, prepend=-1))
        added_IS = np.add.reduceat(added_IS, starts)
    return crossed_covariance([added_IS[..., None]]).along([1.0]), mean


def _satterthwaite(noise: Noise) -> float:
    """Half width with Satterthwaite's degrees of freedom, which is too small."""
    freedom = noise.seed_count - 1
    averaged = noise.of_units**2 / noise.unit_freedom + noise.seeds**2 / freedom
    total = noise.of_units + noise.seeds
    return float(-special.stdtrit(min(1e9, total**2 / averaged), 0.025)) * total**0.5


def share_table(studies: int) -> Iterable[str]:
    """Coverage of shares, of their differences and of relative gains, on sets of right and wrong.

    Probit scores: right where mu + a u_item + b v_seed + c w_item,recipe + noise > 0, so that the
    true share is Phi(mu / sqrt(1 + a^2 + b^2 + c^2)).
    """
    head = ["items", "seeds", "share", "spread of seeds", "level, %", "difference, %", "gain, %"]
    yield from _head(head)
    for items, seeds, share, spread in itertools.product(
        (56, 100, 164, 1000), (1, 3, 5), (0.05, 0.3, 0.6), (0.0, 0.1)
    ):
        if seeds == 1 and spread:
            continue  # then the interval is over items alone, and says so
        rng = np.random.default_rng([items, seeds, round(100 * share), round(10 * spread)])
        held, defined = np.zeros(3), 0
        for _ in range(studies):
            level, difference, gain = _share_estimates(rng, items, seeds, share, spread)
            held += [level, difference, bool(gain)]
            defined += gain is not None
        of_gains = held[2] / defined if defined else np.nan
        shares = [_percent(held[0] / studies), _percent(held[1] / studies), _percent(of_gains)]
        if defined < studies:
            shares[-1] += f" (of {_percent(defined / studies)} % that have one)"
        yield _row([items, seeds, share, spread, *shares])


def _share_estimates(
    rng: np.random.Generator, items: int, seeds: int, share: float, spread: float
) -> tuple[bool, bool, bool | None]:
    """Whether the intervals hold the truth; None where there is no relative gain."""
    scale = (1 + 1 + spread**2 + 0.25) ** 0.5
    truth = {"base": share, "new": min(0.95, share * 1.2)}
    ease_I = rng.normal(size=items)
    columns = []
    for true_share in truth.values():
        mu = special.ndtri(true_share) * scale
        of_pair_I = 0.5 * rng.normal(size=items)
        latent_IS = mu + (ease_I + of_pair_I)[:, None] + spread * rng.normal(size=seeds)
        columns.append((latent_IS + rng.normal(size=(items, seeds)) > 0).astype(float))
    arms = tuple((recipe, seed) for recipe in truth for seed in range(seeds))
    task = ScoredTask("t", "c", "accuracy", "correct", ("correct",))
    table = TaskScores(
        task, PLACE, tuple(map(str, range(items))), arms, {"correct": np.hstack(columns)}
    )
    scores = Scores(
        "base",
        {"t": task},
        {(PLACE, recipe): tuple(range(seeds)) for recipe in truth},
        {("t", PLACE): table},
    )
    estimator, metric = Estimator(scores, Settings()), Metric("accuracy/c", "c", "a", (("t",),))
    level = estimator.level(PLACE, "base", metric)
    comparison = estimator.comparison(PLACE, "new", metric)
    assert comparison is not None, "they share their seeds"
    difference, gain = comparison.difference, comparison.gain
    true_gain = truth["new"] / truth["base"] - 1
    return (
        level.low <= truth["base"] <= level.high,
        difference.low <= truth["new"] - truth["base"] <= difference.high,
        None if gain is None else gain.low <= true_gain <= gain.high,
    )


TABLES: Mapping[str, tuple[str, Callable[[int], Iterable[str]]]] = {
    "tests": ("Tests against the noise between seeds, %", test_table),
    "stars": ("Studies without effects that have a star, %", null_table),
    "tails": ("Type-I error by nominal level, as a multiple of it", tail_table),
    "intervals": ("Intervals over items and seeds", interval_table),
    "shares": ("Intervals of right and wrong", share_table),
    "signal": ("Signal-to-noise ratio, coverage", decision_coverage.signal_table),
    "multiplier": ("Compute multiplier, coverage", decision_coverage.multiplier_table),
    "decisions": ("Decision accuracy and regret, coverage", decision_coverage.decision_table),
    "components": ("Components of variance, coverage", seed_coverage.component_table),
    "component_units": ("Variance by the choice of items, coverage", seed_coverage.unit_table),
}

if __name__ == "__main__":
    main()
