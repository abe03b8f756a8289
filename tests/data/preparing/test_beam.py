"""Preparation by Apache Beam: the same stores, the same errors, and nothing done twice."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import types
from pathlib import Path

import numpy as np
import pytest
from etils import epath

from code_ablate import storage
from code_ablate.data.preparing import contamination_record
from code_ablate.data.preparing.beam import (
    BeamConfig,
    BeamRunner,
    is_cut_by_a_shell,
    pipeline_options,
)
from code_ablate.data.preparing.beam_job import Job
from code_ablate.data.preparing.contamination import CONTAMINATED
from code_ablate.data.preparing.exact_duplicates import DUPLICATE
from code_ablate.data.preparing.extract import Extraction, Registration
from code_ablate.data.preparing.leak_index import Decontamination
from code_ablate.data.preparing.near_duplicates import (
    IN_EARLIER_CORPUS,
    NEAR_DUPLICATE,
    NEAR_VALIDATION,
    Deduplication,
)
from code_ablate.data.preparing.package_versions import package_versions
from code_ablate.data.preparing.pieces import Piece
from code_ablate.data.preparing.prepare import PrepareConfig, make_stores
from code_ablate.data.preparing.runner import Place
from code_ablate.data.preparing.scratch import jobs_folder
from code_ablate.data.preparing.shared_files import entries
from code_ablate.data.preparing.task_run import (
    find_task,
    preprocessor_fingerprints,
    shard_bytes,
)
from code_ablate.data.registry import import_modules
from code_ablate.errors import Failed, UserError
from tests.data.preparing.corpora import HERE
from tests.data.preparing.test_finished_pieces import content
from tests.object_store import ROOT, emulated_bucket

MODULE = '''
import glob, os, seqio, signal
from dataclasses import dataclass
from code_ablate.data import filters
from code_ablate.data.filters.base import AtLeast
from code_ablate.data.sources import documents
from code_ablate.data.preparing.evaluation_items import EvaluationItem, ItemPart
from code_ablate.data.sources.files import Files
from code_ablate.errors import UserError

@dataclass(frozen=True)
class Words(AtLeast):
    """Drops documents of few words. Notes who looks, and stops at what it is told to."""
    minimum: int = 8
    version = 1  # it looks at the environment
    def measure(self, document):
        noted = os.environ["WHO_LOOKED"]
        with open(noted, "a") as file:
            file.write(f"{os.getpid()} {document.source or '?'}\\n")
        if os.path.exists(noted + ".fail"):
            raise UserError("a filter of the user's says what is wrong.")
        if os.path.exists(noted + ".kill") and len(glob.glob(open(noted + ".kill").read())) > 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return len(document.text.split())

folder = os.environ["BEAM_CORPORA"]
for name in ("first", "second"):
    seqio.TaskRegistry.add(f"beam.{name}", source=Files(f"{folder}/{name}-*.jsonl"),
        preprocessors=[Words(), *documents.TOKENIZE], output_features=documents.FEATURES)

ITEM = ItemPart("prompt", "ab1 cd1 ef1 gh1 ij1 kl1 mn1 op1 qr1")
source = seqio.FunctionDataSource(lambda split, shuffle_files: None, splits=("validation",))
source.items_to_find = lambda: [EvaluationItem("1", (ITEM,))]
seqio.TaskRegistry.add("beam.quiz", source=source, preprocessors=[],
    output_features=documents.FEATURES)
'''

WORDS = ("ab", "cd", "ef", "gh", "ij", "kl", "mn", "op", "qr", "st", "uv", "wx", "yz")


def _texts(corpus: int) -> list[str]:
    """Clusters of three, copies, and short ones."""
    near = [" ".join(f"{w}{i // 3}" for w in WORDS[: 13 - i % 3]) for i in range(90)]
    own = [" ".join(f"{w}{corpus}x{i}" for w in WORDS) for i in range(40)]
    return [*near[corpus::2], *own, *own[:5], "too short", *(f"short {i}" for i in range(6))]


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    """Two registered corpora of four files each, which share near-duplicates and leaks."""
    folder = tmp_path_factory.mktemp("corpora")
    for number, name in enumerate(("first", "second")):
        for part in range(4):
            rows = [json.dumps({"text": text}) for text in _texts(number)[part::4]]
            (folder / f"{name}-{part}.jsonl").write_text("\n".join(rows))
    (folder / "corpora_for_beam.py").write_text(MODULE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BEAM_CORPORA", str(folder))
        patch.setenv("WHO_LOOKED", str(folder / "looked"))
        paths = filter(None, (str(folder), os.environ.get("PYTHONPATH")))
        patch.setenv("PYTHONPATH", os.pathsep.join(paths))
        patch.syspath_prepend(folder)
        import_modules(("corpora_for_beam",))
        yield ("beam.first", "beam.second")


CONFIG = dataclasses.replace(
    HERE,
    pieces=4,
    near_duplicates=Deduplication(ngram=2, order=("beam.first", "beam.second")),
    decontamination=Decontamination(("beam.quiz",)),
)


def _prepare(corpora, vocabulary, folder, *options, config: PrepareConfig = CONFIG):
    runner = BeamRunner(options, jobs_folder(folder), progress=False) if options else None
    stores = make_stores(
        corpora,
        vocabulary,
        folder,
        config,
        modules=("corpora_for_beam",),
        progress=False,
        runner=runner,
    )
    assert not entries(epath.Path(folder) / "stores" / ".jobs")
    return stores


ONE = ("--runner=DirectRunner",)
TWO = (*ONE, "--direct_num_workers=2", "--direct_running_mode=multi_processing")
PORTABLE = ("--runner=PortableRunner", "--job_endpoint=embed", "--environment_type=LOOPBACK")

needs_plain_path = pytest.mark.skipif(
    is_cut_by_a_shell(sys.executable), reason="Beam's shell does not find this Python"
)


@pytest.fixture(scope="module")
def local(corpora, vocabulary, tmp_path_factory):
    return _prepare(corpora, vocabulary, tmp_path_factory.mktemp("local"))


def _looked() -> tuple[set[int], list[str]]:
    """(processes, files) that documents were filtered in since the last call."""
    path = Path(os.environ["WHO_LOOKED"])
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    looked = [line.split() for line in lines]
    return {int(process) for process, _ in looked}, [name for _, name in looked]


@pytest.mark.parametrize(
    "options",
    [
        ONE,
        pytest.param(TWO, marks=[pytest.mark.slow, needs_plain_path]),
        pytest.param(PORTABLE, marks=pytest.mark.slow),
    ],
)
def test_stores_are_those_of_local_processes(corpora, local, vocabulary, tmp_path, options):
    _looked()
    made = _prepare(corpora, vocabulary, tmp_path, *options)
    processes, _ = _looked()
    assert len(processes) == (2 if options == TWO else 1)
    assert (os.getpid() in processes) == (options != TWO)
    for corpus in corpora:
        assert content(made[corpus]) == content(local[corpus])
    first, second = (local[corpus].manifest.dropped for corpus in corpora)
    for dropped in (first, second):  # all that is compared did happen
        assert dropped["words_under_8"]["documents"] == 7
        assert dropped[DUPLICATE]["documents"] == 5
        assert dropped[CONTAMINATED]["documents"] > 0
    assert first[NEAR_DUPLICATE]["documents"] > 0
    assert second[IN_EARLIER_CORPUS]["documents"] + second[NEAR_VALIDATION]["documents"] > 20
    assert contamination_record.read(made["beam.first"]).removed


@pytest.mark.parametrize(
    "options", [ONE, pytest.param(TWO, marks=[pytest.mark.slow, needs_plain_path])]
)
def test_an_error_of_a_worker_is_raised_as_it_was(corpora, vocabulary, tmp_path, options):
    flag = Path(os.environ["WHO_LOOKED"] + ".fail")
    flag.touch()
    try:
        with pytest.raises(UserError, match=r"^a filter of the user's says what is wrong\.$"):
            _prepare(corpora, vocabulary, tmp_path, *options)
    finally:
        flag.unlink()


KILLED = """
import sys
from code_ablate.data.registry import import_modules
from code_ablate.data.vocabulary import load_vocabulary
from tests.data.preparing import test_beam

import_modules(("corpora_for_beam",))
corpora = ("beam.first", "beam.second")
test_beam._prepare(corpora, load_vocabulary(sys.argv[1]), sys.argv[2], *test_beam.ONE)
"""


@pytest.mark.slow
def test_what_was_finished_before_a_kill_is_not_done_again(corpora, local, vocabulary, tmp_path):
    flag = Path(os.environ["WHO_LOOKED"] + ".kill")
    flag.write_text(f"{tmp_path}/stores/.scratch/*/*.json", "utf-8")
    command = [sys.executable, "-c", KILLED, vocabulary.path, str(tmp_path)]
    try:
        ended = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL)
    finally:
        flag.unlink()
    assert ended.returncode == -signal.SIGKILL
    finished = list(tmp_path.glob("stores/.scratch/*/*.json"))
    assert len(finished) == 3
    forgotten = list(tmp_path.glob("stores/.jobs/*"))
    assert forgotten  # nobody was left to delete it
    _looked()
    runner = BeamRunner(ONE, jobs_folder(tmp_path), progress=False)
    made = make_stores(corpora, vocabulary, tmp_path, CONFIG, progress=False, runner=runner)
    _, files = _looked()
    # A piece is a file: the first of a corpus is number 0 of 4.
    named = [path.name.removeprefix("beam.").split("-") for path in finished]
    assert set(files) == {f"{c}-{i}.jsonl" for c in ("first", "second") for i in range(4)} - {
        f"{corpus}-{index}.jsonl" for corpus, _, index, *_ in named
    }
    for corpus in corpora:
        assert content(made[corpus]) == content(local[corpus])


def test_folders_of_jobs_are_deleted_when_they_are_forgotten(tmp_path):
    forgotten, new = (Job.write(str(tmp_path), square, [1]) for _ in range(2))
    os.utime(Path(forgotten.folder, "work"), (0, 0))
    Job.write(str(tmp_path), square, [1]).delete()
    assert [path.name for path in tmp_path.iterdir()] == [Path(new.folder).name]


def square(piece: int, place: Place) -> int:
    place.report(1, 10)
    if piece < 0:
        raise ValueError(f"{piece} is below 0")
    if piece == 999:
        raise KeyboardInterrupt
    if piece > 1000:
        raise Unpicklable(piece, "large")
    return piece * piece


class Unpicklable(Exception):
    def __init__(self, piece, why):
        super().__init__(f"{piece} is too {why}")


def test_the_runner_gives_every_result_and_passes_errors_on(tmp_path):
    runner = BeamRunner(ONE, str(tmp_path), progress=False)
    assert sorted(runner.run(square, [1, 2, 3])) == [1, 4, 9]
    assert list(runner.run(square, [])) == []
    with pytest.raises(ValueError, match="-2 is below 0") as raised:
        list(runner.run(square, [1, -2, 3]))
    assert "in square" in str(raised.value.__cause__)  # where it was raised
    with pytest.raises(KeyboardInterrupt):
        list(runner.run(square, [999]))
    with pytest.raises(RuntimeError, match="Unpicklable: 2000 is too large"):
        list(runner.run(square, [2000]))
    assert not list(tmp_path.iterdir())


def test_a_pipeline_that_fails_by_itself_is_told_in_one_message(tmp_path, monkeypatch):
    def broken(self, number):
        raise OSError("no worker of the cluster can be reached")

    monkeypatch.setattr(Job, "work", broken)
    runner = BeamRunner(ONE, str(tmp_path), progress=False)
    with pytest.raises(Failed, match=r"pipeline failed: .*can be reached.*finished are kept"):
        list(runner.run(square, [1]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--runner=FlnkRunner",), "FlnkRunner.*Valid values are .*FlinkRunner"),
        (("--runner=DirectRunner", "--direct_num_wrkers=2"), "--direct_num_wrkers.*not know"),
        (("--runner=DirectRunner", "--direct_num_workers=x"), "direct_num_workers: invalid int"),
        (("runner=DirectRunner",), "begins? with --"),
        (("--direct_num_workers=2",), "names no runner"),
    ],
)
def test_bad_options_are_told_before_any_work(tmp_path, options, message):
    with pytest.raises(UserError, match=rf"BeamConfig\.options.*{message}"):
        BeamRunner(BeamConfig(options).options, str(tmp_path))


@pytest.mark.parametrize(
    ("path", "cut"),
    [
        ("/home/jo/lab/.venv/bin/python3.11", False),
        ("/home/jörg/lab+1/bin/python", False),
        ("/home/jo/my lab/bin/python", True),
        ("/home/jo/lab (1)/bin/python", True),
        ("/home/jo/a&b/bin/python", True),
    ],
)
def test_processes_that_a_shell_would_not_find_are_refused(monkeypatch, path, cut):
    # Beam waits for ever for processes that never began.
    monkeypatch.setattr(sys, "executable", path)
    assert is_cut_by_a_shell(path) == cut
    if cut:
        with pytest.raises(UserError, match=r"starts its processes by a shell.*no spaces"):
            pipeline_options(TWO)
    else:
        pipeline_options(TWO)
    pipeline_options(ONE)


def test_a_pipeline_that_somebody_cancelled_is_no_success(tmp_path, monkeypatch):
    cancelled = types.SimpleNamespace(wait_until_finish=lambda: "CANCELLED", cancel=lambda: None)
    monkeypatch.setattr("apache_beam.Pipeline.run", lambda self: cancelled)
    with pytest.raises(Failed, match="it ended as CANCELLED"):
        list(BeamRunner(ONE, str(tmp_path), progress=False).run(square, [1]))


def test_workers_of_a_job_that_is_deleted_stop(tmp_path):
    job = Job.write(str(tmp_path), square, [1, 2])
    assert not job.stopped
    job.work(0)
    job.delete()
    assert job.stopped
    job.work(1)
    assert not list(tmp_path.iterdir())


def test_options_of_a_job_server_are_passed_on():
    pipeline_options(("--runner=FlinkRunner", "--flink_master=host:1", "--parallelism=8"))


def test_files_that_a_worker_finds_otherwise_are_told(corpora, vocabulary, tmp_path):
    whole = Piece("beam.first", "train", 0, 1, vocabulary, 0, str(tmp_path), 10**7)
    registration = Registration(("corpora_for_beam",), {}, process="another one")
    size = shard_bytes(find_task("beam.first"), "train")
    extraction = Extraction(dataclasses.replace(registration, preprocessors=Known()))
    assert extraction(dataclasses.replace(whole, bytes=size), Place()).path
    with pytest.raises(UserError, match=r"beam\.first.*others for a worker.*whole path or URL"):
        extraction(dataclasses.replace(whole, bytes=size + 1), Place())


def test_a_worker_with_other_versions_is_told(corpora, vocabulary, tmp_path):
    versions = {**package_versions(), "tensorflow": "1.0"}
    registration = Registration(("corpora_for_beam",), Known(), versions=versions, process="other")
    piece = Piece("beam.first", "train", 0, 1, vocabulary, 0, str(tmp_path), 10**7)
    with pytest.raises(UserError, match=r"other versions.*tensorflow: 1\.0 -> .*environment"):
        Extraction(registration)(piece, Place())


class Known(dict):
    """The preprocessors of every corpus as they are here."""

    def __missing__(self, corpus):
        return preprocessor_fingerprints(find_task(corpus))


@pytest.mark.slow
def test_pieces_in_a_bucket(corpora, local, vocabulary, tmp_path, monkeypatch):
    """What a cluster without a common disk does: everything that is shared lies in the bucket."""
    pytest.importorskip("gcsfs", reason="gcsfs is not installed")
    pytest.importorskip("gcp_storage_emulator", reason="gcp-storage-emulator is not installed")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    with emulated_bucket() as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        storage.require("gs://bucket", "this test")
        made = _prepare(corpora, vocabulary, "gs://bucket/data", *ONE)
        for corpus in corpora:
            split = local[corpus].read_document(3)
            np.testing.assert_array_equal(made[corpus].read_document(3), split)
            manifests = [
                dataclasses.replace(stores[corpus].manifest, created="") for stores in (made, local)
            ]
            assert manifests[0] == manifests[1]
        assert not entries(epath.Path("gs://bucket/data/stores/.scratch"))
    assert not [path for path in tmp_path.rglob("copies/*/*") if path.is_file()]
