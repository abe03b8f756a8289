"""What a preparation has finished is kept, checked, and not done again."""

import dataclasses
import json
import os
from pathlib import Path

import pytest

from code_ablate.data.preparing import local
from code_ablate.data.preparing.finished_pieces import find_finished
from code_ablate.data.preparing.pieces import INDEX, TOKENS
from code_ablate.data.preparing.prepare import make_stores
from code_ablate.data.store import TokenStore
from code_ablate.errors import Failed
from tests.data.preparing.corpora import HERE, one, register, texts

MODULE = """
import functools, os, signal, seqio, tensorflow as tf

class Shards(seqio.DataSource):
    '''Eight shards. Notes which are read; the sixth kills its process while the flag is there.'''
    supports_arbitrary_sharding, version = True, 1
    def __init__(self):
        super().__init__(splits=("train",))
    def digest(self):
        return "eight shards"
    def list_shards(self, split):
        return [str(i) for i in range(8)]
    def get_dataset(self, split="train", shuffle=True, seed=None, shard_info=None, **_):
        shard = shard_info or seqio.ShardInfo(0, 1)
        if shard_info:
            with open(os.environ["SHARDS_READ"], "a") as file:
                file.write(f"{shard.index} ")
        flag = os.environ["SHARDS_READ"] + ".kill"
        if shard.index == 5 and os.path.exists(flag):
            os.unlink(flag)
            os.kill(os.getpid(), signal.SIGKILL)
        numbers = range(shard.index, 400, shard.num_shards)
        return tf.data.Dataset.from_tensor_slices({"text": [f"text {i % 390}" for i in numbers]})

seqio.TaskRegistry.add("killed.shards", source=Shards(),
    preprocessors=[functools.partial(seqio.preprocessors.rekey, key_map={"targets": "text"}),
        seqio.preprocessors.tokenize, seqio.preprocessors.append_eos],
    output_features={"targets": seqio.Feature(seqio.ByteVocabulary())})
"""


def content(store: TokenStore) -> dict[str, bytes]:
    """Every file of a store, without the time at which it was made."""
    root = Path(store.path)
    files = {str(f.relative_to(root)): f.read_bytes() for f in root.rglob("*") if f.is_file()}
    manifest = json.loads(files.pop("manifest.json"))
    return files | {"manifest": json.dumps({**manifest, "created": "", "digest": ""}).encode()}


@pytest.mark.slow
def test_a_killed_worker_loses_its_piece_alone(tmp_path, vocabulary, monkeypatch):
    (tmp_path / "shards_that_kill.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(local, "SECONDS_HERE", 0)  # straight to the workers
    log = tmp_path / "read"
    monkeypatch.setenv("SHARDS_READ", str(log))

    def prepare(folder: str, workers: int) -> TokenStore:
        log.write_text("")
        config = dataclasses.replace(HERE, workers=workers, pieces=8)
        modules = ("shards_that_kill",)
        corpora = ("killed.shards",)
        folder = tmp_path / folder
        return make_stores(corpora, vocabulary, folder, config, modules=modules, progress=False)[
            "killed.shards"
        ]

    undisturbed = prepare("undisturbed", workers=1)
    Path(f"{log}.kill").touch()
    with pytest.raises(Failed, match=r"Of 8 pieces \d are finished and kept.*it goes on"):
        prepare("killed", workers=2)
    (scratch,) = (tmp_path / "killed" / "stores" / ".scratch").iterdir()
    kept = {file.stem.split("-")[2] for file in scratch.glob("*.json")}
    assert len(kept) >= 4  # when the sixth is begun, the other worker is at one of the first five
    store = prepare("killed", workers=1)
    assert set(log.read_text().split()) == {str(i) for i in range(8)} - kept
    assert content(store) == content(undisturbed)
    assert not scratch.exists()


@pytest.fixture
def interrupted(tmp_path, vocabulary, monkeypatch):
    """(corpus, its finished piece, the store that it gives) of a preparation that was stopped."""
    corpus = register(texts(40))
    whole = one(corpus, vocabulary, tmp_path / "whole")
    results = []

    def stopped(self, plans, extracted, group):
        results.extend(extracted[plans[0].corpus])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("code_ablate.data.preparing.prepare._Preparation._finish", stopped)
        one(corpus, vocabulary, tmp_path)
    return corpus, results[0], whole


def test_a_finished_piece_is_not_read_again(interrupted, tmp_path, vocabulary, monkeypatch):
    corpus, result, whole = interrupted
    assert find_finished(result.piece) == result
    monkeypatch.setattr("code_ablate.data.preparing.extract.extract", None)  # calling it fails
    assert content(one(corpus, vocabulary, tmp_path)) == content(whole)


@pytest.mark.parametrize("suffix", [TOKENS, INDEX, ".json"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "missing"])
def test_half_a_piece_is_made_again(interrupted, tmp_path, vocabulary, suffix, damage):
    corpus, result, whole = interrupted
    file = Path(result.path + suffix)
    data = file.read_bytes()
    if damage == "missing":
        os.unlink(file)
    else:
        flipped = bytes([data[0] ^ 1]) + data[1:]
        file.write_bytes(data[: len(data) // 2] if damage == "cut" else flipped)
    assert find_finished(result.piece) is None
    assert content(one(corpus, vocabulary, tmp_path)) == content(whole)


@pytest.mark.parametrize("change", [{"seed": 5}, {"count": 2}, {"signatures": ("text",)}])
def test_a_piece_of_other_settings_is_not_taken(interrupted, change):
    _, result, _ = interrupted
    assert find_finished(dataclasses.replace(result.piece, **change)) is None


def test_a_piece_of_other_versions_is_not_taken(interrupted, monkeypatch):
    _, result, _ = interrupted
    name = "code_ablate.data.preparing.finished_pieces.package_versions"
    monkeypatch.setattr(name, lambda: {"python": "4.0"})
    assert find_finished(result.piece) is None


def test_pieces_of_other_settings_are_deleted(interrupted, tmp_path, vocabulary):
    corpus, result, _ = interrupted
    beside = tmp_path / "stores" / ".scratch" / f"{corpus}.other-0123456789ab"
    beside.mkdir()
    one(corpus, vocabulary, tmp_path, dataclasses.replace(HERE, seed=1))
    assert not Path(result.piece.scratch).exists()
    assert beside.exists()  # of another corpus
