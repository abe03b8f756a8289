"""Files of pieces where a cluster's workers share a bucket instead of a disk.

    with new_files("gs://bucket/data/stores/.scratch/x/piece-0", (".tokens",)) as path: ...
    np.memmap(local_path("gs://bucket/data/stores/.scratch/x/piece-0.tokens"))

Passes map files into memory, so what lies on an object store is copied to this machine first, once.
On a disk that all workers see nothing is copied.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from etils import epath

from code_ablate import storage
from code_ablate.errors import UserError


def private_folder() -> Path:
    """A folder of this user for temporary files. Raises UserError if another user has it."""
    root = Path(tempfile.gettempdir()) / f"code-ablate-{os.getuid()}"
    root.mkdir(mode=0o700, exist_ok=True)
    if root.stat().st_uid != os.getuid():
        raise UserError(f"{root} belongs to another user: set TMPDIR to a folder of your own.")
    return root


@contextlib.contextmanager
def new_files(path: str, suffixes: Sequence[str]) -> Iterator[str]:
    """A local path for files that appear at `path` when they are whole, each with its suffix.

    So two that write the same files at the same time do not disturb each other, if they write the
    same; and what fails leaves nothing behind.
    """
    own = f"{path}~{uuid.uuid4().hex}"
    if storage.is_remote(path):
        own = str(private_folder() / uuid.uuid4().hex)
    try:
        yield own
        for suffix in suffixes:
            if storage.is_remote(path):
                epath.Path(own + suffix).copy(path + suffix, overwrite=True)
            else:
                os.replace(own + suffix, path + suffix)
    finally:
        for suffix in suffixes:
            with contextlib.suppress(OSError):
                os.unlink(own + suffix)


def local_path(path: str) -> str:
    """The path of the file on this machine; what is not here is copied."""
    if not storage.is_remote(path):
        return path
    found = epath.Path(path).stat()
    name = hashlib.sha256(f"{path} {found.length} {found.mtime}".encode()).hexdigest()
    copy = _copies(os.path.dirname(path)) / name
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        with new_files(str(copy), ("",)) as own:
            epath.Path(path).copy(own)
    return str(copy)


def entries(folder: epath.Path) -> list[epath.Path]:
    """What is in a folder; nothing if it is not there, as an empty one on an object store."""
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []


def delete_folder(folder: str) -> None:
    """Deletes a folder of such files, and the copies of them that this machine has."""
    epath.Path(folder).rmtree(missing_ok=True)
    if storage.is_remote(folder):
        shutil.rmtree(_copies(folder), ignore_errors=True)


def _copies(folder: str) -> Path:
    return private_folder() / "copies" / hashlib.sha256(folder.encode()).hexdigest()[:16]
