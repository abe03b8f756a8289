"""Calls functions of others in the isolation of the sandbox, and takes their results as text.

    with Contained() as contained:
        outcomes = contained.call(code, [("slugify", "('Ada Lovelace',)")])

The code counts its steps (synthesis.trial) and is ended by the kernel's limits where that does not
help; a function that does not come back has no outcomes. What it prints is thrown away.
"""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from code_ablate.errors import UserError
from code_ablate.evaluation import sandbox
from code_ablate.evaluation.sandbox.host import driver_setup, start_driver

LIMITS = sandbox.Limits(cpu_seconds=2, wall_seconds=60, memory_bytes=1 << 29)

STEPS = 4_000
"""Steps of one call."""

HARNESS = f"""
import copy as copy_
import json as json_


class OutOfSteps_(BaseException):
    pass


left_ = [0]


def _tick():
    left_[0] -= 1
    if left_[0] < 0:
        raise OutOfSteps_
    return True


def probe_(calls):
    found = []
    for name, arguments in calls:
        try:
            given = eval(arguments, {{}})
            before = repr(given)
            left_[0] = {STEPS}
            value = globals()[name](*given)
            text = repr(value)
            found.append(["value", text[:600], type(value).__name__, repr(given) == before])
        except Exception as error:
            found.append(["error", type(error).__name__, "", True])
        except OutOfSteps_:
            found.append(["error", "OutOfSteps", "", True])
    return json_.dumps(found)
"""
"""What is put behind the code: it calls functions of it with arguments that are given as text."""


@dataclass(frozen=True)
class Called:
    """What one call gave."""

    text: str
    """The value as Python writes it; of an error, its name."""
    type: str
    """The type of the value; empty for an error."""
    kept: bool
    """Whether the arguments are as they were."""


class Contained:
    """A process that starts an isolated one for each job. Use it in a `with` block."""

    def __enter__(self) -> "Contained":
        self._process = start_driver(
            Path(__file__).parent / "probe",
            os.fspath(Path(sandbox.__file__).parent),
            driver_setup(LIMITS, isolated=True),
            errors=subprocess.DEVNULL,
        )
        return self

    def __exit__(self, *exc_info) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.kill()
        self._process.wait()

    def call(self, code: str, calls: Sequence[tuple[str, str]]) -> list[Called] | None:
        """What calls of functions of the code give; None where the code does not come to an end.

        A call is a function and the text of a tuple of arguments. Raises UserError where the
        machine cannot isolate a process.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        job = {"code": f"{code}\n{HARNESS}", "calls": [list(call) for call in calls]}
        self._process.stdin.write(json.dumps(job).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise UserError("the process that isolates code of others ended: docs/sandbox.md.")
        answer = json.loads(line)
        if answer["problem"]:
            raise UserError(
                f"code of others cannot be isolated here ({answer['problem']}): leave --mined out, "
                "or see docs/sandbox.md for what the machine needs."
            )
        if answer["outcomes"] is None:
            return None
        return [
            Called(text, kind if word == "value" else "", kept)
            for word, text, kind, kept in answer["outcomes"]
        ]
