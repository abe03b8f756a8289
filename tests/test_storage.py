"""Files that are replaced, whole, on the disk; object stores that cannot be reached."""

import dataclasses
import functools
import http.server
import logging
import os
import socket
import stat
import subprocess
import sys
import threading

import pandas as pd
import pytest
from etils import epath
from matplotlib.figure import Figure

from code_ablate import cli, own_file, storage
from code_ablate.analysis.report.law_figures import save_figure
from code_ablate.data.sources.file_search import find_files
from code_ablate.errors import Failed, UserError
from code_ablate.jobs.report import save_table
from code_ablate.jobs.workspace import Paths
from code_ablate.training.rundir import RunDirectory
from tests.analysis.conftest import write_study


def test_content_is_synced_before_the_new_name_and_the_name_after_it(tmp_path, monkeypatch):
    path, done = epath.Path(tmp_path) / "status.json", []
    sync, rename = os.fsync, type(path).replace

    def synced(descriptor):
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        sync(descriptor)

    def renamed(self, target):
        done.append("rename")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(type(path), "replace", renamed)
    storage.replace(path, "new")
    assert done == ["file", "rename", "folder"] and path.read_text() == "new"


def test_what_cannot_be_written_leaves_the_old_file_and_nothing_beside_it(tmp_path, monkeypatch):
    path = epath.Path(tmp_path) / "status.json"
    storage.replace(path, "old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        storage.replace(path, "new")
    assert [file.name for file in tmp_path.iterdir()] == ["status.json"]
    assert path.read_text() == "old"


def _write_table(path):
    save_table(pd.DataFrame({"a": [1]}), path)


def _write_figure(path):
    save_figure(Figure(), path.with_suffix(".svg"))


def _write_design(path):
    assert cli.main(["design", "--begin", "a", "b", "--runs", "8", "--out", str(path)]) == 0


@pytest.mark.parametrize("write", [_write_table, _write_figure, _write_design])
def test_files_that_a_user_asks_for_are_whole_or_as_they_were(tmp_path, monkeypatch, capsys, write):
    path = tmp_path / "new" / "out.csv"
    write(path)
    [file] = path.parent.iterdir()
    content = file.read_bytes()
    assert content

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises((UserError, AssertionError)) as raised:
        write(path)
    said = str(raised.value) + capsys.readouterr().err
    assert f"to {file}: [Errno 28] No space left" in said and "cannot write the " in said
    assert list(path.parent.iterdir()) == [file] and file.read_bytes() == content


@pytest.fixture
def nobody_listens(monkeypatch):
    """gs:// leads to a port of this machine at which nothing listens."""
    pytest.importorskip("gcsfs", reason="gcsfs is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
    monkeypatch.setattr(storage, "LONGEST_SILENCE", 0.5)


@pytest.mark.parametrize(
    ("reach", "named"),
    [
        (lambda: Paths(data="gs://none/data").require_reachable(), "Paths.data = 'gs://none/data'"),
        (lambda: Paths(runs="gs://none/runs").require_reachable(), "Paths.runs = 'gs://none/runs'"),
        (lambda: RunDirectory.open("gs://none/runs/a"), "the run directory = 'gs://none/runs/a'"),
        (lambda: find_files(("gs://none/a/*.jsonl",)), "the source = 'gs://none/a'"),
        (lambda: find_files(("gs://none/a.jsonl",)), "the source = 'gs://none/a.jsonl'"),
    ],
)
def test_an_object_store_without_answer_is_one_line_that_names_the_path(
    nobody_listens, capfd, reach, named
):
    with pytest.raises(
        Failed, match=r"(did not answer within|cannot be reached).*credentials"
    ) as f:
        reach()
    assert str(f.value).startswith(named) and "\n" not in str(f.value)
    out, err = capfd.readouterr()
    assert not out and not err  # its client logs a traceback for each attempt


def test_what_is_not_there_is_an_answer_and_a_refusal_is_none():
    def missing():
        raise FileNotFoundError("gs://bucket/data")

    def refused():
        raise PermissionError("Forbidden\nmore")

    class Store:
        def __init__(self, info):
            self.info = lambda path: info()

    storage.require_reachable("gs://answers/data", "Paths.data", Store(missing))
    with pytest.raises(Failed, match=r"Paths.data = .*cannot be reached \(Forbidden\)\. Check"):
        storage.require_reachable("gs://refuses/data", "Paths.data", Store(refused))


def test_what_a_client_logs_later_is_not_shown_either(monkeypatch, caplog):
    monkeypatch.setattr(storage, "LONGEST_SILENCE", 0.01)
    waited, logged = threading.Event(), threading.Event()

    class Slow:
        def info(self, path):
            waited.wait()
            logging.getLogger("gcsfs").error("an attempt failed")
            logged.set()

    with pytest.raises(Failed, match="did not answer within"):
        storage.require_reachable("gs://slow/data", "Paths.data", Slow())
    waited.set()
    assert logged.wait(timeout=1000) and not caplog.records


@pytest.mark.parametrize(
    "pattern", ["{host}/*.jsonl", "{host}/a.jsonl", "{name}/b.jsonl.gz", "{ftp}/a.jsonl"]
)
def test_a_host_without_answer_is_no_wrong_pattern(pattern):
    pytest.importorskip("aiohttp", reason="aiohttp is not installed")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        host = f"http://127.0.0.1:{taken.getsockname()[1]}"
        ftp = host.replace("http", "ftp")
        pattern = pattern.format(host=host, ftp=ftp, name="https://no-such-host.invalid")
        with pytest.raises(
            Failed, match=r"the source = .*host cannot be.*name of the bucket or ho"
        ):
            find_files((pattern,))


def test_a_host_that_answers_is_asked_for_its_files(tmp_path):
    pytest.importorskip("aiohttp", reason="aiohttp is not installed")
    (tmp_path / "a.jsonl").write_text('{"text": "x"}\n')
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host = f"http://127.0.0.1:{server.server_address[1]}"
        assert len(find_files((f"{host}/a.jsonl",)).files) == 1
        with pytest.raises(UserError, match="correct the pattern"):
            find_files((f"{host}/b.jsonl",))
        server.shutdown()


def test_errors_of_object_stores_are_told_from_others():
    aiohttp = pytest.importorskip("aiohttp", reason="aiohttp is not installed")
    late = ValueError("UNAVAILABLE: CURL error[7] Couldn't connect")
    wrapped = RuntimeError("a pass failed")
    wrapped.__cause__ = aiohttp.ClientConnectionError("reset by peer")
    assert "UNAVAILABLE: CURL" in storage.failure_of(late)
    assert "reset by peer" in storage.failure_of(wrapped)
    assert storage.failure_of(ValueError("shapes differ")) == ""


@pytest.mark.parametrize(
    "command",
    [
        ["plan", "demo", "--gin.Paths.data='gs://none/data'"],
        ["eval", "gs://none/runs/a"],
    ],
)
def test_commands_end_with_one_line_and_exit_code_3(nobody_listens, command):
    code = "import sys; from code_ablate import cli, storage; storage.LONGEST_SILENCE = 0.5;"
    code += f"sys.exit(cli.main({command!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    lines = [line for line in done.stderr.splitlines() if not line.startswith("note: ")]
    assert done.returncode == 3 and len(lines) == 1, done.stderr
    assert lines[0].startswith("error: ") and "gs://none" in lines[0]


def in_place_of(file, kind):
    """Puts something else where a file was."""
    file.unlink(missing_ok=True)
    if kind == "folder":
        file.mkdir()
    elif kind == "pipe":
        os.mkfifo(file)
    elif kind == "link to itself":
        file.symlink_to(file)
    else:
        file.symlink_to("/nowhere/at/all")


@pytest.mark.parametrize("kind", ["folder", "pipe", "link to itself", "link to nothing"])
def test_what_is_no_file_is_not_read_and_not_waited_for(tmp_path, kind):
    file = tmp_path / "status.json"
    in_place_of(file, kind)
    with pytest.raises(OSError, match=r"status\.json"):
        storage.read_file(file)
    with pytest.raises(own_file.Damaged, match=r"status\.json is (no file|missing)"):
        own_file.read(epath.Path(file), Plan, 1)


@dataclasses.dataclass(frozen=True)
class Plan:
    steps: int


def test_what_stands_in_the_place_of_a_file_is_one_line_and_exit_code_3(tmp_path, capsys):
    (tmp_path / "out.html").mkdir()
    write_study(tmp_path / "study")
    assert cli.main(["report", f"{tmp_path}/study", f"--out={tmp_path}/out.html"]) in (2, 3)
    assert "out.html" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("kind", ["folder", "pipe", "link to itself", "link to nothing", "file"])
@pytest.mark.parametrize("below", ["", "/a/b"])
def test_a_path_that_can_be_no_folder_is_refused_before_work(tmp_path, kind, below):
    place = tmp_path / "place"
    place.touch()
    if kind != "file":
        in_place_of(place, kind)
    for field in ("data", "runs"):
        paths = Paths(**{field: f"{place}{below}"})
        if kind == "folder":
            paths.require_reachable()
            continue
        with pytest.raises(UserError, match=rf"Paths.{field} = .*place is no folder: name another"):
            paths.require_reachable()
    Paths(data=f"{tmp_path}/new/folder").require_reachable()
