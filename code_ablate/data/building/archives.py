"""Reads the files of package archives as a stream; nothing is unpacked on the disk.

    for name, size, read in members(Path("lodash-4.17.21.tgz")): ...

Wheels and zip files, tar files with any of the usual compressions, and Debian packages.
"""

import contextlib
import functools
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple

from code_ablate.data.sources.bad_rows import BadFile
from code_ablate.data.sources.decompression import decompressed
from code_ablate.errors import Failed

_COMPRESSIONS = {".gz": "gzip", ".tgz": "gzip", ".xz": "xz", ".bz2": "bz2", ".zst": "zstd"}
"""Suffix of a tar archive -> its compression."""


class Member(NamedTuple):
    """A regular file of an archive."""

    path: str
    """Path in the archive, without a folder that all files share."""
    size: int
    """Bytes of its content."""
    read: Callable[[], bytes]
    """Reads the content; only before the next member is asked for."""


def members(archive: Path, top_folder: bool = True) -> Iterator[Member]:
    """The regular files of an archive, in its order. Raises Failed for one that is damaged.

    `top_folder`: whether all files lie in one folder whose name is left out of their paths, as in
    source archives and npm packages.
    """
    try:
        if archive.suffix in (".whl", ".zip"):
            yield from _of_zip(archive, top_folder and archive.suffix == ".zip")
        elif archive.suffix == ".deb":
            yield from _of_deb(archive)
        else:
            compression = _COMPRESSIONS.get(archive.suffix)
            with decompressed(open(archive, "rb"), compression) as stream:
                yield from _of_stream(stream, top_folder)
    except BadFile as error:
        raise Failed(f"{archive.name} is damaged: {error}; fetch it again.") from error
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise Failed(f"{archive.name} is damaged ({error}): fetch it again.") from error


def _of_zip(archive: Path, top_folder: bool) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            if not info.is_dir():
                path = _path(info.filename, top_folder)
                yield Member(path, info.file_size, functools.partial(file.read, info))


def _of_stream(stream: IO[bytes], top_folder: bool) -> Iterator[Member]:
    """The files of a tar stream, which is read to its end: tarfile does not ask for more."""
    with tarfile.open(fileobj=stream, mode="r|") as file:
        yield from _of_tar(file, top_folder)
    while stream.read(1 << 16):
        pass


def _of_tar(file: tarfile.TarFile, top_folder: bool) -> Iterator[Member]:
    for info in file:
        if info.isreg():
            path = _path(info.name, top_folder)
            yield Member(path, info.size, functools.partial(_content, file, info))


def _content(file: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    stream = file.extractfile(info)
    assert stream is not None, "a regular file has content"
    return stream.read()


def _of_deb(archive: Path) -> Iterator[Member]:
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", str(archive)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        try:
            yield from _of_stream(process.stdout, top_folder=False)
        finally:
            with contextlib.suppress(OSError):
                process.stdout.close()
    if process.returncode:
        raise ValueError(f"dpkg-deb ended with {process.returncode}")


def _path(name: str, top_folder: bool) -> str:
    name = name.removeprefix("./")
    return name.partition("/")[2] if top_folder and "/" in name else name
