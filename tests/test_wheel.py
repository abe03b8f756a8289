"""The commands work from an installed wheel, in a folder that holds nothing of the clone.

A fresh environment has the wheel, and behind it the packages of this one. The finder of an editable
install stays out: files named *.pth work only in an environment's own folder.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.analysis.conftest import write_study

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
BUILT_FROM = ("code_ablate", "gin", "tasks", "setup.py", "pyproject.toml", "LICENSE")


def run(*command, cwd) -> subprocess.CompletedProcess:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env=kept, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Path:
    """Folder of the programs of an environment in which the wheel is installed."""
    folder = tmp_path_factory.mktemp("wheel")
    clone = folder / "clone"
    clone.mkdir()
    for name in BUILT_FROM:
        source, copy = ROOT / name, clone / name
        if source.is_dir():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy)
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    quiet = ("--no-build-isolation", "--no-deps")
    built = run(*pip, "wheel", *quiet, "--wheel-dir", folder, clone, cwd=folder)
    assert built.returncode == 0, built.stderr
    shutil.rmtree(clone)
    (wheel,) = folder.glob("*.whl")
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    command = (*pip, "install", "--no-deps", "--no-index", "--target", packages, wheel)
    installed = run(*command, cwd=folder)
    assert installed.returncode == 0, installed.stderr
    (packages / "behind.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "venv" / "bin"


@pytest.fixture
def elsewhere(tmp_path) -> Path:
    """A folder of a user with own folders `gin` and `tasks`."""
    (tmp_path / "gin" / "scales").mkdir(parents=True)
    (tmp_path / "gin" / "scales" / "mine.gin").write_text("# A scale of mine.\n")
    (tmp_path / "gin" / "scales" / "demo.gin").write_text("# Not the project's own.\n")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "toy.gin").write_text("ModelConfig.layers = 99\n")
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "__init__.py").write_text("raise RuntimeError('the tasks of the user')\n")
    return tmp_path


def command(environment: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess:
    code = "import sys; from code_ablate.cli import main; sys.exit(main(sys.argv[1:]))"
    return run(environment / "python", "-c", code, *arguments, cwd=cwd)


def test_nothing_of_the_clone_is_imported(environment, elsewhere):
    code = "import gin, code_ablate; print(gin.__file__, code_ablate.__file__)"
    done = run(environment / "python", "-P", "-c", code, cwd=elsewhere)
    config, ours = done.stdout.split()
    assert Path(config).parent != ROOT / "gin" and Path(config).name == "__init__.py"
    assert environment.parent in Path(ours).parents


def test_a_study_is_planned_and_its_names_are_known(environment, elsewhere):
    done = command(environment, "plan", "demo", cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    assert "45 distinct phases" in done.stdout and "demo.web_code" in done.stdout
    assert "1.07M" in done.stdout  # of our models/toy.gin


def test_own_files_of_ours_win_and_the_users_are_reachable(environment, elsewhere):
    done = command(environment, "list", "scales", cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    about = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert about["mine"] == "A scale of mine."
    assert about["demo"].startswith("A laptop")


def test_a_report_is_written_from_templates_of_the_wheel(environment, elsewhere):
    study = write_study(elsewhere / "runs" / "a", recipes=("text_only", "code_25"), items=10)
    done = command(environment, "report", str(study), cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    page = (study / "report.html").read_text()
    assert '<section id="answer">' in page and "</html>" in page


def test_a_package_of_the_users_named_tasks_is_refused_by_name(environment, elsewhere):
    done = command(environment, "list", "tasks", "--import", "tasks", cwd=elsewhere)
    assert done.returncode == 2
    assert "'tasks' is the name of this project's own package" in done.stderr
    assert str(elsewhere / "tasks") in done.stderr
