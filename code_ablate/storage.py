"""Paths on disks and on object stores: what has to be done differently on the latter, in one place.

    storage.require("gs://bucket/runs", "Paths.runs", storage.CHECKPOINTS)   # before any work
    storage.require_reachable("gs://bucket/runs", "Paths.runs")              # asks the store itself
    storage.replace(path / "status.json", text)           # whole or not at all, on either

Everywhere else a path is an `epath.Path`, and TensorStore reads and writes the arrays.
"""

import contextlib
import errno
import importlib
import logging
import os
import stat
import threading
from collections.abc import Callable, Iterator

import fsspec
from etils import epath

from code_ablate.errors import Failed, UserError, first_line
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


def require_folder(path: epath.PathLike, asked_by: str) -> None:
    """Raises UserError if something that is no folder is in the place of a local folder, or of one
    above it. It need not be there yet."""
    if is_remote(path):
        return
    folder = os.path.abspath(os.fspath(path))
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    if not os.path.isdir(folder):
        raise UserError(
            f"{asked_by} = {os.fspath(path)!r}: {folder} is no folder: name another one, or move "
            "what is there away."
        )


def require(path: epath.PathLike, asked_by: str, supported: tuple[str, ...] = ARRAYS) -> None:
    """Raises UserError if `path` is none, on a store that is not supported, or lacks its package.

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


LONGEST_SILENCE = 10.0
"""Seconds after which an object store or host counts as unreachable. A client would try for
minutes."""

_STORES = (*_CLIENTS, "gcs", "s3a")
"""Schemes of object stores."""
_LOCAL = ("file", "local", "memory")
"""Schemes of what needs no network."""

_PACKAGES = (
    *("gcsfs", "s3fs", "aiohttp", "google", "botocore", "aiobotocore"),
    *("huggingface_hub", "httpx", "httpcore", "requests", "urllib3"),
)
"""Packages whose errors are those of an object store or host, or of the way to it."""
_TROUBLE = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "PERMISSION_DENIED", "UNAUTHENTICATED")
"""How TensorStore's messages of the same begin."""

_reached: set[str] = set()


def require_reachable(
    path: epath.PathLike, asked_by: str, filesystem: fsspec.AbstractFileSystem | None = None
) -> None:
    """Raises Failed if `path` is on an object store or host that gives no answer, or a refusal.

    That nothing is there is an answer. Each bucket and host is asked once. For a local path it does
    nothing.
    """
    scheme, separator, rest = os.fspath(path).partition("://")
    bucket = f"{scheme}://{rest.partition('/')[0]}"
    if not separator or scheme in _LOCAL or "::" in scheme or bucket in _reached:
        return
    place = "the object store" if scheme in _STORES else "the host"
    trouble = _trouble_within(LONGEST_SILENCE, lambda: _look(path, filesystem))
    if trouble:
        raise Failed(f"{asked_by} = {os.fspath(path)!r}: {place} {trouble}. {_REMEDY}")
    _reached.add(bucket)


def unreachable(path: epath.PathLike, asked_by: str, error: Exception) -> Failed:
    """The error for a host that refuses before anything can be asked."""
    why = f"the host cannot be reached ({first_line(error)})"
    return Failed(f"{asked_by} = {os.fspath(path)!r}: {why}. {_REMEDY}")


_REMEDY = (
    "Check the network, the name of the bucket or host, and the credentials of this machine; the "
    "same command goes on from what is finished."
)


def failure_of(error: BaseException) -> str:
    """What to say of an error that came from an object store or host; empty if from elsewhere."""
    cause: BaseException | None = error
    while cause is not None:
        package = type(cause).__module__.partition(".")[0]
        if package in _PACKAGES or str(cause).startswith(_TROUBLE):
            return f"the object store or host failed: {first_line(cause)}. {_REMEDY}"
        cause = cause.__cause__
    return ""


def _look(path: epath.PathLike, filesystem: fsspec.AbstractFileSystem | None) -> None:
    if filesystem is None:
        filesystem, _ = fsspec.core.url_to_fs(os.fspath(path))
    try:
        filesystem.info(os.fspath(path).rstrip("/"))
    except FileNotFoundError as error:
        # That of HTTP says so of a host without answer, too.
        if error.__cause__ is not None and not isinstance(error.__cause__, FileNotFoundError):
            raise error.__cause__ from None


def _trouble_within(seconds: float, look: Callable[[], object]) -> str:
    """What is wrong when `look` fails or is not done in time, as a predicate; empty if it is."""
    failures: list[BaseException] = []

    def run() -> None:
        # Until it ends, also when nobody waits any more: clients log a traceback for each attempt.
        with _silent("gcsfs", "s3fs", "fsspec"):
            try:
                look()
            except Exception as error:
                failures.append(error)

    # A daemon: nothing can stop a client that waits, and the process must not wait for it.
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        return f"did not answer within {seconds:.0f} seconds"
    return f"cannot be reached ({first_line(failures[0])})" if failures else ""


@contextlib.contextmanager
def _silent(*loggers: str) -> Iterator[None]:
    disabled = {name: logging.getLogger(name).disabled for name in loggers}
    for name in loggers:
        logging.getLogger(name).disabled = True
    try:
        yield
    finally:
        for name, was in disabled.items():
            logging.getLogger(name).disabled = was


def read_file(path: epath.PathLike) -> bytes:
    """What is in a file.

    Raises OSError where there is none, also for a pipe, a socket or a device: to read from these
    may wait for ever.
    """
    name = os.fspath(path)
    if not is_remote(name) and not stat.S_ISREG(mode := os.stat(name).st_mode):
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
        raise OSError(errno.ENXIO, "It is a pipe, a socket or a device", name)
    return epath.Path(path).read_bytes()


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


def write_output(path: epath.PathLike, content: str | bytes, what: str) -> epath.Path:
    """Writes a file that the user asked for, as `replace` does, and makes its folder.

    `what`: what it is, as in "the table". Raises UserError if it cannot be written.
    """
    file = epath.Path(path)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        replace(file, content)
    except OSError as error:
        raise UserError(f"cannot write {what} to {path}: {error}.") from error
    return file


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
