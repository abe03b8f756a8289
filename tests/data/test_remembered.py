"""What `tasks` registers is known without importing TensorFlow, and only while it is right."""

import os
import re
import subprocess
import sys

import pytest

from code_ablate import shipped
from code_ablate.data import registry, remembered
from code_ablate.data.remembered import Remembered

KNOWN = Remembered(
    ("demo.text",), {"demo.code": {"demo.web_code": 0.8}}, {"demo.text": {"a": "b"}}, {}
)

COMMAND = """
import sys
from code_ablate.cli import main
code = main(sys.argv[1:])
print("TensorFlow:", "tensorflow" in sys.modules)
sys.exit(code)
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def own_tasks(tmp_path, monkeypatch):
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "__init__.py").write_text("")
    monkeypatch.setattr(shipped, "folder", lambda name: tmp_path / name)
    return tmp_path / "tasks"


def test_it_comes_back_as_it_was(cache):
    assert remembered.recall() is None
    remembered.keep(KNOWN)
    assert remembered.recall() == KNOWN


def test_an_edit_of_a_registration_forgets_it(cache, own_tasks):
    remembered.keep(KNOWN)
    (own_tasks / "more.py").write_text("x = 1\n")
    assert remembered.recall() is None
    (own_tasks / "more.py").unlink()
    assert remembered.recall() == KNOWN


def test_another_installed_distribution_forgets_it(cache, own_tasks, tmp_path, monkeypatch):
    remembered.keep(KNOWN)
    (tmp_path / "site" / "new-1.0.dist-info").mkdir(parents=True)
    record = tmp_path / "site" / "new-1.0.dist-info" / "RECORD"
    record.write_text("new.py,,\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "site")])
    assert remembered.recall() is None
    remembered.keep(KNOWN)
    record.write_text("new.py,,\nnewer.py,,\n")
    assert remembered.recall() is None


def test_a_damaged_file_is_as_none(cache):
    remembered.keep(KNOWN)
    (file,) = cache.glob("code_ablate/*.json")
    file.write_text(file.read_text()[:-10])
    assert remembered.recall() is None


def test_few_files_stay(cache, own_tasks):
    for number in range(remembered._KEPT + 5):
        (own_tasks / "__init__.py").write_text(f"x = {number}\n")
        remembered.keep(KNOWN)
    assert len(list(cache.glob("code_ablate/*.json"))) == remembered._KEPT
    assert remembered.recall() == KNOWN


def test_of_a_task_of_the_users_nothing_is_kept(cache):
    class Task:
        name = "demo.text"

    remembered.keep(KNOWN)
    registry.remember_fingerprint(Task(), {"source": "another"})
    assert remembered.recall() == KNOWN


@pytest.fixture
def command(cache, tmp_path):
    """Runs a command in an empty folder, and says whether it imported TensorFlow."""

    def run(*arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-c", COMMAND, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(shipped.folder("gin").parent)},
            capture_output=True,
            text=True,
        )

    return run


def without(line: str, text: str) -> str:
    return re.sub(f"{line}: .*", "", text)


def test_names_are_listed_from_the_second_time_on_without_tensorflow(command):
    first = command("list", "tasks")
    assert first.returncode == 0 and "TensorFlow: True" in first.stdout, first.stderr
    assert re.search(r"^arc_easy +reasoning, accuracy$", first.stdout, re.MULTILINE)
    for what, name in (("tasks", "arc_easy"), ("corpora", "demo.text"), ("mixtures", "demo.code")):
        again = command("list", what)
        assert again.returncode == 0 and not again.stderr and "TensorFlow: False" in again.stdout
        assert re.search(rf"^{re.escape(name)}\b", again.stdout, re.MULTILINE), again.stdout
        if what == "tasks":
            assert without("TensorFlow", again.stdout) == without("TensorFlow", first.stdout)
        assert ("arc_easy" in again.stdout) == (what == "tasks")


def test_a_plan_loads_no_tensorflow_once_names_are_known(command):
    def plan(*bindings: str) -> subprocess.CompletedProcess:
        return command("plan", "demo", "--scale", "demo", "--gin.Hardware.chip='v5e'", *bindings)

    assert command("list", "mixtures").returncode == 0  # names are known, fingerprints are not
    first, second = plan(), plan()
    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert "TensorFlow: False" in first.stdout and first.stdout == second.stdout
    ours = "note: nothing is prepared yet, so what is available is unknown.\n\n"
    assert first.stderr == second.stderr == ours
    looked = command("why-not-cached", "demo")  # asks for fingerprints, which are not known yet
    assert "TensorFlow: True" in looked.stdout
    note, error = looked.stderr.splitlines()  # TensorFlow's lines are not there
    assert note.startswith("note: demo at") and error.startswith("error: vocabulary 'demo' is not")
    wrong = plan("--gin.SuiteConfig.tasks=('arc_esay',)")
    assert wrong.returncode == 2 and "did you mean 'arc_easy'" in wrong.stderr
