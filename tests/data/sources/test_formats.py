"""What a file holds, by its name and its first bytes."""

import pytest

from code_ablate.data.sources.bad_rows import BadFile
from code_ablate.data.sources.formats import format_of, require_utf8
from code_ablate.errors import UserError


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("d/a.jsonl", ("jsonl", None)),
        ("d/A.JSONL.GZ", ("jsonl", "gzip")),
        ("a.Json.Zst", ("jsonl", "zstd")),
        ("a.ndjson.zstd", ("jsonl", "zstd")),
        ("a.b.TXT.bz2", ("text", "bz2")),
        ("a.txt.XZ", ("text", "xz")),
        ("a.PARQUET", ("parquet", None)),
    ],
)
def test_by_suffix(path, expected):
    assert format_of(path) == expected


def test_by_argument():
    assert format_of("d.x/README", "text") == ("text", None)
    assert format_of("d.x/README.gz", "text") == ("text", "gzip")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("a.jsonl.lz4", r"\.lz4 files are not read: decompress it \(lz4 -d\)"),
        ("a.jsonl.LZ4", r"\.lz4 files are not read"),
        ("a.tar.gz", r"\.tar files are not read: unpack it"),
        ("a.zip", "unpack it"),
        ("a.jsonl.zst.gz", "compressed twice"),
        ("a.parquet.gz", "Parquet compresses its own pages"),
        ("folder.jsonl/README", "does not say its format"),
    ],
)
@pytest.mark.parametrize("wanted", [None, "jsonl"])
def test_refused_by_name(path, message, wanted):
    if wanted and path in ("folder.jsonl/README", "a.parquet.gz"):
        return
    with pytest.raises(UserError, match=message):
        format_of(path, wanted)


@pytest.mark.parametrize(
    "beginning",
    [b"", b"a", b"a\0b", "Grüße".encode(), b"\xff latin", b'{"text": "\0"}', b"text\0" * 3,
     "文字".encode()],
)  # fmt: skip
def test_what_may_be_utf8(beginning):
    require_utf8(beginning)


def test_zeros_are_no_text():
    with pytest.raises(BadFile, match="begins with zeros"):
        require_utf8(bytes(5000))


@pytest.mark.parametrize("text", ["ab", '{"text": "a"}\n', "ein Satz, und noch einer\n" * 9])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
def test_what_is_not_utf8(text, encoding):
    with pytest.raises(BadFile, match="only UTF-8 is read: convert it"):
        require_utf8(text.encode(encoding))
