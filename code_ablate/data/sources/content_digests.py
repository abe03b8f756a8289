"""Digests of what files hold, kept so that a file is hashed again only where it may have changed.

    content_digests(["/data/a.jsonl", "/data/b.jsonl"])      # SHA-256 of each, in hexadecimal

A digest is kept with the file's size, times and inode, below `$XDG_CACHE_HOME/code_ablate/digests`
(else `~/.cache`), in one JSON file for each folder of data. It is a cache and no more: where an
entry is missing, damaged or of another time, the file is hashed. Processes that write at the same
time lose each other's new entries, never a right one.
"""

import dataclasses
import functools
import hashlib
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from etils import epath
from tqdm import tqdm

from code_ablate import own_file, storage
from code_ablate.errors import UserError

_FORMAT = 2
_SETTLED_NANOSECONDS = 2_000_000_000
"""A file that changed within this time may change again within one tick of its clock, unseen: its
digest is not kept."""
_MAX_THREADS = 8
_SECONDS_BEFORE_BAR = 3

Stamp = tuple[int, int, int, int]
"""Size in bytes, times of change of content and of status in nanoseconds, inode."""


@dataclasses.dataclass(frozen=True)
class _Cache:
    """The digests of the files of one folder, as they stand on disk."""

    folder: str
    """Folder that all the files are in."""
    entries: Mapping[str, str]
    """Path below the folder -> stamp of the file when it was hashed, and its digest."""


def _entry(stamp: Stamp, digest: str) -> str:
    return " ".join(map(str, (*stamp, digest)))


def stamp_of(path: str) -> Stamp:
    """Size, times and inode of a local file: what changes when it is written. Raises OSError."""
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def content_digests(paths: Sequence[str]) -> list[str]:
    """SHA-256, in hexadecimal, of each of these local files.

    Raises UserError for a file that cannot be read, or that changes while it is.
    """
    if not paths:
        return []
    absolute = [os.path.abspath(path) for path in paths]
    folder = os.path.commonpath([os.path.dirname(path) for path in absolute])
    known = _read(folder)
    stamps = [_stamp(path) for path in absolute]
    digests, unknown = {}, []
    for path, stamp in zip(absolute, stamps, strict=True):
        entry = known.get(os.path.relpath(path, folder), "")
        digest = entry.rpartition(" ")[2]
        if entry and entry == _entry(stamp, digest):
            digests[path] = digest
        else:
            unknown.append((path, stamp))
    if unknown:
        now = time.time_ns()
        digests |= _hashed(unknown)
        settled = {
            os.path.relpath(path, folder): _entry(stamp, digests[path])
            for path, stamp in unknown
            if max(stamp[1:3]) < now - _SETTLED_NANOSECONDS
        }
        if settled:
            _write(folder, settled)
    return [digests[path] for path in absolute]


def _stamp(path: str) -> Stamp:
    try:
        return stamp_of(path)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str, error: OSError) -> UserError:
    return UserError(f"{path} cannot be read ({error.strerror}): is it still there, and yours?")


def _hashed(files: Sequence[tuple[str, Stamp]]) -> dict[str, str]:
    total = sum(stamp[0] for _, stamp in files)
    with (
        tqdm(total=total, desc="hash", unit="B", unit_scale=True, delay=_SECONDS_BEFORE_BAR) as bar,
        ThreadPoolExecutor(min(_MAX_THREADS, os.cpu_count() or 1)) as pool,
    ):
        digests = {}
        for (path, stamp), digest in zip(files, pool.map(_hash_file, files), strict=True):
            digests[path] = digest
            bar.update(stamp[0])
    return digests


def _hash_file(file: tuple[str, Stamp]) -> str:
    path, stamp = file
    try:
        with open(path, "rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from error
    if _stamp(path) != stamp:
        raise changed_while_read(path)
    return digest


def changed_while_read(path: str) -> UserError:
    """The error for a file that another program writes at the same time."""
    return UserError(
        f"{path} changed while it was read: let the program that writes it finish, then run again."
    )


def _place(folder: str) -> epath.Path:
    name = own_file.sha256(os.fsencode(folder))[:32]
    return storage.cache_folder() / "digests" / f"{name}.json"


def _read(folder: str) -> Mapping[str, str]:
    try:
        cache = own_file.read(_place(folder), _Cache, _FORMAT)
    except (own_file.Damaged, OSError):
        return {}
    return cache.entries if cache.folder == folder else {}


def _write(folder: str, entries: Mapping[str, str]) -> None:
    place = _place(folder)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        cache = _Cache(folder, {**_read(folder), **entries})
        storage.replace(place, own_file.text_of(cache, _FORMAT))
    except OSError as error:
        _say_not_kept(str(place.parent), str(error))


@functools.cache
def _say_not_kept(folder: str, error: str) -> None:
    """Tells the user, once a process, why files are hashed again each time."""
    tqdm.write(
        f"note: digests of data files cannot be kept in {folder} ({error}), so each command hashes "
        "them again; to keep them, set XDG_CACHE_HOME to a folder that can be written."
    )
