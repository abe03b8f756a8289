import dataclasses
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from code_ablate.errors import UserError
from code_ablate.model import (
    ModelConfig,
    Transformer,
    cross_entropy,
    param_axes,
    param_shapes,
)
from code_ablate.model import apply as eager_apply
from code_ablate.model import init_params as eager_init_params
from code_ablate.model.config import REMAT
from code_ablate.model.embedding import lookup
from code_ablate.model.transformer import bind
from tests.model.unrolled import through_blocks
from tests.tolerance import assert_close

apply = jax.jit(eager_apply, static_argnums=0)
init_params = jax.jit(eager_init_params, static_argnums=0)


def tokens_for(config: ModelConfig, shape=(2, 11), seed=1):
    return jax.random.randint(jax.random.key(seed), shape, 0, config.vocabulary_size)


@pytest.mark.parametrize("backend", ["reference", "blocked", "dot_product"])
def test_a_hidden_state_depends_on_its_past_and_present_only(config, backend):
    config = dataclasses.replace(config, attention=backend)
    model = bind(config, init_params(config, 0))
    T, D = 70, config.d_model  # more than one block of "blocked"
    x_TD = jax.random.normal(jax.random.key(2), (T, D))
    direction_D = jax.random.normal(jax.random.key(3), (D,))

    @jax.jit
    @jax.grad
    def influence_on(x_TD, t):
        return model.from_embedded(x_TD[None])[0, t] @ direction_D

    for t in (0, 3, 63, 64, 69):
        influence_T = jnp.abs(influence_on(x_TD, t)).sum(axis=-1)
        assert (influence_T[t + 1 :] == 0).all()
        assert (influence_T[: t + 1] > 0).all()


def test_documents_of_a_packed_row_do_not_see_each_other(config):
    params = init_params(config, 0)
    tokens_BT = tokens_for(config, (1, 12))
    segments_BT = jnp.array([[0] * 5 + [1] * 7])
    packed_BTD = apply(config, params, tokens_BT, segments_BT)
    apart_BTD = jnp.concatenate(
        [apply(config, params, tokens_BT[:, :5]), apply(config, params, tokens_BT[:, 5:])], axis=1
    )
    assert_close(packed_BTD, apart_BTD, 1e-5)
    assert jnp.abs(apply(config, params, tokens_BT) - apart_BTD).max() > 1e-2


def test_the_scan_over_layers_equals_the_blocks_one_by_one_in_numpy(config):
    """The block's formula, written out by hand in float64."""
    params = jax.tree.map(np.float64, init_params(config, 0))
    tokens_BT = tokens_for(config)
    T, H, K, C = tokens_BT.shape[1], config.heads, config.num_kv_heads, config.head_dim
    angles_TP = np.outer(np.arange(T), config.rope_theta ** (-np.arange(0, C, 2) / C))

    def norm(x, scale):
        x = x - x.mean(-1, keepdims=True)
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + config.norm_epsilon) * scale

    def turn(x_BTHC):
        pairs = x_BTHC[..., 0::2] + 1j * x_BTHC[..., 1::2]
        pairs = pairs * np.exp(1j * angles_TP)[None, :, None]
        return np.stack([pairs.real, pairs.imag], -1).reshape(x_BTHC.shape)

    def attention(y, p):
        def heads(name):
            return (y @ p[name]).reshape(*y.shape[:2], -1, C)

        q, k, v = turn(heads("query")), turn(heads("key")), heads("value")
        out = np.zeros_like(q)
        for h in range(H):
            for t in range(T):
                g = h // (H // K)
                scores = np.einsum("bc,bsc->bs", q[:, t, h], k[:, : t + 1, g]) / np.sqrt(C)
                weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
                out[:, t, h] = np.einsum("bs,bsc->bc", weights, v[:, : t + 1, g])
        return out.reshape(*y.shape[:2], -1) @ p["output"]

    x = params["embedding"][tokens_BT]
    for i in range(config.layers):
        p = jax.tree.map(lambda stacked, i=i: stacked[i], params["blocks"])
        y, ffn = norm(x, p["norm"]["scale"]), p["feed_forward"]
        gate = y @ ffn["gate"]
        x = (
            x
            + attention(y, p["attention"])
            + (gate / (1 + np.exp(-gate)) * (y @ ffn["up"])) @ ffn["down"]
        )
    expected = norm(x, params["final_norm"]["scale"])
    assert_close(apply(config, init_params(config, 0), tokens_BT), expected, 2e-5)


def weighted_sum(hidden_BTD):
    """A scalar with a gradient everywhere. A sum of squares has none: norms hold it constant."""
    return (hidden_BTD * jax.random.normal(jax.random.key(7), hidden_BTD.shape)).sum()


def test_the_scan_equals_an_unrolled_loop(config):
    params, tokens_BT = init_params(config, 0), tokens_for(config)

    def unrolled(params):
        model = bind(config, params)
        x_BTD = params["embedding"][tokens_BT]
        return weighted_sum(through_blocks(model, x_BTD))

    loop = jax.jit(jax.value_and_grad(unrolled))(params)
    scan = jax.jit(jax.value_and_grad(lambda p: weighted_sum(apply(config, p, tokens_BT))))(params)
    jax.tree.map(lambda a, b: assert_close(a, b, 1e-4), loop, scan)


def language_loss(config, tokens_BT):
    """The loss that is trained on, as a function of the parameters."""

    def loss(params):
        targets_BT = jnp.roll(tokens_BT, -1, axis=1)
        hidden_BTD = apply(config, params, tokens_BT)
        weights_BT = jnp.ones(targets_BT.shape, jnp.float32)
        total, _ = cross_entropy(hidden_BTD, params["embedding"], targets_BT, weights_BT)
        return total / targets_BT.size

    return loss


def saved_bytes(loss, params) -> int:
    """What the forward pass hands to the backward pass: the arrays that a vjp closes over."""
    residuals = jax.eval_shape(lambda p: jax.vjp(loss, p)[1], params)
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(residuals))


def test_remat_changes_memory_and_not_gradients(config):
    config = dataclasses.replace(config, layers=8)
    params, tokens_BT = init_params(config, 0), tokens_for(config, (4, 64))
    gradients, saved, rematerialised = {}, {}, {}
    for remat in REMAT:
        loss = language_loss(dataclasses.replace(config, remat=remat), tokens_BT)
        gradients[remat] = jax.jit(jax.grad(loss))(params)
        saved[remat] = saved_bytes(loss, params)
        rematerialised[remat] = " remat" in str(jax.make_jaxpr(jax.grad(loss))(params))
    assert rematerialised == {remat: remat != "none" for remat in REMAT}
    assert saved["full"] * 1.5 < saved["dots"] and saved["dots"] * 1.5 < saved["none"]
    for leaf in jax.tree.leaves(gradients["none"]):
        assert (jnp.abs(leaf).max(axis=-1) > 1e-6).mean() > 0.5  # there is something to compare
    for remat in REMAT:
        jax.tree.map(lambda a, b: assert_close(a, b, 1e-5), gradients[remat], gradients["none"])


def test_remat_of_attention_keeps_what_it_says(config):
    """In the forward pass's residuals: the kernel's output and the norm's, and queries and keys."""
    config = dataclasses.replace(config, attention="splash_interpret")
    saved = {
        remat: saved_bytes(
            language_loss(dataclasses.replace(config, remat=remat), tokens_for(config, (2, 128))),
            param_shapes(config),
        )
        for remat in ("full", "attention", "attention_qk")
    }
    tokens, heads, kv_heads = 2 * 128, config.heads, config.num_kv_heads
    output = config.layers * tokens * heads * (config.head_dim + 1) * 4  # and a logsumexp each
    statistics = config.layers * tokens * 2 * 4  # mean and variance
    inputs = config.layers * tokens * (heads + kv_heads) * config.head_dim * 4
    assert saved["attention"] - saved["full"] == output + statistics
    assert saved["attention_qk"] - saved["attention"] == inputs


def test_the_gradient_of_a_frequent_token_adds_up_in_float32():
    tokens_BT = jnp.zeros((2, 1000), jnp.int32)

    def looked_up(embedding_VD):
        return lookup(embedding_VD, tokens_BT, jnp.bfloat16).astype(jnp.float32).sum()

    gradient = jax.grad(looked_up)(jnp.ones((4, 8)))
    assert gradient.dtype == jnp.float32
    assert (gradient[0] == 2000).all(), "bfloat16 stops at 256 + 1 = 256"
    assert (gradient[1:] == 0).all()


def test_initialisation_is_glorot_normal_per_matrix():
    config = ModelConfig(
        d_model=128, layers=4, heads=4, kv_heads=1, head_dim=32, feed_forward=384,
        vocabulary_size=1024,
    )  # fmt: skip
    params = init_params(config, 0)
    blocks = params["blocks"]
    matrices = {
        "embedding": (params["embedding"], 1024 + 128),
        "query": (blocks["attention"]["query"], 128 + 128),
        "key": (blocks["attention"]["key"], 128 + 32),
        "output": (blocks["attention"]["output"], 128 + 128),
        "gate": (blocks["feed_forward"]["gate"], 128 + 384),
        "down": (blocks["feed_forward"]["down"], 384 + 128),
    }
    for name, (matrix, fans) in matrices.items():
        np.testing.assert_allclose(matrix.std(), (2 / fans) ** 0.5, rtol=0.02, err_msg=name)
        assert abs(matrix.mean()) < 4 * matrix.std() / matrix.size**0.5, name
        assert jnp.abs(matrix).max() > 3 * matrix.std(), "not truncated"
    assert (blocks["norm"]["scale"] == 1).all()
    assert (params["final_norm"]["scale"] == 1).all()
    layers = blocks["attention"]["query"]
    assert not jnp.array_equal(layers[0], layers[1])
    assert not jnp.array_equal(params["embedding"], init_params(config, 1)["embedding"])


def test_parameters_are_a_float32_dict_with_named_axes(config):
    params = init_params(config, 0)
    shapes, axes = param_shapes(config), param_axes(config)
    assert jax.tree.map(lambda p: (p.shape, p.dtype), params) == jax.tree.map(
        lambda s: (s.shape, jnp.dtype("float32")), shapes
    )

    def is_axes(node):
        return isinstance(node, tuple)

    jax.tree.map(lambda a, p: None if len(a) == p.ndim else pytest.fail(str(a)), axes, params,
                 is_leaf=is_axes)  # fmt: skip
    assert axes["embedding"] == ("vocabulary", "embed")
    assert axes["blocks"]["attention"]["key"] == ("layers", "embed", "kv_heads")
    assert axes["blocks"]["norm"]["scale"] == ("layers", "norm")
    assert axes["final_norm"]["scale"] == ("norm",)


def test_the_module_and_the_functions_agree(config):
    params, tokens_BT = init_params(config, 0), tokens_for(config)
    definition, state = nnx.split(Transformer(config, nnx.Rngs(params=jax.random.key(0))))
    model = nnx.merge(definition, state)
    hidden_BTD = model(tokens_BT)
    assert_close(hidden_BTD, apply(config, params, tokens_BT), 1e-5)
    assert_close(model.logits(hidden_BTD), hidden_BTD @ params["embedding"].T, 1e-5)


def test_bfloat16_computes_in_bfloat16_and_stays_close(config):
    bfloat16 = dataclasses.replace(config, compute_dtype="bfloat16")
    params, tokens_BT = init_params(config, 0), tokens_for(config)
    hidden_BTD = apply(bfloat16, params, tokens_BT)
    assert hidden_BTD.dtype == jnp.bfloat16
    error = jnp.abs(hidden_BTD.astype(jnp.float32) - apply(config, params, tokens_BT))
    assert 1e-4 < error.mean() < 3e-2  # not zero, which would be float32 after all
    gradient = jax.eval_shape(
        jax.grad(lambda p: apply(bfloat16, p, tokens_BT).astype(jnp.float32).sum()), params
    )
    assert all(g.dtype == jnp.float32 for g in jax.tree.leaves(gradient))


def test_golden_first_step(config):
    """If you meant to change the model, the loss or the initialisation, put in the new numbers."""
    params = init_params(config, 0)
    tokens_BT = tokens_for(config, (4, 33))
    weights_BT = jnp.ones((4, 32))

    @jax.jit
    @jax.value_and_grad
    def loss_of(params):
        hidden_BTD = apply(config, params, tokens_BT[:, :-1])
        loss, _ = cross_entropy(hidden_BTD, params["embedding"], tokens_BT[:, 1:], weights_BT)
        return loss / weights_BT.sum()

    loss, gradients = loss_of(params)
    optimizer = optax.adamw(1e-2)
    updates, _ = optimizer.update(gradients, optimizer.init(params), params)
    next_loss, _ = loss_of(optax.apply_updates(params, updates))
    golden = {"loss": 4.3544989, "gradient_norm": 1.3675597, "next_loss": 3.6739526}
    found = {
        "loss": float(loss),
        "gradient_norm": float(optax.global_norm(gradients)),
        "next_loss": float(next_loss),
    }
    assert found == pytest.approx(golden, rel=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layers": 0}, "layers is 0: it must be a whole number from 1"),
        ({"head_dim": 7}, "even"),
        ({"kv_heads": 3}, "divisor of heads"),
        ({"compute_dtype": "bfloat"}, "bfloat16"),
        ({"attention": "referense"}, "reference"),
        ({"remat": "ful"}, "full"),
        ({"rope_theta": 0.0}, "above 0"),
    ],
)
def test_a_bad_configuration_is_refused_with_the_fix(config, change, message):
    with pytest.raises(UserError, match=message):
        dataclasses.replace(config, **change)


def test_the_model_imports_without_tensorflow_seqio_and_gin():
    program = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("tensorflow", "seqio", "gin"):
            raise ImportError(name + " is blocked")
sys.meta_path.insert(0, Blocked())
try:
    import tensorflow
except ImportError:
    print("blocked")
import code_ablate.model, code_ablate.model.flops
print("imported")
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.stdout.split() == ["blocked", "imported"], result.stderr
