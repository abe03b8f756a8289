"""Where the wall time of training goes.

    clock = Clock()
    with clock.waiting("data"):
        batch = next(batches)
    clock.take()               # {'compute': 1.9, 'data': 0.1, 'checkpoint': 0.0, ...} in seconds

The clock charges every moment to exactly one category, so the parts add up to the wall time:

    startup     until the first step is done: reading the checkpoint, compilation
    data        the loop waited for the next batch
    checkpoint  the loop waited for a save (an asynchronous one goes on beside the compute)
    evaluation  the loop evaluated
    compute     all the rest: steps, and what is too small to name

What is measured is the time of the loop on the host. Devices that still have a step to finish work
on through a wait, so a wait is the most that its cause can have cost.
"""

import contextlib
import time
from collections.abc import Callable, Iterator

CATEGORIES = ("compute", "data", "checkpoint", "evaluation", "startup")


class Clock:
    """Splits the time since it was made into categories. Not to be shared between threads."""

    def __init__(self, begin: str = "compute", now: Callable[[], float] = time.monotonic):
        """`begin`: what is done until `switch`; `now`: a steady clock."""
        self._now, self._charged_until = now, now()
        self._before = 0.0
        self._total = dict.fromkeys(CATEGORIES, 0.0)
        self._taken = dict(self._total)
        self._doing = [begin]

    def switch(self, category: str) -> None:
        """From now on, time outside of every `waiting` block is charged to `category`."""
        self._charge()
        self._doing[0] = category

    def carry(self, seconds: float) -> None:
        """Counts the seconds of earlier processes in `seconds`."""
        self._before = seconds

    @contextlib.contextmanager
    def waiting(self, category: str) -> Iterator[None]:
        """Charges the time in the `with` block to `category`. A block within it is not counted
        twice: it pauses the outer one. Raises ValueError for an unknown category."""
        if category not in CATEGORIES:
            raise ValueError(f"no category {category!r} of time; there are {CATEGORIES}.")
        self._charge()
        self._doing.append(category)
        try:
            yield
        finally:
            self._charge()
            self._doing.pop()

    @property
    def seconds(self) -> float:
        """All seconds until now, those of earlier processes among them."""
        return self._before + sum(self.split.values())

    @property
    def split(self) -> dict[str, float]:
        """Seconds by category since this clock was made."""
        self._charge()
        return dict(self._total)

    def take(self) -> dict[str, float]:
        """Seconds by category since the last call of `take`; of the first call, since the start."""
        total, taken = self.split, self._taken
        self._taken = total
        return {category: total[category] - taken[category] for category in CATEGORIES}

    def _charge(self) -> None:
        """Adds the time since the last call to what was being done in it."""
        now = self._now()
        self._total[self._doing[-1]] += now - self._charged_until
        self._charged_until = now
