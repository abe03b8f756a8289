"""What a study runs on, for its plan: never changes what is trained. Importing it loads no JAX.

Hardware("v5e", chips=64).peak()          # (1.97e+14, "peak")
"""

import math
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt, Le

from code_ablate.checked import Positive, PositiveInt, checked
from code_ablate.chips import find as find_chip
from code_ablate.training.devices import device_name, measure_peak


@checked
@dataclass(frozen=True)
class Hardware:
    """What a study runs on, for the plan. Never changes what is trained."""

    chip: str | None = None
    """Short name in code_ablate.chips ("v5e", "h100"); None: the devices that are here."""
    chips: PositiveInt = 1
    """Number of chips."""
    expected_mfu: Annotated[float, Gt(0), Le(1)] = 0.35
    """Share of the peak that training is expected to reach, 0 to 1."""
    peak_flops: Positive | None = None
    """Peak FLOP/s of one chip in the compute dtype. None: the table's; for devices that are not in
    it, what a matrix product reaches here."""
    memory_gib: Positive | None = None
    """Memory of one chip, GiB. None: the table's."""

    def __post_init__(self):
        if self.chip is not None:
            known = find_chip(self.chip)
            object.__setattr__(self, "peak_flops", self.peak_flops or known.peak_flops)
            object.__setattr__(self, "memory_gib", self.memory_gib or known.memory_gib)

    def __str__(self) -> str:
        if self.chip:
            return f"{self.chips} x {self.chip}"
        return device_here() or "a chip that nothing names"

    def peak(self) -> tuple[float, str]:
        """(peak FLOP/s of one chip, where the figure comes from); measures it if need be.

        Not a number where nothing says what the chip is and JAX is not installed to measure it.
        """
        if self.peak_flops:
            return self.peak_flops, "peak"
        if device_here() is None:
            return math.nan, "unknown: JAX is not installed, and Hardware.chip names no chip"
        return measure_peak(), "a matrix product measured now"


def device_here(side_by_side: int = 1) -> str | None:
    """Name of the devices that are here, as runs note it; None where JAX is not installed."""
    try:
        return device_name(side_by_side)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("jax", "jaxlib"):
            raise
        return None
