"""The train step: a pure function of state, batch and learning rate, compiled once per shape.

state = initial_state(model, optimizer, seed, mesh)
step = make_train_step(model, optimizer, z_loss, mesh)
state, metrics = step(state, tokens_BT, learning_rate)
"""

import functools
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from code_ablate.model import sharding
from code_ablate.model.loss import cross_entropy
from code_ablate.model.transformer import (
    ModelConfig,
    apply,
    init_params,
    param_shapes,
    param_shardings,
)
from code_ablate.training.optimizer import descend, make_transform
from code_ablate.training.phase import Optimizer


@functools.partial(
    jax.tree_util.register_dataclass, data_fields=["params", "moments"], meta_fields=[]
)
@dataclass(frozen=True)
class TrainState:
    """All arrays that training carries from step to step. Positions in the data are not among them:
    they are a function of the step."""

    params: Any
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
def make_train_step(model: ModelConfig, optimizer: Optimizer, z_loss: float, mesh: Mesh):
    """The compiled step. Cached, so that phases of equal shapes share one compilation.

    Returns step(state, tokens_BT, learning_rate) -> (state, metrics), where tokens are [B, T+1]
    int32 windows, and metrics has `loss` (mean nats per token), `loss_B` (the same for each
    window) and `grad_norm` (before clipping). The state is donated.
    """
    transform = make_transform(optimizer)

    def loss_of(params, tokens_BT):
        hidden_BTD = apply(model, params, tokens_BT[:, :-1])
        targets_BT = tokens_BT[:, 1:]
        weights_BT = jnp.ones(targets_BT.shape, jnp.float32)
        loss_sum, nll_BT = cross_entropy(
            hidden_BTD, params["embedding"], targets_BT, weights_BT, z_loss=z_loss
        )
        return loss_sum / targets_BT.size, nll_BT

    def train_step(state: TrainState, tokens_BT, learning_rate):
        (_, nll_BT), grads = jax.value_and_grad(loss_of, has_aux=True)(state.params, tokens_BT)
        with jax.named_scope("optimizer"):
            direction, moments = transform.update(grads, state.moments, state.params)
            params = descend(state.params, direction, learning_rate)
        loss_B = jnp.mean(nll_BT, axis=1)
        metrics = {
            "loss": jnp.mean(loss_B),
            "loss_B": loss_B,
            "grad_norm": _global_norm(grads),
        }
        return TrainState(params, moments), metrics

    return jax.jit(train_step, donate_argnums=0)


def _global_norm(tree):
    return jnp.sqrt(sum(jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(tree)))
