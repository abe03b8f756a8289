"""Groups of phases trained in threads, several at a time, while this thread evaluates.

with SideBySide(order, train, stop, threads=2) as trained:
    for work in trained: ...          # phases, as they are done
"""

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

from code_ablate.errors import Failed, Interrupted
from code_ablate.study.phase_order import Order, Work
from code_ablate.training.stopping import stop_signals


class SideBySide:
    """The threads."""

    def __init__(
        self,
        order: Order,
        train: Callable[[Sequence[Work]], Mapping[str, Failed]],
        stop: Callable[[], None],
        *,
        threads: int,
    ):
        """`train` is called in the threads; `stop` makes such calls raise Interrupted soon."""
        self._order, self._train, self._stop_training = order, train, stop
        self._outcomes: queue.SimpleQueue[list[Work] | Exception | None] = queue.SimpleQueue()
        self._changed = threading.Condition()  # guards what follows, and the order
        self._under_way, self._stopped = 0, False
        self._threads = [threading.Thread(target=self._work) for _ in range(threads)]
        self._watcher = threading.Thread(target=self._watch)
        self._signals = contextlib.ExitStack()
        self._asked_to_stop = threading.Event()

    def __enter__(self) -> Iterator[Work]:
        self._asked_to_stop = self._signals.enter_context(stop_signals())
        for thread in (*self._threads, self._watcher):
            thread.start()
        return self._trained()

    def __exit__(self, *exc_info) -> None:
        with self._signals:
            self._asked_to_stop.set()  # nothing, if all is done
            for thread in (*self._threads, self._watcher):
                thread.join()

    def _trained(self) -> Iterator[Work]:
        """Phases as they are trained. Raises Interrupted after SIGINT or SIGTERM."""
        ended = 0
        while ended < len(self._threads):
            outcome = self._outcomes.get()
            if outcome is None:
                ended += 1
            elif isinstance(outcome, Exception):
                raise outcome
            elif not self._stopped:
                yield from outcome
        if self._stopped:
            raise Interrupted("stopped; the same command goes on from what is finished.")

    def _watch(self) -> None:
        """Has everything saved as soon as a signal asks for it, also while a phase is evaluated."""
        self._asked_to_stop.wait()
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._stop_training()

    def _work(self) -> None:
        """What a thread does: trains group after group, until there is none."""
        while group := self._take():
            failures: Mapping[str, Failed] | Exception
            try:
                failures = self._train(group)
            except Exception as error:  # raised again where the phases are waited for
                failures = error
            self._outcomes.put(self._note(group, failures))
        self._outcomes.put(None)

    def _note(
        self, group: list[Work], failures: Mapping[str, Failed] | Exception
    ) -> list[Work] | Exception:
        """Takes down what came of a group, which may make others ready."""
        with self._changed:
            self._under_way -= 1
            self._changed.notify_all()
            if isinstance(failures, Exception):
                self._stopped = True
                return failures
            return self._order.note(group, failures)

    def _take(self) -> list[Work]:
        """A group, as soon as there is one; empty if there will be none."""
        with self._changed:
            while not self._stopped:
                group = self._order.take()
                if group or not self._under_way:
                    self._under_way += bool(group)
                    return group
                self._changed.wait()
            return []
