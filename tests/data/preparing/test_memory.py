"""Memory of judging and writing: it hardly grows with the number of documents."""

import gc
import tracemalloc

import numpy as np
import pytest

from code_ablate.data import store
from code_ablate.data.preparing import assemble as assembling
from code_ablate.data.preparing import extracted, runner, similar_pairs, sorted_rows
from code_ablate.data.preparing.account import Account
from code_ablate.data.preparing.assemble import assemble
from code_ablate.data.preparing.exact_duplicates import ExactDuplicates
from code_ablate.data.preparing.extracted import ExtractedCorpus
from code_ablate.data.preparing.near_duplicates import Deduplication, NearDuplicates
from code_ablate.data.preparing.pieces import INDEX, TOKENS, Piece, PieceResult
from code_ablate.data.preparing.signatures import ALWAYS, index_dtype
from code_ablate.data.preparing.stages import Stage
from code_ablate.data.preparing.verdicts import judge
from code_ablate.data.vocabulary import Vocabulary

VOCABULARY = Vocabulary("made-up", "", 8000, "digest", 1)
OF_PIECE = 500
TOKENS_OF_DOCUMENT = 5
BYTES_OF_DOCUMENT = 20
NEAR = Deduplication(permutations=16)


@pytest.fixture(autouse=True)
def small_buffers(monkeypatch):
    """What is held however many documents there are is less than what they could take."""
    monkeypatch.setattr(sorted_rows, "ROWS", 500)
    monkeypatch.setattr(extracted, "_BLOCK_ROWS", 500)
    monkeypatch.setattr(similar_pairs, "_PART_DOCUMENTS", 500)
    monkeypatch.setattr(runner, "_HELD_BYTES", 10_000)
    monkeypatch.setattr(assembling, "_GATHERED_TOKENS", 2000)
    monkeypatch.setattr(assembling, "_READ_DOCUMENTS", 500)
    monkeypatch.setattr(store, "_CHUNK_TOKENS", 512)
    monkeypatch.setattr(store, "_SHARD_TOKENS", 2048)


def made_up_pieces(folder, documents, side_files):
    """Pieces of tiny documents as extraction leaves them: of 50 texts one stands there twice, and
    some texts were rewritten."""
    folder.mkdir()
    count, rng = documents // OF_PIECE, np.random.default_rng(0)
    results = []
    for number in range(count):
        path = Piece("made.up", "train", number, count, VOCABULARY, 0, str(folder), 10**9)
        ids = np.arange(OF_PIECE) + OF_PIECE * number
        ids[::50] //= 2
        rows = np.zeros(OF_PIECE, index_dtype(ALWAYS))
        rows["text"] = (ids.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))[:, None]
        rows["token_hash"], rows["split"] = ids, rng.integers(2**63, size=OF_PIECE)
        rows["start"] = np.arange(OF_PIECE) * TOKENS_OF_DOCUMENT
        rows["tokens"], rows["bytes"] = TOKENS_OF_DOCUMENT, BYTES_OF_DOCUMENT
        np.save(path.path + INDEX, rows)
        tokens = rng.integers(2, 8000, (OF_PIECE, TOKENS_OF_DOCUMENT), np.uint16)
        tokens[:, -1] = VOCABULARY.eos_id
        tokens.tofile(path.path + TOKENS)
        writers = [kind.writer(path.path) for kind in side_files]
        for document in ids.tolist():
            for writer in writers:
                text = " ".join(f"{word}-{document - (document % 9 == 1)}" for word in range(16))
                writer.add(f"{text} {document}", "")
        for writer in writers:
            writer.finish()
        stage = Stage("read", OF_PIECE, BYTES_OF_DOCUMENT * OF_PIECE)
        results.append(PieceResult(path, path.path, (stage,), 0, 0))
    return results


def peak_of(folder, results, judges):
    """Bytes that Python and NumPy held at most, and the documents that left."""
    # A command that ran in this process before lets garbage lie for longer: it would be counted.
    thresholds = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    gc.collect()
    tracemalloc.start()
    try:
        corpus = ExtractedCorpus.load(results, 0.02)
        (verdicts,) = judge([corpus.documents], judges)
        account = Account(results)
        account.judged(corpus.documents, verdicts)
        fields = {"key": "", "key_fields": {}, "source_digest": "", "validation_fraction": 0.02}
        assemble(
            folder / "store",
            corpus,
            verdicts,
            VOCABULARY,
            seed=0,
            manifest={**fields, **account.fields},
            progress=False,
        )
        return tracemalloc.get_traced_memory()[1], int((~verdicts.kept_N).sum())
    finally:
        tracemalloc.stop()
        gc.set_threshold(*thresholds)


@pytest.mark.parametrize(
    "judges, bytes_of_document",
    [([ExactDuplicates()], 20), ([ExactDuplicates(), NearDuplicates(NEAR)], 80)],
    ids=["exact", "near"],
)
def test_more_documents_take_hardly_more_memory(tmp_path, judges, bytes_of_document):
    side_files = [kind for one in judges for kind in one.side_files(str(tmp_path))]
    peaks = {}
    for documents in (500, 3000, 12_000):  # the first sets everything up
        folder = tmp_path / str(documents)
        results = made_up_pieces(folder, documents, side_files)
        peaks[documents], left = peak_of(folder, results, judges)
        assert left >= documents // 200
    assert peaks[12_000] - peaks[3000] < bytes_of_document * 9000
