"""Rows and files that cannot become documents, and what is told of one pass over a source.

    BadRow(NOT_JSON, "line 7 of a.jsonl is not JSON: ...")    # what a source yields and skips

    watch = SourceWatch()
    for row in watch.documents(rows): ...         # notes bad rows; ends at an error, and keeps it
    watch.require_success("my.corpus")            # raises that error
    watch.skipped[NOT_JSON].rows                  # 3

An exception that passes through tf.data arrives as another one, with the text of two tracebacks.
That is why it is kept here, beside the dataset, and raised outside.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from code_ablate.errors import Failed, Interrupted, UserError, told

NOT_JSON = "row_not_json"
NOT_AN_OBJECT = "row_not_an_object"
REPEATED_FIELD = "row_repeats_a_field"
NOT_UTF8 = "row_not_utf8"
MISSING_FIELD = "row_lacks_a_field"
TEXT_NOT_A_STRING = "text_not_a_string"
METADATA_NOT_A_STRING = "metadata_not_a_string"
CUT = "file_cut"
DAMAGED = "file_damaged"
UNREADABLE = "file_unreadable"
OTHER_ENCODING = "file_in_another_encoding"
OTHER_KIND = "file_of_another_kind"
TOO_LONG = "row_too_long"

REASONS = (
    NOT_JSON,
    NOT_AN_OBJECT,
    REPEATED_FIELD,
    NOT_UTF8,
    MISSING_FIELD,
    TEXT_NOT_A_STRING,
    METADATA_NOT_A_STRING,
    CUT,
    DAMAGED,
    UNREADABLE,
    OTHER_ENCODING,
    OTHER_KIND,
    TOO_LONG,
)
"""Why a row, or what is left of a file, is no document; as it stands in a store's manifest."""

_TOLD_BYTES = 250_000

MAX_EXAMPLES = 3
"""Examples that are kept for each reason, of each piece of a corpus."""


@dataclass(frozen=True)
class BadRow:
    """A row that is no document, or the rest of a file that cannot be read."""

    reason: str
    """One of `REASONS`."""
    message: str
    """What is wrong, with the file and the row."""
    bytes: int = 0
    """Bytes of the row as it stands in the file; 0 where they are not known."""
    rows: int = 1
    """Rows that are lost; the rest of a file counts as one where it cannot be counted."""
    offset: int | None = None
    """Byte at which the row begins, where the message names it by that alone."""


class BadFile(Exception):
    """Raised within a file's reader: from here on, the file cannot be read."""

    def __init__(self, reason: str, message: str, rows: int = 1):
        super().__init__(message)
        self.reason = reason
        self.rows = rows


@dataclass
class SkippedRows:
    """The rows that were skipped for one reason."""

    rows: int = 0
    """Number of rows."""
    bytes: int = 0
    """Bytes of those rows as they stand in their files."""
    examples: list[str] = field(default_factory=list)
    """The first messages in the order of the alphabet, whichever row came first: that does not
    depend on how a corpus is cut into pieces."""

    def add(self, row: BadRow) -> None:
        """Counts one more."""
        self.rows += row.rows
        self.bytes += row.bytes
        if len(self.examples) < MAX_EXAMPLES or row.message < self.examples[-1]:
            self.examples = sorted([*self.examples, row.message])[:MAX_EXAMPLES]


class SourceWatch:
    """What happened in one pass over a source: the rows that were skipped, and how it failed."""

    def __init__(self, on_read: Callable[[int], None] | None = None) -> None:
        """`on_read` is called with bytes of the source's files as they are read, many at a time."""
        self.error: Exception | SystemExit | None = None
        self.skipped: dict[str, SkippedRows] = {}
        self._on_read, self._new_bytes = on_read, 0

    def count(self, size: int) -> None:
        """Counts bytes of the source's files that were read."""
        self._new_bytes += size
        if self._new_bytes >= _TOLD_BYTES and self._on_read is not None:
            self._on_read(self._new_bytes)
            self._new_bytes = 0

    def documents(self, rows: Iterable[Mapping[str, str] | BadRow]) -> Iterator[Mapping[str, str]]:
        """The documents among the rows of a source. Ends at an error, which is kept."""
        try:
            for row in rows:
                if isinstance(row, BadRow):
                    self.skipped.setdefault(row.reason, SkippedRows()).add(row)
                else:
                    yield row
        except (Exception, SystemExit) as error:
            self.error = error

    def require_success(self, corpus: str) -> None:
        """Raises the error that ended the pass: as it is if it was meant for the user."""
        if isinstance(self.error, UserError | Failed | Interrupted):
            raise self.error
        if self.error is not None:
            raise Failed(
                f"the source of corpus {corpus!r} failed: {told(self.error)}."
            ) from self.error
