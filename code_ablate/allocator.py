"""The host's memory allocator, set for training on a CPU.

    ready_the_host()         # once, before training or scoring

XLA on a CPU takes every large buffer of a step from malloc. glibc gives such buffers back to the
kernel when they are freed, and the kernel clears each page again when it is touched in the next
step: a tenth to a quarter of the time of a step of the toy model (docs/log.md has the measurement).
"""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -4, -8  # malloc.h of glibc


def ready_the_host() -> None:
    """`keep_freed_memory` where JAX computes on a CPU; elsewhere it would be of no use."""
    import jax

    if jax.default_backend() == "cpu":
        keep_freed_memory()


def keep_freed_memory() -> bool:
    """Lets the process keep what it freed. Returns whether it can: on Linux, with glibc."""
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallopt") or not hasattr(libc, "gnu_get_libc_version"):
        return False
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_ARENA_MAX, 1))
    return sum(libc.mallopt(name, value) for name, value in settings) == len(settings)
