"""Where finished pieces lie, and who may use them."""

import os
import tempfile
from pathlib import Path

import pytest

from code_ablate.data.preparing.scratch import jobs_folder, locked, scratch_folder
from code_ablate.errors import UserError

FIRST, SECOND, OTHER = "demo.text-0123456789ab", "demo.text-ba9876543210", "demo-0123456789ab"


@pytest.mark.parametrize("data_dir", ["local", "gs://bucket/data"])
def test_a_store_finds_its_folder_again(tmp_path, monkeypatch, data_dir):
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    data_dir = data_dir if "://" in data_dir else str(tmp_path / data_dir)
    with locked(FIRST, data_dir):
        folder = Path(scratch_folder(FIRST, data_dir))
        (folder / "piece").touch()
        assert folder.name == FIRST and folder.is_relative_to(tmp_path)
        assert scratch_folder(FIRST, data_dir) == str(folder)
    scratch_folder(OTHER, data_dir)
    scratch_folder(FIRST, f"{data_dir}-2")
    assert (folder / "piece").exists()


def test_another_store_of_the_same_corpus_is_deleted_unless_somebody_prepares_it(tmp_path):
    first = Path(scratch_folder(FIRST, tmp_path))
    with locked(FIRST, tmp_path):
        scratch_folder(SECOND, tmp_path)
        assert first.exists()
    scratch_folder(SECOND, tmp_path)
    assert not first.exists()


def test_what_workers_of_a_cluster_share_lies_with_the_data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = scratch_folder(FIRST, "data", shared=True)
    assert folder == str(tmp_path / "data" / "stores" / ".scratch" / FIRST)  # whole: for everybody
    assert jobs_folder("data") == str(tmp_path / "data" / "stores" / ".jobs")
    assert jobs_folder("gs://bucket/data") == "gs://bucket/data/stores/.jobs"


def test_a_folder_of_another_user_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    another = os.getuid() + 1
    (tmp_path / f"code-ablate-{another}").mkdir()
    monkeypatch.setattr(os, "getuid", lambda: another)
    with pytest.raises(UserError, match="set TMPDIR"):
        scratch_folder(FIRST, "gs://bucket/data")
