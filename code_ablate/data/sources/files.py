"""Documents in files: JSON lines, Parquet, plain text; compressed or not; local or remote.

    Files("data/web-*.jsonl.zst", text="content", language_field="lang")
    Files(["gs://bucket/a/*.parquet", "gs://bucket/b/*.parquet"])
    Files("notes/**/*.md", format="text", language="markdown")

Paths are what fsspec takes; a store may need its package (`pip install gcsfs`, `s3fs`, ...).
"""

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import IO, Any

import fsspec
import pyarrow.parquet
import zstandard

from code_ablate.data.sources.base import DocumentSource
from code_ablate.errors import UserError

_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2", ".xz": "xz"}
_FORMATS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".txt": "text",
}


@dataclass(frozen=True)
class _File:
    filesystem: fsspec.AbstractFileSystem
    path: str
    """Path as the file system takes it."""
    name: str
    """The path after what all files have in common: the same wherever the folder lies."""
    format: str
    compression: str | None


class Files(DocumentSource):
    """Documents from files: one per row of JSON lines and Parquet, one per plain text file."""

    def __init__(
        self,
        patterns: str | Sequence[str],
        *,
        format: str | None = None,
        text: str = "text",
        language_field: str | None = None,
        path_field: str | None = None,
        language: str = "",
        storage_options: dict[str, Any] | None = None,
    ):
        """What to read.

        Args:
          patterns: paths or globs, one or several.
          format: "jsonl", "parquet" or "text"; None: as the suffix says, before .gz, .zst, .bz2 or
            .xz.
          text: the field that holds the text; a row where it is null is an empty document.
          language_field: the field that holds the language; None: there is none.
          path_field: the field that holds the path; None: the file's name and the row's number.
          language: the language of all documents, where no field says it.
          storage_options: options for the fsspec file system, such as {"anon": True}.
        """
        super().__init__()
        self.patterns = (patterns,) if isinstance(patterns, str) else tuple(patterns)
        if format is not None and format not in _FORMATS.values():
            raise UserError(f"format is {format!r}; it can be 'jsonl', 'parquet' or 'text'.")
        self.format = format
        self.text = text
        self.language_field = language_field
        self.path_field = path_field
        self.language = language
        self._storage_options = storage_options or {}

    def units(self) -> Sequence[_File]:
        """The files, sorted. Raises UserError where a pattern matches none or lacks a field."""
        return self._files

    def describe(self) -> Iterator[str]:
        """Arguments, then every file with its size and the time, or tag, of its last change."""
        yield repr((self.text, self.language_field, self.path_field, self.language))
        for file in self._files:
            info = file.filesystem.info(file.path)
            keys = ("mtime", "ETag", "etag", "md5Hash", "LastModified", "last_modified", "updated")
            change = next((str(info[key]) for key in keys if info.get(key)), "")
            yield f"{file.name}\t{file.format}\t{info.get('size')}\t{change}"

    def read(self, unit: _File) -> Iterator[dict[str, str]]:
        """The documents of one file."""
        for number, row in enumerate(self._rows(unit)):
            if self.text not in row:
                raise UserError(
                    f"row {number} of {unit.path} has no field {self.text!r}; it has "
                    f"{', '.join(map(repr, sorted(row)))}. Name the right one with text=..."
                )
            path = row.get(self.path_field) if self.path_field else f"{unit.name}#{number}"
            language = row.get(self.language_field) if self.language_field else self.language
            yield {
                "text": _string(row[self.text], unit.path, number),
                "path": str(path or ""),
                "language": str(language or ""),
                "source": unit.name,
            }

    def _rows(self, file: _File) -> Iterator[dict[str, Any]]:
        if file.format == "parquet":
            with file.filesystem.open(file.path, "rb") as stream:
                table = pyarrow.parquet.ParquetFile(stream)
                wanted = {self.text, self.language_field, self.path_field}
                there = [name for name in table.schema_arrow.names if name in wanted]
                if self.text not in there:
                    there = table.schema_arrow.names  # for the message
                for batch in table.iter_batches(batch_size=1024, columns=there):
                    yield from batch.to_pylist()
            return
        with _opened(file) as stream:
            if file.format == "text":
                yield {self.text: stream.read().decode("utf-8", "replace")}
                return
            for number, line in enumerate(stream):
                if line.strip():
                    yield _json_object(line, file.path, number)

    @cached_property
    def _files(self) -> tuple[_File, ...]:
        found: dict[str, fsspec.AbstractFileSystem] = {}
        for pattern in self.patterns:
            filesystem, path = self._filesystem(pattern)
            matches = [p for p in filesystem.glob(path) if not filesystem.isdir(p)]
            if not matches:
                raise UserError(f"no file matches {pattern!r}.")
            found.update(dict.fromkeys(matches, filesystem))
        paths = sorted(found)
        folder = _common_folder(paths)
        files = tuple(
            _File(found[path], path, path[len(folder) :], *self._format_of(path)) for path in paths
        )
        next(self.read(files[0]), None)  # a wrong field name is told here, before any work
        return files

    def _filesystem(self, pattern: str) -> tuple[fsspec.AbstractFileSystem, str]:
        try:
            return fsspec.core.url_to_fs(pattern, **self._storage_options)
        except (ImportError, ValueError) as error:
            raise UserError(f"cannot open {pattern!r}: {error}") from error

    def _format_of(self, path: str) -> tuple[str, str | None]:
        stem, compression = path, None
        for suffix, name in _COMPRESSIONS.items():
            if path.endswith(suffix):
                stem, compression = path.removesuffix(suffix), name
        suffix = "." + stem.rpartition("/")[2].rpartition(".")[2]
        format = self.format or _FORMATS.get(suffix)
        if format is None:
            raise UserError(
                f"the suffix of {path} does not say its format; give format='jsonl', 'parquet' or "
                f"'text' (known suffixes: {', '.join(_FORMATS)})."
            )
        return format, compression


def _opened(file: _File) -> IO[bytes]:
    if file.compression != "zstd":
        return file.filesystem.open(file.path, "rb", compression=file.compression)
    # fsspec's own reader ends after the first frame; pzstd and cat make files of several.
    raw = file.filesystem.open(file.path, "rb")
    reader = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True)
    return io.BufferedReader(reader)


def _common_folder(paths: Sequence[str]) -> str:
    """The folder that all paths are in, with a slash at its end."""
    first, last = paths[0], paths[-1]  # sorted: what these two share, all share
    shared = 0
    while shared < min(len(first), len(last)) and first[shared] == last[shared]:
        shared += 1
    return first[: first.rfind("/", 0, shared) + 1]


def _json_object(line: bytes, path: str, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line.decode("utf-8", "replace"))
    except json.JSONDecodeError as error:
        raise UserError(f"line {number + 1} of {path} is not JSON: {error}") from error
    if not isinstance(row, dict):
        raise UserError(f"line {number + 1} of {path} is a {type(row).__name__}, not an object.")
    return row


def _string(value: Any, path: str, number: int) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if not isinstance(value, str):
        raise UserError(f"row {number} of {path}: the text is a {type(value).__name__}.")
    return value
