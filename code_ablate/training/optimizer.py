"""AdamW from optax, in which the learning rate is an argument of the step, not part of the state.

    transform = make_transform(Optimizer())
    moments = transform.init(params)
    direction, moments = transform.update(grads, moments, params, loss=loss)
    params = descend(params, direction, learning_rate)

With the learning rate outside, all phases of a study that differ in schedule share one compiled
step, and carrying or restarting either of the two is the phase's explicit choice.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from code_ablate.training.phase import Optimizer

SPIKE_HISTORY = 128
"""Steps that a loss and a gradient norm are compared with. None is skipped before there are as
many: the loss falls fast at first."""


def make_transform(optimizer: Optimizer) -> optax.GradientTransformationExtraArgs:
    """Clipping, Adam's direction, and decoupled weight decay; the caller applies the rate.

    With `optimizer.skip_spikes`, inside of `skip_spikes`: `update` then needs `loss`.
    """
    transform = optax.chain(
        optax.clip_by_global_norm(optimizer.clip_norm),
        optax.scale_by_adam(b1=optimizer.b1, b2=optimizer.b2, eps=optimizer.epsilon),
        optax.add_decayed_weights(
            optimizer.weight_decay,
            mask=lambda params: jax.tree_util.tree_map_with_path(_is_matrix, params),
        ),
    )
    if optimizer.skip_spikes is not None:
        transform = skip_spikes(transform, optimizer.skip_spikes)
    return optax.with_extra_args_support(transform)


def descend(params, direction, learning_rate):
    """params - learning_rate * direction."""
    return jax.tree.map(lambda p, d: p - learning_rate * d, params, direction)


class SpikeState(NamedTuple):
    """State of `skip_spikes`."""

    inner: Any
    """State of the transformation inside."""
    losses_N: Float[Array, " N"]
    """Losses of the last N steps, skipped ones among them, in a ring."""
    norms_N: Float[Array, " N"]
    """Gradient norms of the same steps."""
    seen: Int[Array, ""]
    """Number of steps so far."""
    skipped: Int[Array, ""]
    """Number of steps whose update was not applied."""


def skip_spikes(
    inner: optax.GradientTransformationExtraArgs, deviations: float, history: int = SPIKE_HISTORY
) -> optax.GradientTransformationExtraArgs:
    """Applies nothing in a step whose loss or gradient norm stands out of the last `history` steps.

    It stands out when it exceeds their mean by more than `deviations` standard deviations: the rule
    of SkipStepOptimizer in OLMo-core. A skipped step changes neither parameters nor moments. Its
    values enter the history, so that a lasting change is accepted soon.
    """

    def init(params) -> SpikeState:
        empty_N, zero = jnp.zeros(history, jnp.float32), jnp.zeros((), jnp.int32)
        return SpikeState(inner.init(params), empty_N, empty_N, zero, zero)

    def update(grads, state: SpikeState, params=None, *, loss, **extra):
        norm = optax.global_norm(grads)
        spike = (state.seen >= history) & (
            (loss > state.losses_N.mean() + deviations * state.losses_N.std())
            | (norm > state.norms_N.mean() + deviations * state.norms_N.std())
        )
        direction, moved = inner.update(grads, state.inner, params, **extra)
        slot = state.seen % history
        return jax.tree.map(lambda d: jnp.where(spike, 0, d), direction), SpikeState(
            jax.tree.map(lambda old, new: jnp.where(spike, old, new), state.inner, moved),
            state.losses_N.at[slot].set(loss),
            state.norms_N.at[slot].set(norm),
            state.seen + 1,
            state.skipped + spike,
        )

    return optax.GradientTransformationExtraArgs(init, update)


def _is_matrix(path: tuple, _leaf) -> bool:
    """Scales of norms are not decayed. Told by name: stacking layers makes them two-dimensional."""
    return not any("norm" in str(part) for part in path)
