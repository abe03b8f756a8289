"""Files of our own, in JSON: each says its format and carries a digest, and is read whole or not.

    storage.replace(path, own_file.text_of(status, FORMAT))
    own_file.read(path, RunStatus, FORMAT)          # a RunStatus, or Damaged

The dataclass is the schema. What is cut, changed by a bit, of another format, has a field more, or
lacks one that has no default is refused with one message; the caller adds what to do, or does it.
"""

import dataclasses
import errno
import functools
import hashlib
import json
import sys
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from etils import epath
from tqdm import tqdm

from code_ablate import storage
from code_ablate.errors import UserError
from code_ablate.identity import to_plain
from code_ablate.shown import shown

Record = TypeVar("Record")

_NO_FILE = (errno.EISDIR, errno.ENOTDIR, errno.ELOOP, errno.ENXIO)
"""Numbers of the errors that say that something else is in the place of a file."""


class Damaged(UserError):
    """A file of our own is missing, or not as it was written, or of another version."""


def text_of(record: Any, file_format: int) -> str:
    """The text of the file: format, digest of the content, content."""
    content = to_plain(record)
    return json.dumps({"format": file_format, "digest": _digest(content), **content}, indent=1)


def read(path: epath.Path, kind: type[Record], file_format: int) -> Record:
    """The record in a file. Raises Damaged, whose message names the file and what is wrong."""
    try:
        text = read_bytes(path).decode()
    except UnicodeDecodeError as error:
        raise Damaged(f"{path} is not readable JSON ({error})") from error
    try:
        return _parse(text, kind, file_format)
    except _NotWhole as error:
        raise Damaged(f"{path} {error}") from error


def read_bytes(path: epath.Path) -> bytes:
    """What is in a file of our own. Raises Damaged if it is missing or something else is there."""
    try:
        return storage.read_file(path)
    except FileNotFoundError:
        raise Damaged(f"{path} is missing") from None
    except OSError as error:
        if error.errno not in _NO_FILE:
            raise
        raise Damaged(f"{path} is no file ({error.strerror})") from error


def build(kind: type[Record], row: Mapping[str, Any]) -> Record:
    """A dataclass from a JSON object.

    Raises TypeError for fields that are unknown, of another type than annotated, or missing though
    they have no default.
    """
    if not isinstance(row, Mapping):
        raise TypeError(f"{row!r} is not an object with the fields of {kind.__name__}")
    hints = typing.get_type_hints(kind)
    fields = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(row) - fields):
        raise TypeError(f"{kind.__name__} has no field {', '.join(unknown)}")
    return kind(**{name: _value(hints[name], value) for name, value in row.items()})


def sha256(content: bytes) -> str:
    """Digest of a table that lies beside its description."""
    return hashlib.sha256(content).hexdigest()


@functools.cache
def warn_once(text: str) -> None:
    """Says what was found and is done about it: once, however often the file is read."""
    tqdm.write(shown(f"warning: {text}"), file=sys.stderr)


class _NotWhole(ValueError):
    """Why the text of a file is not what was written."""


def _parse(text: str, kind: type[Record], file_format: int) -> Record:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _NotWhole(f"is not readable JSON ({error})") from error
    if not isinstance(content, dict) or content.pop("format", None) != file_format:
        raise _NotWhole(f"is not of format {file_format}: another version wrote it")
    if content.pop("digest", None) != _digest(content):
        raise _NotWhole("was changed after it was written")
    try:
        return build(kind, content)
    except (TypeError, ValueError, AttributeError) as error:
        raise _NotWhole(f"has other content than this version writes ({error})") from error


def _digest(content: Any) -> str:
    return sha256(json.dumps(content, sort_keys=True).encode())


def _value(hint: Any, value: Any) -> Any:
    """A JSON value as the annotation says; containers are built item by item."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        return build(hint, value)  # type: ignore[arg-type]
    if origin is tuple:
        return tuple(_value(arguments[0], item) for item in _of(list, value))
    if origin is Mapping or origin is typing.get_origin(Mapping[str, Any]):
        return {key: _value(arguments[1], item) for key, item in _of(dict, value).items()}
    if origin is types.UnionType:  # "float | None"
        return None if value is None else _value(arguments[0], value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return _of(hint, value) if hint in (bool, int, float, str) else value


def _of(kind: type, value: Any) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"{value!r} is not {kind.__name__}")
    return value
