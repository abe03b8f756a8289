"""The files that patterns name: which there are, what each holds, and which cannot be read.

found = find_files(("data/**/*.jsonl.zst",))
found.files[0].name          # "web/a.jsonl.zst"
found.problems               # [Problem("link_to_nothing", "data/b.jsonl is a link to nothing")]
file_digests(found.files)    # of what they hold, not of when they were written
"""

import hashlib
import os
import re
import stat
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from code_ablate import storage
from code_ablate.data.sources.bad_rows import UNREADABLE
from code_ablate.data.sources.content_digests import content_digests, stamp_of
from code_ablate.data.sources.file_parts import SourceFile
from code_ablate.data.sources.formats import format_of, looks_like_documents
from code_ablate.data.sources.patterns import Matches, find_local, find_remote, is_pattern
from code_ablate.errors import UserError

_HIVE_FOLDER = re.compile(r"([A-Za-z_]\w*)=([^/]*)")
_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"

_CONTENT_TAGS = ("md5Hash", "crc32c", "ETag", "etag", "content_md5")
"""What object stores say of a file that changes with its content; an ETag may, with a copy, too."""
_CHANGE_TIMES = ("mtime", "LastModified", "last_modified", "updated")


@dataclass(frozen=True)
class Problem:
    """Something that a pattern matches and that is no file to be read."""

    reason: str
    """Short name, as it stands in a store's manifest."""
    message: str
    """The path, and what is wrong with it."""


@dataclass(frozen=True)
class FoundFiles:
    """What patterns name."""

    files: tuple[SourceFile, ...]
    """Files to be read, in the order of their paths."""
    problems: tuple[Problem, ...]
    """What cannot be read."""


class NoFile(UserError):
    """A pattern that nothing matches, hidden files and folders neither."""


def find_files(
    patterns: Sequence[str],
    *,
    format: str | None = None,
    hidden: bool = False,
    storage_options: Mapping[str, Any] | None = None,
) -> FoundFiles:
    """The files that match. Raises UserError for a pattern without any, or an unknown format."""
    found: dict[str, tuple[fsspec.AbstractFileSystem, int | None]] = {}
    problems: dict[str, Problem] = {}
    for pattern in patterns:
        filesystem, path = _filesystem(pattern, storage_options or {})
        local = isinstance(filesystem, LocalFileSystem)
        storage.require_reachable(_before_wildcards(pattern), "the source", filesystem)
        matches = (
            find_local(_without_dots(path), hidden=hidden)
            if local
            else find_remote(filesystem, path, hidden=hidden)
        )
        sizes, bad = _sorted_out(matches, local)
        if not sizes and not bad:
            raise _no_match(pattern, path, matches)
        found |= {path: (filesystem, size) for path, size in sizes.items()}
        problems |= bad
    folder = _common_folder(sorted(found)) if found else ""
    return FoundFiles(
        tuple(
            SourceFile(
                filesystem,
                path,
                path[len(folder) :],
                *format_of(path, format),
                hive_fields(path),
                size,
            )
            for path, (filesystem, size) in sorted(found.items(), key=lambda item: item[0])
        ),
        tuple(problems[path] for path in sorted(problems)),
    )


def _filesystem(
    pattern: str, storage_options: Mapping[str, Any]
) -> tuple[fsspec.AbstractFileSystem, str]:
    try:
        return fsspec.core.url_to_fs(pattern, **storage_options)
    except (ImportError, ValueError) as error:
        raise UserError(f"cannot open {pattern!r}: {error}") from error
    except OSError as error:  # some connect at once
        raise storage.unreachable(pattern, "the source", error) from error


def _before_wildcards(pattern: str) -> str:
    """The pattern itself if it has no wildcard, else the folder in which they begin."""
    plain = re.split(r"[*?\[{]", pattern, maxsplit=1)[0]
    return pattern if plain == pattern else plain.rpartition("/")[0]


def _without_dots(path: str) -> str:
    """The same pattern without `..`, so that a file has one name whichever way it is reached."""
    head, dots, rest = path.rpartition("/../")
    if not dots or (is_pattern(head) and not os.path.isdir(head)):
        return path
    return f"{os.path.realpath(f'{head}/..')}/{rest}"


def _sorted_out(matches: Matches, local: bool) -> tuple[dict[str, int | None], dict[str, Problem]]:
    """(files to be read, with their sizes; what looks like one and is none). Other folders are
    neither."""
    sizes: dict[str, int | None] = {}
    problems: dict[str, Problem] = {}
    for path in matches.paths:
        is_folder = path in matches.folders
        if is_folder and not looks_like_documents(path):
            continue
        if is_folder:
            problems[path] = _folder_problem(path)
        elif local:
            size = _file_size(path)
            if isinstance(size, Problem):
                problems[path] = size
            else:
                sizes[path] = size
        else:
            sizes[path] = matches.sizes.get(path)
    return sizes, problems


def _folder_problem(path: str) -> Problem:
    return Problem("folder_named_like_a_file", f"{path} is a folder; {path}/* are the files in it")


def _file_size(path: str) -> int | Problem:
    """Bytes of a file on this machine, or why it cannot be read."""
    try:
        status = os.stat(path)
    except OSError as error:
        if os.path.islink(path):
            return Problem(
                "link_to_nothing",
                f"{path} is a link to {os.readlink(path)}, which is not there ({error.strerror})",
            )
        return Problem(UNREADABLE, f"{path} cannot be looked at ({error.strerror})")
    if not stat.S_ISREG(status.st_mode):
        return Problem("not_a_file", f"{path} is a pipe, a socket or a device, and no file")
    if not os.access(path, os.R_OK):
        return Problem(UNREADABLE, f"{path} cannot be read: you have no right to")
    return status.st_size


def _no_match(pattern: str, path: str, matches: Matches) -> UserError:
    if matches.folders == {path}:
        return UserError(f"no file matches {pattern!r}: it is a folder; its files are {pattern}/*.")
    if matches.hidden:
        return UserError(
            f"no file matches {pattern!r} but {matches.hidden} hidden ones (their name, or a "
            "folder's, begins with a point): hidden=True reads them."
        )
    return NoFile(f"no file matches {pattern!r}: correct the pattern, or the folder.")


def _common_folder(paths: Sequence[str]) -> str:
    """The folder that all paths are in, with a slash at its end."""
    first, last = paths[0], paths[-1]  # sorted: what these two share, all share
    shared = 0
    while shared < min(len(first), len(last)) and first[shared] == last[shared]:
        shared += 1
    return first[: first.rfind("/", 0, shared) + 1]


def hive_fields(path: str) -> dict[str, str | None]:
    """Fields that the folders of a path name: {"lang": "de"} of `web/lang=de/part-0.parquet`."""
    folders = path.split("/")[:-1]
    matches = [match for folder in folders if (match := _HIVE_FOLDER.fullmatch(folder))]
    return {
        match[1]: None if match[2] == _HIVE_NULL else urllib.parse.unquote(match[2])
        for match in matches
    }


def file_digests(files: Sequence[SourceFile]) -> list[str]:
    """A digest of each file's content, or what its object store says in place of one."""
    local = [file.path for file in files if isinstance(file.filesystem, LocalFileSystem)]
    digests = dict(zip(local, content_digests(local), strict=True))
    return [digests.get(file.path) or _remote_digest(file) for file in files]


def _remote_digest(file: SourceFile) -> str:
    info = file.filesystem.info(file.path)
    for name in _CONTENT_TAGS:
        if info.get(name):
            return f"{info.get('size')} {name} {info[name]}"
    with file.filesystem.open(file.path, "rb") as stream:
        digest = hashlib.sha256()
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def change_stamp(file: SourceFile) -> tuple | None:
    """What changes when a file is written while it is read; None where it is not there."""
    try:
        if isinstance(file.filesystem, LocalFileSystem):
            size, changed, _, inode = stamp_of(file.path)
            return size, changed, inode
        info = file.filesystem.info(file.path)
    except OSError:
        return None
    return tuple(str(info.get(name)) for name in ("size", *_CONTENT_TAGS, *_CHANGE_TIMES))
