"""Files of documents, and the parts that a large one is read in, so that many cores can read it.

    parts_of(file)               # [FilePart(file, 0, 67108864, ...), FilePart(file, 67108864, ...)]
    line_number(file, 70000000)  # of the row that begins at this byte

JSON lines are cut by bytes: a line belongs to the part in which its first byte stands. Parquet is
cut between row groups. Compressed files and plain texts are one part. Where a file is cut depends
on its size alone, and nothing that is said of a document depends on where its file is cut.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import fsspec
import pyarrow as pa
import pyarrow.parquet

from code_ablate.data.sources.formats import JSONL, PARQUET

PART_BYTES = 64 * 2**20
"""Bytes of a part; a row group of Parquet may be larger, and so may what cannot be cut."""

_COUNTED_BYTES = 1 << 20


@dataclass(frozen=True)
class SourceFile:
    """A file of documents."""

    filesystem: fsspec.AbstractFileSystem
    """Where the file lies."""
    path: str
    """Path as the file system takes it."""
    name: str
    """The path after what all files have in common: the same wherever the folder lies."""
    format: str
    """One of `formats.FORMATS`."""
    compression: str | None
    """Compression by its suffix; None: there is none."""
    hive: Mapping[str, str | None] = field(default_factory=dict)
    """Fields that the names of its folders say, as `lang=de/` does."""
    bytes: int | None = None
    """Size in bytes; None where the file system does not say it."""


@dataclass(frozen=True)
class FilePart:
    """A part of a file, or all of it."""

    file: SourceFile
    """The file."""
    start: int = 0
    """The first byte of JSON lines, the first row group of Parquet."""
    end: int | None = None
    """The first byte, or row group, after it; None: it reaches to the end."""
    first_row: int = 0
    """Rows of Parquet that stand before it."""
    bytes: int | None = None
    """Bytes of the file that belong to it; None where they are not known."""


def parts_of(file: SourceFile) -> list[FilePart]:
    """The parts of a file, in order."""
    if file.bytes is not None and file.bytes > PART_BYTES:
        if file.format == JSONL and file.compression is None:
            borders = [*range(0, file.bytes, PART_BYTES), file.bytes]
            parts = [FilePart(file, a, b, bytes=b - a) for a, b in itertools.pairwise(borders)]
            return [*parts[:-1], replace(parts[-1], end=None)]
        if file.format == PARQUET:
            return _row_groups(file)
    return [FilePart(file, bytes=file.bytes)]


def _row_groups(file: SourceFile) -> list[FilePart]:
    """Row groups that follow each other, as many as make up a part."""
    try:
        with file.filesystem.open(file.path, "rb") as stream:
            metadata = pyarrow.parquet.read_metadata(stream)
    except (pa.ArrowException, OSError):  # what is wrong is said when the file is read
        return [FilePart(file, bytes=file.bytes)]
    parts: list[FilePart] = []
    start = first_row = size = rows = 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        size += sum(group.column(i).total_compressed_size for i in range(group.num_columns))
        rows += group.num_rows
        if size >= PART_BYTES or number == metadata.num_row_groups - 1:
            parts.append(FilePart(file, start, number + 1, first_row, size))
            start, first_row, size, rows = number + 1, first_row + rows, 0, 0
    return parts or [FilePart(file, bytes=file.bytes)]


def line_number(file: SourceFile, offset: int) -> int:
    """The number, from 1, of the line that begins at this byte of a file that is not compressed."""
    lines, left = 1, offset
    with file.filesystem.open(file.path, "rb") as stream:
        while left and (block := stream.read(min(left, _COUNTED_BYTES))):
            lines += block.count(b"\n")
            left -= len(block)
    return lines
