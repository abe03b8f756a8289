"""Changes that an earlier page has, for the texts of a later one: read from the table beside it.

page = EarlierPage.read("docs/results")                     # docs/results/changes.csv
change = page("what_code_does-small_ladder", "code_50", "bits_per_byte/registry.text")
f"{change}, {change.brief}"                                 # "+8.5 % [+7.9, +9.2], +8.5 %"
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from etils import epath

from code_ablate.analysis.report.phrases import bare, interval, joined, percent
from code_ablate.errors import UserError

_TABLE = "changes.csv"


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
    rows: Sequence[Mapping[str, str]]
    """Its rows."""

    @classmethod
    def read(cls, folder: epath.PathLike) -> "EarlierPage":
        """That of the folder beside a page. Raises UserError if there is none."""
        table = epath.Path(folder) / _TABLE
        if not table.exists():
            raise UserError(f"{table} does not exist: name the folder beside a page of results.")
        return cls(table, list(csv.DictReader(io.StringIO(table.read_text()))))

    def __call__(
        self, study: str, recipe: str, metric: str, *, at: str = "pretraining", size: str = ""
    ) -> EarlierChange:
        """The change of a recipe by a metric; UserError for what the page does not have.

        `at`: stage. `size`: size, which need not be named if the study has one there.
        """
        rows = self.rows
        wanted = {"study": study, "recipe": recipe, "metric": metric, "stage": at, "size": size}
        for column, name in wanted.items():
            known = dict.fromkeys(row[column] for row in rows)
            if column == "size" and not name and len(known) == 1:
                continue
            if name not in known:
                raise UserError(f"{self.table} has no {column} {name!r} there; {joined(known)}.")
            rows = [row for row in rows if row[column] == name]
        [row] = rows
        if not row["relative"]:
            raise UserError(f"{self.table} has no change of {recipe} in percent by {metric}.")
        value, low, high = (float(row[f"relative{end}"]) for end in ("", "_low", "_high"))
        return EarlierChange(value, low, high, int(row["seeds"]))
