"""Pairs of documents that are similar: documents that share a band of their sketches are compared.

    grouping = SimilarPairs.of(pieces, paths, 0.7, 256, Joined(documents))
    for pairs_Px2 in group_here(grouping, pieces): ...       # ranks, the smaller one first

Which pairs are found depends on the documents of each group alone, in the order of their ranks; so
groups can be worked on anywhere and in any order (`runner.Grouping`).
"""

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int, Shaped

from code_ablate.data.preparing import minhash
from code_ablate.data.preparing.clusters import Clusters, number_dtype
from code_ablate.data.preparing.minhash import SHINGLES, SketchesOnDisk
from code_ablate.data.preparing.side_files import ListsOnDisk

VERSION = 2
"""To be raised when other pairs are found: it enters what stores are kept under."""

ALL_PAIRS = 64
"""Documents that share a band of which all pairs are compared; of more, each is compared with as
many that are not similar to each other."""

_PART_DOCUMENTS = 100_000
_ROW = np.dtype([("hash", "<u8"), ("rank", "<i8"), ("place", "<i8")])


@dataclass(frozen=True)
class RankedDocuments:
    """Documents of one piece, with the order in which they would stay."""

    path: str
    """Path of the piece's files, without their suffixes."""
    chosen_D: Bool[np.ndarray, " D"]
    """Whether each document in the files is compared."""
    first: int
    """Number of the first document in the files among those of all pieces."""
    rank_N: Int[np.ndarray, " N"]
    """Ranks of the documents that are compared, among those of all pieces."""


class Joined:
    """What is known of pairs that were found: spares comparisons, and changes no result."""

    def __init__(self, documents: int):
        self.clusters = Clusters(documents)
        self._similar_R = np.full(documents, -1, number_dtype(documents))

    def join(self, pairs_Px2: Int[np.ndarray, "P 2"]) -> None:
        """Enters pairs of ranks."""
        for first, second in pairs_Px2.tolist():
            self.clusters.join(first, second)
            self._similar_R[second] = first

    def are_similar(self, first: int, second: int) -> bool:
        """Whether this pair was the last one entered with `second`, the larger rank."""
        return self._similar_R[second] == first


@dataclass(frozen=True)
class Shingles:
    """The shingles of the documents of all pieces; opened where they are asked for."""

    paths: tuple[str, ...]
    """Paths of the files of all pieces, without their suffixes."""

    def __getstate__(self) -> dict:
        return {"paths": self.paths}

    @functools.cached_property
    def lists(self) -> ListsOnDisk:
        """The shingles of each document, numbered through all pieces."""
        return ListsOnDisk(self.paths, SHINGLES, np.uint32)


@dataclass(frozen=True)
class SimilarPairs:
    """A `Grouping` by bands: its results are pairs of ranks, as arrays of two columns."""

    shingles: Shingles
    """What pairs are compared by."""
    threshold: float
    """Least Jaccard similarity of a pair."""
    permutations: int
    """Values of a sketch."""
    bands: Sequence[int]
    """Numbers of the bands that are looked at."""
    parts: int = 1
    """Parts that each band's documents are divided into, by the hash of the band."""
    joined: Joined | None = None
    """What this process knows of pairs; other processes know nothing."""

    def __getstate__(self) -> dict:
        return {**self.__dict__, "joined": None}

    @classmethod
    def of(
        cls,
        pieces: Sequence[RankedDocuments],
        paths: Sequence[str],
        threshold: float,
        permutations: int,
        joined: Joined,
    ) -> "SimilarPairs":
        """The grouping that finds all pairs of the documents of some pieces."""
        count, _ = minhash.bands(threshold, permutations)
        parts = 1 + sum(len(piece.rank_N) for piece in pieces) // _PART_DOCUMENTS
        return cls(Shingles(tuple(paths)), threshold, permutations, range(count), parts, joined)

    def rounds(self) -> Sequence["SimilarPairs"]:
        """A round for each band."""
        return [dataclasses.replace(self, bands=(band,)) for band in self.bands]

    def spread(self, piece: RankedDocuments) -> Iterator[tuple[tuple, Shaped[np.ndarray, " N"]]]:
        """The hashes of each band; a document without words is compared with nothing."""
        place_N = np.flatnonzero(piece.chosen_D)
        has_words = ListsOnDisk([piece.path], SHINGLES, np.uint32).counts[place_N] > 0
        place_N, rank_N = place_N[has_words], piece.rank_N[has_words]
        sketches = SketchesOnDisk([(piece.path, len(piece.chosen_D))], self.permutations)
        _, size = minhash.bands(self.threshold, self.permutations)
        for band in self.bands:
            rows_N = np.empty(len(place_N), _ROW)
            rows_N["hash"] = sketches.band(band * size, size)[place_N]
            rows_N["rank"], rows_N["place"] = rank_N, place_N + piece.first
            part_N = rows_N["hash"] % np.uint64(self.parts)
            for part in range(self.parts):
                of_part = rows_N[part_N == part]
                if len(of_part):
                    yield (band, part), of_part

    def gather(
        self, key: tuple, values: Sequence[Shaped[np.ndarray, " N"]]
    ) -> Int[np.ndarray, "P 2"]:
        """The similar pairs among documents of which the hash of a band is the same."""
        del key
        rows_N = np.concatenate(values)
        rows_N = rows_N[np.lexsort((rows_N["rank"], rows_N["hash"]))]
        bounds = np.flatnonzero(np.diff(rows_N["hash"])) + 1
        bounds = np.concatenate([[0], bounds, [len(rows_N)]])
        pairs: list[tuple[int, int]] = []
        for first in np.flatnonzero(np.diff(bounds) > 1).tolist():
            group = rows_N[bounds[first] : bounds[first + 1]]
            pairs += self._pairs(group["rank"].tolist(), group["place"].tolist())
        return np.array(pairs, np.int64).reshape(-1, 2)

    def _pairs(self, ranks: list[int], places: list[int]) -> list[tuple[int, int]]:
        """Pairs that join all of a group that are similar. `ranks` ascend."""
        small = len(ranks) <= ALL_PAIRS
        here = Clusters(len(ranks))
        known = self.joined.clusters if self.joined and small else None
        others: list[int] = []
        pairs = []
        for number, rank in enumerate(ranks):
            for other in others:
                if here.together(number, other) or (known and known.together(rank, ranks[other])):
                    continue
                if self._similar((ranks[other], places[other]), (rank, places[number])):
                    here.join(number, other)
                    pairs.append((ranks[other], rank))
            is_new = small or not any(here.together(number, other) for other in others)
            if is_new and len(others) < ALL_PAIRS:
                others.append(number)
        return pairs

    def _similar(self, first: tuple[int, int], second: tuple[int, int]) -> bool:
        """Whether the exact Jaccard similarity of two documents reaches the threshold."""
        if self.joined and self.joined.are_similar(first[0], second[0]):
            return True
        lists = self.shingles.lists
        small, large = sorted((lists[place] for _, place in (first, second)), key=len)
        if len(small) < self.threshold * len(large):
            return False
        found = np.searchsorted(large, small)
        common = int((large[np.minimum(found, len(large) - 1)] == small).sum())
        return common >= self.threshold * (len(small) + len(large) - common)
