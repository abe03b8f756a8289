"""Cross-entropy and log-likelihoods that never hold the logits of all tokens.

    loss, nll_BT = cross_entropy(hidden_BTD, embedding_VD, targets_BT, weights_BT, z_loss=1e-4)
    mean_loss = loss / weights_BT.sum()
    log_likelihoods_BT = token_log_likelihoods(hidden_BTD, embedding_VD, targets_BT)

With a vocabulary of 256,000 the logits of a batch outweigh the model many times. Here a scan goes
over chunks of tokens. The gradient of a cross-entropy follows from the same logits (softmax minus
one-hot), so the scan makes it at once and keeps only the gradients of hidden states and embedding;
the backward pass multiplies them by a number.

On a mesh every device works on its own tokens. The embedding is gathered over fsdp once, in the
dtype of the hidden states; its gradient adds up in float32 on each device, and is summed over the
devices once, after the scan. Where the mesh axis `tensor` splits the vocabulary, a device has the
logits of its own entries only, and devices exchange sums per token, never logits.
"""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from code_ablate.errors import UserError
from code_ablate.model import sharding
from code_ablate.model.embedding import Axes, gather, rows_of, scatter

LOGITS_PER_CHUNK = {"cpu": 2**20, "gpu": 2**30, "tpu": 2**31}
"""Logits of one chunk per device, by platform: what stays in a CPU's cache, and what an
accelerator's memory spares while its matrix products are still large (2 or 4 bytes each)."""

LARGEST_SUM = 2.0**64
"""Sums of exponentials up to here are safe from overflow, also when multiplied by an embedding."""


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

    Under `jax.set_mesh` the rows must divide over the devices that split the batch. chunk_tokens:
    tokens per device whose logits are held at once, at most; None takes LOGITS_PER_CHUNK of the
    mesh's platform.
    """
    weights_BT = jax.lax.stop_gradient(weights_BT.astype(jnp.float32))
    chunk_tokens = _chunk_tokens(embedding_VD.shape[0], chunk_tokens)
    with jax.named_scope("loss"):
        loss, nll_BT = _cross_entropy(
            hidden_BTD, embedding_VD, targets_BT, weights_BT, z_loss, chunk_tokens
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


# --- what is differentiated, and how it lies on the mesh -----------------------------------------


@functools.partial(jax.custom_vjp, nondiff_argnums=(4, 5))
def _cross_entropy(hidden_BTD, embedding_VD, targets_BT, weights_BT, z_loss, chunk_tokens):
    """The value alone, for when nobody asks for a gradient."""
    function = functools.partial(_device_value, z_loss=z_loss, chunk_tokens=chunk_tokens)
    return _on_mesh(function, 2)(hidden_BTD, embedding_VD, targets_BT, weights_BT)


def _forward(hidden_BTD, embedding_VD, targets_BT, weights_BT, z_loss, chunk_tokens):
    """The value and, from the same logits, the gradients, which are all that is kept."""
    function = functools.partial(_device_gradient, z_loss=z_loss, chunk_tokens=chunk_tokens)
    loss, nll_BT, d_hidden_BTD, d_embedding_VD = _on_mesh(function, 4)(
        hidden_BTD, embedding_VD, targets_BT, weights_BT
    )
    return (loss, nll_BT), (d_hidden_BTD, d_embedding_VD.astype(embedding_VD.dtype))


def _backward(z_loss, chunk_tokens, gradients, cotangents):
    d_hidden_BTD, d_embedding_VD = gradients
    d_loss, _ = cotangents  # the second belongs to nll_BT, which has no gradient
    return (
        (d_loss * d_hidden_BTD).astype(d_hidden_BTD.dtype),
        (d_loss * d_embedding_VD).astype(d_embedding_VD.dtype),
        None,
        None,
    )


_cross_entropy.defvjp(_forward, _backward)


def _on_mesh(function, outputs: int):
    """function(hidden, embedding, targets, weights) on each device's part of the arrays.

    It returns the first `outputs` of loss, nll_BT, d_hidden_BTD and d_embedding_VD.
    """
    hidden, tokens, table = ("batch", "time", "embed"), ("batch", "time"), ("vocabulary", "embed")
    return sharding.on_each_device(
        function, (hidden, table, tokens, tokens), ((), tokens, hidden, table)[:outputs]
    )


# --- what one device computes --------------------------------------------------------------------
# N: tokens of this device. V: vocabulary entries of this device. c: tokens of a chunk.


def _device_value(hidden_BTD, embedding_VD, targets_BT, weights_BT, *, z_loss, chunk_tokens):
    """(loss, nll_BT)."""
    axes = Axes.of_mesh()
    hidden_ND = hidden_BTD.reshape(-1, hidden_BTD.shape[-1])
    cast_VD = gather(axes, embedding_VD.astype(hidden_ND.dtype))
    _, target_ND = rows_of(axes, cast_VD, targets_BT.reshape(-1))

    def chunk(_, tokens):
        hidden_cD, target_cD = tokens
        logits_cV = _product("cD,VD->cV", hidden_cD, cast_VD)
        top_c = jax.lax.pmax(logits_cV.max(axis=-1), axes.vocabulary)
        sum_c = jnp.exp(logits_cV - top_c[:, None]).sum(axis=-1)
        log_z_c = top_c + jnp.log(jax.lax.psum(sum_c, axes.vocabulary))
        return None, (log_z_c, _target_logits(axes, hidden_cD, target_cD))

    _, outputs = jax.lax.scan(chunk, None, _cut((hidden_ND, target_ND), chunk_tokens))
    log_z_N, target_logits_N = _join(outputs, len(hidden_ND))
    return _sums(axes, log_z_N, target_logits_N, weights_BT, z_loss)


def _device_gradient(hidden_BTD, embedding_VD, targets_BT, weights_BT, *, z_loss, chunk_tokens):
    """(loss, nll_BT, d_hidden_BTD, d_embedding_VD).

    With e = exp(logit - shift) and s = weight * (1 + 2 z_loss log Z) / sum of e, the gradient of a
    logit is s * e, less the weight at the target. The products take e as it is, for all entries;
    the target's part is one row of the embedding, and is added to them in float32.
    """
    axes, dtype = Axes.of_mesh(), hidden_BTD.dtype
    hidden_ND = hidden_BTD.reshape(-1, hidden_BTD.shape[-1])
    cast_VD = gather(axes, embedding_VD.astype(dtype))
    index_N, target_ND = rows_of(axes, cast_VD, targets_BT.reshape(-1))

    # The same product transposed takes half of the time on a CPU, whose library is made for it.
    of_embedding = "DV" if sharding.platform() == "cpu" else "VD"

    def chunk(d_embedding, tokens):
        hidden_cD, target_cD, weights_c = tokens
        target_logits_c = _target_logits(axes, hidden_cD, target_cD)
        e_cV, sum_c, shift_c = _exponentials(hidden_cD, cast_VD, target_logits_c)
        # Devices that split the vocabulary may have shifted differently.
        top_c = jax.lax.pmax(shift_c, axes.vocabulary)
        here_c = jnp.exp(shift_c - top_c)
        sum_c = jax.lax.psum(here_c * sum_c, axes.vocabulary)
        log_z_c = top_c + jnp.log(sum_c)
        scale_c = weights_c * (1 + 2 * z_loss * log_z_c) * here_c / sum_c

        d_hidden_cD = sharding.materialized(_product("cV,VD->cD", e_cV, cast_VD))
        d_hidden_cD *= scale_c[:, None]
        d_hidden_cD -= weights_c[:, None] * target_cD
        d_hidden_cD = jax.lax.psum(d_hidden_cD, axes.vocabulary).astype(dtype)
        scaled_cD = sharding.materialized((scale_c[:, None] * hidden_cD).astype(dtype))
        d_embedding += _product(f"cV,cD->{of_embedding}", e_cV, scaled_cD)

        # What the target's row should get, less what the product above has given it: rounding of
        # e and of scaled_cD must not drown the small gradient of a token that is well predicted.
        e_c = jnp.exp(target_logits_c - shift_c)
        correction_cD = (scale_c * e_c - weights_c)[:, None] * hidden_cD
        correction_cD -= e_c.astype(dtype)[:, None].astype(jnp.float32) * scaled_cD
        return d_embedding, (log_z_c, target_logits_c, d_hidden_cD, correction_cD)

    zeros = jnp.zeros(cast_VD.shape if of_embedding == "VD" else cast_VD.shape[::-1], jnp.float32)
    chunks = _cut((hidden_ND, target_ND, weights_BT.reshape(-1)), chunk_tokens)
    d_embedding, outputs = jax.lax.scan(chunk, zeros, chunks)
    d_embedding_VD = d_embedding if of_embedding == "VD" else d_embedding.T
    log_z_N, target_logits_N, d_hidden_ND, correction_ND = _join(outputs, len(hidden_ND))
    d_embedding_VD = d_embedding_VD.at[index_N].add(correction_ND, mode="drop")
    return (
        *_sums(axes, log_z_N, target_logits_N, weights_BT, z_loss),
        d_hidden_ND.reshape(hidden_BTD.shape),
        scatter(axes, d_embedding_VD),
    )


def _exponentials(hidden_cD, embedding_VD, shift_c):
    """(e = exp(logit - shift) in the dtype of the hidden states, its float32 sums, the shift used).

    A shift that is known before the logits lets one pass make e from them: a TPU then never writes
    the logits. The target's logit is such a shift, and exact as long as nothing overflows, which
    takes a loss of some 44 nats. Then, and only then, the chunk is made again with the largest
    logit of each token as its shift.
    """

    def make(state):
        step, _, _, shift_c, top_c = state
        shift_c = jnp.where(step == 0, shift_c, top_c)
        logits_cV = _product("cD,VD->cV", hidden_cD, embedding_VD)
        e_cV = jnp.exp(logits_cV - shift_c[:, None])
        return step + 1, e_cV.astype(hidden_cD.dtype), e_cV.sum(-1), shift_c, logits_cV.max(-1)

    def again(state):
        step, _, sum_c, _, _ = state
        return (step == 0) | ((step == 1) & jnp.any(sum_c > LARGEST_SUM))

    e_cV = jax.lax.empty((len(hidden_cD), len(embedding_VD)), hidden_cD.dtype)
    start = (0, e_cV, jnp.zeros_like(shift_c), shift_c, shift_c)
    _, e_cV, sum_c, shift_c, _ = jax.lax.while_loop(again, make, start)
    return e_cV, sum_c, shift_c


def _product(spec: str, a: Array, b: Array) -> Array:
    """An einsum that adds up in float32."""
    return jnp.einsum(spec, a, b, preferred_element_type=jnp.float32)


def _target_logits(axes, hidden_cD, target_cD):
    return jax.lax.psum(_product("cD,cD->c", hidden_cD, target_cD), axes.vocabulary)


def _sums(axes, log_z_N, target_logits_N, weights_BT, z_loss):
    """(loss of all devices, nll_BT of this one)."""
    nll_N = log_z_N - target_logits_N
    loss = jnp.sum(weights_BT.reshape(-1) * (nll_N + z_loss * jnp.square(log_z_N)))
    return jax.lax.psum(loss, axes.batch), nll_N.reshape(weights_BT.shape)


# --- chunks --------------------------------------------------------------------------------------


def _chunk_tokens(vocabulary: int, chunk_tokens: int | None) -> int:
    if chunk_tokens is None:
        return max(1, LOGITS_PER_CHUNK[sharding.platform()] // vocabulary)
    if chunk_tokens < 1:
        raise UserError(f"chunk_tokens is {chunk_tokens}: set it to 1 or more, or to None.")
    return chunk_tokens


def _cut(arrays: tuple[Array, ...], chunk_tokens: int) -> tuple[Array, ...]:
    """[N, ...] -> [chunks, c, ...], padded with zeros: a weight of 0 drops a token."""
    N = len(arrays[0])
    count = -(-N // chunk_tokens)
    c = -(-N // count)

    def cut(x):
        x = jnp.pad(x, ((0, count * c - N),) + ((0, 0),) * (x.ndim - 1))
        return x.reshape(count, c, *x.shape[1:])

    return tuple(cut(x) for x in arrays)


def _join(chunks: tuple[Array, ...], N: int) -> tuple[Array, ...]:
    """The inverse of _cut: back to [N, ...], without the padding."""
    return tuple(x.reshape(-1, *x.shape[2:])[:N] for x in chunks)
