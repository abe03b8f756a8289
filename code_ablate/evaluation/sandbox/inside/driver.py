"""The trusted side: runs the tests in its own interpreter and asks the candidate for values.

    main()      # arguments: the limits; standard input: the job; standard output: the verdict

The candidate is a child behind a pipe, started before the job is read, so that nothing of the tests
or of the nonce was ever in its memory. Tests see the candidate's functions as objects that send the
arguments and return what comes back, rebuilt from exact built-in types. So `assert f(1) == 2` is
decided here, by built-in comparison, and a test module ends or fails here.
"""

from __future__ import annotations

import builtins
import os
import resource
import select
import sys
import time

from . import candidate, isolation, kernel, seccomp, wire
from .kernel import SIGKILL, SIGSYS, SIGXCPU

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

RAISED = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type)
    and issubclass(kind, BaseException)
    and not name.endswith(("Group", "EncodeError", "DecodeError", "TranslateError"))
}
"""The exceptions that the candidate can raise in the tests: those that are made of a message."""

EXIT_SECONDS = 5
"""How long a process that closed its pipe may take to end."""


class Ended(BaseException):
    """The candidate can be asked no more. Not an Exception: tests may not catch it."""


class Remote(wire.Handle):
    """An object that lives with the candidate: a function, a class, an instance, an iterator.

    It equals only itself. Its truth is asked for, and so are calls, attributes and iteration, which
    give built-in values or further such objects. Names that begin with "__" are not asked for, so
    that what is kept here hides nothing of the object's own.
    """

    __slots__ = ("__ask__",)

    def __init__(self, number: int, ask: Callable):
        object.__setattr__(self, "__number__", number)
        object.__setattr__(self, "__ask__", ask)

    def __call__(self, *arguments, **named):
        """What the candidate returns."""
        return self.__ask__("call", self, arguments=arguments, named=named)

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return self.__ask__("get", self, name=name)

    def __setattr__(self, name: str, value: Any) -> None:
        self.__ask__("set", self, name=name, arguments=value)

    def __iter__(self):
        return iter(self.__ask__("list", self))

    def __bool__(self):
        return self.__ask__("bool", self) is True

    def __eq__(self, other):
        return type(other) is Remote and other.__number__ == self.__number__

    def __hash__(self):
        return self.__number__


class Candidate:
    """The process with the generated code, as the tests see it."""

    def __init__(self, process: int, requests: int, replies: int, limits: dict[str, int]):
        self.process, self.requests, self.replies, self.limits = process, requests, replies, limits
        self.deadline = time.monotonic() + limits["wall_seconds"]
        self.status, self.detail = "", ""
        """What became of it, once it can be asked no more."""
        self.cpu_seconds = 0.0
        self._exit: int | None = None

    def ask(self, do: str, target: Any = None, **details: Any) -> Any:
        """What the candidate answers. Raises its exceptions as RAISED, Ended if it cannot."""
        if self.status:
            raise Ended
        identity = os.urandom(8).hex()
        try:
            request = wire.encode(
                {"id": identity, "do": do, "target": target, "named": {}, **details}
            )
        except TypeError as error:
            raise self._end("unusable", f"the tests call it with what {error}") from None
        try:
            wire.write(self.requests, request)
            reply = self._read()
            if type(reply) is not dict or reply.pop("id", None) != identity:
                raise wire.Malformed("a reply to no request")
            answer = self._answer(**reply)
        except wire.Closed:
            raise self._ended() from None
        except (wire.Malformed, TypeError) as error:
            raise self._end("tampered", f"its reply is malformed: {error}") from None
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def ready(self) -> str:
        """By what it is isolated. Raises OSError if the kernel refused something."""
        try:
            ready = self._read()
        except (Ended, wire.Closed):
            raise OSError(self.detail or "the isolated process ended at once") from None
        if ready["problem"]:
            raise OSError(ready["problem"])
        return ready["isolation"]

    def _read(self) -> Any:
        """The next message, decoded."""
        most = self.limits["result_bytes"] + 4096
        return wire.decode(wire.read(self.replies, most, self._wait))

    def _wait(self) -> None:
        """Until there is something to read, or the deadline has come."""
        poll = select.poll()
        poll.register(self.replies, select.POLLIN)
        if not poll.poll(max(0, self.deadline - time.monotonic()) * 1000):
            raise self._end("timeout", f"no answer for {self.limits['wall_seconds']} s")

    def _answer(self, value: bytes = b"", kinds: Sequence[str] = (), message: str = "") -> Any:
        """The value of a reply, or its exception."""
        if value:
            return self._local(wire.decode(value, wire.DEEPEST_RESULT))
        if type(message) is not str:
            raise wire.Malformed("a message that is no text")
        kind = next((RAISED[name] for name in kinds if name in RAISED), Exception)
        error = kind(message[:300])
        if kind is MemoryError:
            return self._end("memory", described(error))
        return error

    def _local(self, value: Any) -> Any:
        """Handles become objects that the tests can call."""
        if isinstance(value, wire.Handle):
            return Remote(value.__number__, self.ask)
        if type(value) in (list, tuple):
            return type(value)(map(self._local, value))
        if type(value) is dict:
            return {key: self._local(item) for key, item in value.items()}
        return value

    def _end(self, status: str, detail: str) -> Ended:
        self.stop()
        self.status, self.detail = status, detail
        return Ended()

    def _ended(self) -> Ended:
        """Why it closed its pipe: the kernel says how it ended, if it did."""
        poll = select.poll()
        process = os.pidfd_open(self.process)
        poll.register(process, select.POLLIN)
        ended = bool(poll.poll(EXIT_SECONDS * 1000))
        os.close(process)
        code = self.stop()
        if not ended:
            return self._end("tampered", "it closed the pipe and went on")
        if code in (-SIGKILL, -SIGXCPU):
            # The kernel's count for the limit runs a little ahead of the one it reports.
            if self.cpu_seconds >= 0.75 * self.limits["cpu_seconds"]:
                return self._end("timeout", f"{self.limits['cpu_seconds']} CPU seconds used up")
            return self._end("crashed", "killed")
        if code == -SIGSYS:
            return self._end("tampered", "it made a system call that is forbidden")
        return self._end("crashed", f"it ended by itself, with exit status {code}")

    def stop(self) -> int:
        """Ends it, and all that it started, if it has not ended. The exit status."""
        if self._exit is None:
            os.kill(self.process, SIGKILL)
            _, status, usage = os.wait4(self.process, 0)
            self._exit = os.waitstatus_to_exitcode(status)
            self.cpu_seconds = usage.ru_utime + usage.ru_stime
        return self._exit


def main() -> None:
    """Starts the candidate, reads the job, runs the tests, writes the verdict."""
    setup = wire.decode(bytes.fromhex(sys.argv[1]))
    verdict = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)  # what tests print is not part of the verdict
    kernel.call("prctl", kernel.PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    # A number that the candidate returns can make the tests ask for any amount: "x" * f(1).
    isolation.at_most(resource.RLIMIT_AS, setup["limits"]["memory_bytes"])
    outcome: dict[str, Any] = {"status": "unavailable"}
    try:
        child = start(setup)
        outcome["isolation"] = child.ready()
    except OSError as error:
        outcome["detail"] = str(error)
    job = wire.decode(wire.read(0, sys.maxsize))
    if "isolation" in outcome:
        outcome["status"], outcome["detail"] = judge(child, job)
        child.stop()
        outcome["cpu_seconds"] = child.cpu_seconds
    wire.write(verdict, wire.encode({**outcome, "nonce": job["nonce"]}))


def start(setup: dict[str, Any]) -> Candidate:
    """Starts the process for the candidate. Raises OSError where the kernel refuses."""
    requests, to_candidate = os.pipe()
    from_candidate, replies = os.pipe()
    isolated = setup["isolated"]
    process = kernel.clone_into_new_namespaces() if isolated else os.fork()
    if process == 0:
        try:
            become_candidate(requests, replies, setup)
        finally:
            os._exit(0)
    os.close(requests)
    os.close(replies)
    child = Candidate(process, to_candidate, from_candidate, setup["limits"])
    try:
        if isolated:
            isolation.map_users(process)
        wire.write(to_candidate, b"go")
    except OSError:
        child.stop()
        raise
    return child


def become_candidate(requests: int, replies: int, setup: dict[str, Any]) -> None:
    """Isolates this process, says with what or why not, and serves until the driver is done."""
    wire.read(requests, 16)  # the driver has said who the users are
    keep_open(requests, replies)
    limits, problem, filtered = setup["limits"], "", False
    try:
        if setup["isolated"]:
            isolation.enter(setup["hidden"], limits["scratch_bytes"])
        else:
            os.chdir(setup["scratch"])
        isolation.limit(limits, isolated=setup["isolated"])
        isolation.renounce(isolated=setup["isolated"])
        kernel.call("prctl", kernel.PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
        filtered = seccomp.install()
    except OSError as error:
        problem = str(error)
    parts = ["namespaces"] * setup["isolated"] + ["seccomp"] * filtered
    ready = {"problem": problem, "isolation": " and ".join(parts) or "none"}
    wire.write(replies, wire.encode(ready))
    if not problem:
        candidate.serve(requests, replies, limits)


def keep_open(*pipes: int) -> None:
    """Nothing else stays open; the standard streams lead nowhere."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    start = 3
    for pipe in sorted(pipes):
        os.closerange(start, pipe)
        start = pipe + 1
    os.closerange(start, os.sysconf("SC_OPEN_MAX"))


def judge(child: Candidate, job: dict[str, Any]) -> tuple[str, str]:
    """The status and a line on why, after running the tests of the job."""
    tests: dict[str, Any] = {"__name__": "tests"}
    if "random" in job["setup"] + job["tests"]:  # the same numbers each time
        __import__("random").seed(0)
    try:
        exec(compile(job["setup"], "<setup>", "exec"), tests)
        compiled = compile(job["tests"], "<tests>", "exec")
    except Exception as error:
        return "unusable", f"{type(error).__name__} in the tests: {error}"
    try:
        child.ask("run", code=job["code"])
        for name in job["functions"]:
            tests[name] = child.ask("get", name=name)
        exec(compiled, tests)
    except BaseException as error:
        if not child.status:
            return "memory" if type(error) is MemoryError else "failed", described(error)
    # A test that catches everything cannot hide that the candidate has ended.
    return (child.status, child.detail) if child.status else ("passed", "")


def described(error: BaseException) -> str:
    """The exception in a line of at most some 300 characters."""
    said = candidate.message(error)
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
