"""Causal self-attention behind one interface, with several backends.

    out_BTHC = attend(q_BTHC, k_BSKC, v_BSKC, backend="reference")
    out_BTHC = attend(q_BTHC, k_BSKC, v_BSKC, backend="dot_product")
    out_BTHC = attend(q_BTHC, k_BSKC, v_BSKC, segments_BT=documents_BT, backend="reference")

Query heads may outnumber key-value heads: query head h reads key-value head h // (H / K). A backend
that cannot honour an argument refuses it. "reference" is what the others are tested against.
"""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from code_ablate.errors import UserError, unknown_name

LEAST_BLOCK, MOST_BLOCKS = 64, 8  # of "blocked": smaller blocks cost more in calls than they save


@dataclass(frozen=True)
class Backend:
    """One implementation of attention, and what it can do."""

    function: Callable[..., Array]
    """Called as function(q_BTHC, k_BSKC, v_BSKC, segments_BT); returns [B, T, H, C]."""

    segments: bool
    """Whether it honours document masks (segments_BT)."""


def attend(
    q_BTHC: Float[Array, "B T H C"],
    k_BSKC: Float[Array, "B T K C"],
    v_BSKC: Float[Array, "B T K C"],
    *,
    backend: str,
    segments_BT: Int[Array, "B T"] | None = None,
) -> Float[Array, "B T H C"]:
    """softmax(q k^T / sqrt(C)) v over the positions up to and including the query's own.

    segments_BT numbers the documents of packed rows: a position then attends within its own only.
    Raises UserError for an unknown backend, for one that cannot honour segments_BT, and when the
    key-value heads do not divide the query heads.
    """
    chosen = find_backend(backend)
    if segments_BT is not None and not chosen.segments:
        able = sorted(name for name, other in BACKENDS.items() if other.segments)
        raise UserError(
            f"attention backend {backend!r} does not mask documents (segments); set attention to "
            f"one of {able}, or train without document masks."
        )
    if q_BTHC.shape[2] % k_BSKC.shape[2]:
        raise UserError(
            f"{k_BSKC.shape[2]} key-value heads do not divide {q_BTHC.shape[2]} query heads."
        )
    return chosen.function(q_BTHC, k_BSKC, v_BSKC, segments_BT)


def find_backend(name: str) -> Backend:
    """The backend of this name; UserError with the closest names if there is none."""
    if name not in BACKENDS:
        raise unknown_name("attention backend", name, BACKENDS)
    return BACKENDS[name]


def _reference(q_BTHC: Array, k_BSKC: Array, v_BSKC: Array, segments_BT: Array | None) -> Array:
    """The definition. Holds the [T, S] scores of all heads in float32."""
    return _causal_block(q_BTHC, k_BSKC, v_BSKC, segments_BT, start=0)


def _blocked(q_BTHC: Array, k_BSKC: Array, v_BSKC: Array, segments_BT: Array | None) -> Array:
    """The reference on one block of queries after the other, each with the keys up to its end.

    Skips nearly half of the products and of the scores' memory; the fastest on a CPU. The blocks
    are unrolled, so there are at most MOST_BLOCKS of them.
    """
    T = q_BTHC.shape[1]
    length = max(LEAST_BLOCK, -(-T // MOST_BLOCKS))
    blocks = []
    for start in range(0, T, length):
        end = min(start + length, T)
        segments = None if segments_BT is None else segments_BT[:, :end]
        blocks.append(
            _causal_block(
                q_BTHC[:, start:end], k_BSKC[:, :end], v_BSKC[:, :end], segments, start=start
            )
        )
    return jnp.concatenate(blocks, axis=1)


def _causal_block(
    q_BTHC: Array, k_BSKC: Array, v_BSKC: Array, segments_BS: Array | None, start: int
) -> Array:
    """Queries at positions start, start + 1, ... against keys from 0 to the last query's."""
    B, T, H, C = q_BTHC.shape
    S, K = k_BSKC.shape[1:3]
    G = H // K
    # Heads before positions, and a group's queries below one another: each key-value head is then
    # one matrix product, which runs a fifth faster on a CPU than the same einsum over BTKGC.
    q_BKXC = q_BTHC.reshape(B, T, K, G, C).transpose(0, 2, 3, 1, 4).reshape(B, K, G * T, C)
    k_BKSC, v_BKSC = k_BSKC.transpose(0, 2, 1, 3), v_BSKC.transpose(0, 2, 1, 3)

    scores_BKXS = jnp.einsum(
        "BKXC,BKSC->BKXS", q_BKXC * C**-0.5, k_BKSC, preferred_element_type=jnp.float32
    )
    visible_BKGTS = jnp.tri(T, S, k=start, dtype=bool)[None, None, None]
    if segments_BS is not None:
        same_BTS = segments_BS[:, start:, None] == segments_BS[:, None, :]
        visible_BKGTS = visible_BKGTS & same_BTS[:, None, None]
    scores_BKGTS = jnp.where(visible_BKGTS, scores_BKXS.reshape(B, K, G, T, S), -jnp.inf)
    weights_BKGTS = jax.nn.softmax(scores_BKGTS, axis=-1).astype(v_BSKC.dtype)

    out_BKXC = jnp.einsum("BKXS,BKSC->BKXC", weights_BKGTS.reshape(B, K, G * T, S), v_BKSC)
    return out_BKXC.reshape(B, K, G, T, C).transpose(0, 3, 1, 2, 4).reshape(B, T, H, C)


def _dot_product(q_BTHC: Array, k_BSKC: Array, v_BSKC: Array, segments_BT: Array | None) -> Array:
    """JAX's own implementation."""
    del segments_BT  # attend() refused it
    return jax.nn.dot_product_attention(q_BTHC, k_BSKC, v_BSKC, is_causal=True)


BACKENDS: dict[str, Backend] = {
    "reference": Backend(_reference, segments=True),
    "blocked": Backend(_blocked, segments=True),
    "dot_product": Backend(_dot_product, segments=False),
}
"""Every backend by the name that ModelConfig.attention takes."""
