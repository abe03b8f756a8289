"""Evaluation items that were found in a corpus, as it lies beside the corpus' token store.

    record = read(store)                      # None: the corpus was not searched
    record.removed[0].name, record.removed[0].matches
    record.items_found("mbpp")                # {"17": ...}: in the corpus before documents left it

The manifest of the store holds the file's digest.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from etils import epath

from code_ablate import own_file
from code_ablate.data.store import TokenStore
from code_ablate.errors import UserError

FILE = "contamination.json"
FORMAT = 1


@dataclass(frozen=True)
class Match:
    """A part of an item that stands in a document."""

    task: str
    """Task of the item; of several with the same items the first one."""
    item: str
    """Id of the item."""
    part: str
    """Which text of the item: prompt or answer."""
    rule: str
    """How it was compared: prose or code."""
    ngrams: int
    """Different n-grams or windows of the part that stand in the document."""
    share: float
    """Those among all that count of the part, 0 to 1."""


@dataclass(frozen=True)
class RemovedDocument:
    """A document that left its corpus because it holds evaluation items."""

    name: str
    """Source and path; empty where the Task does not keep them."""
    first_line: str
    """Beginning of its first line with text."""
    bytes: int
    """Bytes of its text."""
    matches: tuple[Match, ...]
    """What it holds, the largest shares first; at most 20."""
    all_matches: int
    """Number of parts that it holds."""


@dataclass(frozen=True)
class FoundItem:
    """A part of an item that stood in the corpus."""

    task: str
    """Task of the item; of several with the same items the first one."""
    item: str
    """Id of the item."""
    part: str
    """Which text of the item: prompt or answer."""
    documents: int
    """Documents that held it."""
    share: float
    """Largest share of its n-grams in one of them, 0 to 1."""


@dataclass(frozen=True)
class Contamination:
    """What was looked for in a corpus, and what was found."""

    corpus: str
    """Name of the corpus."""
    tasks: Mapping[str, str]
    """The tasks that were looked for, each with the first one that has the same items."""
    missing: tuple[str, ...]
    """Tasks that were not looked for, because their rows were not on the machine."""
    skipped: Mapping[str, int]
    """Parts of items that were not looked for, by task: too short, or shared by many items."""
    removed: tuple[RemovedDocument, ...]
    """The documents that left, in the order of the hashes of their texts."""
    items: tuple[FoundItem, ...]
    """Every part that was found in a document."""
    documents_by_task: Mapping[str, int]
    """Documents that held an item of a task, of tasks with the same items by the first one."""

    def items_found(self, task: str) -> frozenset[str]:
        """Ids of the items of a task of which a part was found."""
        group = self.tasks.get(task)
        return frozenset(found.item for found in self.items if found.task == group)


def read(store: TokenStore) -> Contamination | None:
    """What was found in the corpus of a store; None if it was not searched.

    Raises UserError if the file is missing or not the one that belongs to the store.
    """
    digest = store.manifest.contamination.get("file")
    if digest is None:
        return None
    path = epath.Path(store.path) / FILE
    try:
        if own_file.sha256(path.read_bytes()) == digest:
            return own_file.read(path, Contamination, FORMAT)
        why = f"{path} is not the file that belongs to its store"
    except FileNotFoundError:
        why = f"{path} is missing"
    except own_file.Damaged as error:
        why = str(error)
    raise UserError(f"{why}; delete the directory of the store and prepare it again.")
