"""Digests of files: of the content, and hashed again only where it may have changed."""

import hashlib
import json
import os
import threading
from pathlib import Path

import pytest

from code_ablate.data.sources import content_digests as module
from code_ablate.data.sources.content_digests import content_digests
from code_ablate.errors import UserError

HOUR = 3600


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The folder of kept digests, in which nothing is too young to be kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "_SETTLED_NANOSECONDS", -HOUR * 10**9)
    return tmp_path / "cache" / "code_ablate" / "digests"


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / "data" / name for name in ("a", "deep/b", "deep/c ü")]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.name * 1000)
    return [str(path) for path in paths]


@pytest.fixture
def hashed(monkeypatch):
    """Names of the files that are hashed."""
    names = []
    original = module._hash_file

    def noted(file):
        names.append(os.path.basename(file[0]))
        return original(file)

    monkeypatch.setattr(module, "_hash_file", noted)
    return names


def _expected(files):
    return [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in files]


def test_a_file_is_hashed_again_only_where_something_about_it_has_changed(files, hashed, tmp_path):
    assert content_digests(files) == _expected(files)
    assert sorted(hashed) == ["a", "b", "c ü"]
    assert content_digests(files) == _expected(files) and len(hashed) == 3
    hashed.clear()
    status = os.stat(files[0])
    with open(files[0], "r+b") as file:
        file.write(b"A")
    os.utime(files[0], ns=(status.st_atime_ns, status.st_mtime_ns))  # same size, same time
    replaced = tmp_path / "replaced"
    replaced.write_bytes(Path(files[1]).read_bytes().upper())
    os.replace(replaced, files[1])
    assert content_digests(files) == _expected(files)
    assert sorted(hashed) == ["a", "b"]


def test_a_file_that_has_just_changed_is_hashed_each_time(files, hashed, monkeypatch, cache):
    monkeypatch.setattr(module, "_SETTLED_NANOSECONDS", HOUR * 10**9)
    assert content_digests(files) == content_digests(files) == _expected(files)
    assert len(hashed) == 6 and not cache.exists()


def _cut(text):
    return text[: len(text) // 2]


def _other_digest(text):
    return text.replace(json.loads(text)["digest"], "0" * 64)


def _edited_entry(text):
    fields = json.loads(text)
    entries = {path: entry[:-64] + "0" * 64 for path, entry in fields["entries"].items()}
    return json.dumps({**fields, "entries": entries})


@pytest.mark.parametrize(
    "damage",
    [_cut, _other_digest, _edited_entry, lambda text: "", lambda text: "[]", lambda text: "\x00"],
)
def test_damaged_caches_are_ignored_and_written_anew(files, hashed, cache, damage):
    content_digests(files)
    (kept,) = cache.iterdir()
    kept.write_text(damage(kept.read_text()))
    assert content_digests(files) == _expected(files) and len(hashed) == 6
    assert content_digests(files) == _expected(files) and len(hashed) == 6


def test_a_cache_that_cannot_be_written_is_said_and_does_not_matter(files, cache, capsys):
    module._say_not_kept.cache_clear()
    cache.parent.mkdir(parents=True)
    cache.write_text("a file where the folder should be")
    assert content_digests(files) == content_digests(files) == _expected(files)
    assert capsys.readouterr().out.count("set XDG_CACHE_HOME") == 1


def test_several_writers_at_once(files, cache):
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(content_digests(files))) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [_expected(files)] * 16
    assert [path.suffix for path in cache.iterdir()] == [".json"]
    assert content_digests(files) == _expected(files)


def test_errors(tmp_path, files, monkeypatch):
    with pytest.raises(UserError, match="gone cannot be read"):
        content_digests([str(tmp_path / "gone")])
    digest = hashlib.file_digest

    def grows(stream, name):
        result = digest(stream, name)
        with open(files[0], "a", encoding="utf-8") as file:
            file.write("more")
        return result

    monkeypatch.setattr(hashlib, "file_digest", grows)
    with pytest.raises(UserError, match="a changed while it was read: let the program"):
        content_digests(files[:1])
    assert content_digests([]) == []
