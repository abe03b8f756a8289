"""Jobs that tests run in processes of their own: several on loopback, or with several devices."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def start_job(function, arguments, *, processes=1, devices=1):
    """Starts the processes of a job: `processes` of them, with `devices` simulated ones each."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = []
    for index in range(processes):
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "JAX_PLATFORMS": "cpu",
            "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
        }
        if processes > 1:
            environment |= {
                "JAX_COORDINATOR_ADDRESS": f"127.0.0.1:{port}",
                "JAX_NUM_PROCESSES": str(processes),
                "JAX_PROCESS_ID": str(index),
            }
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "tests.training.jobs", function, json.dumps(arguments)],
                env=environment,
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    return started


def finish_job(started):
    """(exit code, output) of every process, none of which outlives the test."""
    try:
        outputs = [process.communicate()[0] for process in started]
    finally:
        for process in started:
            process.kill()
    return [(p.returncode, text) for p, text in zip(started, outputs, strict=True)]


def complete_job(function, arguments, **shape):
    """Runs a job that has to succeed."""
    for code, output in finish_job(start_job(function, arguments, **shape)):
        assert code == 0, output


if __name__ == "__main__":
    import importlib

    from code_ablate import distributed

    distributed.HEARTBEAT_SECONDS = 15  # tests kill processes, and wait until the others notice
    module, _, name = sys.argv[1].partition(":")
    distributed.join()
    sys.exit(getattr(importlib.import_module(module), name)(**json.loads(sys.argv[2])))
