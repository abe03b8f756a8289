"""Reads runs from anybody's CSV: one file, or one of mixtures and one of results.

    records = read_records("runs.csv", higher_is_better=["*accuracy"])
    records = read_records("mixtures.csv", "losses.csv")

Columns of shares are found by what they hold: the longest row of columns beside each other that sum
to 1 (or 100) in every line. Patterns such as "share_*" say it where that is not so.
"""

import csv
import fnmatch
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from etils import epath

from code_ablate.analysis.laws.mixture_records import TOLERANCE, Records
from code_ablate.errors import UserError, unknown_name

SIZE_COLUMNS = ("parameters", "model_size", "size", "params")
TOKEN_COLUMNS = ("tokens", "train_tokens", "training_tokens", "trained_tokens")
"""Names by which size and tokens are known."""

RUN_COLUMNS = ("run", "run_id", "run_name", "name", "id", "index")
"""Names by which the column that names runs is known, best first."""


def read_records(
    mixtures: epath.PathLike,
    results: epath.PathLike | None = None,
    *,
    corpora: Sequence[str] = (),
    targets: Sequence[str] = (),
    higher_is_better: Sequence[str] = (),
    run: str = "",
) -> Records:
    """The runs of a table.

    `results`: a second file with the measurements of the same runs. `corpora`, `targets`,
    `higher_is_better`: names or patterns of columns; without the first two, shares are found by
    their sum, and every other column of numbers is a target. `run`: the column that names runs.
    Raises UserError.
    """
    source = os.path.basename(os.fspath(mixtures))
    frame = _read(mixtures)
    if run and run not in frame.columns:
        raise unknown_name("column", run, map(str, frame.columns))
    if run and (twice := list(frame[run][frame[run].duplicated()])):
        raise UserError(
            f"{source}: column {run!r} names {twice[0]!r} twice: --run-column takes a column that "
            "names each run once."
        )
    key = run or _key(frame, None)
    shares = _chosen(frame, corpora, "corpus") if corpora else _shares(frame, source, key)
    if results is not None:
        other = _read(results)
        key = run or _key(frame, other)
        if not key:
            raise UserError(
                f"{source} and {os.path.basename(os.fspath(results))} share no column that names "
                "each run once: say which one does (--run-column)."
            )
        frame = _joined(frame, other, key, shares, source)
    numbers = [c for c in frame.columns if pd.api.types.is_numeric_dtype(frame[c])]
    sizes, tokens = (_first(names, numbers) for names in (SIZE_COLUMNS, TOKEN_COLUMNS))
    taken = {*shares, key, sizes, tokens, *RUN_COLUMNS}
    rest = [c for c in numbers if c not in taken and not c.startswith("Unnamed:")]
    if targets:
        measured = _chosen(frame[[c for c in frame.columns if c not in shares]], targets, "target")
    else:
        measured = rest
    if not measured:
        raise UserError(f"{source}: no column of measurements beside the shares: name one.")
    higher = _chosen(frame[measured], higher_is_better, "target") if higher_is_better else []
    return Records(
        tuple(map(str, shares)),
        tuple(map(str, measured)),
        _percent(_numbers(frame, shares, source)),
        _numbers(frame, measured, source),
        frozenset(map(str, higher)),
        _numbers(frame, [sizes], source)[:, 0] if sizes else None,
        _numbers(frame, [tokens], source)[:, 0] if tokens else None,
        tuple(str(value) for value in frame[key]) if key else (),
        source=source,
    )


def _read(path: epath.PathLike) -> pd.DataFrame:
    path = epath.Path(path)
    if not path.exists():
        raise UserError(f"no file {os.fspath(path)}: give a CSV with a row per run.")
    try:
        with path.open("rb") as file:
            form: Any = {"sep": None, "engine": "python", "skipinitialspace": True}
            head = pd.read_csv(file, header=None, nrows=1, dtype=str, **form)
            file.seek(0)
            frame = pd.read_csv(file, **form)
    except (ValueError, csv.Error, pd.errors.ParserError) as error:
        raise UserError(f"{path.name} cannot be read as CSV: {error}.") from error
    named = head.iloc[0].dropna().str.strip()  # pandas would call the second one "web.1"
    if twice := list(named[named.duplicated()]):
        raise UserError(f"{path.name} has two columns {twice[0]!r}: give each a name of its own.")
    if frame.empty:
        raise UserError(f"{path.name} has no rows: give a CSV with a row per run.")
    frame.columns = [str(column).strip() for column in frame.columns]
    return frame


def _first(names: Sequence[str], columns: Sequence[str]) -> str:
    known = {column.lower(): column for column in reversed(columns)}
    return next((known[name] for name in names if name in known), "")


def _key(frame: pd.DataFrame, other: pd.DataFrame | None) -> str:
    """The column that names each run once (in both frames); empty if there is none."""
    shared = list(frame.columns) if other is None else [c for c in frame if c in other.columns]
    ordered = [c for name in RUN_COLUMNS for c in shared if c.lower() == name]
    if other is not None:
        ordered += [c for c in shared if c not in ordered and not c.startswith("Unnamed:")]
    for column in ordered:
        frames = [frame] if other is None else [frame, other]
        if all(f[column].is_unique and f[column].notna().all() for f in frames):
            return column
    return ""


def _joined(
    frame: pd.DataFrame, other: pd.DataFrame, key: str, shares: list[str], source: str
) -> pd.DataFrame:
    if key not in other.columns:
        raise unknown_name("column", key, map(str, other.columns))
    for one in (frame, other):
        if not one[key].is_unique:
            raise UserError(f"{source}: column {key} does not name each run once: name another.")
    missing = set(frame[key]) ^ set(other[key])
    if missing:
        raise UserError(
            f"{len(missing)} runs are in only one of the two files, for instance "
            f"{min(map(str, missing))} (column {key} of {source}): leave them out of both."
        )
    kept = [c for c in frame.columns if c in (key, *shares) or c not in other.columns]
    return frame[kept].merge(other, on=key, how="left", suffixes=("", " (results)"))


def _chosen(frame: pd.DataFrame, patterns: Sequence[str], kind: str) -> list[str]:
    """The columns that patterns name, in the order of the file."""
    chosen: set[str] = set()
    for pattern in patterns:
        hits = {c for c in frame.columns if c == pattern or fnmatch.fnmatchcase(c, pattern)}
        if not hits:
            raise unknown_name(kind, pattern, map(str, frame.columns))
        chosen |= hits
    return [c for c in frame.columns if c in chosen]


def _shares(frame: pd.DataFrame, source: str, key: str) -> list[str]:
    """The longest row of neighbouring columns that sum to 1, or 100, in every line."""
    best: list[str] = []
    numeric = [
        pd.api.types.is_numeric_dtype(frame[c]) and bool((frame[c] >= 0).all()) and c != key
        for c in frame.columns
    ]
    values = np.where(numeric, frame.apply(pd.to_numeric, errors="coerce").to_numpy(float), np.nan)
    for first in range(len(numeric)):
        total_N = np.zeros(len(frame))
        for last in range(first, len(numeric)):
            if not numeric[last]:
                break
            total_N = total_N + values[:, last]
            whole = any((np.abs(total_N - unit) <= TOLERANCE * unit).all() for unit in (1.0, 100.0))
            if whole and last - first + 1 > len(best):
                best = list(frame.columns[first : last + 1])
    if len(best) < 2:
        raise UserError(
            f"{source}: no columns beside each other sum to 1 in every row: name the columns of "
            "shares (--corpora 'share_*'), or correct the rows."
        )
    return best


def _percent(rates_NC: np.ndarray) -> np.ndarray:
    """Shares; those given in percent are divided by 100."""
    sums_N = rates_NC.sum(axis=1)
    return rates_NC / 100 if (np.abs(sums_N - 100) <= 100 * TOLERANCE).all() else rates_NC


def _numbers(frame: pd.DataFrame, columns: Sequence[str], source: str) -> np.ndarray:
    for column in columns:
        if not pd.api.types.is_numeric_dtype(frame[column]):
            found = pd.to_numeric(frame[column], errors="coerce").isna() & frame[column].notna()
            raise UserError(
                f"{source}: column {column} holds {frame[column][found].iloc[0]!r}, which is no "
                "number: empty fields stand for missing values."
            )
    return frame[list(columns)].to_numpy(float)
