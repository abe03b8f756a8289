import dataclasses

import jax
import jax.numpy as jnp
import pytest
from flax import nnx

from code_ablate.model import ModelConfig, init_params, param_shapes
from code_ablate.model.flops import count_parameters, flops_per_token
from code_ablate.model.rope import rotary_angles
from code_ablate.model.transformer import bind

PAPER_470M = ModelConfig(
    d_model=1024, layers=16, heads=8, head_dim=128, feed_forward=2816, vocabulary_size=256_000
)
PAPER_2_8B = ModelConfig(
    d_model=2560, layers=24, heads=20, head_dim=128, feed_forward=8192, vocabulary_size=256_000
)


@pytest.mark.parametrize("kv_heads", [None, 1, 2])
def test_the_count_is_that_of_the_real_tree(config, kv_heads):
    config = dataclasses.replace(config, kv_heads=kv_heads)
    params = init_params(config, 0)
    count = count_parameters(config)
    assert count.total == sum(p.size for p in jax.tree.leaves(params))
    assert count.embedding == params["embedding"].size
    assert count.attention == sum(p.size for p in params["blocks"]["attention"].values())
    assert count.feed_forward == sum(p.size for p in params["blocks"]["feed_forward"].values())


@pytest.mark.parametrize(
    ("config", "total", "embedding"),
    [(PAPER_470M, 467.7e6, 262e6), (PAPER_2_8B, 2.79e9, 655e6)],
    ids=["470M", "2.8B"],
)
def test_the_paper_sizes(config, total, embedding):
    count = count_parameters(config)
    assert count.total == pytest.approx(total, rel=2e-3)
    assert count.embedding == pytest.approx(embedding, rel=2e-3)
    assert count.total == sum(p.size for p in jax.tree.leaves(param_shapes(config)))


def test_flops_of_the_paper_size_by_hand():
    # 16 layers of 4 projections of 1024 x 1024 and 3 of 1024 x 2816, and the logits.
    matrices = 16 * (4 * 1024 * 1024 + 3 * 1024 * 2816) + 256_000 * 1024
    # Half of 8192 keys, 8 heads of 128 channels, two products of two operations.
    attention = 16 * (8192 / 2) * (8 * 128) * 2 * 2
    assert flops_per_token(PAPER_470M, 8192, training=False) == 2 * matrices + attention
    assert flops_per_token(PAPER_470M, 8192) == 6 * matrices + 3 * attention


@pytest.mark.parametrize("training", [False, True])
def test_flops_against_xla_on_an_unrolled_model(training):
    """XLA computes all T x T scores, so the formula's halved attention is doubled here."""
    config = ModelConfig(
        d_model=256, layers=2, heads=4, kv_heads=2, head_dim=64, feed_forward=704,
        vocabulary_size=1024,
    )  # fmt: skip
    T = 256
    tokens_BT = jnp.zeros((1, T), jnp.int32)

    def unrolled(params):
        model = bind(config, params)
        definition, stacked = nnx.split(model.blocks)
        angles_TP = rotary_angles(jnp.arange(T), config.head_dim, config.rope_theta)
        x_BTD = params["embedding"][tokens_BT]
        for i in range(config.layers):
            block = nnx.merge(definition, jax.tree.map(lambda p, i=i: p[i], stacked))
            x_BTD = block(x_BTD, angles_TP, None)
        return model.logits(model.final_norm(x_BTD)).mean() ** 2

    function = jax.value_and_grad(unrolled) if training else unrolled
    cost = jax.jit(function).lower(param_shapes(config)).compile().cost_analysis()
    without_attention = flops_per_token(config, 0, training)
    both_halves = 2 * (flops_per_token(config, T, training) - without_attention)
    # XLA also counts the elementwise work, a few percent at this size.
    assert T * (without_attention + both_halves) == pytest.approx(cost["flops"], rel=0.05)
    assert cost["flops"] > T * (without_attention + both_halves)
