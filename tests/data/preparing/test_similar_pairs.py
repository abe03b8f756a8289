"""Pairs that are found do not depend on where, in which order and how often one looks."""

import dataclasses
import pickle
from collections import defaultdict

import numpy as np
import pytest

from benchmarks.near_duplicates import on_disk, real_documents
from code_ablate.data.preparing import similar_pairs
from code_ablate.data.preparing.near_duplicates import Deduplication, NearDuplicates
from code_ablate.data.preparing.runner import group_here

CONFIG = Deduplication(ngram=2, threshold=0.5)


def elsewhere(grouping, pieces):
    """As a cluster does it: all bands at once, values in any order, and nobody knows of others."""
    grouping = dataclasses.replace(grouping, parts=3)
    values = defaultdict(list)
    for piece in reversed(pieces):
        for key, value in pickle.loads(pickle.dumps(grouping)).spread(piece):
            values[key].insert(0, value)
    for key in sorted(values, reverse=True):
        yield pickle.loads(pickle.dumps(grouping)).gather(key, values[key])
        yield pickle.loads(pickle.dumps(grouping)).gather(key, values[key])


def _cluster_of_many(count):
    """Documents of which each resembles its neighbours, and shares bands with many."""
    words = [f"w{i}" for i in range(count + 40)]
    return [" ".join(words[i : i + 40]) + f" end{i}" for i in range(count)]


@pytest.mark.parametrize("limit", [64, 3])
@pytest.mark.parametrize("texts", [_cluster_of_many(150), real_documents(200, seed=3)])
def test_clusters_are_the_same_in_this_process_and_on_a_cluster(
    tmp_path, monkeypatch, texts, limit
):
    monkeypatch.setattr(similar_pairs, "ALL_PAIRS", limit)
    corpora = [on_disk(texts[0::2], str(tmp_path), CONFIG, "a")]
    corpora.append(on_disk(texts[1::2], str(tmp_path), CONFIG, "b"))
    seen = [one.subset(np.arange(len(one.rows_N)) % 5 > 0) for one in corpora]  # some went before
    here = NearDuplicates(CONFIG).judge(seen, group_here)
    there = NearDuplicates(CONFIG).judge(seen, elsewhere)
    assert sum(len(one.kept_N) - one.kept_N.sum() for one in here) > 20
    for one, other in zip(here, there, strict=True):
        np.testing.assert_array_equal(one.reason_N, other.reason_N)
        assert one.findings == other.findings
