"""The model's blocks without the scan over them."""

import jax
import jax.numpy as jnp
from flax import nnx

from code_ablate.model.attention import attend
from code_ablate.model.rope import rotary_angles


def through_blocks(model, x_BTD):
    """Hidden states after the final norm, one block after the other, "reference" attention."""
    config = model.config
    definition, stacked = nnx.split(model.blocks)
    angles_TP = rotary_angles(jnp.arange(x_BTD.shape[1]), config.head_dim, config.rope_theta)

    def causal(q_BTHC, k_BTKC, v_BTKC, _):
        return attend(q_BTHC, k_BTKC, v_BTKC, backend="reference"), None

    for i in range(config.layers):
        block = nnx.merge(definition, jax.tree.map(lambda p, i=i: p[i], stacked))
        x_BTD, _ = block(x_BTD, angles_TP, causal)
    return model.final_norm(x_BTD)
