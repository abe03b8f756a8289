"""The rows of a part of a file: JSON lines, Parquet, or a plain text as one row.

    for row in file_rows(part, text="text", wanted=("text", "meta.lang")):
        row.where                      # "line 7 of web/a.jsonl.gz"
        field_of(row.fields, "meta.lang")

A row that is wrong comes as a `BadRow` in its place, and so does the rest of a file that is cut,
damaged or unreadable; what the user asked for decides what becomes of it.
"""

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet
from fsspec.implementations.local import LocalFileSystem

from code_ablate.data.sources.bad_rows import (
    CUT,
    DAMAGED,
    METADATA_NOT_A_STRING,
    MISSING_FIELD,
    NOT_AN_OBJECT,
    NOT_JSON,
    NOT_UTF8,
    REPEATED_FIELD,
    TOO_LONG,
    UNREADABLE,
    BadFile,
    BadRow,
)
from code_ablate.data.sources.decompression import decompressed
from code_ablate.data.sources.file_parts import FilePart
from code_ablate.data.sources.formats import (
    BOM,
    JSONL,
    LOOKED_AT_BYTES,
    PARQUET,
    known_kind,
    other_kind,
    require_utf8,
)

MISSING = object()
"""What `field_of` gives where there is no such field."""

MAX_ROW_BYTES = 256 * 2**20
"""Bytes of a line of JSON, or of a plain text, from which on it is not read: what has no line ends,
such as one list of all documents, would fill the memory."""

_PARQUET_BATCH_ROWS = 1024
_JOINED = b"PAR1PAR1"
"""Where one file of Parquet ends and another one begins."""
_REMOTE_BUFFER_BYTES = 1 << 20

Count = Callable[[int], None]
"""Is told the bytes of a file as they are read."""


@dataclass(frozen=True)
class Row:
    """One row of a file."""

    name: str
    """What tells it from the other rows of its file: the byte at which it begins in JSON lines
    (where these are compressed: in what they hold), the number from 0 in Parquet."""
    where: str
    """The row's place in words."""
    fields: Mapping[str, Any]
    """Values by their names; those of the folders' names are not among them."""
    bytes: int = 0
    """Bytes of the row as it stands in the file; 0 where they are not known."""
    offset: int | None = None
    """Byte at which the row begins, if `where` names it by that alone."""


def field_of(fields: Mapping[str, Any], name: str) -> Any:
    """The value of a field; with points in the name, of a field in a field. Else `MISSING`."""
    if name in fields:
        return fields[name]
    value: Any = fields
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return MISSING
        value = value[part]
    return value


def _count_nothing(size: int) -> None:
    pass


def file_rows(
    part: FilePart, *, text: str, wanted: Sequence[str], count: Count = _count_nothing
) -> Iterator[Row | BadRow]:
    """The rows of a part of a file.

    `text` names the field of a plain text, `wanted` the columns needed; `count` is called with the
    bytes of the file as they are read.
    """
    rows_read = 0
    try:
        for row in _rows(part, text, wanted, count):
            rows_read += 1
            yield row
    except BadFile as error:
        reason, message, rows = error.reason, str(error), error.rows
    except pa.ArrowException as error:
        reason, message, rows = DAMAGED, f"it is not Parquet, or cut or damaged ({error})", 1
    except OSError as error:
        reason, message, rows = UNREADABLE, f"it cannot be read ({error})", 1
        if error.errno is None and part.file.format == PARQUET:  # Arrow's own errors
            reason, message = DAMAGED, f"it is not Parquet, or cut or damaged ({error})"
    except Exception as error:
        # The packages of object stores have errors of their own.
        if isinstance(part.file.filesystem, LocalFileSystem):
            raise
        kind = type(error).__name__
        reason, message, rows = UNREADABLE, f"it cannot be read ({kind}: {error})", 1
    else:
        return
    begin = f" from byte {part.start:,} on" if part.file.format == JSONL and part.start else ""
    place = f"after {part.first_row + rows_read:,} rows{begin}"
    yield BadRow(reason, f"{part.file.path}, {place}: {message}", rows=rows)


def _rows(part: FilePart, text: str, wanted: Sequence[str], count: Count) -> Iterator[Row | BadRow]:
    file = part.file
    raw = file.filesystem.open(file.path, "rb")
    if file.format == PARQUET:
        with raw:
            yield from _parquet_rows(part, raw, wanted, count)
        return
    if not isinstance(file.filesystem, LocalFileSystem):
        # fsspec's own reading by lines takes a copy of a whole block for each of them.
        raw = io.BufferedReader(raw, _REMOTE_BUFFER_BYTES)
    with decompressed(raw, file.compression, count) as stream:
        if file.format == JSONL:
            yield from _json_rows(part, stream, count)
            return
        content = stream.read(MAX_ROW_BYTES + 1)
        if len(content) > MAX_ROW_BYTES:
            raise BadFile(TOO_LONG, f"it is a text of more than {MAX_ROW_BYTES:,} bytes: split it")
        require_utf8(content)
        try:
            decoded = content.removeprefix(BOM).decode()
        except UnicodeDecodeError as error:
            yield BadRow(NOT_UTF8, f"{file.path}: {not_utf8(error)}", len(content))
            return
        yield Row("0", f"{file.path}", {text: decoded}, len(content))


def _parquet_rows(
    part: FilePart, stream: IO[bytes], wanted: Sequence[str], count: Count
) -> Iterator[Row | BadRow]:
    file = part.file
    known = known_kind(stream.read(LOOKED_AT_BYTES))
    if known and known[0] != "Parquet":
        raise other_kind(*known)
    table = pyarrow.parquet.ParquetFile(stream, page_checksum_verification=True)
    _require_one_file(stream, table.metadata)
    schema = table.schema_arrow
    columns = [name for name in wanted if name not in file.hive or _has_column(schema, name)]
    groups = range(part.start, table.num_row_groups if part.end is None else part.end)
    rows = sum(table.metadata.row_group(group).num_rows for group in groups)
    for name in columns:
        if not _has_column(schema, name):
            raise BadFile(MISSING_FIELD, no_such_field(name, schema.names), rows=rows)
        if max(map(schema.names.count, (name, name.partition(".")[0]))) > 1:
            raise BadFile(REPEATED_FIELD, f"it has the field {name!r} more than once", rows=rows)
    number, counted = part.first_row, 0
    for batch in table.iter_batches(
        batch_size=_PARQUET_BATCH_ROWS, row_groups=list(groups), columns=columns
    ):
        for fields in _as_dicts(batch):
            where = f"row {number} of {file.path}"
            if isinstance(fields, Exception):
                reason = NOT_UTF8 if isinstance(fields, UnicodeError) else METADATA_NOT_A_STRING
                yield BadRow(reason, f"{where}: a value cannot be read ({fields})")
            else:
                yield Row(str(number), where, fields)
            number += 1
        read = (part.bytes or 0) * (number - part.first_row) // max(1, rows)
        count(read - counted)
        counted = read


def _require_one_file(stream: IO[bytes], metadata: Any) -> None:
    """Raises BadFile for Parquet files that were joined: the last one's rows would be all.

    Between the columns and the footer stand indexes, and never the end of a file with the beginning
    of another.
    """
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    columns = [group.column(i) for group in groups for i in range(group.num_columns)]
    starts = [c.dictionary_page_offset or c.data_page_offset for c in columns]
    ends = [start + c.total_compressed_size for start, c in zip(starts, columns, strict=True)]
    stream.seek(max(ends, default=0))
    if _JOINED in stream.read():
        raise BadFile(DAMAGED, "it is several Parquet files, one after the other: split it")


def _as_dicts(batch: pa.RecordBatch) -> list[dict[str, Any] | Exception]:
    """The rows of a batch; in place of a row, why it has no values in Python."""
    try:
        return batch.to_pylist()
    except (ValueError, OverflowError):  # text that is not UTF-8, a time after Python's last
        return [_as_dict(batch.slice(i, 1)) for i in range(batch.num_rows)]


def _as_dict(row: pa.RecordBatch) -> dict[str, Any] | Exception:
    try:
        return row.to_pylist()[0]
    except (ValueError, OverflowError) as error:
        return error


def _has_column(schema: pa.Schema, name: str) -> bool:
    if name in schema.names:
        return True
    first, *parts = name.split(".")
    if first not in schema.names:
        return False
    kind = schema.field(first).type
    for part in parts:
        if not pa.types.is_struct(kind) or kind.get_field_index(part) < 0:
            return False
        kind = kind.field(part).type
    return True


def not_utf8(error: UnicodeDecodeError) -> str:
    """The message for text in another encoding."""
    return f"it is not UTF-8 ({error.reason} at byte {error.start}): convert the file"


def no_such_field(name: str, names: Sequence[str]) -> str:
    """The message for a field that is named and not there."""
    return f"no field {name!r}; it has {', '.join(map(repr, sorted(names)))}"


def _json_rows(part: FilePart, stream: IO[bytes], count: Count) -> Iterator[Row | BadRow]:
    file, position, line_number = part.file, part.start, 0
    if part.start:
        try:
            require_utf8(stream.readline(LOOKED_AT_BYTES))
        except BadFile:
            return  # as the first part says
        stream.seek(part.start - 1)
        position += _rest_of_line(stream) - 1
    if file.compression is not None:
        count = _count_nothing  # what is decompressed is counted where it is
    while part.end is None or position < part.end:
        line, size = _next_line(stream)
        if not size:
            return
        offset, position, line_number = position, position + size, line_number + 1
        count(size)
        if offset == 0:
            require_utf8(line)
            line = line.removeprefix(BOM)
        if size <= MAX_ROW_BYTES and not line.strip():
            continue
        named = None if part.start == 0 else offset
        place = f"line {line_number:,}" if named is None else f"the row at byte {offset:,}"
        where = f"{place} of {file.path}"
        try:
            if size > MAX_ROW_BYTES:
                raise _BadLine(TOO_LONG, f"it has {size:,} bytes{_layout_hint(line)}")
            yield Row(str(offset), where, _json_object(line), size, named)
        except _BadLine as error:
            if error.reason in (NOT_JSON, NOT_UTF8) and not line.endswith(b"\n"):
                raise BadFile(CUT, f"it ends within {place}: it is cut ({error})") from error
            yield BadRow(error.reason, f"{where}: {error}", size, offset=named)


def _next_line(stream: IO[bytes]) -> tuple[bytes, int]:
    """(a line, its bytes). Of one that is too long, only the beginning is given."""
    line = stream.readline(MAX_ROW_BYTES + 1)
    if len(line) <= MAX_ROW_BYTES or line.endswith(b"\n"):
        return line, len(line)
    return line[:LOOKED_AT_BYTES], len(line) + _rest_of_line(stream)


def _rest_of_line(stream: IO[bytes]) -> int:
    """Passes over what is left of a line, with its end; returns how many bytes that was."""
    size = 0
    while block := stream.readline(_REMOTE_BUFFER_BYTES):
        size += len(block)
        if block.endswith(b"\n"):
            break
    return size


class _BadLine(Exception):
    def __init__(self, reason: str, message: str):
        super().__init__(message)
        self.reason = reason


def _json_object(line: bytes) -> dict[str, Any]:
    try:
        row = _DECODER.decode(line.decode())
    except UnicodeDecodeError as error:
        raise _BadLine(NOT_UTF8, not_utf8(error)) from error
    except (ValueError, RecursionError) as error:  # among them are NaN and numbers without end
        raise _BadLine(NOT_JSON, f"it is not JSON: {error}{_layout_hint(line)}") from error
    if not isinstance(row, dict):
        raise _BadLine(NOT_AN_OBJECT, f"it is {kind_of(row)}, not an object{_layout_hint(line)}")
    return row


def kind_of(value: Any) -> str:
    """What a value is, in JSON's words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, Mapping):
        return "an object"
    names = {int: "a number", float: "a number", list: "a list", str: "a string"}
    return names.get(type(value), f"a {type(value).__name__}")


def _layout_hint(line: bytes) -> str:
    """What to do where one JSON value stands in several lines, or all rows in one."""
    if b"\r" in line.strip():
        return "; its lines end in CR alone: convert them (tr '\\r' '\\n')"
    if line.lstrip()[:1] == b"[" or line.strip() == b"{":
        return "; write each document as an object in a line of its own (jq -c '.[]')"
    return ""


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise _BadLine(REPEATED_FIELD, f"it has the field {repeated!r} more than once")
    return fields


def _refused_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number in JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_without_repeats, parse_constant=_refused_constant)
