"""What goes into the sandbox and what comes out, as plain values.

The classes here are part of the identity of scores, documentation of fields included: any change to
it makes recorded scores those of another task.
"""

from dataclasses import dataclass, fields

from code_ablate.errors import UserError

STATUSES = {
    "passed": "all tests ended without an exception",
    "failed": "a wrong value, an exception, a missing function, or a result that is too large",
    "timeout": "the CPU seconds or the wall seconds were used up",
    "memory": "a MemoryError",
    "crashed": "the process ended by itself, or the kernel ended it, before it answered",
    "tampered": "a forbidden system call, or something other than answers in the pipe",
}
"""Outcomes that a program can have, and what each means."""


@dataclass(frozen=True)
class Limits:
    """What one program may use."""

    cpu_seconds: int = 10
    """Of the candidate's process, importing and isolation included."""

    wall_seconds: int = 120
    """For all tests together; far above the CPU limit, so that a slow machine changes no score."""

    memory_bytes: int = 1 << 30
    """Of address space."""

    threads: int = 64
    """New processes are refused altogether."""

    file_bytes: int = 1 << 24
    """Size of a file, in the scratch folder."""

    scratch_bytes: int = 1 << 26
    """All files together: the scratch folder lies in memory."""

    open_files: int = 64
    """At once."""

    result_bytes: int = 1 << 22
    """Of one result, encoded. What a program prints is thrown away and has no limit."""

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if type(value) is not int or value < 1:
                raise UserError(
                    f"Limits.{field.name} is {value!r}: set it to a whole number above 0."
                )
        if self.wall_seconds < self.cpu_seconds:
            raise UserError(
                f"Limits.wall_seconds is {self.wall_seconds} and cpu_seconds {self.cpu_seconds}: "
                "set the first well above the second."
            )


@dataclass(frozen=True)
class Program:
    """Generated code and the tests that it has to pass."""

    code: str
    """A Python module. Not trusted: it runs in isolation, and never sees the rest."""

    tests: str
    """Python statements that raise where the code is wrong. Trusted."""

    functions: tuple[str, ...]
    """Names in `code` that the tests use. In the tests they stand for objects that send their
    arguments to the code and return what it returns, as exact built-in types."""

    setup: str = ""
    """Trusted code that is run before the names are bound, for what else the tests call."""


@dataclass(frozen=True)
class Outcome:
    """What became of a program."""

    status: str
    """One of STATUSES."""

    detail: str
    """A line on why; the exception, for instance. Not trusted: it may be the program's own text."""

    isolation: str
    """"namespaces and seccomp", "namespaces", or, where isolation was not required, less."""

    cpu_seconds: float = 0.0
    """That the candidate's process used."""
