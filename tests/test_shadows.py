"""Packages of the user's with the names of installed ones, in the current folder or before them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import gin
from code_ablate import shadows
from code_ablate.errors import UserError

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def folder(tmp_path):
    """A folder with packages that end any program which imports them."""
    for name in ("gin", "seqio", "tasks", "numpy"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('the wrong one')\n")
    (tmp_path / "optax.py").write_text("raise SystemExit('the wrong one')\n")
    return tmp_path


def run(folder, *arguments, path=""):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [path, str(ROOT)]))}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize("program", [["-m", "code_ablate.cli", "plan"], [ROOT / "eval.py"]])
def test_packages_in_the_current_folder_are_not_taken_for_installed_ones(folder, program):
    done = run(folder, *map(str, program), "demo" if "plan" in program else "--help")
    assert done.returncode == 0, done.stderr
    assert "distinct phases" in done.stdout or "--gin_file" in done.stdout


@pytest.mark.parametrize("command", [["-m", "code_ablate.cli"], [str(ROOT / "train.py")]])
def test_packages_before_the_installed_ones_are_one_error_that_names_them(folder, command):
    done = run(folder, *command, "list", "scales", path=str(folder))
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert line.startswith(f"error: {folder}/gin is imported in the place of the installed package")
    assert f"take {folder} out of PYTHONPATH" in line


def test_a_module_counts_and_a_copy_of_the_package_does_not(folder, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(folder)
    for name in ("gin", "numpy", "seqio"):
        shutil.rmtree(folder / name)
    with pytest.raises(UserError, match=r"optax\.py is imported in the place of .* optax"):
        shadows.require_none()
    (folder / "optax.py").unlink()
    shutil.copytree(Path(gin.__file__).parent, folder / "gin")
    shadows.require_none()
