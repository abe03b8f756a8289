import dataclasses
import errno
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorstore as ts
from hypothesis import given, settings
from hypothesis import strategies as st

from code_ablate.data import store as store_module
from code_ablate.data.manifest import Manifest
from code_ablate.data.store import StoreWriter, TokenStore
from code_ablate.errors import Failed, NewerFormat, UserError

VOCABULARY = {"name": "small", "size": 1000, "digest": "d1", "eos_id": 1}
FIELDS = {
    "corpus": "test",
    "key": "k",
    "key_fields": {},
    "source_digest": "s",
    "seed": 0,
    "validation_fraction": 0.1,
    "read": {"documents": 0, "bytes": 0},
    "dropped": {},
    "added": {},
}


def documents(count: int, seed: int = 0, size: int = 1000) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 400, count)
    return [np.append(rng.integers(2, size, n), 1).astype(np.uint32) for n in lengths]


def write(path, train, validation=(), vocabulary=VOCABULARY) -> TokenStore:
    writer = StoreWriter(path, vocabulary)
    for split, texts in (("train", train), ("validation", validation)):
        lengths = np.array([len(t) for t in texts], np.int64)
        writer.write_split(split, iter(texts), lengths, 3 * lengths)
    return writer.finish(**FIELDS)


@pytest.fixture(scope="module")
def store_and_documents(tmp_path_factory):
    train, validation = documents(300), documents(7, seed=1)
    return write(tmp_path_factory.mktemp("store") / "s", train, validation), train, validation


@pytest.mark.parametrize("split", ["train", "validation"])
@settings(deadline=None, max_examples=50)
@given(seq_len=st.integers(1, 600))
def test_windows_hold_every_token_once_as_target(store_and_documents, split, seq_len):
    store, *both = store_and_documents
    whole = np.concatenate(both[split == "validation"])
    count = store.num_windows(seq_len, split)
    windows = store.read_windows(np.arange(count), seq_len, split)
    assert windows.dtype == np.int32 and windows.shape == (count, seq_len + 1)
    # first token + targets in windows + counted tail = all tokens of all documents
    tail = len(whole) - 1 - count * seq_len
    assert 0 <= tail < seq_len
    np.testing.assert_array_equal(
        np.concatenate([whole[:1], windows[:, 1:].reshape(-1), whole[len(whole) - tail :]]), whole
    )
    np.testing.assert_array_equal(windows[1:, 0], windows[:-1, -1])  # neighbours share one token


def test_windows_in_any_order_and_repeated(store_and_documents):
    store, train, _ = store_and_documents
    whole = np.concatenate(train)
    order = np.array([5, 0, 5, store.num_windows(64) - 1])
    expected = [whole[i * 64 : i * 64 + 65] for i in order]
    np.testing.assert_array_equal(store.read_windows(order, 64), expected)
    assert store.read_windows(np.array([], np.int64), 64).shape == (0, 65)
    for outside in (-1, store.num_windows(64)):
        with pytest.raises(IndexError):
            store.read_windows([outside], 64)


def test_documents_are_read_whole(store_and_documents):
    store, train, validation = store_and_documents
    assert store.num_documents() == 300 and store.num_documents("validation") == 7
    for i in (0, 1, 150, 299):
        np.testing.assert_array_equal(store.read_document(i), train[i])
    np.testing.assert_array_equal(store.read_document(6, "validation"), validation[6])
    np.testing.assert_array_equal(store.document_bytes(), [3 * len(t) for t in train])
    assert store.document_ends()[-1] == store.num_tokens() == sum(map(len, train))
    assert store.manifest.splits["train"] == {
        "documents": 300,
        "bytes": int(store.document_bytes().sum()),
        "tokens": store.num_tokens(),
    }
    with pytest.raises(IndexError):
        store.read_document(300)


@pytest.mark.parametrize(("size", "dtype"), [(65536, "uint16"), (65537, "uint32")])
def test_ids_up_to_the_vocabulary_size_survive(tmp_path, size, dtype):
    largest = np.array([size - 1, 0, 1])
    store = write(tmp_path / "s", [largest], vocabulary={**VOCABULARY, "size": size})
    np.testing.assert_array_equal(store.read_document(0), largest)
    metadata = json.loads((tmp_path / "s/train/tokens/zarr.json").read_text())
    assert metadata["data_type"] == dtype


def test_arrays_are_plain_zarr(store_and_documents):
    store, train, _ = store_and_documents
    array = ts.open(
        {"driver": "zarr3", "kvstore": {"driver": "file", "path": f"{store.path}/train/tokens/"}}
    ).result()
    np.testing.assert_array_equal(array.read().result(), np.concatenate(train))


def test_identity_is_the_content(tmp_path):
    train, validation = documents(20), documents(3, seed=1)
    first = write(tmp_path / "a", train, validation).manifest.identity
    assert write(tmp_path / "b", train, validation).manifest.identity == first
    # The same tokens handed over in other chunks are the same content.
    writer = StoreWriter(tmp_path / "c", VOCABULARY)
    for split, texts in (("train", train), ("validation", validation)):
        lengths = np.array([len(t) for t in texts])
        writer.write_split(split, [np.concatenate(texts)], lengths, 3 * lengths)
    assert writer.finish(**FIELDS).manifest.identity == first
    changed = [train[0].copy(), *train[1:]]
    changed[0][0] += 1
    joined = [np.concatenate(train[:2]), *train[2:]]
    others = [
        write(tmp_path / "d", changed, validation),
        write(tmp_path / "e", joined, validation),
        write(tmp_path / "f", train[::-1], validation),
        write(tmp_path / "g", [*train, *validation], []),
        write(tmp_path / "h", train, validation, {**VOCABULARY, "digest": "d2"}),
    ]
    assert len({first, *(store.manifest.identity for store in others)}) == 6


def test_identity_is_stable(tmp_path):
    """If you meant to change what a store's identity covers, put the new value here."""
    store = write(tmp_path / "s", [np.array([5, 6, 1]), np.array([7, 1])], [np.array([8, 1])])
    golden = "f1cc66e82d427966ef9b23dba4fdaae9f68c49d8411b697c17504fe6eec49df1"
    assert store.manifest.identity == golden


def test_half_written_is_never_opened(tmp_path):
    with pytest.raises(UserError, match="no token store"):
        TokenStore.open(tmp_path / "s")
    train = documents(5)
    lengths = np.array([len(t) for t in train])
    writer = StoreWriter(tmp_path / "s", VOCABULARY)
    writer.write_split("train", train, lengths, lengths)
    with pytest.raises(UserError, match="half-written; prepare it again"):
        TokenStore.open(tmp_path / "s")
    with pytest.raises(ValueError, match="only"):
        writer.finish(**FIELDS)
    writer.write_split("validation", [], lengths[:0], lengths[:0])
    with pytest.raises(UserError, match="half-written"):
        TokenStore.open(tmp_path / "s")
    writer.finish(**FIELDS)
    assert TokenStore.open(tmp_path / "s").num_documents() == 5
    with pytest.raises(FileExistsError):
        StoreWriter(tmp_path / "s", VOCABULARY)


def test_a_writer_starts_afresh(tmp_path):
    writer = StoreWriter(tmp_path / "s", VOCABULARY)
    lengths = np.array([50_000])
    writer.write_split("train", [np.arange(50_000) % 1000], lengths, lengths)
    store = write(tmp_path / "s", documents(3))
    np.testing.assert_array_equal(store.read_document(0), documents(3)[0])


def test_fewer_tokens_than_announced_are_refused(tmp_path):
    writer = StoreWriter(tmp_path / "s", VOCABULARY)
    with pytest.raises(ValueError, match="announced"):
        writer.write_split("train", [np.arange(5)], np.array([6]), np.array([6]))


def test_a_damaged_manifest_is_refused(tmp_path):
    store = write(tmp_path / "s", documents(5))
    path = tmp_path / "s/manifest.json"
    whole = json.loads(path.read_text())
    too_long = {**whole["splits"]["train"], "tokens": store.num_tokens() + 1}
    damaged = [
        path.read_text()[:-20],
        path.read_text().replace(store.manifest.identity, "0" * 64),
        path.read_text().replace('"seed": ', '"seed": 1'),
        "[]",
        json.dumps({**whole, "format": 0}),
        json.dumps({key: value for key, value in whole.items() if key != "digest"}),
        json.dumps({key: value for key, value in whole.items() if key != "identity"}),
        json.dumps({**whole, "splits": {**whole["splits"], "train": too_long}}),
    ]
    for text in damaged:
        path.write_text(text)
        with pytest.raises(UserError, match="damaged"):
            TokenStore.open(tmp_path / "s")


def test_manifest_survives_json(store_and_documents):
    manifest = store_and_documents[0].manifest
    assert Manifest.from_json(manifest.to_json()) == manifest
    assert dataclasses.asdict(manifest)["corpus"] == "test"


def only_file(directory) -> str:
    (path,) = [
        os.path.join(folder, name)
        for folder, _, names in os.walk(directory)
        for name in names
        if name != "zarr.json"
    ]
    return path


@pytest.mark.parametrize("position", [0, 1000, -1])
def test_a_flipped_bit_raises(tmp_path, position):
    train = [np.arange(20_000) % 1000]
    write(tmp_path / "s", train)
    path = only_file(tmp_path / "s/train/tokens")
    with open(path, "rb") as file:
        content = bytearray(file.read())
    content[position] ^= 1
    with open(path, "wb") as file:
        file.write(content)
    store = TokenStore.open(tmp_path / "s")
    with pytest.raises(UserError, match="damaged"):
        store.read_windows(np.arange(store.num_windows(64)), 64)
    with pytest.raises(UserError, match="damaged"):
        store.read_document(0)
    with pytest.raises(UserError, match="damaged"):
        store.verify()


def test_a_missing_chunk_raises_and_is_not_zeros(tmp_path):
    zeros = [np.zeros(20_000, np.int64)]  # a chunk of zeros could be left out by the format
    store = write(tmp_path / "s", zeros)
    np.testing.assert_array_equal(store.read_document(0), zeros[0])
    os.remove(only_file(tmp_path / "s/train/tokens"))
    with pytest.raises(UserError, match="damaged"):
        TokenStore.open(tmp_path / "s").read_windows([3], 64)


def test_verify_finds_content_that_is_not_the_manifests(tmp_path):
    store = write(tmp_path / "s", documents(5))
    store.verify()
    path = tmp_path / "s/manifest.json"
    path.write_text(dataclasses.replace(store.manifest, identity="0" * 64).to_json())
    with pytest.raises(UserError, match="not what its manifest says"):
        TokenStore.open(tmp_path / "s").verify()


def test_a_sequence_longer_than_the_store_is_refused(tmp_path):
    store = write(tmp_path / "s", [np.array([5, 6, 7, 1])])
    assert store.num_windows(3) == 1 and store.num_windows(4) == 0
    assert store.num_windows(3, "validation") == 0
    with pytest.raises(UserError, match="lower seq_len"):
        store.read_windows([0], 4)
    with pytest.raises(UserError, match="validation"):
        store.read_windows([0], 3, "validation")


def test_a_store_of_a_newer_format_is_not_called_damaged(tmp_path):
    write(tmp_path / "s", documents(5))
    manifest = tmp_path / "s" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": 99, "new": 1}))
    with pytest.raises(NewerFormat, match=r"newer code-ablate .*: upgrade") as raised:
        TokenStore.open(tmp_path / "s")
    assert "damaged" not in str(raised.value) and "delete" not in str(raised.value)


@pytest.mark.parametrize("path", ["s/manifest.json", "s/train/tokens/zarr.json"])
def test_a_store_that_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch, path):
    write(tmp_path / "s", documents(5))

    def forbidden(*args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / path))

    def forbidden_to_tensorstore(*args, **kwargs):
        raise ValueError("PERMISSION_DENIED: Permission denied [os_error_code='13']")

    if path.endswith("manifest.json"):
        monkeypatch.setattr(Manifest, "from_json", forbidden)
    else:
        monkeypatch.setattr(store_module, "_open_array", forbidden_to_tensorstore)
    with pytest.raises(Failed, match=r"Permission denied.*permissions changed") as raised:
        TokenStore.open(tmp_path / "s")
    assert "damaged" not in str(raised.value)


PEAKS_OF_WRITING = """
import resource, sys
import numpy as np
from code_ablate.data import store

def peak_after(shards):
    tokens = shards * store._SHARD_TOKENS
    lengths = np.full(2**4 * shards, tokens // (2**4 * shards))
    vocabulary = {"name": "small", "size": 1000, "digest": "d1", "eos_id": 1}
    writer = store.StoreWriter(f"{sys.argv[1]}/{shards}", vocabulary)
    chunk = np.ones(store._SHARD_TOKENS // 4, np.uint16)
    writer.write_split("train", (chunk for _ in range(4 * shards)), lengths, lengths)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

few, many = peak_after(2), peak_after(16)
print((many - few) / (2 * store._SHARD_TOKENS))
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the unit of the peak is Linux's")
def test_memory_of_a_process_that_writes_does_not_grow_with_the_number_of_shards(tmp_path):
    program = [sys.executable, "-c", PEAKS_OF_WRITING, str(tmp_path)]
    done = subprocess.run(program, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 0.4, "growth, in shards"
