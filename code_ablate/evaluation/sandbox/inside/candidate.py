"""The untrusted side: runs the generated code, then calls what the driver asks for.

    serve(requests, replies)        # two pipes; returns when the driver closes the first

What this process sends is only ever taken as values: it knows neither the tests nor what they
expect, so that whoever takes it over can do no more than return values, as any program can.
"""

from __future__ import annotations

import sys

from . import wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MODULE = "solution"


def serve(requests: int, replies: int, limits: dict[str, int]) -> None:
    """Answers requests: {"id", "do", "target", "name", "arguments", "named"}.

    The reply has the request's id and either "value", or for an exception "message" and "kinds":
    the built-in classes that it belongs to, the nearest first.
    """
    kept: list[Any] = []
    numbers: dict[int, int] = {}  # by identity, which no other object takes over: `kept` holds it
    module = type(sys)(MODULE)
    sys.modules[MODULE] = module  # dataclasses and pickle look there

    def keep(value: Any) -> int:
        if id(value) not in numbers:
            numbers[id(value)] = len(kept)
            kept.append(value)
        return numbers[id(value)]

    while True:
        try:
            request = wire.decode(wire.read(requests, sys.maxsize))
        except wire.Closed:
            return
        reply: dict[str, Any] = {"id": request["id"]}
        try:
            value = wire.encode(_do(request, module, kept), keep, wire.DEEPEST_RESULT)
            if len(value) > limits["result_bytes"]:
                raise OverflowError(f"a result of {len(value):,} bytes")
            reply["value"] = value
        except BaseException as error:  # whatever the program raises is its own affair
            classes = [kind for kind in type(error).__mro__ if kind.__module__ == "builtins"]
            reply |= {"kinds": [kind.__name__ for kind in classes], "message": message(error)}
        wire.write(replies, wire.encode(reply))


def _do(request: dict[str, Any], module: types.ModuleType, kept: list[Any]) -> Any:
    def here(value: Any) -> Any:
        return kept[value.__number__] if isinstance(value, wire.Handle) else value

    if request["do"] == "run":
        if "random" in request["code"]:  # the same numbers each time
            __import__("random").seed(0)
        exec(compile(request["code"], f"<{MODULE}>", "exec"), module.__dict__)
        return None
    target: Any = module if request["target"] is None else here(request["target"])
    match request["do"]:
        case "get":
            return getattr(target, request["name"])
        case "set":
            return setattr(target, request["name"], here(request["arguments"]))
        case "list":
            return list(target)
        case "bool":
            return bool(target)
    return target(*map(here, request["arguments"]), **request["named"])


def message(error: BaseException) -> str:
    """What the exception says, in at most 300 characters."""
    try:
        return str.__str__(str(error))[:300]
    except BaseException:  # a program's own exception may fail to describe itself
        return ""
