"""Programs with known outcomes, which the sandbox has to get right before it is used.

prove(judge, isolated=True)     # "namespaces and seccomp", or UserError
"""

import contextlib
import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

from code_ablate.errors import UserError
from code_ablate.evaluation.sandbox.values import Outcome, Program

KNOWN = {
    "passed": "return 2 * x",
    "failed": "return 3 * x",
    "crashed": "__import__('os')._exit(0)",
}
"""Status, and a way to double a number that comes to it."""

ESCAPE = '''
import os, signal, socket

def reached(files, mark, port, process):
    """What of the host this program can reach."""
    found = []

    def attempt(name, action):
        try:
            action()
        except Exception:
            return
        found.append(name)

    def connect():
        with socket.socket() as connection:
            connection.settimeout(5)
            connection.connect(("127.0.0.1", port))

    for file in files:
        attempt("read " + file, lambda: open(file).read())
        attempt("write beside " + file, lambda: open(file + mark, "w").close())
    attempt("write " + os.__file__, lambda: open(os.__file__, "a").close())
    attempt("the network", connect)
    attempt("another process", lambda: os.kill(process, 0))
    return found
'''


def prove(judge: Callable[[Program], Outcome], *, isolated: bool) -> str:
    """By what the sandbox isolates. Raises UserError where it does not do what it should."""
    outcome = None
    for expected, body in KNOWN.items():
        code = f"def double(x):\n    {body}"
        outcome = judge(Program(code, "assert double(2) == 4", ("double",)))
        if outcome.status != expected:
            raise UserError(
                f"the sandbox proved itself unfit: a program that should have {expected} was found "
                f"{outcome.status!r} ({outcome.detail}). Generated code is not run."
            )
    assert outcome is not None
    if isolated:
        _prove_isolation(judge)
    return outcome.isolation


def _prove_isolation(judge: Callable[[Program], Outcome]) -> None:
    """Lets a program try to reach files, a port and a process that are really there."""
    with tempfile.TemporaryDirectory(prefix="sandbox-proof-") as folder, socket.socket() as server:
        secret = Path(folder) / "secret"
        secret.write_text("not to be read", encoding="utf-8")
        files = [os.fspath(secret), os.path.abspath(__file__), "/etc/passwd"]
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.setblocking(False)
        mark = f".{Path(folder).name}"  # a name that nothing else has
        arguments = f"{files!r}, {mark!r}, {server.getsockname()[1]}, {os.getpid()}"
        tests = f"found = reached({arguments})\nassert found == [], found"
        outcome = judge(Program(ESCAPE, tests, ("reached",)))
        connected = False
        with contextlib.suppress(BlockingIOError):
            server.accept()
            connected = True
        written = [Path(file + mark) for file in files if os.path.exists(file + mark)]
        for path in written:
            path.unlink()
    if outcome.status != "passed" or connected or written:
        raise UserError(
            f"the sandbox proved itself unfit: a program reached what is outside of it "
            f"({outcome.status}: {outcome.detail}). Generated code is not run."
        )


def unavailable(reason: str) -> str:
    """What to say where the kernel refuses."""
    return (
        f"generated code cannot be isolated here ({reason}). Linux 5.12 with user namespaces is "
        "needed: docs/sandbox.md names the settings that forbid them."
    )
