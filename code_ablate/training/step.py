"""The train step: a pure function of state, batch and learning rate, compiled once per shape.

state = initial_state(model, optimizer, seed, mesh)
step = make_train_step(model, optimizer, z_loss, mesh)
state, metrics = step(state, tokens_BT, learning_rate)
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Int

from code_ablate.model import sharding
from code_ablate.model.config import ModelConfig
from code_ablate.model.loss import cross_entropy
from code_ablate.model.transformer import apply, init_params, param_shapes, param_shardings
from code_ablate.training.optimizer import SpikeState, descend, make_transform
from code_ablate.training.phase import Optimizer


@functools.partial(
    jax.tree_util.register_dataclass, data_fields=["params", "moments"], meta_fields=[]
)
@dataclass(frozen=True)
class TrainState:
    """All arrays that training carries from step to step. Positions in the data are not among them:
    they are a function of the step."""

    params: Any
    """Parameters of the model."""
    moments: Any
    """State of the optimizer."""


def initial_state(model: ModelConfig, optimizer: Optimizer, seed: int, mesh: Mesh) -> TrainState:
    """Parameters and moments at step 0, made on the devices in their final shardings."""
    return _initialiser(model, optimizer, mesh)(seed)


@functools.lru_cache(maxsize=8)
def _initialiser(model: ModelConfig, optimizer: Optimizer, mesh: Mesh):
    shardings = jax.tree.map(lambda leaf: leaf.sharding, abstract_state(model, optimizer, mesh))
    return jax.jit(functools.partial(_make_state, model, optimizer), out_shardings=shardings)


def _make_state(model: ModelConfig, optimizer: Optimizer, seed) -> TrainState:
    params = init_params(model, seed)
    return TrainState(params, make_transform(optimizer).init(params))


def abstract_params(model: ModelConfig, mesh: Mesh):
    """Shapes, dtypes and shardings of the parameters, without the arrays."""
    return _with_shardings(param_shapes(model), param_shardings(model, mesh))


def abstract_state(model: ModelConfig, optimizer: Optimizer, mesh: Mesh) -> TrainState:
    """The same of the whole state. Moments lie where their parameter lies."""
    shapes = jax.eval_shape(functools.partial(_make_state, model, optimizer), 0)
    moments = sharding.state_shardings(
        mesh, shapes.moments, shapes.params, param_shardings(model, mesh)
    )
    return TrainState(abstract_params(model, mesh), _with_shardings(shapes.moments, moments))


def _with_shardings(shapes, shardings):
    return jax.tree.map(
        lambda leaf, where: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=where),
        shapes,
        shardings,
    )


@functools.lru_cache(maxsize=8)
def make_train_step(
    model: ModelConfig,
    optimizer: Optimizer,
    z_loss: float,
    mesh: Mesh,
    *,
    microbatches: int = 1,
    eos_id: int | None = None,
):
    """The compiled step. Cached, so that phases of equal shapes share one compilation.

    Returns step(state, tokens_BT, learning_rate) -> (state, metrics), where tokens are [B, T+1]
    int32 windows. Metrics, replicated over the mesh: `loss` (mean nats per token), `loss_B` (the
    same for each window), `grad_norm` (before clipping) and, if the optimizer skips loss spikes,
    `skipped_steps` (so far). The state is donated.

    `microbatches`: parts of the batch that are computed one after the other, to save memory; their
    gradients are added in float32. `eos_id`: stands between documents, which attention then does
    not cross; None lets it look at the whole window.
    """
    train_step = step_function(model, optimizer, z_loss, microbatches, eos_id)
    everywhere = NamedSharding(mesh, PartitionSpec())
    placed = jax.tree.map(lambda leaf: leaf.sharding, abstract_state(model, optimizer, mesh))
    return jax.jit(train_step, donate_argnums=0, out_shardings=(placed, everywhere))


def step_function(
    model: ModelConfig,
    optimizer: Optimizer,
    z_loss: float,
    microbatches: int,
    eos_id: int | None,
) -> Callable[[TrainState, Array, Array], tuple[TrainState, dict[str, Array]]]:
    """The step as a pure function, not compiled; arguments and results as `make_train_step` says.

    To be traced under `jax.set_mesh`.
    """
    transform = make_transform(optimizer)

    def loss_of(params, tokens_BT):
        inputs_BT, targets_BT = tokens_BT[:, :-1], tokens_BT[:, 1:]
        segments_BT = None if eos_id is None else document_numbers(inputs_BT, eos_id)
        hidden_BTD = apply(model, params, inputs_BT, segments_BT)
        weights_BT = jnp.ones(targets_BT.shape, jnp.float32)
        loss_sum, nll_BT = cross_entropy(
            hidden_BTD,
            params["embedding"],
            targets_BT,
            weights_BT,
            z_loss=z_loss,
            chunk_tokens=model.loss_chunk_tokens,
        )
        return loss_sum / targets_BT.size, jnp.mean(nll_BT, axis=1)

    gradients_of = _accumulate(jax.value_and_grad(loss_of, has_aux=True), microbatches)

    def train_step(state: TrainState, tokens_BT, learning_rate):
        loss_B, grads = gradients_of(state.params, tokens_BT)
        loss = jnp.mean(loss_B)
        with jax.named_scope("optimizer"):
            direction, moments = transform.update(grads, state.moments, state.params, loss=loss)
            params = descend(state.params, direction, learning_rate)
        metrics = {"loss": loss, "loss_B": loss_B, "grad_norm": optax.global_norm(grads)}
        if isinstance(moments, SpikeState):
            metrics["skipped_steps"] = moments.skipped
        return TrainState(params, moments), metrics

    return train_step


def document_numbers(tokens_BT: Int[Array, "B T"], eos_id: int) -> Int[Array, "B T"]:
    """Which document of its window each token belongs to, from 0.

    An EOS belongs to the document behind it: each one begins by seeing an EOS, as it does where it
    is scored. The end of a document is predicted from the document's last token.
    """
    return jnp.cumsum((tokens_BT == eos_id).astype(jnp.int32), axis=1)


def _accumulate(value_and_grad, microbatches: int):
    """(params, tokens_BT) -> (loss_B, gradients of the mean), computed in equal parts."""
    if microbatches == 1:

        def whole(params, tokens_BT):
            (_, loss_B), grads = value_and_grad(params, tokens_BT)
            return loss_B, grads

        return whole

    def in_parts(params, tokens_BT):
        # Row b goes to part b % microbatches, so that each device finds its rows of every part
        # among those that it holds already.
        parts_MRT = tokens_BT.reshape(-1, microbatches, tokens_BT.shape[1]).swapaxes(0, 1)
        parts_MRT = sharding.constrain(parts_MRT, None, "batch", "time")

        def add(total, part_RT):
            (_, loss_R), grads = value_and_grad(params, part_RT)
            return jax.tree.map(jnp.add, total, grads), loss_R

        zeros = jax.tree.map(jnp.zeros_like, params)
        total, loss_MR = jax.lax.scan(add, zeros, parts_MRT)
        return loss_MR.swapaxes(0, 1).reshape(-1), jax.tree.map(lambda g: g / microbatches, total)

    return in_parts
