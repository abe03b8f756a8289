"""Third pass: the documents that stay become a token store, in an order of their own.

    store = assemble(path, extracted, verdicts, vocabulary, seed=0, manifest={...})

The order goes by the documents' hashes, so that neither the number of pieces nor the order in which
they were made matters.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from typing import IO, Any

import numpy as np
from etils import epath
from jaxtyping import Bool, Int, Shaped, UInt64
from tqdm import tqdm

from code_ablate.data.manifest import SPLITS, VALIDATION
from code_ablate.data.preparing.extract import token_dtype
from code_ablate.data.preparing.extracted import Documents, ExtractedCorpus
from code_ablate.data.preparing.package_versions import package_versions
from code_ablate.data.preparing.pieces import TOKENS
from code_ablate.data.preparing.shared_files import local_path
from code_ablate.data.preparing.sorted_rows import SortedRows
from code_ablate.data.preparing.verdicts import Verdicts
from code_ablate.data.store import StoreWriter, TokenStore
from code_ablate.data.vocabulary import Vocabulary
from code_ablate.errors import Failed

_GATHERED_TOKENS = 2**22
_READ_DOCUMENTS = 2**16

_ROW = np.dtype(
    [
        ("key", "<u8"),
        ("high", "<u8"),
        ("low", "<u8"),
        ("piece", "<i4"),
        ("start", "<i8"),
        ("tokens", "<i8"),
        ("bytes", "<i8"),
    ]
)


def assemble(
    path: epath.PathLike,
    extracted: ExtractedCorpus,
    verdicts: Verdicts,
    vocabulary: Vocabulary,
    *,
    seed: int,
    manifest: Mapping[str, Any],
    files: Mapping[str, str] = {},
    progress: bool = True,
) -> TokenStore:
    """Writes the token store of one corpus. `manifest`: the fields that are not found out here;
    `files`: texts that lie beside it, by the name of the file."""
    documents, dtype = extracted.documents, token_dtype(vocabulary.size)
    writer = StoreWriter(path, vocabulary.info)
    with tqdm(
        desc=f"write {documents.corpus}", unit="tok", unit_scale=True, disable=not progress
    ) as bar:
        for split in SPLITS:
            chosen_N = verdicts.kept_N & (documents.in_validation_N == (split == VALIDATION))
            _write_split(writer, split, documents, chosen_N, seed, dtype, bar)
    for name, text in files.items():
        writer.write_file(name, text)
    return writer.finish(
        corpus=documents.corpus, seed=seed, versions=package_versions(), **manifest
    )


def _write_split(
    writer: StoreWriter,
    split: str,
    documents: Documents,
    chosen_N: Bool[np.ndarray, " N"],
    seed: int,
    dtype: np.dtype,
    bar: tqdm,
) -> None:
    """Writes the chosen documents in the order of their keys."""
    totals = {"documents": 0, "bytes": 0, "tokens": 0}
    folder = documents.folder
    with (
        SortedRows(_ROW, ("key", "high", "low"), folder) as in_store,
        tempfile.TemporaryFile(dir=folder) as lengths,
        tempfile.TemporaryFile(dir=folder) as sizes,
    ):
        for block in documents.blocks():
            here_N = chosen_N[block.numbers]
            index_N = block.rows_N[here_N]
            rows_N = np.empty(len(index_N), _ROW)
            rows_N["high"], rows_N["low"] = index_N["text"].T
            rows_N["key"] = order_key(index_N["text"][:, 0], seed)
            rows_N["piece"] = block.piece
            for name in ("start", "tokens", "bytes"):
                rows_N[name] = index_N[name]
            in_store.add(rows_N)
            totals["documents"] += len(rows_N)
            totals["tokens"] += int(rows_N["tokens"].sum())
            totals["bytes"] += int(rows_N["bytes"].sum())
        bar.total = (bar.total or 0) + totals["tokens"]

        def tokens() -> Iterator[np.ndarray]:
            for rows_N in in_store.in_order():
                lengths.write(rows_N["tokens"].tobytes())
                sizes.write(rows_N["bytes"].tobytes())
                yield from _gather(documents, rows_N, dtype, bar)

        writer.write_large_split(split, totals, tokens(), _read_back(lengths), _read_back(sizes))


def _read_back(column: IO[bytes]) -> Iterator[Int[np.ndarray, " N"]]:
    """The numbers that were written to a file."""
    column.flush()
    column.seek(0)
    while content := column.read(8 * _READ_DOCUMENTS):
        yield np.frombuffer(content, np.int64)


def order_key(high_N: UInt64[np.ndarray, " N"], seed: int) -> UInt64[np.ndarray, " N"]:
    """What documents are ordered by, from the first words of their texts' hashes: a permutation of
    all words, keyed by `seed` and by nothing else."""
    key_N = high_N ^ np.uint64((seed * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) % 2**64)
    for multiplier in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):  # MurmurHash3's finaliser
        key_N = (key_N ^ (key_N >> np.uint64(33))) * np.uint64(multiplier)
    return key_N ^ (key_N >> np.uint64(33))


def _gather(
    documents: Documents, rows_N: Shaped[np.ndarray, " N"], dtype: np.dtype, bar: tqdm
) -> Iterator[np.ndarray]:
    """The tokens of some documents, as many documents at a time as `_GATHERED_TOKENS` allows."""
    ends = np.cumsum(rows_N["tokens"])
    first = 0
    while first < len(rows_N):
        done = int(ends[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(ends, done + _GATHERED_TOKENS, "right")))
        yield _read(documents, rows_N[first:last], dtype)
        bar.update(int(ends[last - 1]) - done)
        first = last


def _read(
    documents: Documents, rows_C: Shaped[np.ndarray, " C"], dtype: np.dtype
) -> Shaped[np.ndarray, " T"]:
    """The tokens of some documents in their order, read piece by piece.

    Mapped files would be simpler; but the system maps what lies around each document, too, and
    counts all of it as this process's. Raises Failed for a file that has become shorter.
    """
    piece_C = rows_C["piece"]
    ends_C = np.cumsum(rows_C["tokens"])
    tokens_T = np.empty(int(ends_C[-1]), dtype)
    content = tokens_T.data.cast("B")
    size = dtype.itemsize
    starts, ends = rows_C["start"].tolist(), (ends_C * size).tolist()
    lengths = (rows_C["tokens"] * size).tolist()
    order = np.argsort(piece_C, kind="stable")
    bounds = np.flatnonzero(np.diff(piece_C[order])) + 1
    for of_piece in np.split(order, bounds):
        path, _ = documents.pieces[piece_C[of_piece[0]]]
        with open(local_path(path + TOKENS), "rb", buffering=0) as file:
            for number in of_piece.tolist():
                part = content[ends[number] - lengths[number] : ends[number]]
                if os.preadv(file.fileno(), [part], starts[number] * size) != len(part):
                    raise Failed(f"{file.name} was cut while it was read: run the command again.")
    return tokens_T
