"""The order of documents in a store."""

import dataclasses
import hashlib

import numpy as np

from code_ablate.data.preparing.assemble import document_order
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
