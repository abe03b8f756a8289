"""Compressed files, read so that a file that is cut is never taken for a shorter one.

    with decompressed(open("a.jsonl.zst", "rb"), "zstd") as stream:
        for line in stream: ...                  # BadFile where the file is cut or damaged

The readers of Python and of fsspec differ here: some end without a word where the input does, some
after the first stream of several, some ignore what follows the last whole one.
"""

import bz2
import io
import lzma
import zlib
from collections.abc import Callable
from typing import IO, Any

import zstandard

from code_ablate.data.sources.bad_rows import CUT, DAMAGED, BadFile
from code_ablate.data.sources.formats import known_kind, other_kind

_CHUNK_BYTES = 1 << 16
_BUFFER_BYTES = 1 << 18

_MAX_ZSTD_WINDOW = 1 << 31
"""Bytes that a .zst file may look back: the most that `zstd --long=31` makes."""

_GZIP = 16 + zlib.MAX_WBITS
"""Tells zlib to read gzip's header, and to check its checksum and length."""


def _zstd_stream() -> Any:
    return zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW).decompressobj()


_DECODERS: dict[str, Callable[[], Any]] = {
    "gzip": lambda: zlib.decompressobj(_GZIP),
    "zstd": _zstd_stream,
    "bz2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ),
}
"""Compression -> makes a decoder of one stream; a file may hold several, one after the other."""

_PADDED = ("gzip", "xz")
"""Compressions whose files may have zeros after a stream."""

_DECODER_ERRORS = (zlib.error, zstandard.ZstdError, lzma.LZMAError, OSError, ValueError, EOFError)


def decompressed(
    raw: IO[bytes], compression: str | None, count: Callable[[int], None] | None = None
) -> IO[bytes]:
    """The content of a file that is open in `raw`, which is closed with it.

    `count` is called with the bytes of the file as they are read, if they are decompressed.

    Reading raises BadFile where the file is cut or damaged, with the byte at which it is. Two cuts
    cannot be seen: between two whole streams, and anywhere in a file that is not compressed.
    """
    if compression is None:
        return raw
    return io.BufferedReader(_Streams(raw, compression, count), _BUFFER_BYTES)


class _Streams(io.RawIOBase):
    """The streams (zstd: frames; gzip: members) of one file, one after the other."""

    def __init__(
        self, raw: IO[bytes], compression: str, count: Callable[[int], None] | None = None
    ):
        self._raw, self._compression, self._count = raw, compression, count
        self._decoder: Any = None
        self._any = False
        self._input = b""
        self._output = memoryview(b"")
        self._read_bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._output:
            if not self._fill():
                return 0
        size = min(len(buffer), len(self._output))
        buffer[:size] = self._output[:size]
        self._output = self._output[size:]
        return size

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()

    def _fill(self) -> bool:
        """Decodes one chunk more. False at the end of the file, after a whole stream."""
        if not self._input:
            self._input = self._raw.read(_CHUNK_BYTES)
            self._read_bytes += len(self._input)
            if self._count is not None:
                self._count(len(self._input))
            if not self._input:
                self._require_whole()
                return False
        if self._decoder is None:
            if self._any and self._compression in _PADDED:
                self._input = self._input.lstrip(b"\0")
                if not self._input:
                    return True
            self._decoder = _DECODERS[self._compression]()
        self._output = memoryview(self._decode(self._input))
        self._input = b""
        if self._decoder.eof:
            self._input = self._decoder.unused_data
            self._decoder, self._any = None, True
        return True

    def _decode(self, chunk: bytes) -> bytes:
        try:
            return self._decoder.decompress(chunk)
        except _DECODER_ERRORS as error:
            after = " after a whole stream" if self._any else ""
            known = None if self._any or self._read_bytes > len(chunk) else known_kind(chunk)
            if known and known[0] != self._compression:
                raise other_kind(*known) from error
            raise BadFile(
                DAMAGED,
                f"near byte {self._read_bytes - len(chunk):,}{after} it is not "
                f"{self._compression}, or damaged ({error})",
            ) from error

    def _require_whole(self) -> None:
        if self._decoder is None and self._any:
            return
        raise BadFile(
            CUT,
            f"it ends after {self._read_bytes:,} bytes, before its {self._compression} stream "
            "does: it is cut",
        )
