"""Options that `law` and `design` share: how a table is read, and where a mixture may lie."""

import argparse
import math
from collections.abc import Callable


def add_mixture_options(command: argparse.ArgumentParser, count: Callable[[str], int]) -> None:
    """Adds them. `count`: makes a whole number of an argument, or refuses it."""

    def several(name: str, metavar: str, text: str) -> None:
        command.add_argument(name, action="append", default=[], metavar=metavar, help=text)

    command.add_argument(
        "--results", metavar="FILE", help="second CSV, with the measurements of the same runs"
    )
    several("--corpora", "PATTERN", "columns of shares; default: those that sum to 1")
    several("--target", "PATTERN", "what counts, by plain mean; default: every other number")
    several("--higher-is-better", "PATTERN", "targets of which more is better")
    command.add_argument(
        "--run-column", default="", metavar="NAME", help="column that names the runs"
    )
    several("--constraint", "TEXT", "code<=0.3, web>=0.2, epochs<=4 or distance<=0.1")
    command.add_argument(
        "--tokens", type=_amount, default=0.0, metavar="N", help="tokens to be trained on"
    )
    several("--available", "CORPUS=TOKENS", "tokens at hand; epochs say how often they may repeat")
    several("--today", "CORPUS=SHARE", "today's mixture; distance is from it")
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
