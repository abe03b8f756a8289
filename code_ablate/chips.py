"""The accelerators this project knows, with their makers' figures.

    chip = find("v5e")
    chip = of_device_kind("NVIDIA H100 80GB HBM3")    # None if it is not in the table

Figures are of one chip. "Peak" is the dense bfloat16 rate, without sparsity. Needs no JAX.
"""

from dataclasses import dataclass

from code_ablate.errors import unknown_name


@dataclass(frozen=True)
class Chip:
    """One kind of accelerator."""

    name: str
    """Name by which this project knows it, such as "v5e"."""

    device_kinds: tuple[str, ...]
    """What JAX calls its devices (`device.device_kind`) begins with one of these."""

    peak_flops: float
    """bfloat16 floating-point operations per second."""

    memory_gib: float
    """Memory of one chip, GiB."""

    memory_bytes_per_second: float
    """Between the chip and its memory."""

    interconnect_bytes_per_second: float
    """To other chips, one way, all links together; makers often quote both ways, which is twice."""

    source: str
    """Where the figures come from."""

    clock_hz: float | None = None
    """Cycles per second, TPU only: peak_flops over the operations of its matrix units per cycle."""

    links: int = 1
    """TPU only: links of a chip to its neighbours, two per axis of the torus."""


_TPU = "Google Cloud documentation, page of this TPU version, 'key chip specifications'"

CHIPS: dict[str, Chip] = {
    chip.name: chip
    for chip in (
        Chip("v4", ("TPU v4",), 275e12, 32, 1228e9, 300e9, _TPU, 1.05e9, links=6),
        Chip("v5e", ("TPU v5 lite", "TPU v5e"), 197e12, 16, 819e9, 200e9, _TPU, 1.5e9, links=4),
        Chip("v5p", ("TPU v5", "TPU v5p"), 459e12, 95, 2765e9, 600e9, _TPU, 1.75e9, links=6),
        Chip("v6e", ("TPU v6 lite", "TPU v6e"), 918e12, 32, 1640e9, 400e9, _TPU, 1.75e9, links=4),
        Chip("h100", ("NVIDIA H100",), 989.4e12, 80, 3350e9, 450e9, "NVIDIA H100 datasheet (SXM)"),
        Chip("h200", ("NVIDIA H200",), 989.4e12, 141, 4800e9, 450e9, "NVIDIA H200 datasheet (SXM)"),
        Chip("a100", ("NVIDIA A100",), 312e12, 80, 2039e9, 300e9, "NVIDIA A100 datasheet (SXM)"),
    )
}
"""Every chip by the short name that topologies ("v5e:8x8") and gin/hardware use."""


def find(name: str) -> Chip:
    """The chip of this short name; UserError with the closest names if there is none."""
    if name not in CHIPS:
        raise unknown_name("chip", name, CHIPS)
    return CHIPS[name]


def of_device_kind(device_kind: str) -> Chip | None:
    """The chip that JAX describes so, or None: the longest beginning that fits decides."""
    fits = [
        (len(kind), chip)
        for chip in CHIPS.values()
        for kind in chip.device_kinds
        if device_kind.startswith(kind)
    ]
    return max(fits, key=lambda fit: fit[0])[1] if fits else None
