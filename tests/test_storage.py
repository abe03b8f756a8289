"""Files that are replaced: whole, on the disk, and with nothing left beside them."""

import os
import stat

import pytest
from etils import epath

from code_ablate import storage


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
