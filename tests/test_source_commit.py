"""The commit of the running code."""

import subprocess

import pytest

import code_ablate
from code_ablate.source_commit import source_commit


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A clone whose package is the running one, as far as can be told from its path."""
    package = tmp_path / "code_ablate"
    package.mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.setattr(code_ablate, "__file__", str(package / "__init__.py"))
    return tmp_path


def git(folder, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_a_clone_says_its_commit_and_whether_files_differ(clone):
    git(clone, "init", "-q")
    git(clone, "add", ".")
    git(clone, "commit", "-qm", "one")
    commit = git(clone, "rev-parse", "HEAD")
    assert source_commit() == commit and len(commit) == 40
    (clone / "notes.txt").write_text("not tracked")
    assert source_commit() == commit
    (clone / "code_ablate" / "__init__.py").write_text("changed = True\n")
    assert source_commit() == commit + "+"


def test_nothing_is_said_without_a_clone_or_without_git(clone, monkeypatch):
    assert source_commit() == ""
    git(clone, "init", "-q")
    assert source_commit() == ""  # no commit yet
    git(clone, "add", ".")
    git(clone, "commit", "-qm", "one")
    monkeypatch.setenv("PATH", "")
    assert source_commit() == ""
