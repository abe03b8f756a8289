"""Cross-entropy and log-likelihoods that never hold the logits of all tokens.

    loss, nll_BT = cross_entropy(hidden_BTD, embedding_VD, targets_BT, weights_BT, z_loss=1e-4)
    mean_loss = loss / weights_BT.sum()
    log_likelihoods_BT = token_log_likelihoods(hidden_BTD, embedding_VD, targets_BT)

With a vocabulary of 256,000 the logits of a batch outweigh the model many times. Here time is cut
into chunks, and a scan holds the float32 logits of one chunk. The gradient of a cross-entropy
follows from the same logits (softmax minus one-hot), so the scan makes it at once and keeps only
the gradients of hidden states and embedding; the backward pass multiplies them by a number.
"""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from code_ablate.errors import UserError
from code_ablate.model.sharding import batch_shards

LOGITS_PER_CHUNK = {"cpu": 2**20, "gpu": 2**30, "tpu": 2**30}
"""Float32 logits held at once per device, by platform: what stays in a CPU's cache (4 MB), and what
an accelerator's memory spares while its matrix products are still large (4 GiB)."""


def cross_entropy(
    hidden_BTD: Float[Array, "B T D"],
    embedding_VD: Float[Array, "V D"],
    targets_BT: Int[Array, "B T"],
    weights_BT: Float[Array, "B T"],
    *,
    z_loss: float = 0.0,
    chunk_tokens: int | None = None,
) -> tuple[Float[Array, ""], Float[Array, "B T"]]:
    """(sum of weight * (nll + z_loss * log Z squared), nll of each token), both float32.

    nll = log Z - logit of the target, in nats, log Z the log of the softmax's denominator; the
    z-loss keeps log Z near 0 (PaLM, arXiv 2204.02311, section 5). The sum has gradients for
    hidden_BTD and embedding_VD, and none for the weights; nll_BT is for logging and has none.
    Dividing by the sum of the weights, over all processes, is left to the caller.

    chunk_tokens: tokens per device whose logits are held at once. None takes LOGITS_PER_CHUNK of
    the platform that JAX runs on; give it when compiling for another.
    """
    loss, nll_BT = _cross_entropy(
        hidden_BTD,
        embedding_VD,
        targets_BT,
        jax.lax.stop_gradient(weights_BT),
        z_loss,
        _chunk_length(targets_BT.shape, embedding_VD.shape[0], chunk_tokens),
    )
    return loss, jax.lax.stop_gradient(nll_BT)


def token_log_likelihoods(
    hidden_BTD: Float[Array, "B T D"],
    embedding_VD: Float[Array, "V D"],
    targets_BT: Int[Array, "B T"],
    *,
    chunk_tokens: int | None = None,
) -> Float[Array, "B T"]:
    """Natural log of the probability of each target, float32, for scoring; it has no gradient."""
    weights_BT = jnp.ones(targets_BT.shape, jnp.float32)
    _, nll_BT = cross_entropy(
        hidden_BTD, embedding_VD, targets_BT, weights_BT, chunk_tokens=chunk_tokens
    )
    return -nll_BT


@functools.partial(jax.custom_vjp, nondiff_argnums=(4, 5))
def _cross_entropy(hidden_BTD, embedding_VD, targets_BT, weights_BT, z_loss, length):
    """The value alone, for when nobody asks for a gradient."""
    embedding_VD = embedding_VD.astype(hidden_BTD.dtype)

    def step(_, chunk):
        hidden_BcD, targets_Bc, weights_Bc = chunk
        logits_BcV = _logits(hidden_BcD, embedding_VD)
        log_z_Bc = jax.nn.logsumexp(logits_BcV, axis=-1)
        loss, nll_Bc = _loss(logits_BcV, log_z_Bc, targets_Bc, weights_Bc, z_loss)
        return None, (loss, nll_Bc)

    chunks = _chunks((hidden_BTD, targets_BT, weights_BT), length)
    _, (losses, nlls) = jax.lax.scan(step, None, chunks)
    return losses.sum(), _join(nlls, targets_BT.shape)


def _forward(hidden_BTD, embedding_VD, targets_BT, weights_BT, z_loss, length):
    """The value and, from the same logits, the gradients, which are all that is kept."""
    V, D = embedding_VD.shape
    cast_VD = embedding_VD.astype(hidden_BTD.dtype)

    def step(d_embedding_VD, chunk):
        hidden_BcD, targets_Bc, weights_Bc = chunk
        logits_BcV = _logits(hidden_BcD, cast_VD)
        log_z_Bc = jax.nn.logsumexp(logits_BcV, axis=-1)
        loss, nll_Bc = _loss(logits_BcV, log_z_Bc, targets_Bc, weights_Bc, z_loss)

        # d/d logit of nll + z_loss * log_z^2, with d log_z / d logit = probability
        scale_Bc = weights_Bc * (1 + 2 * z_loss * log_z_Bc)
        d_logits_BcV = scale_Bc[..., None] * jnp.exp(logits_BcV - log_z_Bc[..., None])
        is_target_BcV = jnp.arange(V)[None, None, :] == targets_Bc[..., None]
        d_logits_BcV = d_logits_BcV - jnp.where(is_target_BcV, weights_Bc[..., None], 0)
        d_logits_BcV = d_logits_BcV.astype(hidden_BTD.dtype)

        d_hidden_BcD = jnp.einsum("BcV,VD->BcD", d_logits_BcV, cast_VD)
        d_embedding_VD += jnp.einsum(
            "BcV,BcD->VD", d_logits_BcV, hidden_BcD, preferred_element_type=jnp.float32
        )
        return d_embedding_VD, (loss, nll_Bc, d_hidden_BcD)

    chunks = _chunks((hidden_BTD, targets_BT, weights_BT), length)
    d_embedding_VD, (losses, nlls, d_hiddens) = jax.lax.scan(
        step, jnp.zeros((V, D), jnp.float32), chunks
    )
    gradients = (_join(d_hiddens, hidden_BTD.shape), d_embedding_VD.astype(embedding_VD.dtype))
    return (losses.sum(), _join(nlls, targets_BT.shape)), gradients


def _backward(z_loss, length, gradients, cotangents):
    d_hidden_BTD, d_embedding_VD = gradients
    d_loss, _ = cotangents  # the second belongs to nll_BT, which has no gradient
    return (
        (d_loss * d_hidden_BTD).astype(d_hidden_BTD.dtype),
        (d_loss * d_embedding_VD).astype(d_embedding_VD.dtype),
        None,
        None,
    )


_cross_entropy.defvjp(_forward, _backward)


def _logits(hidden_BcD: Array, embedding_VD: Array) -> Array:
    return jnp.einsum("BcD,VD->BcV", hidden_BcD, embedding_VD, preferred_element_type=jnp.float32)


def _loss(logits_BcV, log_z_Bc, targets_Bc, weights_Bc, z_loss):
    """(weighted loss of a chunk, nll of each of its tokens)."""
    target_Bc = jnp.take_along_axis(logits_BcV, targets_Bc[..., None], axis=-1)[..., 0]
    nll_Bc = log_z_Bc - target_Bc
    return jnp.sum(weights_Bc * (nll_Bc + z_loss * jnp.square(log_z_Bc))), nll_Bc


def _chunk_length(shape: tuple[int, ...], vocabulary: int, chunk_tokens: int | None) -> int:
    """How many positions of time make a chunk: all rows of the batch take part in each.

    The batch is what devices split; cutting time keeps every device busy in every chunk.
    """
    B, T = shape
    if chunk_tokens is None:
        chunk_tokens = max(1, LOGITS_PER_CHUNK[jax.default_backend()] // vocabulary)
    if chunk_tokens < 1:
        raise UserError(f"chunk_tokens is {chunk_tokens}: set it to 1 or more, or to None.")
    return min(T, max(1, chunk_tokens * batch_shards() // B))


def _chunks(arrays: tuple[Array, ...], length: int) -> tuple[Array, ...]:
    """[B, T, ...] -> [chunks, B, length, ...], padded with zeros: a weight of 0 drops a token."""

    def cut(x):
        B, T = x.shape[:2]
        count = -(-T // length)
        x = jnp.pad(x, ((0, 0), (0, count * length - T)) + ((0, 0),) * (x.ndim - 2))
        return jnp.moveaxis(x.reshape(B, count, length, *x.shape[2:]), 1, 0)

    return tuple(cut(x) for x in arrays)


def _join(chunks: Array, shape: tuple[int, ...]) -> Array:
    """The inverse of _chunks: back to [B, T, ...], without the padding."""
    B, T = shape[:2]
    return jnp.moveaxis(chunks, 0, 1).reshape(B, -1, *shape[2:])[:, :T]
