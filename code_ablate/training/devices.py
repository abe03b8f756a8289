"""What the devices of this job are, and what they can do at most.

Importing this loads no JAX; calling a function does, and starts its devices.
"""

import functools
import os
from collections.abc import Collection
from pathlib import Path
from time import perf_counter, process_time

from code_ablate import chips

_CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""Microseconds of CPU time that a container may use in a period, and the period; or "max"."""


def device_name(side_by_side: int = 1) -> str:
    """What a run computes on: '1 x cpu', '64 x TPU v5 lite', '1 x cpu, 2 phases side by side'."""
    import jax

    beside = f", {side_by_side} phases side by side" if side_by_side > 1 else ""
    return f"{jax.device_count()} x {jax.devices()[0].device_kind}{beside}"


def peak_flops() -> float | None:
    """Peak FLOP/s of all devices together, which MFU is a share of; None if it is not known.

    For an accelerator this is its maker's dense bfloat16 figure (code_ablate.chips), for a CPU what
    a float32 matrix product reaches here; simulated devices share its cores and count as one.
    """
    import jax

    if jax.default_backend() == "cpu":
        return measure_peak() * jax.process_count()
    chip = chips.of_device_kind(jax.devices()[0].device_kind)
    return chip.peak_flops * jax.device_count() if chip else None


@functools.cache
def measure_peak(size: int = 1024) -> float:
    """FLOP/s of a float32 matrix product on the default device: the best of eight.

    On a CPU by the time that cores worked for this process, as if all that it may use had done so
    at once: what other processes take of their time does not count, though what they take of caches
    and memory does. So does what other threads of this process do meanwhile.
    """
    import jax
    import jax.numpy as jnp

    on_cpu = jax.default_backend() == "cpu"
    clock = process_time if on_cpu else perf_counter
    at_once = cores_at_once() if on_cpu else 1
    product = jax.jit(lambda a: a @ a)
    a = jnp.ones((size, size), jnp.float32)
    product(a).block_until_ready()
    best = float("inf")
    for _ in range(8):
        begin = clock()
        product(a).block_until_ready()
        best = min(best, clock() - begin)
    return at_once * 2 * size**3 / best


def available_cores() -> Collection[int]:
    """Numbers of the cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return range(os.cpu_count() or 1)


def cores_at_once() -> float:
    """Cores that this process may keep busy: those it may run on, or a container's share."""
    cores = float(len(available_cores()))
    try:
        quota, period = _CPU_QUOTA.read_text(encoding="ascii").split()
        return cores if quota == "max" else min(cores, int(quota) / int(period))
    except (OSError, ValueError):  # no Linux, or control groups of the first version
        return cores
