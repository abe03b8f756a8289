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
from jax.sharding import Mesh
from jaxtyping import Float, Int

from code_ablate.model.loss import token_log_likelihoods
from code_ablate.model.sharding import batch_sharding
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

    def cropped(self, longest: int) -> "Request":
        """At most `longest` tokens, dropped from the left: the context goes first."""
        excess = len(self.tokens) - longest
        if excess <= 0:
            return self
        return Request(self.tokens[excess:], max(1, self.first - excess))


def padded_length(length: int) -> int:
    """The length a sequence of `length` tokens is padded to: 32, 48, 64, 96, 128, 192, ..."""
    size = SHORTEST
    while size < length:
        if size + size // 2 >= length and size >= SHORTEST:
            return size + size // 2
        size *= 2
    return size


@functools.lru_cache(maxsize=8)
def _compiled(model: ModelConfig):
    def log_likelihoods(params, tokens_BT):
        hidden_BTD = apply(model, params, tokens_BT[:, :-1])
        return token_log_likelihoods(hidden_BTD, params["embedding"], tokens_BT[:, 1:])

    return jax.jit(log_likelihoods)


class Scorer:
    """Scores requests with one model and its parameters."""

    def __init__(
        self, model: ModelConfig, params, mesh: Mesh, *, batch_tokens: int = 8192, longest: int
    ):
        """`batch_tokens`: padded tokens in a batch; `longest`: tokens the model sees at once."""
        self._model, self._params, self._mesh = model, params, mesh
        self._batch_tokens, self._longest = batch_tokens, longest

    @property
    def longest(self) -> int:
        """Tokens that a request may have; longer ones are cropped from the left."""
        return self._longest

    def score(
        self, requests: Sequence[Request], advance: Callable[[int], object] = lambda done: None
    ) -> Float[np.ndarray, " N"]:
        """Sum of log p (nats) over the scored tokens of each request, in the order given.

        `advance` is told how many requests each batch has done, for a progress bar.
        """
        scores_N = np.full(len(requests), np.nan)
        cropped = [request.cropped(self._longest) for request in requests]
        by_length: dict[int, list[int]] = {}
        for i, request in enumerate(cropped):
            by_length.setdefault(padded_length(len(request.tokens) - 1), []).append(i)
        for length, indices in sorted(by_length.items()):
            rows = self._rows(length)
            for start in range(0, len(indices), rows):
                batch = indices[start : start + rows]
                scores_N[batch] = self._score_batch([cropped[i] for i in batch], length, rows)
                advance(len(batch))
        assert not np.isnan(scores_N).any() or not len(scores_N), "a score is not a number"
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
            placed = jax.device_put(tokens_BT, batch_sharding(self._mesh))
            log_p_BT = np.asarray(_compiled(self._model)(self._params, placed), np.float64)
        return np.where(scored_BT, log_p_BT, 0.0).sum(axis=1)[: len(requests)]
