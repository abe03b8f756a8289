"""What a compiled train step costs on a TPU pod: memory, and time by what it goes to.

    price(Program(compiled.as_text()), chip, num_chips).seconds()
    print(cost)                     # a StepCost, from code_ablate.pods.compile_step
    cost.chip_hours(200e9)

The time is an estimate: the compiler's own cycles for all it generates, plus attention kernels and
exchanges between chips by roofline, under the assumptions below. Left out: data loading,
checkpoints, evaluation, the start, stragglers, and whatever the compiler's cycles get wrong.
Importing this loads no JAX.
"""

import math
import re
from collections import defaultdict
from dataclasses import dataclass, replace

from code_ablate.chips import Chip
from code_ablate.pods.hlo import Operation, Program

KERNEL_EFFICIENCY = 0.55
"""Assumed share of the peak rate that attention kernels reach on the half of the scores that
causality leaves. An assumption, not a measurement; the table shows what 10 points either way do."""

LINK_EFFICIENCY = 0.8
"""Assumed share of the links' rate that exchanges between chips reach."""

MEMORY_EFFICIENCY = 0.4
"""Share of the memory's rate for operations to which the compiler gives no cycles: what its own
estimates for plain copies come to on v5e."""

KERNEL_PRODUCTS = {"splash_mha_fwd": 2, "splash_mha_dq": 3, "splash_mha_dkv": 4}
"""Matrix products of scores' size in each kernel of splash attention, by how its name begins."""

PARTS = ("loss", "attention", "feed_forward", "norm", "embedding", "optimizer")
"""What time is split into: the jax.named_scope that an operation was written in, else "other"."""

FREE = {
    "parameter", "constant", "get-tuple-element", "tuple", "bitcast", "custom-call", "after-all",
    "partition-id", "replica-id", "copy-start", "copy-done", "slice-start", "slice-done",
    "dynamic-update-slice", "opt-barrier", "iota",
}  # fmt: skip
"""Operations that take no time of their own, or go on beside others (prefetches), or touch little
of their result (updates in place)."""


@dataclass(frozen=True)
class Exchange:
    """One kind of collective for one purpose, summed over the step."""

    kind: str
    """Name of the collective: one of hlo.COLLECTIVES."""
    part: str
    """Part of the step that it serves: one of PARTS, or "other"."""
    count: int
    """Times per step."""
    bytes: int
    """Size of the results on one chip, per step."""
    seconds: float
    """Time the links are busy with it, per step."""
    exposed_seconds: float
    """Seconds that no computation hides: all of them, unless the exchange is asynchronous."""


@dataclass(frozen=True)
class Price:
    """Where the time of a step goes."""

    parts: tuple[tuple[str, float], ...] = ()
    """Seconds of computation by part, kernels left out."""
    kernels: tuple[tuple[str, float], ...] = ()
    """Seconds in each custom kernel, at KERNEL_EFFICIENCY."""
    exchanges: tuple[Exchange, ...] = ()
    """Collectives, summed by kind and part, the longest first."""
    unknown_kernels: tuple[str, ...] = ()
    """Custom kernels that are not in KERNEL_PRODUCTS: not in the time."""

    def seconds(self, kernel_efficiency: float = KERNEL_EFFICIENCY) -> float:
        """Seconds of the whole step, if attention kernels reach this share of the peak."""
        kernels = sum(seconds for _, seconds in self.kernels)
        return (
            sum(seconds for _, seconds in self.parts)
            + kernels * KERNEL_EFFICIENCY / kernel_efficiency
            + sum(exchange.exposed_seconds for exchange in self.exchanges)
        )


@dataclass(frozen=True)
class StepCost:
    """Memory and time of a train step on a pod, as estimated. `str(cost)` is a table."""

    topology: str
    """Chip, and chips along each axis: "v5e:8x8"."""
    chip: Chip
    """The chip's figures."""
    chips: int
    """Number of chips in the pod."""
    mesh: dict[str, int]
    """Devices along each axis of the mesh."""
    batch_windows: int
    """Windows in a global batch."""
    seq_len: int
    """Tokens that a window predicts."""
    flops_per_step: float
    """Useful floating-point operations of the whole pod, by code_ablate.model.flops."""
    compile_seconds: float
    """Time that compiling took here."""
    memory_bytes: int = 0
    """Peak use of one chip's memory; 0 if the step does not fit."""
    out_of_memory: str = ""
    """Message of the compiler, if the step does not fit; else empty."""
    price: Price = Price()
    """Time by what it goes to; empty if the step does not fit."""

    @property
    def fits(self) -> bool:
        """Whether the compiler found room for it."""
        return not self.out_of_memory

    @property
    def step_seconds(self) -> float:
        """All of a step; not a number if it does not fit."""
        return self.price.seconds() if self.fits else math.nan

    @property
    def tokens_per_second(self) -> float:
        """Tokens that the whole pod trains on in a second."""
        return self.batch_windows * self.seq_len / self.step_seconds

    @property
    def mfu(self) -> float:
        """Useful FLOPs over what the chips could do in the time."""
        return self.flops_per_step / (self.step_seconds * self.chips * self.chip.peak_flops)

    def chip_hours(self, tokens: float) -> float:
        """Chips times hours to train on this many tokens."""
        return tokens / self.tokens_per_second * self.chips / 3600

    def __str__(self) -> str:
        return _format(self)


def price(program: Program, chip: Chip, num_chips: int) -> Price:
    """What the operations of a program cost, each alone, in the order of its schedule."""
    parts: defaultdict[str, float] = defaultdict(float)
    kernels: defaultdict[str, float] = defaultdict(float)
    exchanges: list[Exchange] = []
    begun: dict[str, tuple[float, Exchange]] = {}  # asynchronous ones under way, by name
    unknown: set[str] = set()
    now = 0.0
    for op in program.executed():
        if op.kernel:
            seconds = _kernel_seconds(op, chip)
            if seconds is None:
                unknown.add(op.kernel)
                continue
            kernels[op.kernel] += seconds
            now += seconds
        elif op.collective:
            seconds = op.times * exchange_seconds(op, chip, num_chips)
            exchange = Exchange(
                op.collective, _part(op), op.times, op.times * _gathered_bytes(op), seconds, seconds
            )
            if op.opcode.endswith("-start"):
                begun[_pair(op.name)] = (now, exchange)
            else:
                exchanges.append(exchange)
        elif "-done" in op.name and _pair(op.name) in begun:
            start, exchange = begun.pop(_pair(op.name))
            exposed = max(0.0, exchange.seconds - (now - start))
            exchanges.append(replace(exchange, exposed_seconds=exposed))
        else:
            seconds = op.times * _seconds(op, chip)
            parts[_part(op)] += seconds
            now += seconds
    exchanges += [exchange for _, exchange in begun.values()]  # their end was not found
    return Price(
        _longest_first(parts),
        _longest_first(kernels),
        tuple(_summed(exchanges)),
        tuple(sorted(unknown)),
    )


def _longest_first(seconds: dict[str, float]) -> tuple[tuple[str, float], ...]:
    return tuple(sorted((item for item in seconds.items() if item[1]), key=lambda item: -item[1]))


def _summed(exchanges: list[Exchange]) -> list[Exchange]:
    """One for each kind and part, the longest first."""
    sums: dict[tuple[str, str], Exchange] = {}
    for x in exchanges:
        old = sums.get((x.kind, x.part), Exchange(x.kind, x.part, 0, 0, 0.0, 0.0))
        sums[x.kind, x.part] = Exchange(
            x.kind,
            x.part,
            old.count + x.count,
            old.bytes + x.bytes,
            old.seconds + x.seconds,
            old.exposed_seconds + x.exposed_seconds,
        )
    return sorted(sums.values(), key=lambda x: -x.seconds)


def exchange_seconds(op: Operation, chip: Chip, num_chips: int) -> float:
    """Time of one collective by the bytes that each chip must send.

    Around a ring of g chips, (g - 1) / g of the gathered or scattered array passes every chip, and
    an all-reduce is a scatter and a gather. A group of all chips has all links; a smaller one is
    given those of one axis of the torus.
    """
    g = op.group_size
    share = (g - 1) / g
    sent = {
        "all-reduce": 2 * share * op.bytes,
        "reduce-scatter": (g - 1) * op.bytes,  # the result is 1 / g of what is scattered
        "collective-permute": op.bytes,
    }.get(op.collective or "", share * _gathered_bytes(op))
    rate = chip.interconnect_bytes_per_second * (1 if g == num_chips else 2 / chip.links)
    if op.collective == "all-to-all":
        sent *= num_chips ** (1 / (chip.links // 2)) / 4 * (chip.links // 2)  # mean distance
    return sent / (rate * LINK_EFFICIENCY)


def _gathered_bytes(op: Operation) -> int:
    """Size of the output. An asynchronous exchange returns its input too: the largest counts."""
    if op.opcode.endswith("-start"):
        return max((array.bytes for array in op.results), default=0)
    return op.bytes


def _seconds(op: Operation, chip: Chip) -> float:
    if op.cycles is not None:
        assert chip.clock_hz is not None, chip  # compile_step admits TPUs only
        return op.cycles / chip.clock_hz
    if op.opcode in FREE or op.opcode.endswith(("-done", "-start")):
        return 0.0
    moved = 2 * sum(array.bytes for array in op.results if not array.on_chip)
    return moved / (chip.memory_bytes_per_second * MEMORY_EFFICIENCY)


def _kernel_seconds(op: Operation, chip: Chip) -> float | None:
    """Time of all runs of an attention kernel, from the shape of its queries, [..., T, C]."""
    products = [n for name, n in KERNEL_PRODUCTS.items() if op.name.startswith(name)]
    operands = re.search(r"operand_layout_constraints=(.*?), [a-z_]+=", op.text)
    if not products or not operands:
        return None
    shapes = re.findall(r"(?:bf16|f32)\[([\d,]+)\]", operands[1])
    sizes = [[int(size) for size in shape.split(",")] for shape in shapes]
    queries = max((s for s in sizes if len(s) >= 3), key=math.prod)
    flops = products[0] * math.prod(queries) * queries[-2]  # 2 * T * T / 2 * C for each head
    return op.times * flops / (chip.peak_flops * KERNEL_EFFICIENCY)


def _part(op: Operation) -> str:
    scopes = [scope for scope in re.split(r"[/()]", op.op_name) if scope in PARTS]
    return scopes[-1] if scopes else "other"


def _pair(name: str) -> str:
    """What begin and end of an asynchronous exchange have in common in their names."""
    return re.sub(r"-(start|done)", "", name)


def _format(cost: StepCost) -> str:
    chip = cost.chip
    mesh = ", ".join(f"{name}={size}" for name, size in cost.mesh.items() if size > 1)
    lines = [
        f"{cost.topology}: {cost.chips} chips ({mesh or 'one chip'}), batch "
        f"{cost.batch_windows} x {cost.seq_len}, compiled in "
        f"{cost.compile_seconds:.0f} s",
    ]
    if not cost.fits:
        return "\n".join([*lines, f"DOES NOT FIT    {cost.out_of_memory}"])
    lines.append(
        f"memory          {cost.memory_bytes / 2**30:.1f} of {chip.memory_gib:g} GiB per chip"
    )
    total = cost.step_seconds
    for name, seconds in cost.price.parts:
        lines.append(f"{name:<16}{seconds:8.3f} s {seconds / total:6.1%}")
    for name, seconds in cost.price.kernels:
        lines.append(
            f"{name:<32}{seconds:8.3f} s {seconds / total:6.1%}  at {KERNEL_EFFICIENCY:.0%} of peak"
        )
    for x in cost.price.exchanges:
        lines.append(
            f"{x.kind:<16}{x.exposed_seconds:8.3f} s exposed of {x.seconds:.3f}: {x.count} x "
            f"{x.part}, {x.bytes / 1e9:.2f} GB a step"
        )
    low, high = (cost.price.seconds(KERNEL_EFFICIENCY + d) for d in (0.1, -0.1))
    lines += [
        f"step            {total:8.3f} s ({low:.3f} to {high:.3f} if attention kernels reach 10 "
        "points more or less)",
        f"MFU             {cost.mfu:8.1%}, {cost.tokens_per_second:,.0f} tokens/s",
    ]
    lines += [
        f"NOT IN THE TIME {name}: a kernel unknown here" for name in cost.price.unknown_kernels
    ]
    return "\n".join(lines)
