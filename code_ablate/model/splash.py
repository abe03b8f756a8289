"""Causal attention by JAX's TPU kernel "splash": flash attention that skips what the mask hides.

    out_BTHC = splash(q_BTHC, k_BSKC, v_BSKC, segments_BT)                  # compiled for TPUs
    out_BTHC = splash(q_BTHC, k_BSKC, v_BSKC, segments_BT, interpret=True)  # anywhere, and slowly

Holds no [T, T] array: blocks of scores live in a core's own memory, and the backward pass computes
them again from the logsumexp of each row. Under a mesh it runs on each device's part; that is
attention.py's to arrange.
"""

import jax
import jax.numpy as jnp
from jax.experimental.pallas.ops.tpu.splash_attention import (
    BlockSizes,
    CausalMask,
    MultiHeadMask,
    SegmentIds,
    make_splash_mha_single_device,
)
from jaxtyping import Array, Float, Int

from code_ablate.errors import UserError

OUTPUT = "attention_out"
"""The kernel's output and logsumexp for `jax.checkpoint_policies.save_only_these_names`: a remat
policy that saves them spares the backward pass a second run of the forward kernel."""

LANES = 128
"""Width of a TPU's vector unit: the kernel takes rows of a multiple of this many positions."""

BLOCKS, COMPUTE_BLOCK = (1024, 512, 256, LANES), 512
BLOCK_BYTES = 512 * 1024  # twice that does not compile for v5e (2048) nor v5p (float32, C = 256)


def splash(
    q_BTHC: Float[Array, "B T H C"],
    k_BSKC: Float[Array, "B T K C"],
    v_BSKC: Float[Array, "B T K C"],
    segments_BT: Int[Array, "B T"] | None = None,
    *,
    interpret: bool = False,
) -> Float[Array, "B T H C"]:
    """`attention.attend` on one device. Rows of any length; a multiple of 1024 is fastest.

    Raises UserError where the computation is for another platform than TPU, unless `interpret`
    asks for the kernel's emulation.
    """
    if not interpret:
        _check_platform()
    T, H, C = q_BTHC.shape[1:]
    # Positions added at the end are in no real query's past, so they change nothing.
    padding = -T % LANES
    q_BHTC, k_BKSC, v_BKSC = (
        jnp.pad(x_BTXC, ((0, 0), (0, padding), (0, 0), (0, 0))).transpose(0, 2, 1, 3)
        for x_BTXC in (q_BTHC * C**-0.5, k_BSKC, v_BSKC)
    )
    segments = None
    if segments_BT is not None:
        segments_BT = jnp.pad(segments_BT, ((0, 0), (0, padding)))
        segments = SegmentIds(q=segments_BT, kv=segments_BT)

    kernel = make_splash_mha_single_device(
        MultiHeadMask([CausalMask((T + padding, T + padding))] * H),
        block_sizes=block_sizes(T + padding, C * q_BTHC.dtype.itemsize),
        residual_checkpoint_name=OUTPUT,
        interpret=interpret,
    )
    out_BHTC = jax.vmap(kernel)(q_BHTC, k_BKSC, v_BKSC, segments)
    return out_BHTC.transpose(0, 2, 1, 3)[:, :T]


def block_sizes(T: int, position_bytes: int) -> BlockSizes:
    """The largest blocks that fit a core's memory and divide T: few steps, much reuse.

    T is a multiple of LANES; `position_bytes` is what one position of one head takes.
    """
    block = next(
        size
        for size in BLOCKS
        if T % size == 0 and (size * position_bytes <= BLOCK_BYTES or size == LANES)
    )
    compute = min(block, COMPUTE_BLOCK)
    return BlockSizes(
        block_q=block,
        block_kv=block,
        block_kv_compute=compute,
        block_q_dkv=block,
        block_kv_dkv=block,
        block_kv_dkv_compute=compute,
        block_q_dq=block,
        block_kv_dq=block,
    )


def _check_platform() -> None:
    """UserError unless the mesh, or without one this machine, is of TPUs."""
    device = jax.sharding.get_abstract_mesh().abstract_device
    platform = jax.default_backend() if device is None else device.platform
    if platform != "tpu":
        raise UserError(
            f"attention backend 'splash' is a kernel for TPUs and this computation is for "
            f"{platform}: set attention to 'blocked' on a CPU or 'cudnn' on a GPU. To compile for "
            "TPUs elsewhere, enter jax.set_mesh with a mesh of them. 'splash_interpret' emulates "
            "it, far too slowly for anything but tests."
        )
