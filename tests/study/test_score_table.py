"""The table of a study's scores as a file: every value as it was, in fewer bytes."""

import io

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from code_ablate.study.score_table import _as_parquet


def test_a_table_of_scores_is_read_as_it_was_and_is_smaller_than_parquets_default():
    rng = np.random.default_rng(0)
    rows = 5_000
    table = pd.DataFrame(
        {
            "item": [f"item {i % 1000}" for i in range(rows)],
            "bits": rng.gamma(2.0, 20.0, rows),
            "correct": rng.integers(0, 2, rows).astype(float),
            "margin": np.where(np.arange(rows) % 3 == 0, np.nan, rng.normal(size=rows)),
            "seed": rng.integers(0, 3, rows),
        }
    )
    table.loc[7, "item"] = None
    content = _as_parquet(table)
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(content)), table)
    assert len(content) < len(table.to_parquet(index=False))
    group = pq.ParquetFile(io.BytesIO(content)).metadata.row_group(0)
    encodings = {group.column(i).path_in_schema: group.column(i).encodings for i in range(5)}
    split = {name for name, found in encodings.items() if "BYTE_STREAM_SPLIT" in found}
    assert split == {"bits", "margin"}  # a dictionary of the others is small


def test_a_table_without_numbers_or_rows_is_one_too():
    for table in (pd.DataFrame({"item": ["a", "b"]}), pd.DataFrame({"bits": np.zeros(0)})):
        read = pd.read_parquet(io.BytesIO(_as_parquet(table)))
        pd.testing.assert_frame_equal(read, table)
