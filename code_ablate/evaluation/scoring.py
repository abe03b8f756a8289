"""Log-likelihoods of token sequences under a model. No TensorFlow, no SeqIO.

    scorer = Scorer(model, params, mesh, longest=2049)
    scorer.score([Request(tokens=np.array([1, 5, 6, 7]), first=3), ...])   # log p(7 | 1, 5, 6), ...

Requests with the same context, as the options of an item, share a row: the context is computed
once, and each continuation sees the context and itself. Rows are sorted by length and padded to a
few lengths, so that there are few compilations and little padding; the order and the size of the
batches do not change a score beyond float rounding. Logits are made where a token is scored only.
"""

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Bool, Float, Int

from code_ablate.model import sharding
from code_ablate.model.decoding import apply_tree
from code_ablate.model.loss import LOGITS_PER_CHUNK
from code_ablate.model.transformer import ModelConfig, Params, apply

SHORTEST = 32
"""Rows are padded to this many tokens or to a multiple of it by powers of two and halves."""

MOST_SCORED = 16
"""Positions of a row whose logits are made at once, at most. A power of two that divides SHORTEST's
half, and so every padded length."""


@dataclass(frozen=True)
class Request:
    """A sequence of which the tail is scored."""

    tokens: Int[np.ndarray, " T"]
    """Context and continuation. The first token is never scored."""
    first: int
    """Position of the first token that is scored, at least 1."""

    def __post_init__(self):
        if not 1 <= self.first < len(self.tokens):
            raise ValueError(f"scores start at {self.first} of {len(self.tokens)} tokens")

    def pieces(self, longest: int) -> list["Request"]:
        """The same tokens scored in requests of at most `longest` tokens.

        Context that does not fit is dropped from the left. What is scored is never dropped: where
        it is too long for one request, it is cut into several, each with the token before it as
        context.
        """
        length = len(self.tokens)
        if length - self.first < longest:
            start = max(0, length - longest)
            return [Request(self.tokens[start:], self.first - start)]
        starts = range(self.first - 1, length - 1, longest - 1)
        return [Request(self.tokens[start : start + longest], 1) for start in starts]


def padded_length(length: int) -> int:
    """The length a sequence of `length` tokens is padded to: 32, 48, 64, 96, 128, 192, ..."""
    size = SHORTEST
    while size < length:
        if size + size // 2 >= length and size >= SHORTEST:
            return size + size // 2
        size *= 2
    return size


class Scorer:
    """Scores requests with one model and its parameters."""

    def __init__(
        self, model: ModelConfig, params: Params, mesh: Mesh, *, longest: int, batch_tokens: int = 0
    ):
        """`longest`: tokens the model sees at once; `batch_tokens`: padded tokens in a batch.

        0 chooses: on a CPU what fits its caches best, and sixteen times that elsewhere.
        """
        batch_tokens = batch_tokens or (4096 if jax.default_backend() == "cpu" else 65536)
        self._model, self._params, self._mesh = model, params, mesh
        self._batch_tokens, self._longest = batch_tokens, longest
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

        `advance` is told how many pieces each batch has done, for a progress bar.
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
        rows = sorted(_rows(pieces, self._longest), key=lambda row: row.order, reverse=True)
        while rows:
            shape = rows[0].order  # no later row is longer
            count = self._rows_per_batch(shape[1])
            batch = [row for row in rows[:count] if row.order[0] == shape[0]]
            rows = rows[len(batch) :]
            self._score_batch(batch, shape[1], count, compare, scores_N, greedy_N)
            advance(sum(row.pieces for row in batch))
        return scores_N, greedy_N

    def _rows_per_batch(self, length: int) -> int:
        """As many as fit, a multiple of the devices that share the batch."""
        shards = _batch_shards(self._mesh)
        return max(1, self._batch_tokens // length // shards) * shards

    def _score_batch(self, batch, length, rows, compare, scores_N, greedy_N) -> None:
        """Adds the scores of a batch of rows, padded to `length` and `rows`, to their owners'."""
        tokens_BT, positions_BT, branches_BT, sources_BT, targets_BT = (
            np.zeros((rows, length), np.int32) for _ in range(5)
        )
        for index, row in enumerate(batch):
            size, scored = len(row.tokens), len(row.targets)
            tokens_BT[index, :size] = row.tokens
            positions_BT[index, :size] = row.positions
            branches_BT[index, :size] = row.branches
            sources_BT[index, :scored] = row.sources
            targets_BT[index, :scored] = row.targets
        arrays = [tokens_BT, positions_BT, branches_BT, sources_BT, targets_BT]
        most = max(len(row.targets) for row in batch)
        with jax.set_mesh(self._mesh):
            score = _compiled(self._model, self._mesh, batch[0].shared, compare)
            placed = [sharding.place_batch(self._mesh, array) for array in arrays]
            log_p_BT, best_BT = (np.asarray(x) for x in score(self._params, *placed, most))
        for index, row in enumerate(batch):
            scored = len(row.targets)
            np.add.at(scores_N, row.owners, log_p_BT[index, :scored].astype(np.float64))
            np.logical_and.at(greedy_N, row.owners, best_BT[index, :scored])
        self.tokens_computed += sum(len(row.tokens) for row in batch)


# --- rows ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Row:
    """A context and the continuations that are scored after it: T tokens, P of them scored."""

    pieces: int
    """Continuations."""
    tokens: Int[np.ndarray, " T"]
    """The context, and each continuation without its last token, which predicts nothing."""
    positions: Int[np.ndarray, " T"]
    branches: Int[np.ndarray, " T"]
    """0: the context, or all of a row that is not shared; 1, 2, ...: the continuations."""
    sources: Int[np.ndarray, " P"]
    """Where in the row each scored token is predicted."""
    targets: Int[np.ndarray, " P"]
    owners: Int[np.ndarray, " P"]
    """The request each scored token belongs to."""

    @property
    def shared(self) -> bool:
        """Whether several continuations follow the context."""
        return self.pieces > 1

    @property
    def order(self) -> tuple[bool, int, int]:
        """Rows that are equal in this are computed alike."""
        length = padded_length(max(len(self.tokens), len(self.targets)))
        return self.shared, length, len(self.targets)


def _rows(pieces: Iterable[tuple[int, Request]], longest: int) -> list[_Row]:
    """Every piece in one row; pieces with the same context together where that saves padding."""
    by_context: dict[bytes, list[tuple[int, Request]]] = {}
    for owner, piece in pieces:
        by_context.setdefault(piece.tokens[: piece.first].tobytes(), []).append((owner, piece))
    rows = []
    for group in by_context.values():
        row: list[tuple[int, Request]] = []
        length = 0
        for owner, piece in group:
            alone = len(piece.tokens) - 1
            together = length + alone - piece.first
            saves = padded_length(together) < padded_length(length) + padded_length(alone)
            if row and not (saves and together < longest):
                rows.append(_row(row))
                row = []
            length = together if row else alone
            row.append((owner, piece))
        rows.append(_row(row))
    return rows


def _row(pieces: Sequence[tuple[int, Request]]) -> _Row:
    first = pieces[0][1].first
    context = pieces[0][1].tokens[:first]
    tokens, positions, branches = [context], [np.arange(first)], [np.zeros(first, int)]
    sources, targets, owners = [], [], []
    end = first
    for branch, (owner, piece) in enumerate(pieces, start=1):
        continuation = piece.tokens[first:]
        fed = len(continuation) - 1
        tokens.append(continuation[:-1])
        positions.append(first + np.arange(fed))
        branches.append(np.full(fed, branch if len(pieces) > 1 else 0))
        sources.append(np.concatenate([[first - 1], end + np.arange(fed)]))
        targets.append(continuation)
        owners.append(np.full(fed + 1, owner))
        end += fed
    parts = (tokens, positions, branches, sources, targets, owners)
    return _Row(len(pieces), *(np.concatenate(part) for part in parts))


# --- what is compiled ----------------------------------------------------------------------------


@functools.lru_cache(maxsize=32)
def _compiled(model: ModelConfig, mesh: Mesh, shared: bool, compare: bool):
    """score(params, tokens_BT, positions_BT, branches_BT, sources_BT, targets_BT, most).

    Gives (log p of each target, whether it is the likeliest token) for the first `most` targets of
    each row; of the others, and of all if not `compare` the second, it says nothing.
    """

    def score(params, tokens_BT, positions_BT, branches_BT, sources_BT, targets_BT, most):
        if shared:
            hidden_BTD = apply_tree(model, params, tokens_BT, positions_BT, branches_BT)
        else:
            hidden_BTD = apply(model, params, tokens_BT)
        embedding_VD = params["embedding"].astype(hidden_BTD.dtype)
        embedding_VD = sharding.constrain(embedding_VD, "vocabulary", None)
        rows = len(tokens_BT) // _batch_shards(mesh)
        affordable = LOGITS_PER_CHUNK[sharding.platform()] // (model.vocabulary_size * rows)
        c = min(MOST_SCORED, 2 ** int(math.log2(max(1, affordable))))
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
