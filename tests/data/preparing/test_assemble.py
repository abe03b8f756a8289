"""The order of documents in a store, and their tokens."""

import dataclasses
import hashlib
import os

import numpy as np
import pytest

from code_ablate.data.preparing import assemble
from code_ablate.data.preparing.assemble import order_key
from code_ablate.data.preparing.extracted import ExtractedCorpus
from code_ablate.data.preparing.pieces import TOKENS
from code_ablate.errors import Failed
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
    orders = [tuple(np.argsort(order_key(hashes[:, 0], seed))) for seed in range(4800)]
    counts = np.unique(orders, axis=0, return_counts=True)[1]
    assert len(counts) == 24 and counts.min() > 150 and counts.max() < 260  # 200 expected


def test_what_is_gathered_is_what_lies_on_disk(tmp_path, vocabulary, monkeypatch):
    """However much is gathered at a time; also a document that is longer than that."""
    stores = []
    for gathered in (2**22, 300, 1):
        monkeypatch.setattr(assemble, "_GATHERED_TOKENS", gathered)
        made = one(register(texts(60)), vocabulary, tmp_path / str(gathered))
        stores.append([made.read_document(i) for i in range(made.num_documents("train"))])
    for store in stores[1:]:
        for first, other in zip(stores[0], store, strict=True):
            np.testing.assert_array_equal(first, other)
    assert sorted(len(tokens) for tokens in stores[0])[-1] > 1


def test_a_piece_that_was_cut_is_told(tmp_path, vocabulary, monkeypatch):
    load = ExtractedCorpus.load

    def cut(results, *arguments):
        os.truncate(results[0].path + TOKENS, 10)
        return load(results, *arguments)

    monkeypatch.setattr(ExtractedCorpus, "load", cut)
    with pytest.raises(Failed, match=r"\.tokens was cut .*again"):
        one(register(texts(20)), vocabulary, tmp_path)
