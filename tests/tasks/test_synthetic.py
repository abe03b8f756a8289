"""Problems that were made, read as a corpus."""

import pytest
import seqio

import tasks as tasks
from code_ablate.errors import UserError
from code_ablate.synthesis.composed import composed_problem
from code_ablate.synthesis.shards import Shard, ShardRecord


def test_a_folder_of_problems_is_a_corpus(tmp_path, monkeypatch):
    (tmp_path / "shards").mkdir()
    problems = [composed_problem(2, index, frozenset())[0] for index in range(5)]
    Shard(tmp_path, "composed", 0).write(problems, ShardRecord("", "", ("k",) * 5, (), {}))
    source = seqio.TaskRegistry.get("synthetic.problems").source
    monkeypatch.setenv("CODE_ABLATE_PROBLEMS", str(tmp_path))
    for known in ("_found", "_parts"):
        source.__dict__.pop(known, None)
    (file,) = source.units()
    rows = list(source.read(file))
    for known in ("_found", "_parts"):
        source.__dict__.pop(known, None)
    assert [row["text"] for row in rows] == [problem.text for problem in problems]
    assert [row["path"] for row in rows] == [problem.name for problem in problems]
    assert {row["language"] for row in rows} <= {"python", "markdown"}


def test_a_missing_folder_is_named(tmp_path, monkeypatch):
    source = seqio.TaskRegistry.get("synthetic.problems").source
    monkeypatch.setenv("CODE_ABLATE_PROBLEMS", f"{tmp_path}/nothing")
    for known in ("_found", "_parts"):
        source.__dict__.pop(known, None)
    with pytest.raises(UserError, match="nothing"):
        source.units()
