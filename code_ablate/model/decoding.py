"""The model at inference: texts that share a beginning, and one token after another.

    hidden_BTD = apply_tree(config, params, tokens_BT, positions_BT, ends_BT)

    caches = prefill(config, params, tokens_BT, columns=T + 64)
    logits_BV, caches = decode(config, params, token_B, position_B, caches, visible_BS, column=T)

Both give what `transformer.apply` gives for each sequence alone, up to rounding; they share its
blocks and differ from it in how positions attend to one another.
"""

from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from code_ablate.model.attention import attend, attend_tree
from code_ablate.model.config import ModelConfig
from code_ablate.model.sharding import constrain
from code_ablate.model.transformer import Params, bind


class Cache(NamedTuple):
    """Keys (rotated) and values of the tokens that came before, in columns.

    Heads come before columns: the products of `decode` read them so.
    """

    k_BKSC: Float[Array, "*L B K S C"]
    v_BKSC: Float[Array, "*L B K S C"]


Caches: TypeAlias = Cache | list[Cache]
"""Caches of all layers: stacked, or a list. With a list the layers of `decode` are unrolled and
read a cache where it lies, which a scan would copy. But then all parameters of the blocks are
copied once for each loop, to every device even if they are sharded, and compilation grows with the
layers."""


def apply_tree(
    config: ModelConfig,
    params: Params,
    tokens_BT: Int[Array, "B T"],
    positions_BT: Int[Array, "B T"],
    ends_BT: Int[Array, "B T"],
) -> Float[Array, "B T D"]:
    """Hidden states of rows that hold trees of tokens in depth-first order.

    Position t sees position s where s <= t < ends[s], so a token sees the ones on its path from the
    root, as if these alone were the text. positions_BT are those in that text.
    """

    def mixing(q_BTHC: Array, k_BTKC: Array, v_BTKC: Array, _: None) -> tuple[Array, None]:
        return attend_tree(q_BTHC, k_BTKC, v_BTKC, ends_BT), None

    model = bind(config, params)
    return model.through_blocks(model.embed(tokens_BT), positions_BT, mixing)[0]


def prefill(
    config: ModelConfig,
    params: Params,
    tokens_BT: Int[Array, "B T"],
    columns: int,
    *,
    unrolled: bool = False,
) -> Caches:
    """The cache of the tokens at positions 0 to T - 1, with empty columns up to `columns`.

    Rows of different lengths are padded on the right: what follows a token does not change it.
    """

    def mixing(q_BTHC: Array, k_BTKC: Array, v_BTKC: Array, _: None) -> tuple[Array, Cache]:
        out_BTHC = attend(q_BTHC, k_BTKC, v_BTKC, backend=config.attention)
        return out_BTHC, _heads_first(k_BTKC, v_BTKC)

    model = bind(config, params)
    T = tokens_BT.shape[1]
    _, stacked = model.through_blocks(model.embed(tokens_BT), jnp.arange(T), mixing)
    empty = ((0, 0), (0, 0), (0, 0), (0, columns - T), (0, 0))
    caches = jax.tree.map(lambda x_LBKSC: _laid_out(jnp.pad(x_LBKSC, empty)), stacked)
    if not unrolled:
        return caches
    return [jax.tree.map(lambda x, n=layer: x[n], caches) for layer in range(config.layers)]


def decode(
    config: ModelConfig,
    params: Params,
    token_B: Int[Array, " B"],
    position_B: Int[Array, " B"],
    caches: Caches,
    visible_BS: Bool[Array, "B S"],
    column: int | Int[Array, ""],
) -> tuple[Float[Array, "B V"], Caches]:
    """(float32 logits of what follows each row's token, the caches with the token in `column`).

    The token attends to the columns that are visible, and to itself.
    """
    unrolled = isinstance(caches, list)
    visible_BS |= jnp.arange(visible_BS.shape[1])[None, :] == column

    def write(past: Cache, new: Cache) -> Cache:
        return jax.tree.map(
            lambda old, x: _laid_out(jax.lax.dynamic_update_slice_in_dim(old, x, column, -2)),
            past,
            new,
        )

    def mixing(q_BTHC: Array, k_BTKC: Array, v_BTKC: Array, past: Cache) -> tuple[Array, Cache]:
        new = _heads_first(k_BTKC, v_BTKC)
        cache = write(past, new)
        return _attend_cache(q_BTHC, cache, visible_BS), cache if unrolled else new

    model = bind(config, params)
    x_BTD = model.embed(token_B[:, None])
    hidden_BTD, left = model.through_blocks(x_BTD, position_B[:, None], mixing, caches)
    # What a scan leaves is written after it: the loop around this can then do so in place.
    caches = left if isinstance(caches, list) else write(caches, left)
    return model.logits(hidden_BTD)[:, 0], caches


def _attend_cache(q_BTHC: Array, cache: Cache, visible_BS: Array) -> Array:
    """One query a row against the visible columns of a layer's cache."""
    B, _, H, C = q_BTHC.shape
    K = cache.k_BKSC.shape[1]
    q_BKGC = q_BTHC.reshape(B, K, H // K, C) * C**-0.5
    scores_BKGS = jnp.einsum(
        "BKGC,BKSC->BKGS", q_BKGC, cache.k_BKSC, preferred_element_type=jnp.float32
    )
    scores_BKGS = jnp.where(visible_BS[:, None, None, :], scores_BKGS, -jnp.inf)
    weights_BKGS = jax.nn.softmax(scores_BKGS, axis=-1).astype(cache.v_BKSC.dtype)
    out_BKGC = jnp.einsum("BKGS,BKSC->BKGC", weights_BKGS, cache.v_BKSC)
    return out_BKGC.reshape(B, 1, H, C)


def _heads_first(k_BTKC: Array, v_BTKC: Array) -> Cache:
    return Cache(k_BTKC.swapaxes(1, 2), v_BTKC.swapaxes(1, 2))


def _laid_out(x_BKSC: Array) -> Array:
    layers = ("layers",) * (x_BKSC.ndim - 4)
    return constrain(x_BKSC, *layers, "batch", "kv_heads", None, "head_dim")
