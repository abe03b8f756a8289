"""What a build of corpora wrote, and from which versions: records, the lock file, the shards.

lock = read_lock(corpora_folder() / LOCK)
shard_path(corpora_folder(), "code.python", package_key(lock.packages[0]))
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from etils import epath

from code_ablate import own_file
from code_ablate.data.building.packages import Package
from code_ablate.errors import UserError

FOLDER, VARIABLE = "data/corpora", "CODE_ABLATE_CORPORA"
FORMAT = 1
"""Format of the records and of the lock file."""
LOCK = "lock.json"


@dataclass(frozen=True)
class Archive:
    """A file that was fetched."""

    name: str
    """Name."""
    bytes: int
    """Size."""
    sha256: str
    """Digest of its content."""


@dataclass(frozen=True)
class Shard:
    """The documents of one package in one corpus."""

    corpus: str
    """Corpus, such as "code.python"."""
    documents: int
    """Number of documents."""
    bytes: int
    """Bytes of their text in UTF-8."""
    sha256: str
    """Digest of its lines, before compression."""


@dataclass(frozen=True)
class Built:
    """A package that is done."""

    registry: str
    """Registry of the package."""
    name: str
    """Name of the package, or of the one that stands in for it."""
    version: str
    """Version that was fetched."""
    licence: str
    """Licence that its documents carry."""
    request: str
    """Identity of what was to be taken, and of how it is extracted."""
    archives: tuple[Archive, ...]
    """What was fetched."""
    shards: tuple[Shard, ...]
    """What was written."""
    skipped: Mapping[str, int]
    """Files that became no document, by reason."""


@dataclass(frozen=True)
class Lock:
    """All packages of a build, in the order of the list."""

    packages: tuple[Built, ...]
    """What was built, from which versions."""


def corpora_folder() -> Path:
    """Where corpora are built and read: $CODE_ABLATE_CORPORA, or data/corpora below this folder."""
    return Path(os.environ.get(VARIABLE) or FOLDER)


def read_lock(path: str | Path) -> Lock:
    """A lock file. Raises UserError if it is missing or damaged."""
    try:
        return own_file.read(epath.Path(path), Lock, FORMAT)
    except own_file.Damaged as error:
        raise UserError(f"the lock file {error}: build without it, or copy it again.") from error


def shard_path(root: Path, corpus: str, key: str) -> Path:
    """Where the documents of a package in a corpus lie."""
    return root / corpus / f"{key}.jsonl.zst"


def package_key(record: Built) -> str:
    """Key of the package that a record is of."""
    return Package(record.registry, record.name, 0.0).key
