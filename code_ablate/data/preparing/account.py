"""Fourth pass: where every document went, for the manifest of its store.

account = Account(results, skipped=source.skipped())
account.judged(documents, verdicts)
account.fields                     # {"read": ..., "dropped": {"length_under_200": ...}, ...}
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from code_ablate.data.filters.tally import merged
from code_ablate.data.preparing.extracted import Documents
from code_ablate.data.preparing.pieces import PieceResult
from code_ablate.data.preparing.verdicts import Verdicts
from code_ablate.data.round_trip import RoundTrip
from code_ablate.data.sources.bad_rows import MAX_EXAMPLES
from code_ablate.errors import UserError

EMPTY = "empty_document"
WITH_EOS = "eos_within_document"


class Account:
    """Where every document went: read + added = stored + dropped, in documents and in bytes."""

    def __init__(self, results: Sequence[PieceResult], skipped: Mapping[str, int] = {}):
        """Counts what the pieces of one corpus say; `skipped`: units that its source left out."""
        self.skipped = {reason: count for reason, count in skipped.items() if count}
        self.dropped: dict[str, dict[str, int]] = {}
        self.added: dict[str, dict[str, int]] = {}
        self.examples = _examples(results)
        self.filters = _filters(results)
        self.round_trip = RoundTrip.together(result.round_trip for result in results)
        totals = [
            (
                stages[0].name,
                sum(s.documents for s in stages),
                None if any(s.bytes is None for s in stages) else sum(s.bytes for s in stages),
                stages[0].is_filter,
            )
            for stages in zip(*(result.stages for result in results), strict=True)
        ]
        (_, documents, size, _), *steps = totals
        self.read = {"documents": documents, "bytes": size or 0}
        self._bytes_known = size is not None
        for name, after, size_after, is_filter in steps:
            # Where a step leaves no text to count, its bytes are those before it.
            gone = 0 if size is None or size_after is None else size - size_after
            self._bytes_known &= size_after is not None
            self._enter(self.dropped, name, max(0, documents - after), max(0, gone), is_filter)
            self._enter(self.added, name, max(0, after - documents), max(0, -gone))
            documents, size = after, size if size_after is None else size_after
        self._enter(
            self.dropped,
            EMPTY,
            sum(result.empty for result in results),
            sum(result.empty_bytes for result in results),
        )
        self._enter(
            self.dropped,
            WITH_EOS,
            sum(result.with_eos for result in results),
            sum(result.with_eos_bytes for result in results),
        )

    def judged(self, documents: Documents, verdicts: Verdicts) -> None:
        """Enters what the judges dropped, and closes the account.

        Raises UserError if no document is left to train on, and RuntimeError if documents, or bytes
        where they are known, are unaccounted for.
        """
        counts, sizes = np.zeros((2, 1 + len(verdicts.reasons)), np.int64)
        for block in documents.blocks():
            reason_N = verdicts.reason_N[block.numbers]
            counts += np.bincount(reason_N, minlength=len(counts))
            for number in np.unique(reason_N).tolist():
                sizes[number] += block.rows_N["bytes"][reason_N == number].sum()
        (kept, *gone), (kept_bytes, *gone_bytes) = counts.tolist(), sizes.tolist()
        for reason, went, size in zip(verdicts.reasons, gone, gone_bytes, strict=True):
            self._enter(self.dropped, reason, went, size)
        in_validation = int(np.count_nonzero(verdicts.kept_N & documents.in_validation_N))
        if in_validation == kept:
            raise UserError(self._empty_message(documents.corpus, in_validation))
        self._check(documents.corpus, kept, kept_bytes)

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of the manifest that say where the documents went."""
        names = ("read", "dropped", "added", "skipped", "examples", "filters")
        return {**{name: getattr(self, name) for name in names}, "returned": self._returned}

    @property
    def _returned(self) -> dict[str, Any]:
        measured = self.round_trip
        if not measured.documents:
            return {}
        return {**measured.plain, "lost": measured.most_lost}

    def _check(self, corpus: str, documents: int, size: int) -> None:
        for unit, stored in (("documents", documents), ("bytes", size)):
            came = self.read[unit] + sum(entry[unit] for entry in self.added.values())
            went = stored + sum(entry[unit] for entry in self.dropped.values())
            if came != went and (unit == "documents" or self._bytes_known):
                raise RuntimeError(f"{corpus}: {came} {unit} came and {went} are accounted for")

    def _empty_message(self, corpus: str, in_validation: int) -> str:
        went = [f"{n['documents']} as {reason}" for reason, n in self.dropped.items()]
        if in_validation:
            went.append(f"{in_validation} set apart for validation")
        return (
            f"corpus {corpus!r} has no documents to train on: its source gave "
            f"{self.read['documents']}"
            + (f"; left out: {', '.join(went)}" if went else "")
            + ". Check its source and filters."
        )

    @staticmethod
    def _enter(
        table: dict[str, dict[str, int]], name: str, documents: int, size: int, always: bool = False
    ) -> None:
        if documents or size or always:
            entry = table.setdefault(name, {"documents": 0, "bytes": 0})
            entry["documents"] += documents
            entry["bytes"] += size


def _examples(results: Sequence[PieceResult]) -> dict[str, list[str]]:
    """What was wrong with the first rows that the source skipped, by reason."""
    examples: dict[str, list[str]] = {}
    for stage in (stage for result in results for stage in result.stages):
        if stage.examples:
            examples.setdefault(stage.name, []).extend(stage.examples)
    return {reason: sorted(messages)[:MAX_EXAMPLES] for reason, messages in examples.items()}


def _filters(results: Sequence[PieceResult]) -> dict[str, dict[str, Any]]:
    """What each filter measured, over all pieces, in the order of the filters."""
    tallies: dict[str, list[Mapping[str, Any]]] = {}
    for stage in (stage for result in results for stage in result.stages):
        if stage.measured is not None:
            tallies.setdefault(stage.name, []).append(stage.measured)
    return {name: merged(parts) for name, parts in tallies.items()}
