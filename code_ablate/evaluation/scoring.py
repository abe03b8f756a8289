"""Log-likelihoods of token sequences under a model. No TensorFlow, no SeqIO.

    scorer = Scorer(model, params, mesh)
    scorer.score([Request(tokens=np.array([1, 5, 6, 7]), first=3), ...])   # log p(7 | 1, 5, 6), ...

Requests are sorted by length and padded to a few lengths, so that there are few compilations and
little padding; the order and the size of the batches do not change a score beyond float rounding.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Float, Int

from code_ablate.model.loss import token_log_likelihoods
from code_ablate.model.sharding import place_batch
from code_ablate.model.transformer import ModelConfig, apply

SHORTEST = 32
"""Requests are padded to this many tokens or to a multiple of it by powers of two and halves."""


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


@functools.lru_cache(maxsize=8)
def _compiled(model: ModelConfig, mesh: Mesh):
    def log_likelihoods(params, tokens_BT):
        hidden_BTD = apply(model, params, tokens_BT[:, :-1])
        return token_log_likelihoods(hidden_BTD, params["embedding"], tokens_BT[:, 1:])

    # Every process of a pod gets every score.
    return jax.jit(log_likelihoods, out_shardings=NamedSharding(mesh, PartitionSpec()))


class Scorer:
    """Scores requests with one model and its parameters."""

    def __init__(
        self, model: ModelConfig, params, mesh: Mesh, *, longest: int, batch_tokens: int = 0
    ):
        """`longest`: tokens the model sees at once; `batch_tokens`: padded tokens in a batch.

        0 chooses: on a CPU what fits its caches best, and sixteen times that elsewhere.
        """
        batch_tokens = batch_tokens or (4096 if jax.default_backend() == "cpu" else 65536)
        self._model, self._params, self._mesh = model, params, mesh
        self._batch_tokens, self._longest = batch_tokens, longest

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
        scores_N = np.zeros(len(requests))
        by_length: dict[int, list[tuple[int, Request]]] = {}
        for owner, request in enumerate(requests):
            for piece in request.pieces(self._longest):
                length = padded_length(len(piece.tokens) - 1)
                by_length.setdefault(length, []).append((owner, piece))
        for length, pieces in sorted(by_length.items()):
            rows = self._rows(length)
            for start in range(0, len(pieces), rows):
                owners, batch = zip(*pieces[start : start + rows], strict=True)
                np.add.at(scores_N, list(owners), self._score_batch(list(batch), length, rows))
                advance(len(batch))
        return scores_N

    def _rows(self, length: int) -> int:
        """Rows in a batch: as many as fit, a multiple of the devices that share the batch."""
        shards = self._mesh.size
        return max(1, self._batch_tokens // length // shards) * shards

    def _score_batch(self, requests: list[Request], length: int, rows: int) -> np.ndarray:
        tokens_BT = np.zeros((rows, length + 1), np.int32)
        scored_BT = np.zeros((rows, length), bool)
        for row, request in enumerate(requests):
            tokens_BT[row, : len(request.tokens)] = request.tokens
            scored_BT[row, request.first - 1 : len(request.tokens) - 1] = True
        with jax.set_mesh(self._mesh):
            score = _compiled(self._model, self._mesh)
            log_p_BT = np.asarray(
                score(self._params, place_batch(self._mesh, tokens_BT)), np.float64
            )
        return np.where(scored_BT, log_p_BT, 0.0).sum(axis=1)[: len(requests)]
