"""Planted leaks of real and of made-up items leave their corpus; boilerplate does not."""

import json
import re
import weakref
from pathlib import Path

import pytest
import seqio
from etils import epath

import tasks  # noqa: F401
from code_ablate.data import registry, remembered
from code_ablate.data.preparing import contamination_record, evaluation_items
from code_ablate.data.preparing.contamination import CONTAMINATED
from code_ablate.data.preparing.leak_index import Decontamination
from code_ablate.data.preparing.prepare import PrepareConfig
from code_ablate.errors import UserError
from code_ablate.evaluation.sets.source import EvaluationSet
from tests.data.preparing.corpora import FEATURES, one, register, stored, texts
from tests.data.preparing.test_code_hashes import NOTEBOOK, PROGRAM, RENAMED, SPLIT

QUESTION = "Which of the seven bridges over the old canal was built by the guild of the coopers?"
ANSWER = "It was the bridge of sighs and lanterns, which they gave to the town in 1702."
LICENCE = (
    "# Licensed under the Apache License, Version 2.0 (the License); you may not use this file\n"
    "# except in compliance with the License. You may obtain a copy of the License at the site.\n"
)


@pytest.fixture(scope="module")
def quiz(tmp_path_factory) -> str:
    """A task with a question, a program under a licence, and what is too short."""
    file = tmp_path_factory.mktemp("quiz") / "quiz.jsonl"
    rows = [
        {"id": "bridge", "question": QUESTION, "choices": ["none", ANSWER], "gold": 1},
        {"id": "short", "question": "And then?", "choices": ["yes", "no"], "gold": 0},
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return add_task("contamination.quiz", EvaluationSet("q", file=str(file), fields=("question",)))


def add_task(name: str, source) -> str:
    seqio.TaskRegistry.add(name, source=source, preprocessors=[], output_features=FEATURES)
    return name


def prepared(documents, vocabulary, folder, *names, **fields):
    config = PrepareConfig(
        workers=1, validation_fraction=0.1, decontamination=Decontamination(names, **fields)
    )
    return one(register(documents), vocabulary, folder, config)


def kept(store, vocabulary) -> list[str]:
    return stored(store, vocabulary) + stored(store, vocabulary, "validation")


def test_documents_with_items_leave_and_are_listed(tmp_path, vocabulary, quiz):
    leaks = [f"Trivia night. {QUESTION} Nobody knew.", f"Then she read: {ANSWER.upper()}"]
    innocent = texts(30)
    store = prepared([*innocent, *leaks], vocabulary, tmp_path, quiz)
    assert sorted(kept(store, vocabulary)) == sorted(innocent)
    size = sum(len(leak.encode()) for leak in leaks)
    assert store.manifest.dropped[CONTAMINATED] == {"documents": 2, "bytes": size}
    record = contamination_record.read(store)
    assert {one.first_line[:6] for one in record.removed} == {"Trivia", "Then s"}
    matches = {m.part: (m.task, m.item, m.share) for r in record.removed for m in r.matches}
    assert matches == {"prompt": (quiz, "bridge", 1.0), "answer": (quiz, "bridge", 1.0)}
    assert record.items_found(quiz) == {"bridge"} and record.skipped == {quiz: 2}
    summary = store.manifest.contamination
    assert summary["by_task"] == {quiz: {"documents": 2, "items": 1}} and summary["documents"] == 2


def test_a_file_that_was_changed_is_not_believed(tmp_path, vocabulary, quiz):
    store = prepared(texts(30), vocabulary, tmp_path, quiz)
    assert contamination_record.read(store).items == ()
    file = Path(store.path) / contamination_record.FILE
    file.write_text(file.read_text() + " ")
    with pytest.raises(UserError, match="not the file that belongs to its store"):
        contamination_record.read(store)
    file.unlink()
    with pytest.raises(UserError, match=r"is missing.*prepare it again"):
        contamination_record.read(store)


def test_a_store_that_was_not_searched_has_no_record(tmp_path, vocabulary):
    assert contamination_record.read(one(register(texts(20)), vocabulary, tmp_path)) is None


def test_real_problems_are_found_renamed_and_in_notebooks(tmp_path, vocabulary):
    """The first long solutions of HumanEval and MBPP, planted in changed forms."""
    planted = {}
    for task, field in (("humaneval", "canonical_solution"), ("mbpp", "code")):
        rows = seqio.TaskRegistry.get(task).source.rows
        for row in [row for row in rows if len(row[field]) > 500][:3]:
            code = row.get("prompt", "") + row[field]
            cells = {"cells": [{"cell_type": "code", "source": code.splitlines(keepends=True)}]}
            renamed = re.sub(r"\bi\b", "position", code)
            planted[task, row["id"]] = (json.dumps(cells), "x = 1\n" + renamed)
    documents = [*texts(30), *(text for both in planted.values() for text in both)]
    store = prepared(documents, vocabulary, tmp_path, "humaneval", "mbpp", "mbpp_bpb")
    record = contamination_record.read(store)
    assert record.items_found("humaneval") == {i for task, i in planted if task == "humaneval"}
    assert record.items_found("mbpp") == {i for task, i in planted if task == "mbpp"}
    assert record.items_found("mbpp_bpb") == record.items_found("mbpp")  # the same rows
    assert len(record.removed) == len(documents) - 30


def test_the_parts_of_known_sets():
    """Prompt and answer apart; tests, names and wrong choices are neither."""
    (first, *_) = evaluation_items.items_of(("mbpp",))["mbpp"]
    assert [(part.name, part.is_code) for part in first.parts] == [
        ("prompt", False),
        ("answer", True),
    ]
    (humaneval, *_) = evaluation_items.items_of(("humaneval",))["humaneval"]
    assert [(part.name, part.is_code) for part in humaneval.parts] == [
        ("prompt", True),
        ("answer", True),
    ]
    row = seqio.TaskRegistry.get("arc_easy").source.rows[0]
    arc = evaluation_items.items_of(("arc_easy_5shot",))["arc_easy_5shot"][0]
    assert [part.text for part in arc.parts] == [row["question"], row["choices"][row["gold"]]]


def test_licences_imports_and_lines_that_programs_share_are_no_leaks(tmp_path, vocabulary, quiz):
    imports = "from typing import List, Dict, Tuple, Optional\nimport os\nimport sys\n"
    common = "if __name__ == '__main__':\n    for i in range(len(xs)):\n        print(xs[i])\n"
    documents = [f"{LICENCE}{imports}VALUE_{i} = {i}\n{common}" for i in range(30)]
    store = prepared(documents, vocabulary, tmp_path, quiz, "humaneval", "mbpp")
    assert CONTAMINATED not in store.manifest.dropped
    assert len(kept(store, vocabulary)) == 30


def test_a_phrase_that_many_documents_quote_is_no_leak_but_a_whole_item_is(tmp_path, vocabulary):
    rows = [{"id": "1", "question": f"{QUESTION} {ANSWER}", "answers": ["x"]}]
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps(rows[0]) + "\n")
    name = "contamination.quoted"
    add_task(name, EvaluationSet("q", file=str(file), fields=("question",), form="answers"))
    quoting = [f"{i}: {' '.join(ANSWER.split()[:13])}, says guide {i}" for i in range(12)]
    whole = [f"{i}: {QUESTION} {ANSWER}" for i in range(12)]
    store = prepared([*texts(30), *quoting], vocabulary, tmp_path, name)
    assert CONTAMINATED not in store.manifest.dropped
    few = prepared([*texts(30), *quoting[:3]], vocabulary, tmp_path, name)
    assert few.manifest.dropped[CONTAMINATED]["documents"] == 3
    store = prepared([*texts(30), *whole], vocabulary, tmp_path, name)
    assert store.manifest.dropped[CONTAMINATED]["documents"] == 12


def test_a_task_of_another_source_is_looked_for_as_it_is_written(tmp_path, vocabulary):
    import tensorflow as tf

    def dataset(split, shuffle_files):
        return tf.data.Dataset.from_tensor_slices({"inputs": [QUESTION], "targets": [ANSWER]})

    name = "contamination.t5x"
    seqio.TaskRegistry.add(
        name,
        source=seqio.FunctionDataSource(dataset, splits=("validation",)),
        preprocessors=[seqio.preprocessors.tokenize],
        output_features={"inputs": FEATURES["targets"], **FEATURES},
    )
    store = prepared([*texts(30), QUESTION], vocabulary, tmp_path, name)
    assert contamination_record.read(store).items_found(name) == {"example 0"}
    with pytest.raises(UserError, match="no evaluation task"):
        prepared(texts(3), vocabulary, tmp_path, "contamination.no_such")


def test_rows_that_are_not_here_are_named(tmp_path, vocabulary, quiz):
    store = prepared(texts(30), vocabulary, tmp_path, quiz, "dolly_200")
    assert contamination_record.read(store).missing == ("dolly_200",)
    assert store.manifest.key_fields["items"]["dolly_200"] is None


def test_other_items_are_another_store(tmp_path, vocabulary, quiz):
    corpus, paths = register(texts(30)), set()
    for names in ((), (quiz,), ("mbpp",)):
        rules = Decontamination(names) if names else None
        paths.add(one(corpus, vocabulary, tmp_path, PrepareConfig(decontamination=rules)).path)
    assert len(paths) == 3


@pytest.mark.parametrize("leak", [PROGRAM, RENAMED, SPLIT, NOTEBOOK])
def test_a_leak_of_a_program_leaves(tmp_path, vocabulary, leak):
    name = "contamination.program"
    if name not in seqio.TaskRegistry.names():
        body = PROGRAM.partition('"""\n')[2]
        part = evaluation_items.ItemPart("answer", body, is_code=True)

        class Source(seqio.FunctionDataSource):
            def items_to_find(self):
                return [evaluation_items.EvaluationItem("1", (part,))]

        add_task(name, Source(lambda split, shuffle_files: None, splits=("validation",)))
    store = prepared([*texts(30), f"y = 2\n{leak}"], vocabulary, tmp_path, name)
    assert store.manifest.dropped[CONTAMINATED]["documents"] == 1


def test_fingerprints_of_installed_rows_are_kept_for_other_processes(monkeypatch, tmp_path):
    monkeypatch.setattr(remembered.storage, "cache_folder", lambda: epath.Path(tmp_path))
    registry.import_modules(("tasks",))
    names = ("copa", "open_prompts")
    task_names = tuple(seqio.TaskRegistry.names())
    monkeypatch.setattr(registry, "_ours", {n: seqio.TaskRegistry.get(n) for n in task_names})
    fields = {name: {} for name in remembered.Remembered.__dataclass_fields__}
    remembered.keep(remembered.Remembered(**{**fields, "tasks": task_names}))
    first = evaluation_items.item_fingerprints(names)
    reads = []
    original = evaluation_items.items_of
    monkeypatch.setattr(evaluation_items, "_read", weakref.WeakKeyDictionary())
    monkeypatch.setattr(evaluation_items, "items_of", lambda n: reads.append(n) or original(n))
    assert evaluation_items.item_fingerprints(names) == first
    assert reads == [("open_prompts",)]  # a file of ours, not of the distribution
