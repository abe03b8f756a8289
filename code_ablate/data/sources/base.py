"""Where documents come from: SeqIO sources, deterministic and shardable, that know their digest.

    class Poems(DocumentSource):
        def units(self): ...                     # such as the files
        def read(self, unit): ...                # the documents of one of them
        def describe(self): ...                  # lines that change when what is read changes

    Together(first, second)                      # one source after the other

Use one as the `source` of a `seqio.Task`. Nothing is read, listed or imported before documents are
asked for. Shard i of n reads units i, i + n, ... (a unit is mostly a file, or a part of a large
one); where there are fewer units than shards, every shard reads all units and keeps its share of
the documents. Text that is not UTF-8 is decoded with U+FFFD in place of what is wrong, for
`filters.Undecodable` to drop and prepare to count.

Beside this module are `distributions` and `docstrings` (what pip installed), `files` and `below`
(files, local or remote), `built` (corpora built from packages), `wikipedia`, `formal_languages`.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import seqio
import tensorflow as tf

from code_ablate.data.sources.bad_rows import BadRow, SourceWatch
from code_ablate.data.sources.documents import DOCUMENT_FIELDS
from code_ablate.data.sources.one_split import OneSplitSource
from code_ablate.errors import UserError

# Documents go to TensorFlow in groups: crossing from Python costs more than a short document.
_GROUP_DOCUMENTS = 64
_GROUP_CHARACTERS = 1_000_000

_SURROGATES = re.compile("[\ud800-\udfff]")


class DocumentSource(OneSplitSource):
    """Base of the sources. A subclass says `units`, `read` and `describe`."""

    def __init__(self):
        super().__init__("train")

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of what a document has: its text, and strings of metadata."""
        return DOCUMENT_FIELDS

    def units(self) -> Sequence[Any]:
        """What is read one after the other, in a fixed order; mostly files. Cheap to list."""
        raise NotImplementedError

    def read(self, unit: Any) -> Iterator[Mapping[str, str] | BadRow]:
        """The documents of one unit: `text`, `path`, `language`, `source`.

        A `BadRow` stands for a row that is to be skipped and counted.
        """
        raise NotImplementedError

    def describe(self) -> Iterable[str]:
        """Lines that change when, and only when, what would be read changes."""
        raise NotImplementedError

    def size_of(self, unit: Any) -> int | None:
        """Bytes of files that are read for a unit; None where they are not known."""
        return None

    def read_counted(
        self, unit: Any, count: Callable[[int], None]
    ) -> Iterator[Mapping[str, str] | BadRow]:
        """As `read`; `count` is called with bytes as they are read, `size_of` of them together."""
        yield from self.read(unit)
        count(self.size_of(unit) or 0)

    def shard_bytes(self, index: int = 0, count: int = 1) -> int | None:
        """Bytes of files that are read for shard `index` of `count`; None: they are not known."""
        units = self.units()
        sizes = [self.size_of(unit) for unit in _units_of_shard(units, index, count)]
        return None if None in sizes else sum(size or 0 for size in sizes)

    def skipped(self) -> dict[str, int]:
        """Units that were found and are not read, counted by reason."""
        return {}

    def reasons(self) -> Sequence[str]:
        """Reasons of the bad rows that `read` may give, each once, in a fixed order."""
        return ()

    def digest(self) -> str:
        """SHA-256, in hexadecimal, of what would be read now."""
        lines = (type(self).__name__, *self.describe())
        return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()

    def documents(
        self, index: int = 0, count: int = 1, order: Sequence[int] | None = None
    ) -> Iterator[Mapping[str, str]]:
        """Documents of shard `index` of `count`; `order` is a permutation of the units."""
        rows = self._rows(index, count, order, lambda size: None)
        return (row for row in rows if not isinstance(row, BadRow))

    def _rows(
        self,
        index: int,
        count: int,
        order: Sequence[int] | None,
        count_bytes: Callable[[int], None],
    ) -> Iterator[Mapping[str, str] | BadRow]:
        units = self.units()
        if order is not None:
            units = [units[i] for i in order]
        read = _units_of_shard(units, index, count)
        rows = (row for unit in read for row in self.read_counted(unit, count_bytes))
        if len(units) >= count:
            return rows
        return (row for number, row in enumerate(rows) if number % count == index)

    def list_shards(self, split: str) -> Sequence[str]:
        """One name per unit."""
        return [f"{split}-{number}" for number in range(len(self.units()))]

    def elements(self, shuffle: bool, seed: int | None, shard: seqio.ShardInfo) -> tf.data.Dataset:
        """The documents as a dataset of scalar strings. Raises UserError when there are none."""
        order = self._order(shuffle, seed)
        return _dataset(lambda: self.documents(shard.index, shard.num_shards, order), self.fields)

    def watched(
        self, watch: SourceWatch, shuffle: bool, seed: int | None, shard: seqio.ShardInfo
    ) -> tf.data.Dataset:
        """As `elements`, but an error ends the dataset and is left with `watch`, to be raised."""
        order = self._order(shuffle, seed)
        return _dataset(
            lambda: watch.documents(self._rows(shard.index, shard.num_shards, order, watch.count)),
            self.fields,
        )

    def _order(self, shuffle: bool, seed: int | None) -> Sequence[int] | None:
        units = self.units()
        if not units:
            skipped = ", ".join(
                f"{count} as {why}" for why, count in self.skipped().items() if count
            )
            found = f"left out: {skipped}" if skipped else "nothing matches it on this machine"
            raise UserError(f"{self} has no documents: {found}.")
        return np.random.default_rng(seed).permutation(len(units)).tolist() if shuffle else None

    def __repr__(self) -> str:
        shown = ", ".join(f"{k}={v!r}" for k, v in vars(self).items() if not k.startswith("_"))
        return f"{type(self).__name__}({shown})"


def _units_of_shard(units: Sequence[Any], index: int, count: int) -> Sequence[Any]:
    """The units that are read for a shard: all where there are fewer units than shards."""
    return units[index::count] if len(units) >= count else units


def _dataset(
    documents: Callable[[], Iterable[Mapping[str, str]]], fields: Sequence[str]
) -> tf.data.Dataset:
    dataset = tf.data.Dataset.from_generator(
        lambda: _groups(documents(), fields),
        output_signature={name: tf.TensorSpec([None], tf.string) for name in fields},
    )
    return dataset.unbatch()


def _groups(
    documents: Iterable[Mapping[str, str]], fields: Sequence[str]
) -> Iterator[dict[str, np.ndarray]]:
    group: list[Mapping[str, str]] = []
    characters = 0
    for document in documents:
        group.append(document)
        characters += len(document["text"])
        if len(group) == _GROUP_DOCUMENTS or characters >= _GROUP_CHARACTERS:
            yield _as_arrays(group, fields)
            group, characters = [], 0
    if group:
        yield _as_arrays(group, fields)


def _as_arrays(group: Sequence[Mapping[str, str]], fields: Sequence[str]) -> dict[str, np.ndarray]:
    return {
        key: np.array([to_utf8(document[key]) for document in group], dtype=object)
        for key in fields
    }


def to_utf8(text: str) -> bytes:
    """UTF-8 of a string that may hold lone surrogates (JSON can spell them): they become U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATES.sub("�", text).encode()


class Together(DocumentSource):
    """Several sources as one corpus, one after the other."""

    def __init__(self, *sources: DocumentSource):
        super().__init__()
        self.sources = sources

    @property
    def fields(self) -> tuple[str, ...]:
        """Those of all sources; a document lacks none, but some may be empty."""
        return tuple(dict.fromkeys(name for source in self.sources for name in source.fields))

    def units(self) -> Sequence[tuple[DocumentSource, Any]]:
        """The units of all sources."""
        return [(source, unit) for source in self.sources for unit in source.units()]

    def read(self, unit: tuple[DocumentSource, Any]) -> Iterator[Mapping[str, str] | BadRow]:
        """The documents of one unit of one source."""
        return self.read_counted(unit, lambda size: None)

    def size_of(self, unit: tuple[DocumentSource, Any]) -> int | None:
        """What the source of the unit says."""
        source, own = unit
        return source.size_of(own)

    def read_counted(
        self, unit: tuple[DocumentSource, Any], count: Callable[[int], None]
    ) -> Iterator[Mapping[str, str] | BadRow]:
        """As `read`, with the bytes that the source counts."""
        source, own = unit
        empty = dict.fromkeys(self.fields, "")
        for row in source.read_counted(own, count):
            yield row if isinstance(row, BadRow) else {**empty, **row}

    def describe(self) -> Iterator[str]:
        """The digests of the sources."""
        return (source.digest() for source in self.sources)

    def skipped(self) -> dict[str, int]:
        """Sums over the sources."""
        total: dict[str, int] = {}
        for source in self.sources:
            for reason, count in source.skipped().items():
                total[reason] = total.get(reason, 0) + count
        return total

    def reasons(self) -> Sequence[str]:
        """Those of all sources."""
        return tuple(dict.fromkeys(r for source in self.sources for r in source.reasons()))
