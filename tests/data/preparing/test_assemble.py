"""The order of documents in a store, and the memory that writing it takes."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np

from code_ablate.data.preparing import assemble
from code_ablate.data.preparing.assemble import document_order
from code_ablate.data.preparing.extract import forget_pages, load_piece
from code_ablate.data.preparing.signatures import ALWAYS, index_dtype
from tests.data.preparing.corpora import (
    HERE,
    one,
    register,
    stored,
    texts,
)


def test_order_is_a_permutation_keyed_by_the_seed(tmp_path, vocabulary):
    corpora = [register(texts(100)), register(texts(100)[::-1])]
    first, other_order = (stored(one(c, vocabulary, tmp_path), vocabulary) for c in corpora)
    assert first == other_order  # what order the source has does not matter
    seeded = one(corpora[0], vocabulary, tmp_path, dataclasses.replace(HERE, seed=1))
    assert stored(seeded, vocabulary) != first and sorted(stored(seeded, vocabulary)) == sorted(
        first
    )
    # The relative order of documents stays when others join them.
    more = stored(one(register(texts(160)), vocabulary, tmp_path), vocabulary)
    assert [t for t in more if t in set(first)] == first


def test_document_order_is_uniform():
    hashes = np.frombuffer(
        b"".join(hashlib.blake2b(bytes([i]), digest_size=16).digest() for i in range(4)), "<u8"
    ).reshape(-1, 2)
    orders = [tuple(document_order(hashes, seed)) for seed in range(4800)]
    counts = np.unique(orders, axis=0, return_counts=True)[1]
    assert len(counts) == 24 and counts.min() > 150 and counts.max() < 260  # 200 expected


def test_memory_for_what_is_read_is_given_back(tmp_path, vocabulary, monkeypatch):
    """Smaps says what a mapping takes: everything that was read of it, until it is given back."""
    path = tmp_path / "piece"
    np.arange(2**22, dtype=np.uint16).tofile(f"{path}.tokens")
    np.save(f"{path}.index.npy", np.zeros(0, index_dtype(ALWAYS)))
    tokens, _ = load_piece(str(path), np.dtype(np.uint16))
    total = int(tokens.sum())
    assert _resident_kilobytes(f"{path}.tokens") > 8000
    forget_pages(tokens)
    assert _resident_kilobytes(f"{path}.tokens") == 0
    assert int(tokens.sum()) == total

    forgotten, whole = [], stored(one(register(texts(40)), vocabulary, tmp_path), vocabulary)
    monkeypatch.setattr(assemble, "_GATHERED_TOKENS", 100)
    monkeypatch.setattr(assemble, "_FORGOTTEN_CHUNKS", 2)
    monkeypatch.setattr(assemble, "forget_pages", lambda tokens: forgotten.append(len(tokens)))
    again = stored(one(register(texts(40)), vocabulary, tmp_path), vocabulary)
    assert again == whole and len(forgotten) > 5


def _resident_kilobytes(file):
    lines = iter(Path("/proc/self/smaps").read_text("utf-8").splitlines())
    return sum(
        int(next(line for line in lines if line.startswith("Rss:")).split()[1])
        for line in lines
        if line.endswith(str(file))
    )
