"""Paths that patterns match."""

import glob
import json
import os

import fsspec
import pytest

from code_ablate.data.sources.files import Files
from code_ablate.data.sources.patterns import find_local, find_remote
from code_ablate.errors import UserError

TREE = [
    "a.jsonl",
    "b.txt",
    "x/c.jsonl",
    "x/y/d.jsonl",
    "x/y/z/e.jsonl",
    "x/part[1].jsonl",
    "x/part1.jsonl",
    "v[2]/f.jsonl",
    ".git/g.jsonl",
    "x/.ipynb_checkpoints/c.jsonl",
    "x/.h.jsonl",
]


@pytest.fixture
def tree(tmp_path):
    for name in TREE:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps({"text": name}) + "\n")
    return tmp_path


def _found(tree, pattern, **kwargs):
    paths = find_local(str(tree / pattern), **kwargs).paths
    return [os.path.relpath(path, tree) for path in paths]


@pytest.mark.parametrize(
    "pattern",
    ["*", "**", "**/*.jsonl", "*/*.jsonl", "x/**", "x/**/d.jsonl", "**/y/*", "?.*", "[ab].*",
     "[!a].*", "x/[c-p]*", "nothing*", "a.jsonl", "x/*/../c.jsonl", "**/**/e.jsonl"],
)  # fmt: skip
def test_as_python_matches(tree, pattern):
    """Where there are no links: Python's glob, which gives a folder's own name for `**`, too."""
    expected = {os.path.relpath(p, tree) for p in glob.glob(str(tree / pattern), recursive=True)}
    own = {os.path.relpath(tree / pattern.removesuffix("/**").removesuffix("**"), tree)}
    assert set(_found(tree, pattern)) == expected - (own if pattern.endswith("**") else set())


def test_hidden_names_are_left_out_unless_asked_for(tree):
    shown = ["a.jsonl", "v[2]/f.jsonl", "x/c.jsonl", "x/part1.jsonl", "x/part[1].jsonl",
             "x/y/d.jsonl", "x/y/z/e.jsonl"]  # fmt: skip
    assert _found(tree, "**/*.jsonl") == shown
    every = [name for name in TREE if name.endswith(".jsonl")]
    assert sorted(_found(tree, "**/*.jsonl", hidden=True)) == sorted(every)
    assert _found(tree, ".git/*.jsonl") == [".git/g.jsonl"]
    assert _found(tree, "x/.*.jsonl") == ["x/.h.jsonl"]
    assert find_local(str(tree / "**/g.jsonl")).hidden == 2  # folders
    with pytest.raises(UserError, match=r"no file matches .* hidden ones .*hidden=True"):
        Files(str(tree / "x" / "?h.*")).units()
    texts = [d["text"] for d in Files(str(tree / "**/*h.jsonl"), hidden=True).documents()]
    assert texts == ["x/.h.jsonl"]


def test_brackets_in_names_that_exist_are_meant_as_written(tree):
    assert _found(tree, "x/part[1].jsonl") == ["x/part[1].jsonl"]
    assert _found(tree, "v[2]/*.jsonl") == ["v[2]/f.jsonl"]
    assert _found(tree, "v[2]/[f].jsonl") == ["v[2]/f.jsonl"]
    (tree / "x/part[1].jsonl").unlink()
    assert _found(tree, "x/part[1].jsonl") == ["x/part1.jsonl"]
    assert _found(tree, "v[2]*/*") == ["v[2]/f.jsonl"]


def test_linked_folders_are_entered_and_loops_end(tree):
    (tree / "outside").mkdir()
    data = tree / "x"
    (data / "link").symlink_to(tree / "v[2]", target_is_directory=True)
    (data / "y" / "back").symlink_to(data, target_is_directory=True)
    (data / "itself").symlink_to(".", target_is_directory=True)
    (data / "up").symlink_to("..", target_is_directory=True)
    names = _found(tree, "x/**/*.jsonl")
    assert {"x/link/f.jsonl", "x/y/z/e.jsonl"} <= set(names)
    assert not any("back/" in name or "itself/" in name for name in names)
    assert len(names) == len(set(names)) < 40
    assert _found(tree, "x/*/f.jsonl") == ["x/link/f.jsonl"]
    (tree / "a").symlink_to("b", target_is_directory=True)
    (tree / "b").symlink_to("a", target_is_directory=True)
    assert "a/a.jsonl" not in _found(tree, "**/*.jsonl")


def test_errors(tree, monkeypatch):
    with pytest.raises(UserError, match="it is a folder"):
        Files("/").units()
    with pytest.raises(UserError, match="must stand between slashes"):
        find_local(str(tree / "a**" / "b"))
    with pytest.raises(UserError, match=r"it is a folder; its files are .*/x/\*"):
        Files(str(tree / "x")).units()

    def refused(folder):
        raise PermissionError(13, "Permission denied", folder)

    monkeypatch.setattr(os, "listdir", refused)
    with pytest.raises(UserError, match=r"the folder .* cannot be listed \(Permission denied\)"):
        find_local(str(tree / "*.jsonl"))


def test_on_another_file_system():
    filesystem = fsspec.filesystem("memory")
    for name in TREE:
        filesystem.pipe(f"/patterns/{name}", b'{"text": "x"}\n')

    def found(pattern, **kwargs):
        paths = find_remote(filesystem, f"/patterns/{pattern}", **kwargs).paths
        return [path.removeprefix("/patterns/") for path in paths if filesystem.isfile(path)]

    shown = [name for name in TREE if name.endswith(".jsonl") and "/." not in f"/{name}"]
    assert found("**/*.jsonl") == sorted(shown)
    assert len(found("**/*.jsonl", hidden=True)) == len(TREE) - 1
    assert found(".git/*.jsonl") == [".git/g.jsonl"]
    assert found("x/part[1].jsonl") == ["x/part[1].jsonl"]
    assert found("x/none.jsonl") == []
    with pytest.raises(UserError, match="Invalid pattern"):
        find_remote(filesystem, "/patterns/a**b")
