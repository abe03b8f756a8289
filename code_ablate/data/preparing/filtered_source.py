"""The filters at the beginning of a corpus, run on the rows of its source, before TensorFlow.

    watch = FilteringWatch(Chain(filters), source.fields, max_bytes=10_000_000)
    dataset = source.watched(watch, shuffle, seed, shard)
    watch.read, watch.too_long, watch.chain.counts      # documents and bytes

A document that a filter drops never becomes a tensor, and no filter waits for a crossing from
TensorFlow to Python.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from code_ablate.data.filters.base import TEXTS, Document
from code_ablate.data.filters.chain import Chain
from code_ablate.data.sources.bad_rows import BadRow, SourceWatch
from code_ablate.data.sources.base import to_utf8
from code_ablate.errors import Failed, Interrupted, UserError, told


class _FilterFault(Exception):
    """A filter raised what is not meant for the user."""


class FilteringWatch(SourceWatch):
    """A watch that lets through what filters leave of the rows of a source."""

    def __init__(
        self,
        chain: Chain,
        names: Sequence[str],
        max_bytes: int | None,
        on_read: Callable[[int], None] | None = None,
    ):
        """A watch with filters. Raises UserError if one looks at metadata that rows do not have.

        Args:
          chain: the filters.
          names: features of a row.
          max_bytes: text that is longer is left out before the filters; None: no limit.
          on_read: as of `SourceWatch`.
        """
        super().__init__(on_read)
        chain.require_metadata(names)
        self.chain = chain
        self.read, self.too_long = [0, 0], [0, 0]
        self.max_bytes = max_bytes
        self._names = names

    def documents(self, rows: Iterable[Mapping[str, str] | BadRow]) -> Iterator[Mapping[str, str]]:
        """The rows that stay. Ends at an error, of the source or of a filter, which is kept."""
        return super().documents(self._filtered(rows))

    def require_success(self, corpus: str) -> None:
        """Raises the error that ended the pass: as it is if it was meant for the user."""
        if isinstance(self.error, _FilterFault):
            assert self.error.__cause__ is not None
            raise Failed(
                f"corpus {corpus!r}: {self.error}: {told(self.error.__cause__)}."
            ) from self.error.__cause__
        super().require_success(corpus)

    def _filtered(
        self, rows: Iterable[Mapping[str, str] | BadRow]
    ) -> Iterator[Mapping[str, str] | BadRow]:
        for row in rows:
            if isinstance(row, BadRow):
                yield row
                continue
            text, size = _in_utf8(row["text"])
            _count(self.read, size)
            if self.max_bytes is not None and size > self.max_bytes:
                _count(self.too_long, size)
                continue
            fields = {name: _in_utf8(row[name])[0] for name in self._names if name in row}
            document = Document.of({**fields, "text": text})
            try:
                after = self.chain.apply(document, size)
            except (UserError, Failed, Interrupted):
                raise
            except (Exception, SystemExit) as error:
                raise _FilterFault(f"a filter failed on {document.path or 'a document'}") from error
            if after is not None:
                yield {**row, **{name: getattr(after, name) for name in TEXTS if name in row}}


def _count(counts: list[int], size: int) -> None:
    counts[0] += 1
    counts[1] += size


def _in_utf8(text: str) -> tuple[str, int]:
    """(the text as UTF-8 can hold it, its bytes)."""
    if text.isascii():
        return text, len(text)
    content = to_utf8(text)
    return content.decode(), len(content)
