import dataclasses

import jax
import jax.numpy as jnp
import pytest
from jax.extend.core import jaxprs_in_params

from code_ablate.model import ModelConfig, init_params, param_shapes
from code_ablate.model.flops import count_parameters, flops_per_token
from code_ablate.model.transformer import bind
from tests.model.unrolled import through_blocks

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


def test_flops_of_a_small_shape_by_hand():
    """Literal numbers only: d_model 4, 2 layers, 2 heads of 6, 1 key-value head, 10, 7 entries."""
    config = ModelConfig(
        d_model=4, layers=2, heads=2, kv_heads=1, head_dim=6, feed_forward=10, vocabulary_size=7
    )
    query, key, value, output = 4 * 12, 4 * 6, 4 * 6, 12 * 4
    gate, up, down = 4 * 10, 4 * 10, 10 * 4
    logits = 4 * 7  # the embedding, as a product; its lookup at the input multiplies nothing
    multiplied = 2 * (query + key + value + output + gate + up + down) + logits
    assert multiplied == 556
    # Sequence of 3: 2 layers, 2 products of 2 query heads of 6 channels with 3 / 2 keys.
    attended = 2 * 2 * 12 * 3 / 2
    assert attended == 72
    assert flops_per_token(config, 3, training=False) == 2 * (556 + 72) == 1256
    assert flops_per_token(config, 3) == 3768


T = 256
SMALL = ModelConfig(
    d_model=256, layers=2, heads=4, kv_heads=2, head_dim=64, feed_forward=704, vocabulary_size=1024
)


def unrolled(params):
    """A scalar of the logits of T tokens, without the scan, whose body XLA would count once."""
    model = bind(SMALL, params)
    x_BTD = params["embedding"][jnp.zeros((1, T), jnp.int32)]
    return model.logits(through_blocks(model, x_BTD)).mean() ** 2


def with_both_halves(training):
    """The formula for T tokens, with the scores above the diagonal too: "reference" attention
    computes all T x T of them and masks half. Nothing else is changed."""
    without_attention = flops_per_token(SMALL, 0, training)
    return T * (2 * flops_per_token(SMALL, T, training) - without_attention)


def matrix_products(jaxpr):
    """All equations of matrix products in a jaxpr and those it calls; none may be in a loop."""
    for equation in jaxpr.eqns:
        assert equation.primitive.name not in ("scan", "while")
        if equation.primitive.name == "dot_general":
            yield equation
        for inner in jaxprs_in_params(equation.params):
            yield from matrix_products(inner)


def flops_by_xla(equation):
    """What XLA says of one matrix product alone."""
    operands = [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in equation.invars]
    product = jax.jit(lambda *xs: equation.primitive.bind(*xs, **equation.params))
    return product.lower(*operands).cost_analysis()["flops"]


@pytest.mark.parametrize("training", [False, True])
def test_the_matrix_products_of_the_model_are_those_of_the_formula(training):
    """Exactly: XLA's own count of every product, forward and backward, attention not halved."""
    function = jax.value_and_grad(unrolled) if training else unrolled
    everything = list(matrix_products(jax.make_jaxpr(function)(param_shapes(SMALL)).jaxpr))
    # Rotary embedding is written as a product with a matrix of [C, C]; it does not count as one.
    turn = (SMALL.head_dim, SMALL.head_dim)
    products = [e for e in everything if turn not in [v.aval.shape for v in e.invars]]
    assert len(everything) - len(products) == (2 if training else 1) * SMALL.layers * 2
    # Seven projections and two products of attention in each layer, and the logits.
    assert len(products) == (3 if training else 1) * (2 * (7 + 2) + 1)
    assert sum(map(flops_by_xla, products)) == with_both_halves(training)


@pytest.mark.parametrize("training", [False, True])
def test_flops_against_xla_on_an_unrolled_model(training):
    """The compiled program holds the products of the formula and a little elementwise work."""
    function = jax.value_and_grad(unrolled) if training else unrolled
    cost = jax.jit(function).lower(param_shapes(SMALL)).compile().cost_analysis()
    assert with_both_halves(training) < cost["flops"] < 1.05 * with_both_halves(training)
