"""AdamW from optax, in which the learning rate is an argument of the step, not part of the state.

    transform = make_transform(Optimizer())
    moments = transform.init(params)
    direction, moments = transform.update(grads, moments, params)
    params = descend(params, direction, learning_rate)

With the learning rate outside, all phases of a study that differ in schedule share one compiled
step, and carrying or restarting either of the two is the phase's explicit choice.
"""

import jax
import optax

from code_ablate.training.phase import Optimizer


def _is_matrix(path: tuple, _leaf) -> bool:
    """Scales of norms are not decayed. Told by name: stacking layers makes them two-dimensional."""
    return not any("norm" in str(part) for part in path)


def make_transform(optimizer: Optimizer) -> optax.GradientTransformation:
    """Clipping, Adam's direction, and decoupled weight decay; the caller applies the rate."""
    return optax.chain(
        optax.clip_by_global_norm(optimizer.clip_norm),
        optax.scale_by_adam(b1=optimizer.b1, b2=optimizer.b2, eps=optimizer.epsilon),
        optax.add_decayed_weights(
            optimizer.weight_decay,
            mask=lambda params: jax.tree_util.tree_map_with_path(_is_matrix, params),
        ),
    )


def descend(params, direction, learning_rate):
    """params - learning_rate * direction."""
    return jax.tree.map(lambda p, d: p - learning_rate * d, params, direction)
