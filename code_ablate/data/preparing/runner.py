"""Where the pieces of a pass are worked on: `local` on one machine, `beam` on a cluster.

for result in LocalRunner(workers=8).run(function, pieces): ...
for result in LocalRunner().group(CommonNgrams(...), pieces): ...

A piece and a result are small picklable values; what is large goes through files that pieces and
results name. What comes out must not depend on where and in which order pieces are worked on.
"""

import pickle
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

P = TypeVar("P")
R = TypeVar("R")
P_contra = TypeVar("P_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)


_HELD_BYTES = 2**23


def _say_nothing(*counts: int) -> None:
    pass


@dataclass(frozen=True)
class Place:
    """Where a piece is worked on, as the working function sees it."""

    threads: int = 0
    """Threads that the function may use; 0 leaves the number to it."""
    report: Callable[[int, int], None] = _say_nothing
    """To be called now and then with the documents, and the bytes of their text, that were done
    since the last call. It may raise, to stop the work."""
    read: Callable[[int], None] = _say_nothing
    """To be called, in any thread, with the bytes of files that were read since the last call."""


class Grouping(Protocol[P_contra, R_co]):
    """Work in two steps: pieces become values with keys, and the values of a key one result.

    Picklable; keys are tuples of numbers and strings.
    """

    def rounds(self) -> Sequence["Grouping[P_contra, R_co]"]:
        """Groupings with different keys that are this one together: one after another they need
        less memory."""
        ...

    def spread(self, piece: P_contra) -> Iterator[tuple[tuple, Any]]:
        """Keys and values of one piece."""
        ...

    def gather(self, key: tuple, values: Sequence[Any]) -> R_co:
        """The result of one key. The order of the values must not matter."""
        ...


class Group(Protocol):
    """How a `Grouping` is done: the method `group` of a runner."""

    def __call__(self, grouping: Grouping[P, R], pieces: Sequence[P]) -> Iterator[R]:
        """The result of each key, in any order."""
        ...


def group_here(grouping: Grouping[P, R], pieces: Sequence[P]) -> Iterator[R]:
    """The result of each key, worked out in this process, round by round."""
    for one in grouping.rounds():
        with _Values() as values:
            for piece in pieces:
                for key, value in one.spread(piece):
                    values.add(key, value)
            for key in values.keys:
                yield one.gather(key, values.of(key))


class _Values:
    """Values by keys, pickled: in memory at first, then in a file of the system's folder for
    temporary ones."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(_HELD_BYTES)  # noqa: SIM115 - until the exit
        self._starts: dict[tuple, list[int]] = {}

    def __enter__(self) -> "_Values":
        return self

    def __exit__(self, *exc_info) -> None:
        self._file.close()

    def add(self, key: tuple, value: Any) -> None:
        start = self._file.tell()
        pickle.dump(value, self._file, pickle.HIGHEST_PROTOCOL)
        self._starts.setdefault(key, []).append(start)

    @property
    def keys(self) -> list[tuple]:
        return sorted(self._starts)

    def of(self, key: tuple) -> list[Any]:
        """The values of a key, in the order in which they came; nothing can be added after it."""
        values = []
        for start in self._starts[key]:
            self._file.seek(start)
            values.append(pickle.load(self._file))
        return values


class Runner(Protocol):
    """Works on pieces."""

    @property
    def is_cluster(self) -> bool:
        """Whether other machines may do the work, which see the data's folder and nothing else."""
        ...

    def run(
        self,
        function: Callable[[P, Place], R],
        pieces: Sequence[P],
        sizes: Sequence[int | None] | None = None,
    ) -> Generator[R, None, None]:
        """The result of each piece, as they are done, in any order.

        `sizes`: bytes of files that each piece reads, to show how far the work is; None: not known.
        `function` is picklable, and may be called twice for one piece. What it raises is raised
        here, after the other pieces have been stopped; closing the iterator stops them too.
        """
        ...

    def group(self, grouping: Grouping[P, R], pieces: Sequence[P]) -> Iterator[R]:
        """The result of each key, in any order. What `grouping` raises is raised here."""
        ...
