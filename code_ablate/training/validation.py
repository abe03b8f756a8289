"""Loss on held-out windows of each corpus, while training goes on.

    validation = Validation(phase, stores, mesh, max_windows=64)
    validation.measure(params)      # {'validation_loss/demo.text': 5.12, ...}

The same windows are measured every time. This is for watching a run; what is reported about a model
comes from the evaluation suite.
"""

import functools
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from code_ablate.data.store import Stores, TokenStore
from code_ablate.errors import UserError
from code_ablate.model.config import ModelConfig
from code_ablate.model.loss import token_log_likelihoods
from code_ablate.model.sharding import place_batch
from code_ablate.model.transformer import apply
from code_ablate.training.phase import Phase
from code_ablate.training.step import document_numbers


@dataclass(frozen=True)
class Validation:
    """What is measured, of the corpora in the phase's mixture."""

    phase: Phase
    """The phase that is trained."""
    stores: Stores
    """Token stores of its corpora."""
    mesh: Mesh
    """Mesh of the devices."""
    max_windows: int
    """Windows of each corpus; those of its validation split where there are fewer."""
    microbatches: int = 1
    """Parts into which training cuts a batch: one of them is what memory is known to hold."""

    def require_windows(self) -> None:
        """Raises UserError if there is nothing to measure."""
        T = self.phase.seq_len
        if not any(self.stores[c].num_windows(T, "validation") for c in self.phase.mixture.active):
            raise UserError(
                f"no corpus has {T + 1} tokens of validation documents to measure the loss on: "
                "raise PrepareConfig.validation_fraction or set LoopConfig.validate_every = None."
            )

    def measure(self, params) -> dict[str, float]:
        """Mean nats per token over the windows of each corpus that has any."""
        return {
            f"validation_loss/{corpus}": float(np.mean(losses_N))
            for corpus in self.phase.mixture.active
            if len(losses_N := self._losses(params, self.stores[corpus]))
        }

    def _losses(self, params, store: TokenStore) -> np.ndarray:
        """Loss of each window. They are read in batches as training computes them, which fit the
        mesh; the last one is filled up with a window that is not counted."""
        T, rows = self.phase.seq_len, self.phase.batch_windows // self.microbatches
        available = store.num_windows(T, "validation")
        count = min(available, self.max_windows)
        windows_N = np.arange(count) * available // max(1, count)  # spread over the documents
        losses = []
        for start in range(0, count, rows):
            chosen = windows_N[start : start + rows]
            filled_B = np.pad(chosen, (0, rows - len(chosen)))
            tokens_BT = place_batch(self.mesh, store.read_windows(filled_B, T, "validation"))
            measure = _window_losses(self.phase.model, self.mesh, self._eos(store))
            loss_B = measure(params, tokens_BT)
            losses.append(np.asarray(loss_B)[: len(chosen)])
        return np.concatenate(losses) if losses else np.zeros(0)

    def _eos(self, store: TokenStore) -> int | None:
        return store.manifest.vocabulary["eos_id"] if self.phase.document_masks else None


@functools.lru_cache(maxsize=8)
def _window_losses(model: ModelConfig, mesh: Mesh, eos_id: int | None):
    def window_losses(params, tokens_BT):
        inputs_BT, targets_BT = tokens_BT[:, :-1], tokens_BT[:, 1:]
        segments_BT = None if eos_id is None else document_numbers(inputs_BT, eos_id)
        hidden_BTD = apply(model, params, inputs_BT, segments_BT)
        return -jnp.mean(token_log_likelihoods(hidden_BTD, params["embedding"], targets_BT), axis=1)

    return jax.jit(window_losses, out_shardings=NamedSharding(mesh, PartitionSpec()))
