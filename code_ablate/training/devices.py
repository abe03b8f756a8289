"""What the devices of this job are, and what they can do at most.

Importing this loads no JAX; calling a function does, and starts its devices.
"""

import functools
import time

from code_ablate import chips


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
    """FLOP/s of a float32 matrix product on the default device: the best of five."""
    import jax
    import jax.numpy as jnp

    product = jax.jit(lambda a: a @ a)
    a = jnp.ones((size, size), jnp.float32)
    product(a).block_until_ready()
    best = float("inf")
    for _ in range(5):
        begin = time.perf_counter()
        product(a).block_until_ready()
        best = min(best, time.perf_counter() - begin)
    return 2 * size**3 / best
