import jax
import jax.numpy as jnp
import numpy as np
import pytest

from code_ablate.errors import UserError
from code_ablate.model import attention
from code_ablate.model.rope import rotary_angles, rotate

attend = jax.jit(attention.attend, static_argnames="backend")


def qkv(B, T, H, K, C, dtype=jnp.float32):
    keys = jax.random.split(jax.random.key(0), 3)
    return [
        jax.random.normal(key, (B, T, heads, C), dtype)
        for key, heads in zip(keys, (H, K, K), strict=True)
    ]


def written_out(q, k, v, segments=None):
    """Attention in float64 numpy, one query at a time."""
    q, k, v = (np.asarray(x, np.float64) for x in (q, k, v))
    B, T, H, C = q.shape
    out = np.zeros_like(q)
    for b, t, h in np.ndindex(B, T, H):
        seen = np.arange(t + 1)
        if segments is not None:
            seen = seen[segments[b, : t + 1] == segments[b, t]]
        g = h // (H // k.shape[2])
        scores = k[b, seen, g] @ q[b, t, h] / np.sqrt(C)
        weights = np.exp(scores - scores.max())
        out[b, t, h] = weights @ v[b, seen, g] / weights.sum()
    return out


@pytest.mark.parametrize("backend", sorted(attention.BACKENDS))
@pytest.mark.parametrize("heads", [(4, 4), (4, 2), (6, 1)])
@pytest.mark.parametrize("T", [1, 131])
def test_every_backend_is_the_formula(backend, heads, T):
    q, k, v = qkv(2, T, *heads, 8)
    out = attend(q, k, v, backend=backend)
    np.testing.assert_allclose(out, written_out(q, k, v), atol=1e-5)


@pytest.mark.parametrize("backend", sorted(set(attention.BACKENDS) - {"reference"}))
def test_gradients_equal_those_of_the_reference(backend):
    arrays = qkv(2, 131, 4, 2, 8)
    pull = jax.random.normal(jax.random.key(9), (2, 131, 4, 8))

    def gradients(name):
        def score(q, k, v):
            return (attend(q, k, v, backend=name) * pull).sum()

        return jax.jit(jax.grad(score, (0, 1, 2)))(*arrays)

    for found, expected in zip(gradients(backend), gradients("reference"), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("backend", sorted(attention.BACKENDS))
def test_document_masks_are_honoured_or_refused(backend):
    q, k, v = qkv(2, 131, 4, 2, 8)
    segments = jnp.sort(jax.random.randint(jax.random.key(1), (2, 131), 0, 5))
    if not attention.BACKENDS[backend].segments:
        with pytest.raises(UserError, match="does not mask documents"):
            attention.attend(q, k, v, backend=backend, segments_BT=segments)
        return
    out = attend(q, k, v, backend=backend, segments_BT=segments)
    np.testing.assert_allclose(out, written_out(q, k, v, np.asarray(segments)), atol=1e-5)


@pytest.mark.parametrize("backend", sorted(attention.BACKENDS))
def test_bfloat16_in_bfloat16_out_and_close(backend):
    q, k, v = qkv(1, 80, 4, 2, 8, jnp.bfloat16)
    out = attend(q, k, v, backend=backend)
    assert out.dtype == jnp.bfloat16
    np.testing.assert_allclose(np.float64(out), written_out(q, k, v), atol=3e-2)


def test_wrong_names_and_head_counts_are_refused():
    q, k, v = qkv(1, 4, 4, 3, 8)
    with pytest.raises(UserError, match="did you mean 'reference'"):
        attention.attend(q, k, v, backend="refrence")
    with pytest.raises(UserError, match="do not divide"):
        attention.attend(q, k, v, backend="reference")


def test_rotary_scores_depend_on_the_distance_alone():
    C = 16
    q_C, k_C = jax.random.normal(jax.random.key(0), (2, C))
    positions_T = jnp.arange(40)
    angles_TP = rotary_angles(positions_T, C, 10_000.0)

    def turn(x_C):
        return rotate(jnp.broadcast_to(x_C, (1, 40, 1, C)), angles_TP)[0, :, 0]

    scores_TS = turn(q_C) @ turn(k_C).T
    for distance in (0, 1, 7, 30):
        diagonal = jnp.diagonal(scores_TS, offset=-distance)
        np.testing.assert_allclose(diagonal, diagonal[0], atol=1e-4)
    assert jnp.abs(scores_TS[5, 5] - scores_TS[5, 0]) > 1e-2
    np.testing.assert_allclose(scores_TS[0, 0], q_C @ k_C, rtol=1e-5)
    np.testing.assert_allclose(jnp.linalg.norm(turn(q_C), axis=-1), jnp.linalg.norm(q_C), rtol=1e-5)


def test_rotary_pairs_are_interleaved():
    """Channels 0 and 1 are one pair, and turn by one radian per position."""
    x_BTHC = jnp.zeros((1, 3, 1, 8)).at[..., 0].set(1.0)
    turned_TC = rotate(x_BTHC, rotary_angles(jnp.arange(3), 8, 10_000.0))[0, :, 0]
    expected = np.zeros((3, 8))
    expected[:, 0], expected[:, 1] = np.cos(np.arange(3)), np.sin(np.arange(3))
    np.testing.assert_allclose(turned_TC, expected, atol=1e-6)
