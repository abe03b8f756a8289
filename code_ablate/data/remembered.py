"""What this project's `tasks` registered when it was last imported, kept on disk.

    known = recall()                     # None: import `tasks`, then `keep` what it registered
    known.tasks; known.mixtures["demo.code"]; known.fingerprints["demo.text"]

Importing `tasks` imports TensorFlow, which takes ten seconds and more; a plan needs names and
fingerprints alone. They follow from files: the file's name is a hash of the text of this project's
modules, of the Python, and of what is installed beside it. Nothing of the user's is kept here.
"""

import hashlib
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from etils import epath

from code_ablate import own_file, shipped, storage

FORMAT = 3
"""Format of the file, and part of its name; raised when other things are kept."""

_KEPT = 20
"""Files that stay: each change of the code makes another one."""


@dataclass(frozen=True)
class Remembered:
    """Names and fingerprints, as plain values."""

    tasks: tuple[str, ...]
    """Names of the Tasks."""
    mixtures: Mapping[str, Mapping[str, float]]
    """Rate of each Task, by Mixture."""
    fingerprints: Mapping[str, Mapping[str, Any]]
    """What decides the documents of a corpus, for those that were asked for so far."""
    descriptions: Mapping[str, str]
    """A line about each evaluation task, once they were listed."""


def recall() -> Remembered | None:
    """What `tasks` registers as it is now; None if that is not known."""
    try:
        return own_file.read(_file(), Remembered, FORMAT)
    except (own_file.Damaged, OSError):
        return None


def keep(remembered: Remembered) -> None:
    """Keeps it for the next process; where the folder cannot be written, nothing is kept."""
    file = _file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        storage.replace(file, own_file.text_of(remembered, FORMAT))
        others = file.parent.glob("registered-*.json")
        for old in sorted(others, key=lambda path: path.stat().mtime)[:-_KEPT]:
            old.unlink(missing_ok=True)
    except OSError:
        return


def _file() -> epath.Path:
    digest = hashlib.sha256()
    for line in _what_decides():
        digest.update(line.encode("utf-8", "surrogateescape") + b"\n")
    return storage.cache_folder() / f"registered-{digest.hexdigest()[:16]}.json"


def _what_decides() -> Iterator[str]:
    """Lines that change when something else may be registered, or read by what is registered."""
    yield f"{FORMAT} {sys.version} {sysconfig.get_path('stdlib')}"
    for root in (Path(str(resources.files("code_ablate"))), shipped.folder(shipped.TASKS)):
        for file in sorted(root.rglob("*.py")):
            yield f"{file} {hashlib.sha256(file.read_bytes()).hexdigest()}"
    for folder in dict.fromkeys(sys.path):
        for record in sorted(Path(folder or ".").glob("*.dist-info/RECORD")):
            status = record.stat()
            yield f"{record} {status.st_size} {status.st_mtime_ns}"
