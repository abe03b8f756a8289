"""Being asked to stop: what SIGINT and SIGTERM mean to work that can be gone on with later.

with stop_signals() as stop:
    while not stop.is_set(): ...
"""

import contextlib
import signal
import threading
from collections.abc import Iterator

from code_ablate.errors import Failed, Interrupted


@contextlib.contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set. A second SIGINT stops at once, as ever.

    If the work then fails before it has stopped, Interrupted is raised in place of Failed: a caller
    that goes on with other work after a failure must not do so after a signal.
    Outside of the main thread, to which Python gives all signals, nothing sets it.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    handlers = {}

    def ask(number, frame) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        handlers[number] = signal.signal(number, ask)
    try:
        yield stop
    except Failed as failure:
        if stop.is_set():
            raise Interrupted(f"stopped, and what was under way failed: {failure}") from failure
        raise
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
