import subprocess
import sys

import pytest

from code_ablate import allocator
from code_ablate.training import workers

BUFFER_MIB = 96
"""Beyond the 64 MiB that an arena of glibc holds."""

STEPS = f"""
import resource, statistics
import jax, jax.numpy as jnp
from code_ablate.allocator import ready_the_host
ready_the_host()

@jax.jit
def step(x):
    products = x[None] * jnp.arange({BUFFER_MIB}.0)[:, None]
    return products @ products[:8].T

def mib_from_the_kernel():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    step(x).block_until_ready()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    return (after - before) * resource.getpagesize() / 2**20

x = jnp.arange(2.0**18)
# The heap grows for a few steps, until what lies between the buffers has found its place.
print(statistics.median(mib_from_the_kernel() for _ in range(25)))
"""

needs_glibc = pytest.mark.skipif(not allocator._set({}), reason="glibc's settings")


def output(program: str, environment: dict[str, str] | None = None) -> str:
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_glibc
@pytest.mark.slow
def test_a_command_takes_the_buffers_of_its_steps_from_the_kernel_once():
    early = "from code_ablate.allocator import keep_freed_memory\nkeep_freed_memory()\n"
    assert float(output(early + STEPS)) < BUFFER_MIB / 10


@needs_glibc
@pytest.mark.slow
def test_so_does_the_worker_of_a_fleet():
    assert float(output(STEPS, workers._environment())) < BUFFER_MIB / 10


@pytest.mark.parametrize("command", ["train", "eval runs/none", "study demo", "judge a b"])
def test_the_commands_set_it_before_numpy_has_threads(command):
    program = f"""
import sys
from code_ablate import cli

def look():
    print("numpy" in sys.modules)
    sys.exit(0)

cli.keep_freed_memory = look
cli.main({command.split()})
"""
    assert output(program).split() == ["False"]


def test_a_process_with_an_accelerator_gives_memory_back(monkeypatch):
    settings = []
    monkeypatch.setattr("jax.default_backend", lambda: "tpu")
    monkeypatch.setattr(allocator, "_set", settings.append)
    allocator.ready_the_host()
    assert settings == [allocator._GIVE_BACK]
