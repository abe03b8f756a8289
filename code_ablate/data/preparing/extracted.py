"""The documents of one corpus after extraction: what the judges see, and what is assembled.

extracted = ExtractedCorpus.load(results, validation_fraction=0.02)
for block in extracted.documents.blocks(): block.rows_N["text"]    # signatures
extracted.documents.rows_N["bytes"]                                # of all, held in memory

Index rows stay on the disk of the pieces, because there may be more than fit into memory. What is
held for each document is whether it belongs to the validation split, and whether it was chosen.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Int, Shaped

from code_ablate import storage
from code_ablate.data.preparing.extract import load_index
from code_ablate.data.preparing.pieces import INDEX, PieceResult
from code_ablate.data.preparing.shared_files import local_path
from code_ablate.data.preparing.signatures import split_bound
from code_ablate.data.preparing.sorted_rows import SortedRows, with_first
from code_ablate.errors import Failed

_BLOCK_ROWS = 2**15


class Block(NamedTuple):
    """Index rows of some documents that follow each other in one piece."""

    first: int
    """Number of the first of them among the documents."""
    piece: int
    """Number of the piece; 0 where all rows are held in memory."""
    rows_N: Shaped[np.ndarray, " N"]
    """Index rows."""

    @property
    def numbers(self) -> slice:
        """Numbers of the documents."""
        return slice(self.first, self.first + len(self.rows_N))


@dataclass(frozen=True)
class IndexRows:
    """Index rows in the files of pieces: a column or a block is read when it is asked for."""

    pieces: tuple[tuple[str, int], ...]
    """Path of the files of each piece, without their suffixes, and its documents."""
    chosen: Bool[np.ndarray, " all"] | None = None
    """Whether each document of all pieces is meant; None: all are."""

    def __len__(self) -> int:
        if self.chosen is None:
            return sum(documents for _, documents in self.pieces)
        return int(np.count_nonzero(self.chosen))

    def __getitem__(self, field: str) -> Shaped[np.ndarray, "N ..."]:
        """A field of all rows, in memory."""
        return np.concatenate([block.rows_N[field] for block in self.blocks()])

    def blocks(self) -> Iterator[Block]:
        """All rows in order, some at a time; at least one block.

        Raises Failed for a file that is shorter than it was.
        """
        number = start = 0
        for piece, (path, documents) in enumerate(self.pieces):
            index = load_index(path)  # mapped, and never read as such: pages would stay in memory
            with open(local_path(path + INDEX), "rb") as file:
                file.seek(index.offset)
                for first in range(0, max(documents, 1), _BLOCK_ROWS):
                    wanted = min(_BLOCK_ROWS, documents - first)
                    rows_N = np.fromfile(file, index.dtype, wanted)
                    if len(rows_N) != wanted:
                        raise Failed(
                            f"{file.name} was cut while it was read: run the command again."
                        )
                    if self.chosen is not None:
                        rows_N = rows_N[self.chosen[start + first : start + first + wanted]]
                    yield Block(number, piece, rows_N)
                    number += len(rows_N)
            start += documents


@dataclass(frozen=True)
class PieceDocuments:
    """Documents of one piece, for work on the files that lie beside it."""

    corpus: str
    """Name of the corpus."""
    path: str
    """Path of the files, without their suffixes."""
    chosen_D: Bool[np.ndarray, " D"]
    """Whether each document in the files was chosen."""
    start: int
    """Number of the first document in the files among those of all pieces of the corpus."""
    first: int
    """Number of the first chosen document among the chosen ones of the corpus."""

    @property
    def place_N(self) -> Int[np.ndarray, " N"]:
        """Numbers of the chosen documents in the files, ascending."""
        return np.flatnonzero(self.chosen_D)


@dataclass(frozen=True)
class Documents:
    """The documents of one corpus, as judges see them."""

    corpus: str
    """Name of the corpus."""
    rows_N: Any
    """Index rows, signatures and length in `tokens` and `bytes`: an array of them, or `IndexRows`,
    of which `rows_N[field]` reads a column into memory."""
    in_validation_N: Bool[np.ndarray, " N"]
    """Whether the document belongs to the validation split."""
    pieces: tuple[tuple[str, int], ...] = ()
    """Path of the files of each piece, without their suffixes, and its documents."""
    chosen: Bool[np.ndarray, " all"] | None = None
    """Whether each document of all pieces is among these; None: all of them are."""

    @property
    def folder(self) -> str | None:
        """Local folder of the pieces, for temporary files; None where they have none."""
        folder = os.path.dirname(self.pieces[0][0]) if self.pieces else ""
        return folder if folder and not storage.is_remote(folder) else None

    @property
    def place_N(self) -> Int[np.ndarray, " N"]:
        """Number of each document among those of all pieces."""
        return np.arange(len(self.rows_N)) if self.chosen is None else np.flatnonzero(self.chosen)

    def blocks(self) -> Iterator[Block]:
        """The rows of all documents in order, some at a time."""
        if isinstance(self.rows_N, IndexRows):
            yield from self.rows_N.blocks()
            return
        for first in range(0, len(self.rows_N), _BLOCK_ROWS):
            yield Block(first, 0, self.rows_N[first : first + _BLOCK_ROWS])

    def by_piece(self) -> list[PieceDocuments]:
        """The documents of each piece that has some, in order."""
        found, start, first = [], 0, 0
        for path, documents in self.pieces:
            chosen_D = np.ones(documents, bool)
            if self.chosen is not None:
                chosen_D = self.chosen[start : start + documents]
            if chosen_D.any():
                found.append(PieceDocuments(self.corpus, path, chosen_D, start, first))
            start, first = start + documents, first + int(np.count_nonzero(chosen_D))
        return found

    def subset(self, chosen_N: Bool[np.ndarray, " N"]) -> "Documents":
        """The chosen ones, in the same order."""
        chosen = chosen_N.copy() if self.chosen is None else self.chosen.copy()
        if self.chosen is not None:
            chosen[self.chosen] = chosen_N
        if isinstance(self.rows_N, IndexRows):
            rows: Any = IndexRows(self.pieces, chosen)
        else:
            rows = self.rows_N[chosen_N]
        return Documents(self.corpus, rows, self.in_validation_N[chosen_N], self.pieces, chosen)


@dataclass(frozen=True)
class ExtractedCorpus:
    """The pieces of one corpus, put together in one order."""

    documents: Documents
    """The documents, as judges see them; their rows are `IndexRows`."""

    @classmethod
    def load(cls, results: Sequence[PieceResult], validation_fraction: float) -> "ExtractedCorpus":
        """Puts all pieces of a corpus together; the order of `results` does not matter.

        Where the source has no validation split, one is taken by a hash of the text that the source
        gave (`signatures.split_word`); of documents that have become equal, all are held out if one
        is.
        """
        results = sorted(results, key=lambda result: (result.piece.split, result.piece.index))
        pieces = tuple((result.path, len(load_index(result.path))) for result in results)
        corpus = results[0].piece.corpus
        sizes = [documents for _, documents in pieces]
        in_validation_N = np.repeat([r.piece.split == "validation" for r in results], sizes)
        documents = Documents(corpus, IndexRows(pieces), in_validation_N, pieces)
        if not any(r.piece.split == "validation" for r in results):
            _hold_out(documents, validation_fraction)
        return cls(documents)


def _hold_out(documents: Documents, fraction: float) -> None:
    """Enters which documents are held out by the split words of their texts."""
    bound, rewritten = np.uint64(split_bound(fraction)), False
    for block in documents.blocks():
        words_N = block.rows_N["split"]
        documents.in_validation_N[block.numbers] = words_N < bound
        rewritten = rewritten or bool((words_N != block.rows_N["text"][:, 1]).any())
    if not rewritten:
        return
    dtype = [("high", "<u8"), ("low", "<u8"), ("split", "<u8"), ("number", "<i8")]
    with SortedRows(dtype, ("high", "low", "split"), documents.folder) as by_text:
        for block in documents.blocks():
            rows_N = np.empty(len(block.rows_N), dtype)
            rows_N["high"], rows_N["low"] = block.rows_N["text"].T
            rows_N["split"] = block.rows_N["split"]
            rows_N["number"] = np.arange(len(rows_N)) + block.first
            by_text.add(rows_N)
        for rows_N, first_N, _ in with_first(by_text.in_order(), ("high", "low")):
            documents.in_validation_N[rows_N["number"]] = first_N["split"] < bound
