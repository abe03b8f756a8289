"""Members trained as one program: each ends with the bits of its single run, whatever happens."""

import json
import signal

import pytest

from code_ablate.errors import Failed
from code_ablate.training.execution import Execution, LoopConfig
from code_ablate.training.member import Member, Surroundings
from tests.study.test_trainers import (
    STORES,
    fingerprints,
    graph_of,
    phases_of,
    runs_in,
    signal_itself,
)
from tests.training.jobs import complete_job, finish_job, start_job
from tests.training.test_loop import metrics_of

SURROUNDINGS = Surroundings(STORES, Execution(loop=LoopConfig(log_every=8, checkpoint_every=4)))


def members_in(directory, phases):
    graph = graph_of(phases)
    runs = runs_in(directory, graph)
    return [
        Member(
            phase,
            runs[name],
            parent=runs[graph.parents[name]] if graph.parents[name] else None,
            label=f"[{number}] {phase.name}",
            mark=f"[{number}]",
        )
        for number, (name, phase) in enumerate(graph.phases.items(), 1)
    ]


def train_together(directory, seats):
    """The three phases from initialisation, then the one that starts from the first of them."""
    from code_ablate.training.fleet import train_fleet

    *first, child = members_in(directory, phases_of())
    assert train_fleet(first, seats, SURROUNDINGS) == {}
    assert train_fleet([child], seats, SURROUNDINGS) == {}


def train_alone(directory, devices):
    """Each of the phases on the first `devices` devices, without the fleet."""
    for member in members_in(directory, phases_of()):
        alone_on(devices, member)


def alone_on(devices, member):
    """Trains a phase on the first `devices` devices."""
    import jax

    from code_ablate.model import sharding
    from code_ablate.training import loop

    make = sharding.make_mesh
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(loop, "make_mesh", lambda config: make(config, jax.devices()[:devices]))
        loop.train(
            member.phase, STORES, member.run, parent=member.parent, execution=SURROUNDINGS.execution
        )


def start(function, **arguments):
    return start_job(f"tests.training.test_fleet:{function}", arguments, devices=8)


@pytest.fixture(scope="module", params=[8, 4], ids=["one device each", "two devices each"])
def seats(request):
    return request.param


@pytest.fixture(scope="module")
def alone(tmp_path_factory, seats):
    directory = tmp_path_factory.mktemp("alone")
    arguments = {"directory": str(directory), "devices": 8 // seats}
    complete_job("tests.training.test_fleet:train_alone", arguments, devices=8)
    return directory


def test_members_end_with_the_bits_and_metrics_of_single_runs(tmp_path, alone, seats):
    arguments = {"directory": str(tmp_path), "seats": seats}
    complete_job("tests.training.test_fleet:train_together", arguments, devices=8)
    assert fingerprints(tmp_path) == fingerprints(alone)
    graph = graph_of(phases_of())
    for one, other in zip(
        runs_in(tmp_path, graph).values(), runs_in(alone, graph).values(), strict=True
    ):
        assert [learned(line) for line in metrics_of(one)] == [
            learned(line) for line in metrics_of(other)
        ]


def learned(line):
    """A line of metrics without what the clock says."""
    return {k: v for k, v in line.items() if "second" not in k and k != "mfu"}


def train_stopped(directory, seats, number, after):
    """`train_together` in a process that stops itself."""
    signal_itself(number, after)
    train_together(directory, seats)


def test_a_fleet_that_is_stopped_goes_on_to_the_same_bits(tmp_path, alone, seats):
    def train(number=0, after=""):
        arguments = {"directory": str(tmp_path), "seats": seats, "number": number, "after": after}
        return finish_job(start("train_stopped", **arguments))[0]

    if seats == 8:  # once is enough: what is saved does not depend on the devices of a member
        code, output = train(signal.SIGKILL, "[2] step 8/24")
        assert code == -signal.SIGKILL, output
    code, output = train(signal.SIGINT, "[3] step 16/24")
    assert code != 0 and "3 of 3 phases under way" in output, output
    code, output = train(signal.SIGTERM, "[3] step 24/24")  # too late for these phases to stop
    assert code != 0 and "0 of 3 phases under way" in output, output
    *first, child = runs_in(tmp_path, graph_of(phases_of())).values()
    assert all(run.complete for run in first) and not child.path.exists()
    code, output = train()
    assert code == 0, output
    assert fingerprints(tmp_path) == fingerprints(alone)


def train_a_wild_one(directory, seats):
    """One member diverges: alone, then beside another, then beside two. Prints why each failed."""
    import dataclasses

    from code_ablate.training.fleet import train_fleet
    from code_ablate.training.phase import Schedule

    first, second, third, _ = phases_of()
    wild = dataclasses.replace(second, schedule=Schedule(shape="constant", peak=1e30))
    members = members_in(directory, [first, wild, third])
    (single,) = members_in(f"{directory}/single", [wild])
    with pytest.raises(Failed):
        alone_on(8 // seats, single)
    failures = train_fleet(members[1:], seats, SURROUNDINGS)
    failures |= train_fleet(members, seats, SURROUNDINGS)
    reasons = [str(failures.get(member.run.identity, "")) for member in members]
    print(json.dumps([*reasons, single.run.status["reason"]]))


def test_a_member_that_diverges_stops_alone(tmp_path, alone, seats):
    ((code, output),) = finish_job(start("train_a_wild_one", directory=str(tmp_path), seats=seats))
    assert code == 0, output
    *reasons, single = json.loads(output.splitlines()[-1])
    assert ["learning rate" in reason for reason in reasons] == [False, True, False]
    # The step that spoilt it, and none of those that were under way after it.
    assert reasons[1].partition(":")[0] == single.partition(":")[0]
    finished = runs_in(tmp_path, graph_of(phases_of()))
    expected = fingerprints(alone)
    for number in (0, 2):
        name = list(expected)[number]
        assert finished[name].status["fingerprint"] == expected[name]
