"""Documents from installed Python distributions: code, markup and prose, on any machine.

    DistributionFiles(("numpy",), {".py": "python"}, max_bytes=2_000_000)
    distribution_file("gensim", "gensim/models/word2vec.py")        # where it is on this machine

The files are those that the distributions' RECORDs name; their paths are the same everywhere.
"""

import csv
import functools
import hashlib
import importlib.metadata
import os
import re
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from code_ablate.data.sources.base import DocumentSource
from code_ablate.data.sources.content_digests import content_digests
from code_ablate.errors import UserError


@dataclass(frozen=True)
class InstalledFile:
    """A file of an installed distribution."""

    path: str
    """Path below the folder of installed distributions, with slashes: the same on any machine."""

    location: str
    """Path on this machine."""

    owner: str
    """Name of the distribution, as it calls itself."""

    version: str
    """Version of the distribution."""


@functools.cache
def installed_files() -> Mapping[str, tuple[InstalledFile, ...]]:
    """Files of every installed distribution, by normalised name, as its RECORD lists them."""
    found: dict[str, tuple[InstalledFile, ...]] = {}
    for distribution in importlib.metadata.distributions():
        # Each access to these parses METADATA again.
        owner, version = distribution.name or "", distribution.version
        name = normalised(owner)
        if not name or name in found:  # the first one on the path is the one that is imported
            continue
        record = distribution.read_text("RECORD")
        if record is not None:
            paths = [row[0] for row in csv.reader(record.splitlines()) if row]
        else:
            paths = [str(path) for path in distribution.files or ()]
        root = str(distribution.locate_file(""))
        # What lies outside (scripts, man pages) has a path that depends on the machine.
        found[name] = tuple(
            InstalledFile(path, os.path.join(root, path), owner, version)
            for path in sorted(set(paths))
            if not path.startswith(("..", "/"))
        )
    return found


def normalised(name: str) -> str:
    """A distribution's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def distribution_file(name: str, path: str) -> str | None:
    """Where a file of an installed distribution is on this machine; None when there is none."""
    for file in installed_files().get(normalised(name), ()):
        if file.path == path:
            return file.location if os.path.exists(file.location) else None
    return None


@functools.cache
def standard_library_files() -> tuple[InstalledFile, ...]:
    """Files of Python's standard library, without tests, caches, and what other tools put there."""
    root = sysconfig.get_path("stdlib")
    left_out = {"site-packages", "dist-packages", "test", "tests", "idle_test", "lib2to3"}
    left_out |= {"__pycache__", "_bundled"}
    files = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in left_out)
        for name in sorted(names):
            location = os.path.join(folder, name)
            path = "stdlib/" + os.path.relpath(location, root).replace(os.sep, "/")
            version = sysconfig.get_python_version()
            files.append(InstalledFile(path, location, "python", version))
    return tuple(files)


@dataclass(frozen=True)
class _Listing:
    chosen: tuple[tuple[InstalledFile, int], ...]
    skipped: tuple[tuple[str, int], ...]

    @functools.cached_property
    def sizes(self) -> dict[str, int]:
        """Bytes of each file, by its path."""
        return {file.path: size for file, size in self.chosen}


class DistributionFiles(DocumentSource):
    """Text files of installed Python distributions, one document each."""

    def __init__(
        self,
        distributions: Sequence[str] | None,
        suffixes: Mapping[str, str],
        *,
        under: str = "",
        exclude: Sequence[str] = (),
        required: bool = True,
        max_bytes: int | None = None,
        max_file_bytes: int = 1_000_000,
    ):
        """What to read.

        Args:
          distributions: names as `pip install` takes them; None is all that are installed.
          suffixes: language by suffix, as {".py": "python"}. A key without a point is a whole file
            name; of `METADATA` the description (README) is read, without the headers before it.
          under: only files whose path begins with this, such as "tensorflow/include/".
          exclude: distributions left out.
          required: a distribution that is not installed is an error; otherwise it is left out,
            which changes the digest.
          max_bytes: reads a sample of about this many bytes: files in the order of a hash of their
            path, until the sum is reached. It depends on nothing but the paths and sizes.
          max_file_bytes: longer files are not read; `skipped` counts them.
        """
        super().__init__()
        self.distributions = None if distributions is None else tuple(distributions)
        self.suffixes = dict(suffixes)
        self.under = under
        self.exclude = tuple(exclude)
        self.required = required
        self.max_bytes = max_bytes
        self.max_file_bytes = max_file_bytes

    def units(self) -> Sequence[InstalledFile]:
        """The files, in the order of their paths."""
        return [file for file, _ in self._listing.chosen]

    def size_of(self, unit: InstalledFile) -> int:
        """Bytes of the file."""
        return self._listing.sizes[unit.path]

    def skipped(self) -> dict[str, int]:
        """Files that match and are not read, counted by reason."""
        return dict(self._listing.skipped)

    def describe(self) -> Iterator[str]:
        """Every file with its distribution, language, and a digest of its content."""
        files = self.units()
        digests = content_digests([file.location for file in files])
        for file, digest in zip(files, digests, strict=True):
            yield f"{file.path}\t{file.owner}\t{self._language(file)}\t{digest}"

    def read(self, unit: InstalledFile) -> Iterator[dict[str, str]]:
        """The file as one document. Raises UserError for a file that cannot be read."""
        try:
            with open(unit.location, "rb") as file:
                text = file.read().decode("utf-8", "replace")
        except OSError as error:
            raise UserError(
                f"{unit.location} cannot be read ({error.strerror}): install {unit.owner} again."
            ) from error
        if unit.path.endswith("/METADATA"):
            text = text.partition("\n\n")[2]
        language = self._language(unit)
        yield {"text": text, "path": unit.path, "language": language, "source": unit.owner}

    def _language(self, file: InstalledFile) -> str:
        """The language by name or suffix; empty where the file is none of those asked for."""
        name = file.path.rpartition("/")[2]
        return self.suffixes.get(name) or self.suffixes.get(os.path.splitext(name)[1], "")

    def _candidates(self) -> Iterator[InstalledFile]:
        installed = installed_files()
        excluded = {normalised(name) for name in self.exclude}
        names = installed if self.distributions is None else map(normalised, self.distributions)
        for name in names:
            if name in installed:
                yield from (file for file in installed[name] if name not in excluded)
            elif self.required:
                raise UserError(f"distribution {name!r} is not installed: pip install {name}")

    @functools.cached_property
    def _listing(self) -> _Listing:
        found, skipped = [], {"missing": 0, "over_max_file_bytes": 0, "beyond_max_bytes": 0}
        for file in self._candidates():
            if not file.path.startswith(self.under) or not self._language(file):
                continue
            try:
                size = os.stat(file.location).st_size
            except FileNotFoundError:
                skipped["missing"] += 1
                continue
            if size > self.max_file_bytes:
                skipped["over_max_file_bytes"] += 1
            else:
                found.append((file, size))
        if self.max_bytes is not None:
            found.sort(key=lambda pair: hashlib.sha256(pair[0].path.encode()).digest())
            # The file that crosses the bound is the last one in: the sample is never empty.
            before = np.cumsum([0, *(size for _, size in found)])[: len(found)]
            taken = int(np.searchsorted(before, self.max_bytes))
            skipped["beyond_max_bytes"] = len(found) - taken
            found = found[:taken]
        found.sort(key=lambda pair: pair[0].path)
        return _Listing(tuple(found), tuple(skipped.items()))
