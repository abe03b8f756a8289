"""What goes into the sandbox and what comes out, as plain values.

The classes here are part of the identity of scores, documentation of fields included: any change to
it makes recorded scores those of another task.
"""

from dataclasses import dataclass, fields

from code_ablate.errors import UserError
from code_ablate.evaluation.sandbox.testable import require_testable

SEMANTICS = 3
"""What a program has to do to pass, as a number: raise it whenever some program's outcome changes.

2: tests use the program's objects, and what they do with its values has a CPU limit. 3: globals of
the program are read and set as they are when the tests do so; its classes stand in patterns.
"""

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
    """CPU seconds of the program's process, import and isolation included; and, counted apart, of
    the process that runs the tests."""

    wall_seconds: int = 120
    """Seconds of wall time for all tests together; far above the CPU limit, so that a slow machine
    changes no score."""

    memory_bytes: int = 1 << 30
    """Bytes of address space of each of the two processes."""

    threads: int = 64
    """Threads of the program; new processes are refused altogether."""

    file_bytes: int = 1 << 24
    """Bytes of one file in the scratch folder."""

    scratch_bytes: int = 1 << 26
    """Bytes of all files of the scratch folder together, which lies in memory."""

    open_files: int = 64
    """Files that are open at once."""

    result_bytes: int = 1 << 22
    """Bytes of one result, encoded. What a program prints is thrown away and has no limit."""

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
    """Text of a Python module. Not trusted: it runs in isolation, and never sees the rest."""

    tests: str
    """Python statements that raise where the code is wrong; TestCases that they define are run.
    Trusted."""

    functions: tuple[str, ...]
    """Names in `code` that the tests use: functions, classes, constants. In the tests they stand
    for objects that send their arguments to the code and return what it returns: values as exact
    types of the standard library, instances of the code's own classes as objects of this sort."""

    setup: str = ""
    """Trusted code that is run before the names are bound, for what else the tests call."""

    operators: tuple[str, ...] = ()
    """Special methods, such as "__add__" or "__contains__", by which the tests may combine objects
    of the code with plain values: those that a right solution defines. The code's word is taken for
    what they give, so that every further one is an opportunity to cheat."""

    def __post_init__(self):
        require_testable(self.tests, self.functions, self.setup)


@dataclass(frozen=True)
class Outcome:
    """What became of a program that was run."""

    status: str
    """Name of what became of the program: a key of STATUSES."""

    detail: str
    """Line that says why, such as the exception; "" if it passed. Not trusted: it may be the
    program's own text."""

    isolation: str
    """Means of isolation: "namespaces and seccomp" or "namespaces"; where isolation was not
    required, "seccomp" or "none"."""

    cpu_seconds: float = 0.0
    """CPU seconds that the program's process used; 0 where they were not counted."""
