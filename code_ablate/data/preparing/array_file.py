"""Arrays of which nobody knows the length before they are written, as .npy files.

    writer = ArrayWriter(path, np.int64)
    writer.add(some_N)
    writer.finish()                     # np.load(path): all that was added

The file is what `np.save` would have written of the whole array.
"""

from typing import Any

import numpy as np
from jaxtyping import Shaped


class ArrayWriter:
    """Writes an array of one dimension part by part."""

    def __init__(self, path: str, dtype: Any):
        self._dtype, self._length = np.dtype(dtype), 0
        self._file = open(path, "wb")  # noqa: SIM115 - `finish` closes it
        self._header = self._write_header()

    def add(self, values_N: Shaped[np.ndarray, " N"]) -> None:
        """The next values."""
        self._file.write(np.ascontiguousarray(values_N, self._dtype).tobytes())
        self._length += len(values_N)

    def finish(self) -> None:
        """Enters the length, and closes the file: it is whole then."""
        self._file.seek(0)
        if self._write_header() != self._header:  # NumPy leaves space for the length to grow
            raise RuntimeError(f"{self._file.name}: the header has grown over the values")
        self._file.close()

    def _write_header(self) -> int:
        """Writes the header for what has come, and returns its bytes."""
        fields = {
            "descr": np.lib.format.dtype_to_descr(self._dtype),
            "fortran_order": False,
            "shape": (self._length,),
        }
        np.lib.format.write_array_header_1_0(self._file, fields)
        return self._file.tell()
