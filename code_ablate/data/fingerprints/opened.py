"""Files that some code opens while it runs.

files_opened(lambda: list(dataset))       # ['/home/me/lists/blocked.txt']
"""

import functools
import os
import sys
from collections.abc import Callable

from code_ablate.data.fingerprints.installed import is_installed_file

_SYSTEM = ("/proc/", "/sys/", "/dev/")
_CODE = (".py", ".pyc", ".so")

_watched: list[str] | None = None
"""Paths that were opened since the watch began; None while nobody watches."""


def files_opened(run: Callable[[], object]) -> list[str]:
    """Paths of the files that Python opens for reading during `run()`, on any thread; sorted.

    Without files of installed distributions, and modules. Files that TensorFlow opens by itself are
    not seen. What `run` raises passes on.
    """
    global _watched
    _install_hook()
    _watched = []
    try:
        run()
    finally:
        opened, _watched = _watched, None
    return [path for path in sorted(set(opened)) if _matters(path)]


@functools.cache
def _install_hook() -> None:
    """An audit hook cannot be taken out again: it is installed once, and mostly does nothing."""
    sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple) -> None:
    if _watched is None or event != "open":
        return
    path, mode = arguments[0], arguments[1]
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    if isinstance(path, str) and not (mode and set(mode) & set("wxa")):
        _watched.append(os.path.abspath(path))


def _matters(path: str) -> bool:
    if path.startswith(_SYSTEM) or path.endswith(_CODE) or not os.path.isfile(path):
        return False
    return not is_installed_file(path)
