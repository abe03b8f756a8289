"""The table of item scores by columns, against pandas."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as some

from code_ablate.analysis.results.item_table import ItemTable
from tests.test_imports import run

ROWS = some.lists(
    some.tuples(
        some.sampled_from(["b", "a", "", "é"]),
        some.none() | some.sampled_from(["x", "y"]),
        some.integers(-2, 2),
        some.none() | some.floats(allow_nan=True, width=32),
    ),
    min_size=1,
    max_size=60,
)


@given(ROWS, some.integers(0, 5), some.booleans())
def test_columns_and_groups_are_those_of_pandas(rows, dropped, chunked):
    frame = pd.DataFrame(rows, columns=["task", "text", "seed", "score"])
    arrow = pa.Table.from_pandas(frame)
    if chunked:  # as a file of several row groups has it, and one that is a part of another
        arrow = pa.concat_tables([arrow, arrow])
        frame = pd.concat([frame, frame], ignore_index=True)
    dropped = min(dropped, len(frame) - 1)
    table, frame = ItemTable(arrow[dropped:]), frame[dropped:].reset_index(drop=True)
    np.testing.assert_array_equal(table.numbers("score"), frame["score"].astype(float))
    np.testing.assert_array_equal(table.numbers("seed"), frame["seed"])
    assert [table.value("text", row) for row in range(len(table))] == [
        None if pd.isna(value) else value for value in frame["text"]
    ]
    grouped = frame.groupby(["task", "text", "seed"], dropna=False).indices
    found = table.rows_of(("task", "text", "seed"))
    assert {key: list(value) for key, value in found.items()} == {
        tuple(None if pd.isna(part) else part for part in key): list(value)
        for key, value in grouped.items()
    }
    repeats = np.flatnonzero(frame.duplicated(["task", "text", "seed"]))
    np.testing.assert_array_equal(table.repeated(("task", "text", "seed")), repeats)


@pytest.mark.parametrize("column", [["a", None, "b"], [None, None], [1, None, 2]])
def test_a_column_without_some_values(column):
    table = ItemTable(pa.table({"c": column}))
    assert [table.value("c", row) for row in range(len(column))] == column


def test_a_column_that_is_empty_throughout_has_no_number():
    assert np.isnan(ItemTable(pa.table({"c": [None, None]})).numbers("c")).all()


def test_a_study_is_summarised_without_pandas_and_scipy_stats(study_dir):
    code = f"""
        from code_ablate.analysis.estimation.estimates import Settings
        from code_ablate.analysis.report.content import read_report
        print(len(read_report({str(study_dir)!r}, Settings(resamples=20)).summary.comparisons))
    """
    done = run(code, "pandas", "jax", "tensorflow", "seqio", "gin")
    assert done.returncode == 0 and int(done.stdout) > 0, done.stderr[-2000:]
