"""Makes a store of a corpus' pieces: duplicates out, validation apart, documents in order.

    store = assemble(path, results, vocabulary, seed=0, validation_fraction=0.02, ...)

All choices go by the documents' hashes, so that neither the number of pieces nor the order in which
they were made matters. The hash of the validation split knows neither corpus nor seed: a document
that stands in two corpora is validation in both (at equal fractions), and adding documents moves
none.
"""

import importlib.metadata
import platform
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from etils import epath
from jaxtyping import Bool, Int, Shaped, UInt
from tqdm import tqdm

from code_ablate.data.preparing.extract import PieceResult, load_piece, token_dtype
from code_ablate.data.store import StoreWriter, TokenStore
from code_ablate.data.vocabulary import Vocabulary
from code_ablate.errors import UserError

EMPTY = "empty_document"
DUPLICATE = "exact_duplicate"
IN_VALIDATION = "equals_validation_document"

_GATHERED_TOKENS = 2**22
_PACKAGES = ("seqio", "tensorflow", "tensorflow-text", "sentencepiece", "tokenizers", "tensorstore")


def assemble(
    path: epath.PathLike,
    results: Sequence[PieceResult],
    vocabulary: Vocabulary,
    *,
    seed: int,
    validation_fraction: float,
    deduplicate: bool,
    manifest: Mapping[str, Any],
    progress: bool = True,
) -> TokenStore:
    """Writes the token store of one corpus from its pieces. `manifest`: the remaining fields.

    Raises UserError if no document is left to train on.
    """
    results = sorted(results, key=lambda result: (result.piece.split, result.piece.index))
    pieces = [load_piece(result.path, token_dtype(vocabulary.size)) for result in results]
    rows = np.concatenate([index for _, index in pieces])
    sizes = [len(index) for _, index in pieces]
    piece_of_row = np.repeat(np.arange(len(pieces)), sizes)
    in_validation = np.repeat([r.piece.split == "validation" for r in results], sizes)
    if not any(r.piece.split == "validation" for r in results):
        in_validation = _below(rows["text"][:, 1], validation_fraction)
    corpus = results[0].piece.corpus
    reasons = duplicates(rows, in_validation, deduplicate, corpus)
    account = Account(results)
    for reason, rows_N in reasons.items():
        account.drop(reason, int(rows_N.sum()), int(rows["bytes"][rows_N].sum()))
    kept = ~np.logical_or.reduce(list(reasons.values()))
    if not (kept & ~in_validation).any():
        raise UserError(account.empty_message(corpus, int((kept & in_validation).sum())))
    account.check(corpus, int(kept.sum()), int(rows["bytes"][kept].sum()))
    writer = StoreWriter(path, vocabulary.info)
    total = int(rows["tokens"][kept].sum())
    with tqdm(
        total=total, desc=f"write {corpus}", unit="tok", unit_scale=True, disable=not progress
    ) as bar:
        for split, here in (("train", ~in_validation), ("validation", in_validation)):
            chosen = np.flatnonzero(kept & here)
            chosen = chosen[document_order(rows["text"][chosen], seed)]
            chunks = _gather([t for t, _ in pieces], rows, piece_of_row, chosen, bar)
            writer.write_split(split, chunks, rows["tokens"][chosen], rows["bytes"][chosen])
    return writer.finish(
        corpus=corpus,
        seed=seed,
        validation_fraction=validation_fraction,
        read=account.read,
        dropped=account.dropped,
        added=account.added,
        versions=_versions(),
        **manifest,
    )


def duplicates(
    rows: Shaped[np.ndarray, " N"],
    in_validation: Bool[np.ndarray, " N"],
    deduplicate: bool,
    corpus: str = "",
) -> dict[str, Bool[np.ndarray, " N"]]:
    """Which rows go, by reason. Of equal documents one stays, a validation document first.

    Without `deduplicate` only training documents that equal a validation document go. Raises
    UserError where equal texts have different tokens: then a preprocessor cut or changed documents
    after they were tokenized, and the text beside the tokens is not theirs.
    """
    text = rows["text"]
    order = np.lexsort((~in_validation, text[:, 1], text[:, 0]))
    repeated = np.zeros(len(rows), bool)
    repeated[1:] = (text[order[1:]] == text[order[:-1]]).all(axis=1)
    first = np.maximum.accumulate(np.where(repeated, 0, np.arange(len(rows))))
    leader = order[first]
    if (rows["token_hash"][order] != rows["token_hash"][leader]).any():
        raise UserError(
            f"corpus {corpus!r} yields documents with the same text and different tokens: a "
            "preprocessor after tokenize cuts or changes them; let it work on the text, before."
        )
    leaks = repeated & ~in_validation[order] & in_validation[leader]
    result = {reason: np.zeros(len(rows), bool) for reason in (IN_VALIDATION, DUPLICATE)}
    result[IN_VALIDATION][order] = leaks
    result[DUPLICATE][order] = repeated & ~leaks & deduplicate
    return result


def document_order(text: UInt[np.ndarray, "N 2"], seed: int) -> Int[np.ndarray, " N"]:
    """The order of documents with these hashes: a permutation keyed by `seed` and by nothing
    else."""
    key = text[:, 0] ^ np.uint64((seed * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) % 2**64)
    for multiplier in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):  # MurmurHash3's finaliser
        key = (key ^ (key >> np.uint64(33))) * np.uint64(multiplier)
    key ^= key >> np.uint64(33)
    return np.lexsort((text[:, 1], text[:, 0], key))


def _below(hashes: UInt[np.ndarray, " N"], fraction: float) -> Bool[np.ndarray, " N"]:
    return hashes < np.uint64(int(fraction * 2**64))


def _gather(
    tokens: Sequence[np.ndarray],
    rows: np.ndarray,
    piece_of_row: np.ndarray,
    chosen: np.ndarray,
    bar: tqdm,
) -> Iterator[np.ndarray]:
    """The tokens of the chosen rows, many documents at a time."""
    starts, lengths = rows["start"][chosen].tolist(), rows["tokens"][chosen].tolist()
    gathered: list[np.ndarray] = []
    size = 0
    for piece, start, length in zip(piece_of_row[chosen].tolist(), starts, lengths, strict=True):
        gathered.append(tokens[piece][start : start + length])
        size += length
        if size >= _GATHERED_TOKENS:
            yield np.concatenate(gathered)
            bar.update(size)
            gathered, size = [], 0
    if gathered:
        yield np.concatenate(gathered)
        bar.update(size)


class Account:
    """Where every document went: read + added = stored + dropped, in documents and in bytes."""

    def __init__(self, results: Sequence[PieceResult]):
        self.dropped: dict[str, dict[str, int]] = {}
        self.added: dict[str, dict[str, int]] = {}
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
        self.drop(
            EMPTY,
            sum(result.empty for result in results),
            sum(result.empty_bytes for result in results),
        )

    def drop(self, reason: str, documents: int, size: int) -> None:
        """Enters what was left out for `reason`."""
        self._enter(self.dropped, reason, documents, size)

    def check(self, corpus: str, documents: int, size: int) -> None:
        """Raises RuntimeError if documents, or bytes where they are known, are unaccounted for."""
        for unit, stored in (("documents", documents), ("bytes", size)):
            came = self.read[unit] + sum(entry[unit] for entry in self.added.values())
            went = stored + sum(entry[unit] for entry in self.dropped.values())
            if came != went and (unit == "documents" or self._bytes_known):
                raise RuntimeError(f"{corpus}: {came} {unit} came and {went} are accounted for")

    def empty_message(self, corpus: str, in_validation: int) -> str:
        """What to tell the user when nothing is left to train on."""
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


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
