"""Products of activations with matrices of weights, with gradients that suit the processor.

y_BTF = weigh("BTD,DF->BTF", x_BTD, matrix_DF)
"""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array

from code_ablate.model import sharding


def weigh(spec: str, x: Array, weights: Array) -> Array:
    """The einsum "x,weights->y" of two arrays, in their dtype.

    On a CPU the gradient of the weights is one einsum of x and of the gradient of y, in this order.
    Left alone, JAX makes it in the other order, and XLA transposes the larger of the two for it:
    a fifth of a small model's step (docs/log.md). An accelerator chooses its layouts itself.
    """
    product = _weigh_on_cpu if sharding.platform() == "cpu" else jnp.einsum
    return product(spec, x, weights)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _weigh_on_cpu(spec: str, x: Array, weights: Array) -> Array:
    return jnp.einsum(spec, x, weights)


def _forward(spec: str, x: Array, weights: Array) -> tuple[Array, tuple[Array, Array]]:
    return jnp.einsum(spec, x, weights), (x, weights)


def _backward(spec: str, inputs: tuple[Array, Array], d_y: Array) -> tuple[Array, Array]:
    x, weights = inputs
    of_inputs, of_y = spec.split("->")
    of_x, of_weights = of_inputs.split(",")
    return (
        jnp.einsum(f"{of_y},{of_weights}->{of_x}", d_y, weights),
        jnp.einsum(f"{of_x},{of_y}->{of_weights}", x, d_y),
    )


_weigh_on_cpu.defvjp(_forward, _backward)
