"""Where the pieces of a pass are worked on: on one machine now; a cluster needs the same method.

for result in LocalRunner(workers=8).run(function, pieces): ...

A piece and a result are small picklable values; what is large goes through files that pieces and
results name. What comes out must not depend on where and in which order pieces are worked on.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

P = TypeVar("P")
R = TypeVar("R")


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


class Runner(Protocol):
    """Runs a function over pieces of work."""

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
