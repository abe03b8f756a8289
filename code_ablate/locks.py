"""Who works in a folder: one process at a time, and others are told which one.

    with locks.held(run.path, "trained"): ...
    locks.holder(run.path).state       # 'alive', 'dead' or 'unknown'
    locks.wait_for(file, "waiting for another process ...")

On a disk the kernel keeps the lock, and drops it when the process dies, however it dies. Object
stores have no locks: there a sign says who works, and whether that process lives is known only on
its own host.
"""

import contextlib
import datetime
import fcntl
import json
import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from etils import epath
from tqdm import tqdm

from code_ablate import distributed, own_file, storage
from code_ablate.errors import UserError
from code_ablate.identity import to_plain
from code_ablate.shown import shown

FILE = ".lock"
"""On a disk: the file that is locked. Its content says by whom."""
SIGN = "running.json"
"""On an object store: the file that is there while somebody works."""


@dataclass(frozen=True)
class Owner:
    """A process that works in a folder."""

    host: str
    """Name of its host."""
    process: int
    """Number of the process there."""
    since: str
    """When it began, in UTC."""

    @classmethod
    def here(cls) -> "Owner":
        """This process, from now on."""
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return cls(socket.gethostname(), os.getpid(), now)

    def __str__(self) -> str:
        return f"process {self.process} on {self.host}, since {self.since}"

    @property
    def is_local(self) -> bool:
        """Whether it ran on this host."""
        return self.host == socket.gethostname()

    @property
    def is_alive(self) -> bool:
        """Whether a process of its number runs on this host."""
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True  # it runs, as another user
        return True


@dataclass(frozen=True)
class Holder:
    """What can be told of the last one who worked in a folder."""

    state: str
    """'alive'; 'dead', where this host can tell; 'unknown'."""
    owner: Owner | None
    """Who it is; None where nothing says so."""


@contextlib.contextmanager
def held(folder: epath.Path, what: str) -> Iterator[None]:
    """Holds a folder for this job; of its processes the first one does.

    `what`: what is done to the folder, such as "trained". Raises UserError in all of them if
    another process has it, whatever that one does to it.
    """
    hold = _sign if storage.is_remote(folder) else _file_lock
    with contextlib.ExitStack() as stack:
        distributed.from_first(lambda: stack.enter_context(hold(folder, what)))
        yield


def holder(folder: epath.Path) -> Holder:
    """Who holds a folder, or did. Changes nothing."""
    if storage.is_remote(folder):
        owner = _owner(folder / SIGN)
        if owner is None or not owner.is_local:
            return Holder("unknown", owner)
        return Holder("alive" if owner.is_alive else "dead", owner)
    path = Path(folder) / FILE
    if not path.exists():  # a copy of a folder, as likely as not
        return Holder("unknown", None)
    owner = _owner(epath.Path(path))
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return Holder("alive", owner)
    except OSError:
        return Holder("unknown", owner)
    # Some shared file systems keep locks on each host alone.
    return Holder("dead" if owner and owner.is_local else "unknown", owner)


@contextlib.contextmanager
def _file_lock(folder: epath.Path, what: str) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Not "w": that would take away the owner's name before it is known who has the lock.
        file = (Path(folder) / FILE).open("a", encoding="utf-8")
    except OSError as error:
        raise UserError(f"{folder} cannot be written to ({error}): name another folder.") from error
    with file:
        _lock(file, folder, what)
        file.truncate(0)
        file.write(_text(Owner.here()))
        file.flush()
        yield


def wait_for(file: IO, message: str) -> None:
    """Takes the lock of an open local file; says `message` where another process has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        tqdm.write(shown(message), file=sys.stderr)
        fcntl.flock(file, fcntl.LOCK_EX)


@contextlib.contextmanager
def turn(folder: epath.Path, what: str) -> Iterator[None]:
    """Waits until no other process has its turn in a folder; object stores know no turns.

    `what`: what one does in its turn, for the message of those who wait.
    """
    if storage.is_remote(folder):
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / FILE, "a", encoding="utf-8") as file:
        wait_for(file, f"waiting for another process, which {what} in {folder}.")
        yield


def _lock(file: IO, folder: epath.Path, what: str) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = _owner(folder / FILE)
        who = f"another process ({owner})" if owner else "another process"
        raise UserError(
            f"{folder} cannot be {what} now, since {who} works in it: wait until that one is done, "
            "or stop it."
        ) from None
    except OSError as error:
        raise UserError(
            f"{folder} cannot be locked ({error}): put it on a file system that has locks."
        ) from error


@contextlib.contextmanager
def _sign(folder: epath.Path, what: str) -> Iterator[None]:
    """Says who works in the folder. Refuses where that one lives; warns where it may live."""
    file = folder / SIGN
    if file.exists():
        owner = _owner(file)
        if owner is not None and owner.is_local and owner.is_alive:
            raise UserError(
                f"{folder} cannot be {what} now, since another process ({owner}) works in it: wait "
                "until that one is done, or stop it. If that number is of some other program by "
                f"now, delete {file}."
            )
        if owner is None or not owner.is_local:
            own_file.warn_once(
                f"{owner or 'another process'} worked in {folder} and did not end in an orderly "
                "way. If it was killed, all is well. If it is still running, stop one of the two: "
                "object stores have no locks."
            )
    storage.replace(file, _text(Owner.here()))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def _text(owner: Owner) -> str:
    return json.dumps(to_plain(owner))


def _owner(file: epath.Path) -> Owner | None:
    """Who is named in a file; None where it says nothing that can be read."""
    try:
        return own_file.build(Owner, json.loads(storage.read_file(file)))
    except (OSError, ValueError, TypeError):
        return None
