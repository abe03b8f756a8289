"""Documents that are nearly equal to another one: found by MinHash, decided by exact Jaccard.

    config = Deduplication(threshold=0.7, order=("demo.text", "demo.web_code"))
    verdicts = NearDuplicates(config).judge([text_documents, code_documents])

Pairs that share a band of their sketches are compared by their shingles (`similar_pairs`), and
those at or above the threshold are joined into clusters. Of a cluster one document stays: a
validation document before training documents, then one of the corpus that comes first in the order,
then the longest, then the one with the smallest hash of its text. So nothing depends on how a
corpus was cut into pieces. Takes some 20 bytes of memory for each document; index rows, sketches
and shingles stay on disk.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Gt, Le
from jaxtyping import Int

from code_ablate.checked import checked
from code_ablate.data.preparing import minhash
from code_ablate.data.preparing.clusters import Clusters, number_dtype
from code_ablate.data.preparing.extracted import Documents
from code_ablate.data.preparing.minhash import Sketches
from code_ablate.data.preparing.runner import Group, group_here
from code_ablate.data.preparing.side_files import ListsOnDisk, Names, SideFiles, name_and_line
from code_ablate.data.preparing.similar_pairs import (
    VERSION,
    Joined,
    RankedDocuments,
    SimilarPairs,
)
from code_ablate.data.preparing.sorted_rows import SortedRows
from code_ablate.data.preparing.verdicts import Verdicts
from code_ablate.errors import UserError

NEAR_DUPLICATE = "near_duplicate"
IN_EARLIER_CORPUS = "near_duplicate_in_other_corpus"
NEAR_VALIDATION = "resembles_validation_document"

FINDINGS = "near_duplicates"
"""What the judge says about clusters, among the findings of its verdicts."""

_KEYS = ("train", "corpus", "minus_bytes", "high", "low")
_RANKED = np.dtype(
    [
        ("train", "?"),
        ("corpus", "<i4"),
        ("minus_bytes", "<i8"),
        ("high", "<u8"),
        ("low", "<u8"),
        ("number", "<i8"),
    ]
)

_SHOWN = 10
_SHOWN_DOCUMENTS = 4


@checked
@dataclass(frozen=True)
class Deduplication:
    """Which documents count as near-duplicates, and in which corpora they are looked for."""

    threshold: Annotated[float, Gt(0), Le(1)] = 0.7
    """Least Jaccard similarity of two documents, as sets of word n-grams, that makes them
    near-duplicates."""
    permutations: Annotated[int, Ge(16), Le(4096)] = 256
    """Values of a document's MinHash."""
    ngram: Annotated[int, Ge(1), Le(100)] = 5
    """Words of an n-gram."""
    order: tuple[str, ...] = ()
    """Corpora that are compared with each other, too, in the order of precedence: of documents that
    are near-duplicates, one of the first corpus stays. They are prepared together. A corpus that is
    not among them is compared with itself; and of its training documents those leave that resemble
    a validation document of the corpora in the order, which are prepared before it."""

    def __post_init__(self):
        if len(set(self.order)) != len(self.order):
            raise UserError(f"Deduplication.order is {self.order}: name each corpus once.")

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the verdicts beside the documents."""
        return {
            "hashes": minhash.version(),
            "pairs": VERSION,
            "threshold": self.threshold,
            "ngram": self.ngram,
            "bands": list(minhash.bands(self.threshold, self.permutations)),
            "permutations": self.permutations,
        }


@dataclass(frozen=True)
class NearDuplicates:
    """Keeps one of each cluster of near-duplicates; over all corpora that are judged together."""

    config: Deduplication
    """Which documents count as near-duplicates."""

    @property
    def signatures(self) -> tuple[str, ...]:
        """The hash of the text."""
        return ("text",)

    def side_files(self, folder: str) -> tuple[SideFiles, ...]:
        """Sketches and shingles, and names for the report."""
        del folder
        return (Sketches(self.config.permutations, self.config.ngram), Names())

    def judge(self, corpora: Sequence[Documents], group: Group = group_here) -> list[Verdicts]:
        """The verdicts over each corpus; `corpora` in the order of precedence."""
        together = Together(corpora)
        clusters = together.clusters(self.config, group)
        kept_R = clusters.root_N  # by rank: the first of a cluster stays
        corpus_R, validation_R = together.corpus_R, together.validation_R
        gone = gone_ranks(kept_R)
        kept = kept_R[gone]
        reason_R = np.zeros(len(kept_R), np.int8)
        reason_R[gone] = np.where(corpus_R[kept] == corpus_R[gone], 2, 3)
        reason_R[gone[~validation_R[gone] & validation_R[kept]]] = 1
        return [
            Verdicts(
                (NEAR_VALIDATION, NEAR_DUPLICATE, IN_EARLIER_CORPUS),
                reason_R[together.ranks_of(number)],
                {FINDINGS: together.report(number, kept_R)},
            )
            for number in range(len(corpora))
        ]


def gone_ranks(kept_R: Int[np.ndarray, " N"]) -> Int[np.ndarray, " G"]:
    """The ranks of which another one is kept."""
    return np.flatnonzero(kept_R != np.arange(len(kept_R), dtype=kept_R.dtype))


class Together:
    """The documents of all corpora behind each other, and in the order in which they would stay."""

    def __init__(self, corpora: Sequence[Documents]):
        self._corpora = corpora
        sizes = [len(documents.rows_N) for documents in corpora]
        self._starts = np.cumsum([0, *sizes]).tolist()
        total = self._starts[-1]
        self.rank_N = np.empty(total, number_dtype(total))
        self.corpus_R = np.empty(total, np.min_scalar_type(len(corpora)))
        self.validation_R = np.empty(total, bool)
        self._rank()
        self._paths = [[path for path, _ in d.pieces] for d in corpora]
        self._names = [ListsOnDisk(paths, "names", np.uint8) for paths in self._paths]

    def _rank(self) -> None:
        """Enters the rank of each document, and corpus and split of each rank."""
        with SortedRows(_RANKED, _KEYS, self._corpora[-1].folder) as ranked:
            for number, (start, documents) in enumerate(
                zip(self._starts, self._corpora, strict=False)
            ):
                for block in documents.blocks():
                    rows_N = np.empty(len(block.rows_N), _RANKED)
                    rows_N["train"] = ~documents.in_validation_N[block.numbers]
                    rows_N["corpus"] = number
                    rows_N["minus_bytes"] = -block.rows_N["bytes"]
                    rows_N["high"], rows_N["low"] = block.rows_N["text"].T
                    rows_N["number"] = np.arange(len(rows_N)) + start + block.first
                    ranked.add(rows_N)
            first = 0
            for rows_N in ranked.in_order():
                ranks = slice(first, first + len(rows_N))
                self.rank_N[rows_N["number"]] = np.arange(ranks.start, ranks.stop)
                self.corpus_R[ranks] = rows_N["corpus"]
                self.validation_R[ranks] = ~rows_N["train"]
                first = ranks.stop

    def ranks_of(self, corpus: int) -> Int[np.ndarray, " N"]:
        """The rank of each document of a corpus."""
        return self.rank_N[self._starts[corpus] : self._starts[corpus + 1]]

    def clusters(self, config: Deduplication, group: Group) -> Clusters:
        """Joins what is similar, by rank."""
        joined, pieces = Joined(len(self.rank_N)), list(self._pieces())
        paths = [path for paths in self._paths for path in paths]
        for pairs in group(
            SimilarPairs.of(pieces, paths, config.threshold, config.permutations, joined), pieces
        ):
            joined.join(pairs)
        return joined.clusters

    def _pieces(self) -> Iterator[RankedDocuments]:
        """The documents of each piece, numbered through all pieces of all corpora."""
        start = 0
        for number, documents in enumerate(self._corpora):
            ranks_N = self.ranks_of(number)
            for piece in documents.by_piece():
                rank_N = ranks_N[piece.first :][: np.count_nonzero(piece.chosen_D)]
                yield RankedDocuments(piece.path, piece.chosen_D, start + piece.start, rank_N)
            start += sum(count for _, count in documents.pieces)

    def report(self, corpus: int, kept_R: Int[np.ndarray, " N"]) -> Mapping[str, Any]:
        """Number, sizes and largest of the clusters that hold a document of the corpus."""
        gone = gone_ranks(kept_R)
        roots, sizes = np.unique(kept_R[gone], return_counts=True)
        here = kept_R[gone[self.corpus_R[gone] == corpus]]
        of_corpus = (self.corpus_R[roots] == corpus) | np.isin(roots, here)
        roots, sizes = roots[of_corpus], sizes[of_corpus] + 1
        bins = Counter(_bin(int(size)) for size in sizes)
        largest = roots[np.lexsort((roots, -sizes))][:_SHOWN]
        return {
            "clusters": len(roots),
            "documents": int(sizes.sum()),
            "sizes": dict(sorted(bins.items(), key=lambda item: int(item[0].partition("-")[0]))),
            "largest": [self._describe(np.flatnonzero(kept_R == root)) for root in largest],
        }

    def _describe(self, ranks: Int[np.ndarray, " C"]) -> dict[str, Any]:
        counts = Counter(self._corpora[corpus].corpus for corpus in self.corpus_R[ranks].tolist())
        shown = []
        for rank in ranks[:_SHOWN_DOCUMENTS].tolist():
            corpus = int(self.corpus_R[rank])
            number = int(np.flatnonzero(self.ranks_of(corpus) == rank)[0])
            place = int(self._corpora[corpus].place_N[number])
            name, line = name_and_line(self._names[corpus], place)
            shown.append([self._corpora[corpus].corpus, name, line])
        return {"documents": len(ranks), "by_corpus": dict(counts), "first": shown}


def _bin(size: int) -> str:
    """The sizes 2, 3, then twice as many each time: 4-7, 8-15, ..."""
    if size < 4:
        return str(size)
    low = 1 << (size.bit_length() - 1)
    return f"{low}-{2 * low - 1}"
