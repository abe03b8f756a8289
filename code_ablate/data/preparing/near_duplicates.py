"""Documents that are nearly equal to another one: found by MinHash, decided by exact Jaccard.

    config = Deduplication(threshold=0.7, order=("demo.text", "demo.web_code"))
    verdicts = NearDuplicates(config).judge([text_documents, code_documents])

Pairs that share a band of their sketches are compared by their shingles (`similar_pairs`), and
those at or above the threshold are joined into clusters. Of a cluster one document stays: a
validation document before training documents, then one of the corpus that comes first in the order,
then the longest, then the one with the smallest hash of its text. So nothing depends on how a
corpus was cut into pieces. Takes about 200 bytes of memory for each document, beside the 56 of its
index row; sketches and shingles stay on disk.
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
from code_ablate.data.preparing.clusters import Clusters
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
from code_ablate.data.preparing.verdicts import Verdicts
from code_ablate.errors import UserError

NEAR_DUPLICATE = "near_duplicate"
IN_EARLIER_CORPUS = "near_duplicate_in_other_corpus"
NEAR_VALIDATION = "resembles_validation_document"

FINDINGS = "near_duplicates"
"""What the judge says about clusters, among the findings of its verdicts."""

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
        corpus_R, validation_R = together.corpus_N[together.by_rank], together.validation_R
        gone_R = kept_R != np.arange(len(kept_R))
        leaks_R = gone_R & ~validation_R & validation_R[kept_R]
        elsewhere_R = gone_R & ~leaks_R & (corpus_R[kept_R] != corpus_R)
        reasons = {
            NEAR_VALIDATION: leaks_R,
            NEAR_DUPLICATE: gone_R & ~leaks_R & ~elsewhere_R,
            IN_EARLIER_CORPUS: elsewhere_R,
        }
        verdicts = []
        for number, documents in enumerate(corpora):
            ranks_D = together.rank_N[together.corpus_N == number]
            dropped = {reason: gone_R[ranks_D] for reason, gone_R in reasons.items()}
            findings = {FINDINGS: together.report(number, kept_R)}
            verdicts.append(Verdicts.of(dropped, len(documents.rows_N), findings))
        return verdicts


class Together:
    """The documents of all corpora behind each other, and in the order in which they would stay."""

    def __init__(self, corpora: Sequence[Documents]):
        self._corpora = corpora
        sizes = [len(documents.rows_N) for documents in corpora]
        self.corpus_N = np.repeat(np.arange(len(corpora)), sizes)
        validation_N = np.concatenate([d.in_validation_N for d in corpora])
        bytes_N = np.concatenate([d.rows_N["bytes"] for d in corpora])
        text_Nx2 = np.concatenate([d.rows_N["text"] for d in corpora])
        keys = (text_Nx2[:, 1], text_Nx2[:, 0], -bytes_N, self.corpus_N, ~validation_N)
        self.by_rank: Int[np.ndarray, " N"] = np.lexsort(keys)
        self.rank_N = np.empty_like(self.by_rank)
        self.rank_N[self.by_rank] = np.arange(len(self.by_rank))
        self.validation_R = validation_N[self.by_rank]
        self._place_N = np.concatenate([d.place_N for d in corpora])
        self._paths = [[path for path, _ in d.pieces] for d in corpora]
        self._names = [ListsOnDisk(paths, "names", np.uint8) for paths in self._paths]

    def clusters(self, config: Deduplication, group: Group) -> Clusters:
        """Joins what is similar, by rank."""
        joined, pieces = Joined(len(self.by_rank)), list(self._pieces())
        paths = [path for paths in self._paths for path in paths]
        for pairs in group(
            SimilarPairs.of(pieces, paths, config.threshold, config.permutations, joined), pieces
        ):
            joined.join(pairs)
        return joined.clusters

    def _pieces(self) -> Iterator[RankedDocuments]:
        """The documents of each piece, numbered through all pieces of all corpora."""
        start = rows = 0
        for documents in self._corpora:
            for piece in documents.by_piece():
                begin = rows + piece.first
                rank_N = self.rank_N[begin : begin + len(piece.place_N)]
                yield RankedDocuments(
                    piece.path, piece.documents, start + piece.start, piece.place_N, rank_N
                )
            start += sum(count for _, count in documents.pieces)
            rows += len(documents.rows_N)

    def report(self, corpus: int, kept_R: Int[np.ndarray, " N"]) -> Mapping[str, Any]:
        """Number, sizes and largest of the clusters that hold a document of the corpus."""
        size_R = np.bincount(kept_R, minlength=len(kept_R))
        here = np.unique(kept_R[self.rank_N[self.corpus_N == corpus]])
        roots = here[size_R[here] > 1]
        sizes = size_R[roots]
        bins = Counter(_bin(int(size)) for size in sizes)
        largest = roots[np.lexsort((roots, -sizes))][:_SHOWN]
        return {
            "clusters": len(roots),
            "documents": int(sizes.sum()),
            "sizes": dict(sorted(bins.items(), key=lambda item: int(item[0].partition("-")[0]))),
            "largest": [self._describe(np.flatnonzero(kept_R == root)) for root in largest],
        }

    def _describe(self, ranks: Int[np.ndarray, " C"]) -> dict[str, Any]:
        numbers = self.by_rank[ranks]
        counts = Counter(self._corpora[corpus].corpus for corpus in self.corpus_N[numbers].tolist())
        shown = []
        for number in numbers[:_SHOWN_DOCUMENTS].tolist():
            corpus = int(self.corpus_N[number])
            name, line = name_and_line(self._names[corpus], int(self._place_N[number]))
            shown.append([self._corpora[corpus].corpus, name, line])
        return {"documents": len(ranks), "by_corpus": dict(counts), "first": shown}


def _bin(size: int) -> str:
    """The sizes 2, 3, then twice as many each time: 4-7, 8-15, ..."""
    if size < 4:
        return str(size)
    low = 1 << (size.bit_length() - 1)
    return f"{low}-{2 * low - 1}"
