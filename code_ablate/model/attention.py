"""Causal self-attention behind one interface, with several backends.

    out_BTHC = attend(q_BTHC, k_BSKC, v_BSKC, backend="reference")
    out_BTHC = attend(q_BTHC, k_BSKC, v_BSKC, backend="dot_product")
    out_BTHC = attend(q_BTHC, k_BSKC, v_BSKC, segments_BT=documents_BT, backend="reference")

Query heads may outnumber key-value heads: query head h reads key-value head h // (H / K). Every
backend honours document masks, and refuses what it cannot compute.

| backend          | for                       | memory of the scores                     |
|------------------|---------------------------|------------------------------------------|
| reference        | testing the others        | [T, T] of all heads                      |
| blocked          | CPUs                      | as reference, nearly halved              |
| dot_product      | any device                | [T, T] of all heads                      |
| cudnn            | NVIDIA GPUs, 16-bit float | none; with documents a [T, T] mask a row |
| splash           | TPUs                      | none                                     |
| splash_interpret | testing splash, anywhere  |                                          |
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from code_ablate.errors import UserError, unknown_name
from code_ablate.model.config import ATTENTION
from code_ablate.model.sharding import partition_spec
from code_ablate.model.splash import splash

Backend = Callable[..., Array]
"""Called as backend(q_BTHC, k_BSKC, v_BSKC, segments_BT), the last None or left out if rows are not
packed; returns [B, T, H, C]."""

LEAST_BLOCK, MOST_BLOCKS = 64, 8  # of "blocked": smaller blocks cost more in calls than they save


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
    Raises UserError for an unknown backend, for one that cannot compute this here, and when the
    key-value heads do not divide the query heads.
    """
    chosen = find_backend(backend)
    if q_BTHC.shape[2] % k_BSKC.shape[2]:
        raise UserError(
            f"{k_BSKC.shape[2]} key-value heads do not divide {q_BTHC.shape[2]} query heads."
        )
    return chosen(q_BTHC, k_BSKC, v_BSKC, segments_BT)


def attend_tree(
    q_BTHC: Float[Array, "B T H C"],
    k_BSKC: Float[Array, "B T K C"],
    v_BSKC: Float[Array, "B T K C"],
    ends_BT: Int[Array, "B T"],
) -> Float[Array, "B T H C"]:
    """Attention in rows that hold trees: position t sees position s where s <= t < ends[s].

    ends[s] > s, so every position sees itself. Computed as "blocked" on every platform: no kernel
    takes such a mask.
    """

    def seen(start: int, end: int) -> Bool[Array, "B T S"]:
        return jnp.arange(start, end)[None, :, None] < ends_BT[:, None, :end]

    return _in_blocks(q_BTHC, k_BSKC, v_BSKC, seen)


def find_backend(name: str) -> Backend:
    """The backend of this name; UserError with the closest names if there is none."""
    if name not in BACKENDS:
        raise unknown_name("attention backend", name, BACKENDS)
    return BACKENDS[name]


def _reference(q_BTHC: Array, k_BSKC: Array, v_BSKC: Array, segments_BT: Array | None) -> Array:
    """The definition. Holds the [T, S] scores of all heads in float32."""
    seen_BTS = _same_document(segments_BT)
    return _causal_block(q_BTHC, k_BSKC, v_BSKC, seen_BTS, start=0, read=_weighted_values)


def _blocked(q_BTHC: Array, k_BSKC: Array, v_BSKC: Array, segments_BT: Array | None) -> Array:
    """The reference on one block of queries after the other, each with the keys up to its end.

    Skips nearly half of the products and of the scores' memory; the fastest on a CPU.
    """

    def seen(start: int, end: int) -> Bool[Array, "B T S"] | None:
        return _same_document(segments_BT, start, end)

    return _in_blocks(q_BTHC, k_BSKC, v_BSKC, seen)


def _in_blocks(
    q_BTHC: Array, k_BSKC: Array, v_BSKC: Array, seen: Callable[[int, int], Array | None]
) -> Array:
    """Attention with the mask seen(start, end) beside the causal one, for queries start to end - 1.

    The blocks are unrolled, so there are at most MOST_BLOCKS of them.
    """
    T = q_BTHC.shape[1]
    length = max(LEAST_BLOCK, -(-T // MOST_BLOCKS))
    blocks = []
    for start in range(0, T, length):
        end = min(start + length, T)
        block = q_BTHC[:, start:end], k_BSKC[:, :end], v_BSKC[:, :end]
        blocks.append(_causal_block(*block, seen(start, end), start, _read))
    return jnp.concatenate(blocks, axis=1)


def _causal_block(
    q_BTHC: Array,
    k_BSKC: Array,
    v_BSKC: Array,
    seen_BTS: Array | None,
    start: int,
    read: Callable[[Array, Array, Array, Array], Array],
) -> Array:
    """Queries at positions start, start + 1, ... against keys from 0 to the last query's.

    seen_BTS, if any, says which of these are seen. `read` is _weighted_values, or equal to it.
    """
    B, T, H, C = q_BTHC.shape
    S, K = k_BSKC.shape[1:3]
    G = H // K
    # Heads before positions, and a group's queries below one another: each key-value head is then
    # one matrix product, which runs a fifth faster on a CPU than the same einsum over BTKGC.
    q_BKXC = q_BTHC.reshape(B, T, K, G, C).transpose(0, 2, 3, 1, 4).reshape(B, K, G * T, C)
    k_BKSC, v_BKSC = k_BSKC.transpose(0, 2, 1, 3), v_BSKC.transpose(0, 2, 1, 3)
    visible_BKGTS = jnp.tri(T, S, k=start, dtype=bool)[None, None, None]
    if seen_BTS is not None:
        visible_BKGTS = visible_BKGTS & seen_BTS[:, None, None]
    out_BKXC = read(q_BKXC * C**-0.5, k_BKSC, v_BKSC, visible_BKGTS)
    return out_BKXC.reshape(B, K, G, T, C).transpose(0, 3, 1, 2, 4).reshape(B, T, H, C)


def _weighted_values(
    q_BKXC: Array, k_BKSC: Array, v_BKSC: Array, visible_BKGTS: Array
) -> Float[Array, "B K X C"]:
    """The values, weighed by the softmax of the visible scores; queries are scaled already."""
    weights_BKXS = _weights(q_BKXC, k_BKSC, visible_BKGTS).astype(v_BKSC.dtype)
    return jnp.einsum("BKXS,BKSC->BKXC", weights_BKXS, v_BKSC)


def _weights(q_BKXC: Array, k_BKSC: Array, visible_BKGTS: Array) -> Float[Array, "B K X S"]:
    scores_BKXS = jnp.einsum("BKXC,BKSC->BKXS", q_BKXC, k_BKSC, preferred_element_type=jnp.float32)
    B, K, X, S = scores_BKXS.shape
    T = visible_BKGTS.shape[-2]
    scores_BKGTS = scores_BKXS.reshape(B, K, X // T, T, S)
    scores_BKGTS = jnp.where(visible_BKGTS, scores_BKGTS, -jnp.inf)
    return jax.nn.softmax(scores_BKGTS, axis=-1).reshape(B, K, X, S)


_read = jax.custom_vjp(_weighted_values)
"""_weighted_values with a backward pass of its own: the sum over a row of weight times gradient,
which the softmax's takes from [T, S] numbers, is also the output times its gradient, [T, C]."""


def _read_forward(q_BKXC, k_BKSC, v_BKSC, visible_BKGTS):
    weights_BKXS = _weights(q_BKXC, k_BKSC, visible_BKGTS).astype(v_BKSC.dtype)
    out_BKXC = jnp.einsum("BKXS,BKSC->BKXC", weights_BKXS, v_BKSC)
    return out_BKXC, (q_BKXC, k_BKSC, v_BKSC, weights_BKXS, out_BKXC)


def _read_backward(kept, d_out_BKXC):
    q_BKXC, k_BKSC, v_BKSC, weights_BKXS, out_BKXC = kept
    d_v_BKSC = jnp.einsum("BKXS,BKXC->BKSC", weights_BKXS, d_out_BKXC)
    d_weights_BKXS = jnp.einsum(
        "BKXC,BKSC->BKXS", d_out_BKXC, v_BKSC, preferred_element_type=jnp.float32
    )
    sum_BKX = (d_out_BKXC.astype(jnp.float32) * out_BKXC).sum(axis=-1)
    d_scores_BKXS = weights_BKXS * (d_weights_BKXS - sum_BKX[..., None])
    d_scores_BKXS = d_scores_BKXS.astype(q_BKXC.dtype)
    d_q_BKXC = jnp.einsum("BKXS,BKSC->BKXC", d_scores_BKXS, k_BKSC)
    d_k_BKSC = jnp.einsum("BKXS,BKXC->BKSC", d_scores_BKXS, q_BKXC)
    return d_q_BKXC, d_k_BKSC, d_v_BKSC, None


_read.defvjp(_read_forward, _read_backward)


def _dot_product(q_BTHC: Array, k_BSKC: Array, v_BSKC: Array, segments_BT: Array | None) -> Array:
    """JAX's own implementation, left to XLA."""
    return jax.nn.dot_product_attention(
        q_BTHC, k_BSKC, v_BSKC, mask=_for_all_heads(_same_document(segments_BT)), is_causal=True
    )


def _cudnn(q_BTHC: Array, k_BSKC: Array, v_BSKC: Array, segments_BT: Array | None = None) -> Array:
    """cuDNN's flash attention. It knows no documents, so their mask is added to the scores."""
    if q_BTHC.dtype not in (jnp.bfloat16, jnp.float16):
        raise UserError(
            f"attention backend 'cudnn' computes in 16 bits, not in {q_BTHC.dtype}: set "
            "compute_dtype to 'bfloat16', or attention to 'dot_product'."
        )
    try:
        return jax.nn.dot_product_attention(
            q_BTHC,
            k_BSKC,
            v_BSKC,
            mask=_for_all_heads(_same_document(segments_BT)),
            is_causal=True,
            implementation="cudnn",
        )
    except (RuntimeError, NotImplementedError) as error:  # no cuDNN here; a shape it has not
        raise UserError(
            f"attention backend 'cudnn' cannot compute this here ({error}); set attention to "
            "'dot_product', or on a CPU to 'blocked'."
        ) from error


def _same_document(
    segments_BT: Array | None, start: int = 0, end: int | None = None
) -> Bool[Array, "B T S"] | None:
    """Which positions up to `end` lie in the document of each from `start` to `end`."""
    if segments_BT is None:
        return None
    return segments_BT[:, start:end, None] == segments_BT[:, None, :end]


def _for_all_heads(seen_BTS: Array | None) -> Bool[Array, "B 1 T S"] | None:
    return None if seen_BTS is None else seen_BTS[:, None]


def _on_each_device(kernel: Backend) -> Backend:
    """The kernel on the rows and heads that each device of the mesh of `jax.set_mesh` holds.

    XLA cannot split a kernel as it does its own operations. Rows and heads do not need each other.
    """

    def backend(q_BTHC: Array, k_BSKC: Array, v_BSKC: Array, segments_BT: Array | None) -> Array:
        rows = ("batch", "time")
        specs = [
            partition_spec((*rows, heads, "head_dim"))
            for heads in ("heads", "kv_heads", "kv_heads")
        ]
        arrays = [q_BTHC, k_BSKC, v_BSKC]
        if segments_BT is not None:
            specs.append(partition_spec(rows))
            arrays.append(segments_BT)
        if jax.sharding.get_abstract_mesh().empty:
            return kernel(*arrays)
        # A kernel does not say along which mesh axes its results vary, so that is not checked.
        split = jax.shard_map(kernel, in_specs=tuple(specs), out_specs=specs[0], check_vma=False)
        return split(*arrays)

    return backend


BACKENDS: dict[str, Backend] = {
    "reference": _reference,
    "blocked": _blocked,
    "dot_product": _dot_product,
    "cudnn": _on_each_device(_cudnn),
    "splash": _on_each_device(splash),
    "splash_interpret": _on_each_device(partial(splash, interpret=True)),
}
"""Every backend by the name that ModelConfig.attention takes."""

assert set(BACKENDS) == set(ATTENTION), "model.config names other backends"
