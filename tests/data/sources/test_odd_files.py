"""Odd and damaged files, one by one: nothing is read wrong in silence, every error names its file.

What a file gives is written down for each: texts, or the reason for which it is no documents.
"""

import bz2
import gzip
import io
import json
import lzma
import os
import tarfile
import zipfile

import pyarrow as pa
import pyarrow.parquet
import pytest
import zstandard

from code_ablate.data.sources import bad_rows
from code_ablate.data.sources.bad_rows import SourceWatch
from code_ablate.data.sources.files import Files
from code_ablate.errors import UserError

TEXTS = [f"doc {i}" for i in range(5)]
LINES = [json.dumps({"text": text}).encode() + b"\n" for text in TEXTS]
JSONL = b"".join(LINES)
ZERO, ONE = LINES[0], LINES[1]


def _zstd(content):
    return zstandard.ZstdCompressor().compress(content)


def _parquet(table):
    sink = io.BytesIO()
    pyarrow.parquet.write_table(table, sink)
    return sink.getvalue()


def _column(*values, **kwargs):
    return _parquet(pa.table({"text": pa.array(values, **kwargs)}))


def _arrow(writer):
    table, sink = pa.table({"text": TEXTS}), io.BytesIO()
    with writer(sink, table.schema) as open_writer:
        open_writer.write_table(table)
    return sink.getvalue()


def _zip():
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("a.jsonl", JSONL)
    return sink.getvalue()


def _tar():
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        member = tarfile.TarInfo("a.jsonl")
        member.size = len(JSONL)
        archive.addfile(member, io.BytesIO(JSONL))
    return sink.getvalue()


def _not_utf8_in_parquet():
    offsets = pa.py_buffer(b"\0\0\0\0\2\0\0\0\4\0\0\0")
    column = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"ok\xff\xfe")])
    return _parquet(pa.table({"text": column}))


PARQUET = _column(*TEXTS)
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
HTML = b"<html>Access denied</html>\n"

READ = {
    "blank.jsonl": (b" \n\r\n\t\n", []),
    "without a line.jsonl": (b"\n", []),
    "nothing.jsonl.gz": (gzip.compress(b""), []),
    "nothing.jsonl.zst": (_zstd(b""), []),
    "nothing.jsonl.xz": (lzma.compress(b""), []),
    "nothing.jsonl.bz2": (bz2.compress(b""), []),
    "blank.txt": (b"  \n", ["  \n"]),
    "UPPER.JSONL": (JSONL, TEXTS),
    "Upper.Jsonl.GZ": (gzip.compress(JSONL), TEXTS),
    "upper.json.zStd": (_zstd(JSONL), TEXTS),
    "UPPER.PARQUET": (PARQUET, TEXTS),
    "[a]*?{b}.jsonl": (JSONL, TEXTS),
    "one object.json": (b'{"text": "a"}', ["a"]),
    "no end of line.jsonl": (JSONL + b'{"text": "x"}', [*TEXTS, "x"]),
    "members.jsonl.gz": (b"".join(map(gzip.compress, LINES)), TEXTS),
    "cut in a line.jsonl.gz": (gzip.compress(JSONL[:17]) + gzip.compress(JSONL[17:]), TEXTS),
    "empty member.jsonl.gz": (gzip.compress(ZERO) + gzip.compress(b"") + gzip.compress(ONE), 2),
    "empty frame.jsonl.zst": (_zstd(ZERO) + _zstd(b"") + _zstd(ONE), 2),
    "empty stream.jsonl.bz2": (bz2.compress(ZERO) + bz2.compress(b"") + bz2.compress(ONE), 2),
    "empty stream.jsonl.xz": (lzma.compress(ZERO) + lzma.compress(b"") + lzma.compress(ONE), 2),
    "line separator.jsonl": ('{"text": "a\u2028b"}\n'.encode(), ["a\u2028b"]),
    "infinite number elsewhere.jsonl": (b'{"text": "a", "x": 1e999}\n', ["a"]),
    "half a character in a name.jsonl": (b'{"text": "a", "\\ud800": "b"}\n', ["a"]),
    "no text.jsonl": (b'{"text": ""}\n', [""]),
    "no rows.parquet": (_column(type=pa.string()), []),
    "binary.parquet": (_column(b"ok", "grün".encode()), ["ok", "grün"]),
    "dictionary.parquet": (
        _parquet(pa.table({"text": pa.array(["a", "b", "a"]).dictionary_encode()})),
        ["a", "b", "a"],
    ),
    "large strings.parquet": (_column("a", type=pa.large_string()), ["a"]),
    "views.parquet": (_column("a", "b" * 40, type=pa.string_view()), ["a", "b" * 40]),
}
"""Name -> (content, texts that are read, or how many of TEXTS)."""

OTHER_KIND, NOT_JSON, DAMAGED = bad_rows.OTHER_KIND, bad_rows.NOT_JSON, bad_rows.DAMAGED
REFUSED = {
    "empty.jsonl.gz": (b"", bad_rows.CUT, "ends after 0 bytes"),
    "empty.jsonl.zst": (b"", bad_rows.CUT, "ends after 0 bytes"),
    "empty.jsonl.bz2": (b"", bad_rows.CUT, "ends after 0 bytes"),
    "empty.jsonl.xz": (b"", bad_rows.CUT, "ends after 0 bytes"),
    "empty.parquet": (b"", DAMAGED, "size is 0 bytes"),
    "parquet.jsonl": (PARQUET, OTHER_KIND, "it is Parquet .*suffix .parquet"),
    "jsonl.parquet": (JSONL, DAMAGED, "it is not Parquet"),
    "html.parquet": (HTML, DAMAGED, "it is not Parquet"),
    "zip.jsonl": (_zip(), OTHER_KIND, "a zip archive.*: unpack it. Do that"),
    "zip.txt": (_zip(), OTHER_KIND, "a zip archive"),
    "zip.parquet": (_zip(), OTHER_KIND, "a zip archive"),
    "zip.jsonl.gz": (_zip(), OTHER_KIND, "a zip archive"),
    "tar.jsonl": (_tar(), OTHER_KIND, "a tar archive"),
    "tar.txt": (_tar(), OTHER_KIND, "a tar archive"),
    "tar.jsonl.gz": (gzip.compress(_tar()), OTHER_KIND, "a tar archive"),
    "tar.jsonl.zst": (_zstd(_tar()), OTHER_KIND, "a tar archive"),
    "arrow.jsonl": (_arrow(pa.ipc.new_file), OTHER_KIND, "Arrow .*write it as Parquet"),
    "arrow.parquet": (_arrow(pa.ipc.new_file), OTHER_KIND, "Arrow .*write it as Parquet"),
    "stream of arrow.jsonl": (_arrow(pa.ipc.new_stream), OTHER_KIND, "a stream of Arrow's"),
    "gzip.jsonl": (gzip.compress(JSONL), OTHER_KIND, "it is gzip .*suffix .gz"),
    "zstd.jsonl.gz": (_zstd(JSONL), OTHER_KIND, "it is zstd .*suffix .zst"),
    "gzip.jsonl.zst": (gzip.compress(JSONL), OTHER_KIND, "it is gzip .*suffix .gz"),
    "xz.txt.bz2": (lzma.compress(JSONL), OTHER_KIND, "it is xz .*suffix .xz"),
    "bz2.jsonl.xz": (bz2.compress(JSONL), OTHER_KIND, "it is bz2 .*suffix .bz2"),
    "twice.jsonl.gz": (gzip.compress(gzip.compress(JSONL)), OTHER_KIND, "it is gzip"),
    "html.jsonl.gz": (HTML, DAMAGED, "near byte 0 it is not gzip"),
    "html.jsonl": (HTML, NOT_JSON, "line 1 of"),
    "csv.jsonl": (b"id,text\n", NOT_JSON, "line 1 of"),
    "pointer.jsonl": (LFS, OTHER_KIND, "a pointer of Git LFS .*git lfs pull"),
    "pointer.txt": (LFS, OTHER_KIND, "a pointer of Git LFS .*git lfs pull"),
    "pointer.parquet": (LFS, OTHER_KIND, "a pointer of Git LFS .*git lfs pull"),
    "image.txt": (b"\x89PNG\r\n\x1a\n" + bytes(100), OTHER_KIND, "a PNG image"),
    "document.txt": (b"%PDF-1.4\n%\xe2\xe3\n", OTHER_KIND, "it is PDF .*extract its text"),
    "program.txt": (b"\x7fELF\x02\x01", OTHER_KIND, "a program"),
    "rows.txt": (b"SQLite format 3\0" + bytes(9), OTHER_KIND, "a database of SQLite"),
    "array.json": (b'[{"text": "a"}]', bad_rows.NOT_AN_OBJECT, r"a list.*jq -c '.\[\]'"),
    "indented.json": (b'{\n "text": "a"\n}\n', NOT_JSON, "line 1 of .*jq -c"),
    "ends of a mac.jsonl": (JSONL.replace(b"\n", b"\r"), bad_rows.CUT, "lines end in CR alone"),
    "zeros within.jsonl": (ZERO + b"\0" * 100 + ONE, NOT_JSON, "line 2 of"),
    "zeros at the end.jsonl": (JSONL + b"\0" * 4096, bad_rows.CUT, "it ends within line 6"),
    "zeros.jsonl": (b"\0" * 5000, DAMAGED, "it begins with zeros"),
    "zeros.txt": (b"\0" * 5000, DAMAGED, "it begins with zeros"),
    "zeros.parquet": (b"\0" * 5000, DAMAGED, "it is not Parquet"),
    "latin.jsonl": (ZERO + b'{"text": "gr\xfc"}\n', bad_rows.NOT_UTF8, "line 2 of"),
    "latin.txt": ("Grüße".encode("latin-1"), bad_rows.NOT_UTF8, "not UTF-8 .*at byte 2"),
    "latin in bytes.parquet": (
        _column(b"gr\xfc", b"a"),
        bad_rows.NOT_UTF8,
        "row 0 .*'text': it is",
    ),
    "commas.jsonl": (b'{"text": "a"},\n', NOT_JSON, "line 1 of .*Extra data"),
    "two in a line.jsonl": (b'{"text": "a"}{"text": "b"}\n', NOT_JSON, "line 1 of .*Extra data"),
    "record separators.jsonl": (b'\x1e{"text": "a"}\n', NOT_JSON, "line 1 of"),
    "comment.jsonl": (b'# rows\n{"text": "a"}\n', NOT_JSON, "line 1 of"),
    "mark within.jsonl": (ZERO + b"\xef\xbb\xbf" + ONE, NOT_JSON, "line 2 of"),
    "control character.jsonl": (b'{"text": "a\x01"}\n', NOT_JSON, "Invalid control character"),
    "form feed.jsonl": (b'{"text": "a"}\x0c\n', NOT_JSON, "line 1 of"),
    "not utf-8.parquet": (_not_utf8_in_parquet(), bad_rows.NOT_UTF8, "row 1 of"),
    "nulls.parquet": (_column(None, "a"), bad_rows.TEXT_NOT_A_STRING, "row 0 of .*is null"),
    "lists.parquet": (_column(["a"], ["b"]), bad_rows.TEXT_NOT_A_STRING, "row 0 of .*a list"),
    "two columns.parquet": (
        _parquet(pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], ["text", "text"])),
        bad_rows.REPEATED_FIELD,
        "the field 'text' more than once",
    ),
    "joined.parquet": (PARQUET + PARQUET, DAMAGED, "several Parquet files, one after the other"),
    "longer.parquet": (PARQUET + b"x", DAMAGED, "it is not Parquet"),
    "encrypted.parquet": (b"PARE" + PARQUET[4:-4] + b"PARE", DAMAGED, "encrypted"),
}
"""Name -> (content, reason, what the message says)."""

NOT_READ = ("a.tar.gz", "a.tgz", "a.zip", "a.jsonl.zip", "a.arrow", "a.feather", "a.jsonl.gz.gz")


def _watched(source):
    watch = SourceWatch()
    texts = [d["text"] for unit in source.units() for d in watch.documents(source.read(unit))]
    assert watch.error is None
    return texts, {reason: rows.rows for reason, rows in watch.skipped.items()}


@pytest.mark.parametrize("name", READ)
def test_what_is_odd_and_whole_is_read(tmp_path, name):
    content, texts = READ[name]
    (tmp_path / name).write_bytes(content)
    expected = TEXTS[:texts] if isinstance(texts, int) else texts
    assert [d["text"] for d in Files(str(tmp_path / name)).documents()] == expected


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_document_is_named_and_counted(tmp_path, name):
    content, reason, message = REFUSED[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message) as refused:
        list(Files(str(tmp_path / name)).documents())
    assert name in str(refused.value) and "on_bad='skip'" in str(refused.value)
    _, skipped = _watched(Files(str(tmp_path / name), on_bad="skip"))
    assert skipped[reason] >= 1


@pytest.mark.parametrize("name", NOT_READ)
def test_formats_that_are_not_read_are_refused_by_their_names(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(UserError, match=name):
        Files(str(tmp_path / name), on_bad="skip").units()


def test_fields_in_fields_that_some_rows_lack(tmp_path):
    rows = ['{"meta": {"lang": "de"}}', "{}", '{"meta": null}', '{"meta": "x"}']
    rows = [row.replace("{", '{"text": "t", ', 1) for row in [*rows, '{"meta": {"lang": null}}']]
    (tmp_path / "a.jsonl").write_text("\n".join(rows).replace(", }", "}"))
    source = Files(str(tmp_path / "a.jsonl"), language_field="meta.lang", on_bad="skip")
    assert _watched(source) == (["t", "t"], {bad_rows.MISSING_FIELD: 3})


def test_values_that_python_has_no_room_for(tmp_path):
    table = pa.table({"text": ["a", "b"], "when": pa.array([2**62, 0], pa.timestamp("us"))})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(UserError, match=r"row 0 of .*a\.parquet: a value cannot be read"):
        Files(str(tmp_path / "a.parquet"), path_field="when").units()
    source = Files(str(tmp_path / "a.parquet"), path_field="when", on_bad="skip")
    assert _watched(source) == (["b"], {bad_rows.METADATA_NOT_A_STRING: 1})


@pytest.mark.parametrize("on_bad", ["stop", "skip"])
def test_files_of_no_bytes_are_counted(tmp_path, on_bad):
    for name, content in {"a.jsonl": b"", "b.txt": b"", "c.jsonl": JSONL}.items():
        (tmp_path / name).write_bytes(content)
    source = Files(str(tmp_path / "*"), on_bad=on_bad)
    assert [d["text"] for d in source.documents()] == TEXTS
    assert source.skipped() == {"empty_file": 2}
    with pytest.raises(UserError, match="no field 'body'"):
        Files(str(tmp_path / "*.jsonl"), text="body", on_bad=on_bad).units()
    with pytest.raises(UserError, match=r"has no documents: left out: 1 as empty_file"):
        Files(str(tmp_path / "a.jsonl"), on_bad=on_bad).get_dataset()


def test_links_in_a_circle(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(JSONL)
    (tmp_path / "b.jsonl").symlink_to(tmp_path / "c.jsonl")
    (tmp_path / "c.jsonl").symlink_to(tmp_path / "b.jsonl")
    (tmp_path / "self").symlink_to(tmp_path)
    with pytest.raises(UserError, match=r"b\.jsonl is a link .*; .*c\.jsonl is a link"):
        Files(str(tmp_path / "**" / "*.jsonl")).units()
    source = Files(str(tmp_path / "**" / "*.jsonl"), on_bad="skip")
    assert [d["text"] for d in source.documents()] == TEXTS
    assert source.skipped() == {"link_to_nothing": 2}


def test_a_folder_that_cannot_be_listed_is_named(tmp_path, monkeypatch):
    (tmp_path / "closed").mkdir()
    listed = os.listdir

    def refuse(folder):
        if os.path.basename(folder) == "closed":
            raise PermissionError(13, "Permission denied", folder)
        return listed(folder)

    monkeypatch.setattr(os, "listdir", refuse)
    for on_bad in ("stop", "skip"):
        with pytest.raises(UserError, match=r"folder .*closed cannot be listed"):
            Files(str(tmp_path / "**" / "*.jsonl"), on_bad=on_bad).units()


def test_a_file_that_several_patterns_name_is_read_once(tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.jsonl").write_bytes(JSONL)
    monkeypatch.chdir(tmp_path)
    patterns = [
        str(tmp_path / "*.jsonl"),
        str(tmp_path / "a.jsonl"),
        str(tmp_path / "**" / "a*"),
        "a.jsonl",
        "./*.jsonl",
        f"file://{tmp_path}/a.jsonl",
        f"{tmp_path}//a.jsonl",
        f"{tmp_path}/sub/../a.jsonl",
    ]
    assert [d["text"] for d in Files(patterns).documents()] == TEXTS
    with pytest.raises(UserError, match=r"no file matches .*b\*"):
        Files([*patterns, str(tmp_path / "b*")]).units()


def test_a_file_that_is_replaced_or_cut_while_it_is_read(tmp_path):
    path = tmp_path / "a.jsonl"
    for change in ("replace", "cut", "delete"):
        path.write_bytes(JSONL * 5000)
        documents = Files(str(path)).documents()
        next(documents)
        if change == "replace":
            (tmp_path / "other").write_bytes(JSONL * 5000)
            (tmp_path / "other").replace(path)
        elif change == "cut":
            os.truncate(path, len(JSONL) * 3)
        else:
            path.unlink()
        with pytest.raises(UserError, match=r"a\.jsonl changed while it was read"):
            list(documents)


def test_a_store_whose_reading_fails_with_an_error_of_its_own(tmp_path, monkeypatch):
    import fsspec
    from fsspec.implementations.memory import MemoryFile

    class Throttled(Exception):
        pass

    with fsspec.open("memory://fails/1.jsonl", "wb") as file:
        file.write(JSONL * 100_000)

    def fail(self, *args):
        if self.tell() > 2**20:
            raise Throttled("slow down")
        return io.BytesIO.readinto(self, *args)

    monkeypatch.setattr(MemoryFile, "readinto", fail, raising=False)
    with pytest.raises(UserError, match=r"1\.jsonl, after [\d,]+ rows: .*Throttled: slow down"):
        list(Files("memory://fails/*.jsonl").documents())
