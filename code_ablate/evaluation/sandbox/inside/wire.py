"""A strict codec for values of exact built-in types, and frames of them through a pipe.

    write(fd, encode([1, "a", {2.5: (True, None)}]))
    value = decode(read(fd, limit=1_000_000))

It carries None, bool, int, float, complex, str, bytes, tuple, list, dict, set, frozenset. Whatever
bytes arrive, `decode` builds values of exactly these types or raises Malformed: no object with
methods of its own ever crosses. (pickle and marshal are unsafe on hostile bytes; JSON lacks most of
these types, and importing it takes as long as starting the interpreter.)
"""

from __future__ import annotations

import os
import struct

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


class Malformed(Exception):
    """The bytes are not what `encode` writes, or the frame is longer than allowed."""


class Closed(Exception):
    """The other side closed the pipe."""


class Handle:
    """Stands for an object that stays on the candidate's side, and equals nothing but itself."""

    __slots__ = ("__number__",)

    def __init__(self, number: int):
        self.__number__ = number


def encode(
    value: Any,
    keep: Callable[[Any], int] | None = None,
    deepest: int = DEEPEST,
) -> bytes:
    """The bytes of a value. A subclass of a built-in type is sent as the built-in value.

    An object of any other type is handed to `keep`, and the number that it returns is sent; where
    there is no `keep`, or containers are too deep, TypeError is raised.
    """
    if deepest < 0:
        raise TypeError("containers too deep")

    def several(tag: bytes, values) -> bytes:
        parts = [encode(part, keep, deepest - 1) for part in values]
        return tag + _LENGTH.pack(len(parts)) + b"".join(parts)

    match value:
        case None:
            return b"N"
        case True:
            return b"T"
        case False:
            return b"F"
        case int():
            whole = int.__index__(value)
            return _sized(b"i", whole.to_bytes(whole.bit_length() // 8 + 1, "little", signed=True))
        case float():
            return b"f" + _FLOAT.pack(value)
        case complex():
            return b"c" + _COMPLEX.pack(value.real, value.imag)
        case str():
            return _sized(b"s", str.encode(value, "utf-8", "surrogatepass"))
        case bytes() | bytearray():
            return _sized(b"b", bytes(value))
        case tuple():
            return several(b"t", tuple.__iter__(value))
        case list():
            return several(b"l", list.__iter__(value))
        case dict():
            return several(b"d", (part for item in dict.items(value) for part in item))
        case set():
            return several(b"S", set.__iter__(value))
        case frozenset():
            return several(b"Z", frozenset.__iter__(value))
        case Handle():
            return b"o" + _LENGTH.pack(value.__number__)
    if keep is None:
        raise TypeError(f"{type(value).__name__} cannot be sent")
    return b"o" + _LENGTH.pack(keep(value))


def _sized(tag: bytes, payload: bytes) -> bytes:
    return tag + _LENGTH.pack(len(payload)) + payload


def decode(payload: bytes, deepest: int = DEEPEST) -> Any:
    """The value that `payload` stands for. Raises Malformed for anything `encode` cannot write."""
    try:
        value, end = _decode(payload, 0, deepest)
    except (struct.error, TypeError, ValueError) as error:  # cut short, unhashable, not UTF-8
        raise Malformed(str(error)) from None
    if end != len(payload):
        raise Malformed(f"{len(payload) - end} bytes after the value")
    return value


def _decode(payload: bytes, start: int, deepest: int) -> tuple[Any, int]:
    """The value that begins at `start`, and where it ends."""
    tag, start = payload[start : start + 1], start + 1
    if tag in (b"N", b"T", b"F"):
        return {b"N": None, b"T": True, b"F": False}[tag], start
    if tag == b"f":
        return _FLOAT.unpack_from(payload, start)[0], start + _FLOAT.size
    if tag == b"c":
        return complex(*_COMPLEX.unpack_from(payload, start)), start + _COMPLEX.size
    (length,) = _LENGTH.unpack_from(payload, start)
    start += _LENGTH.size
    if tag == b"o":
        return Handle(length), start
    if length > len(payload) - start:
        raise Malformed("cut short")
    if tag in (b"i", b"s", b"b"):
        part = payload[start : start + length]
        if tag == b"i":
            return int.from_bytes(part, "little", signed=True), start + length
        return (part if tag == b"b" else part.decode("utf-8", "surrogatepass")), start + length
    if tag not in _BUILD:
        raise Malformed(f"unknown tag {tag!r}")
    if deepest < 0:
        raise Malformed("containers too deep")
    parts = []
    for _ in range(length):
        part, start = _decode(payload, start, deepest - 1)
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


def write(fd: int, payload: bytes) -> None:
    """Writes one frame. Raises Closed when nobody reads."""
    rest = memoryview(frame(payload))
    try:
        while rest:
            rest = rest[os.write(fd, rest) :]
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
