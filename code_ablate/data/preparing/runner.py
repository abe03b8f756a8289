"""Where the pieces of a pass are worked on: `local` on one machine, `beam` on a cluster.

for result in LocalRunner(workers=8).run(function, pieces): ...
for result in LocalRunner().group(CommonNgrams(...), pieces): ...

A piece and a result are small picklable values; what is large goes through files that pieces and
results name. What comes out must not depend on where and in which order pieces are worked on.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

P = TypeVar("P")
R = TypeVar("R")
P_contra = TypeVar("P_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)


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
        values: dict[tuple, list[Any]] = {}
        for piece in pieces:
            for key, value in one.spread(piece):
                values.setdefault(key, []).append(value)
        for key in sorted(values):
            yield one.gather(key, values.pop(key))


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
