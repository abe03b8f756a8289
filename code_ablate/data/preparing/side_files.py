"""What judges know of a document beyond its index row: files that are written beside a piece.

    files = (Names(), Sketches(permutations=256, ngram=5))       # a piece's `side_files`
    ListsOnDisk(path, "shingles", np.uint32)[17]                 # values of document 17

An index row is short and is held in memory. A MinHash of 256 values, or all that a document shares
with evaluation items, is not: it lies on the disk of the pieces, and a judge reads what it needs.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from code_ablate.data.preparing.shared_files import local_path

_FIRST_LINE = 100


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
        self._path, self._dtype = f"{path}.{name}.ends.npy", np.dtype(dtype)
        self._counts: list[int] = []

    def add(self, values: np.ndarray) -> None:
        """The list of the next document."""
        self._file.write(np.ascontiguousarray(values, self._dtype).tobytes())
        self._counts.append(len(values))

    def finish(self) -> None:
        """Closes the one file, and writes the other."""
        self._file.close()
        with open(self._path, "w+b") as file:  # not "wb": NumPy would hide why a disk fails
            np.save(file, np.cumsum(self._counts, dtype=np.int64))


def list_suffixes(name: str) -> tuple[str, str]:
    """Suffixes of the files of a `ListWriter`."""
    return (f".{name}", f".{name}.ends.npy")


class ListsOnDisk:
    """The lists of all documents of some pieces, memory-mapped."""

    def __init__(self, paths: Iterable[str], name: str, dtype: Any):
        self._values, ends = [], []
        for path in paths:
            file = local_path(f"{path}.{name}")
            size = os.path.getsize(file)
            self._values.append(np.memmap(file, dtype, mode="r") if size else np.zeros(0, dtype))
            ends.append(np.load(local_path(f"{path}.{name}.ends.npy"), mmap_mode="r"))
        self._ends = ends
        self._first = np.cumsum([0, *map(len, ends)])

    def __getitem__(self, document: int) -> np.ndarray:
        """The list of a document, counted over all pieces."""
        piece = int(np.searchsorted(self._first, document, "right")) - 1
        ends, place = self._ends[piece], document - int(self._first[piece])
        return self._values[piece][int(ends[place - 1]) if place else 0 : int(ends[place])]

    @property
    def counts(self) -> np.ndarray:
        """Length of each document's list."""
        return np.concatenate([np.diff(ends, prepend=0) for ends in self._ends])


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
