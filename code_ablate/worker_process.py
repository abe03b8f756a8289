"""What every worker process of a pool needs, wherever its work is defined.

    ProcessPoolExecutor(workers, context, initializer=end_with_parent)

A worker whose parent was killed (SIGKILL, the system short of memory) would otherwise wait for work
for ever: it holds both ends of the pipe that it reads from.
"""

import multiprocessing
import os
import threading
from multiprocessing import connection


def end_with_parent() -> None:
    """Ends this process as soon as the one that started it has ended; returns at once."""
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
