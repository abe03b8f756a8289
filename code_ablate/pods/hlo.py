"""What a compiled program will cost, read from the compiler's own text of it.

    operations = list(Program(jitted.lower(...).compile().as_text()).executed())
    seconds = sum(op.times * (op.cycles or 0) for op in operations) / chip.clock_hz
    traffic = [op for op in operations if op.collective]

The TPU compiler writes its estimate of cycles beside most operations. A loop's body is written once
and runs many times, so each operation comes with how often it runs. XLA offers no such total
itself: its cost analysis counts the body of a loop once.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod

COLLECTIVES = (
    "all-gather",
    "all-reduce",
    "reduce-scatter",
    "all-to-all",
    "collective-permute",
    "ragged-all-to-all",
)

DTYPE_BYTES = {
    "pred": 1, "s8": 1, "u8": 1, "f8e4m3fn": 1, "f8e5m2": 1, "s16": 2, "u16": 2, "bf16": 2,
    "f16": 2, "s32": 4, "u32": 4, "f32": 4, "s64": 8, "u64": 8, "f64": 8, "c64": 8,
}  # fmt: skip


@dataclass(frozen=True)
class Array:
    """One array of an operation's result."""

    dtype: str
    """Element type, as HLO writes it: "bf16"."""
    shape: tuple[int, ...]
    """Length of each axis."""
    on_chip: bool
    """Whether it lies in the core's own memory, not in the chip's (TPU memory spaces above 0)."""

    @property
    def bytes(self) -> int:
        """Without padding; types unknown here count as 4 bytes an element."""
        return prod(self.shape) * DTYPE_BYTES.get(self.dtype, 4)


@dataclass(frozen=True)
class Operation:
    """One line of a scheduled program."""

    name: str
    """Name within the program."""
    opcode: str
    """What it does, as HLO calls it: "fusion"."""
    results: tuple[Array, ...]
    """Arrays that it gives."""
    op_name: str
    """The way through the Python program that made it, as jax.named_scope and jit leave it."""
    operands: tuple[str, ...]
    """Names of the operations it reads."""
    text: str
    """The whole line."""
    cycles: int | None = None
    """The compiler's estimate for one run; None where it gives none."""
    times: int = 1
    """How often it runs in one call of the program."""
    computation: str = ""
    """Where it is written; what runs together has one."""

    @property
    def bytes(self) -> int:
        """Size of the results."""
        return sum(array.bytes for array in self.results)

    @property
    def kernel(self) -> str | None:
        """Name of a custom kernel (Pallas, Mosaic), or None."""
        if self.opcode == "custom-call" and 'custom_call_target="tpu_custom_call"' in self.text:
            return self.name.split(".")[0]
        return None

    @property
    def collective(self) -> str | None:
        """Kind of an operation that exchanges data between chips, or None.

        Of an asynchronous pair the second half is None, so that sums count each exchange once.
        """
        for kind in COLLECTIVES:
            if self.opcode in (kind, f"{kind}-start"):
                return kind
        return None

    @property
    def group_size(self) -> int:
        """How many chips exchange data with one another, of a collective."""
        return _group_size(self.text)


class Program:
    """The text of an optimized module, taken apart."""

    def __init__(self, text: str):
        """Raises ValueError if it has no entry computation."""
        self.computations: dict[str, list[Operation]] = {}
        entry = None
        current: list[Operation] = []
        for line in _logical_lines(text):
            if begin := _COMPUTATION.match(line):
                current = self.computations[begin["name"]] = []
                entry = begin["name"] if begin["entry"] else entry
            elif operation := _operation(line):
                current.append(operation)
        if entry is None:
            raise ValueError("not the text of an optimized HLO module: it has no ENTRY.")
        self.entry = entry

    def executed(self) -> Iterator[Operation]:
        """Every operation that runs, in its computation's order, with how often it runs.

        What fusions contain is left to the fusion's own estimate. A loop whose number of turns the
        compiler does not know counts once, and of a conditional the first branch counts.
        """
        yield from self._walk(self.entry, 1)

    def _walk(self, computation: str, times: int) -> Iterator[Operation]:
        for operation in self.computations[computation]:
            if operation.opcode == "while":
                yield from self._walk(_called(operation, "body"), times * self.trips(operation))
            elif operation.opcode == "conditional":
                branches = re.search(r"branch_computations=\{([^}]*)\}", operation.text)
                first = branches[1].split(",")[0] if branches else _called(operation, "true_")
                yield from self._walk(first.strip().lstrip("%"), times)
            elif operation.opcode in ("call", "async-start"):
                role = "to_apply" if "to_apply=" in operation.text else "calls"
                yield from self._walk(_called(operation, role), times)
            elif inner := self._fused_collective(operation):
                yield replace(inner, times=times, computation=computation, name=operation.name)
            else:
                yield replace(operation, times=times, computation=computation)

    def trips(self, loop: Operation) -> int:
        """How often the body of a `while` runs: known, or read from `counter < constant`."""
        if known := re.search(r'known_trip_count":\{"n":"(\d+)"', loop.text):
            return int(known[1])
        condition = self.computations[_called(loop, "condition")]
        compares = [op for op in condition if op.opcode == "compare" and "direction=LT" in op.text]
        constants = {
            op.name: int(value[1])
            for op in condition
            if (value := re.search(r"s32\[\]\S* constant\((\d+)\)", op.text))
        }
        limits = [constants[name] for op in compares for name in op.operands if name in constants]
        only_compare = not any(op.opcode in ("or", "and", "reduce") for op in condition)
        return limits[0] if len(limits) == 1 and only_compare else 1

    def _fused_collective(self, operation: Operation) -> Operation | None:
        """The exchange for which a TPU's fusion stands, if it is one.

        The beginning of an asynchronous one, or a reduce-scatter, which is written as an all-reduce
        and a slice of its result.
        """
        callee = _called(operation, "calls") if "calls=" in operation.text else ""
        begins = operation.name.startswith("async-collective-start")
        scatters = callee.startswith("all-reduce-scatter")
        if operation.opcode != "fusion" or not (begins or scatters):
            return None
        for inner in self.computations.get(callee, ()):
            if inner.collective and begins:
                return replace(inner, opcode=f"{inner.collective}-start")
            if inner.collective:
                return replace(operation, opcode="reduce-scatter", text=inner.text)
        return None


_COMPUTATION = re.compile(r"^(?P<entry>ENTRY )?%?(?P<name>[\w.\-]+) \(.*\{\s*$")
_OPERATION = re.compile(
    r"^\s+(?:ROOT )?%?(?P<name>[\w.\-]+) = (?P<type>\(.*?\)|\S+) (?P<opcode>[a-z][a-z0-9\-]*)\("
)
_ARRAY = re.compile(r"(?P<dtype>[a-z]+[0-9a-z]*)\[(?P<shape>[\d,]*)\](?P<layout>\{[^}]*\})?")


def _logical_lines(text: str) -> Iterator[str]:
    """Lines of the program; attributes of custom kernels run over several lines of text."""
    held = ""
    for line in text.splitlines():
        if line == "}" or _COMPUTATION.match(line) or _OPERATION.match(line):
            if held:
                yield held
            held = line
        else:
            held += " " + line
    yield held


def _operation(line: str) -> Operation | None:
    match = _OPERATION.match(line)
    if match is None:
        return None
    arguments = line[match.end() :].split(")", 1)[0]
    cycles = re.search(r'estimated_cycles":"(\d+)"', line)
    op_name = re.search(r'op_name="([^"]*)"', line)
    return Operation(
        name=match["name"],
        opcode=match["opcode"],
        results=tuple(_arrays(re.sub(r"/\*.*?\*/", "", match["type"]))),
        op_name=op_name[1] if op_name else "",
        operands=tuple(re.findall(r"%([\w.\-]+)", arguments)),
        text=line,
        cycles=int(cycles[1]) if cycles else None,
    )


def _arrays(types: str) -> Iterator[Array]:
    for match in _ARRAY.finditer(types):
        shape = tuple(int(size) for size in match["shape"].split(",") if size)
        yield Array(match["dtype"], shape, bool(re.search(r"S\([1-9]", match["layout"] or "")))


def _called(operation: Operation, role: str) -> str:
    called = re.search(rf"{role}[a-z_]*=%?([\w.\-]+)", operation.text)
    if called is None:
        raise ValueError(f"{operation.name}: no {role} computation in {operation.text[:200]!r}")
    return called[1]


def _group_size(text: str) -> int:
    """From replica_groups in any of the forms in which XLA writes them; 1 without any.

    Raises ValueError for another form: the exchange would count as free.
    """
    # replica_groups=mesh['axis_0'=64,'axis_1'=4], device_ids=([4,64]T(1,0)) {'axis_0'}
    if mesh := re.search(r"replica_groups=mesh\[([^\]]*)\][^{]*\{([^}]*)\}", text):
        sizes = dict(re.findall(r"'(\w+)'=(\d+)", mesh[1]))
        return prod(int(sizes[axis]) for axis in re.findall(r"'(\w+)'", mesh[2]))
    if iota := re.search(r"replica_groups=\[\d+,(\d+)\]<=", text):
        return int(iota[1])
    if listed := re.search(r"replica_groups=\{\{([\d,]*)\}", text):
        return len(listed[1].split(","))
    if "replica_groups=" in text and "replica_groups={}" not in text:
        raise ValueError(f"replica_groups in a form that is unknown here: {text[:200]}")
    return 1
