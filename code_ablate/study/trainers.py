"""How the phases of a study are trained: one after another, or several beside each other.

    with choose_trainer(graph, runs, surroundings, seconds=plan_seconds) as trainer:
        execute(graph, trainer, evaluate)

On a CPU phases are trained side by side in processes, each on cores of its own; on accelerators
phases of equal shape are one program, each on devices of its own.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from code_ablate import distributed
from code_ablate.errors import Failed, UserError
from code_ablate.model.config import ModelConfig
from code_ablate.model.flops import count_parameters
from code_ablate.study.executor import Trainer
from code_ablate.study.graph import PhaseGraph
from code_ablate.study.phase_order import Order, Work
from code_ablate.training.devices import available_cores
from code_ablate.training.execution import Execution
from code_ablate.training.member import Member, Surroundings
from code_ablate.training.rundir import RunDirectory
from code_ablate.training.workers import Workers

SECONDS_ALONE = 60
"""Training that is expected to take less than this is done in this process: workers would have to
be started, and compile."""

WORKER_BYTES = 2**30
"""Memory of a process that trains, without what grows with its model."""

BYTES_PER_PARAMETER = 32
"""Memory of a process that trains, by parameter of its model: float32 state and gradient, and as
much again where they are copied, as for a checkpoint."""


@dataclass(frozen=True)
class OneByOne:
    """Trains in this process, one phase at a time."""

    runs: Mapping[str, RunDirectory]
    """Run of each phase, by identity."""
    surroundings: Surroundings
    """What all phases have in common."""
    together: int = 1
    """Phases that one call trains: one."""
    at_once: int = 1
    """Calls that may go on at the same time: one."""

    def train(self, works: Sequence[Work]) -> Mapping[str, Failed]:
        """See Trainer."""
        from code_ablate.training import loop

        common = self.surroundings
        for member in members_of(works, self.runs):
            try:
                loop.train(
                    member.phase,
                    common.stores,
                    member.run,
                    parent=member.parent,
                    execution=common.execution,
                    operative_gin=common.operative_gin,
                    label=member.label,
                )
            except Failed as failure:
                if distributed.process_count() > 1:
                    raise  # the other processes may know nothing of it
                return {member.run.identity: failure}
        return {}

    def stop(self) -> None:
        """Nothing: a call in the main thread sees to the signals itself."""


@dataclass(frozen=True)
class InProcesses:
    """Trains in processes of this host, a phase in each."""

    runs: Mapping[str, RunDirectory]
    """Run of each phase, by identity."""
    workers: Workers
    """The processes."""
    at_once: int
    """Number of processes."""
    together: int = 1
    """Phases that one call trains: one."""

    def train(self, works: Sequence[Work]) -> Mapping[str, Failed]:
        """See Trainer."""
        for member in members_of(works, self.runs):
            try:
                self.workers.train(member)
            except Failed as failure:
                return {member.run.identity: failure}
        return {}

    def stop(self) -> None:
        """See Trainer."""
        self.workers.stop()


@dataclass(frozen=True)
class OneProgram:
    """Trains phases of equal shape together, each on its part of the devices."""

    runs: Mapping[str, RunDirectory]
    """Run of each phase, by identity."""
    surroundings: Surroundings
    """What all phases have in common."""
    together: int
    """Parts of the devices."""
    at_once: int = 1
    """Calls that may go on at the same time: one."""

    def train(self, works: Sequence[Work]) -> Mapping[str, Failed]:
        """See Trainer."""
        from code_ablate.training.fleet import train_fleet

        return train_fleet(members_of(works, self.runs), self.together, self.surroundings)

    def stop(self) -> None:
        """Nothing: a call in the main thread sees to the signals itself."""


def members_of(works: Sequence[Work], runs: Mapping[str, RunDirectory]) -> list[Member]:
    """The phases with their runs."""
    return [
        Member(
            work.phase,
            runs[work.identity],
            parent=runs[work.parent] if work.parent else None,
            label=str(work),
            mark=work.progress,
        )
        for work in works
    ]


@contextlib.contextmanager
def choose_trainer(
    graph: PhaseGraph,
    runs: Mapping[str, RunDirectory],
    surroundings: Surroundings,
    *,
    seconds: float,
) -> Iterator[Trainer]:
    """The trainer for what is left of a study, by `Execution.fleet` and the devices.

    `seconds`: of training, as far as can be told beforehand. Raises UserError for members that
    cannot be placed.
    """
    members = fleet_members(graph, runs, surroundings.execution.fleet.members, seconds=seconds)
    if members == 1:
        yield OneByOne(runs, surroundings)
    elif in_processes():
        with Workers(members, surroundings) as workers:
            yield InProcesses(runs, workers, members)
    else:
        yield OneProgram(runs, surroundings, members)


def in_processes() -> bool:
    """Whether phases that are trained at the same time have a process each, as on a CPU; on
    accelerators they are one program."""
    import jax

    return jax.default_backend() == "cpu"


def fleet_members(
    graph: PhaseGraph, runs: Mapping[str, RunDirectory], asked: int | str, *, seconds: float
) -> int:
    """How many phases are trained at the same time; arguments as for `choose_trainer`.

    'auto' is for CPUs: on accelerators, where it was not measured what pays, it is 1.
    """
    if asked == 1 or not width(graph, runs):
        return 1  # with nothing to train, as where results alone are written, it needs no devices
    on_cpu = in_processes() and distributed.process_count() == 1
    if asked != "auto":
        _require_places(int(asked), on_cpu)
        return max(1, min(int(asked), width(graph, runs))) if on_cpu else int(asked)
    if not on_cpu or seconds < SECONDS_ALONE or not hasattr(os, "sched_setaffinity"):
        return 1
    room = available_memory() // max(map(memory_of, {p.model for p in graph.phases.values()}))
    return max(1, min(len(available_cores()), width(graph, runs), room))


def require_devices(execution: Execution) -> None:
    """Raises UserError if the devices of this job have no place for the members or the mesh that
    are asked for."""
    from code_ablate.model.sharding import make_mesh
    from code_ablate.training.fleet_step import make_fleet_mesh

    members = execution.fleet.members
    if members in ("auto", 1):
        make_mesh(execution.mesh)
        return
    on_cpu = in_processes() and distributed.process_count() == 1
    _require_places(int(members), on_cpu)
    if on_cpu:  # a process of its own each, with the devices of this one
        make_mesh(execution.mesh)
    else:
        make_fleet_mesh(execution.mesh, int(members))


def _require_places(members: int, on_cpu: bool) -> None:
    """Raises UserError if there is no core or device for each member."""
    import jax

    if distributed.process_count() > 1:
        raise UserError(
            f"FleetConfig.members is {members}, and this job has several processes, which train "
            "one phase after another: set it to 1."
        )
    places, what = (len(available_cores()), "cores") if on_cpu else (jax.device_count(), "devices")
    if members > places or (places % members and not on_cpu):
        raise UserError(
            f"FleetConfig.members is {members}, and there are {places} {what}, of which each "
            f"member needs its own: set it to {'at most' if on_cpu else 'a divisor of'} {places}."
        )


def width(graph: PhaseGraph, runs: Mapping[str, RunDirectory]) -> int:
    """Most phases that are to be trained and could be at the same time, as parents come first."""
    order, widest = Order.of(graph), 0
    while True:
        ready = []
        while group := order.take():
            ready += group
        if not ready:
            return widest
        widest = max(widest, sum(not runs[work.identity].complete for work in ready))
        order.note(ready, {})


def memory_of(model: ModelConfig) -> int:
    """Bytes that a process which trains this model takes, roughly."""
    return WORKER_BYTES + BYTES_PER_PARAMETER * count_parameters(model).total


def available_memory() -> int:
    """Bytes of memory that this host can still give; all that it has, where nothing says."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
