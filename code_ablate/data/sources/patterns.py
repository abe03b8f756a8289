"""Paths that a pattern matches, with links followed and hidden names left out.

    find_local("/data/**/*.jsonl")              # Matches(paths=[...], hidden=2)
    find_remote(filesystem, "bucket/**/*.parquet")

`*`, `?` and `[abc]` match within a name, `**` any number of folders. A name that exists as it is
written is taken literally, brackets and all.
"""

import fnmatch
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import fsspec

from code_ablate.errors import UserError

_WILD = re.compile(r"[*?]")
_MAGIC = re.compile(r"[*?\[]")
_ANY_DEPTH = "**"


def is_pattern(path: str) -> bool:
    """Whether a path has characters that match others."""
    return _MAGIC.search(path) is not None


@dataclass
class Matches:
    """What a pattern matches."""

    paths: list[str] = field(default_factory=list)
    """Paths of all kinds: files, folders, links to nothing, ... Each once, sorted."""
    folders: frozenset[str] = frozenset()
    """Those of the paths that are folders, or links to one."""
    sizes: Mapping[str, int | None] = field(default_factory=dict)
    """Bytes of files, where the file system told them with their names."""
    hidden: int = 0
    """Hidden files and folders that were left out; what is in such a folder is not counted."""


def find_local(pattern: str, *, hidden: bool = False) -> Matches:
    """What an absolute pattern matches on this machine.

    Links to folders are entered, but for those that lead back into a folder on the way to them.
    Names that begin with a point are left out, unless `hidden`, or the pattern writes the point.
    Raises UserError for a folder that cannot be listed.
    """
    search = _Search(hidden)
    parts = tuple(part for part in pattern.split("/") if part)
    paths = set(search.expand("/", parts)) if parts else {"/"}
    folders = frozenset(path for path in paths if os.path.isdir(path))
    return Matches(sorted(paths), folders, hidden=len(search.left_out))


class _Search:
    def __init__(self, hidden: bool):
        self._hidden = hidden
        self.left_out: set[str] = set()

    def expand(self, folder: str, parts: Sequence[str]) -> Iterator[str]:
        """Paths below `folder` that match `parts`."""
        part, rest = parts[0], parts[1:]
        if part == _ANY_DEPTH:
            yield from self._any_depth(folder, rest or ("*",), ())
            return
        if _ANY_DEPTH in part:
            raise UserError(f"{'/'.join(parts)!r}: '**' must stand between slashes, by itself.")
        for path in self._matching(folder, part, folders=bool(rest)):
            if rest:
                yield from self.expand(path, rest)
            else:
                yield path

    def _any_depth(
        self, folder: str, rest: Sequence[str], above: tuple[tuple[int, int], ...]
    ) -> Iterator[str]:
        yield from self.expand(folder, rest)
        above = (*above, _identity(folder))
        for path in self._matching(folder, "*", folders=True):
            if _identity(path) not in above:  # else a link leads back
                yield from self._any_depth(path, rest, above)

    def _matching(self, folder: str, part: str, *, folders: bool) -> list[str]:
        """Paths in `folder` whose names match one part of a pattern; with `folders`, only those."""
        paths = self._of_any_kind(folder, part)
        if folders:
            paths = [path for path in paths if os.path.isdir(path)]
        if self._hidden or part.startswith("."):
            return paths
        left_out = {path for path in paths if os.path.basename(path).startswith(".")}
        self.left_out |= left_out
        return [path for path in paths if path not in left_out]

    @staticmethod
    def _of_any_kind(folder: str, part: str) -> list[str]:
        literal = os.path.join(folder, part)
        if not _WILD.search(part) and (part.find("[") < 0 or os.path.lexists(literal)):
            return [literal] if os.path.lexists(literal) else []
        names = _names_in(folder)
        chosen = fnmatch.filter(names, part)
        if not chosen and "[" in part:  # brackets that are meant as they are written
            chosen = fnmatch.filter(names, part.replace("[", "[[]"))
        return [os.path.join(folder, name) for name in chosen]


def _names_in(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError as error:
        raise UserError(
            f"the folder {folder} cannot be listed ({error.strerror}): make it readable, or name "
            "the files otherwise."
        ) from error


def _identity(folder: str) -> tuple[int, int]:
    status = os.stat(folder)
    return status.st_dev, status.st_ino


def find_remote(
    filesystem: fsspec.AbstractFileSystem, pattern: str, *, hidden: bool = False
) -> Matches:
    """What a pattern matches on another file system: files and folders, as `find_local` says."""
    if "[" in pattern and not _WILD.search(pattern) and filesystem.exists(pattern):
        return Matches([pattern], frozenset([pattern] if filesystem.isdir(pattern) else []))
    try:
        infos = filesystem.glob(pattern, detail=True)  # one listing; a question for each is slow
    except ValueError as error:
        raise UserError(f"{pattern!r}: {error}") from error
    root = _MAGIC.split(pattern, maxsplit=1)[0].rpartition("/")[0]
    every = hidden or "/." in pattern or not _MAGIC.search(pattern)
    shown = [path for path in sorted(infos) if every or "/." not in path[len(root) :]]
    folders = frozenset(path for path in shown if infos[path].get("type") == "directory")
    sizes = {path: infos[path].get("size") for path in shown}
    return Matches(shown, folders, sizes, len(infos) - len(shown))
