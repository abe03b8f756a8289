"""Documents in files."""

import bz2
import gzip
import json
import os

import pyarrow as pa
import pyarrow.parquet
import pytest
import zstandard

from code_ablate.data.sources.files import Files
from code_ablate.errors import UserError
from tests.data.sources.reading import read

TEXTS = ["first", "zweites: ü\n\nmit Absatz", "third \0 with a null", ""]


def _write(folder, name, texts=TEXTS, field="text"):
    rows = [{field: text, "lang": "de", "n": i} for i, text in enumerate(texts)]
    path = folder / name
    if name.endswith(".parquet"):
        pyarrow.parquet.write_table(pa.Table.from_pylist(rows), path)
        return path
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    for suffix, compress in {
        ".gz": gzip.compress,
        ".zst": zstandard.ZstdCompressor().compress,
        ".bz2": bz2.compress,
    }.items():
        if name.endswith(suffix):
            content = compress(content)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "name", ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst", "a.json.bz2", "a.parquet"]
)
def test_files_round_trip(tmp_path, name):
    _write(tmp_path, name)
    rows = read(Files(str(tmp_path / "*"), language_field="lang"))
    assert [row["text"] for row in rows] == TEXTS
    assert {row["language"] for row in rows} == {"de"}
    assert rows[1]["path"] == f"{name}#1"


def test_files_text_and_format_by_name(tmp_path):
    (tmp_path / "b.txt").write_bytes(b"ein Text\n")
    (tmp_path / "a.txt").write_bytes(b"not utf-8: \xff!")
    (tmp_path / "c.rst").write_text("Title\n=====\n")
    rows = read(Files(str(tmp_path / "*.txt"), language="de"))
    assert [row["text"] for row in rows] == ["not utf-8: �!", "ein Text\n"]
    assert [row["text"] for row in read(Files(str(tmp_path / "*.rst"), format="text"))] == [
        "Title\n=====\n"
    ]
    with pytest.raises(UserError, match=r"c\.rst does not say its format; give format="):
        Files(str(tmp_path / "*.rst")).units()


def test_files_of_a_folder_and_of_another_store(tmp_path):
    import fsspec

    (tmp_path / "x" / "y").mkdir(parents=True)
    _write(tmp_path / "x", "1.jsonl", ["one"])
    _write(tmp_path / "x" / "y", "2.jsonl", ["two"])
    here = Files(str(tmp_path / "**" / "*.jsonl"))
    assert [(d["text"], d["source"]) for d in here.documents()] == [
        ("one", "1.jsonl"),
        ("two", "y/2.jsonl"),
    ]
    with fsspec.open("memory://bucket/web/1.jsonl", "wb") as file:
        file.write(b'{"text": "remote"}\n')
    assert [d["text"] for d in Files("memory://bucket/web/*.jsonl").documents()] == ["remote"]


def test_lone_surrogates_and_null_rows(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "a\\ud800b"}\n\n{"text": null}\n')
    assert [row["text"] for row in read(Files(str(tmp_path / "a.jsonl")))] == ["a�b", ""]


def test_files_errors(tmp_path):
    _write(tmp_path, "a.jsonl", field="content")
    _write(tmp_path, "a.parquet", field="content")
    with pytest.raises(UserError, match=r"no file matches .*nothing-here"):
        Files(str(tmp_path / "nothing-here*.jsonl")).get_dataset()
    for name in ("a.jsonl", "a.parquet"):
        with pytest.raises(UserError, match="no field 'text'; it has 'content', 'lang', 'n'"):
            Files(str(tmp_path / name)).get_dataset()
    with pytest.raises(UserError, match="format is 'csv'"):
        Files("x", format="csv")
    with pytest.raises(UserError, match="has no split 'test'"):
        Files(str(tmp_path / "a.jsonl"), text="content").get_dataset("test")
    (tmp_path / "bad.jsonl").write_text('{"text": "good"}\n{not json\n')
    with pytest.raises(UserError, match=r"line 2 of .*bad\.jsonl is not JSON"):
        list(Files(str(tmp_path / "bad.jsonl")).documents())
    (tmp_path / "list.jsonl").write_text("[1]\n")
    with pytest.raises(UserError, match=r"line 1 of .*list\.jsonl is a list"):
        Files(str(tmp_path / "list.jsonl")).units()


def test_every_frame_of_a_zstd_file_is_read(tmp_path):
    frames = [zstandard.ZstdCompressor().compress(b'{"text": "%d"}\n' % i) for i in range(3)]
    (tmp_path / "a.jsonl.zst").write_bytes(b"".join(frames))
    texts = [d["text"] for d in Files(str(tmp_path / "a.jsonl.zst")).documents()]
    assert texts == ["0", "1", "2"]


def test_files_digest_follows_the_content_not_the_folder(tmp_path):

    digests = []
    for folder, texts in (("one", TEXTS), ("two", TEXTS), ("three", [*TEXTS, "more"])):
        (tmp_path / folder).mkdir()
        path = _write(tmp_path / folder, "a.jsonl", texts)
        os.utime(path, (1, 1))
        digests.append(Files(str(tmp_path / folder / "*.jsonl")).digest())
    assert digests[0] == digests[1] != digests[2]
    os.utime(path, (2, 2))
    assert Files(str(tmp_path / "three" / "*.jsonl")).digest() != digests[2]
