"""How well the laws of the mixture predict, choose and design, on tables made by others.

    python -m benchmarks.laws --tables FOLDER regmix olmix transfer coverage design peeking

FOLDER holds regmix/ and olmix/ (docs/laws.md says what is in them). Parts are printed as they come,
and the line of all parts that were asked for at the end.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measure
from code_ablate.analysis.estimation.sequences import simulated_peeking_error
from code_ablate.analysis.laws.design import DesignConfig, propose_batch
from code_ablate.analysis.laws.mixture_records import Records, Scaling
from code_ablate.analysis.laws.outlook import Objective, look_at, resample
from code_ablate.analysis.laws.parametric import EffectiveData
from code_ablate.analysis.laws.plain import Mean
from code_ablate.analysis.laws.read_records import read_records
from code_ablate.analysis.laws.stack import fit_stack, rank_correlation
from code_ablate.errors import UserError

RUNS = 64
"""Training runs of a subset."""
BAR = 0.008
"""Regret, nats per token, that a design is to reach."""
_FIRST = 8
_BATCH = 4
_DESIGNED = (12, 16, 20, 24, 28, 32, 36, 40)
_RANDOM = (16, 24, 32, 40, 48, 56, 64, 72)


def read_regmix(folder: Path, part: str, size: str) -> Records:
    """`part`: train or test; `size`: 1m or 60m."""
    return read_records(
        folder / "regmix" / f"{part}_mixture_{size}.csv",
        folder / "regmix" / f"{part}_pile_loss_{size}.csv",
    )


def regret(predicted_M: np.ndarray, truth_M: np.ndarray) -> float:
    """How much worse than the best the mixture is that is predicted best."""
    return float(truth_M[predicted_M.argmin()] - truth_M.min())


def one_rank(predicted_M: np.ndarray, truth_M: np.ndarray) -> float:
    return rank_correlation(predicted_M[:, None], truth_M[:, None])


def regmix(folder: Path, repeats: range) -> dict[str, Any]:
    """Stack and single laws on random subsets: rank correlation and regret on unseen mixtures."""
    train, test = read_regmix(folder, "train", "1m"), read_regmix(folder, "test", "1m")
    truth_M = test.values_NT.mean(axis=1)
    figures: dict[str, list[tuple[float, float]]] = {}
    for repeat in repeats:
        rows = np.random.default_rng(repeat).choice(len(train.runs), RUNS, replace=False)
        stack = fit_stack(train.take(rows))
        objective = Objective.mean_of(stack)
        predicted = {"stack": objective.of(stack.standardised(test.rates_NC))}
        for member in stack.members:
            of_law_MT = member.fitted.predict(test.rates_NC, stack.covariates_MK(256))[0].T
            predicted[member.law.name] = objective.of(of_law_MT)
        for name, predicted_M in predicted.items():
            pair = (one_rank(predicted_M, truth_M), regret(predicted_M, truth_M))
            figures.setdefault(name, []).append(pair)
        measure.say(f"regmix {repeat}: {figures['stack'][-1]}")
    return {
        name: {"rank": _mean(p[0] for p in pairs), "regret": _mean(p[1] for p in pairs)}
        for name, pairs in figures.items()
    }


def transfer(folder: Path, repeats: range) -> dict[str, Any]:
    """Fitted to all runs of the small model: rank correlation with the larger model's losses."""
    train, test = read_regmix(folder, "train", "1m"), read_regmix(folder, "test", "60m")
    stack = fit_stack(train)
    figures = {"stack": rank_correlation(stack.predict(test.rates_NC), test.values_NT)}
    for member in stack.members:
        of_law_MT = member.fitted.predict(test.rates_NC, stack.covariates_MK(256))[0].T
        figures[member.law.name] = rank_correlation(of_law_MT, test.values_NT)
    return {name: measure.shortened(value) for name, value in figures.items()}


def olmix(folder: Path, repeats: range) -> dict[str, Any]:
    """Four folds: mean rank correlation over ten tasks, and over all; the largest prediction."""
    records = read_records(folder / "olmix/dclm_ratios.csv", folder / "olmix/dclm_metrics.csv")
    order = np.random.default_rng(0).permutation(len(records.runs))
    held_out: dict[str, np.ndarray] = {}
    for fold in range(4):
        test = order[fold::4]
        stack = fit_stack(records.take(np.setdiff1d(order, test)))
        rates_MC = records.rates_NC[test]
        predicted = {"stack": stack.predict(rates_MC)}
        for member in stack.members:
            of_law_MT = member.fitted.predict(rates_MC, stack.covariates_MK(len(test)))[0].T
            predicted[member.law.name] = of_law_MT * stack.scaling.spread_T + stack.scaling.mean_T
        for name, predicted_MT in predicted.items():
            values = held_out.setdefault(name, np.full(records.values_NT.shape, np.nan))
            values[test] = predicted_MT
        measure.say(f"olmix: fold {fold}")
    truth_NT = records.values_NT
    spread_T = truth_NT.std(axis=0)
    # Every eleventh of the 110 tasks: a choice that no figure had a part in.
    ten = slice(None, None, 11)
    return {
        name: {
            "rank_of_ten": measure.shortened(rank_correlation(p[:, ten], truth_NT[:, ten])),
            "rank": measure.shortened(rank_correlation(p, truth_NT)),
            "error": measure.shortened(float(np.sqrt((((p - truth_NT) / spread_T) ** 2).mean()))),
            "largest": measure.shortened(float((np.abs(p - truth_NT.mean(0)) / spread_T).max())),
        }
        for name, p in held_out.items()
    }


def coverage(folder: Path, repeats: range) -> dict[str, Any]:
    """How often the 90 % set of the unseen mixtures holds the best of them, and its size."""
    train, test = read_regmix(folder, "train", "1m"), read_regmix(folder, "test", "1m")
    truth_M = test.values_NT.mean(axis=1)
    held, sizes, inside, expected, reached, ranks = [], [], [], [], [], []
    for repeat in repeats:
        rows = np.random.default_rng([9, repeat]).choice(len(train.runs), RUNS, replace=False)
        stack = fit_stack(train.take(rows))
        objective = Objective.mean_of(stack)
        outlook = look_at(stack, objective, test.rates_NC, seed=repeat)
        good_M, (low_M, high_M) = outlook.good_M(), outlook.interval_2M()
        held.append(good_M[truth_M.argmin()])
        sizes.append(int(good_M.sum()))
        ranks.append(one_rank(outlook.predicted_M, truth_M))
        inside.append(((low_M <= truth_M) & (truth_M <= high_M)).mean())
        expected.append(outlook.regret_M[outlook.predicted_best])
        reached.append(truth_M[outlook.predicted_best] - truth_M.min())
        if repeat % 10 == 9:
            measure.say(f"coverage {repeat + 1}: {np.mean(held):.3f}, {np.mean(sizes):.1f}")
    return {
        "subsets": len(held),
        "set_holds_best": _mean(held),
        "mixtures_in_set": measure.spread(sizes),
        "of": len(truth_M),
        "intervals_hold_truth": _mean(inside),
        "expected_regret": _mean(expected),
        "regret": _mean(reached),
        "rank": _mean(ranks),
    }


def design(folder: Path, repeats: range) -> dict[str, Any]:
    """Regret by number of runs, designed and random, each replay from its own half of the runs.

    Both begin with the same eight random runs and use the one law that predicts best, so that a
    hundred replays can be had; the pick is among the unseen mixtures.
    """
    train, test = read_regmix(folder, "train", "1m"), read_regmix(folder, "test", "1m")
    truth_M = test.values_NT.mean(axis=1)
    laws = (Mean(), EffectiveData(tightness=0.5, returns=True))
    figures: dict[str, dict[int, list[float]]] = {"designed": {}, "random": {}}

    def reached(rows: Sequence[int]) -> float:
        """The regret; the mean in the stack changes no order."""
        records = train.take(rows)
        scaling = Scaling.of(records)
        law = laws[1].fit(scaling.observations(records), np.ones((1, len(rows))))
        predicted_TM = law.predict(test.rates_NC, np.zeros((len(truth_M), 0)))[0]
        return regret(scaling.spread_T @ predicted_TM, truth_M)

    for repeat in repeats:
        pool = np.random.default_rng([7, repeat]).permutation(len(train.runs))[:256]
        for runs in _RANDOM:
            figures["random"].setdefault(runs, []).append(reached(pool[:runs]))
        rows = list(pool[:_FIRST])
        while len(rows) <= max(_DESIGNED):
            if len(rows) in _DESIGNED:
                figures["designed"].setdefault(len(rows), []).append(reached(rows))
            stack = fit_stack(train.take(rows), laws, tightnesses=(1.0,))
            objective = Objective.mean_of(stack)
            left = np.setdiff1d(pool, rows)
            batch = propose_batch(
                stack,
                objective,
                train.rates_NC[left],
                test.rates_NC,
                DesignConfig(runs=_BATCH, repeats=False),
                seed=repeat,
                resampled=resample(stack, objective, seed=repeat, resamples=8),
            )
            rows += [int(left[i]) for i in batch.chosen_B]
        if repeat % 5 == 4:
            measure.say(f"design {repeat + 1}: {_means(figures)}")
    return {
        "replays": len(repeats),
        "regret": _means(figures),
        "runs_needed": {name: _needed(by_runs) for name, by_runs in figures.items()},
    }


def peeking(folder: Path, repeats: range) -> dict[str, Any]:
    """False claims of who looks after every seed: any-time intervals against t tests."""
    return {
        f"looks_{looks}": dict(
            zip(
                ("any_time", "t_test"),
                simulated_peeking_error(looks, studies=10_000, seed=looks),
                strict=True,
            )
        )
        for looks in (5, 10, 100, 1000)
    }


def _means(figures: dict[str, dict[int, list[float]]]) -> dict[str, dict[int, float]]:
    return {
        name: {runs: round(float(np.mean(v)), 5) for runs, v in sorted(by_runs.items())}
        for name, by_runs in figures.items()
    }


def _needed(by_runs: dict[int, list[float]]) -> int | None:
    """The fewest runs from which on the mean regret is within the bar; None: never."""
    needed = None
    for runs in sorted(by_runs, reverse=True):
        if np.mean(by_runs[runs]) > BAR:
            break
        needed = runs
    return needed


def _mean(values) -> float:
    return measure.shortened(float(np.mean(list(values))))


PARTS: dict[str, tuple[Callable[[Path, range], dict[str, Any]], int]] = {
    "regmix": (regmix, 20),
    "transfer": (transfer, 1),
    "olmix": (olmix, 1),
    "coverage": (coverage, 200),
    "design": (design, 100),
    "peeking": (peeking, 1),
}
"""Parts, and how often each is repeated."""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="+", choices=PARTS)
    parser.add_argument("--tables", required=True, type=Path)
    parser.add_argument("--repeats", type=int, help="instead of each part's own number")
    parser.add_argument("--first", type=int, default=0, help="number of the first repeat")
    options = parser.parse_args(arguments)
    if set(options.parts) != {"peeking"} and not (options.tables / "regmix").is_dir():
        raise UserError(f"no tables in {options.tables}: see docs/laws.md.")
    figures: dict[str, Any] = {"what": "laws of the mixture"}
    for name in options.parts:
        part, repeats = PARTS[name]
        of_part = range(options.first, options.first + (options.repeats or repeats))
        figures[name] = part(options.tables, of_part)
        measure.say(json.dumps({name: figures[name]}))
    measure.report("laws", figures, repeats=options.repeats or 1)


if __name__ == "__main__":
    main()
