"""The untrusted side: runs the generated code, then does what the driver asks for.

    serve(requests, replies, limits)    # two pipes; returns when the driver closes the first

What this process sends is only ever taken as values: it knows neither the tests nor what they
expect, so that whoever takes it over can do no more than return values, as any program can.
"""

from __future__ import annotations

import sys
import threading

from . import library, objects, operations, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MODULE = "solution"


def serve(requests: int, replies: int, limits: dict[str, int]) -> None:
    """Answers requests until the driver closes the pipe."""
    Server(requests, replies, limits["result_bytes"]).serve()


class Server:
    """Answers requests: {"id", "do", "arguments", "named"}, the last two encoded.

    The reply has the request's id and either "value" or "error", encoded; and "arguments" if the
    call changed a list, a dict or the like among them. A function of the tests that the program
    calls is asked for by {"call", "arguments", "named"} before the reply.
    """

    def __init__(self, requests: int, replies: int, result_bytes: int):
        self.requests, self.replies, self.result_bytes = requests, replies, result_bytes
        self.kept = objects.Kept()
        self.module = type(sys)(MODULE)
        self._thread = threading.get_ident()
        self._foreign: dict[int, Any] = {}
        sys.modules[MODULE] = self.module  # dataclasses and pickle look there

    def serve(self) -> Any:
        """Answers requests until the pipe is closed.

        Or gives the answer of a function of the tests, if that comes first.
        """
        while True:
            try:
                message = wire.decode(wire.read(self.requests, sys.maxsize))
            except wire.Closed:
                return None
            if "do" not in message:
                return message
            self._answer(message)

    def _answer(self, request: dict[str, Any]) -> None:
        reply: dict[str, Any] = {"id": request["id"]}
        try:
            reply |= self._done(request)
        except BaseException as error:  # whatever the program raises is its own affair
            reply["error"] = self._error(error)
        wire.write(self.replies, wire.encode(reply))

    def _done(self, request: dict[str, Any]) -> dict[str, bytes]:
        do = request["do"]
        arguments = wire.decode(request["arguments"], find=self._find)
        named = wire.decode(request["named"], find=self._find)
        if do == "run":
            run(arguments[0], self.module)
            return {"value": self._sent(None)}
        if do in ("global", "set global"):
            arguments = (self.module, *arguments)
        value = operations.OPERATIONS[do](*arguments, **named)
        if do in operations.GIVE_WHAT_IS_HELD:
            value = self.kept.held(value)
        reply = {"value": self._sent(value)}
        if do == "call" and any(library.name_of(type(a)) in library.MUTABLE for a in arguments):
            after = self._sent(arguments, wire.DEEPEST)
            if after != request["arguments"]:
                reply["arguments"] = after
        return reply

    def _sent(self, value: Any, deepest: int = wire.DEEPEST_RESULT) -> bytes:
        """Encoded. Raises OverflowError if it is too large."""
        encoded = wire.encode(value, self._keep, deepest)
        if len(encoded) > self.result_bytes:
            raise OverflowError(f"a result of {len(encoded):,} bytes")
        return encoded

    def _error(self, error: BaseException) -> bytes:
        """The exception, or if it cannot be sent whole its built-in class and message."""
        try:
            return self._sent(error)
        except BaseException:
            kinds = (kind for kind in type(error).__mro__ if kind in library.ERRORS.values())
            return wire.encode(next(kinds)(objects.message(error)))

    def _keep(self, value: Any) -> wire.Handle | wire.Yours:
        if type(value) is Foreign:
            return wire.Yours(value.number)
        return self.kept.keep(value)

    def _find(self, reference: Any) -> Any:
        if type(reference) is wire.Yours:
            return self.kept.objects[reference.number]
        match reference.about:
            case ("function", module, name):
                return library.function_named(module, name)
            case "iterator":
                return Numbers(self._foreign_function(reference.number))
            case ("named", str(name)):  # a decorator may register it by that
                return self._foreign_function(reference.number, name)
        return self._foreign_function(reference.number)

    def _foreign_function(self, number: int, name: str = "function") -> Foreign:
        if number not in self._foreign:
            self._foreign[number] = Foreign(number, self, name)
        return self._foreign[number]

    def call(self, number: int, arguments: tuple, named: dict[str, Any]) -> Any:
        """Calls a function of the tests. Raises what it raises."""
        if threading.get_ident() != self._thread:
            raise RuntimeError("functions of the tests can be called by the main thread only")
        request = {"call": number, "arguments": self._sent(arguments), "named": self._sent(named)}
        wire.write(self.replies, wire.encode(request))
        answer = self.serve()
        if answer is None:
            raise SystemExit
        if "error" in answer:
            raise wire.decode(answer["error"], find=self._find)
        return wire.decode(answer["value"], find=self._find)


class Foreign:
    """A function of the tests."""

    def __init__(self, number: int, server: Server, name: str):
        self.number, self._server = number, server
        self.__name__ = self.__qualname__ = name

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """What the function returns."""
        return self._server.call(self.number, arguments, named)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """A method, where a program puts it into a class."""
        return self if instance is None else lambda *a, **named: self(instance, *a, **named)


class Numbers:
    """An iterator of the tests."""

    def __init__(self, following: Foreign):
        self._following = following

    def __iter__(self) -> Numbers:
        return self

    def __next__(self) -> Any:
        return self._following()


def run(code: str, module: Any) -> None:
    """Runs the program as the module."""
    if "random" in code:  # the same numbers each time
        __import__("random").seed(0)
    exec(compile(code, f"<{MODULE}>", "exec"), module.__dict__)
