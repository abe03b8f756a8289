"""The rows of one file: JSON lines, Parquet, or a plain text as one row.

    for row in file_rows(file, text="text", wanted=("text", "meta.lang")):
        row.where                      # "line 7 of web/a.jsonl.gz"
        field_of(row.fields, "meta.lang")

A row that is wrong comes as a `BadRow` in its place, and so does the rest of a file that is cut,
damaged or unreadable; what the user asked for decides what becomes of it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

import fsspec
import pyarrow as pa
import pyarrow.parquet

from code_ablate.data.sources.bad_rows import (
    CUT,
    DAMAGED,
    MISSING_FIELD,
    NOT_AN_OBJECT,
    NOT_JSON,
    NOT_UTF8,
    REPEATED_FIELD,
    UNREADABLE,
    BadFile,
    BadRow,
)
from code_ablate.data.sources.decompression import decompressed
from code_ablate.data.sources.formats import BOM, JSONL, PARQUET, require_utf8

MISSING = object()
"""What `field_of` gives where there is no such field."""

_PARQUET_BATCH_ROWS = 1024


@dataclass(frozen=True)
class SourceFile:
    """A file of documents."""

    filesystem: fsspec.AbstractFileSystem
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


@dataclass(frozen=True)
class Row:
    """One row of a file."""

    number: int
    """Number from 0; bad rows count, empty lines do not."""
    where: str
    """The row's place in words."""
    fields: Mapping[str, Any]
    """Values by their names; those of the folders' names are not among them."""
    bytes: int = 0
    """Bytes of the row as it stands in the file; 0 where they are not known."""


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


def file_rows(file: SourceFile, *, text: str, wanted: Sequence[str]) -> Iterator[Row | BadRow]:
    """The rows of a file; `text` names the field of a plain text, `wanted` the columns needed."""
    number = 0
    try:
        for row in _rows(file, text, wanted):
            number += 1
            yield row
    except BadFile as error:
        reason, message, rows = error.reason, str(error), error.rows
    except (pa.ArrowException, OSError) as error:
        reason, message, rows = UNREADABLE, f"it cannot be read ({error})", 1
        if isinstance(error, pa.ArrowException) or error.errno is None:  # Arrow's own errors
            reason, message = DAMAGED, f"it is not Parquet, or cut or damaged ({error})"
    else:
        return
    yield BadRow(reason, f"{file.path}, after {number:,} rows: {message}", rows=rows)


def _rows(file: SourceFile, text: str, wanted: Sequence[str]) -> Iterator[Row | BadRow]:
    raw = file.filesystem.open(file.path, "rb")
    if file.format == PARQUET:
        with raw:
            yield from _parquet_rows(file, raw, wanted)
        return
    with decompressed(raw, file.compression) as stream:
        if file.format == JSONL:
            yield from _json_rows(file, stream)
            return
        content = stream.read()
        require_utf8(content)
        decoded = content.removeprefix(BOM).decode("utf-8", "replace")
        yield Row(0, f"{file.path}", {text: decoded}, len(content))


def _parquet_rows(
    file: SourceFile, stream: IO[bytes], wanted: Sequence[str]
) -> Iterator[Row | BadRow]:
    table = pyarrow.parquet.ParquetFile(stream, page_checksum_verification=True)
    schema = table.schema_arrow
    columns = [name for name in wanted if name not in file.hive or _has_column(schema, name)]
    for name in columns:
        if not _has_column(schema, name):
            raise BadFile(
                MISSING_FIELD, no_such_field(name, schema.names), rows=table.metadata.num_rows
            )
    number = 0
    for batch in table.iter_batches(batch_size=_PARQUET_BATCH_ROWS, columns=columns):
        for fields in batch.to_pylist():
            yield Row(number, f"row {number} of {file.path}", fields)
            number += 1


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


def no_such_field(name: str, names: Sequence[str]) -> str:
    """The message for a field that is named and not there."""
    return f"no field {name!r}; it has {', '.join(map(repr, sorted(names)))}"


def _json_rows(file: SourceFile, stream: IO[bytes]) -> Iterator[Row | BadRow]:
    number = 0
    for line_number, line in enumerate(stream, 1):
        if line_number == 1:
            require_utf8(line)
            line = line.removeprefix(BOM)
        if not line.strip():
            continue
        where = f"line {line_number} of {file.path}"
        try:
            yield Row(number, where, _json_object(line), len(line))
        except _BadLine as error:
            if error.reason in (NOT_JSON, NOT_UTF8) and not line.endswith(b"\n"):
                raise BadFile(
                    CUT, f"it ends within line {line_number}: it is cut ({error})"
                ) from error
            yield BadRow(error.reason, f"{where}: {error}", len(line))
        number += 1


class _BadLine(Exception):
    def __init__(self, reason: str, message: str):
        super().__init__(message)
        self.reason = reason


def _json_object(line: bytes) -> dict[str, Any]:
    try:
        row = _DECODER.decode(line.decode())
    except UnicodeDecodeError as error:
        raise _BadLine(
            NOT_UTF8, f"it is not UTF-8 ({error.reason} at byte {error.start}): convert the file"
        ) from error
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
