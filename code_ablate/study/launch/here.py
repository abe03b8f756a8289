"""A study as jobs on this machine, one after another: what a scheduler would do, without one.

    run_here(graph)

`code-ablate study` does the same in one process, and faster. This is to try a launch, and what the
schedulers' jobs are compared with.
"""

import shlex
import subprocess
import sys
import threading
from collections.abc import Sequence

from code_ablate.errors import Failed, Interrupted
from code_ablate.shown import show
from code_ablate.study.launch.job_graph import JobGraph
from code_ablate.training.stopping import stop_signals

INTERRUPTED = 130
"""Exit code of a command that was asked to stop."""


def run_here(graph: JobGraph) -> None:
    """Runs every job as a process of its own. One that fails stops only those that need it.

    Raises Failed when the others are done; Interrupted after SIGINT or SIGTERM, when the job that
    was running has saved its work.
    """
    _require(graph.prepare, "the corpora could not be prepared")
    failed: list[str] = []
    lacking: set[str] = set()  # keys of phases that are not trained
    for phase in graph.phases:
        if phase.parent in lacking:
            lacking.add(phase.key)
        elif code := _run(graph.train([phase])):
            lacking.add(phase.key)
            failed.append(f"{phase.label} ended with {code}")
    if failed:
        raise Failed(
            f"{'; '.join(failed)}. Not trained, because they start from there: "
            f"{len(lacking) - len(failed)} phases. All others are done; the reason is above."
        )
    _require(graph.report, "the report could not be written")


def _require(arguments: Sequence[str], what: str) -> None:
    if code := _run(arguments):
        raise Failed(f"{what} (exit code {code}); the reason is above.")


def _run(arguments: Sequence[str]) -> int:
    """The exit code of one command of code-ablate."""
    show(f"code-ablate {shlex.join(arguments)}", flush=True)
    with stop_signals() as stop:
        # In a session of its own: a terminal sends Ctrl-C to all of its processes, and a second
        # one would stop the command at once.
        command = [sys.executable, "-m", "code_ablate.cli", *arguments]
        process = subprocess.Popen(command, start_new_session=True)
        try:
            code, asked = _wait(process, stop)
        finally:
            process.kill()  # nothing, if it has ended
    if asked or code == INTERRUPTED:
        raise Interrupted("stopped; the same command goes on from what is finished.")
    return code


def _wait(process: subprocess.Popen, stop: threading.Event) -> tuple[int, bool]:
    """The exit code of a process, and whether it was asked to stop, as this one was."""
    asked = False
    while True:
        try:
            return process.wait(timeout=0.5), asked
        except subprocess.TimeoutExpired:
            if stop.is_set() and not asked:
                process.terminate()
                asked = True
