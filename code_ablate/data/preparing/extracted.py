"""The documents of one corpus after extraction: what the judges see, and what is assembled.

extracted = ExtractedCorpus.load(results, validation_fraction=0.02)
extracted.documents.rows_N["text"]           # signatures, of all pieces together
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int, Shaped, UInt64

from code_ablate.data.preparing.extract import load_index
from code_ablate.data.preparing.pieces import PieceResult
from code_ablate.data.preparing.signatures import split_bound


@dataclass(frozen=True)
class PieceDocuments:
    """Documents of one piece, for work on the files that lie beside it."""

    corpus: str
    """Name of the corpus."""
    path: str
    """Path of the files, without their suffixes."""
    documents: int
    """Number of documents in the files."""
    place_N: Int[np.ndarray, " N"]
    """Numbers of the chosen documents in the files, ascending."""
    start: int
    """Number of the first document in the files among those of all pieces of the corpus."""
    first: int
    """Number of the first chosen document among the chosen ones of the corpus."""


@dataclass(frozen=True)
class Documents:
    """The documents of one corpus, as judges see them."""

    corpus: str
    """Name of the corpus."""
    rows_N: Shaped[np.ndarray, " N"]
    """Index rows: signatures, and length in `tokens` and `bytes`."""
    in_validation_N: Bool[np.ndarray, " N"]
    """Whether the document belongs to the validation split."""
    pieces: tuple[tuple[str, int], ...] = ()
    """Path of the files of each piece, without their suffixes, and its documents."""
    places: Int[np.ndarray, " N"] | None = None
    """Number of each document among those of all pieces; None: all of them are here."""

    @property
    def place_N(self) -> Int[np.ndarray, " N"]:
        """Number of each document among those of all pieces."""
        return np.arange(len(self.rows_N)) if self.places is None else self.places

    def by_piece(self) -> list[PieceDocuments]:
        """The documents of each piece that has some, in order."""
        ends = np.cumsum([documents for _, documents in self.pieces], dtype=np.int64)
        bounds = [0, *np.searchsorted(self.place_N, ends).tolist()]
        places = np.split(self.place_N, bounds[1:-1])
        starts = [0, *ends.tolist()]
        return [
            PieceDocuments(self.corpus, path, documents, place_N - start, start, first)
            for (path, documents), place_N, start, first in zip(
                self.pieces, places, starts, bounds, strict=False
            )
            if len(place_N)
        ]

    def subset(self, chosen_N: Bool[np.ndarray, " N"]) -> "Documents":
        """The chosen ones, in the same order."""
        return Documents(
            self.corpus,
            self.rows_N[chosen_N],
            self.in_validation_N[chosen_N],
            self.pieces,
            self.place_N[chosen_N],
        )


@dataclass(frozen=True)
class ExtractedCorpus:
    """The pieces of one corpus, put together in one order."""

    documents: Documents
    """The documents, as judges see them."""
    piece_N: Int[np.ndarray, " N"]
    """Index into `documents.pieces`, of each document."""

    @classmethod
    def load(cls, results: Sequence[PieceResult], validation_fraction: float) -> "ExtractedCorpus":
        """Puts all pieces of a corpus together; the order of `results` does not matter.

        Where the source has no validation split, one is taken by a hash of the text that the source
        gave (`signatures.split_word`); of documents that have become equal, all are held out if one
        is.
        """
        results = sorted(results, key=lambda result: (result.piece.split, result.piece.index))
        pieces = [load_index(result.path) for result in results]
        rows_N = np.concatenate(pieces)
        sizes = [len(index) for index in pieces]
        in_validation_N = np.repeat([r.piece.split == "validation" for r in results], sizes)
        if not any(r.piece.split == "validation" for r in results):
            in_validation_N = _split_words(rows_N) < np.uint64(split_bound(validation_fraction))
        return cls(
            Documents(
                results[0].piece.corpus,
                rows_N,
                in_validation_N,
                tuple(zip((result.path for result in results), sizes, strict=True)),
            ),
            np.repeat(np.arange(len(pieces)), sizes),
        )


def _split_words(rows_N: Shaped[np.ndarray, " N"]) -> UInt64[np.ndarray, " N"]:
    """The least split word of the documents with the same text, for each document."""
    words_N = rows_N["split"].copy()
    if (words_N == rows_N["text"][:, 1]).all():  # no document was rewritten
        return words_N
    _, group_N = np.unique(rows_N["text"], axis=0, return_inverse=True)
    least = np.full(group_N.max() + 1, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(least, group_N, words_N)
    return least[group_N]
