"""Paths on disks and on object stores: what has to be done differently on the latter, in one place.

    storage.require("gs://bucket/runs", "Paths.runs", storage.CHECKPOINTS)   # before any work
    storage.replace(path / "status.json", text)           # whole or not at all, on either

Everywhere else a path is an `epath.Path`, and TensorStore reads and writes the arrays.
"""

import importlib
import os

import fsspec
from etils import epath

from code_ablate.errors import UserError
from code_ablate.names import require_path

_CLIENTS = {"gs": ("gcsfs", "gcsfs"), "s3": ("s3fs", "s3fs")}
"""Object store -> module that reaches it, and its package."""

ARRAYS = ("gs", "s3")
"""Object stores that can hold token stores."""
CHECKPOINTS = ("gs",)
"""Object stores that can hold runs: those that orbax writes checkpoints to."""


def is_remote(path: epath.PathLike) -> bool:
    """Whether the path is on an object store: one without locks, appending and renaming."""
    return "://" in os.fspath(path)


def require(path: epath.PathLike, asked_by: str, supported: tuple[str, ...] = ARRAYS) -> None:
    """Raises UserError if `path` is none, or on an object store that is not supported or reachable.

    `asked_by`: the field that names it.
    """
    require_path(asked_by, path)
    scheme, separator, _ = os.fspath(path).partition("://")
    if not separator:
        return
    if scheme not in supported:
        names = " and ".join(f"{name}://" for name in supported)
        raise UserError(
            f"{asked_by} = {os.fspath(path)!r}: name a local or shared folder, or one on {names}."
        )
    module, package = _CLIENTS[scheme]
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise UserError(
            f"{asked_by} = {os.fspath(path)!r} needs {package}, which cannot be imported "
            f"({error}): pip install {package}."
        ) from None
    _never_cache_listings()


def replace(path: epath.Path, content: str | bytes) -> None:
    """Writes a file so that readers find the old content or the new, and never half of it.

    On a disk it is written beside and renamed; on an object store a write shows when it is whole.
    When this returns it is on the disk: without that, a power cut may leave the new name without
    its content.
    """
    content = content.encode() if isinstance(content, str) else content
    if is_remote(path):
        path.write_bytes(content)
        return
    partial = path.parent / f".{path.name}.{os.getpid()}"
    try:
        with open(partial, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: epath.Path) -> None:
    """Makes the names in a local folder last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _never_cache_listings() -> None:
    """Other processes write too, and so does TensorStore, behind the back of fsspec's cache."""
    for scheme in (*_CLIENTS, "gcs"):
        fsspec.config.conf.setdefault(scheme, {}).setdefault("use_listings_cache", False)


def cache_folder() -> epath.Path:
    """Where this project keeps what can be found out again: $XDG_CACHE_HOME, else ~/.cache."""
    return epath.Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "code_ablate"
