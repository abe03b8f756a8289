"""MinHash of documents: short sketches whose agreement estimates the Jaccard similarity.

    Sketches(permutations=256, ngram=5)          # side files of a piece: sketches and shingles
    bands(0.7, 256)                              # (42, 6): 42 bands of 6 values each

A document is the set of its word n-grams, its shingles (A. Z. Broder, On the resemblance and
containment of documents, 1997); one with fewer words is one shingle of all of them. `rensa` makes
the sketches from 64-bit hashes of the shingles (`word_hashes`), with a fixed seed: they are the
same on every machine. Two documents of similarity s share a whole band of r values with probability
s^r, and one of b bands with 1 - (1 - s^r)^b.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import UInt

from code_ablate.data.preparing import word_hashes
from code_ablate.data.preparing.shared_files import local_path
from code_ablate.data.preparing.side_files import ListWriter, SideWriter, list_suffixes
from code_ablate.data.preparing.word_hashes import Ragged, sequence_hashes, words_of
from code_ablate.data.registry import INSTALL
from code_ablate.errors import UserError

ALGORITHM = 2
"""The version of rensa's R-MinHash that is meant; another one gives other values."""

FOUND_AT_THRESHOLD = 0.99
"""Least probability with which a pair exactly at the threshold is looked at."""

SKETCH = ".sketch"
SHINGLES = "shingles"
_SEED = 20260101
_BLOCK = 4096
"""Documents whose sketches stand together, band by band."""
_FLUSHED_SHINGLES = 2**20


def version() -> str:
    """Which hashes the sketches hold: enters what stores are kept under."""
    return f"words {word_hashes.VERSION}, rensa R-MinHash {ALGORITHM}, seed {_SEED}"


def bands(threshold: float, permutations: int) -> tuple[int, int]:
    """(bands, values in each): the longest that almost surely find a pair at the threshold."""
    best = (permutations, 1)
    for rows in range(1, permutations + 1):
        count = permutations // rows
        if 1 - (1 - threshold**rows) ** count >= FOUND_AT_THRESHOLD:
            best = (count, rows)
    return best


def shingles(text: str, ngram: int) -> UInt[np.ndarray, " S"]:
    """Hashes of the different word n-grams of a text, sorted; none of a text without words."""
    words = words_of([text]).values
    if not len(words):
        return words
    return np.unique(sequence_hashes(words, min(ngram, len(words))))


def sketches(hashes: Ragged, permutations: int) -> UInt[np.ndarray, "N permutations"]:
    """The sketch of each set of hashes. Raises UserError for another version of rensa."""
    try:
        import rensa
    except ImportError:
        raise UserError(
            f"near-duplicates are found with rensa, which is missing: {INSTALL}."
        ) from None
    if rensa.RMinHash.ALGORITHM_VERSION != ALGORITHM:
        raise UserError(
            f"the installed rensa makes sketches of version {rensa.RMinHash.ALGORITHM_VERSION}, "
            f"not {ALGORITHM}: install the one that requirements.txt pins."
        )
    offsets = np.concatenate([[0], hashes.ends]).astype(np.uint64)
    matrix = rensa.RMinHash.digest_matrix_from_flat_token_hashes(
        np.ascontiguousarray(hashes.values, np.uint64), offsets, permutations, _SEED
    )
    return np.array(matrix.to_rows(), np.uint32).reshape(len(hashes.ends), permutations)


@dataclass(frozen=True)
class Sketches:
    """Side files with the sketch of each document, and with its shingles for an exact comparison.

    Bytes for each document: 4 for each permutation, 4 for each shingle, and 8.
    """

    permutations: int
    """Values of a sketch."""
    ngram: int
    """Words of a shingle."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Suffixes of the files."""
        return (SKETCH, *list_suffixes(SHINGLES))

    @property
    def description(self) -> Any:
        """What decides the sketches."""
        return {"sketches": [version(), self.permutations, self.ngram]}

    def writer(self, path: str) -> SideWriter:
        """A writer for one piece."""
        return _SketchWriter(path, self)


class _SketchWriter:
    def __init__(self, path: str, wanted: Sketches):
        self._wanted = wanted
        self._file = open(path + SKETCH, "wb")  # noqa: SIM115 - `finish` closes it
        self._shingles = ListWriter(path, SHINGLES, np.uint32)
        self._waiting: list[np.ndarray] = []
        self._waiting_shingles = 0
        self._block: list[np.ndarray] = []
        self._block_documents = 0

    def add(self, text: str, name: str) -> None:
        hashes = shingles(text, self._wanted.ngram)
        self._shingles.add(np.unique(hashes.astype(np.uint32)))
        self._waiting.append(hashes)
        self._waiting_shingles += len(hashes)
        full = self._block_documents + len(self._waiting) == _BLOCK
        if full or self._waiting_shingles >= _FLUSHED_SHINGLES:
            self._sketch()
        if full:
            self._write()

    def finish(self) -> None:
        self._sketch()
        self._write()
        self._file.close()
        self._shingles.finish()

    def _sketch(self) -> None:
        if not self._waiting:
            return
        ends = np.cumsum([len(hashes) for hashes in self._waiting])
        flat = Ragged(np.concatenate(self._waiting), ends)
        self._block.append(sketches(flat, self._wanted.permutations))
        self._block_documents += len(self._waiting)
        self._waiting, self._waiting_shingles = [], 0

    def _write(self) -> None:
        if self._block:
            self._file.write(np.concatenate(self._block).T.astype("<u4").tobytes())
        self._block, self._block_documents = [], 0


class SketchesOnDisk:
    """The sketches of all documents of some pieces."""

    def __init__(self, pieces: Sequence[tuple[str, int]], permutations: int):
        """`pieces`: path of each one's files, and its documents."""
        self._blocks: list[np.ndarray] = []
        for path, documents in pieces:
            values = np.zeros(0, "<u4")
            if documents:
                values = np.memmap(local_path(path + SKETCH), "<u4", mode="r")
            for first in range(0, documents, _BLOCK):
                size = min(_BLOCK, documents - first)
                start = first * permutations
                block = values[start : start + size * permutations]
                self._blocks.append(block.reshape(permutations, size))

    def band(self, first: int, rows: int) -> UInt[np.ndarray, " N"]:
        """A hash of the values first .. first + rows of each document's sketch."""
        return np.concatenate([*self._band(first, rows), np.zeros(0, np.uint64)])

    def _band(self, first: int, rows: int) -> Iterator[np.ndarray]:
        for block in self._blocks:
            total = np.full(block.shape[1], first, np.uint64)
            for row in block[first : first + rows]:
                total = word_hashes.mixed(total * np.uint64(0x9E3779B97F4A7C15) + row)
            yield total
