"""The model at inference: texts that share a beginning, and one token after another.

    hidden_BTD = apply_tree(config, params, tokens_BT, positions_BT, ends_BT)

    cache = prefill(config, params, tokens_BT, columns=T + 64)
    logits_BV, cache = decode(config, params, token_B, position_B, cache, visible_BS, column=T)

Both give what `transformer.apply` gives for each sequence alone, up to rounding; they share its
blocks and differ from it in how positions attend to one another.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from code_ablate.model.attention import attend, attend_tree
from code_ablate.model.sharding import constrain
from code_ablate.model.transformer import ModelConfig, Params, bind


class Cache(NamedTuple):
    """Keys (rotated) and values of the tokens that came before, in columns."""

    k_LBSKC: Float[Array, "L B S K C"]
    v_LBSKC: Float[Array, "L B S K C"]


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
    config: ModelConfig, params: Params, tokens_BT: Int[Array, "B T"], columns: int
) -> Cache:
    """The cache of the tokens at positions 0 to T - 1, with empty columns up to `columns`.

    Rows of different lengths are padded on the right: what follows a token does not change it.
    """

    def mixing(q_BTHC: Array, k_BTKC: Array, v_BTKC: Array, _: None) -> tuple[Array, Cache]:
        out_BTHC = attend(q_BTHC, k_BTKC, v_BTKC, backend=config.attention)
        return out_BTHC, Cache(k_BTKC, v_BTKC)

    model = bind(config, params)
    T = tokens_BT.shape[1]
    _, cache = model.through_blocks(model.embed(tokens_BT), jnp.arange(T), mixing)
    return jax.tree.map(
        lambda x: _laid_out(jnp.pad(x, ((0, 0), (0, 0), (0, columns - T), (0, 0), (0, 0)))), cache
    )


def decode(
    config: ModelConfig,
    params: Params,
    token_B: Int[Array, "B"],
    position_B: Int[Array, "B"],
    cache: Cache,
    visible_BS: Bool[Array, "B S"],
    column: int | Int[Array, ""],
) -> tuple[Float[Array, "B V"], Cache]:
    """(float32 logits of what follows each row's token, the cache with the token in `column`).

    The token attends to the columns that are visible, and to itself.
    """

    def mixing(q_BTHC: Array, k_BTKC: Array, v_BTKC: Array, past: Cache) -> tuple[Array, Cache]:
        out_BTHC = _attend_past(q_BTHC, k_BTKC, v_BTKC, past, visible_BS)
        return out_BTHC, Cache(k_BTKC, v_BTKC)

    model = bind(config, params)
    x_BTD = model.embed(token_B[:, None])
    hidden_BTD, new = model.through_blocks(x_BTD, position_B[:, None], mixing, cache)
    # Written once for all layers, after them: the loop around this can then do it in place.
    cache = jax.tree.map(
        lambda old, x: _laid_out(jax.lax.dynamic_update_slice_in_dim(old, x, column, axis=2)),
        cache,
        new,
    )
    return model.logits(hidden_BTD)[:, 0], cache


def _attend_past(
    q_BTHC: Array, k_BTKC: Array, v_BTKC: Array, past: Cache, visible_BS: Array
) -> Array:
    """One query a row against the visible columns of one layer's cache, and against itself."""
    B, _, H, C = q_BTHC.shape
    K = k_BTKC.shape[2]
    q_BKGC = q_BTHC.reshape(B, K, H // K, C) * C**-0.5
    past_BKGS = jnp.einsum(
        "BKGC,BSKC->BKGS", q_BKGC, past.k_LBSKC, preferred_element_type=jnp.float32
    )
    past_BKGS = jnp.where(visible_BS[:, None, None, :], past_BKGS, -jnp.inf)
    own_BKGT = jnp.einsum("BKGC,BTKC->BKGT", q_BKGC, k_BTKC, preferred_element_type=jnp.float32)
    weights_BKGX = jax.nn.softmax(jnp.concatenate([past_BKGS, own_BKGT], -1), axis=-1)
    weights_BKGX = weights_BKGX.astype(v_BTKC.dtype)
    out_BKGC = jnp.einsum("BKGS,BSKC->BKGC", weights_BKGX[..., :-1], past.v_LBSKC)
    out_BKGC += jnp.einsum("BKGT,BTKC->BKGC", weights_BKGX[..., -1:], v_BTKC)
    return out_BKGC.reshape(B, 1, H, C)


def _laid_out(x_LBSKC: Array) -> Array:
    return constrain(x_LBSKC, "layers", "batch", None, "kv_heads", "head_dim")
