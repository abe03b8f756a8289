"""Where a preparation keeps its finished pieces until the store is written, and who may use it.

with locked(plan.path.name, data_dir): ...        # one process for each store
folder = scratch_folder(plan.path.name, data_dir)

The folder has the name of the store: the next preparation of the same store finds the pieces there.
Pieces of a store on an object store lie in $TMPDIR of the machine, unless a cluster works on them.
"""

import contextlib
import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from etils import epath

from code_ablate import locks, storage
from code_ablate.data.preparing.shared_files import delete_folder, entries, private_folder

_STORE = re.compile(r"(.+)-[0-9a-f]{12}")
"""Name of a store: corpus and key."""


@contextlib.contextmanager
def locked(store: str, data_dir: epath.PathLike) -> Iterator[None]:
    """Holds the right to write one store, and its scratch folder; waits for who holds it.

    Among processes that see the same disk. On an object store: among those of this machine.
    """
    with _lock_file(store, data_dir) as file:
        locks.wait_for(file, f"waiting for another process that prepares {store} ...")
        yield


def scratch_folder(store: str, data_dir: epath.PathLike, *, shared: bool = False) -> str:
    """The folder for the pieces of a store, made if it is missing. The caller holds the lock.

    `shared`: other machines see it, too. Pieces that other settings or another source left for the
    same corpus are deleted.
    """
    root = _shared_root(data_dir) if shared else epath.Path(_root(data_dir))
    root = root / ".scratch"
    folder = root / store
    folder.mkdir(parents=True, exist_ok=True)
    for other in entries(root):
        if other != folder and _corpus(other.name) == _corpus(store):
            _delete_unused(other, data_dir)
    return str(folder)


def jobs_folder(data_dir: epath.PathLike) -> str:
    """The folder for what a cluster's workers and the process that starts them tell each other."""
    return str(_shared_root(data_dir) / ".jobs")


def _delete_unused(folder: epath.Path, data_dir: epath.PathLike) -> None:
    in_use = contextlib.suppress(BlockingIOError)  # another process holds its lock
    with _lock_file(folder.name, data_dir) as file, in_use:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        delete_folder(str(folder))


def _lock_file(store: str, data_dir: epath.PathLike):
    directory = _root(data_dir) / ".locks"
    directory.mkdir(parents=True, exist_ok=True)
    return open(directory / store, "w", encoding="utf-8")


def _corpus(store: str) -> str:
    name = _STORE.fullmatch(store)
    return name[1] if name else store


def _shared_root(data_dir: epath.PathLike) -> epath.Path:
    """The folder, local or not, that all machines see."""
    root = data_dir if storage.is_remote(data_dir) else os.path.abspath(data_dir)
    return epath.Path(root) / "stores"


def _root(data_dir: epath.PathLike) -> Path:
    """The local folder that holds locks and scratch folders."""
    if not storage.is_remote(data_dir):
        return Path(data_dir).absolute() / "stores"
    return private_folder() / hashlib.sha256(os.fspath(data_dir).encode()).hexdigest()[:16]
