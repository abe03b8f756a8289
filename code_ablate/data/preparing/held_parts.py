"""Parts of evaluation items that documents hold, from the n-grams that were found in each.

    (common,) = group_here(CommonNgrams(rules), pieces)              # (corpus, n-grams) for each
    (parts,) = group_here(HeldParts(rules, table, dict([common])), pieces)

Both are `Grouping`s by corpus: pieces can be worked on anywhere and in any order.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from code_ablate.data.preparing.extracted import PieceDocuments
from code_ablate.data.preparing.leak_index import Decontamination, PartTable
from code_ablate.data.preparing.side_files import ListsOnDisk

HITS = "leaks"
"""Name of the side files with the n-grams that stand in each document."""


def _hits(piece: PieceDocuments) -> tuple[Int[np.ndarray, " F"], Int[np.ndarray, " F"]]:
    """(n-gram, document among the chosen ones of the piece), document by document."""
    lists = ListsOnDisk([piece.path], HITS, np.uint32)
    place_N = piece.place_N
    counts_N = lists.counts[place_N]
    having = np.flatnonzero(counts_N)
    hits = [lists[place].astype(np.int64) for place in place_N[having].tolist()]
    return np.concatenate([*hits, np.zeros(0, np.int64)]), np.repeat(having, counts_N[having])


@dataclass(frozen=True)
class CommonNgrams:
    """Finds the n-grams that more documents of a corpus have than `rules.common`."""

    rules: Decontamination
    """Rules by which items are looked for."""

    def rounds(self) -> Sequence["CommonNgrams"]:
        """A single one."""
        return [self]

    def spread(self, piece: PieceDocuments) -> Iterator[tuple[tuple, Any]]:
        """The n-grams in documents of a piece, and how many documents have each."""
        yield (piece.corpus,), np.unique(_hits(piece)[0], return_counts=True)

    def gather(self, key: tuple, values: Sequence[Any]) -> tuple[str, Int[np.ndarray, " C"]]:
        """(corpus, its common n-grams)."""
        ngrams, place = np.unique(
            np.concatenate([ngrams for ngrams, _ in values]), return_inverse=True
        )
        documents = np.bincount(place, np.concatenate([counts for _, counts in values]))
        return key[0], ngrams[documents > self.rules.common]


@dataclass(frozen=True)
class PartsInDocuments:
    """Parts that documents of a corpus hold, as columns, by document and part."""

    corpus: str
    """Name of the corpus."""
    document_M: Int[np.ndarray, " M"]
    """Numbers among the chosen documents of the corpus."""
    part_M: Int[np.ndarray, " M"]
    """Number of the part that the document holds."""
    ngrams_M: Int[np.ndarray, " M"]
    """N-grams of the part that stand in the document."""
    share_M: Float[np.ndarray, " M"]
    """Share of the part's n-grams."""

    @classmethod
    def none(cls, corpus: str) -> "PartsInDocuments":
        """A corpus without documents that hold a part."""
        numbers = np.zeros(0, np.int64)
        return cls(corpus, numbers, numbers, numbers, np.zeros(0))


@dataclass(frozen=True)
class HeldParts:
    """Finds the parts that each document holds."""

    rules: Decontamination
    """Rules by which items are looked for."""
    table: PartTable
    """The parts that n-grams belong to."""
    common: Mapping[str, Int[np.ndarray, " C"]]
    """Common n-grams of each corpus: of prose, any other one is enough."""

    def rounds(self) -> Sequence["HeldParts"]:
        """A single one."""
        return [self]

    def spread(self, piece: PieceDocuments) -> Iterator[tuple[tuple, PartsInDocuments]]:
        """What the documents of a piece hold."""
        ngram_F, document_F = _hits(piece)
        rare_F = ~np.isin(ngram_F, self.common[piece.corpus])
        which, part = self.table.parts_of(ngram_F)
        parts = max(len(self.table.ngrams_P), 1)
        pairs, inverse, ngrams_M = np.unique(
            document_F[which] * parts + part, return_inverse=True, return_counts=True
        )
        rare_M = np.bincount(inverse, rare_F[which], len(pairs)) > 0
        document_M, part_M = np.divmod(pairs, parts)
        share_M = ngrams_M / np.maximum(self.table.ngrams_P[part_M], 1)
        held_M: Bool[np.ndarray, " M"]
        held_M = (share_M >= self.rules.share) | (rare_M & self.table.single_P[part_M])
        columns = (document_M + piece.first, part_M, ngrams_M, share_M)
        yield (piece.corpus,), PartsInDocuments(piece.corpus, *(c[held_M] for c in columns))

    def gather(self, key: tuple, values: Sequence[PartsInDocuments]) -> PartsInDocuments:
        """What all documents of a corpus hold."""
        ordered = sorted(values, key=lambda one: one.document_M[:1].tolist())
        columns = [
            np.concatenate([getattr(one, name) for one in ordered])
            for name in ("document_M", "part_M", "ngrams_M", "share_M")
        ]
        return PartsInDocuments(key[0], *columns)
