"""Log-likelihoods of token sequences under a model. No TensorFlow, no SeqIO.

    scorer = Scorer(model, params, mesh, longest=2049)
    scorer.score([Request(tokens=np.array([1, 5, 6, 7]), first=3), ...])   # log p(7 | 1, 5, 6), ...

Requests are packed into rows in which tokens that several begin with are computed once; see
packing.py. The order and the size of the batches do not change a score beyond float rounding.
Logits are made where a token is scored only.
"""

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Bool, Float, Int

from code_ablate.errors import UserError
from code_ablate.evaluation.packing import Request, Row, pack, padded_length
from code_ablate.model import sharding
from code_ablate.model.config import ModelConfig
from code_ablate.model.decoding import apply_tree
from code_ablate.model.flops import flops_per_token
from code_ablate.model.loss import LOGITS_PER_CHUNK
from code_ablate.model.transformer import Params, apply

LEAST_SCORED = 16
"""Positions of a row whose logits are made at once, or an eighth of the row if that is more: fewer
would be small products, more would mean logits where nothing is scored."""

ATTENTION_COST = 4.0
"""What an operation of attention costs in operations of the matrices: its softmax is not counted,
but takes longer than its products. Measured on a CPU with the toy model; see docs/log.md."""


class Scorer:
    """Scores requests with one model and its parameters."""

    def __init__(
        self,
        model: ModelConfig,
        params: Params,
        mesh: Mesh,
        *,
        longest: int,
        batch_tokens: int = 0,
        name: str = "the model",
    ):
        """`longest`: tokens the model sees at once; `batch_tokens`: padded tokens in a batch,
        on each device that has rows of its own; `name`: the checkpoint, as errors call it.

        0 tokens chooses 2,048 on a CPU, where more is no faster, and four times that elsewhere.
        """
        batch_tokens = batch_tokens or (2048 if jax.default_backend() == "cpu" else 8192)
        self._model, self._params, self._mesh = model, params, mesh
        self._batch_tokens, self._longest, self._name = batch_tokens, longest, name
        self.tokens_computed = 0
        """Tokens that went through the model so far, without padding."""

    @property
    def longest(self) -> int:
        """Tokens that the model sees at once; see `Request.pieces` for longer requests."""
        return self._longest

    def score(
        self, requests: Sequence[Request], advance: Callable[[int], object] = lambda done: None
    ) -> Float[np.ndarray, " N"]:
        """Sum of log p (nats) over the scored tokens of each request, in the order given.

        `advance` is told how many pieces each batch has done, for a progress bar. Raises UserError,
        naming the checkpoint, if the model's logits are not finite.
        """
        return self._score(requests, advance, compare=False)[0]

    def score_greedy(
        self, requests: Sequence[Request], advance: Callable[[int], object] = lambda done: None
    ) -> tuple[Float[np.ndarray, " N"], Bool[np.ndarray, " N"]]:
        """(what `score` gives, whether each scored token is the one that greedy decoding takes)."""
        return self._score(requests, advance, compare=True)

    def _score(self, requests, advance, compare: bool) -> tuple[np.ndarray, np.ndarray]:
        scores_N, greedy_N = np.zeros(len(requests)), np.ones(len(requests), bool)
        pieces = [
            (owner, piece)
            for owner, request in enumerate(requests)
            for piece in request.pieces(self._longest)
        ]

        def finish(batch: list[Row], found) -> None:
            log_p_BT, best_BT = map(np.asarray, found)
            for index, row in enumerate(batch):
                scored = len(row.targets)
                log_p_T = log_p_BT[index, :scored].astype(np.float64)
                if not np.isfinite(log_p_T).all():  # of finite logits it always is
                    raise not_finite(self._name)
                np.add.at(scores_N, row.owners, log_p_T)
                np.logical_and.at(greedy_N, row.owners, best_BT[index, :scored])
            self.tokens_computed += sum(row.used for row in batch)
            advance(sum(row.requests for row in batch))

        started = None
        for batch in self._batches(pieces):
            after = batch, self._start(batch, compare)
            if started:  # while the devices compute the next
                finish(*started)
            started = after
        if started:
            finish(*started)
        return scores_N, greedy_N

    def _batches(self, pieces: list[tuple[int, Request]]) -> Iterator[list[Row]]:
        """Rows of one length, those with many scored tokens apart from those with few."""
        # Twice the longest request, or its options could not share a row.
        longest = max((2 * padded_length(len(piece.fed)) for _, piece in pieces), default=0)
        rows = pack(pieces, max(longest, self._batch_tokens), self._cost)

        def program(row: Row) -> tuple[bool, int]:
            return row.branching, len(row.tokens)

        rows.sort(key=lambda row: (program(row), len(row.targets)), reverse=True)
        for (_, length), alike in itertools.groupby(rows, key=program):
            yield from _cut(list(alike), self._rows_per_batch(length))

    def _rows_per_batch(self, length: int) -> int:
        """Rows of this length that fit, a multiple of the devices that share the batch."""
        return max(1, self._batch_tokens // length) * _batch_shards(self._mesh)

    def _cost(self, length: int, rows: int) -> float:
        """Operations for `rows` rows of `length` tokens, in whole batches."""
        computed = length * -(-rows // self._rows_per_batch(length)) * self._rows_per_batch(length)
        matrices = flops_per_token(self._model, 0, training=False)
        attention = flops_per_token(self._model, length, training=False) - matrices
        return computed * (matrices + ATTENTION_COST * attention)

    def _start(self, batch: list[Row], compare: bool):
        """(log p, whether likeliest) of the targets of each row, as soon as they are computed."""
        length = len(batch[0].tokens)
        rows = self._rows_per_batch(length)
        tokens_BT, positions_BT, ends_BT, sources_BT, targets_BT = (
            np.zeros((rows, length), np.int32) for _ in range(5)
        )
        ends_BT += length  # empty rows see themselves: a softmax over nothing is not a number
        for index, row in enumerate(batch):
            tokens_BT[index], positions_BT[index] = row.tokens, row.positions
            ends_BT[index] = row.ends
            sources_BT[index, : len(row.sources)] = row.sources
            targets_BT[index, : len(row.targets)] = row.targets
        arrays = [tokens_BT, positions_BT, ends_BT, sources_BT, targets_BT]
        most = max(len(row.targets) for row in batch)
        with jax.set_mesh(self._mesh):
            score = _compiled(self._model, self._mesh, batch[0].branching, compare)
            placed = [sharding.place_batch(self._mesh, array) for array in arrays]
            return score(self._params, *placed, most)


def not_finite(name: str) -> UserError:
    """The error for a checkpoint whose weights are finite, and whose logits are not."""
    return UserError(
        f"{name} gives logits that are not finite: its numbers grow out of the range of the type "
        "that it computes in. Training has diverged: evaluate an earlier step."
    )


def _cut(rows: list[Row], count: int) -> Iterator[list[Row]]:
    return (rows[start : start + count] for start in range(0, len(rows), count))


# --- what is compiled ----------------------------------------------------------------------------


@functools.lru_cache(maxsize=32)
def _compiled(model: ModelConfig, mesh: Mesh, branching: bool, compare: bool):
    """score(params, tokens_BT, positions_BT, ends_BT, sources_BT, targets_BT, most).

    Gives (log p of each target, whether it is the likeliest token) for the first `most` targets of
    each row. What stands behind those has no meaning, nor has the second array unless `compare`.
    """

    def score(params, tokens_BT, positions_BT, ends_BT, sources_BT, targets_BT, most):
        if branching:
            hidden_BTD = apply_tree(model, params, tokens_BT, positions_BT, ends_BT)
        else:
            hidden_BTD = apply(model, params, tokens_BT)
        embedding_VD = params["embedding"].astype(hidden_BTD.dtype)
        embedding_VD = sharding.constrain(embedding_VD, "vocabulary", None)
        rows = len(tokens_BT) // _batch_shards(mesh)
        affordable = LOGITS_PER_CHUNK[sharding.platform()] // (model.vocabulary_size * rows)
        T = tokens_BT.shape[1]
        most_at_once = max(1, min(affordable, max(LEAST_SCORED, T // 8)))
        # Whole chunks make up a row, whose length is a power of two or half as much again.
        c = math.gcd(T, 2 ** int(math.log2(most_at_once)))
        return _likelihoods(hidden_BTD, embedding_VD, sources_BT, targets_BT, most, c, compare)

    # Every process of a pod gets every score.
    return jax.jit(score, out_shardings=NamedSharding(mesh, PartitionSpec()))


def _likelihoods(
    hidden_BTD: Float[Array, "B T D"],
    embedding_VD: Float[Array, "V D"],
    sources_BT: Int[Array, "B T"],
    targets_BT: Int[Array, "B T"],
    most: Int[Array, ""],
    c: int,
    compare: bool,
) -> tuple[Float[Array, "B T"], Bool[Array, "B T"]]:
    """A loop over chunks of c targets a row, as often as the row with the most targets needs."""

    def chunk(index, found):
        log_p_BT, best_BT = found
        source_Bc, target_Bc = (
            jax.lax.dynamic_slice_in_dim(x_BT, index * c, c, axis=1)
            for x_BT in (sources_BT, targets_BT)
        )
        hidden_BcD = jnp.take_along_axis(hidden_BTD, source_Bc[:, :, None], axis=1)
        logits_BcV = jnp.einsum(
            "BcD,VD->BcV", hidden_BcD, embedding_VD, preferred_element_type=jnp.float32
        )
        logits_BcV = sharding.constrain(logits_BcV, "batch", None, "vocabulary")
        logits_Bc = jnp.take_along_axis(logits_BcV, target_Bc[:, :, None], axis=2)[:, :, 0]
        log_p_Bc = logits_Bc - jax.nn.logsumexp(logits_BcV, axis=2)
        log_p_BT = jax.lax.dynamic_update_slice_in_dim(log_p_BT, log_p_Bc, index * c, axis=1)
        if compare:
            best_Bc = logits_BcV.argmax(axis=2) == target_Bc
            best_BT = jax.lax.dynamic_update_slice_in_dim(best_BT, best_Bc, index * c, axis=1)
        return log_p_BT, best_BT

    nothing = jnp.zeros(targets_BT.shape, jnp.float32), jnp.zeros(targets_BT.shape, bool)
    return jax.lax.fori_loop(0, (most + c - 1) // c, chunk, nothing)


def _batch_shards(mesh: Mesh) -> int:
    """Devices that each have rows of their own."""
    return math.prod(mesh.shape[name] for name in sharding.RULES["batch"])
