"""Rows in order, though only a part of them is held."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from code_ablate.data.preparing import sorted_rows
from code_ablate.data.preparing.sorted_rows import SortedRows, with_first

DTYPE = np.dtype([("key", "<u8"), ("sign", "<i8"), ("number", "<i8")])


def rows_of(keys, signs):
    rows = np.zeros(len(keys), DTYPE)
    rows["key"], rows["sign"], rows["number"] = keys, signs, np.arange(len(keys))
    return rows


def in_order(rows, blocks, folder=None):
    with SortedRows(DTYPE, ("key", "sign"), folder) as ordered:
        for block in np.array_split(rows, blocks):
            ordered.add(block)
        yield from ordered.in_order()


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(-2, 2)), max_size=80),
    st.integers(1, 5),
    st.integers(1, 20),
)
def test_rows_come_as_one_stable_sort_gives_them(pairs, blocks, held):
    keys, signs = zip(*pairs, strict=True) if pairs else ((), ())
    rows = rows_of(keys, signs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorted_rows, "ROWS", held)
        parts = list(in_order(rows, blocks))
    np.testing.assert_array_equal(np.concatenate(parts), rows[np.lexsort((signs, keys))])
    # A run has one row held at least.
    assert max(map(len, parts)) <= max(held, -(-len(rows) // held))


@pytest.mark.parametrize("keys", [np.arange(1000) // 7, np.arange(1000)[::-1], np.zeros(1000)])
def test_runs_apart_or_equal(tmp_path, monkeypatch, keys):
    monkeypatch.setattr(sorted_rows, "ROWS", 60)
    rows = rows_of(keys.astype(np.uint64), 0)
    found = np.concatenate(list(in_order(rows, 13, str(tmp_path))))
    np.testing.assert_array_equal(found, rows[np.argsort(rows["key"], kind="stable")])
    assert not list(tmp_path.iterdir())  # the file has no name


@given(st.lists(st.integers(0, 3), max_size=40), st.integers(1, 9))
def test_the_first_of_equal_rows_is_known_across_blocks(keys, blocks):
    rows = rows_of(sorted(keys), 0)
    seen = list(with_first(np.array_split(rows, blocks), ("key",)))
    _, first = np.unique(rows["key"], return_index=True)
    found = [number for _, firsts, _ in seen for number in firsts["number"].tolist()]
    assert found == [int(first[first <= number].max()) for number in range(len(rows))]
    repeated = [number for rows, _, more in seen for number in rows["number"][more].tolist()]
    assert repeated == sorted(set(range(len(rows))) - set(first.tolist()))
