"""Rows of an embedding that lies split over a mesh: looked up, and their gradient added up.

    hidden_BTD = lookup(embedding_VD, tokens_BT, jnp.bfloat16)

Every device gathers the columns of its vocabulary entries once, in the dtype that is asked for,
and takes the rows of its own tokens. The gradient adds up in float32 on each device, and is summed
over the devices once. The loss does the same with the output matrix, which is the same array; it
shares the functions below, which run on one device (inside jax.shard_map, or without a mesh).
"""

import functools
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from code_ablate.model import sharding


@dataclass(frozen=True)
class Axes:
    """Mesh axes over which each logical axis is split; empty without a mesh."""

    batch: tuple[str, ...] = ()
    """Mesh axes of the rows of a batch."""
    vocabulary: tuple[str, ...] = ()
    """Mesh axes of the vocabulary's entries."""
    embed: tuple[str, ...] = ()
    """Mesh axes of the model's width."""

    @classmethod
    def of_mesh(cls) -> "Axes":
        """Those of the mesh of `jax.set_mesh`, by sharding.RULES."""
        if jax.sharding.get_abstract_mesh().empty:
            return cls()
        return cls(*(sharding.RULES[name] for name in ("batch", "vocabulary", "embed")))


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def lookup(
    embedding_VD: Float[Array, "V D"], tokens_BT: Int[Array, "B T"], dtype: jnp.dtype
) -> Float[Array, "B T D"]:
    """The row of each token, in `dtype`."""

    def local(embedding_VD, tokens_BT):
        axes = Axes.of_mesh()
        _, rows_ND = rows_of(axes, gather(axes, embedding_VD.astype(dtype)), tokens_BT.reshape(-1))
        return jax.lax.psum(rows_ND, axes.vocabulary).reshape(*tokens_BT.shape, -1)

    return sharding.on_each_device(
        local, (("vocabulary", "embed"), ("batch", "time")), ("batch", "time", "embed")
    )(embedding_VD, tokens_BT)


def _lookup_forward(embedding_VD, tokens_BT, dtype):
    return lookup(embedding_VD, tokens_BT, dtype), (embedding_VD, tokens_BT)


def _lookup_backward(dtype, residuals, d_hidden_BTD):
    embedding_VD, tokens_BT = residuals

    def local(embedding_VD, tokens_BT, d_hidden_BTD):
        axes = Axes.of_mesh()
        V, D = len(embedding_VD), d_hidden_BTD.shape[-1]
        d_rows_ND = d_hidden_BTD.reshape(-1, D).astype(jnp.float32)
        d_embedding_VD = jnp.zeros((V, D), jnp.float32)
        index_N = local_index(axes, V, tokens_BT.reshape(-1))
        d_embedding_VD = d_embedding_VD.at[index_N].add(d_rows_ND, mode="drop")
        return scatter(axes, d_embedding_VD).astype(embedding_VD.dtype)

    tables, tokens = ("vocabulary", "embed"), ("batch", "time")
    d_embedding_VD = sharding.on_each_device(local, (tables, tokens, (*tokens, "embed")), tables)(
        embedding_VD, tokens_BT, d_hidden_BTD
    )
    return d_embedding_VD, None


lookup.defvjp(_lookup_forward, _lookup_backward)


# --- on one device -------------------------------------------------------------------------------
# N: tokens of this device. V: vocabulary entries of this device.


# Between many devices pass whole rows, the first axis: so a TPU gathers best, and its compiler can
# scatter a sum without adding up all of it on every device (v5e:16x16; on v5e:8x8 it does not).
# A device's columns become rows of its own, and back, by exchanging one device's share: little.


def gather(axes: Axes, embedding_VD: Array) -> Array:
    """All columns of this device's entries."""
    if not axes.embed:
        return embedding_VD
    V = len(embedding_VD)
    mine_RD = jax.lax.all_to_all(
        _pad_rows(axes, embedding_VD), axes.embed, split_axis=0, concat_axis=1, tiled=True
    )
    return jax.lax.all_gather(mine_RD, axes.embed, axis=0, tiled=True)[:V]


def scatter(axes: Axes, d_embedding_VD: Array) -> Array:
    """The sum over the devices that split the batch; this device keeps its own columns."""
    if not axes.embed:
        return d_embedding_VD
    V = len(d_embedding_VD)
    mine_RD = jax.lax.psum_scatter(
        _pad_rows(axes, d_embedding_VD), axes.embed, scatter_dimension=0, tiled=True
    )
    mine_RD = jax.lax.psum(mine_RD, tuple(name for name in axes.batch if name not in axes.embed))
    return jax.lax.all_to_all(mine_RD, axes.embed, split_axis=1, concat_axis=0, tiled=True)[:V]


def _pad_rows(axes: Axes, embedding_VD: Array) -> Array:
    """Zeros below, up to a multiple of the devices that split the columns."""
    missing = -len(embedding_VD) % jax.lax.axis_size(axes.embed)
    return jnp.pad(embedding_VD, ((0, missing), (0, 0)))


def local_index(axes: Axes, V: int, tokens_N: Array) -> Array:
    """Where each token's row is in this device's entries; past their end if it is elsewhere."""
    if not axes.vocabulary:
        return tokens_N
    index_N = tokens_N - V * jax.lax.axis_index(axes.vocabulary)
    return jnp.where(index_N < 0, V, index_N)


def rows_of(axes: Axes, embedding_VD: Array, tokens_N: Array) -> tuple[Array, Array]:
    """(local_index, that row of the gathered embedding: zeros if it is elsewhere)."""
    index_N = local_index(axes, len(embedding_VD), tokens_N)
    return index_N, embedding_VD.at[index_N].get(mode="fill", fill_value=0)
