"""The prose of files that hold many texts in a format of their own.

    sword_blocks(content)        # books or chapters of a SWORD module (ot.bzz, nt.czz)
    record_texts(text)           # (title, text) of the records in a JSON file
    dictionary_pages(text)       # pages of a dictionary's entries
    r_lines(content)             # the character vector in an R data file (.rda)

The layouts of SWORD modules and of R's serialization are those that their projects document: zlib
streams with padding between them, and big-endian flags and lengths before each string.
"""

import bz2
import gzip
import html
import json
import lzma
import re
import struct
import zlib
from collections.abc import Iterator
from typing import Any

_ZLIB = b"\x78"
"""First byte of a zlib stream with a window of 32 KiB."""
_BREAK = re.compile(r"<(?:p|div|chapter|title|lg|l|br|li|lb|milestone)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_SPACES = re.compile(r"[ \t\u00a0]+")
_PAGE_CHARACTERS = 20_000
_VECTOR = re.compile(rb"\x00\x00\x00\x10(?=.{4}\x00..\x09)", re.DOTALL)
"""Type of a character vector in R's serialization; a count and the first string's flags follow."""
_STRING = 9
"""Type of a string, the last byte of its flags."""


def sword_blocks(content: bytes) -> Iterator[str]:
    """The texts of a module's compressed file, without markup: a book or a chapter each.

    An empty file, of a testament that a module lacks, gives none. Raises ValueError for one without
    a stream.
    """
    found = not content
    start = content.find(_ZLIB)
    while start >= 0:
        stream = zlib.decompressobj()
        try:
            block = stream.decompress(content[start:]) + stream.flush()
        except zlib.error:  # a byte between two streams
            start = content.find(_ZLIB, start + 1)
            continue
        found = True
        yield without_tags(block.decode("utf-8", "replace"))
        start = content.find(_ZLIB, len(content) - len(stream.unused_data))
    if not found:
        raise ValueError("it holds no compressed text")


def without_tags(text: str) -> str:
    """The text of OSIS or HTML, a line for each paragraph."""
    text = html.unescape(_TAG.sub("", _BREAK.sub("\n", text)))
    lines = [_SPACES.sub(" ", line).strip() for line in text.splitlines()]
    return "\n".join(line for line in lines if line)


def record_texts(text: str) -> Iterator[tuple[str, str]]:
    """(title, text) of a JSON file: of each object that has a title, or of the file as one text.

    The text has the strings in the file's order, each in a line or more, and before those of a part
    its key. Raises ValueError for a file that is no JSON.
    """
    value = json.loads(text)
    parts = list(value.values()) if isinstance(value, dict) else value
    if (
        isinstance(parts, list)
        and parts
        and all(isinstance(p, dict) and "title" in p for p in parts)
    ):
        for part in parts:
            yield str(part["title"]), "\n".join(_strings(part)) + "\n"
    else:
        yield "", "\n".join(_strings(value)) + "\n"


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        line = without_tags(value)
        if line:
            yield line
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)
    elif isinstance(value, dict):
        for key, part in value.items():
            lines = list(_strings(part))
            if lines and not isinstance(part, str) and key != "text":
                yield str(key).strip()
            yield from lines


def dictionary_pages(text: str) -> Iterator[str]:
    """Entries behind each other, up to 20,000 characters; an entry is not cut in two.

    An entry begins with a line that is not indented, after an empty line.
    """
    page: list[str] = []
    size = 0
    for entry in re.split(r"\n\s*\n(?=\S)", text.strip("\n")):
        if page and size + len(entry) > _PAGE_CHARACTERS:
            yield "\n\n".join(page) + "\n"
            page, size = [], 0
        page.append(entry)
        size += len(entry)
    if page:
        yield "\n\n".join(page) + "\n"


def r_lines(content: bytes) -> str:
    """The first character vector of an R data file in XDR, one string in a line.

    Raises ValueError for a file that holds none.
    """
    openers = (
        (b"BZh", bz2.decompress),
        (b"\x1f\x8b", gzip.decompress),
        (b"\xfd7z", lzma.decompress),
    )
    try:
        data = next((read(content) for mark, read in openers if content.startswith(mark)), content)
    except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error) as error:
        raise ValueError(f"it cannot be decompressed: {error}") from error
    vector = _VECTOR.search(data)
    if not re.match(rb"RDX[23]\nX\n", data) or vector is None:
        raise ValueError("it is no R data file with a character vector")
    (count,) = struct.unpack_from(">I", data, vector.end())
    place = vector.end() + 4
    lines = []
    for _ in range(count):
        try:
            flags, length = struct.unpack_from(">Ii", data, place)
        except struct.error as error:
            raise ValueError("it ends within its strings") from error
        if flags & 0xFF != _STRING:
            raise ValueError("its vector holds something else than strings")
        size = max(0, length)  # -1 stands for a missing string
        if place + 8 + size > len(data):
            raise ValueError("it ends within its strings")
        lines.append(data[place + 8 : place + 8 + size].decode("utf-8", "replace"))
        place += 8 + size
    return "\n".join(lines) + "\n"
