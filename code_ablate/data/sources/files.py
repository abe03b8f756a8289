"""Documents in files: JSON lines, Parquet, plain text; compressed or not; local or remote.

    Files("data/web-*.jsonl.zst", text="content", language_field="meta.lang")
    Files(["gs://bucket/a/*.parquet", "gs://bucket/b/*.parquet"], on_bad="skip")
    Files("notes/**/*.md", format="text", language="markdown")

Paths are what fsspec takes; a store may need its package (`pip install gcsfs`, `s3fs`, ...). Links
to folders are entered; names that begin with a point are left out. A field is a name in the row, a
name with points for a field in a field, or the name of a folder like `lang=de`. Large files of JSON
lines and of Parquet are read in parts (`file_parts`).

A row or file that is wrong stops the preparation, or is skipped and counted with its reason in the
store's manifest, as `on_bad` says.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Any, cast

from code_ablate.data.sources.bad_rows import (
    CUT,
    DAMAGED,
    METADATA_NOT_A_STRING,
    MISSING_FIELD,
    NOT_UTF8,
    OTHER_ENCODING,
    OTHER_KIND,
    REASONS,
    TEXT_NOT_A_STRING,
    BadRow,
)
from code_ablate.data.sources.base import DocumentSource
from code_ablate.data.sources.content_digests import changed_while_read
from code_ablate.data.sources.documents import DOCUMENT_FIELDS
from code_ablate.data.sources.file_parts import FilePart, SourceFile, line_number, parts_of
from code_ablate.data.sources.file_rows import (
    MISSING,
    Row,
    field_of,
    file_rows,
    kind_of,
    no_such_field,
    not_utf8,
)
from code_ablate.data.sources.file_search import (
    FoundFiles,
    change_stamp,
    file_digests,
    find_files,
)
from code_ablate.data.sources.formats import FORMATS, PARQUET
from code_ablate.errors import UserError
from code_ablate.names import require_path

STOP, SKIP = "stop", "skip"

EMPTY_FILE = "empty_file"
"""Why a file of no bytes is not read: empty shards are common, and hold no documents."""

_PATHS_VERSION = 2
"""To be raised when documents get other paths: filters may look at them."""

_TRIED_ROWS = 100
_SHOWN_PROBLEMS = 5
_ADVICE = {
    CUT: "Copy or write the file again",
    DAMAGED: "Copy or write the file again",
    OTHER_ENCODING: "Do that",
    OTHER_KIND: "Do that",
    MISSING_FIELD: "Name the field that the rows have (text=..., language_field=..., path_field=.."
    ".), or correct the row",
}
"""Reason -> what to do about it, beside skipping."""


class Files(DocumentSource):
    """Documents from files: one per row of JSON lines and Parquet, one per plain text file."""

    def __init__(
        self,
        patterns: str | os.PathLike | Iterable[str | os.PathLike],
        *,
        format: str | None = None,
        text: str = "text",
        language_field: str | None = None,
        path_field: str | None = None,
        language: str = "",
        metadata: Mapping[str, str] | None = None,
        on_bad: str = STOP,
        hidden: bool = False,
        storage_options: dict[str, Any] | None = None,
    ):
        """What to read.

        Args:
          patterns: paths or globs, one or several.
          format: "jsonl", "parquet" or "text"; None: as the suffix says, before .gz, .zst, .bz2 or
            .xz.
          text: the field that holds the text.
          language_field: the field that holds the language, in every row; it may be null. None:
            there is none.
          path_field: the field that holds the path, in every row; it may be null. None: the file's
            name, and the byte at which the row begins (Parquet: the row's number).
          language: the language of all documents, where no field says it.
          metadata: further metadata for filters: name -> the field that holds it, in every row. It
            may be null, a string, a number, or a list of strings, which come one in a line.
          on_bad: "stop": a row that is no document, and a file that is cut, damaged or unreadable,
            is an error. "skip": it is left out, and counted in the store's manifest.
          hidden: whether files and folders are read whose names begin with a point.
          storage_options: options for the fsspec file system, such as {"anon": True}.
        """
        super().__init__()
        one = isinstance(patterns, str | os.PathLike | bytes)
        given: list[Any] = [patterns] if one else list(cast(Iterable, patterns))
        if not given:
            raise UserError("Files reads nothing: give a path or a pattern.")
        for pattern in given:
            require_path("a pattern of Files", pattern)
        self.patterns = tuple(map(os.fspath, given))
        if format is not None and format not in FORMATS:
            raise UserError(f"format is {format!r}; it can be 'jsonl', 'parquet' or 'text'.")
        if on_bad not in (STOP, SKIP):
            raise UserError(f"on_bad is {on_bad!r}; it can be 'stop' or 'skip'.")
        self.format = format
        self.text = text
        self.language_field = language_field
        self.path_field = path_field
        self.language = language
        self.metadata = dict(metadata or {})
        taken = sorted(set(self.metadata) & set(DOCUMENT_FIELDS))
        if taken:
            raise UserError(
                f"Files(metadata=...) names {', '.join(taken)}, which every document has: use "
                "text, path_field and language_field for those, or another name."
            )
        self.on_bad = on_bad
        self.hidden = hidden
        self._storage_options = storage_options or {}

    def paths(self) -> tuple[str, ...]:
        """Paths and globs that are searched; those given, but where a subclass makes others of
        them when documents are asked for."""
        return self.patterns

    @property
    def fields(self) -> tuple[str, ...]:
        """Those of every document, and the names in `metadata`."""
        return (*super().fields, *self.metadata)

    def units(self) -> Sequence[FilePart]:
        """The parts of the files, sorted. Raises UserError if a pattern has none, or lacks a
        field."""
        return self._parts

    def size_of(self, unit: FilePart) -> int | None:
        """Bytes of the part, compressed as it is."""
        return unit.bytes

    def skipped(self) -> dict[str, int]:
        """What matches and cannot be read, or has nothing in it, counted by reason."""
        empty = sum(map(_is_empty, self._found.files))
        counts = {EMPTY_FILE: empty} if empty else {}
        for problem in self._found.problems:
            counts[problem.reason] = counts.get(problem.reason, 0) + 1
        return counts

    def reasons(self) -> Sequence[str]:
        """All reasons for which rows may be skipped."""
        return REASONS if self.on_bad == SKIP else ()

    def describe(self) -> Iterator[str]:
        """Arguments, then every file as it is now, with a digest of its content."""
        yield f"paths {_PATHS_VERSION}"
        yield repr((self.text, self.language_field, self.path_field, self.language, self.on_bad))
        if self.metadata:
            yield repr(sorted(self.metadata.items()))
        files = self._search().files
        for file, digest in zip(files, file_digests(files), strict=True):
            hive = {name: file.hive[name] for name in self._wanted if name in file.hive}
            yield f"{file.name}\t{file.format}\t{digest}\t{hive or ''}"

    def read(self, unit: FilePart) -> Iterator[Mapping[str, str] | BadRow]:
        """The documents of one part of a file.

        Raises UserError for a bad row, unless bad rows are skipped, and for a file that changes.
        """
        return self.read_counted(unit, lambda size: None)

    def read_counted(
        self, unit: FilePart, count: Callable[[int], None]
    ) -> Iterator[Mapping[str, str] | BadRow]:
        """As `read`; `count` is told of every block, line or batch."""
        counted = 0

        def count_some(size: int) -> None:
            nonlocal counted
            size = min(size, (unit.bytes or 0) - counted)
            counted += size
            count(size)

        before = change_stamp(unit.file)
        for row in file_rows(unit, text=self.text, wanted=self._wanted, count=count_some):
            document = row if isinstance(row, BadRow) else self._document(unit.file, row)
            if isinstance(document, BadRow) and self.on_bad == STOP:
                _require_unchanged(unit.file, before)
                raise _stopped_by(document, unit.file)
            yield document
        _require_unchanged(unit.file, before)
        count_some((unit.bytes or 0) - counted)

    @property
    def _wanted(self) -> tuple[str, ...]:
        """Fields that are looked at."""
        one = (name for name in (self.text, self.language_field, self.path_field) if name)
        return tuple(dict.fromkeys((*one, *self.metadata.values())))

    def _document(self, file: SourceFile, row: Row) -> Mapping[str, str] | BadRow:
        values = {}
        for name in self._wanted:
            value = field_of(row.fields, name)
            values[name] = file.hive.get(name, MISSING) if value is MISSING else value
            if values[name] is MISSING:
                fields = (*row.fields, *file.hive)
                message = f"{row.where} has {no_such_field(name, fields)}"
                return BadRow(MISSING_FIELD, message, row.bytes, offset=row.offset)
            if isinstance(value, bytes):  # a column of Parquet
                try:
                    values[name] = value.decode()
                except UnicodeDecodeError as error:
                    message = f"{row.where}, field {name!r}: {not_utf8(error)}"
                    return BadRow(NOT_UTF8, message, row.bytes, offset=row.offset)
        text = values[self.text]
        if not isinstance(text, str):
            kind = kind_of(values[self.text])
            message = f"{row.where}: the text ({self.text!r}) is {kind}, not a string"
            return BadRow(TEXT_NOT_A_STRING, message, row.bytes, offset=row.offset)
        for name in self._wanted[1:]:
            if name in self.metadata.values() and _is_list_of_strings(values[name]):
                values[name] = "\n".join(values[name])
            if isinstance(values[name], Mapping | list):
                message = f"{row.where}: {name!r} is {kind_of(values[name])}, not a string"
                return BadRow(METADATA_NOT_A_STRING, message, row.bytes, offset=row.offset)
        path = values[self.path_field] if self.path_field else f"{file.name}#{row.name}"
        language = values[self.language_field] if self.language_field else self.language
        return {
            "text": text,
            "path": _metadata(path),
            "language": _metadata(language),
            "source": file.name,
            **{name: _metadata(values[field]) for name, field in self.metadata.items()},
        }

    @cached_property
    def _parts(self) -> tuple[FilePart, ...]:
        files = [file for file in self._found.files if not _is_empty(file)]
        return tuple(part for file in files for part in parts_of(file))

    @cached_property
    def _found(self) -> FoundFiles:
        found = self._search()
        if found.problems and self.on_bad == STOP:
            shown = "; ".join(problem.message for problem in found.problems[:_SHOWN_PROBLEMS])
            more = len(found.problems) - _SHOWN_PROBLEMS
            raise UserError(
                f"not all that matches {', '.join(map(repr, self.paths()))} is a file that can be "
                f"read: {shown}{f'; and {more} more' if more > 0 else ''}. Mend or remove them, "
                "or leave them out: Files(..., on_bad='skip')."
            )
        if not all(map(_is_empty, found.files)):
            self._try_first_rows(next(file for file in found.files if not _is_empty(file)))
        return found

    def _search(self) -> FoundFiles:
        return find_files(
            self.paths(),
            format=self.format,
            hidden=self.hidden,
            storage_options=self._storage_options,
        )

    def _try_first_rows(self, file: SourceFile) -> None:
        """Raises UserError for a wrong field name: it is told here, before any work."""
        first = FilePart(file)
        if self.on_bad == STOP:
            next(self.read(first), None)
            return
        bad = []
        for row in islice(self.read(first), _TRIED_ROWS):
            if not isinstance(row, BadRow):
                return
            bad.append(row)
        if bad and bad[0].reason == MISSING_FIELD:
            raise _stopped_by(bad[0], file)


def _is_list_of_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_empty(file: SourceFile) -> bool:
    """Whether a file has no bytes; what is compressed, and Parquet, has some when it is whole."""
    return file.bytes == 0 and file.compression is None and file.format != PARQUET


def _stopped_by(row: BadRow, file: SourceFile) -> UserError:
    advice = _ADVICE.get(row.reason, "Correct it")
    message = row.message
    if row.offset is not None:
        line = f"line {line_number(file, row.offset):,} of"
        message = message.replace(f"the row at byte {row.offset:,} of", line, 1)
    return UserError(
        f"{message}. {advice}; or have what is bad skipped and counted: Files(..., on_bad='skip')."
    )


def _require_unchanged(file: SourceFile, before: tuple | None) -> None:
    if change_stamp(file) != before:
        raise changed_while_read(file.path)


def _metadata(value: Any) -> str:
    return "" if value is None else str(value)
