"""Folders of problems: the same whatever the workers, resumed, extended, without duplicates."""

import gzip
import json
from collections import Counter
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from types import SimpleNamespace
from typing import ClassVar

import pytest

from code_ablate.errors import Failed, UserError
from code_ablate.own_file import Damaged
from code_ablate.synthesis import composed, making, shards
from code_ablate.synthesis.making import Made, read_made, synthesize
from code_ablate.synthesis.problems import COMPOSED, MINED
from code_ablate.synthesis.shards import Shard, ShardRecord, packed
from code_ablate.synthesis.summary_text import summary_text

PER_SHARD = 4


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Shards of four problems, made in this process; no evaluation sets."""
    monkeypatch.setattr(shards, "PER_SHARD", PER_SHARD)
    monkeypatch.setattr(making, "PER_SHARD", PER_SHARD)
    monkeypatch.setattr(making, "evaluation_ngrams", lambda: frozenset())
    monkeypatch.setattr(making, "ProcessPoolExecutor", InThisProcess)


class InThisProcess:
    """An executor whose jobs are done when they are submitted."""

    made: ClassVar[Counter] = Counter()

    def __init__(self, workers, context, initializer, arguments):
        shards._forbidden = arguments[0]

    def submit(self, function, directory, seed, number, recipe):
        InThisProcess.made[number] += 1
        job: Future = Future()
        job.set_result(function(directory, seed, number, recipe))
        return job

    def shutdown(self, **_):
        pass


class InReverse(InThisProcess):
    """An executor whose latest job is done first, each when it is waited for."""

    def submit(self, *job):
        future: Future = Future()
        self.waiting[future] = job
        return future

    waiting: ClassVar[dict[Future, tuple]] = {}

    @classmethod
    def wait(cls, running, return_when):
        future, (function, *arguments) = cls.waiting.popitem()
        future.set_result(function(*arguments))
        return {future}, set(running) - {future}


class Killed(InThisProcess):
    """An executor whose second job does not come back, and that takes no third one."""

    def submit(self, function, directory, seed, number, recipe):
        if number == 2:
            raise BrokenProcessPool("it is broken")
        if number == 1 and Killed.in_a_job:
            job: Future = Future()
            job.set_exception(BrokenProcessPool("a process ended"))
            return job
        return super().submit(function, directory, seed, number, recipe)

    in_a_job = True


@pytest.fixture
def made():
    InThisProcess.made.clear()
    return InThisProcess.made


def often_the_same(seed, index, forbidden, rejected):
    """Problems of which every second one computes the same."""
    problem, skeleton = composed.composed_problem(seed, index, forbidden, rejected)
    return problem, "same" if index % 2 else skeleton


def rows(folder):
    found = []
    for file in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(file, "rt") as opened:
            found += [json.loads(line) for line in opened]
    return found


def contents(folder):
    files = [f for f in sorted(folder.rglob("*")) if f.is_file() and f.name != ".lock"]
    return {file.relative_to(folder): file.read_bytes() for file in files}


def test_a_folder_holds_what_was_asked_for(tmp_path):
    result = synthesize(str(tmp_path), problems=10, seed=1, workers=1)
    assert result.problems == len(rows(tmp_path)) == 10
    assert result == read_made(str(tmp_path))
    assert len({row["name"] for row in rows(tmp_path)}) == 10


def test_the_number_of_workers_changes_nothing(tmp_path, monkeypatch):
    """Nor does the order in which their shards are done, even where problems are duplicates."""
    monkeypatch.setattr(shards, "composed_problem", often_the_same)
    synthesize(str(tmp_path / "1"), problems=9, seed=1, workers=1)
    monkeypatch.setattr(making, "ProcessPoolExecutor", InReverse)
    monkeypatch.setattr(making, "wait", InReverse.wait)
    synthesize(str(tmp_path / "3"), problems=9, seed=1, workers=3)
    assert contents(tmp_path / "1") == contents(tmp_path / "3")
    assert read_made(tmp_path / "1").duplicates > 0


@pytest.mark.parametrize("in_a_job", [True, False])
def test_a_worker_that_is_killed_is_reported_and_finished_shards_are_kept(
    tmp_path, monkeypatch, in_a_job
):
    monkeypatch.setattr(making, "ProcessPoolExecutor", Killed)
    monkeypatch.setattr(Killed, "in_a_job", in_a_job)
    with pytest.raises(Failed, match="a worker was killed"):
        synthesize(str(tmp_path), problems=12, seed=1, workers=1)
    assert Shard(tmp_path, COMPOSED, 0).record() is not None
    with pytest.raises(Damaged):
        read_made(str(tmp_path))


def test_finished_shards_are_kept_and_a_damaged_one_is_made_again(tmp_path, made):
    synthesize(str(tmp_path), problems=8, seed=1, workers=1)
    before = contents(tmp_path)
    (tmp_path / "composed-00001.jsonl.gz").write_bytes(b"cut")
    made.clear()
    synthesize(str(tmp_path), problems=8, seed=1, workers=1)
    assert dict(made) == {1: 1}
    assert contents(tmp_path) == before


def test_more_problems_are_added_to_those_that_are_there(tmp_path, made):
    synthesize(str(tmp_path / "grown"), problems=6, seed=1, workers=1)
    made.clear()
    synthesize(str(tmp_path / "grown"), problems=12, seed=1, workers=1)
    assert made[0] == 0  # the first shard was whole
    assert made[1] == 1  # of the second, two problems had been more than was asked for
    synthesize(str(tmp_path / "whole"), problems=12, seed=1, workers=1)
    assert rows(tmp_path / "grown") == rows(tmp_path / "whole")


def test_fewer_problems_leave_no_shard_that_the_manifest_does_not_name(tmp_path):
    synthesize(str(tmp_path / "shrunk"), problems=12, seed=1, workers=1)
    made = synthesize(str(tmp_path / "shrunk"), problems=4, seed=1, workers=1)
    synthesize(str(tmp_path / "fresh"), problems=4, seed=1, workers=1)
    assert contents(tmp_path / "shrunk") == contents(tmp_path / "fresh")
    assert {file.name for file in (tmp_path / "shrunk").glob("*.gz")} == set(made.files)


def test_mined_problems_are_not_passed_over(tmp_path):
    made = synthesize(str(tmp_path), problems=4, seed=1, workers=1)
    problem, _ = composed.composed_problem(1, 0, frozenset())
    shard = Shard(tmp_path, MINED, 0)
    shard.write([problem], ShardRecord(made.recipe, "", ("k",), (), {}))
    before = contents(tmp_path)
    with pytest.raises(UserError, match="1 mined problems: pass --mined 1"):
        synthesize(str(tmp_path), problems=8, seed=1, workers=1)
    assert contents(tmp_path) == before
    grown = synthesize(str(tmp_path), problems=8, seed=1, workers=1, mined=1)
    assert grown.mined == 1 and shard.read() == [problem]


def test_a_problem_that_computes_the_same_as_an_earlier_one_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "composed_problem", often_the_same)
    result = synthesize(str(tmp_path), problems=6, seed=1, workers=1)
    assert [int(row["name"][-3:]) for row in rows(tmp_path)] == [0, 1, 2, 4, 6, 8]
    assert result.duplicates == 3


def test_the_summary_says_why_drafts_and_functions_were_given_up():
    text = summary_text(Made(0, "r", 4, {"a": "b"}, 1, {"dull": 1500}, 2, {"no arguments": 7}), "d")
    assert "drafts: 1,505; given up:\n      1,500  dull\n" in text
    assert text.endswith(
        "packages: 2\nfunctions that became no problem:\n          7  no arguments"
    )


def test_another_seed_or_version_of_python_in_the_same_folder_is_refused(tmp_path, monkeypatch):
    synthesize(str(tmp_path), problems=4, seed=1, workers=1)
    with pytest.raises(UserError, match="another seed"):
        synthesize(str(tmp_path), problems=4, seed=2, workers=1)
    monkeypatch.setattr(making, "sys", SimpleNamespace(version_info=(3, 99, 0)))
    with pytest.raises(UserError, match="or Python"):
        synthesize(str(tmp_path), problems=4, seed=1, workers=1)


@pytest.mark.parametrize(("name", "value"), [("problems", 0), ("workers", 0)])
def test_numbers_that_make_no_sense_are_refused(tmp_path, name, value):
    with pytest.raises(UserError, match=f"--{name} 0"):
        synthesize(str(tmp_path), **{"problems": 1, name: value})


def test_an_unfinished_folder_says_so(tmp_path):
    with pytest.raises(Damaged):
        read_made(str(tmp_path))


def test_a_shard_without_its_record_is_not_whole(tmp_path):
    shard = Shard(tmp_path, "composed", 0)
    (tmp_path / "shards").mkdir()
    problem, _ = composed.composed_problem(1, 0, frozenset())
    record = shard.write([problem], ShardRecord("r", "", ("k",), (), {"dull": 2}))
    assert shard.record() == record and shard.read() == [problem]
    shard.record_path.unlink()
    assert shard.record() is None


def test_packed_problems_hold_no_time():
    problem, _ = composed.composed_problem(1, 0, frozenset())
    assert packed([problem])[4:8] == bytes(4)  # where gzip writes the time
