"""Near-duplicates among real documents, found by MinHash and by comparing all pairs.

    python -m benchmarks.near_duplicates --documents 20000

Half of the documents are pieces of installed files (Python and Markdown), the others copies of them
in which words were replaced, lines left out or moved. The exact Jaccard similarity of all pairs
comes from a product of sparse matrices. Recall: share of the pairs at or above the threshold that
are found; precision: share of the documents that go which would go if all pairs had been compared.
"""

import os
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import scipy.sparse
from jaxtyping import Int

from benchmarks import measure
from code_ablate.data.preparing import minhash
from code_ablate.data.preparing.clusters import Clusters
from code_ablate.data.preparing.extracted import Documents
from code_ablate.data.preparing.minhash import SketchesOnDisk, shingles
from code_ablate.data.preparing.near_duplicates import Deduplication, NearDuplicates
from code_ablate.data.preparing.signatures import ALWAYS, SIGNATURES, index_dtype

_CHARACTERS = 6000
_BLOCK = 500
_PIECES = 3


def real_documents(count: int, seed: int = 0) -> list[str]:
    """Pieces of installed files, and as many changed copies of them, in a seeded order."""
    rng = np.random.default_rng(seed)
    originals = _pieces(rng, (count + 1) // 2)
    found = dict.fromkeys(originals)
    while len(found) < count:
        found[_changed(rng, originals[rng.integers(len(originals))])] = None
    texts = list(found)
    return [texts[i] for i in rng.permutation(len(texts))]


def _pieces(rng: np.random.Generator, count: int) -> list[str]:
    roots = dict.fromkeys(sysconfig.get_path(name) for name in ("stdlib", "purelib"))
    files = sorted({f for r in roots for end in ("py", "md") for f in Path(r).rglob(f"*.{end}")})
    found: dict[str, None] = {}
    for place in rng.permutation(len(files)).tolist():
        text = files[place].read_text("utf-8", "replace")
        for start in range(0, min(len(text), 5 * _CHARACTERS), _CHARACTERS):
            found[text[start : start + _CHARACTERS]] = None
        if len(found) >= count:
            break
    return list(found)[:count]


def _changed(rng: np.random.Generator, text: str) -> str:
    """A copy with up to an eighth of its words replaced, or of its lines left out or moved."""
    share, lines = rng.uniform(0, 0.125), text.split("\n")
    match rng.integers(3):
        case 0:
            words = text.split(" ")
            for place in rng.integers(len(words), size=int(share * len(words))):
                words[place] = f"w{rng.integers(1000)}"
            return " ".join(words)
        case 1:
            return "\n".join(line for line in lines if rng.random() >= share)
        case _:
            cut = int(share * len(lines))
            return "\n".join([*lines[cut:], *lines[:cut]])


def on_disk(
    texts: Sequence[str], folder: str, config: Deduplication, corpus: str = "c"
) -> Documents:
    """The documents as a judge sees them, with their side files in several pieces."""
    pieces = []
    for number, part in enumerate(np.array_split(np.arange(len(texts)), _PIECES)):
        path = os.path.join(folder, f"{corpus}-{number}")
        writers = [files.writer(path) for files in NearDuplicates(config).side_files(folder)]
        for place in part.tolist():
            for writer in writers:
                writer.add(texts[place], f"document {place}")
        for writer in writers:
            writer.finish()
        pieces.append((path, len(part)))
    rows_N = np.zeros(len(texts), index_dtype(ALWAYS))
    for row, text in zip(rows_N, texts, strict=True):
        content = text.encode("utf-8", "replace")
        row["text"], row["bytes"] = SIGNATURES["text"].compute(content, b""), len(content)
    return Documents(corpus, rows_N, np.zeros(len(texts), bool), tuple(pieces))


def similar_pairs(texts: Sequence[str], config: Deduplication) -> Int[np.ndarray, "pairs 2"]:
    """All pairs whose exact Jaccard similarity reaches the threshold."""
    sets = [shingles(text, config.ngram) for text in texts]
    sizes = np.array([len(one) for one in sets])
    _, column = np.unique(np.concatenate(sets), return_inverse=True)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    matrix = scipy.sparse.csr_array((np.ones(len(column), np.int32), column, starts))
    transposed, found = matrix.T.tocsr(), []
    for first in range(0, len(texts), _BLOCK):
        common = (matrix[first : first + _BLOCK] @ transposed).tocoo()
        row, other = common.row + first, common.col
        union = sizes[row] + sizes[other] - common.data
        chosen = (row < other) & (common.data >= config.threshold * union)
        found.append(np.stack([row[chosen], other[chosen]], 1))
        measure.say(f"{first + _BLOCK} of {len(texts)} documents compared with all")
    return np.concatenate(found)


def removed_by(pairs: Int[np.ndarray, "pairs 2"], documents: Documents) -> Iterator[int]:
    """The documents that go if these are all pairs: all of a cluster but the one that stays."""
    clusters = Clusters(len(documents.rows_N))
    for first, second in pairs.tolist():
        clusters.join(first, second)
    root_N = clusters.root_N
    text = documents.rows_N["text"]
    order = np.lexsort((text[:, 1], text[:, 0], -documents.rows_N["bytes"], root_N))
    again = np.concatenate([[False], root_N[order[1:]] == root_N[order[:-1]]])
    yield from order[again].tolist()


def sharing_a_band(
    pairs: Int[np.ndarray, "pairs 2"], documents: Documents, config: Deduplication
) -> float:
    """Share of the pairs that are looked at because they share a band of their sketches."""
    count, rows = minhash.bands(config.threshold, config.permutations)
    sketches = SketchesOnDisk(documents.pieces, config.permutations)
    found = np.zeros(len(pairs), bool)
    for band in range(count):
        band_N = sketches.band(band * rows, rows)
        found |= band_N[pairs[:, 0]] == band_N[pairs[:, 1]]
    return float(found.mean())


def compare(texts: Sequence[str], config: Deduplication, folder: str) -> dict[str, float]:
    """The figures for some documents."""
    begin = time.process_time()
    documents = on_disk(texts, folder, config)
    sketched = time.process_time()
    (verdicts,) = NearDuplicates(config).judge([documents])
    judged = time.process_time()
    pairs = similar_pairs(texts, config)
    expected = set(removed_by(pairs, documents))
    gone = set(np.flatnonzero(~verdicts.kept_N).tolist())
    size = sum(len(text.encode("utf-8", "replace")) for text in texts)
    return {
        "documents": len(texts),
        "megabytes": size / 1e6,
        "pairs_at_the_threshold": len(pairs),
        "pairs_sharing_a_band": sharing_a_band(pairs, documents, config),
        "documents_expected_to_go": len(expected),
        "recall": len(gone & expected) / max(len(expected), 1),
        "precision": len(gone & expected) / max(len(gone), 1),
        "sketched_megabytes_per_cpu_second": size / 1e6 / (sketched - begin),
        "judged_documents_per_cpu_second": len(texts) / (judged - sketched),
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Prints one line of JSON."""
    options = measure.parser(__doc__, repeats=1)
    options.add_argument("--documents", type=int, default=20_000, help="documents in all")
    chosen = options.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        figures = compare(real_documents(chosen.documents), Deduplication(), folder)
    what = "near-duplicates among pieces of installed files and changed copies of them"
    shown = {name: measure.shortened(value) for name, value in figures.items()}
    measure.report("near_duplicates", {"what": what, **shown}, repeats=1)


if __name__ == "__main__":
    main()
