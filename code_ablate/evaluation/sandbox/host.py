"""The host's side of the sandbox: one fresh interpreter for each program, several at a time.

    with Sandbox(Limits(cpu_seconds=5)) as sandbox:
        outcomes = sandbox.run(programs, advance=progress.update)

The host never forks itself, which JAX does not survive, and imports nothing that is generated.
"""

import os
import secrets
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import IO

from code_ablate.errors import UserError, unknown_name
from code_ablate.evaluation.sandbox import proof
from code_ablate.evaluation.sandbox.inside import wire
from code_ablate.evaluation.sandbox.values import Limits, Outcome, Program

ISOLATION = {
    "required": "refuses to run where the kernel does not isolate",
    "none": "only limits, a process of its own and, if available, seccomp; the outcomes say so",
}
GRACE_SECONDS = 60
"""Seconds beyond the wall limit, which the driver itself keeps, before the host ends the driver."""

ENVIRONMENT = {
    "PYTHONHASHSEED": "0",  # the same order of sets each time
    "PYTHONUTF8": "1",
    "MALLOC_ARENA_MAX": "1",  # else each thread reserves 64 MiB or more of the address space
}

DEFAULTS = Limits()


class Sandbox:
    """Runs programs. Use it in a `with` block: leaving it ends whatever still runs."""

    def __init__(
        self, limits: Limits = DEFAULTS, isolation: str = "required", workers: int | None = None
    ):
        """`workers`: programs at a time; the cores of this process unless given."""
        if isolation not in ISOLATION:
            raise unknown_name("isolation", isolation, ISOLATION)
        self.limits, self.isolation = limits, isolation
        self.workers = workers or len(os.sched_getaffinity(0))
        self._known: dict[Program, Outcome] = {}
        self._proven = ""
        self._running: set[subprocess.Popen] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *exc_info) -> None:
        self.stop()

    def prove(self) -> str:
        """Tries itself on programs whose outcome is known, once. Returns the means of isolation.

        Raises UserError where a correct program does not pass, a wrong one does, or, if isolation
        is required, one reaches a file, the network or another process.
        """
        if not self._proven:
            self._proven = proof.prove(self._judge, isolated=self.isolation == "required")
        return self._proven

    def run(
        self, programs: Sequence[Program], advance: Callable[[int], object] = lambda n: None
    ) -> list[Outcome]:
        """The outcomes, in the order of the programs. Equal programs are run once.

        `advance` is called with the number of programs that were done since it was called last.
        Raises UserError as `prove` does, and for tests that cannot be run.
        """
        with self._lock:
            self._stopped = False
        self.prove()
        count = Counter(programs)
        known = sum(n for program, n in count.items() if program in self._known)
        if known:
            advance(known)
        with ThreadPoolExecutor(self.workers) as pool:
            futures = {pool.submit(self._judge, p): p for p in count if p not in self._known}
            try:
                for future in as_completed(futures):
                    program = futures[future]
                    self._known[program] = future.result()
                    advance(count[program])
            except BaseException:  # a KeyboardInterrupt, as a rule
                pool.shutdown(wait=False, cancel_futures=True)
                self.stop()
                raise
        return [self._known[program] for program in programs]

    def stop(self) -> None:
        """Ends all that runs, and what it started."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                _end(process)

    def _judge(self, program: Program) -> Outcome:
        """Runs one program in an interpreter of its own."""
        if self.isolation == "required":
            return self._judge_in("", program)
        with tempfile.TemporaryDirectory(prefix="sandbox-") as scratch:
            return self._judge_in(scratch, program)

    def _judge_in(self, scratch: str, program: Program) -> Outcome:
        """Hands the driver its job and takes its verdict, which the nonce proves to be its own."""
        nonce = secrets.token_hex(16)
        setup = driver_setup(self.limits, self.isolation == "required", scratch)
        job = wire.frame(wire.encode({**asdict(program), "nonce": nonce}))
        with tempfile.TemporaryFile() as errors:  # a file has a limit; what it prints needs one
            process = self._start(setup, errors)
            try:
                output, _ = process.communicate(job, self.limits.wall_seconds + GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                return Outcome("timeout", "the tests did not end", self._proven)
            finally:
                with self._lock:
                    _end(process)
                    self._running.discard(process)
            try:
                verdict = wire.decode(wire.unframe(output))
                if type(verdict) is not dict or verdict.pop("nonce", None) != nonce:
                    raise wire.Malformed("another nonce")
            except (wire.Malformed, wire.Closed):
                return self._without_verdict(process.returncode, errors)
        if verdict["status"] == "unavailable":
            raise UserError(proof.unavailable(verdict["detail"]))
        if verdict["status"] == "unusable":
            raise UserError(
                f"these tests cannot be run in the sandbox: {verdict['detail']}. docs/sandbox.md "
                f"says what tests may do.\n{program.tests[:500]}"
            )
        return Outcome(**verdict)

    def _without_verdict(self, code: int, errors: IO[bytes]) -> Outcome:
        """The outcome where the driver ended first: at its CPU limit the kernel ends it."""
        if code in (-signal.SIGXCPU, -signal.SIGKILL):
            seconds = self.limits.cpu_seconds
            detail = f"the tests used up {seconds} CPU seconds on what the program returned"
            return Outcome("timeout", detail, self._proven, float(seconds))
        errors.seek(max(0, errors.seek(0, os.SEEK_END) - 4096))
        last = errors.read().decode(errors="replace").strip().rpartition("\n")[2]
        return Outcome("crashed", f"the driver ended without a verdict: {last}", self._proven)

    def _start(self, setup: str, errors: IO[bytes]) -> subprocess.Popen:
        with self._lock:
            if self._stopped:
                raise KeyboardInterrupt
            process = start_driver(Path(__file__).parent, setup, errors=errors)
            self._running.add(process)
        return process


def driver_setup(limits: Limits, isolated: bool, scratch: str = "") -> str:
    """What a driver is told of the processes that it starts, as text for its command line.

    `scratch`: the folder of a process that is not isolated.
    """
    setup = {
        "isolated": isolated,
        "limits": asdict(limits),
        "scratch": scratch,
        "hidden": _folders_to_hide(),
    }
    return wire.encode(setup).hex()


def start_driver(folder: Path, *arguments: str, errors: int | IO[bytes]) -> subprocess.Popen[bytes]:
    """Starts the program in a folder as a driver: bare Python, a session and pipes of its own.

    `errors`: where its standard error goes, as subprocess takes it.
    """
    return subprocess.Popen(
        [sys.executable, "-P", "-s", "-S", os.fspath(folder), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        env=ENVIRONMENT,
        cwd="/",
        start_new_session=True,
    )


def _end(process: subprocess.Popen) -> None:
    """Ends the driver, and with it the candidate and all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _folders_to_hide() -> list[str]:
    """Folders that this process imports from, hidden in case the candidate could read them."""
    folders = {os.path.abspath(path) for path in sys.path if os.path.isdir(path)}
    folders |= {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), os.getcwd()}
    if sys.prefix != sys.base_prefix:
        folders.add(sys.prefix)
    return sorted(folders)
