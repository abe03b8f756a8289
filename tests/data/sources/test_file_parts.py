"""A large file is read in parts: the same documents, with the same names, wherever it is cut."""

import gzip
import io
import json

import fsspec
import pyarrow as pa
import pyarrow.parquet
import pytest
import seqio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from code_ablate.data.sources import bad_rows, file_parts, file_rows
from code_ablate.data.sources.bad_rows import SourceWatch
from code_ablate.data.sources.base import Together
from code_ablate.data.sources.files import Files
from code_ablate.errors import UserError
from tests.data.sources.reading import read

ROWS = [{"text": f"document {i}: " + "héllo wörld " * (i % 7), "n": i} for i in range(60)]
LINES = [json.dumps(row).encode() for row in ROWS]


def _in_parts(monkeypatch, size):
    monkeypatch.setattr(file_parts, "PART_BYTES", size)


def _documents(path, **kwargs):
    source = Files(str(path), **kwargs)
    return len(source.units()), list(source.documents())


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n\n \r\n"])
@pytest.mark.parametrize("last", [True, False], ids=["ended", "not ended"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "marked"])
def test_lines_are_whole_wherever_a_file_is_cut(tmp_path, monkeypatch, end, last, mark):
    content = mark + end.join(LINES) + (end if last else b"")
    (tmp_path / "a.jsonl").write_bytes(content)
    parts, whole = _documents(tmp_path / "a.jsonl")
    assert parts == 1 and [d["text"] for d in whole] == [row["text"] for row in ROWS]
    for size in (1, 2, 50, len(LINES[0]) + len(end), 1000, len(content) - 1, len(content)):
        _in_parts(monkeypatch, size)
        parts, documents = _documents(tmp_path / "a.jsonl")
        assert parts == -(-len(content) // size)
        assert documents == whole, size


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from([b'{"text": "a"}', b"", b" ", b'{"text": "long"}', b"\r"])))
def test_every_cut_of_every_arrangement(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("cut") / "a.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    with pytest.MonkeyPatch.context() as monkeypatch:
        _, whole = _documents(path)
        for size in range(1, 40):
            _in_parts(monkeypatch, size)
            assert _documents(path)[1] == whole, size


def test_a_documents_path_says_where_it_begins(tmp_path, monkeypatch):
    content = b"\n".join(LINES)
    (tmp_path / "a.jsonl").write_bytes(content)
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(content))
    _in_parts(monkeypatch, 500)
    for name in ("a.jsonl", "b.jsonl.gz"):
        for document in _documents(tmp_path / name)[1]:
            offset = int(document["path"].partition("#")[2])
            line = content[offset:].partition(b"\n")[0]
            assert json.loads(line)["text"] == document["text"]


def test_parquet_is_cut_between_row_groups(tmp_path, monkeypatch):
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pa.Table.from_pylist(ROWS), path, row_group_size=7)
    parts, whole = _documents(path)
    assert parts == 1 and [d["path"] for d in whole] == [f"a.parquet#{i}" for i in range(60)]
    for size, expected in ((1, 9), (10**3, range(2, 9)), (path.stat().st_size, 1)):
        _in_parts(monkeypatch, size)
        parts, documents = _documents(path)
        assert parts in (expected if isinstance(expected, range) else (expected,))
        assert documents == whole


@pytest.mark.parametrize("end", ["gz", "txt"])
def test_what_cannot_be_cut_is_one_part(tmp_path, monkeypatch, end):
    content = b"\n".join(LINES)
    (tmp_path / f"a.jsonl.{end}").write_bytes(gzip.compress(content) if end == "gz" else content)
    _in_parts(monkeypatch, 10)
    assert _documents(tmp_path / "*", format="text" if end == "txt" else None)[0] == 1


def test_a_file_on_another_store_is_cut_too(monkeypatch):
    with fsspec.open("memory://parts/1.jsonl", "wb") as file:
        file.write(b"\n".join(LINES))
    _in_parts(monkeypatch, 100)
    parts, documents = _documents("memory://parts/*.jsonl")
    assert parts > 10 and [d["text"] for d in documents] == [row["text"] for row in ROWS]


def test_the_parts_are_seqios_shards(tmp_path, monkeypatch):
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(LINES))
    _in_parts(monkeypatch, 300)
    source = Files(str(tmp_path / "a.jsonl"))
    count = len(source.list_shards("train"))
    assert count == len(source.units()) > 5
    whole = read(source)
    for shards in (2, count, count + 3):
        pieces = [read(source, shard_info=seqio.ShardInfo(i, shards)) for i in range(shards)]
        assert sorted(d["path"] for p in pieces for d in p) == sorted(d["path"] for d in whole)
        if shards <= count:
            assert all(pieces)
    shuffled = [row["text"] for row in source.get_dataset(seed=3).as_numpy_iterator()]
    assert shuffled != [row["text"].encode() for row in whole]
    assert sorted(shuffled) == sorted(row["text"].encode() for row in whole)


@pytest.mark.parametrize("size", [20, 200, 10**6])
@pytest.mark.parametrize(
    "line", [b"{not json", b'{"txt": 1}', b'{"text": null}', b"[1]", b'{"text": "\xff"}']
)
def test_a_bad_row_is_told_by_its_line_in_every_part(tmp_path, monkeypatch, size, line):
    lines = [*LINES[:40], b"", line, *LINES[40:]]
    content = b"\n".join(lines)
    (tmp_path / "a.jsonl").write_bytes(content)
    _in_parts(monkeypatch, size)
    with pytest.raises(UserError, match=r"^line 42 of .*a\.jsonl"):
        _documents(tmp_path / "a.jsonl")
    source, watch = Files(str(tmp_path / "a.jsonl"), on_bad="skip"), SourceWatch()
    texts = [d["text"] for part in source.units() for d in watch.documents(source.read(part))]
    assert texts == [row["text"] for row in ROWS]
    ((skipped),) = watch.skipped.values()
    assert skipped.rows == 1
    place = "line 42" if size == 10**6 else f"the row at byte {content.index(line):,}"
    assert skipped.examples[0].startswith(f"{place} of")


def test_the_end_of_a_cut_file_is_told_once(tmp_path, monkeypatch):
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(LINES)[:-5])
    _in_parts(monkeypatch, 300)
    with pytest.raises(UserError, match=r"it ends within the row at byte [\d,]+: it is cut"):
        _documents(tmp_path / "a.jsonl")
    source, watch = Files(str(tmp_path / "a.jsonl"), on_bad="skip"), SourceWatch()
    for part in source.units():
        list(watch.documents(source.read(part)))
    assert {why: rows.rows for why, rows in watch.skipped.items()} == {bad_rows.CUT: 1}


def test_another_encoding_is_told_once(tmp_path, monkeypatch):
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(LINES).decode().encode("utf-16"))
    _in_parts(monkeypatch, 300)
    source, watch = Files(str(tmp_path / "a.jsonl"), on_bad="skip"), SourceWatch()
    assert len(source.units()) > 5
    for part in source.units():
        assert not list(watch.documents(source.read(part)))
    assert {why: rows.rows for why, rows in watch.skipped.items()} == {bad_rows.OTHER_ENCODING: 1}


def _parquet():
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pa.Table.from_pylist(ROWS), sink, row_group_size=7)
    return sink.getvalue()


@pytest.mark.parametrize("size", [100, 10**6])
@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.parquet", "a.txt"])
def test_all_bytes_are_counted_as_they_are_read(tmp_path, monkeypatch, name, size):
    content = b"\n".join(LINES * 50)
    contents = {"a.jsonl.gz": gzip.compress(content), "a.parquet": _parquet()}
    (tmp_path / name).write_bytes(contents.get(name, content))
    _in_parts(monkeypatch, size)
    for source in (Files(str(tmp_path / name)), Together(Files(str(tmp_path / name)))):
        counts = []
        for unit in source.units():
            list(source.read_counted(unit, counts.append))
        assert sum(counts) == sum(source.size_of(unit) for unit in source.units())
        assert source.shard_bytes() == sum(counts) <= (tmp_path / name).stat().st_size
        assert min(counts) >= 0
        if name == "a.jsonl":
            assert len(counts) >= len(LINES) * 50
        else:
            assert sum(counts[:-1]) > 0.8 * sum(counts) or len(source.units()) == 1
    count = len(source.units())
    shares = [source.shard_bytes(i, count) for i in range(count)]
    assert sum(shares) == source.shard_bytes()


def test_a_line_without_end_is_not_taken_into_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(file_rows, "MAX_ROW_BYTES", 5000)
    long = json.dumps([{"text": "x" * 90}] * 200).encode()
    for lines in ([long, *LINES], [*LINES, long], [*LINES, b" " * 9000, long]):
        (tmp_path / "a.jsonl").write_bytes(b"\n".join(lines))
        source, watch = Files(str(tmp_path / "a.jsonl"), on_bad="skip"), SourceWatch()
        texts = [d["text"] for part in source.units() for d in watch.documents(source.read(part))]
        assert texts == [row["text"] for row in ROWS]
        (skipped,) = watch.skipped.values()
        assert skipped.rows == sum(len(line) > 5000 for line in lines)
    with pytest.raises(UserError, match=r"line 61 of .*a\.jsonl: it has 9,001 bytes"):
        _documents(tmp_path / "a.jsonl")
    (tmp_path / "a.txt").write_bytes(b"x" * 5001)
    with pytest.raises(UserError, match=r"a\.txt.*a text of more than 5,000 bytes: split it"):
        _documents(tmp_path / "a.txt")
