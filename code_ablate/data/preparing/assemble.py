"""Third pass: the documents that stay become a token store, in an order of their own.

    store = assemble(path, extracted, verdicts, vocabulary, seed=0, manifest={...})

The order goes by the documents' hashes, so that neither the number of pieces nor the order in which
they were made matters.
"""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from etils import epath
from jaxtyping import Int, Shaped, UInt
from tqdm import tqdm

from code_ablate.data.preparing.extract import token_dtype
from code_ablate.data.preparing.extracted import ExtractedCorpus
from code_ablate.data.preparing.package_versions import package_versions
from code_ablate.data.preparing.pieces import TOKENS
from code_ablate.data.preparing.shared_files import local_path
from code_ablate.data.preparing.verdicts import Verdicts
from code_ablate.data.store import StoreWriter, TokenStore
from code_ablate.data.vocabulary import Vocabulary
from code_ablate.errors import Failed

_GATHERED_TOKENS = 2**22


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
    rows_N, in_validation_N = extracted.documents.rows_N, extracted.documents.in_validation_N
    corpus, kept_N = extracted.documents.corpus, verdicts.kept_N
    dtype = token_dtype(vocabulary.size)
    writer = StoreWriter(path, vocabulary.info)
    total = int(rows_N["tokens"][kept_N].sum())
    with tqdm(
        total=total, desc=f"write {corpus}", unit="tok", unit_scale=True, disable=not progress
    ) as bar:
        for split, here_N in (("train", ~in_validation_N), ("validation", in_validation_N)):
            chosen = np.flatnonzero(kept_N & here_N)
            chosen = chosen[document_order(rows_N["text"][chosen], seed)]
            chunks = _gather(extracted, chosen, dtype, bar)
            writer.write_split(split, chunks, rows_N["tokens"][chosen], rows_N["bytes"][chosen])
    for name, text in files.items():
        writer.write_file(name, text)
    return writer.finish(corpus=corpus, seed=seed, versions=package_versions(), **manifest)


def document_order(text: UInt[np.ndarray, "N 2"], seed: int) -> Int[np.ndarray, " N"]:
    """The order of documents with these hashes: a permutation keyed by `seed` and by nothing
    else."""
    key = text[:, 0] ^ np.uint64((seed * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) % 2**64)
    for multiplier in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):  # MurmurHash3's finaliser
        key = (key ^ (key >> np.uint64(33))) * np.uint64(multiplier)
    key ^= key >> np.uint64(33)
    return np.lexsort((text[:, 1], text[:, 0], key))


def _gather(
    extracted: ExtractedCorpus, chosen: Int[np.ndarray, " C"], dtype: np.dtype, bar: tqdm
) -> Iterator[np.ndarray]:
    """The tokens of the chosen documents, many documents at a time."""
    ends = np.cumsum(extracted.documents.rows_N["tokens"][chosen])
    first = 0
    while first < len(chosen):
        done = int(ends[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(ends, done + _GATHERED_TOKENS, "right")))
        yield _read(extracted, chosen[first:last], dtype)
        bar.update(int(ends[last - 1]) - done)
        first = last


def _read(
    extracted: ExtractedCorpus, chosen: Int[np.ndarray, " C"], dtype: np.dtype
) -> Shaped[np.ndarray, " T"]:
    """The tokens of some documents in their order, read piece by piece.

    Mapped files would be simpler; but the system maps what lies around each document, too, and
    counts all of it as this process's. Raises Failed for a file that has become shorter.
    """
    rows_C, piece_C = extracted.documents.rows_N[chosen], extracted.piece_N[chosen]
    ends_C = np.cumsum(rows_C["tokens"])
    tokens_T = np.empty(int(ends_C[-1]), dtype)
    content = tokens_T.data.cast("B")
    size = dtype.itemsize
    starts, ends = rows_C["start"].tolist(), (ends_C * size).tolist()
    lengths = (rows_C["tokens"] * size).tolist()
    order = np.argsort(piece_C, kind="stable")
    bounds = np.flatnonzero(np.diff(piece_C[order])) + 1
    for of_piece in np.split(order, bounds):
        path, _ = extracted.documents.pieces[piece_C[of_piece[0]]]
        with open(local_path(path + TOKENS), "rb", buffering=0) as file:
            for number in of_piece.tolist():
                part = content[ends[number] - lengths[number] : ends[number]]
                if os.preadv(file.fileno(), [part], starts[number] * size) != len(part):
                    raise Failed(f"{file.name} was cut while it was read: run the command again.")
    return tokens_T
