"""law and design: which mixtures are good, and which to train next."""

import argparse
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from code_ablate.commands.options import Commands, count
from code_ablate.errors import UserError
from code_ablate.shown import show

if TYPE_CHECKING:
    from code_ablate.analysis.laws.mixture_records import Records
    from code_ablate.analysis.laws.region import Region


def add_to(commands: Commands) -> None:
    """Adds these commands."""
    command = commands.add(
        "law",
        law,
        "fit laws of the mixture (scores from the shares of corpora); print the mixtures that "
        "cannot be told from the best",
        gin=False,
    )
    command.add_argument("table", help="CSV with a row per run, or folder of a study's results")
    _add_mixture_options(command)
    command.add_argument("--out", metavar="FOLDER", help="folder for tables and a figure")
    command = commands.add("design", design, "propose the next mixtures to train", gin=False)
    command.add_argument(
        "table",
        nargs="?",
        help="the runs so far: CSV with a row per run, or folder of a study's results",
    )
    _add_mixture_options(command)
    command.add_argument(
        "--begin",
        nargs="+",
        metavar="CORPUS",
        default=[],
        help="corpora to mix, where there are no runs yet",
    )
    command.add_argument(
        "--runs", type=count, default=8, metavar="N", help="runs to propose; default: 8"
    )
    command.add_argument(
        "--goal",
        choices=["best", "everywhere"],
        default="best",
        help="best: find the best mixture (default); everywhere: know the laws everywhere",
    )
    command.add_argument(
        "--out", metavar="FILE", help="CSV file for the mixtures, or gin file: recipes of a study"
    )


def _add_mixture_options(command: argparse.ArgumentParser) -> None:
    """Adds what both take: how a table is read, and where a mixture may lie."""

    def several(name: str, metavar: str, text: str) -> None:
        command.add_argument(
            name,
            action="append",
            default=[],
            metavar=metavar,
            help=f"{text}; may be given again",
        )

    command.add_argument(
        "--results", metavar="FILE", help="second CSV, with the measurements of the same runs"
    )
    several(
        "--corpora", "PATTERN", "columns of shares, e.g. 'share_*'; default: those that sum to 1"
    )
    several(
        "--target",
        "PATTERN",
        "columns of scores that count, each as much; default: every other column of numbers",
    )
    several("--higher-is-better", "PATTERN", "targets of which more is better")
    command.add_argument(
        "--run-column", default="", metavar="NAME", help="column that names the runs"
    )
    several(
        "--constraint",
        "TEXT",
        "limit of the mixture, such as 'code<=0.3', 'web>=0.2', 'epochs<=4' (needs --tokens and "
        "--available) or 'distance<=0.1' (needs --today)",
    )
    command.add_argument(
        "--tokens", type=_amount, default=0.0, metavar="N", help="tokens to be trained on"
    )
    several("--available", "CORPUS=TOKENS", "tokens that there are of a corpus")
    several("--today", "CORPUS=SHARE", "share of a corpus in today's mixture")
    command.add_argument(
        "--trees",
        choices=["forest", "lightgbm"],
        default="forest",
        help="kind of the trees among the laws; default: forest",
    )
    command.add_argument(
        "--seed",
        type=count,
        default=0,
        metavar="N",
        help="seed of folds, resamples and search; default: 0",
    )


def _amount(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return number


def law(options: argparse.Namespace) -> None:
    """Fits the laws of the mixture and prints the mixtures that cannot be told from the best."""
    from code_ablate.analysis.report.law_text import law_text
    from code_ablate.jobs.mixture_law import study_mixtures, write_law

    records, region = _mixture_runs(options)
    optimum = study_mixtures(records, region, trees=options.trees, seed=options.seed)
    show(law_text(optimum))
    if options.out:
        show(f"\ntables and figure: {write_law(optimum, options.out)}")


def design(options: argparse.Namespace) -> None:
    """Proposes the next mixtures to train."""
    from code_ablate import storage
    from code_ablate.analysis.laws.design import DesignConfig
    from code_ablate.analysis.report.law_text import batch_text
    from code_ablate.jobs.mixture_law import begin_design, design_batch

    if bool(options.begin) == bool(options.table):
        raise UserError("give a table or study of the runs so far, or --begin CORPUS CORPUS ...")
    config = DesignConfig(runs=options.runs, goal=options.goal)
    if options.begin:
        region = _region(options, options.begin)
        proposal = begin_design(region, config.runs, seed=options.seed)
    else:
        records, region = _mixture_runs(options)
        proposal = design_batch(records, region, config, trees=options.trees, seed=options.seed)
    show(batch_text(proposal))
    if options.out:
        as_gin = str(options.out).endswith(".gin")
        text = proposal.gin() if as_gin else proposal.csv()
        storage.write_output(options.out, text, "the mixtures")
        show(f"mixtures: {options.out}")


def _mixture_runs(options: argparse.Namespace) -> "tuple[Records, Region]":
    """The runs of a table or a study, and where a mixture of their corpora may lie."""
    from code_ablate.jobs.mixture_law import read_runs

    records = read_runs(
        options.table,
        options.results,
        corpora=options.corpora,
        targets=options.target,
        higher_is_better=options.higher_is_better,
        run=options.run_column,
    )
    return records, _region(options, records.corpora)


def _region(options: argparse.Namespace, corpora: Sequence[str]) -> "Region":
    """Where a mixture of these corpora may lie."""
    from code_ablate.jobs.mixture_law import read_region

    return read_region(
        corpora,
        options.constraint,
        tokens=options.tokens,
        available=options.available,
        today=options.today,
    )
