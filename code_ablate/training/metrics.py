"""Lines of metrics.jsonl, from what the train step returned.

    meter = Meter(phase, stream, windows)
    meter.add(step, device_metrics, corpus_B)
    line = meter.line(step, seconds)      # fetches what was added since the last line

A line covers the steps since the one before it; after a restart, those since the checkpoint.
Every name that is logged:
  step                train steps done in this phase
  tokens              tokens trained on in this phase
  loss                mean nats per token over the steps since the last line
  learning_rate       of the last step
  grad_norm           before clipping, mean over the steps
  tokens_per_second   since the last line
  seconds             of training in this phase so far, over all restarts
  loss/CORPUS         mean nats per token over the windows of that corpus since the last line
  tokens/CORPUS       tokens of that corpus trained on in this phase
  share/CORPUS        their realised share
  requested/CORPUS    the share asked for
  unique/CORPUS       distinct tokens of it that were read by this and all earlier phases
  epochs/CORPUS       times its store was read by this and all earlier phases
"""

from collections.abc import Mapping

import jax
import numpy as np

from code_ablate.data.mixing import Stream
from code_ablate.training.phase import Phase


class Meter:
    """Collects per-step results on the device and turns them into lines."""

    def __init__(self, phase: Phase, stream: Stream, windows: Mapping[str, int]):
        self._phase, self._stream, self._windows = phase, stream, windows
        self._pending: list[tuple[dict, np.ndarray]] = []

    def add(self, metrics: dict, corpus_B: np.ndarray) -> None:
        """Takes the results of one step; does not wait for them."""
        self._pending.append((metrics, corpus_B))

    def line(self, step: int, seconds: float, tokens_per_second: float) -> dict:
        """Waits for the steps since the last line and sums them up."""
        fetched = [(jax.device_get(m), corpus_B) for m, corpus_B in self._pending]
        self._pending.clear()
        loss_N = np.concatenate([m["loss_B"] for m, _ in fetched])
        corpus_N = np.concatenate([corpus_B for _, corpus_B in fetched])
        line = {
            "step": step,
            "tokens": step * self._phase.batch_windows * self._phase.seq_len,
            "loss": float(np.mean([m["loss"] for m, _ in fetched])),
            "learning_rate": self._phase.learning_rate(step - 1),
            "grad_norm": float(np.mean([m["grad_norm"] for m, _ in fetched])),
            "tokens_per_second": tokens_per_second,
            "seconds": seconds,
        }
        for m, corpus in enumerate(self._stream.corpora):
            if (corpus_N == m).any():
                line[f"loss/{corpus}"] = float(loss_N[corpus_N == m].mean())
        return line | self._usage(step)

    def _usage(self, step: int) -> dict:
        position = step * self._phase.batch_windows
        usage: dict[str, float] = {}
        for corpus, n in self._stream.counts(position).items():
            read = n + self._stream.already_read.get(corpus, 0)
            usage[f"tokens/{corpus}"] = n * self._phase.seq_len
            usage[f"share/{corpus}"] = n / position
            usage[f"requested/{corpus}"] = self._phase.mixture.active[corpus]
            usage[f"unique/{corpus}"] = min(read, self._windows[corpus]) * self._phase.seq_len
            usage[f"epochs/{corpus}"] = read / self._windows[corpus]
        return usage
