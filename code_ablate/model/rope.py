"""Rotary position embedding: position enters attention as a rotation of queries and keys.

    angles_TP = rotary_angles(positions_T, head_dim=32, theta=10_000.0)
    q_BTHC = rotate(q_BTHC, angles_TP)
    k_BTKC = rotate(k_BTKC, angles_TP)

Pairing: channels 2i and 2i+1 are the two coordinates of pair i ("interleaved", as in the RoFormer
paper and in transformers' Cohere models), not channels i and i + C/2 as in Llama. Weights exported
to a model of the other convention need their query and key channels permuted.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def rotary_angles(positions_T: Int[Array, "T"], head_dim: int, theta: float) -> Float[Array, "T P"]:
    """Angle in radians of each of the P = head_dim / 2 channel pairs at each position (float32).

    Pair i turns by theta^(-2i / head_dim) per position (Su et al. 2021, arXiv 2104.09864, eq. 15).
    """
    frequencies_P = theta ** (-jnp.arange(0, head_dim, 2, dtype=jnp.float32) / head_dim)
    return jnp.outer(positions_T.astype(jnp.float32), frequencies_P)


def rotate(x_BTHC: Float[Array, "B T H C"], angles_TP: Float[Array, "T P"]) -> Array:
    """Rotates each channel pair by its angle, in float32; the result has the dtype of x."""
    cos_BTHP = jnp.cos(angles_TP)[None, :, None, :]
    sin_BTHP = jnp.sin(angles_TP)[None, :, None, :]
    even_BTHP = x_BTHC[..., 0::2].astype(jnp.float32)
    odd_BTHP = x_BTHC[..., 1::2].astype(jnp.float32)
    rotated = jnp.stack(
        (even_BTHP * cos_BTHP - odd_BTHP * sin_BTHP, even_BTHP * sin_BTHP + odd_BTHP * cos_BTHP),
        axis=-1,
    )
    return rotated.reshape(x_BTHC.shape).astype(x_BTHC.dtype)
