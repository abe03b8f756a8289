"""A strict codec for plain values, and frames of them through a pipe.

    write(fd, encode([1, "a", {2.5: (True, None)}]))
    value = decode(read(fd, limit=1_000_000))

It carries None, bool, int, float, complex, str, bytes, tuple, list, dict, set, frozenset, and what
`library` makes of these: dates, fractions, queues. Everything else crosses as a number, under which
the side that has the object keeps it. Whatever bytes arrive, `decode` builds values of exactly
these types or raises Malformed. (pickle and marshal are unsafe on hostile bytes; JSON lacks most of
these types, and importing it takes as long as starting the interpreter.)
"""

from __future__ import annotations

import os
import struct

from . import library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

DEEPEST, DEEPEST_RESULT = 120, 100
"""Containers within containers that a value may have. A result may have fewer, so that it can be
sent again as a part of a request."""

_LENGTH = struct.Struct("<I")
_FLOAT, _COMPLEX = struct.Struct("<d"), struct.Struct("<dd")
_BUILD: dict[bytes, Callable[[list], Any]] = {
    b"t": tuple,
    b"l": list,
    b"S": set,
    b"Z": frozenset,
    b"d": lambda parts: dict(zip(parts[::2], parts[1::2], strict=True)),
}
_TAGS: dict[type, bytes] = {tuple: b"t", list: b"l", set: b"S", frozenset: b"Z"}
_CONSTANTS = {b"N": None, b"T": True, b"F": False}
_PIECE = 4096
"""Bytes that a pipe is sure to take when poll says that it takes any (PIPE_BUF)."""


class Malformed(Exception):
    """The bytes are not what `encode` writes, or the frame is longer than allowed."""


class Closed(Exception):
    """The other side closed the pipe."""


class TooDeep(TypeError):
    """A value has more containers within containers than may be sent."""


class Handle:
    """An object that stays with the side that sends this."""

    __slots__ = ("about", "number")

    def __init__(self, number: int, about: Any = None):
        self.number = number
        self.about = about
        """What the other side has to know of it, as values; None where it is an object only."""


class Yours:
    """An object of the side that receives this, which it kept under this number."""

    __slots__ = ("number",)

    def __init__(self, number: int):
        self.number = number


def encode(
    value: Any,
    keep: Callable[[Any], Handle | Yours] | None = None,
    deepest: int = DEEPEST,
) -> bytes:
    """The bytes of a value.

    An object of another type is handed to `keep`, and what it returns is sent. Where there is no
    `keep` TypeError is raised, and TooDeep for containers that are too deep.
    """
    if deepest < 0:
        raise TooDeep("containers too deep")

    def several(tag: bytes, values) -> bytes:
        parts = [encode(part, keep, deepest - 1) for part in values]
        return tag + _LENGTH.pack(len(parts)) + b"".join(parts)

    kind = type(value)
    if value is None or kind is bool:
        return {None: b"N", True: b"T", False: b"F"}[value]
    if kind is int:
        return _sized(b"i", value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True))
    if kind is float:
        return b"f" + _FLOAT.pack(value)
    if kind is complex:
        return b"c" + _COMPLEX.pack(value.real, value.imag)
    if kind is str:
        return _sized(b"s", value.encode("utf-8", "surrogatepass"))
    if kind is bytes:
        return _sized(b"b", value)
    if kind in _TAGS:
        return several(_TAGS[kind], value)
    if kind is dict:
        return several(b"d", (part for item in value.items() for part in item))
    if kind is Handle:
        return b"o" + _LENGTH.pack(value.number) + encode(value.about, keep, deepest - 1)
    if kind is Yours:
        return b"y" + _LENGTH.pack(value.number)
    parts = library.parts_of(value)
    if parts is not None:
        return b"x" + encode(parts, keep, deepest - 1)
    if keep is None:
        raise TypeError(f"{kind.__name__} cannot be sent")
    return encode(keep(value), keep, deepest)


def _sized(tag: bytes, payload: bytes) -> bytes:
    return tag + _LENGTH.pack(len(payload)) + payload


def decode(payload: bytes, deepest: int = DEEPEST, find: Callable[[Any], Any] | None = None) -> Any:
    """The value that `payload` stands for. Raises Malformed for anything `encode` cannot write.

    `find` gives the object that a Handle or a Yours stands for; without it they stand there.
    """
    try:
        value, end = _decode(payload, 0, deepest, find or (lambda reference: reference))
    except (struct.error, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise Malformed(str(error)) from None  # cut short, unhashable, not UTF-8, a 30 February
    if end != len(payload):
        raise Malformed(f"{len(payload) - end} bytes after the value")
    return value


def _decode(
    payload: bytes, start: int, deepest: int, find: Callable[[Any], Any]
) -> tuple[Any, int]:
    """The value that begins at `start`, and where it ends."""
    tag, start = payload[start : start + 1], start + 1
    if tag in _CONSTANTS:
        return _CONSTANTS[tag], start
    if tag == b"f":
        return _FLOAT.unpack_from(payload, start)[0], start + _FLOAT.size
    if tag == b"c":
        return complex(*_COMPLEX.unpack_from(payload, start)), start + _COMPLEX.size
    if deepest < 0:
        raise Malformed("containers too deep")
    if tag == b"x":
        parts, end = _decode(payload, start, deepest - 1, find)
        return library.value_of(parts), end
    (length,) = _LENGTH.unpack_from(payload, start)
    start += _LENGTH.size
    if tag == b"o":
        about, end = _decode(payload, start, deepest - 1, find)
        return find(Handle(length, about)), end
    if tag == b"y":
        return find(Yours(length)), start
    if length > len(payload) - start:
        raise Malformed("cut short")
    if tag in (b"i", b"s", b"b"):
        part = payload[start : start + length]
        if tag == b"i":
            return int.from_bytes(part, "little", signed=True), start + length
        return (part if tag == b"b" else part.decode("utf-8", "surrogatepass")), start + length
    if tag not in _BUILD:
        raise Malformed(f"unknown tag {tag!r}")
    parts = []
    for _ in range(length):
        part, start = _decode(payload, start, deepest - 1, find)
        parts.append(part)
    return _BUILD[tag](parts), start


def frame(payload: bytes) -> bytes:
    """The payload with its length before it."""
    return _LENGTH.pack(len(payload)) + payload


def unframe(output: bytes) -> bytes:
    """The payload of the one frame that is there. Raises Malformed for anything else."""
    if output[: _LENGTH.size] != _LENGTH.pack(max(0, len(output) - _LENGTH.size)):
        raise Malformed("not one frame")
    return output[_LENGTH.size :]


def write(fd: int, payload: bytes, wait: Callable[[], None] = lambda: None) -> None:
    """Writes one frame, calling `wait` before each piece. Raises Closed when nobody reads.

    A piece is what a pipe takes at once if there is any room.
    """
    rest = memoryview(frame(payload))
    try:
        while rest:
            wait()
            rest = rest[os.write(fd, rest[:_PIECE]) :]
    except BrokenPipeError:
        raise Closed from None


def read(fd: int, limit: int, wait: Callable[[], None] = lambda: None) -> bytes:
    """Reads one frame, calling `wait` before each read. Raises Closed, or Malformed if too long."""
    (length,) = _LENGTH.unpack(_exactly(fd, _LENGTH.size, wait))
    if length > limit:
        raise Malformed(f"a frame of {length:,} bytes; {limit:,} are allowed")
    return _exactly(fd, length, wait)


def _exactly(fd: int, count: int, wait: Callable[[], None]) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        wait()
        part = os.read(fd, min(count - len(parts), 1 << 20))
        if not part:
            raise Closed
        parts += part
    return bytes(parts)
