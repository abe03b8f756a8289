"""Forbids system calls that no program under test needs, by a filter in the kernel (seccomp).

installed = install()       # False where the kernel or the machine has no such filter

Three answers: calls by which one attacks the kernel or another process end the process at once
(KILLED); sockets, new processes and programs, and signals are refused (REFUSED), so that a program
that merely tries gets an OSError; everything else is allowed. Threads are allowed.
"""

import ctypes
import errno
import os
import struct

from . import kernel

# name: (number on x86_64, on aarch64); None where the machine does not have the call
KILLED: dict[str, tuple[int | None, int | None]] = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442), "chroot": (161, 51),
    "unshare": (272, 97), "setns": (308, 268), "add_key": (248, 217), "request_key": (249, 218),
    "keyctl": (250, 219), "bpf": (321, 280), "perf_event_open": (298, 241),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "userfaultfd": (323, 282), "open_by_handle_at": (304, 265), "kexec_load": (246, 104),
    "kexec_file_load": (320, 294), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "reboot": (169, 142), "swapon": (167, 224),
}  # fmt: skip
REFUSED: dict[str, tuple[int | None, int | None]] = {
    "socket": (41, 198), "fork": (57, None), "vfork": (58, None), "execve": (59, 221),
    "execveat": (322, 281), "kill": (62, 129), "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424), "setsid": (112, 157), "setpgid": (109, 154),
    "prctl": (157, 167), "seccomp": (317, 277),
    # memory that no limit of this process counts
    "memfd_create": (319, 279), "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190),
    # the log of the host's kernel, and requests of which it has few for all processes
    "syslog": (103, 116), "io_setup": (206, 0),
}  # fmt: skip
CLONE, CLONE3, SOCKETPAIR = (56, 220), (435, 435), (53, 199)
ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Machine: its column above, and what the kernel calls it (AUDIT_ARCH_*)."""

# Classic BPF: load a word of the call's description, compare it, return what is to happen.
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_KILL, _ALLOW, _ERRNO = 0x80000000, 0x7FFF0000, 0x00050000
_FIRST_X32_CALL, _CLONE_THREAD, _AF_UNIX = 0x40000000, 0x00010000, 1
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def install() -> bool:
    """Filters this process and its threads from now on. False where that is not to be had."""
    machine = os.uname().machine
    if machine not in ARCHITECTURES or struct.calcsize("P") != 8:
        return False
    instructions = program(machine)
    filled = _Program(len(instructions) // 8, instructions)
    pointer = ctypes.cast(ctypes.pointer(filled), ctypes.c_void_p).value
    try:
        kernel.call("prctl", _PR_SET_SECCOMP, _MODE_FILTER, pointer, 0, 0)
    except OSError:
        return False
    return True


def program(machine: str) -> bytes:
    """The filter: eight bytes for each instruction."""
    column, architecture = ARCHITECTURES[machine]

    def instruction(code: int, operand: int, skip_if: int = 0, skip_if_not: int = 0) -> bytes:
        return struct.pack("HBBI", code, skip_if, skip_if_not, operand)

    def answer(calls, action: int) -> bytes:
        return b"".join(
            instruction(_EQUAL, call[column], 0, 1) + instruction(_RETURN, action)
            for call in calls
            if call[column] is not None
        )

    kill = instruction(_RETURN, _KILL)
    refused = _ERRNO | errno.EPERM
    return b"".join(
        (
            instruction(_LOAD, _ARCHITECTURE),
            instruction(_EQUAL, architecture, 1, 0) + kill,
            instruction(_LOAD, _NUMBER),
            instruction(_AT_LEAST, _FIRST_X32_CALL, 0, 1) + kill,
            answer(KILLED.values(), _KILL),
            answer(REFUSED.values(), refused),
            # clone3 hides its flags behind a pointer; the C library then falls back to clone.
            answer([CLONE3], _ERRNO | errno.ENOSYS),
            # Of another family the kernel would load, and keep, the module. asyncio needs this one.
            instruction(_EQUAL, SOCKETPAIR[column], 0, 4),
            instruction(_LOAD, _FIRST_ARGUMENT),
            instruction(_EQUAL, _AF_UNIX, 1, 0) + instruction(_RETURN, refused),
            instruction(_RETURN, _ALLOW),
            instruction(_EQUAL, CLONE[column], 1, 0) + instruction(_RETURN, _ALLOW),
            instruction(_LOAD, _FIRST_ARGUMENT),
            instruction(_ANY_BIT, _CLONE_THREAD, 1, 0) + instruction(_RETURN, refused),
            instruction(_RETURN, _ALLOW),
        )
    )
