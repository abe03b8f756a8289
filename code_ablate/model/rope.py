"""Rotary position embedding: position enters attention as a rotation of queries and keys.

    angles_TP = rotary_angles(positions_T, head_dim=32, theta=10_000.0)
    q_BTHC = rotate(q_BTHC, angles_TP)
    k_BTKC = rotate(k_BTKC, angles_TP)

Pairing: channels 2i and 2i+1 are the two coordinates of pair i ("interleaved", as in the RoFormer
paper and in transformers' Cohere models), not channels i and i + C/2 as in Llama. Weights exported
to a model of the other convention need their query and key channels permuted.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int


def rotary_angles(
    positions_T: Int[Array, "*B T"], head_dim: int, theta: float
) -> Float[Array, "*B T P"]:
    """Angle in radians of each of the P = head_dim / 2 channel pairs at each position (float32).

    Pair i turns by theta^(-2i / head_dim) per position (Su et al. 2021, arXiv 2104.09864, eq. 15).
    """
    frequencies_P = theta ** (-jnp.arange(0, head_dim, 2, dtype=jnp.float32) / head_dim)
    return jnp.multiply.outer(positions_T.astype(jnp.float32), frequencies_P)


def rotate(x_BTHC: Float[Array, "B T H C"], angles_TP: Float[Array, "*B T P"]) -> Array:
    """Rotates each channel pair by its angle, in float32; the result has the dtype of x.

    Angles without an axis B are those of all rows.
    """
    angles_BTP = angles_TP if angles_TP.ndim == 3 else angles_TP[None]
    cos_BTHC = jnp.repeat(jnp.cos(angles_BTP), 2, axis=2)[:, :, None, :]
    sin_BTHC = jnp.repeat(jnp.sin(angles_BTP), 2, axis=2)[:, :, None, :]
    # (even, odd) -> (-odd, even) as a product with a matrix of 0, 1 and -1: exact in the dtype that
    # products are made in. A TPU fuses it with the rest, where taking every second channel moves
    # the array several times over.
    quarter_turn_CC = jnp.asarray(_quarter_turn(x_BTHC.shape[-1]), x_BTHC.dtype)
    turned_BTHC = jnp.einsum(
        "BTHC,CE->BTHE", x_BTHC, quarter_turn_CC, preferred_element_type=jnp.float32
    )
    rotated_BTHC = x_BTHC.astype(jnp.float32) * cos_BTHC + turned_BTHC * sin_BTHC
    return rotated_BTHC.astype(x_BTHC.dtype)


def _quarter_turn(channels: int) -> np.ndarray:
    even = np.arange(0, channels, 2)
    matrix = np.zeros((channels, channels), np.float32)
    matrix[even + 1, even] = -1
    matrix[even, even + 1] = 1
    return matrix
