"""Files that a third-party function reads, as far as its text and its arguments name them.

    paths = named_files(strings)           # of its constants, arguments, closures and globals
    if not paths and opens_files(names): say_unfollowed("my_module.dataset_fn")

A path is found where it stands whole, as a glob, or as a folder and what is joined to it. What a
function finds out only when it runs cannot be seen; that is said, and not guessed.
"""

import functools
import glob
import os
import re
import sys
from collections.abc import Iterable, Set

from tqdm import tqdm

_OPENERS = frozenset(
    [
        *("open", "GFile", "TextLineDataset", "TFRecordDataset", "FixedLengthRecordDataset"),
        *("SqlDataset", "CsvDataset", "make_csv_dataset", "list_files", "glob", "iglob", "rglob"),
        *("listdir", "scandir", "iterdir", "walk", "read_text", "read_bytes", "read_file"),
        *("read_csv", "read_json", "read_parquet", "read_table", "ParquetFile", "ParquetDataset"),
        *("loadtxt", "load", "load_dataset", "load_from_disk", "urlopen", "urlretrieve"),
    ]
)
"""Names of functions that open files, or find some to be opened."""

_MAX_STRINGS = 200
"""A function with more strings than these holds its data itself; pairs of them are not tried."""


def named_files(strings: Iterable[str]) -> list[str]:
    """Absolute paths of the local files that strings name, alone or two of them joined; sorted."""
    candidates = {os.path.expanduser(text) for text in strings if _may_be_path(text)}
    folders = {text for text in candidates if "/" in text and os.path.isdir(text)}
    joined = (
        {os.path.join(folder, text.lstrip("/")) for folder in folders for text in candidates}
        if len(candidates) <= _MAX_STRINGS
        else set()
    )
    found: set[str] = set()
    for path in candidates | joined:
        matches = _matches(path) if glob.has_magic(path) else [path]
        found.update(os.path.abspath(match) for match in matches if os.path.isfile(match))
    return sorted(found)


def _matches(pattern: str) -> list[str]:
    """What a glob matches; nothing for one that would look through the whole disk."""
    folder = re.split(r"[*?\[]", pattern, maxsplit=1)[0].rpartition("/")[0]
    return glob.glob(pattern, recursive=True) if folder else []


def _may_be_path(text: str) -> bool:
    """Whether a string is written as paths are: short, in one line, with a slash or a suffix."""
    return 2 < len(text) < 1024 and text.isprintable() and ("/" in text or "." in text[1:])


def opens_files(names: Set[str]) -> bool:
    """Whether one of the names that a function refers to is that of a function that opens files."""
    return not _OPENERS.isdisjoint(names)


@functools.cache
def say_unfollowed(function: str) -> None:
    """Tells the user, once a process, that changed data may not be noticed."""
    tqdm.write(
        f"note: which files {function} reads cannot be seen from its text, so a store of it counts "
        "as right for as long as the function stays as it is. When its data change, change the "
        "function too, such as a version among its arguments; or read the files with "
        "code_ablate.data.sources.files.Files, which notices.",
        file=sys.stderr,
    )
