"""Changes that an earlier page has, for the texts of a later one: read from the table beside it.

    page = EarlierPage.read("docs/results")                     # docs/results/changes.parquet
    change = page("what_code_does-small_ladder", "code_50", "bits_per_byte/registry.text")
    f"{change}, {change.brief}"                                 # "+8.5 % [+7.9, +9.2], +8.5 %"

What the page does not have is refused by name.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq
from etils import epath

from code_ablate import storage
from code_ablate.analysis.report.phrases import bare, interval, joined, percent
from code_ablate.errors import UserError

_TABLE = "changes.parquet"
_NAMES = ("study", "recipe", "metric", "stage", "size")
_NUMBERS = ("relative", "relative_low", "relative_high", "seeds")


@dataclass(frozen=True)
class EarlierChange:
    """A change against the baseline, as a part of its score: as text "+8.5 % [+7.9, +9.2]"."""

    value: float
    """The change."""
    low: float
    """Lower end of its interval."""
    high: float
    """Upper end of its interval."""
    seeds: int
    """Seeds behind it."""

    def __str__(self) -> str:
        return f"{self.brief} {interval(self.low, self.high, bare)}"

    @property
    def brief(self) -> str:
        """The same without its interval."""
        return percent(self.value)


@dataclass(frozen=True)
class EarlierPage:
    """The changes of a page that was written by `code-ablate results`."""

    table: epath.Path
    """The table beside it."""
    rows: Sequence[Mapping[str, Any]]
    """Its rows."""

    @classmethod
    def read(cls, folder: epath.PathLike) -> "EarlierPage":
        """That of the folder beside a page. Raises UserError if there is none."""
        table = epath.Path(folder) / _TABLE
        if not table.exists():
            raise UserError(f"{table} does not exist: name the folder beside a page of results.")
        try:
            rows = pq.ParquetFile(io.BytesIO(storage.read_file(table))).read().to_pylist()
        except (OSError, ValueError) as error:  # pyarrow's errors derive from these
            raise UserError(f"{table} is not a readable Parquet file ({error}).") from error
        if not rows or not {*_NAMES, *_NUMBERS} <= rows[0].keys():
            raise UserError(f"{table} is no table of changes: make its page again.")
        return cls(table, rows)

    def __call__(
        self, study: str, recipe: str, metric: str, *, at: str = "", size: str = ""
    ) -> EarlierChange:
        """The change of a recipe by a metric; UserError for what the page does not have.

        `at`: stage, by default the first. `size`: size, which need not be named if the study has
        one there.
        """
        rows = self.rows
        for column, name in zip(_NAMES, (study, recipe, metric, at, size), strict=True):
            known = list(dict.fromkeys(row[column] for row in rows))
            if not name and (column == "stage" or (column == "size" and len(known) == 1)):
                name = known[0]
            if name not in known:
                raise UserError(f"{self.table} has no {column} {name!r} there; {joined(known)}.")
            rows = [row for row in rows if row[column] == name]
        if len(rows) > 1:
            raise UserError(f"{self.table} has {len(rows)} changes of {recipe} by {metric} there.")
        value, low, high, seeds = (rows[0][column] for column in _NUMBERS)
        if value is None:
            raise UserError(f"{self.table} has no change of {recipe} in percent by {metric}.")
        return EarlierChange(value, low, high, seeds)
