"""The few system calls that Python 3.11 does not offer, through ctypes.

call("mount", b"tmpfs", b"/scratch", b"tmpfs", NOSUID | NODEV, b"size=16m")     # or OSError
"""

import ctypes
import os

NUMBERS: dict[str, dict[str, int]] = {
    "x86_64": {"clone": 56, "pivot_root": 155, "mount_setattr": 442, "capset": 126},
    "aarch64": {"clone": 220, "pivot_root": 41, "mount_setattr": 442, "capset": 91},
}
"""System call numbers by machine, for those that the C library has no function for."""

NEW_NAMESPACES = 0x00020000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
"""CLONE_NEWNS, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET: mounts, host name, message queues, users,
processes, network."""

READ_ONLY, NOSUID, NODEV, NOEXEC, BIND, REC, PRIVATE = 1, 2, 4, 8, 0x1000, 0x4000, 1 << 18
DETACH = 2
SIGKILL, SIGCHLD, SIGXCPU, SIGSYS = 9, 17, 24, 31
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38

# PyDLL keeps Python's lock: a child of `clone` goes on with the lock as its parent held it.
_libc = ctypes.PyDLL(None, use_errno=True)


class _MountAttributes(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "user_namespace")
    ]


class _Capabilities(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int), ("sets", ctypes.c_uint32 * 6)]


def call(name: str, *arguments: int | bytes | None) -> int:
    """Calls the C library's function, or the system call of NUMBERS. Raises OSError."""
    words = [ctypes.c_ulong(a) if isinstance(a, int) else ctypes.c_char_p(a) for a in arguments]
    numbers = NUMBERS.get(os.uname().machine, {})
    if name in numbers:
        result = _libc.syscall(ctypes.c_long(numbers[name]), *words)
    else:
        result = getattr(_libc, name)(*words)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")
    return result


def clone_into_new_namespaces() -> int:
    """Like os.fork, with the child as process 1 of namespaces of its own. Raises OSError.

    Only for a process with a single thread: nothing that Python does around a fork is done.
    """
    if os.uname().machine not in NUMBERS:
        raise OSError(0, f"{os.uname().machine} is not one of {', '.join(NUMBERS)}")
    return call("clone", NEW_NAMESPACES | SIGCHLD, 0, 0, 0, 0)


def read_only(path: str, *, recursive: bool) -> None:
    """Makes a mount read-only, and without set-user-id programs (Linux 5.12). Raises OSError."""
    attributes = _MountAttributes(set=READ_ONLY | NOSUID)
    flags = 0x8000 if recursive else 0
    pointer = ctypes.cast(ctypes.pointer(attributes), ctypes.c_void_p).value
    call("mount_setattr", -100, os.fsencode(path), flags, pointer, ctypes.sizeof(attributes))


def drop_capabilities() -> None:
    """None now, and none to be had: not even as the owner of the user namespace."""
    for capability in range(64):
        try:
            call("prctl", PR_CAPBSET_DROP, capability, 0, 0, 0)
        except OSError:  # the kernel knows no more of them, or a user without any may not
            break
    none = _Capabilities(version=0x20080522, pid=0)
    header = ctypes.cast(ctypes.pointer(none), ctypes.c_void_p).value
    sets = ctypes.addressof(none) + _Capabilities.sets.offset
    call("capset", header, sets)
