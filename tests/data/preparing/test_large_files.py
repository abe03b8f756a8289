"""One large file is prepared by many cores: the same store however it is cut, and its progress."""

import dataclasses
import gzip
import json
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import seqio

from code_ablate.data.preparing import local, prepare
from code_ablate.data.preparing.extract import extract
from code_ablate.data.preparing.local import Bar, LocalRunner
from code_ablate.data.preparing.pieces import Piece
from code_ablate.data.preparing.prepare import make_stores
from code_ablate.data.preparing.runner import Place
from code_ablate.data.preparing.vocabulary_training import VocabularyConfig, sample_texts
from code_ablate.data.sources import documents, file_parts, file_rows
from code_ablate.data.sources.files import Files
from tests.data.preparing.corpora import HERE, TOKENIZE, one, stored, texts
from tests.data.preparing.test_finished_pieces import content

MODULE = """
import os, seqio
from code_ablate.data.sources import documents, file_parts
from code_ablate.data.sources.files import Files

file_parts.PART_BYTES = int(os.environ["TEST_PART_BYTES"])
if "large.file" not in seqio.TaskRegistry.names():
    seqio.TaskRegistry.add("large.file", source=Files(os.environ["TEST_FILES"], on_bad="skip"),
        preprocessors=[*documents.TOKENIZE], output_features=documents.FEATURES)
"""

ROWS = [{"text": text} for text in texts(300)]


def _write(path, rows=ROWS):
    lines = b"".join(json.dumps(row).encode() + b"\r\n" for row in rows)
    if path.name.endswith(".parquet"):
        pyarrow.parquet.write_table(pa.Table.from_pylist(rows), path, row_group_size=20)
    else:
        path.write_bytes(gzip.compress(lines) if path.name.endswith(".gz") else lines)
    return path


@pytest.fixture
def register():
    names = []

    def add(source, preprocessors=TOKENIZE):
        names.append(f"large.file_{len(names)}")
        seqio.TaskRegistry.add(
            names[-1],
            source=source,
            preprocessors=list(preprocessors),
            output_features=documents.FEATURES,
        )
        return names[-1]

    yield add
    for name in names:
        seqio.TaskRegistry.remove(name)


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet", "a.jsonl.gz"])
def test_the_store_is_the_same_however_a_file_is_cut(
    register, tmp_path, vocabulary, monkeypatch, name
):
    path = _write(tmp_path / name)
    contents = []
    for size, pieces in ((10**6, 0), (20_000, 0), (300, 2)):
        monkeypatch.setattr(file_parts, "PART_BYTES", size)
        monkeypatch.setattr(prepare, "_PIECE_BYTES", size)
        config = dataclasses.replace(HERE, pieces=pieces)
        corpus = register(Files(str(path)))
        store = one(corpus, vocabulary, tmp_path / f"{size}-{pieces}", config)
        contents.append({k: v.replace(corpus.encode(), b"X") for k, v in content(store).items()})
    assert all(other == contents[0] for other in contents)
    got = stored(store, vocabulary) + stored(store, vocabulary, "validation")
    assert sorted(got) == sorted(row["text"] for row in ROWS)


@pytest.mark.slow
def test_the_store_is_the_same_for_any_number_of_workers(tmp_path, vocabulary, monkeypatch):
    rows = [*map(json.dumps, ROWS[:200]), "{not json", '{"text": 1}', *map(json.dumps, ROWS[200:])]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(rows))
    (tmp_path / "corpora_of_a_large_file.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("TEST_FILES", str(path))
    monkeypatch.setattr(file_parts, "PART_BYTES", file_parts.PART_BYTES)  # put back afterwards
    monkeypatch.setattr(local, "SECONDS_HERE", 0)  # straight to the workers
    made = []
    monkeypatch.setenv("TEST_PART_BYTES", "2000")
    for workers, pieces in ((1, 1), (2, 7)):
        config = dataclasses.replace(HERE, workers=workers, pieces=pieces)
        made.append(
            make_stores(
                ("large.file",),
                vocabulary,
                tmp_path / f"{workers}-{pieces}",
                config,
                modules=("corpora_of_a_large_file",),
                progress=False,
            )["large.file"]
        )
    seqio.TaskRegistry.remove("large.file")
    assert content(made[0]) == content(made[1])
    assert made[0].manifest.dropped["row_not_json"]["documents"] == 1
    assert len(made[0].manifest.examples) == 2


def test_pieces_go_by_the_size_of_the_files(register, tmp_path, vocabulary, monkeypatch):
    path = _write(tmp_path / "a.jsonl")
    monkeypatch.setattr(file_parts, "PART_BYTES", 1000)
    monkeypatch.setattr(prepare, "_PIECE_BYTES", 15_000)
    corpus = register(Files(str(path)))
    size = path.stat().st_size
    for pieces, expected in ((0, -(-size // 15_000)), (3, 3)):
        seen = []

        class Noting(LocalRunner):
            def run(self, function, pieces, sizes=None, seen=seen):
                seen.extend(sizes)
                return super().run(function, pieces, sizes)

        config = dataclasses.replace(HERE, pieces=pieces)
        folder = tmp_path / str(pieces)
        make_stores((corpus,), vocabulary, folder, config, progress=False, runner=Noting(1, False))
        assert len(seen) == expected and sum(seen) == size


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet", "a.jsonl.gz"])
def test_progress_is_told_before_a_file_ends(register, tmp_path, vocabulary, monkeypatch, name):
    monkeypatch.setattr(file_rows, "_PARQUET_BATCH_ROWS", 100)
    rng = np.random.default_rng(0)
    rows = [{"text": rng.bytes(2000).hex()} for _ in range(2000)]
    path = _write(tmp_path / name, rows)
    size = Files(str(path)).shard_bytes()
    assert 0.9 * path.stat().st_size < size <= path.stat().st_size
    told, documents_at = [], []
    place = Place(
        report=lambda documents, size: documents_at.append(sum(told)), read=lambda n: told.append(n)
    )
    corpus = register(Files(str(path)))
    extract(Piece(corpus, "train", 0, 1, vocabulary, 0, str(tmp_path), 10**7, bytes=size), place)
    assert sum(told) == size and min(told) >= 0
    assert len(told) >= 5 and max(told) < 0.5 * size
    assert sum(at < size for at in documents_at) > 1, "while documents come"


def test_files_that_tensorflow_reads_are_counted_by_their_text(register, tmp_path, vocabulary):
    path = tmp_path / "lines.txt"
    path.write_text("".join(f"line {i} of a file\n" for i in range(3000)))
    size = path.stat().st_size
    told = []
    corpus = register(
        seqio.TextLineDataSource({"train": str(path)}),
        [lambda dataset: dataset.map(lambda line: {"text": line}), *TOKENIZE],
    )
    piece = Piece(corpus, "train", 0, 1, vocabulary, 0, str(tmp_path), 10**7, bytes=size)
    extract(piece, Place(read=told.append))
    assert len(told) > 3 and sum(told) == size and min(told) >= 0


class Shown(Bar):
    """A bar that is seen."""

    def line(self):
        self._bar.refresh()
        return str(self._bar)


@pytest.fixture
def bar_of(monkeypatch):
    monkeypatch.setattr("code_ablate.distributed.is_first", lambda: True)
    return lambda sizes: Shown(sizes, True)


def test_the_bar_shows_the_share_of_all_bytes(bar_of):
    with bar_of([10**6, 3 * 10**6]) as shown:
        shown.add(500, 2_000_000)
        shown.add_read(500_000)
        shown.add_read(500_000)
        assert " 25%" in shown.line() and "1.00M/4.00M" in shown.line()
        assert "500 documents, 0/2 pieces" in shown.line() and "B/s" in shown.line()
        shown.piece_done("my.corpus")
        assert "prepare my.corpus" in shown.line() and "1/2 pieces" in shown.line()
        shown.show(700, 3_000_000, 3_000_000)
        assert " 75%" in shown.line() and "700 documents" in shown.line()
        shown.show(100, 400_000, 400_000)  # a piece that is begun again elsewhere
        assert " 10%" in shown.line()


def test_the_bar_counts_pieces_where_a_size_is_not_known(bar_of):
    with bar_of([10**6, None]) as shown:
        shown.add_read(500_000)
        assert "0/2" in shown.line()
        shown.piece_done("my.corpus")
        assert " 50%" in shown.line() and "1/2" in shown.line() and "MB/s" in shown.line()


def test_the_sample_of_a_vocabulary_comes_from_all_over_a_large_file(
    register, tmp_path, monkeypatch
):
    path = _write(tmp_path / "a.jsonl", [{"text": f"{i} " * 50} for i in range(2000)])
    monkeypatch.setattr(file_parts, "PART_BYTES", 5000)
    corpus = register(Files(str(path)))
    config = VocabularyConfig(size=300, corpora=(corpus,), seed=1)
    sample = sample_texts(corpus, 20_000, config, progress=False)
    assert sample == sample_texts(corpus, 20_000, config, progress=False)
    numbers = [int(text.split()[0]) for text in sample]
    assert max(numbers) - min(numbers) > 1000
    assert os.path.getsize(path) > 10 * sum(map(len, sample))
