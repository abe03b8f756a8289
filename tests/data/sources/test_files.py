"""Documents in files."""

import bz2
import gzip
import json
import os

import fsspec
import pyarrow as pa
import pyarrow.parquet
import pytest
import zstandard

from code_ablate.data.sources import bad_rows
from code_ablate.data.sources.bad_rows import SourceWatch
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
    second = 1 if name.endswith("parquet") else len(b'{"text": "first", "lang": "de", "n": 0}\n')
    assert rows[1]["path"] == f"{name}#{second}"


def test_files_text_and_format_by_name(tmp_path):
    (tmp_path / "b.txt").write_bytes(b"ein Text\n")
    (tmp_path / "a.txt").write_bytes(b"a text")
    (tmp_path / "c.rst").write_text("Title\n=====\n")
    rows = read(Files(str(tmp_path / "*.txt"), language="de"))
    assert [row["text"] for row in rows] == ["a text", "ein Text\n"]
    assert [row["text"] for row in read(Files(str(tmp_path / "*.rst"), format="text"))] == [
        "Title\n=====\n"
    ]
    with pytest.raises(UserError, match=r"c\.rst does not say its format; give format="):
        Files(str(tmp_path / "*.rst")).units()


def test_files_of_a_folder_and_of_another_store(tmp_path):
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


def test_lone_surrogates_and_empty_lines(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "a\\ud800b"}\n\n{"text": ""}\n')
    rows = read(Files(str(tmp_path / "a.jsonl")))
    assert [(row["text"], row["path"]) for row in rows] == [
        ("a�b", "a.jsonl#0"),
        ("", "a.jsonl#22"),
    ]


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
    with pytest.raises(UserError, match=r"line 2 of .*bad\.jsonl: it is not JSON"):
        list(Files(str(tmp_path / "bad.jsonl")).documents())
    (tmp_path / "list.jsonl").write_text("[1]\n")
    with pytest.raises(UserError, match=r"line 1 of .*list\.jsonl: it is a list"):
        Files(str(tmp_path / "list.jsonl")).units()


def _texts(*args, **kwargs):
    return [document["text"] for document in Files(*args, **kwargs).documents()]


BAD_LINES = {
    b'{"text": "a", "text": "b"}': (bad_rows.REPEATED_FIELD, "the field 'text' more than once"),
    b'{"text": "a", "m": {"k": 1, "k": 2}}': (bad_rows.REPEATED_FIELD, "the field 'k' more than"),
    b'{"text": "a", "score": NaN}': (bad_rows.NOT_JSON, "NaN is no number in JSON"),
    b'{"text": -Infinity}': (bad_rows.NOT_JSON, "-Infinity is no number"),
    b'{"text": null}': (bad_rows.TEXT_NOT_A_STRING, r"the text \('text'\) is null, not a string"),
    b'{"text": 3}': (bad_rows.TEXT_NOT_A_STRING, "is a number, not a string"),
    b'{"text": true}': (bad_rows.TEXT_NOT_A_STRING, "is true or false, not a string"),
    b'{"text": ["a", "b"]}': (bad_rows.TEXT_NOT_A_STRING, "is a list, not a string"),
    b'{"text": {"a": "b"}}': (bad_rows.TEXT_NOT_A_STRING, "is an object, not a string"),
    b'{"txt": "a"}': (bad_rows.MISSING_FIELD, "no field 'text'; it has 'txt'"),
    b'"a"': (bad_rows.NOT_AN_OBJECT, "it is a string, not an object"),
    b"null": (bad_rows.NOT_AN_OBJECT, "it is null, not an object"),
    b'[{"text": "a"}]': (bad_rows.NOT_AN_OBJECT, r"it is a list, not an object; .*jq -c"),
    b"{": (bad_rows.NOT_JSON, r"it is not JSON: .*; write each document .*jq -c"),
    b'{"text": "a"} {"text": "b"}': (bad_rows.NOT_JSON, "Extra data"),
    b'{"text": "a\tb"}': (bad_rows.NOT_JSON, "Invalid control character"),
    b'{"text": "gr\xfc\xdfe"}': (bad_rows.NOT_UTF8, "it is not UTF-8 .* at byte 12"),
    b'{"text": "a", "n": ' + b"9" * 5000 + b"}": (bad_rows.NOT_JSON, "integer"),
    b'{"text": ' + b"[" * 100_000 + b"]" * 100_000 + b"}": (bad_rows.NOT_JSON, "recursion"),
}


@pytest.mark.parametrize("line", BAD_LINES, ids=lambda line: line[:24].decode("latin-1"))
def test_a_bad_row_names_file_and_line_and_can_be_skipped(tmp_path, line):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "first"}\n\n' + line + b'\n{"text": "last"}\n')
    reason, message = BAD_LINES[line]
    with pytest.raises(UserError, match=rf"line 3 of .*a\.jsonl.*{message}.*on_bad='skip'"):
        _texts(str(path))
    source = Files(str(path), on_bad="skip")
    assert [document["text"] for document in source.documents()] == ["first", "last"]
    watch = SourceWatch()
    documents = list(watch.documents(source.read(source.units()[0])))
    last = path.read_bytes().index(b'{"text": "last"}')
    assert [document["path"] for document in documents] == ["a.jsonl#0", f"a.jsonl#{last}"]
    assert {why: (rows.rows, rows.bytes) for why, rows in watch.skipped.items()} == {
        reason: (1, len(line) + 1)
    }
    assert "line 3 of" in watch.skipped[reason].examples[0]
    assert reason in source.reasons()


def test_a_cut_file_can_be_skipped_from_where_it_ends(tmp_path):
    lines = b"".join(b'{"text": "%d"}\n' % i for i in range(40_000))
    content = zstandard.ZstdCompressor().compress(lines)
    (tmp_path / "a.jsonl.zst").write_bytes(content[: len(content) // 2])
    (tmp_path / "b.jsonl").write_bytes(lines)
    source = Files(str(tmp_path / "*"), on_bad="skip")
    watch = SourceWatch()
    texts = [row["text"] for unit in source.units() for row in watch.documents(source.read(unit))]
    given = len(texts) - 40_000
    assert texts == [str(i) for i in range(given)] + [str(i) for i in range(40_000)]
    assert given > 1000, "what stands before the cut is read"
    assert watch.error is None and watch.skipped[bad_rows.CUT].rows == 1
    assert f"a.jsonl.zst, after {given:,} rows" in watch.skipped[bad_rows.CUT].examples[0]


def test_a_damaged_page_of_parquet_names_the_file(tmp_path):
    path = _write(tmp_path, "a.parquet", [f"text {i}" * 50 for i in range(500)])
    content = bytearray(path.read_bytes())
    content[20:60] = bytes(40)
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"a\.parquet, after 0 rows: it is not Parquet, or cut"):
        _texts(str(path))


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_a_field_that_is_named_must_be_there(tmp_path, name):
    path = str(_write(tmp_path, name))
    for field in ("langauge", "lang.code", "meta.lang"):
        for arguments in ({"language_field": field}, {"path_field": field}):
            for on_bad in ("stop", "skip"):
                source = Files(path, on_bad=on_bad, **arguments)
                with pytest.raises(UserError, match=f"no field '{field}'; it has 'lang'"):
                    source.units()


def test_a_row_without_the_language_is_a_bad_row(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"text": "a", "lang": "de"}\n{"text": "b"}\n{"text": "c", "lang": null}\n'
        '{"text": "d", "lang": ["de"]}\n'
    )
    with pytest.raises(UserError, match=r"line 2 of .* has no field 'lang'; it has 'text'"):
        _texts(str(path), language_field="lang")
    skipping = Files(str(path), language_field="lang", on_bad="skip")
    assert [(d["text"], d["language"]) for d in skipping.documents()] == [("a", "de"), ("c", "")]


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_fields_in_fields(tmp_path, name):
    rows = [
        {"doc": {"body": f"text {i}"}, "meta": {"lang": "de", "at": {"url": f"u/{i}"}}, "a.b": "x"}
        for i in range(3)
    ]
    if name.endswith("parquet"):
        pyarrow.parquet.write_table(pa.Table.from_pylist(rows), tmp_path / name)
    else:
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    path = str(tmp_path / name)
    nested = Files(path, text="doc.body", language_field="meta.lang", path_field="meta.at.url")
    assert [(d["text"], d["language"], d["path"]) for d in nested.documents()] == [
        (f"text {i}", "de", f"u/{i}") for i in range(3)
    ]
    assert _texts(path, text="a.b") == ["x"] * 3
    with pytest.raises(UserError, match=r"no field 'meta\.at\.uri'"):
        Files(path, text="doc.body", path_field="meta.at.uri").units()


@pytest.mark.parametrize("name", ["part-0.jsonl", "part-0.parquet"])
def test_folders_of_hive_are_fields(tmp_path, name):
    folders = {"lang=de": "de", "lang=p%C3%BC%2Fx": "pü/x", "lang=__HIVE_DEFAULT_PARTITION__": ""}
    for folder in folders:
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / name
        rows = [{"text": f"in {folder}"}]
        if name.endswith("parquet"):
            pyarrow.parquet.write_table(pa.Table.from_pylist(rows), path)
        else:
            path.write_text(json.dumps(rows[0]) + "\n")
    source = Files(str(tmp_path / "*" / name), language_field="lang")
    found = {d["text"].removeprefix("in "): d["language"] for d in source.documents()}
    assert found == folders
    one = Files(str(tmp_path / "lang=de" / name), language_field="lang")
    before = one.digest()
    (tmp_path / "lang=de").rename(tmp_path / "lang=fr")
    renamed = Files(str(tmp_path / "lang=fr" / name), language_field="lang")
    assert renamed.digest() != before
    assert [d["language"] for d in renamed.documents()] == ["fr"]


def test_what_is_matched_and_is_no_file_is_told_in_one_error(tmp_path):
    _write(tmp_path, "good.jsonl", ["good"])
    (tmp_path / "dead.jsonl").symlink_to(tmp_path / "gone.jsonl")
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "plain folder").mkdir()
    os.mkfifo(tmp_path / "pipe.jsonl")
    pattern = str(tmp_path / "*")
    with pytest.raises(UserError) as caught:
        Files(pattern).units()
    for part in ("dead.jsonl is a link to", "folder.jsonl is a folder; ", "pipe.jsonl is a pipe"):
        assert part in str(caught.value)
    assert "plain folder" not in str(caught.value)
    skipping = Files(pattern, on_bad="skip")
    assert [d["text"] for d in skipping.documents()] == ["good"]
    assert skipping.skipped() == {
        "link_to_nothing": 1,
        "folder_named_like_a_file": 1,
        "not_a_file": 1,
    }


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = str(_write(tmp_path, "a.jsonl"))
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda p, mode: p != path and allowed(p, mode))
    with pytest.raises(UserError, match=r"a\.jsonl cannot be read: you have no right to"):
        Files(path).units()


def test_a_file_that_is_gone_when_it_is_read(tmp_path):
    for name in ("a.jsonl", "b.jsonl"):
        _write(tmp_path, name, ["text"])
    source = Files(str(tmp_path / "*.jsonl"))
    assert len(source.units()) == 2
    (tmp_path / "b.jsonl").unlink()
    with pytest.raises(UserError, match=r"b\.jsonl, after 0 rows: it cannot be read"):
        list(source.documents())


def test_other_encodings_are_refused_and_a_mark_before_utf8_is_passed_over(tmp_path):
    line = '{"text": "Grüße, ein Text"}\n'
    (tmp_path / "a.jsonl").write_bytes(line.encode("utf-8-sig"))
    (tmp_path / "a.txt").write_bytes("Grüße".encode("utf-8-sig"))
    assert _texts(str(tmp_path / "a.jsonl")) == ["Grüße, ein Text"]
    assert _texts(str(tmp_path / "a.txt")) == ["Grüße"]
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"):
        for name in ("b.jsonl", "b.txt"):
            (tmp_path / name).write_bytes(line.encode(encoding))
            with pytest.raises(UserError, match=rf"{name}.* it is UTF-(16|32).*iconv -f UTF"):
                _texts(str(tmp_path / name))


def test_what_is_compressed_unannounced_is_refused(tmp_path):
    (tmp_path / "a.txt").write_bytes(gzip.compress(b"a text"))
    with pytest.raises(UserError, match=r"a\.txt.* it is gzip by its first bytes"):
        _texts(str(tmp_path / "a.txt"))


def test_a_file_that_grows_while_it_is_read_is_noticed(tmp_path):
    path = _write(tmp_path, "a.jsonl", [f"text {i}" for i in range(5000)])
    for on_bad in ("stop", "skip"):
        documents = Files(str(path), on_bad=on_bad).documents()
        next(documents)
        with path.open("a") as file:
            file.write('{"text": "half')
        with pytest.raises(UserError, match=r"a\.jsonl changed while it was read"):
            list(documents)


def test_wrong_arguments():
    with pytest.raises(UserError, match="on_bad is 'ignore'; it can be 'stop' or 'skip'"):
        Files("x", on_bad="ignore")


def test_every_frame_of_a_zstd_file_is_read(tmp_path):
    frames = [zstandard.ZstdCompressor().compress(b'{"text": "%d"}\n' % i) for i in range(3)]
    (tmp_path / "a.jsonl.zst").write_bytes(b"".join(frames))
    texts = [d["text"] for d in Files(str(tmp_path / "a.jsonl.zst")).documents()]
    assert texts == ["0", "1", "2"]


def test_files_digest_follows_the_content_not_the_folder_nor_the_time(tmp_path):
    digests = []
    for folder, texts in (("one", TEXTS), ("two", TEXTS), ("three", [*TEXTS, "more"])):
        (tmp_path / folder).mkdir()
        path = _write(tmp_path / folder, "a.jsonl", texts)
        os.utime(path, (len(digests), len(digests)))
        digests.append(Files(str(tmp_path / folder / "*.jsonl")).digest())
    assert digests[0] == digests[1] != digests[2]
    source = Files(str(tmp_path / "three" / "*.jsonl"))
    assert source.units() and source.digest() == digests[2]
    os.utime(path, (9, 9))
    assert source.digest() == digests[2]
    path.write_bytes(path.read_bytes().replace(b"more", b"less"))
    os.utime(path, (9, 9))
    edited = source.digest()
    assert edited != digests[2]
    _write(tmp_path / "three", "b.jsonl", ["new"])
    assert source.digest() != edited, "the digest is of what would be read now"
    assert Files(str(tmp_path / "one" / "*.jsonl"), on_bad="skip").digest() != digests[0]


def test_digest_of_files_on_a_store_that_tells_no_change(tmp_path):
    digests = []
    for content in (b'{"text": "remote"}\n', b'{"text": "remota"}\n', b'{"text": "remote"}\n'):
        with fsspec.open("memory://digests/1.jsonl", "wb") as file:
            file.write(content)
        digests.append(Files("memory://digests/*.jsonl").digest())
    assert digests[0] == digests[2] != digests[1]
