"""The process with the generated code, as the driver sees it.

    child = Child(process, requests, replies, limits)
    child.ready(); child.operators = frozenset({"__add__"})
    child.ask("run", code)                  # None; raises what the program raises
    double = child.ask("global", "double")  # proxies.Remote

Whatever comes from the process is taken as values, and never for longer than the limits allow.
"""

from __future__ import annotations

import functools
import os
import select
import time

from . import library, program_errors, proxies, updating, wire
from .kernel import SIGKILL, SIGSYS, SIGXCPU
from .program_errors import Ended

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

EXIT_SECONDS = 5
"""How long a process that closed its pipe may take to end."""


class Child:
    """A process that answers, until it has ended or done what it may not."""

    def __init__(self, process: int, requests: int, replies: int, limits: dict[str, int]):
        self.process, self.requests, self.replies, self.limits = process, requests, replies, limits
        self.deadline = time.monotonic() + limits["wall_seconds"]
        self.status, self.detail = "", ""
        """What became of it, once it can be asked no more."""
        self.failed_within: AssertionError | None = None
        """A failed assertion in a function of the tests that the program called, and may catch."""
        self.cpu_seconds = 0.0
        self.proxies = proxies.Proxies(self.ask)
        self._functions: list[Any] = []
        self._exit: int | None = None
        os.set_blocking(requests, False)

    def ask(self, do: str, /, *arguments: Any, **named: Any) -> Any:
        """What the candidate answers. Raises its exceptions, or Ended if it cannot answer."""
        if self.status:
            raise Ended
        identity = os.urandom(8).hex()
        request: dict[str, Any] = {"id": identity, "do": do}
        try:
            request["arguments"] = wire.encode(arguments, self._keep)
            request["named"] = wire.encode(named, self._keep)
        except wire.TooDeep as error:  # a value of the program's, with more around it
            raise self._end("failed", str(error)) from None
        except TypeError as error:
            raise program_errors.Unusable(f"the tests give the program what {error}") from None
        try:
            self._write(request)
            reply = self._reply(identity)
            if "error" in reply:
                raised = self._decoded(reply["error"])
                if not isinstance(raised, BaseException):
                    raise wire.Malformed("an exception that is none")
            else:
                raised, value = None, self._decoded(reply["value"])
                if "arguments" in reply:
                    updating.update(arguments, self._decoded(reply["arguments"]))
        except wire.Closed:
            raise self._ended() from None
        except (wire.Malformed, KeyError) as error:
            raise self._end("tampered", f"its reply is malformed: {error}") from None
        if raised is None:
            return value
        if isinstance(raised, MemoryError):
            raise self._end("memory", program_errors.described(raised))
        raise raised

    def ready(self) -> str:
        """By what it is isolated. Raises OSError if the kernel refused something."""
        try:
            ready = wire.decode(self._read())
        except (Ended, wire.Closed):
            raise OSError(self.detail or "the isolated process ended at once") from None
        if ready["problem"]:
            raise OSError(ready["problem"])
        return ready["isolation"]

    def stop(self) -> int:
        """Ends it, and all that it started, if it has not ended. The exit status."""
        if self._exit is None:
            os.kill(self.process, SIGKILL)
            _, status, usage = os.wait4(self.process, 0)
            self._exit = os.waitstatus_to_exitcode(status)
            self.cpu_seconds = usage.ru_utime + usage.ru_stime
        return self._exit

    def _reply(self, identity: str) -> dict[str, Any]:
        """The reply to a request, after the calls of functions of the tests that come before it."""
        while True:
            message = wire.decode(self._read())
            if type(message) is dict and "call" in message:
                self._write(self._called(message))
            elif type(message) is dict and message.get("id") == identity:
                return message
            else:
                raise wire.Malformed("a reply to no request")

    def _called(self, message: dict[str, Any]) -> dict[str, Any]:
        """The result of a function of the tests that the program calls."""
        number = message["call"]
        if type(number) is not int or not 0 <= number < len(self._functions):
            raise wire.Malformed("a call of no function")
        arguments = self._decoded(message["arguments"])
        named = self._decoded(message["named"])
        if type(arguments) is not tuple or type(named) is not dict:
            raise wire.Malformed("a call without arguments")
        try:
            return {"value": wire.encode(self._functions[number](*arguments, **named), self._keep)}
        except (Exception, SystemExit) as error:
            if isinstance(error, AssertionError):
                self.failed_within = error
            return {"error": wire.encode(self.proxies.sendable(error), self._keep)}

    def _decoded(self, payload: Any) -> Any:
        """A value, with what stands for the objects in it."""
        if type(payload) is not bytes:
            raise wire.Malformed("no bytes")
        return wire.decode(payload, find=self._find)

    def _find(self, reference: Any) -> Any:
        if type(reference) is wire.Handle:
            return self.proxies.find(reference)
        if reference.number >= len(self._functions):
            raise wire.Malformed("a function that the tests never sent")
        return self._functions[reference.number]

    def _keep(self, value: Any) -> Any:
        """What is sent of a value that is none of the codec's."""
        number = self.proxies.number_of(value)
        if number is not None:
            return wire.Yours(number)
        for base in type(value).__mro__:
            if base in (*library.IMMUTABLE, list, dict, set):
                return base(value)
        if callable(value):
            known = library.reference_to(value) or ("named", getattr(value, "__name__", "function"))
            return wire.Handle(self._number(value), known)
        if hasattr(value, "__next__"):
            return wire.Handle(self._number(value.__next__), "iterator")
        raise TypeError(f"{type(value).__name__} cannot be sent")

    def _number(self, function: Any) -> int:
        for number, known in enumerate(self._functions):
            if known is function:
                return number
        self._functions.append(function)
        return len(self._functions) - 1

    def _read(self) -> bytes:
        """The next message."""
        most = 2 * self.limits["result_bytes"] + 4096
        return wire.read(self.replies, most, functools.partial(self._wait, self.replies))

    def _write(self, message: dict[str, Any]) -> None:
        wait = functools.partial(self._wait, self.requests, select.POLLOUT)
        wire.write(self.requests, wire.encode(message), wait)

    def _wait(self, pipe: int, for_what: int = select.POLLIN) -> None:
        """Until a pipe can be read or written. Raises Ended when the deadline has come."""
        poll = select.poll()
        poll.register(pipe, for_what)
        rest = self.deadline - time.monotonic()
        if rest <= 0 or not poll.poll(rest * 1000):
            raise self._end("timeout", f"no answer for {self.limits['wall_seconds']} s")

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
