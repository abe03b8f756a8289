"""Fits the laws of the mixture to a table or a study, and proposes what to train next.

    answer = study_mixtures(read_runs("runs.csv"), read_region(corpora, ["code<=0.3"]))
    print(law_text(answer))
    proposal = design_batch(read_runs("runs/study-demo"), config=DesignConfig(runs=8))
    print(batch_text(proposal))

A table is anybody's CSV; a study is its folder. Neither gin nor JAX is needed.
"""

import fnmatch
from collections.abc import Sequence

import numpy as np
import pandas as pd
from etils import epath

from code_ablate import storage
from code_ablate.analysis.laws.design import DesignConfig, Proposal, first_batch, propose_batch
from code_ablate.analysis.laws.mixture_records import Records
from code_ablate.analysis.laws.optimum import Optimum, find_optimum
from code_ablate.analysis.laws.outlook import Objective, resample
from code_ablate.analysis.laws.read_records import read_records
from code_ablate.analysis.laws.region import Region, read_constraints, read_shares
from code_ablate.analysis.laws.stack import default_laws, fit_stack
from code_ablate.analysis.results.results import Results, load_results
from code_ablate.analysis.results.study_record import FILE
from code_ablate.errors import UserError

_NEAR = 200
"""Mixtures of least expected regret, among which a design looks for the best."""

_OWN = 200
"""Mixtures of the runs that may be proposed again."""

_TRAINABLE = 600
"""Mixtures from all over the region that may be proposed, beside those near the best."""


def read_runs(
    table: epath.PathLike,
    results: epath.PathLike | None = None,
    *,
    corpora: Sequence[str] = (),
    targets: Sequence[str] = (),
    higher_is_better: Sequence[str] = (),
    run: str = "",
) -> Records:
    """Runs of a CSV, or of a study's folder; see `read_records`. Raises UserError."""
    if epath.Path(table).is_dir():
        if results is not None or corpora or run or higher_is_better:
            raise UserError(
                "a study knows its corpora, its runs and what is better: leave these options out."
            )
        records = study_records(load_results(table))
        chosen = [t for t in records.targets if any(fnmatch.fnmatchcase(t, p) for p in targets)]
        if targets and not chosen:
            raise UserError(
                f"no target of {FILE} matches {', '.join(targets)}: it has "
                f"{', '.join(records.targets)}."
            )
        return records.with_targets(chosen) if targets else records
    return read_records(
        table,
        results,
        corpora=corpora,
        targets=targets,
        higher_is_better=higher_is_better,
        run=run,
    )


def study_records(results: Results) -> Records:
    """What every recipe, size and seed was trained on in the end, and its score on every task.

    The share of a corpus is that of the tokens over all phases: the order of phases is not seen.
    """
    arms, scores = results.last_arms, results.scores
    corpora = tuple(dict.fromkeys(name for arm in arms for name in arm.corpora))
    tokens = [[arm.corpora[c].tokens if c in arm.corpora else 0 for c in corpora] for arm in arms]
    tasks = [task for task in scores.tasks.values() if task.score is not None]
    values_NT = np.full((len(arms), len(tasks)), np.nan)
    for n, record in enumerate(arms):
        arm = record.arm
        place = next(p for p in results.places if (p.size, p.stage) == (arm.size, arm.stage))
        for t, task in enumerate(tasks):
            table = scores.of(task.name, place)
            column = table.positions(arm.recipe, [arm.seed])[0]
            value_I = table.column(str(task.score))[:, column]
            if task.score == "bits":
                values_NT[n, t] = value_I.sum() / table.column("bytes")[:, column].sum()
            else:
                values_NT[n, t] = value_I.mean()
    parameters = {size.name: float(size.parameters) for size in results.sizes}
    return Records(
        corpora,
        tuple(task.name for task in tasks),
        np.array(tokens, float) / np.array(tokens, float).sum(axis=1, keepdims=True),
        values_NT,
        frozenset(task.name for task in tasks if not task.lower_is_better),
        np.array([parameters[arm.arm.size] for arm in arms]),
        np.array([float(arm.tokens) for arm in arms]),
        tuple(str(arm.arm) for arm in arms),
        source=FILE,
    )


def read_region(
    corpora: Sequence[str],
    constraints: Sequence[str] = (),
    *,
    tokens: float = 0.0,
    available: Sequence[str] = (),
    today: Sequence[str] = (),
) -> Region:
    """The region that texts such as "code<=0.3" and "epochs<=4" describe. Raises UserError."""
    return Region(
        tuple(corpora),
        **read_constraints(constraints),
        tokens=tokens,
        available=read_shares(available, "tokens at hand"),
        today=read_shares(today, "today's share"),
    )


def study_mixtures(
    records: Records,
    region: Region | None = None,
    *,
    trees: str = "forest",
    seed: int = 0,
) -> Optimum:
    """Fits the stack, and finds the mixtures that cannot be told from the best."""
    stack = fit_stack(records, default_laws(trees), seed=seed)
    region = region or Region(records.corpora)
    return find_optimum(stack, Objective.mean_of(stack), region, seed=seed)


def law_tables(optimum: Optimum) -> dict[str, pd.DataFrame]:
    """The tables laws, shares, targets and good_mixtures."""
    good = pd.DataFrame(optimum.good_MC, columns=list(optimum.region.corpora))
    return {
        "laws": optimum.stack.table(),
        "shares": optimum.ranges(),
        "targets": optimum.targets(),
        "good_mixtures": good,
    }


def write_law(optimum: Optimum, folder: epath.PathLike) -> epath.Path:
    """Writes the tables of `law_tables` as CSV and law.svg; returns the folder. UserError."""
    path = epath.Path(folder)
    for name, table in law_tables(optimum).items():
        storage.write_output(path / f"{name}.csv", table.to_csv(index=False), "the table")
    # Matplotlib takes longer to import than all the rest, and a law is asked for without figures.
    from code_ablate.analysis.report.law_figures import law_figure, save_figure

    save_figure(law_figure(optimum), path / "law.svg")
    return path


def design_batch(
    records: Records,
    region: Region | None = None,
    config: DesignConfig | None = None,
    *,
    trees: str = "forest",
    seed: int = 0,
) -> Proposal:
    """Proposes the runs that would tell most, repeats of trained mixtures among them."""
    region = region or Region(records.corpora)
    stack = fit_stack(records, default_laws(trees), seed=seed)
    objective = Objective.mean_of(stack)
    resampled = resample(stack, objective, seed=seed)
    optimum = find_optimum(stack, objective, region, seed=seed, resampled=resampled)
    outlook = optimum.outlook
    # More than the good ones: what is not known of the others might make one of them the best.
    near_MC = outlook.rates_MC[outlook.regret_M.argsort()[:_NEAR]]
    own_MC = records.rates_NC[region.distinct(records.rates_NC)]
    anywhere_MC = region.sample(_TRAINABLE, np.random.default_rng([seed, 5]))
    trainable_MC = np.concatenate([near_MC, own_MC[:_OWN], anywhere_MC])
    trainable_MC = trainable_MC[region.distinct(trainable_MC)]
    batch = propose_batch(
        stack, objective, trainable_MC, near_MC, config, seed=seed, resampled=resampled
    )
    return Proposal(records.corpora, batch.rates_BC, batch, objective.unit)


def begin_design(region: Region, runs: int, *, seed: int = 0) -> Proposal:
    """Mixtures to begin with, before any run. Raises UserError for fewer than two corpora."""
    if len(set(region.corpora)) < max(2, len(region.corpora)):
        raise UserError(
            f"the corpora to begin with are {', '.join(region.corpora)}: give two or more, each "
            "once."
        )
    return Proposal(region.corpora, first_batch(region, runs, seed=seed), None)
