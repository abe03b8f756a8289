"""How fast earlier runs on the devices that are here were: what the time of a plan comes from.

earlier = EarlierRuns.read(runs_dir)                     # one phase at a time
earlier = EarlierRuns.read(runs_dir, side_by_side=2)     # each of two
earlier.tokens_per_second(phase), earlier.source(phase)
"""

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from etils import epath

from code_ablate.errors import UserError
from code_ablate.identity import to_plain
from code_ablate.model.config import ModelConfig
from code_ablate.model.flops import flops_per_token
from code_ablate.study.hardware import device_here
from code_ablate.training.phase import Phase
from code_ablate.training.rundir import RunDirectory

LIKE = 4.0
"""Ratio of FLOPs of a token up to which two models are taken to reach the same FLOP/s: a toy model
reaches a small part of what a large one does on an accelerator."""


@dataclass(frozen=True)
class EarlierRuns:
    """Speeds of runs on devices such as are here; of each one where several were side by side."""

    by_shape: Mapping[str, tuple[float, ...]]
    """Tokens per second of the runs of a model, window and batch."""
    by_flops: tuple[tuple[float, float], ...]
    """FLOPs of a token (by the formula in code_ablate.model.flops) and tokens per second of each
    run."""

    @classmethod
    def read(cls, runs_dir: epath.PathLike, side_by_side: int = 1) -> "EarlierRuns":
        """The runs of a folder that say how fast they were. `side_by_side`: members of a fleet."""
        by_shape: dict[str, tuple[float, ...]] = {}
        by_flops: list[tuple[float, float]] = []
        here = device_here(side_by_side)
        for run in RunDirectory.all_in(runs_dir):
            config, speed = run.config, run.last_metrics().get("tokens_per_second", math.nan)
            if config["device"] != here or not math.isfinite(speed):
                continue
            plain = config["phase"]
            shape = _shape(plain["model"], plain["seq_len"], plain["batch_windows"])
            by_shape[shape] = (*by_shape.get(shape, ()), speed)
            try:
                model = ModelConfig(**plain["model"])
            except (TypeError, UserError):  # of a version whose models had other fields
                continue
            by_flops.append((flops_per_token(model, plain["seq_len"]), speed))
        return cls(by_shape, tuple(by_flops))

    def tokens_per_second(self, phase: Phase) -> float:
        """The median of runs of equal shapes; without any, of what the FLOP/s of runs of a like
        size come to. Not a number without such runs.
        """
        found = self._equal(phase) or self._like(phase)
        return statistics.median(found) if found else math.nan

    def source(self, phase: Phase) -> str:
        """Where that figure comes from, in words; empty without runs."""
        if found := self._equal(phase):
            return f"median of {_runs(len(found))} of this model"
        like = self._like(phase)
        return f"by the FLOP/s of {_runs(len(like))} of models of a like size" if like else ""

    def _equal(self, phase: Phase) -> tuple[float, ...]:
        shape = _shape(to_plain(phase.model), phase.seq_len, phase.batch_windows)
        return self.by_shape.get(shape, ())

    def _like(self, phase: Phase) -> tuple[float, ...]:
        """Tokens per second of the phase at the FLOP/s of each run of a model of a like size."""
        own = flops_per_token(phase.model, phase.seq_len)
        return tuple(
            speed * flops / own for flops, speed in self.by_flops if 1 / LIKE <= flops / own <= LIKE
        )


def _runs(count: int) -> str:
    return f"{count} earlier run{'s' * (count > 1)}"


def _shape(model: Mapping, seq_len: int, batch_windows: int) -> str:
    """What the speed of a train step depends on, beside the devices."""
    return str([dict(model), seq_len, batch_windows])
