"""The trusted side: runs the tests in its own interpreter and asks the candidate for values.

    main()      # arguments: the limits; standard input: the job; standard output: the verdict

The candidate is a child behind a pipe, started before the job is read, so that nothing of the tests
or of the nonce was ever in its memory. Tests see the candidate's functions and objects as `proxies`
that send the arguments and give what comes back. So `assert f(1) == 2` is decided here, by built-in
comparison, and a test module ends or fails here.
"""

from __future__ import annotations

import ast
import os
import resource
import sys

from . import candidate, isolation, kernel, namespace, rewriting, seccomp, wire
from .child import Child
from .kernel import SIGKILL
from .program_errors import Unusable, described

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def main() -> None:
    """Starts the candidate, reads the job, runs the tests, writes the verdict."""
    setup = wire.decode(bytes.fromhex(sys.argv[1]))
    verdict = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)  # what tests print is not part of the verdict
    kernel.call("prctl", kernel.PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    # A number that the candidate returns can make the tests ask for any amount: "x" * f(1).
    isolation.at_most(resource.RLIMIT_AS, setup["limits"]["memory_bytes"])
    isolation.at_most(resource.RLIMIT_FSIZE, setup["limits"]["file_bytes"])
    outcome: dict[str, Any] = {"status": "unavailable"}
    try:
        child = start(setup)
        outcome["isolation"] = child.ready()
    except OSError as error:
        outcome["detail"] = str(error)
    job = wire.decode(wire.read(0, sys.maxsize))
    # What a program returns can keep the tests busy: a set whose members all have one hash.
    isolation.at_most(resource.RLIMIT_CPU, setup["limits"]["cpu_seconds"])
    if "isolation" in outcome:
        outcome["status"], outcome["detail"] = judge(child, job)
        child.stop()
        outcome["cpu_seconds"] = child.cpu_seconds
    wire.write(verdict, wire.encode({**outcome, "nonce": job["nonce"]}))


def start(setup: dict[str, Any]) -> Child:
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
    child = Child(process, to_candidate, from_candidate, setup["limits"])
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


class Module:
    """What stands for the module of the tests."""


def judge(child: Child, job: dict[str, Any]) -> tuple[str, str]:
    """The status and a line on why, after running the tests of the job."""
    tests = namespace.Namespace(child.ask, {"__name__": "tests"})
    module: Any = Module()
    sys.modules["tests"] = module  # dataclasses of the tests look there
    module.__dict__ = tests
    if "random" in job["setup"] + job["tests"]:  # the same numbers each time
        __import__("random").seed(0)
    try:
        exec(compile(job["setup"], "<setup>", "exec"), tests)
        compiled = rewriting.compiled_tests(job["tests"])
        tree = ast.parse(job["tests"])
    except Exception as error:
        return "unusable", f"{type(error).__name__} in the tests: {error}"
    if "json" in job["tests"]:
        __import__("json").JSONEncoder.default = rewriting.json_value
    tests |= rewriting.Builtins(child.proxies).names()
    child.proxies.operators = frozenset(job["operators"])
    try:
        child.ask("run", job["code"])
        tests.share(job["functions"], job["code"], tree)
        exec(compiled, tests)
        run_test_cases(tests)
        if child.failed_within is not None:
            raise child.failed_within
    except Unusable as error:
        return "unusable", str(error)
    except BaseException as error:
        if not child.status:
            return "memory" if type(error) is MemoryError else "failed", described(error)
    # A test that catches everything cannot hide that the candidate has ended.
    return (child.status, child.detail) if child.status else ("passed", "")


def run_test_cases(tests: dict[str, Any]) -> None:
    """Runs the TestCases that the tests define. Raises the first failure as it is."""
    unittest = sys.modules.get("unittest")
    if unittest is None:
        return
    for case in [*tests.values()]:
        if (
            type(case) is type
            and issubclass(case, unittest.TestCase)
            and case.__module__ == "tests"
        ):
            unittest.defaultTestLoader.loadTestsFromTestCase(case).debug()
