"""The host's memory allocator, set for training on a CPU, and told to give memory back.

    keep_freed_memory()      # before NumPy is imported
    ready_the_host()         # once, before training or scoring
    give_back_freed_memory() # between parts of work that frees much memory in threads

XLA on a CPU takes every large buffer of a step from malloc. glibc gives such buffers back to the
kernel when they are freed, and the kernel clears each page again when it is touched in the next
step: a tenth to a quarter of the time of a step of the toy model (docs/log.md has the measurement).

One arena has to serve all threads, because the others hold no buffer beyond 64 MiB: a larger one
then comes from the kernel in every step all the same. NumPy and JAX begin threads with arenas when
they are imported, and JAX's later threads may be given those; so it is set before. Where JAX was
imported first, `ready_the_host` changes nothing any more: a notebook that trains or scores calls
`keep_freed_memory` in its first cell.
"""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -4, -8  # malloc.h of glibc
_KEEP = {_M_MMAP_MAX: 0, _M_TRIM_THRESHOLD: 2**31 - 1, _M_ARENA_MAX: 1}
_GIVE_BACK = {_M_MMAP_MAX: 65_536, _M_TRIM_THRESHOLD: 128 * 1024}  # as glibc begins

_VARIABLES = {
    _M_MMAP_MAX: "MALLOC_MMAP_MAX_",
    _M_TRIM_THRESHOLD: "MALLOC_TRIM_THRESHOLD_",
    _M_ARENA_MAX: "MALLOC_ARENA_MAX",
}

KEEP_FREED_MEMORY = {_VARIABLES[setting]: str(value) for setting, value in _KEEP.items()}
"""Environment of a process that is to keep what it freed from its beginning."""


def ready_the_host() -> None:
    """`keep_freed_memory` where JAX computes on a CPU; elsewhere freed memory is given back."""
    import jax

    if jax.default_backend() == "cpu":
        keep_freed_memory()
    else:
        _set(_GIVE_BACK)


def keep_freed_memory() -> bool:
    """Lets the process keep what it freed. Returns whether it can: on Linux, with glibc."""
    return _set(_KEEP)


def give_back_freed_memory() -> None:
    """Gives the kernel whole pages that were freed, in the arenas of all threads; elsewhere than on
    Linux with glibc it does nothing."""
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


def _set(settings: dict[int, int]) -> bool:
    libc = _glibc()
    if libc is None:
        return False
    return sum(libc.mallopt(*setting) for setting in settings.items()) == len(settings)


def _glibc() -> ctypes.CDLL | None:
    """The C library of this process; None if it is not glibc."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "gnu_get_libc_version") else None
