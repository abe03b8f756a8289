"""What a file holds, by its name and by its first bytes.

format_of("web/a.JSONL.gz")        # ("jsonl", "gzip")
require_utf8(first_line)           # BadFile for UTF-16, and for what is compressed unannounced
"""

from code_ablate.data.sources.bad_rows import DAMAGED, OTHER_ENCODING, OTHER_KIND, BadFile
from code_ablate.errors import UserError

JSONL, PARQUET, TEXT = "jsonl", "parquet", "text"
FORMATS = (JSONL, PARQUET, TEXT)

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd", ".bz2": "bz2", ".xz": "xz"}
"""Suffix -> compression."""

SUFFIXES = {
    ".jsonl": JSONL,
    ".ndjson": JSONL,
    ".json": JSONL,
    ".parquet": PARQUET,
    ".txt": TEXT,
}
"""Suffix, before that of a compression, -> format."""

_UNPACK = "unpack it"
_REFUSED = {
    ".lz4": "decompress it (lz4 -d), or compress it with zstd",
    ".lzma": "decompress it (xz -d), or compress it with xz",
    ".br": "decompress it (brotli -d), or compress it with zstd",
    ".z": "decompress it (uncompress), or compress it with zstd",
    ".snappy": "decompress it, or compress it with zstd",
    ".zip": _UNPACK,
    ".7z": _UNPACK,
    ".rar": _UNPACK,
    ".tar": _UNPACK,
    ".tgz": _UNPACK,
    ".arrow": "write it as Parquet",
    ".feather": "write it as Parquet",
}
"""Suffix of what is not read -> what to do."""

BOM = b"\xef\xbb\xbf"
"""What some programs put before UTF-8."""

_OTHER_BOMS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_MAGIC = {
    b"\x1f\x8b": ("gzip", "give it the suffix .gz"),
    b"\x28\xb5\x2f\xfd": ("zstd", "give it the suffix .zst"),
    b"BZh": ("bz2", "give it the suffix .bz2"),
    b"\xfd7zXZ\x00": ("xz", "give it the suffix .xz"),
    b"PAR1": ("Parquet", "give it the suffix .parquet"),
    b"\x04\x22\x4d\x18": ("lz4", "decompress it"),
    b"PK\x03\x04": ("a zip archive", _UNPACK),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", _UNPACK),
    b"Rar!\x1a\x07": ("a rar archive", _UNPACK),
    b"ARROW1\x00\x00": ("Arrow", "write it as Parquet"),
    b"\xff\xff\xff\xff": ("a stream of Arrow's", "write it as Parquet"),
    b"version https://git-lfs.github.com/spec/": ("a pointer of Git LFS", "git lfs pull"),
    b"%PDF-": ("PDF", "extract its text"),
    b"\x89PNG\r\n\x1a\n": ("a PNG image", "leave it out"),
    b"\xff\xd8\xff": ("a JPEG image", "leave it out"),
    b"\x7fELF": ("a program", "leave it out"),
    b"SQLite format 3\x00": ("a database of SQLite", "export its rows as JSON lines"),
    b"\x93NUMPY": ("an array of NumPy", "write it as Parquet"),
    b"Obj\x01": ("Avro", "write it as Parquet"),
}
"""First bytes -> what the file is, and what to do with it."""

_TAR_MAGIC = slice(257, 262), b"ustar"

LOOKED_AT_BYTES = 4096
"""Bytes at the beginning of a file by which it is told what it is."""
_NULS_OF_UTF16 = 0.3
"""Share of NULs among the even, or the odd, bytes from which on text counts as UTF-16: Latin script
has nearly all of its high bytes 0, and UTF-8 has no NULs but for the character itself."""


def suffix_of(path: str) -> str:
    """The last suffix in small letters, with its point; "" where there is none."""
    _, point, suffix = path.rpartition("/")[2].rpartition(".")
    return point + suffix.lower() if point else ""


def format_of(path: str, wanted: str | None = None) -> tuple[str, str | None]:
    """(format, compression) of a file by its name; `wanted` is a format that the user has named.

    Raises UserError where the name does not say it, or says what cannot be read.
    """
    stem, compression = path, COMPRESSIONS.get(suffix_of(path))
    if compression:
        stem = path[: -len(suffix_of(path))]
    suffix = suffix_of(stem)
    if suffix in _REFUSED:
        raise UserError(f"{path}: {suffix} files are not read: {_REFUSED[suffix]}.")
    if suffix in COMPRESSIONS:
        raise UserError(f"{path} is compressed twice: decompress it once.")
    found = wanted or SUFFIXES.get(suffix)
    if found is None:
        raise UserError(
            f"the suffix of {path} does not say its format; give format='jsonl', 'parquet' or "
            f"'text' (known suffixes: {', '.join(SUFFIXES)})."
        )
    if found == PARQUET and compression:
        raise UserError(f"{path}: Parquet compresses its own pages: decompress the file.")
    return found, compression


def looks_like_documents(path: str) -> bool:
    """Whether the name is one that a file of documents would have."""
    stem = path[: -len(suffix_of(path))] if suffix_of(path) in COMPRESSIONS else path
    return suffix_of(stem) in SUFFIXES


def known_kind(beginning: bytes) -> tuple[str, str] | None:
    """What a file is by its first bytes, and what to do with it; None: text, or nothing known."""
    where, magic = _TAR_MAGIC
    if beginning[where] == magic:
        return "a tar archive", _UNPACK
    return next((known for magic, known in _MAGIC.items() if beginning.startswith(magic)), None)


def other_kind(kind: str, advice: str) -> BadFile:
    """The error for a file that is not what its name says."""
    return BadFile(OTHER_KIND, f"it is {kind} by its first bytes, and not by its name: {advice}")


def require_utf8(beginning: bytes) -> None:
    """Raises BadFile unless text may begin with these bytes.

    It finds UTF-16, UTF-32, and what is compressed though its name does not say so. Other encodings
    cannot be told from UTF-8 that is wrong in places.
    """
    beginning = beginning[:LOOKED_AT_BYTES]
    if known := known_kind(beginning):
        raise other_kind(*known)
    for mark, encoding in _OTHER_BOMS.items():
        if beginning.startswith(mark):
            raise _other_encoding(encoding)
    if len(beginning) >= 4 and not beginning.strip(b"\0"):
        raise BadFile(DAMAGED, "it begins with zeros, as a file does that was never written whole")
    for half in (beginning[::2], beginning[1::2]):
        if len(half) >= 2 and half.count(0) > _NULS_OF_UTF16 * len(half):
            raise _other_encoding("UTF-16")


def _other_encoding(encoding: str) -> BadFile:
    return BadFile(
        OTHER_ENCODING,
        f"it is {encoding}, and only UTF-8 is read: convert it (iconv -f {encoding} -t UTF-8)",
    )
