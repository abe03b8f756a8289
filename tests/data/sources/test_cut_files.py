"""Files that end before their end: noticed in every format, at every byte that loses data."""

import bz2
import gzip
import io
import json
import lzma

import pyarrow as pa
import pyarrow.parquet
import pytest
import zstandard

from code_ablate.data.sources.files import Files
from code_ablate.errors import UserError

ROWS = [{"text": f"document {i}: " + "héllo wörld " * (i % 7), "n": i} for i in range(20)]
LINES = [json.dumps(row).encode() + b"\n" for row in ROWS]


def _zstd(data):
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


def _zstd_without_checksum(data):
    return zstandard.ZstdCompressor(write_content_size=False).compress(data)


def _in_streams(compress):
    """As `cat` and parallel compressors make them: one stream after the other."""
    return b"".join(compress(b"".join(LINES[i : i + 5])) for i in range(0, 20, 5))


def _borders(compress):
    sizes = [len(compress(b"".join(LINES[i : i + 5]))) for i in range(0, 20, 5)]
    return {sum(sizes[:n]) for n in range(1, 5)}


def _parquet():
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pa.Table.from_pylist(ROWS), sink, row_group_size=7)
    return sink.getvalue()


COMPRESSORS = {"zst": _zstd, "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
CONTENTS = {
    "a.parquet": _parquet(),
    "a.jsonl": b"".join(LINES),
    "unsummed.jsonl.zst": _zstd_without_checksum(b"".join(LINES)),
    **{f"one.jsonl.{end}": compress(b"".join(LINES)) for end, compress in COMPRESSORS.items()},
    **{f"many.jsonl.{end}": _in_streams(compress) for end, compress in COMPRESSORS.items()},
}

UNSEEN = {
    # Between two lines of a file that is not compressed, and between two whole streams, nothing
    # says that there should be more. The first cut before the end leaves out a line end only.
    "a.jsonl": {sum(map(len, LINES[:n])) - short for n in range(21) for short in (0, 1)} - {-1},
    **{f"many.jsonl.{end}": _borders(compress) for end, compress in COMPRESSORS.items()},
}


def _texts(path, content):
    path.write_bytes(content)
    return [row["text"] for row in Files(str(path)).documents()]


@pytest.mark.parametrize("name", CONTENTS)
def test_every_cut_that_can_be_seen_is_an_error_that_names_the_file(tmp_path, name):
    whole, path = CONTENTS[name], tmp_path / name
    expected = [row["text"] for row in ROWS]
    assert _texts(path, whole) == expected
    first, last = range(12), range(len(whole) - 12, len(whole))
    for cut in sorted({*first, *last, *range(0, len(whole), max(1, len(whole) // 60))}):
        if cut in UNSEEN.get(name, ()):
            texts = _texts(path, whole[:cut])
            assert texts == expected[: len(texts)]
            continue
        with pytest.raises(UserError) as caught:
            _texts(path, whole[:cut])
        assert name in str(caught.value), cut
        assert "Copy or write the file again" in str(caught.value), cut


@pytest.mark.parametrize("name", CONTENTS)
def test_the_cut_itself_is_what_is_told(tmp_path, name):
    with pytest.raises(UserError, match=r"cut"):
        _texts(tmp_path / name, CONTENTS[name][:-20])


@pytest.mark.parametrize("end", COMPRESSORS)
def test_what_follows_the_last_stream_is_not_passed_over(tmp_path, end):
    content = COMPRESSORS[end](b"".join(LINES)) + b"not a stream"
    with pytest.raises(UserError, match=rf"a\.jsonl\.{end}.*after a whole stream"):
        _texts(tmp_path / f"a.jsonl.{end}", content)


@pytest.mark.parametrize("end", ["gz", "xz"])
def test_zeros_after_a_stream_are_padding(tmp_path, end):
    compress = COMPRESSORS[end]
    content = compress(LINES[0]) + bytes(8) + compress(LINES[1]) + bytes(4)
    assert len(_texts(tmp_path / f"a.jsonl.{end}", content)) == 2


@pytest.mark.parametrize("name", [name for name in CONTENTS if name not in ("a.jsonl",)])
def test_a_flipped_bit_is_an_error_or_changes_nothing(tmp_path, name):
    """Formats with a checksum see all of them; the others see what breaks their own structure."""
    whole, path = bytearray(CONTENTS[name]), tmp_path / name
    summed = "unsummed" not in name and "parquet" not in name
    seen = 0
    for place in range(0, len(whole), max(1, len(whole) // 40)):
        damaged = bytes(whole[:place]) + bytes([whole[place] ^ 0x10]) + bytes(whole[place + 1 :])
        try:
            texts = _texts(path, damaged)
        except UserError as error:
            assert name in str(error)
            seen += 1
        else:
            assert not summed or texts == [row["text"] for row in ROWS], place
    assert seen


def test_a_text_named_as_if_it_were_compressed(tmp_path):
    for end in COMPRESSORS:
        with pytest.raises(UserError, match=rf"a\.jsonl\.{end}, after 0 rows: .* it is not "):
            _texts(tmp_path / f"a.jsonl.{end}", b"".join(LINES))


def test_skipped_parts_of_a_zst_file_are_no_frames(tmp_path):
    """As pzstd writes them, and seekable files end."""
    skippable = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"ABCDE"
    content = skippable + _zstd(LINES[0]) + skippable + _zstd(LINES[1]) + skippable
    assert len(_texts(tmp_path / "a.jsonl.zst", content)) == 2
    with pytest.raises(UserError, match="it is cut"):
        _texts(tmp_path / "a.jsonl.zst", content[:-3])


def test_a_zst_file_may_look_back_two_gibibytes(tmp_path):
    line = b'{"text": "far"}\n'
    exponent = 31 - 10
    block = ((len(line) << 3) | 1).to_bytes(3, "little") + line  # raw, and the last one
    content = b"\x28\xb5\x2f\xfd" + bytes([0, exponent << 3]) + block
    assert zstandard.get_frame_parameters(content).window_size == 2**31
    assert _texts(tmp_path / "a.jsonl.zst", content) == ["far"]
