"""Third pass: the documents that stay become a token store, in an order of their own.

    store = assemble(path, extracted, verdicts, vocabulary, seed=0, manifest={...})

The order goes by the documents' hashes, so that neither the number of pieces nor the order in which
they were made matters.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from etils import epath
from jaxtyping import Int, UInt
from tqdm import tqdm

from code_ablate.data.preparing.extract import forget_pages
from code_ablate.data.preparing.extracted import ExtractedCorpus
from code_ablate.data.preparing.package_versions import package_versions
from code_ablate.data.preparing.verdicts import Verdicts
from code_ablate.data.store import StoreWriter, TokenStore
from code_ablate.data.vocabulary import Vocabulary

_GATHERED_TOKENS = 2**22
_FORGOTTEN_CHUNKS = 16


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
    writer = StoreWriter(path, vocabulary.info)
    total = int(rows_N["tokens"][kept_N].sum())
    with tqdm(
        total=total, desc=f"write {corpus}", unit="tok", unit_scale=True, disable=not progress
    ) as bar:
        for split, here_N in (("train", ~in_validation_N), ("validation", in_validation_N)):
            chosen = np.flatnonzero(kept_N & here_N)
            chosen = chosen[document_order(rows_N["text"][chosen], seed)]
            chunks = _gather(extracted, chosen, bar)
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
    extracted: ExtractedCorpus, chosen: Int[np.ndarray, " C"], bar: tqdm
) -> Iterator[np.ndarray]:
    """The tokens of the chosen documents, many documents at a time."""
    rows_N = extracted.documents.rows_N
    starts, lengths = rows_N["start"][chosen].tolist(), rows_N["tokens"][chosen].tolist()
    pieces = extracted.piece_N[chosen].tolist()
    gathered: list[np.ndarray] = []
    size = chunks = 0
    for piece, start, length in zip(pieces, starts, lengths, strict=True):
        gathered.append(extracted.tokens[piece][start : start + length])
        size += length
        if size >= _GATHERED_TOKENS:
            yield np.concatenate(gathered)
            bar.update(size)
            gathered, size, chunks = [], 0, chunks + 1
            if chunks % _FORGOTTEN_CHUNKS == 0:
                for tokens in extracted.tokens:
                    forget_pages(tokens)
    if gathered:
        yield np.concatenate(gathered)
        bar.update(size)
