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

from code_ablate.identity import to_plain
from code_ablate.model.config import ModelConfig
from code_ablate.model.flops import flops_per_token
from code_ablate.study.hardware import device_here
from code_ablate.training.phase import Phase
from code_ablate.training.rundir import RunDirectory


@dataclass(frozen=True)
class EarlierRuns:
    """Speeds of runs on devices such as are here; of each one where several were side by side."""

    by_shape: Mapping[str, tuple[float, ...]]
    """Tokens per second of the runs of a model, window and batch."""
    flops: tuple[float, ...]
    """FLOP/s of every run, by the formula in code_ablate.model.flops."""

    @classmethod
    def read(cls, runs_dir: epath.PathLike, side_by_side: int = 1) -> "EarlierRuns":
        """The runs of a folder that say how fast they were. `side_by_side`: members of a fleet."""
        by_shape: dict[str, tuple[float, ...]] = {}
        flops: list[float] = []
        here = device_here(side_by_side)
        for run in RunDirectory.all_in(runs_dir):
            config, last = run.config, run.last_metrics()
            if config["device"] == here and "tokens_per_second" in last:
                plain, speed = config["phase"], last["tokens_per_second"]
                shape = _shape(plain["model"], plain["seq_len"], plain["batch_windows"])
                by_shape[shape] = (*by_shape.get(shape, ()), speed)
                flops.append(
                    speed * flops_per_token(ModelConfig(**plain["model"]), plain["seq_len"])
                )
        return cls(by_shape, tuple(flops))

    def tokens_per_second(self, phase: Phase) -> float:
        """The median of runs of equal shapes; without any, what the median FLOP/s of all comes to.

        Larger models reach somewhat more FLOP/s than smaller ones. Not a number without runs.
        """
        if found := self._of(phase):
            return statistics.median(found)
        if not self.flops:
            return math.nan
        return statistics.median(self.flops) / flops_per_token(phase.model, phase.seq_len)

    def source(self, phase: Phase) -> str:
        """Where that figure comes from, in words; empty without runs."""
        if found := self._of(phase):
            return f"median of {len(found)} earlier run{'s' * (len(found) > 1)} of this model"
        count = len(self.flops)
        return f"by the FLOP/s of {count} earlier run{'s' * (count > 1)}" if count else ""

    def _of(self, phase: Phase) -> tuple[float, ...]:
        shape = _shape(to_plain(phase.model), phase.seq_len, phase.batch_windows)
        return self.by_shape.get(shape, ())


def _shape(model: Mapping, seq_len: int, batch_windows: int) -> str:
    """What the speed of a train step depends on, beside the devices."""
    return str([dict(model), seq_len, batch_windows])
