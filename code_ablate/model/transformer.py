"""The decoder-only transformer of the reference study, in Flax NNX and as pure functions.

    params = init_params(config, seed=0)              # nested dict of float32 arrays
    hidden_BTD = apply(config, params, tokens_BT)     # pure: use it under jax.jit and jax.grad
    axes = param_axes(config)                         # logical axis names of every parameter

A block is x + attention(norm(x)) + feed_forward(norm(x)) with one shared norm. There are no biases;
the output matrix is the embedding. Block parameters are stacked along a leading axis of layers, and
one block is scanned over them, so compile time does not grow with depth.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.ad_checkpoint import checkpoint_name
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int

from code_ablate.errors import UserError
from code_ablate.model import sharding, splash
from code_ablate.model.attention import attend
from code_ablate.model.config import REMAT, ModelConfig
from code_ablate.model.embedding import lookup
from code_ablate.model.products import weigh
from code_ablate.model.rope import rotary_angles, rotate

Params = dict[str, Any]

Mixing = Callable[[Array, Array, Array, Any], tuple[Array, Any]]
"""How positions attend: called as mixing(q_BTHC, k_BTKC, v_BTKC, carried) with what this layer was
given; returns (out_BTHC, what this layer leaves), for example its keys and values."""

ROTATED = "attention_qk"  # queries and keys, as attention reads them
STATISTICS = "norm_statistics"  # mean and variance: two numbers a token, two passes over x

REMAT_POLICIES = {
    "full": jax.checkpoint_policies.nothing_saveable,
    "attention": jax.checkpoint_policies.save_only_these_names(splash.OUTPUT, STATISTICS),
    "attention_qk": jax.checkpoint_policies.save_only_these_names(
        splash.OUTPUT, STATISTICS, ROTATED
    ),
    "dots": jax.checkpoint_policies.dots_with_no_batch_dims_saveable,
}
"""What the forward pass keeps of a block besides its input. "none" keeps everything, unpoliced."""

assert {"none", *REMAT_POLICIES} == set(REMAT), "model.config names other policies"


class LayerNorm(nnx.Module):
    """(x - mean) / sqrt(variance + epsilon) * scale, in float32. No bias."""

    def __init__(self, config: ModelConfig, stack: tuple[int, ...] = ()):
        """Scales of one; `stack` is the leading axis of layers, if any."""
        self.epsilon = config.norm_epsilon
        self.scale = _param(jnp.ones((*stack, config.d_model)), "norm")

    @jax.named_scope("norm")
    def __call__(self, x_BTD: Float[Array, "B T D"]) -> Float[Array, "B T D"]:
        """The norm of each position, in the dtype of x."""
        x32_BTD = x_BTD.astype(jnp.float32)
        x32_BTD -= checkpoint_name(x32_BTD.mean(axis=-1), STATISTICS)[..., None]
        variance_BT = checkpoint_name(jnp.square(x32_BTD).mean(axis=-1), STATISTICS)
        normed_BTD = x32_BTD * jax.lax.rsqrt(variance_BT + self.epsilon)[..., None]
        return (normed_BTD * self.scale[...][None, None, :]).astype(x_BTD.dtype)


class Attention(nnx.Module):
    """Causal self-attention with rotary positions."""

    def __init__(self, config: ModelConfig, rngs: nnx.Rngs, stack: tuple[int, ...]):
        """`stack` is the leading axis of layers."""
        self.config = config
        D, H, K, C = config.d_model, config.heads, config.num_kv_heads, config.head_dim
        self.query = _param(_glorot(rngs, (*stack, D, H * C)), "embed", "heads")
        self.key = _param(_glorot(rngs, (*stack, D, K * C)), "embed", "kv_heads")
        self.value = _param(_glorot(rngs, (*stack, D, K * C)), "embed", "kv_heads")
        self.output = _param(_glorot(rngs, (*stack, H * C, D)), "heads", "embed")

    @jax.named_scope("attention")
    def __call__(
        self, x_BTD: Array, angles_TP: Array, mixing: Mixing, carried: Any = None
    ) -> tuple[Array, Any]:
        """(attention over the normed x, projected back to the residual stream; what mixing left).

        Angles of rows with positions of their own have a leading axis B.
        """

        D = x_BTD.shape[-1]

        def project(matrix: nnx.Param, heads: str) -> Array:
            matrix_DHC = matrix[...].astype(x_BTD.dtype).reshape(D, -1, self.config.head_dim)
            y_BTHC = weigh("BTD,DHC->BTHC", x_BTD, matrix_DHC)
            return sharding.constrain(y_BTHC, "batch", "time", heads, "head_dim")

        q_BTHC = rotate(project(self.query, "heads"), angles_TP)
        k_BTKC = rotate(project(self.key, "kv_heads"), angles_TP)
        q_BTHC, k_BTKC = checkpoint_name((q_BTHC, k_BTKC), ROTATED)
        v_BTKC = project(self.value, "kv_heads")
        out_BTHC, left = mixing(q_BTHC, k_BTKC, v_BTKC, carried)
        output_HCD = self.output[...].astype(x_BTD.dtype).reshape(*out_BTHC.shape[2:], D)
        return weigh("BTHC,HCD->BTD", out_BTHC, output_HCD), left


@jax.custom_vjp
def gated(gate_BTF: Array, up_BTF: Array) -> Array:
    """silu(gate) * up. A TPU makes its gradients once, not inside each product that reads them."""
    return jax.nn.silu(gate_BTF) * up_BTF


def _gated_forward(gate_BTF: Array, up_BTF: Array) -> tuple[Array, tuple[Array, Array]]:
    return gated(gate_BTF, up_BTF), (gate_BTF, up_BTF)


def _gated_backward(inputs: tuple[Array, Array], d_hidden_BTF: Array) -> tuple[Array, Array]:
    _, gradient = jax.vjp(lambda gate, up: jax.nn.silu(gate) * up, *inputs)
    return sharding.materialized(gradient(sharding.materialized(d_hidden_BTF)))


gated.defvjp(_gated_forward, _gated_backward)


class FeedForward(nnx.Module):
    """SwiGLU: down(silu(gate(x)) * up(x))."""

    def __init__(self, config: ModelConfig, rngs: nnx.Rngs, stack: tuple[int, ...]):
        """`stack` is the leading axis of layers."""
        D, F = config.d_model, config.feed_forward
        self.gate = _param(_glorot(rngs, (*stack, D, F)), "embed", "feed_forward")
        self.up = _param(_glorot(rngs, (*stack, D, F)), "embed", "feed_forward")
        self.down = _param(_glorot(rngs, (*stack, F, D)), "feed_forward", "embed")

    @jax.named_scope("feed_forward")
    def __call__(self, x_BTD: Array) -> Array:
        """The feed-forward of the normed x."""
        gate_BTF = weigh("BTD,DF->BTF", x_BTD, self.gate[...].astype(x_BTD.dtype))
        up_BTF = weigh("BTD,DF->BTF", x_BTD, self.up[...].astype(x_BTD.dtype))
        hidden_BTF = sharding.constrain(gated(gate_BTF, up_BTF), "batch", "time", "feed_forward")
        return weigh("BTF,FD->BTD", hidden_BTF, self.down[...].astype(x_BTD.dtype))


class Block(nnx.Module):
    """x + attention(norm(x)) + feed_forward(norm(x))."""

    def __init__(self, config: ModelConfig, rngs: nnx.Rngs, stack: tuple[int, ...]):
        """`stack` is the leading axis of layers: the parameters of all blocks are made at once."""
        self.norm = LayerNorm(config, stack)
        self.attention = Attention(config, rngs, stack)
        self.feed_forward = FeedForward(config, rngs, stack)

    def __call__(
        self, x_BTD: Array, angles_TP: Array, mixing: Mixing, carried: Any = None
    ) -> tuple[Array, Any]:
        """(one block, whose parameters carry no axis of layers; what mixing left)."""
        normed_BTD = self.norm(x_BTD)
        mixed_BTD, left = self.attention(normed_BTD, angles_TP, mixing, carried)
        x_BTD += mixed_BTD + self.feed_forward(normed_BTD)
        x_BTD = sharding.constrain(x_BTD, "batch", "time", "embed")
        return sharding.row_major(x_BTD, "batch", "time", "embed"), left


class Transformer(nnx.Module):
    """The whole model. `nnx.split` it, or use init_params and apply, for pure functions."""

    def __init__(self, config: ModelConfig, rngs: nnx.Rngs):
        """Glorot-normal matrices, norms of one."""
        self.config = config
        self.embedding = _param(
            _glorot(rngs, (config.vocabulary_size, config.d_model)), "vocabulary", "embed"
        )
        self.blocks = Block(config, rngs, stack=(config.layers,))
        self.final_norm = LayerNorm(config)

    def __call__(
        self, tokens_BT: Int[Array, "B T"], segments_BT: Int[Array, "B T"] | None = None
    ) -> Float[Array, "B T D"]:
        """Hidden states after the final norm, from which `logits` or the loss take the logits.

        segments_BT numbers the documents of packed rows, to keep attention within each.
        """
        return self.from_embedded(self.embed(tokens_BT), segments_BT)

    @jax.named_scope("embedding")
    def embed(self, tokens_BT: Int[Array, "B T"]) -> Float[Array, "B T D"]:
        """The embedding of each token, in compute_dtype."""
        return lookup(self.embedding[...], tokens_BT, self.config.dtype)

    def from_embedded(
        self, x_BTD: Float[Array, "B T D"], segments_BT: Int[Array, "B T"] | None = None
    ) -> Float[Array, "B T D"]:
        """Hidden states from embedded tokens: all of the model after the lookup."""

        def mixing(q_BTHC: Array, k_BTKC: Array, v_BTKC: Array, _: None) -> tuple[Array, None]:
            backend = self.config.attention
            return attend(q_BTHC, k_BTKC, v_BTKC, backend=backend, segments_BT=segments_BT), None

        return self.through_blocks(x_BTD, jnp.arange(x_BTD.shape[1]), mixing)[0]

    def through_blocks(
        self,
        x_BTD: Float[Array, "B T D"],
        positions_T: Int[Array, " T"] | Int[Array, "B T"],
        mixing: Mixing,
        carried: Any = None,
    ) -> tuple[Float[Array, "B T D"], Any]:
        """(hidden states after the final norm, what mixing left in each layer).

        `carried` and what is left are trees of arrays with a leading axis of layers, or None. If
        `carried` is a list of trees, one a layer, so is what is left, and the layers are unrolled
        instead of scanned.
        """
        config = self.config
        angles_TP = rotary_angles(positions_T, config.head_dim, config.rope_theta)
        block_definition, stacked_params = nnx.split(self.blocks)

        def layer(x_BTD: Array, given: tuple[nnx.State, Any]) -> tuple[Array, Any]:
            params, carried = given
            return nnx.merge(block_definition, params)(x_BTD, angles_TP, mixing, carried)

        if config.remat != "none":
            # prevent_cse guards against what a scan rules out already, and would cost speed.
            layer = jax.checkpoint(layer, policy=REMAT_POLICIES[config.remat], prevent_cse=False)
        x_BTD = sharding.constrain(x_BTD, "batch", "time", "embed")
        if isinstance(carried, list):
            left = []
            for index, given in enumerate(carried):
                params = jax.tree.map(lambda x, index=index: x[index], stacked_params)
                x_BTD, of_layer = layer(x_BTD, (params, given))
                left.append(of_layer)
        else:
            x_BTD, left = jax.lax.scan(layer, x_BTD, (stacked_params, carried))
        return self.final_norm(x_BTD), left

    def logits(self, hidden_BTD: Float[Array, "B T D"]) -> Float[Array, "B T V"]:
        """float32 logits of every position: for small use, the loss never makes them all."""
        embedding_VD = self.embedding[...].astype(hidden_BTD.dtype)
        return jnp.einsum(
            "BTD,VD->BTV", hidden_BTD, embedding_VD, preferred_element_type=jnp.float32
        )


def init_params(config: ModelConfig, seed: int | Int[Array, ""]) -> Params:
    """Fresh float32 parameters as a nested dict.

    Under `jax.jit` with `out_shardings=param_shardings(config, mesh)` no device holds them whole.
    The draws do not depend on the mesh. The last bit of a scaled draw may differ between compiled
    and eager calls, so a program that must repeat exactly always compiles.
    """
    model = Transformer(config, nnx.Rngs(params=jax.random.key(seed)))
    return nnx.to_pure_dict(nnx.state(model, nnx.Param))


def apply(
    config: ModelConfig,
    params: Params,
    tokens_BT: Int[Array, "B T"],
    segments_BT: Int[Array, "B T"] | None = None,
) -> Float[Array, "B T D"]:
    """Hidden states of a model with these parameters; see Transformer."""
    return bind(config, params)(tokens_BT, segments_BT)


def bind(config: ModelConfig, params: Params) -> Transformer:
    """The Transformer that has these parameters, for its other methods."""
    definition, _ = _abstract(config)
    return nnx.merge(definition, nnx.State(params))


def param_shapes(config: ModelConfig) -> Params:
    """Shape and dtype of every parameter, in the structure of init_params. Allocates nothing."""
    return nnx.to_pure_dict(_abstract(config)[1])


def param_axes(config: ModelConfig) -> Params:
    """Logical axis names of every parameter, as tuples, in the structure of init_params."""
    state = _abstract(config)[1]
    axes = {path: param.axes for path, param in nnx.to_flat_state(state)}
    return nnx.traversals.unflatten_mapping(axes)


def param_shardings(config: ModelConfig, mesh: Mesh) -> Params:
    """Where every parameter lies on the mesh; UserError if the model's shape does not divide."""
    if config.num_kv_heads % mesh.shape["tensor"]:
        raise UserError(
            f"{config.num_kv_heads} key-value heads do not divide over {mesh.shape['tensor']} "
            "devices of mesh axis tensor; set tensor to a divisor of the key-value heads."
        )
    return sharding.named_shardings(mesh, param_axes(config), param_shapes(config))


@functools.lru_cache(maxsize=32)
def _abstract(config: ModelConfig) -> tuple[nnx.GraphDef, nnx.State]:
    """The model's structure with shapes in place of arrays."""
    return nnx.split(nnx.eval_shape(lambda: Transformer(config, nnx.Rngs(params=0))))


def _param(value: Array, *axes: str) -> nnx.Param:
    """A parameter that knows its logical axes; "layers" is put in front if it is stacked."""
    stacked = ("layers",) * (value.ndim - len(axes))
    return nnx.Param(value, axes=(*stacked, *axes))


def _glorot(rngs: nnx.Rngs, shape: tuple[int, ...]) -> Array:
    """Normal with variance 2 / (fan in + fan out) of the last two axes (Glorot and Bengio 2010).

    Not truncated, as in the study's wording; each matrix of a stack is drawn by its own fans.
    """
    std = (2 / (shape[-2] + shape[-1])) ** 0.5
    return std * jax.random.normal(rngs.params(), shape, jnp.float32)
