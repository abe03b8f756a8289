"""Lines of metrics.jsonl, from what the train step returned.

    meter = Meter(phase, stream, windows, clock, peak_flops=chips * peak_of_a_chip)
    meter.add(device_metrics, corpus_B)      # after each step; does not wait
    line = meter.line(step)                  # waits for the steps added since the last line

A line covers the steps since the one before it; after a restart, those since the checkpoint.
Every name that is logged:

  step                train steps done in this phase
  tokens              tokens trained on in this phase
  loss                mean nats per token over the steps since the last line
  learning_rate       of the last step
  grad_norm           before clipping, mean over the steps
  skipped_steps       steps of this phase whose update was skipped as a spike of the loss; only
                      where the step skips spikes
  tokens_per_second   tokens since the last line over the seconds of compute and data among those
                      since the last line: what training runs at, pauses left out. The step that
                      ended the start-up is left out on both sides; absent if there is no other
  mfu                 model FLOPs utilisation: tokens_per_second times the FLOPs of a token
                      (code_ablate.model.flops: useful ones, no rematerialisation) over the peak
                      of all chips; absent where the peak is not known, or tokens_per_second
  seconds             of training in this phase so far, over all restarts and with all pauses; work
                      lost to a kill is not in it
  seconds_left        estimate: steps still to do times the mean seconds of a step of this process,
                      with waits and pauses and without the start-up; absent until a step is timed
  seconds/compute, seconds/data, seconds/checkpoint, seconds/evaluation, seconds/startup
                      seconds since the last line, by what the loop did
                      (code_ablate.training.clock); they add up to the time between the lines
  loss/CORPUS         mean nats per token over the windows of that corpus since the last line;
                      absent if there were none
  tokens/CORPUS       tokens of that corpus trained on in this phase
  share/CORPUS        their realised share
  requested/CORPUS    the share asked for
  unique/CORPUS       distinct tokens of it that were read by this and all earlier phases
  epochs/CORPUS       times its store was read by this and all earlier phases
"""

from collections.abc import Mapping
from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Int

from code_ablate.data.mixing import Stream
from code_ablate.model.flops import flops_per_token
from code_ablate.training.clock import Clock
from code_ablate.training.phase import Phase


@dataclass(frozen=True)
class _Step:
    """One step that no line has counted yet."""

    metrics: Mapping[str, jax.Array | np.ndarray]
    corpus_B: Int[np.ndarray, " B"]
    timed: bool


class Meter:
    """Collects per-step results on the device and turns them into lines."""

    def __init__(
        self,
        phase: Phase,
        stream: Stream,
        windows: Mapping[str, int],
        clock: Clock,
        peak_flops: float | None = None,
    ):
        """`windows`: windows in the store of each corpus; `clock`: the one of the loop, of which
        nobody else takes; `peak_flops`: peak FLOP/s of all chips together, in the compute dtype and
        for dense matrices, None if not known."""
        self._phase, self._stream, self._windows = phase, stream, windows
        self._clock, self._peak_flops = clock, peak_flops
        self._flops_per_token = flops_per_token(phase.model, phase.seq_len)
        self._batch_tokens = phase.batch_windows * phase.seq_len
        self._pending: list[_Step] = []
        self._timed_steps = 0

    def add(
        self,
        metrics: Mapping[str, jax.Array | np.ndarray],
        corpus_B: Int[np.ndarray, " B"],
        *,
        startup: bool = False,
    ) -> None:
        """Takes the results of one step; does not wait for them.

        `metrics`: replicated arrays `loss`, `loss_B` (nats per token of each window of the global
        batch), `grad_norm` and, where spikes are skipped, `skipped_steps`, a count over the phase.
        `corpus_B`: index into `stream.corpora` of each window. `startup`: the clock charged this
        step to the start-up.
        """
        self._pending.append(_Step(metrics, corpus_B, timed=not startup))

    def line(self, step: int) -> dict[str, float]:
        """Waits for the steps since the last line, at least one, and sums them up."""
        steps, self._pending = self._pending, []
        fetched = jax.device_get([dict(pending.metrics) for pending in steps])
        loss_N = np.concatenate([metrics["loss_B"] for metrics in fetched])
        corpus_N = np.concatenate([pending.corpus_B for pending in steps])
        line = {
            "step": step,
            "tokens": step * self._batch_tokens,
            "loss": float(np.mean([metrics["loss"] for metrics in fetched])),
            "learning_rate": self._phase.learning_rate(step - 1),
            "grad_norm": float(np.mean([metrics["grad_norm"] for metrics in fetched])),
        }
        if "skipped_steps" in fetched[-1]:
            line["skipped_steps"] = int(fetched[-1]["skipped_steps"])
        line |= self._times(step, timed_steps=sum(pending.timed for pending in steps))
        for index, corpus in enumerate(self._stream.corpora):
            if (corpus_N == index).any():
                line[f"loss/{corpus}"] = float(loss_N[corpus_N == index].mean())
        return line | self._usage(step)

    def _times(self, step: int, timed_steps: int) -> dict[str, float]:
        """Speed and the split of the time since the last line."""
        since_line = self._clock.take()
        times: dict[str, float] = {}
        training = since_line["compute"] + since_line["data"]
        if timed_steps and training > 0:
            speed = timed_steps * self._batch_tokens / training
            times["tokens_per_second"] = speed
            if self._peak_flops is not None:
                times["mfu"] = speed * self._flops_per_token / self._peak_flops
        times["seconds"] = self._clock.seconds
        self._timed_steps += timed_steps
        if self._timed_steps:
            split = self._clock.split
            per_step = (sum(split.values()) - split["startup"]) / self._timed_steps
            times["seconds_left"] = (self._phase.steps - step) * per_step
        return times | {f"seconds/{name}": seconds for name, seconds in since_line.items()}

    def _usage(self, step: int) -> dict[str, float]:
        """What was read of each corpus."""
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
