"""Union-find against the components of a graph."""

import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from code_ablate.data.preparing.clusters import Clusters

NUMBERS = st.integers(0, 11)


@given(st.lists(st.tuples(NUMBERS, NUMBERS)))
def test_clusters_are_connected_components(pairs):
    clusters = Clusters(12)
    for first, second in pairs:
        clusters.join(first, second)
    ones = [1] * len(pairs)
    ends = tuple(zip(*pairs, strict=True)) if pairs else ((), ())
    graph = scipy.sparse.coo_array((ones, ends), shape=(12, 12))
    _, label = scipy.sparse.csgraph.connected_components(graph, directed=False)
    smallest = [label.tolist().index(mine) for mine in label.tolist()]
    assert clusters.root_N.tolist() == smallest
    assert all(clusters.together(*pair) for pair in pairs)
