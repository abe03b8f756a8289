"""What judges know of a document beyond its index row: files that are written beside a piece.

    files = (Names(), Sketches(permutations=256, ngram=5))       # a piece's `side_files`
    ListsOnDisk(path, "shingles", np.uint32)[17]                 # values of document 17

A MinHash of 256 values, or all that a document shares with evaluation items, lies on the disk of
the pieces, as index rows do, and a judge reads what it needs.
"""

import os
import threading
import weakref
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from code_ablate.data.preparing.array_file import ArrayWriter
from code_ablate.data.preparing.shared_files import local_path
from code_ablate.errors import Failed

_FIRST_LINE = 100
_HELD_ENDS = 2**14
_OPEN_FILES = 128


class SideWriter(Protocol):
    """Writes what is kept of the documents of one piece, in their order."""

    def add(self, text: str, name: str) -> None:
        """The next document. `name`: where it comes from, as far as the Task says so."""
        ...

    def finish(self) -> None:
        """Writes what is left; the files are whole then."""
        ...


class SideFiles(Protocol):
    """A kind of side files, as a picklable value: its fields decide what is written."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Suffixes of the files."""
        ...

    @property
    def description(self) -> Any:
        """Plain values that decide the content beside the documents."""
        ...

    def writer(self, path: str) -> SideWriter:
        """A writer for the piece whose files begin with `path`."""
        ...


class ListWriter:
    """Writes a list of numbers for each document: all lists in one file, their ends in another."""

    def __init__(self, path: str, name: str, dtype: Any):
        self._file = open(f"{path}.{name}", "wb")  # noqa: SIM115 - `finish` closes it
        self._ends_file = ArrayWriter(f"{path}.{name}.ends.npy", np.int64)
        self._dtype, self._ends, self._end = np.dtype(dtype), array("q"), 0

    def add(self, values: np.ndarray) -> None:
        """The list of the next document."""
        self._file.write(np.ascontiguousarray(values, self._dtype).tobytes())
        self._end += len(values)
        self._ends.append(self._end)
        if len(self._ends) == _HELD_ENDS:
            self._write_ends()

    def finish(self) -> None:
        """Closes both files."""
        self._file.close()
        self._write_ends()
        self._ends_file.finish()

    def _write_ends(self) -> None:
        self._ends_file.add(np.frombuffer(self._ends, np.int64))
        self._ends = array("q")


def list_suffixes(name: str) -> tuple[str, str]:
    """Suffixes of the files of a `ListWriter`."""
    return (f".{name}", f".{name}.ends.npy")


class ListsOnDisk:
    """The lists of all documents of some pieces, each read when it is asked for.

    Files that are mapped would be counted as this process's memory, page by page as they are read.
    """

    def __init__(self, paths: Iterable[str], name: str, dtype: Any):
        self._dtype, self._files = np.dtype(dtype), _OpenFiles()
        self._values, self._ends, self._offsets, sizes = [], [], [], []
        for path in paths:
            self._values.append(local_path(f"{path}.{name}"))
            self._ends.append(local_path(f"{path}.{name}.ends.npy"))
            ends = np.load(self._ends[-1], mmap_mode="r")
            self._offsets.append(ends.offset)
            sizes.append(len(ends))
        self._first = np.cumsum([0, *sizes])

    def __getitem__(self, document: int) -> np.ndarray:
        """The list of a document, counted over all pieces. Raises Failed where it is cut."""
        piece = int(np.searchsorted(self._first, document, "right")) - 1
        place = document - int(self._first[piece])
        before = min(place, 1)  # the first list begins at 0
        offset = self._offsets[piece] + 8 * (place - before)
        content = self._files.read(self._ends[piece], offset, 8 * (1 + before))
        start, end = [0, *np.frombuffer(content, np.int64).tolist()][-2:]
        size = self._dtype.itemsize
        content = self._files.read(self._values[piece], start * size, (end - start) * size)
        return np.frombuffer(content, self._dtype)

    @property
    def counts(self) -> np.ndarray:
        """Length of each document's list."""
        return np.concatenate([np.diff(np.load(ends), prepend=0) for ends in self._ends])


class _OpenFiles:
    """Files that are read here and there, by any thread; few are open at a time."""

    def __init__(self) -> None:
        self._open: dict[str, int] = {}
        self._reading = threading.Lock()
        weakref.finalize(self, _close_all, self._open)

    def read(self, path: str, offset: int, size: int) -> bytes:
        with self._reading:
            if path not in self._open:
                if len(self._open) == _OPEN_FILES:
                    _close_all(self._open)
                self._open[path] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            content = os.pread(self._open[path], size, offset)
        if len(content) != size:
            raise Failed(f"{path} was cut while it was read: run the command again.")
        return content


def _close_all(files: dict[str, int]) -> None:
    while files:
        os.close(files.popitem()[1])


@dataclass(frozen=True)
class Names:
    """Where each document comes from, and its first line: to tell people which one is meant."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Suffixes of the files."""
        return list_suffixes("names")

    @property
    def description(self) -> Any:
        """What is written."""
        return {"names": _FIRST_LINE}

    def writer(self, path: str) -> SideWriter:
        """A writer for one piece."""
        return _NameWriter(path)


class _NameWriter:
    def __init__(self, path: str):
        self._lists = ListWriter(path, "names", np.uint8)

    def add(self, text: str, name: str) -> None:
        first = next((line.strip() for line in text[:10_000].split("\n") if line.strip()), "")
        line = f"{name}\n{first[:_FIRST_LINE]}".encode("utf-8", "replace")
        self._lists.add(np.frombuffer(line, np.uint8))

    def finish(self) -> None:
        self._lists.finish()


def name_and_line(names: ListsOnDisk, document: int) -> tuple[str, str]:
    """(where a document comes from, or "", its first line)."""
    name, _, line = bytes(names[document]).decode("utf-8", "replace").partition("\n")
    return name, line
