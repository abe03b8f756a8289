import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from code_ablate.errors import UserError
from code_ablate.model import cross_entropy, token_log_likelihoods
from tests.eight_devices import run_on_eight_devices
from tests.tolerance import assert_close


def example(B=3, T=7, D=5, V=11, seed=0):
    rng = np.random.default_rng(seed)
    return (
        rng.normal(size=(B, T, D)) * 2,
        rng.normal(size=(V, D)),
        rng.integers(0, V, (B, T)),
        rng.integers(0, 3, (B, T)) / 2.0,
    )


def written_out(hidden, embedding, targets, weights, z_loss):
    """Loss, nll and both gradients in float64 numpy."""
    logits = hidden @ embedding.T
    log_z = np.log(np.exp(logits - logits.max()).sum(-1)) + logits.max()
    one_hot = np.eye(len(embedding))[targets]
    nll = log_z - (logits * one_hot).sum(-1)
    probabilities = np.exp(logits - log_z[..., None])
    d_logits = weights[..., None] * (
        probabilities - one_hot + 2 * z_loss * log_z[..., None] * probabilities
    )
    return (
        (weights * (nll + z_loss * log_z**2)).sum(),
        nll,
        d_logits @ embedding,
        np.einsum("btv,btd->vd", d_logits, hidden),
    )


@settings(max_examples=8, deadline=None)
@given(
    T=st.integers(1, 9),
    chunk_tokens=st.one_of(st.none(), st.integers(1, 40)),
    z_loss=st.sampled_from([0.0, 1e-2]),
    factor=st.sampled_from([1.0, -2.5]),
    seed=st.integers(0, 99),
)
def test_loss_and_gradients_equal_float64(T, chunk_tokens, z_loss, factor, seed):
    hidden, embedding, targets, weights = example(T=T, seed=seed)
    with jax.numpy_rank_promotion("raise"):

        def scaled(hidden, embedding):
            loss, nll = cross_entropy(
                hidden, embedding, jnp.asarray(targets), jnp.asarray(weights, jnp.float32),
                z_loss=z_loss, chunk_tokens=chunk_tokens,
            )  # fmt: skip
            return factor * loss, (loss, nll)

        arrays = jnp.asarray(hidden, jnp.float32), jnp.asarray(embedding, jnp.float32)
        (d_hidden, d_embedding), (loss, nll) = jax.grad(scaled, (0, 1), has_aux=True)(*arrays)
        _, (value_alone, nll_alone) = scaled(*arrays)
    expected = written_out(hidden, embedding, targets, weights, z_loss)

    assert_close(loss, expected[0], 2e-5)
    assert_close(nll, expected[1], 2e-5)
    assert_close(d_hidden, factor * expected[2], 2e-4)
    assert_close(d_embedding, factor * expected[3], 2e-4)
    assert_close(value_alone, expected[0], 2e-5)
    assert_close(nll_alone, expected[1], 2e-5)


def test_logged_nll_and_weights_have_no_gradient():
    hidden, embedding, targets, weights = (jnp.asarray(x) for x in example())

    def nll_sum(h, e):
        return cross_entropy(h, e, targets, weights)[1].sum()

    for gradient in jax.grad(nll_sum, (0, 1))(hidden, embedding):
        assert (gradient == 0).all()
    of_weights = jax.grad(lambda w: cross_entropy(hidden, embedding, targets, w)[0])(weights)
    assert (of_weights == 0).all()


def test_log_likelihoods_are_those_of_log_softmax():
    hidden, embedding, targets, _ = (jnp.asarray(x) for x in example())
    found = token_log_likelihoods(hidden, embedding, targets, chunk_tokens=6)
    table_BTV = jax.nn.log_softmax(hidden @ embedding.T, axis=-1)
    expected = jnp.take_along_axis(table_BTV, targets[..., None], axis=-1)[..., 0]
    assert_close(found, expected, 1e-5)


def test_a_chunk_whose_exponentials_overflow_is_made_again_exactly():
    """Targets 200 nats below the largest logit, beside ordinary ones in other chunks."""
    hidden, embedding, targets, weights = example(T=8)
    hidden[1] *= 60

    def loss(h, e):
        return cross_entropy(
            h, e, jnp.asarray(targets), jnp.asarray(weights, jnp.float32),
            z_loss=1e-3, chunk_tokens=8,
        )  # fmt: skip

    arrays = jnp.asarray(hidden, jnp.float32), jnp.asarray(embedding, jnp.float32)
    gradients, nll = jax.jit(jax.grad(loss, (0, 1), has_aux=True))(*arrays)
    expected = written_out_stably(hidden, embedding, targets, weights, 1e-3)
    assert expected[1].max() > 200 > 40 > expected[1][0].max()
    for found, wanted in zip((nll, *gradients), expected[1:], strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max())


def written_out_stably(hidden, embedding, targets, weights, z_loss):
    """written_out, one row at a time: each has its own largest logit."""
    rows = [
        written_out(hidden[b, t][None, None], embedding, targets[b, t][None, None],
                    weights[b, t][None, None], z_loss)
        for b in range(len(hidden)) for t in range(hidden.shape[1])
    ]  # fmt: skip
    loss, nll, d_hidden, d_embedding = zip(*rows, strict=True)
    return (
        sum(loss),
        np.array(nll).reshape(targets.shape),
        np.array(d_hidden).reshape(hidden.shape),
        sum(d_embedding),
    )


def test_bfloat16_does_not_drown_the_gradient_of_well_predicted_tokens():
    """p = 0.999: the gradient, p - 1, is smaller than the rounding of p in bfloat16."""
    rng = np.random.default_rng(0)
    embedding = rng.normal(size=(50, 64)).astype(jnp.bfloat16).astype(np.float64)
    targets = np.arange(40).reshape(2, 20)
    hidden = (0.2 * embedding[targets]).astype(jnp.bfloat16).astype(np.float64)
    weights = np.ones((2, 20))
    gradients = jax.grad(lambda h, e: cross_entropy(h, e, targets, weights)[0], (0, 1))(
        jnp.asarray(hidden, jnp.bfloat16), jnp.asarray(embedding, jnp.float32)
    )
    _, nll, *expected = written_out_stably(hidden, embedding, targets, weights, 0.0)
    assert 1e-4 < np.median(nll) < 4e-3
    for found, wanted in zip(gradients, expected, strict=True):
        error = np.abs(np.asarray(found, np.float64) - wanted)
        assert error.mean() < 0.01 * np.abs(wanted).mean()


def test_bfloat16_hidden_states_keep_float32_sums():
    hidden, embedding, targets, weights = example(B=4, T=64, D=16, V=50)
    hidden16 = jnp.asarray(hidden, jnp.bfloat16)
    arguments = jnp.asarray(embedding, jnp.float32), jnp.asarray(targets), jnp.asarray(weights)
    function = jax.value_and_grad(lambda h, e, t, w: cross_entropy(h, e, t, w)[0], (0, 1))
    loss, (d_hidden, d_embedding) = function(hidden16, *arguments)
    expected = written_out(hidden, embedding, targets, weights, 0.0)
    assert (loss.dtype, d_hidden.dtype, d_embedding.dtype) == (
        jnp.float32, jnp.bfloat16, jnp.float32,
    )  # fmt: skip
    np.testing.assert_allclose(loss, expected[0], rtol=1e-2)
    assert_close(d_embedding, expected[3], 0.02)


def test_nothing_of_tokens_times_vocabulary_is_alive():
    B, T, D, V = 4, 1024, 32, 8192

    def f32(*shape):
        return jax.ShapeDtypeStruct(shape, jnp.float32)

    arguments = (f32(B, T, D), f32(V, D), jax.ShapeDtypeStruct((B, T), jnp.int32), f32(B, T))

    def plain(hidden, embedding, targets, weights):
        log_p = jax.nn.log_softmax(jnp.einsum("BTD,VD->BTV", hidden, embedding), axis=-1)
        return -(weights * jnp.take_along_axis(log_p, targets[..., None], axis=-1)[..., 0]).sum()

    def chunked(hidden, embedding, targets, weights):
        return cross_entropy(hidden, embedding, targets, weights, chunk_tokens=128)[0]

    def temporary_bytes(function):
        compiled = jax.jit(jax.grad(function, (0, 1))).lower(*arguments).compile()
        return compiled.memory_analysis().temp_size_in_bytes

    all_logits = B * T * V * 4
    assert temporary_bytes(plain) >= all_logits
    assert temporary_bytes(chunked) < all_logits / 8


def test_an_impossible_chunk_is_refused():
    with pytest.raises(UserError, match="chunk_tokens is 0"):
        cross_entropy(*(jnp.asarray(x) for x in example()), chunk_tokens=0)


EIGHT_DEVICES = """
import jax, jax.numpy as jnp, numpy as np
from code_ablate.model import MeshConfig, cross_entropy, make_mesh, token_log_likelihoods
from code_ablate.model.sharding import named_shardings
from code_ablate.pods.hlo import Program
from tests.model.test_loss import example, written_out_stably

V, D, T = 256, 16, 24
hidden, embedding, targets, weights = example(B=8, T=T, D=D, V=V)
hidden[3] *= 15  # overflows, so that devices differ in what they repeat
expected = written_out_stably(hidden, embedding, targets, weights, 1e-3)
arrays = hidden.astype("f"), embedding.astype("f"), targets.astype("i4"), weights.astype("f")
axes = (("batch", "time", "embed"), ("vocabulary", "embed"), ("batch", "time"), ("batch", "time"))

def step(hidden, embedding, targets, weights):
    function = lambda h, e: cross_entropy(h, e, targets, weights, z_loss=1e-3, chunk_tokens=7)
    (loss, nll), gradients = jax.value_and_grad(function, (0, 1), has_aux=True)(hidden, embedding)
    alone = token_log_likelihoods(hidden, embedding, targets, chunk_tokens=7)
    return loss, nll, *gradients, -alone

for sizes in [(8, 1, 1), (1, 8, 1), (1, 1, 8), (2, 2, 2)]:
    mesh = make_mesh(MeshConfig(*sizes))
    shardings = named_shardings(mesh, axes)
    with jax.set_mesh(mesh):
        placed = [jax.device_put(x, where) for x, where in zip(arrays, shardings)]
        jitted = jax.jit(step, out_shardings=(None, shardings[2], *shardings[:2], shardings[2]))
        found = jitted(*placed)
        operations = list(Program(jitted.lower(*placed).compile().as_text()).executed())
    for a, b in zip(found, (*expected, expected[1])):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4 * np.abs(b).max(), err_msg=str(sizes))
    # Tokens and vocabulary entries of one device: their logits exist in chunks only.
    logits = 8 * T // (sizes[0] * sizes[1]) * V // sizes[2]
    columns = V // sizes[2]
    whole = [op.text for op in operations for array in op.results
             if columns in array.shape and array.bytes >= 4 * logits]
    assert not whole, whole
    # The embedding and its gradient travel a few times a step, not once a chunk.
    travels = [op for op in operations if op.collective and op.bytes >= 4 * V * D // 8]
    assert all(op.times == 1 for op in travels if columns in op.results[0].shape), travels
    assert sizes[1] == 1 or any(op.times == 1 for op in travels), "no exchange found at all"
    print("equal", sizes)
"""


def test_eight_devices_equal_one_and_exchange_the_embedding_once():
    printed = run_on_eight_devices(EIGHT_DEVICES)
    assert printed.count("equal") == 4
