"""One process at a time in a folder, and what others are told."""

import json
import os
import signal
import subprocess
import sys

import pytest
from etils import epath

from code_ablate import locks, storage
from code_ablate.errors import UserError

HOLD = """
import sys, time
from etils import epath
from code_ablate import locks
with locks.held(epath.Path(sys.argv[1]), "trained"):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def folder(tmp_path):
    return epath.Path(tmp_path) / "run"


@pytest.fixture
def other(folder):
    """Another process that holds the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_a_held_folder_is_refused_and_its_holder_named(folder, other):
    for _ in range(2):  # the one who was refused does not spoil the name
        named = f"cannot be trained now, since .*process {other.pid} on "
        with pytest.raises(UserError, match=named), locks.held(folder, "trained"):
            pass
    assert locks.holder(folder).state == "alive"
    assert locks.holder(folder).owner.process == other.pid


def test_the_lock_of_a_killed_process_is_known_to_be_stale(folder, other):
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    assert locks.holder(folder).state == "dead" and locks.holder(folder).owner.process == other.pid
    with locks.held(folder, "trained"):
        assert locks.holder(folder).state == "alive"
        assert locks.holder(folder).owner.process == os.getpid()


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"host": 1}', "\x00\x01"])
def test_a_file_that_says_nothing_is_no_obstacle(folder, text):
    assert locks.holder(folder) == locks.Holder("unknown", None)
    folder.mkdir()
    (folder / locks.FILE).write_text(text)
    assert locks.holder(folder) == locks.Holder("unknown", None)
    with locks.held(folder, "trained"):
        assert locks.holder(folder).owner.process == os.getpid()


def test_who_worked_on_another_host_may_still_do_so(folder):
    with locks.held(folder, "trained"):
        pass
    named = json.loads((folder / locks.FILE).read_text())
    (folder / locks.FILE).write_text(json.dumps(named | {"host": "elsewhere"}))
    assert locks.holder(folder).state == "unknown"


class TestWithoutLocks:
    """As on an object store, in a folder."""

    @pytest.fixture
    def sign(self, folder, monkeypatch):
        replace = storage.replace

        def written(path, text):
            with monkeypatch.context() as local:
                local.setattr(storage, "is_remote", lambda path: False)
                replace(path, text)

        monkeypatch.setattr(storage, "replace", written)
        monkeypatch.setattr(storage, "is_remote", lambda path: True)
        folder.mkdir()
        return folder / locks.SIGN

    def dead_process(self):
        process = subprocess.Popen([sys.executable, "-c", ""])
        process.wait()
        return process.pid

    def test_the_sign_goes_with_its_process(self, folder, sign, capfd):
        with locks.held(folder, "trained"):
            assert json.loads(sign.read_text())["process"] == os.getpid()
            assert locks.holder(folder).state == "alive"
            refused = pytest.raises(UserError, match="cannot be trained now, since another process")
            with refused, locks.held(folder, "trained"):
                pass
        assert not sign.exists() and capfd.readouterr().err == ""

    def test_a_dead_process_of_this_host_is_no_matter(self, folder, sign, capfd):
        owner = locks.Owner(locks.Owner.here().host, self.dead_process(), "2026")
        sign.write_text(locks._text(owner))
        assert locks.holder(folder).state == "dead"
        with locks.held(folder, "trained"):
            pass
        assert capfd.readouterr().err == ""

    @pytest.mark.parametrize("text", ['{"host": "h", "process": 1, "since": "2026"}', "", "[1]"])
    def test_a_process_of_another_host_is_warned_of(self, folder, sign, text, capfd):
        sign.write_text(text)
        assert locks.holder(folder).state == "unknown"
        with locks.held(folder, "trained"):
            pass
        assert "did not end in an orderly way" in capfd.readouterr().err


def test_a_folder_that_cannot_be_made_is_refused(tmp_path, monkeypatch):
    def refused(self, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(epath.Path(tmp_path)), "mkdir", refused)
    refusal = pytest.raises(UserError, match="cannot be written to")
    with refusal, locks.held(epath.Path(tmp_path) / "run", "trained"):
        pass
