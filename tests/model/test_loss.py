import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from code_ablate.errors import UserError
from code_ablate.model import cross_entropy, token_log_likelihoods


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

    def close(a, b):
        return np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-4)

    close(loss, expected[0])
    close(nll, expected[1])
    close(d_hidden, factor * expected[2])
    close(d_embedding, factor * expected[3])
    close(value_alone, expected[0])
    close(nll_alone, expected[1])


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
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_large_logits_stay_finite():
    hidden, embedding, targets, weights = (jnp.asarray(x) for x in example())

    def loss(h):
        return cross_entropy(100 * h, 100 * embedding, targets, weights)[0]

    value, gradient = jax.value_and_grad(loss)(hidden)
    assert jnp.isfinite(value) and jnp.isfinite(gradient).all()


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
    np.testing.assert_allclose(d_embedding, expected[3], atol=0.02 * np.abs(expected[3]).max())


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
