"""Arrays that are written part by part."""

import io

import numpy as np
import pytest

from code_ablate.data.preparing.array_file import ArrayWriter
from code_ablate.data.preparing.signatures import ALWAYS, index_dtype


@pytest.mark.parametrize("dtype", [np.int64, index_dtype(ALWAYS)])
@pytest.mark.parametrize("length", [0, 1, 12_345])
def test_the_file_is_the_one_of_numpy(tmp_path, dtype, length):
    rng = np.random.default_rng(0)
    itemsize = np.dtype(dtype).itemsize
    whole = np.frombuffer(rng.bytes(length * itemsize), dtype)
    writer = ArrayWriter(str(tmp_path / "a.npy"), dtype)
    for part in np.array_split(whole, 7):
        writer.add(part)
    writer.finish()
    saved = io.BytesIO()
    np.save(saved, whole)
    assert (tmp_path / "a.npy").read_bytes() == saved.getvalue()
