"""Token stores: a prepared corpus on disk, as arrays of token ids and a manifest.

    store = TokenStore.open("data/stores/demo.text-0f3c52a91b7e")
    windows_NxT = store.read_windows(np.array([5, 17]), seq_len=256)   # int32 [2, 257]
    store.manifest.dropped                                             # what the filters took away

The arrays are TensorStore zarr3: sharded, each chunk with a CRC-32C, on a local disk or an object
store (`gs://`, `s3://`). The manifest is written last: a directory without one is unfinished, and
is never read. Window i is tokens[i * seq_len : i * seq_len + seq_len + 1]. Consecutive windows
share one token, so that every token but the first is a target exactly once. This module needs
neither TensorFlow nor SeqIO.
"""

import contextlib
import datetime
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorstore as ts
from etils import epath
from jaxtyping import Int

from code_ablate import storage
from code_ablate.allocator import give_back_freed_memory
from code_ablate.data.manifest import MANIFEST, SPLITS, Manifest
from code_ablate.data.mixing import windows_in
from code_ablate.errors import NewerFormat, UserError, disk_failures

_CHUNK_TOKENS = 8192  # what one random read loads and checks: 16 KiB
_SHARD_TOKENS = 2**24  # one file; written in one go
_CACHE_BYTES = 64 << 20
_MAX_WINDOWS_AT_ONCE = 4096  # bounds the number of reads in flight
_ONE_ENCODER = {"data_copy_concurrency": {"limit": 1}}
"""TensorStore's context for writing. One thread encodes a shard, chunk by chunk, and the chunks are
freed when the file is written; but glibc keeps what a thread freed in that thread's arena. Where
each shard has another thread, each arena in time keeps a shard."""


class TokenStore:
    """A finished token store, to be read. Made by `TokenStore.open`."""

    def __init__(self, path: str, manifest: Manifest, arrays: Mapping[str, ts.TensorStore]):
        self.path = path
        self.manifest = manifest
        self._arrays = arrays
        self._document_bytes: dict[str, np.ndarray] = {}

    def __reduce__(self):
        """To another process goes the path alone: it opens the store itself."""
        return TokenStore.open, (self.path,)

    @classmethod
    def open(cls, path: str | epath.PathLike) -> "TokenStore":
        """Opens the store in directory `path`. Raises UserError if it is missing, damaged or of a
        newer format."""
        directory = epath.Path(path)
        if not directory.exists():
            raise UserError(f"no token store at {directory}: run code-ablate prepare.")
        if not (directory / MANIFEST).exists():
            raise UserError(f"the token store at {directory} is half-written; prepare it again.")
        try:
            with disk_failures(directory):
                manifest = Manifest.load(directory)
                arrays = _open_arrays(str(directory))
            for split in SPLITS:
                sizes = manifest.splits[split]
                _expect(arrays[f"{split}/tokens"], sizes["tokens"])
                _expect(arrays[f"{split}/document_ends"], sizes["documents"])
                _expect(arrays[f"{split}/document_bytes"], sizes["documents"])
        except NewerFormat as error:
            raise NewerFormat(f"{directory}: {error}") from None
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UserError(
                f"the token store at {directory} is damaged ({error}); delete the directory and "
                "prepare it again."
            ) from error
        return cls(str(directory), manifest, arrays)

    def num_tokens(self, split: str = "train") -> int:
        """Tokens in a split, the EOS of each document among them."""
        return self.manifest.splits[split]["tokens"]

    def num_documents(self, split: str = "train") -> int:
        """Documents in a split."""
        return self.manifest.splits[split]["documents"]

    def num_windows(self, seq_len: int, split: str = "train") -> int:
        """Whole windows in a split."""
        return windows_in(self.num_tokens(split), seq_len)

    def read_windows(
        self, indices: Int[np.ndarray, " N"] | Sequence[int], seq_len: int, split: str = "train"
    ) -> Int[np.ndarray, "N seq_len+1"]:
        """Windows as int32 rows, in the order asked for.

        Raises UserError if the split is shorter than one window, or what is read is damaged, and
        IndexError for an index outside of range(num_windows).
        """
        total = self.num_windows(seq_len, split)
        if seq_len < 1 or total < 1:
            raise UserError(
                f"the {split} split of {self.manifest.corpus!r} holds {self.num_tokens(split):,} "
                f"tokens, less than one window of seq_len + 1 = {seq_len + 1}: add data or lower "
                "seq_len."
            )
        indices = np.asarray(indices, np.int64)
        if ((indices < 0) | (indices >= total)).any():
            raise IndexError(f"windows {indices.min()}..{indices.max()} of range({total})")
        windows_NxT = np.empty((len(indices), seq_len + 1), np.int32)
        starts = (indices * seq_len).tolist()
        for first in range(0, len(starts), _MAX_WINDOWS_AT_ONCE):
            some = starts[first : first + _MAX_WINDOWS_AT_ONCE]
            self._read_into(windows_NxT[first : first + len(some)], some, split)
        return windows_NxT

    def read_document(self, index: int, split: str = "train") -> Int[np.ndarray, " T"]:
        """The tokens of one document, with its EOS, as int32."""
        if not 0 <= index < self.num_documents(split):
            raise IndexError(f"document {index} of range({self.num_documents(split)})")
        before = max(index - 1, 0)
        ends = self._read(f"{split}/document_ends", before, index + 1)
        start = int(ends[0]) if index else 0
        return self._read(f"{split}/tokens", start, int(ends[-1])).astype(np.int32)

    def document_ends(self, split: str = "train") -> Int[np.ndarray, " documents"]:
        """Where each document ends in the tokens (exclusive), as int64."""
        return self._read(f"{split}/document_ends", 0, self.num_documents(split))

    def document_bytes(self, split: str = "train") -> Int[np.ndarray, " documents"]:
        """UTF-8 bytes of the text of each document, as int64. Read once, then kept."""
        if split not in self._document_bytes:
            whole = self._read(f"{split}/document_bytes", 0, self.num_documents(split))
            self._document_bytes[split] = whole
        return self._document_bytes[split]

    def verify(self) -> None:
        """Reads everything and compares with the identity. Raises UserError where they differ."""
        content = _ContentHash(self.manifest.vocabulary["digest"])
        for split in SPLITS:
            for name in ("tokens", "document_ends", "document_bytes"):
                array = self._arrays[f"{split}/{name}"]
                content.start(f"{split}/{name}", array.dtype.numpy_dtype, array.size)
                for start in range(0, array.size, _SHARD_TOKENS):
                    stop = min(array.size, start + _SHARD_TOKENS)
                    content.update(self._read(f"{split}/{name}", start, stop))
        if content.hexdigest() != self.manifest.identity:
            raise UserError(
                f"the content of the token store at {self.path} is not what its manifest says; "
                "delete the directory and prepare it again."
            )

    def _read_into(self, rows_NxT: np.ndarray, starts: list[int], split: str) -> None:
        tokens, length = self._arrays[f"{split}/tokens"], rows_NxT.shape[1]
        with self._reading():
            with ts.Batch() as batch:
                reads = [tokens[start : start + length].read(batch=batch) for start in starts]
            for row, read in zip(rows_NxT, reads, strict=True):
                row[:] = read.result()

    def _read(self, name: str, start: int, stop: int) -> np.ndarray:
        with self._reading():
            return np.asarray(self._arrays[name][start:stop].read().result())

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """Raises UserError where TensorStore finds damage, Failed where it may not read."""
        try:
            with disk_failures(self.path):
                yield
        except ValueError as error:
            raise UserError(
                f"the token store at {self.path} is damaged; delete the directory and prepare it "
                f"again. TensorStore says: {str(error)[:400]}"
            ) from error


class Stores(Mapping[str, TokenStore]):
    """The token stores of several corpora, by corpus."""

    def __init__(self, stores: Mapping[str, TokenStore]):
        self._stores = dict(stores)

    def __getitem__(self, corpus: str) -> TokenStore:
        return self._stores[corpus]

    def __iter__(self) -> Iterator[str]:
        return iter(self._stores)

    def __len__(self) -> int:
        return len(self._stores)

    @property
    def identities(self) -> dict[str, str]:
        """Hash of each store's content, by corpus."""
        return {corpus: store.manifest.identity for corpus, store in self._stores.items()}

    @property
    def tokens(self) -> dict[str, int]:
        """Tokens in the train split of each store, by corpus."""
        return {corpus: store.num_tokens() for corpus, store in self._stores.items()}

    def windows(self, seq_len: int, split: str = "train") -> dict[str, int]:
        """Windows of `seq_len` predicted tokens in a split of each store, by corpus."""
        return {corpus: s.num_windows(seq_len, split) for corpus, s in self._stores.items()}


class StoreWriter:
    """Writes a token store: both splits, then `finish`. Until then the directory counts as
    unfinished.

    writer = StoreWriter(path, vocabulary={"name": ..., "size": ..., "digest": ..., "eos_id": ...})
    writer.write_split("train", chunks, lengths, document_bytes)
    writer.write_split("validation", chunks, lengths, document_bytes)
    store = writer.finish(corpus=..., ...)
    """

    def __init__(self, path: str | epath.PathLike, vocabulary: Mapping[str, Any]):
        self._directory = epath.Path(path)
        if (self._directory / MANIFEST).exists():
            raise FileExistsError(f"{self._directory} holds a finished token store")
        if self._directory.exists():
            self._directory.rmtree()
        self._directory.mkdir(parents=True)
        self._vocabulary = dict(vocabulary)
        self._dtype = np.dtype(np.uint16 if self._vocabulary["size"] <= 65536 else np.uint32)
        self._content = _ContentHash(self._vocabulary["digest"])
        self._splits: dict[str, dict[str, int]] = {}

    def write_split(
        self,
        split: str,
        chunks: Iterable[Int[np.ndarray, " some_tokens"]],
        lengths: Int[np.ndarray, " documents"],
        document_bytes: Int[np.ndarray, " documents"],
    ) -> None:
        """Writes the next split. `chunks` joined are its tokens; `lengths` the tokens per document.

        The splits must come in the order of `SPLITS`, because the identity is a hash over both.
        """
        totals = {
            "documents": len(lengths),
            "bytes": int(np.sum(document_bytes, dtype=np.int64)),
            "tokens": int(np.sum(lengths, dtype=np.int64)),
        }
        self.write_large_split(split, totals, chunks, [lengths], [document_bytes])

    def write_large_split(
        self,
        split: str,
        totals: Mapping[str, int],
        chunks: Iterable[Int[np.ndarray, " some_tokens"]],
        lengths: Iterable[Int[np.ndarray, " some_documents"]],
        document_bytes: Iterable[Int[np.ndarray, " some_documents"]],
    ) -> None:
        """`write_split` for more documents than should be held in memory, of which the lengths and
        the bytes come in parts, too: after `chunks`, and one after the other.

        `totals`: all "documents", their "bytes" and "tokens". Raises ValueError if less or more
        documents or tokens come.
        """
        if split != SPLITS[len(self._splits)]:
            raise ValueError(f"split {split!r} out of order: write {SPLITS}")
        documents, int64 = totals["documents"], np.dtype(np.int64)
        self._write_array(f"{split}/tokens", self._dtype, totals["tokens"], chunks)
        self._write_array(f"{split}/document_ends", int64, documents, _ends(lengths))
        self._write_array(f"{split}/document_bytes", int64, documents, document_bytes)
        self._splits[split] = {name: totals[name] for name in ("documents", "bytes", "tokens")}

    def write_file(self, name: str, text: str) -> None:
        """A file beside the arrays."""
        storage.replace(self._directory / name, text)

    def finish(self, **fields: Any) -> TokenStore:
        """Writes the manifest from what was written and `fields`; from then on the store is
        whole."""
        if len(self._splits) != len(SPLITS):
            raise ValueError(f"only {list(self._splits)} were written")
        manifest = Manifest(
            identity=self._content.hexdigest(),
            vocabulary=self._vocabulary,
            splits=self._splits,
            created=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            **fields,
        )
        # A process killed while it writes leaves no half of a manifest.
        storage.replace(self._directory / MANIFEST, manifest.to_json())
        return TokenStore.open(self._directory)

    def _write_array(
        self, name: str, dtype: np.dtype, total: int, chunks: Iterable[np.ndarray]
    ) -> None:
        spec = {**_array_spec(str(self._directory), name, total, dtype), "context": _ONE_ENCODER}
        array = ts.open(spec, create=True).result()
        self._content.start(name, dtype, total)
        start = 0
        for shard in _regroup(chunks, dtype, _SHARD_TOKENS):
            self._content.update(shard)
            give_back_freed_memory()
            array[start : start + len(shard)].write(shard).result()
            start += len(shard)
        if start != total:
            raise ValueError(f"{name}: {start} elements came, {total} were announced")


class _ContentHash:
    """The identity of a store's content, fed array by array."""

    def __init__(self, vocabulary_digest: str):
        self._hash = hashlib.sha256(vocabulary_digest.encode())

    def start(self, name: str, dtype: np.dtype, total: int) -> None:
        self._hash.update(f"\n{name} {np.dtype(dtype).name} {total}\n".encode())

    def update(self, values: np.ndarray) -> None:
        little_endian = values.astype(values.dtype.newbyteorder("<"), copy=False)
        self._hash.update(np.ascontiguousarray(little_endian).data)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def _ends(lengths: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Where each document ends, part by part."""
    before = 0
    for some in lengths:
        ends = np.cumsum(some, dtype=np.int64) + before
        before = int(ends[-1]) if len(ends) else before
        yield ends


def _regroup(chunks: Iterable[np.ndarray], dtype: np.dtype, size: int) -> Iterable[np.ndarray]:
    """The same elements in pieces of `size`, the last one shorter."""
    buffer, filled = np.empty(size, dtype), 0
    for chunk in chunks:
        while len(chunk):
            taken = chunk[: size - filled]
            buffer[filled : filled + len(taken)] = taken
            filled, chunk = filled + len(taken), chunk[len(taken) :]
            if filled == size:
                yield buffer
                filled = 0
    if filled:
        yield buffer[:filled]


def _kvstore(directory: str, name: str) -> Any:
    path = f"{directory.rstrip('/')}/{name}/"
    return path if "://" in path else {"driver": "file", "path": path}


def _array_spec(directory: str, name: str, total: int, dtype: np.dtype) -> dict[str, Any]:
    checked = [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}]
    sharding = {"chunk_shape": [_CHUNK_TOKENS], "codecs": checked, "index_codecs": checked}
    return {
        "driver": "zarr3",
        "kvstore": _kvstore(directory, name),
        "metadata": {
            "shape": [total],
            "data_type": dtype.name,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [_SHARD_TOKENS]}},
            "codecs": [{"name": "sharding_indexed", "configuration": sharding}],
        },
        # A chunk that is missing must be an error, not zeros: so zeros have to be written, too.
        "store_data_equal_to_fill_value": True,
    }


def _open_arrays(directory: str) -> dict[str, ts.TensorStore]:
    """The arrays of a store by 'split/name'; they share one cache."""
    context = ts.Context({"cache_pool": {"total_bytes_limit": _CACHE_BYTES}})
    return {
        f"{split}/{name}": _open_array(directory, f"{split}/{name}", context)
        for split in SPLITS
        for name in ("tokens", "document_ends", "document_bytes")
    }


def _open_array(directory: str, name: str, context: ts.Context) -> ts.TensorStore:
    return ts.open(
        {
            "driver": "zarr3",
            "kvstore": _kvstore(directory, name),
            "fill_missing_data_reads": False,
            "recheck_cached_data": "open",
            "recheck_cached_metadata": "open",
        },
        open=True,
        read=True,
        context=context,
    ).result()


def _expect(array: ts.TensorStore, length: int) -> None:
    if array.shape != (length,):
        raise ValueError(f"an array has {array.shape} elements where the manifest says {length}")
