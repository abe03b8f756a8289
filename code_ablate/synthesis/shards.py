"""Shards of problems: a range of numbers in one file, written whole, described beside it.

    shard = Shard(directory, "composed", 3)
    shard.write(problems, record)        # composed-00003.jsonl.gz and shards/composed-00003.json
    shard.record()                       # what was written; None where it is not whole

A worker makes a shard from its numbers alone, so shards can be made in any order and again.
"""

import gzip
import io
import json
import resource
import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from etils import epath

from code_ablate import own_file, storage, worker_process
from code_ablate.synthesis.composed import composed_problem
from code_ablate.synthesis.problems import COMPOSED, Problem

PER_SHARD = 500
"""Problems of a full shard."""

_FORMAT = 1
_ADDRESS_SPACE_BYTES = 4 << 30
_CPU_SECONDS = 20
"""CPU seconds for a single problem: a thousand times what one takes."""


@dataclass(frozen=True)
class ShardRecord:
    """What is said of a shard beside it."""

    recipe: str
    """Digest of the seed, the code that makes problems, Python's minor version and the 13-grams
    that are left out."""
    sha256: str
    """SHA-256 of the file of its problems."""
    keys: tuple[str, ...]
    """For each number of its range, in order, a digest of what the problem computes."""
    removed: tuple[int, ...]
    """Places in the range whose problem is not in the file: an earlier one computes the same, or
    it is one more than was asked for."""
    rejected: dict[str, int]
    """Reason -> drafts that were given up before a problem held."""

    @property
    def problems(self) -> int:
        """Problems in the file."""
        return len(self.keys) - len(self.removed)


@dataclass(frozen=True)
class Shard:
    """A shard of a folder."""

    directory: Path
    """The folder of all problems."""
    route: str
    """How its problems are made: composed or mined."""
    number: int
    """Number of the shard, from 0."""

    @property
    def name(self) -> str:
        """Name of its files, without suffixes."""
        return f"{self.route}-{self.number:05d}"

    @property
    def path(self) -> Path:
        """The file of its problems."""
        return self.directory / f"{self.name}.jsonl.gz"

    @property
    def record_path(self) -> Path:
        """The file that describes it."""
        return self.directory / "shards" / f"{self.name}.json"

    def record(self) -> ShardRecord | None:
        """What is said of it, or None where the shard is missing or not whole."""
        if not self.record_path.exists() or not self.path.exists():
            return None
        try:
            record = own_file.read(epath.Path(self.record_path), ShardRecord, _FORMAT)
        except own_file.Damaged:
            return None
        return record if own_file.sha256(self.path.read_bytes()) == record.sha256 else None

    def write(self, problems: Sequence[Problem], record: ShardRecord) -> ShardRecord:
        """Writes both files; what describes the shard last, so that a half-written one is seen."""
        content = packed(problems)
        record = replace(record, sha256=own_file.sha256(content))
        storage.replace(epath.Path(self.path), content)
        storage.replace(epath.Path(self.record_path), own_file.text_of(record, _FORMAT))
        return record

    def read(self) -> list[Problem]:
        """The problems in its file."""
        with gzip.open(self.path, "rt", encoding="utf-8") as file:
            return [Problem.from_row(json.loads(line)) for line in file]

    def without(self, removed: Sequence[int], record: ShardRecord) -> ShardRecord:
        """Takes problems out, by their places in the range."""
        first = self.number * PER_SHARD
        names = {f"{self.route}-{first + place:07d}" for place in removed}
        problems = [problem for problem in self.read() if problem.name not in names]
        return self.write(problems, replace(record, removed=tuple(sorted(removed))))


def packed(problems: Sequence[Problem]) -> bytes:
    """Problems as compressed JSON lines: the same bytes for the same problems."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=6, mtime=0) as file:
        for problem in problems:
            file.write(json.dumps(problem.row(), ensure_ascii=False).encode() + b"\n")
    return buffer.getvalue()


class _TooSlow(BaseException):
    """A problem that used more CPU seconds than any should."""


def _raise_too_slow(*_) -> None:
    raise _TooSlow


_forbidden: frozenset[int] = frozenset()


def begin_worker(forbidden: frozenset[int]) -> None:
    """Readies a process of its own for making shards: its limits, and what it must leave out."""
    global _forbidden
    _forbidden = forbidden
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent stops its workers
    worker_process.end_with_parent()
    signal.signal(signal.SIGVTALRM, _raise_too_slow)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE_BYTES, hard))


def make_shard(directory: str, seed: int, number: int, recipe: str) -> ShardRecord:
    """Makes and writes a shard of composed problems, in a worker."""
    shard = Shard(Path(directory), COMPOSED, number)
    rejected: Counter = Counter()
    problems, keys = [], []
    for index in range(number * PER_SHARD, (number + 1) * PER_SHARD):
        signal.setitimer(signal.ITIMER_VIRTUAL, _CPU_SECONDS)
        try:
            problem, skeleton = composed_problem(seed, index, _forbidden, rejected)
        except _TooSlow:
            raise RuntimeError(
                f"problem {index} of seed {seed} used {_CPU_SECONDS} CPU seconds: an operation of "
                "the grammar is too slow"
            ) from None
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        problems.append(problem)
        keys.append(own_file.sha256(skeleton.encode())[:20])
    empty = ShardRecord(recipe, "", tuple(keys), (), dict(sorted(rejected.items())))
    return shard.write(problems, empty)
