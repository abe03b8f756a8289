"""Documents that hold items of evaluation tasks: they leave every corpus, and are listed.

    judge = Decontaminate.of(Decontamination(tasks=("mbpp",)))
    verdicts = judge.judge([documents])[0]
    verdicts.findings["contamination"]        # a `contamination_record.Contamination`

A document holds a part of an item (its prompt, or its answer) if it has at least
`Decontamination.share` of the part's n-grams; of prose a single n-gram is enough that few documents
of the corpus have (`leak_index` says which n-grams count). Training and validation documents leave
alike.
"""

import functools
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int, UInt64

from code_ablate.data.preparing.contamination_record import (
    Contamination,
    FoundItem,
    Match,
    RemovedDocument,
)
from code_ablate.data.preparing.evaluation_items import (
    item_fingerprints,
    present_items,
    same_items,
    task_names,
)
from code_ablate.data.preparing.extracted import Documents
from code_ablate.data.preparing.held_parts import HITS, CommonNgrams, HeldParts, PartsInDocuments
from code_ablate.data.preparing.leak_index import Decontamination, LeakIndex, load_tables, save
from code_ablate.data.preparing.runner import Group, group_here
from code_ablate.data.preparing.shared_files import local_path, new_files
from code_ablate.data.preparing.side_files import (
    ListsOnDisk,
    ListWriter,
    Names,
    SideFiles,
    SideWriter,
    list_suffixes,
    name_and_line,
)
from code_ablate.data.preparing.verdicts import Verdicts
from code_ablate.identity import identity

CONTAMINATED = "holds_evaluation_item"

FINDINGS = "contamination"
"""The record, among the findings of the verdicts."""

_INDEX = "leak-index.npz"
_BATCH_CHARACTERS = 2**16
_LISTED_MATCHES = 20


def fingerprints(config: Decontamination | None) -> dict[str, str | None]:
    """Hash of the items of each task that is looked for; None where its rows are not here."""
    return {} if config is None else item_fingerprints(task_names(config.tasks))


@dataclass(frozen=True)
class LeakHits:
    """Side files with the n-grams of evaluation items that stand in each document."""

    index: str
    """Path of the tables of a `LeakIndex`."""
    digest: str
    """Identity of items and rules."""
    config: Decontamination
    """Rules by which items are looked for."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Suffixes of the files."""
        return list_suffixes(HITS)

    @property
    def description(self) -> Any:
        """What decides the hits: not where the index lies."""
        return {"leaks": self.digest}

    def writer(self, path: str) -> SideWriter:
        """A writer for one piece."""
        return _HitWriter(path, _loaded(self.index, self.digest, self.config))


@functools.lru_cache(1)
def _loaded(path: str, digest: str, config: Decontamination) -> LeakIndex:
    """The pieces that a process works on have one index."""
    return load_tables(local_path(path), config)


class _HitWriter:
    def __init__(self, path: str, index: LeakIndex):
        self._lists, self._index = ListWriter(path, HITS, np.uint32), index
        self._waiting: list[str] = []
        self._characters = 0

    def add(self, text: str, name: str) -> None:
        self._waiting.append(text)
        self._characters += len(text)
        if self._characters >= _BATCH_CHARACTERS:
            self._search()

    def finish(self) -> None:
        self._search()
        self._lists.finish()

    def _search(self) -> None:
        for ngrams in self._index.hits(self._waiting):
            self._lists.add(ngrams)
        self._waiting, self._characters = [], 0


@dataclass(frozen=True)
class Decontaminate:
    """Drops documents that hold evaluation items; each corpus by itself."""

    config: Decontamination
    """Rules by which items are looked for."""
    index: LeakIndex
    """N-grams of the items."""
    digest: str
    """Identity of items and rules."""
    tasks: Mapping[str, str]
    """First task with the same items, for each task whose rows are on this machine."""
    missing: tuple[str, ...]
    """Tasks whose rows are not on this machine."""

    @classmethod
    def of(cls, config: Decontamination) -> "Decontaminate":
        """Reads the items. Raises UserError for a task that is not registered."""
        names = task_names(config.tasks)
        groups = same_items(names)
        index = LeakIndex.of(present_items(tuple(dict.fromkeys(groups.values()))), config)
        digest = identity([config.settings, item_fingerprints(names)])
        missing = tuple(name for name in names if name not in groups)
        return cls(config, index, digest, groups, missing)

    @property
    def signatures(self) -> tuple[str, ...]:
        """None."""
        return ()

    def side_files(self, folder: str) -> tuple[SideFiles, ...]:
        """The n-grams that stand in each document, and names for the list of what left.

        Writes the index into `folder`, for the processes that extract.
        """
        path = os.path.join(folder, _INDEX)
        with new_files(path, ("",)) as own:
            save(self.index, own)
        return (LeakHits(path, self.digest, self.config), Names())

    def judge(self, corpora: Sequence[Documents], group: Group = group_here) -> list[Verdicts]:
        """The verdicts over each corpus, with a `Contamination` among the findings."""
        pieces = [piece for documents in corpora for piece in documents.by_piece()]
        common = dict(group(CommonNgrams(self.config), pieces))
        held = HeldParts(self.config, self.index.table, common)
        found = {parts.corpus: parts for parts in group(held, pieces)}
        return [self._verdicts(documents, found.get(documents.corpus)) for documents in corpora]

    def _verdicts(self, documents: Documents, found: PartsInDocuments | None) -> Verdicts:
        found = found or PartsInDocuments.none(documents.corpus)
        gone_D = np.zeros(len(documents.rows_N), bool)
        gone_D[found.document_M] = True
        record = Contamination(
            documents.corpus,
            dict(self.tasks),
            self.missing,
            dict(self.index.skipped),
            tuple(_removed(documents, self.index, found)),
            tuple(_found_items(self.index, found)),
            _documents_by_task(self.index, found),
        )
        return Verdicts.of({CONTAMINATED: gone_D}, len(gone_D), {FINDINGS: record})


def _removed(
    documents: Documents, index: LeakIndex, found: PartsInDocuments
) -> Iterator[RemovedDocument]:
    """Ordered by content, so that it does not matter how the corpus was cut into pieces."""
    names = ListsOnDisk([path for path, _ in documents.pieces], "names", np.uint8)
    numbers, first = np.unique(found.document_M, return_index=True)
    ends = np.append(first[1:], len(found.document_M))
    text, sizes = _text_and_bytes(documents, numbers)
    place_N = documents.place_N
    for place in np.lexsort((text[:, 1], text[:, 0])).tolist():
        rows = np.arange(first[place], ends[place])
        order = rows[np.lexsort((found.part_M[rows], -found.share_M[rows]))]
        name, line = name_and_line(names, int(place_N[numbers[place]]))
        yield RemovedDocument(
            name,
            line,
            int(sizes[place]),
            tuple(_match(index, found, row) for row in order[:_LISTED_MATCHES].tolist()),
            len(rows),
        )


def _text_and_bytes(
    documents: Documents, numbers: Int[np.ndarray, " R"]
) -> tuple[UInt64[np.ndarray, "R 2"], Int[np.ndarray, " R"]]:
    """Hashes and sizes of the texts of some documents. `numbers`: theirs, ascending."""
    text, sizes = np.empty((len(numbers), 2), np.uint64), np.empty(len(numbers), np.int64)
    for block in documents.blocks():
        ends = [block.numbers.start, block.numbers.stop]
        here = slice(*np.searchsorted(numbers, ends).tolist())
        rows = block.rows_N[numbers[here] - block.first]
        text[here], sizes[here] = rows["text"], rows["bytes"]
    return text, sizes


def _match(index: LeakIndex, found: PartsInDocuments, row: int) -> Match:
    part, parts = int(found.part_M[row]), index.parts
    return Match(
        str(parts.task_P[part]),
        str(parts.item_P[part]),
        str(parts.name_P[part]),
        str(parts.rule_P[part]),
        int(found.ngrams_M[row]),
        round(float(found.share_M[row]), 4),
    )


def _found_items(index: LeakIndex, found: PartsInDocuments) -> Iterator[FoundItem]:
    parts = index.parts
    documents_P = np.bincount(found.part_M, minlength=len(parts.ngrams_P))
    share_P = np.zeros(len(parts.ngrams_P))
    np.maximum.at(share_P, found.part_M, found.share_M)
    for part in np.flatnonzero(documents_P).tolist():
        yield FoundItem(
            str(parts.task_P[part]),
            str(parts.item_P[part]),
            str(parts.name_P[part]),
            int(documents_P[part]),
            round(float(share_P[part]), 4),
        )


def _documents_by_task(index: LeakIndex, found: PartsInDocuments) -> dict[str, int]:
    tasks_M = index.parts.task_P[found.part_M].tolist()
    pairs = set(zip(tasks_M, found.document_M.tolist(), strict=True))
    return dict(sorted(Counter(str(task) for task, _ in pairs).items()))


def summary(record: Contamination, digest: str) -> dict[str, Any]:
    """What the manifest says: documents that left and items found, by task."""
    items: dict[str, set[str]] = {}
    for found in record.items:
        items.setdefault(found.task, set()).add(found.item)
    return {
        "file": digest,
        "tasks_searched": len(record.tasks),
        "tasks_missing": list(record.missing),
        "documents": len(record.removed),
        "by_task": {
            task: {"documents": record.documents_by_task[task], "items": len(items[task])}
            for task in sorted(items)
        },
    }
