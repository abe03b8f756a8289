"""Phases trained in processes side by side: the bits of single runs, whatever is killed when."""

import dataclasses
import os
import signal
import subprocess

import pytest
from tqdm import tqdm

from code_ablate.errors import Failed, UserError
from code_ablate.model.flops import count_parameters
from code_ablate.study import trainers
from code_ablate.study.executor import execute
from code_ablate.study.graph import PhaseGraph
from code_ablate.study.trainers import InProcesses, OneByOne, fleet_members, width
from code_ablate.training.devices import available_cores
from code_ablate.training.execution import Execution, FleetConfig, LoopConfig
from code_ablate.training.member import Surroundings
from code_ablate.training.phase import Optimizer, Phase, Schedule, phase_identity
from code_ablate.training.rundir import RunDirectory
from code_ablate.training.workers import Workers, shares
from tests.conftest import TINY, fake_stores
from tests.training.jobs import finish_job, start_job
from tests.training.test_loop import metrics_of

STORES = fake_stores()
SURROUNDINGS = Surroundings(STORES, Execution(loop=LoopConfig(log_every=8, checkpoint_every=4)))
STEPS = 24
needs_two_cores = pytest.mark.skipif(
    len(available_cores()) < 2, reason="each of two members needs a core"
)


def phases_of(peak=1e-2):
    """Three phases from initialisation, and one that starts from the first of them."""
    first = Phase(
        mixture={"a": 0.5, "b": 0.5},
        tokens=STEPS * 8 * 16,
        model=TINY,
        optimizer=Optimizer(),
        schedule=Schedule(peak=peak, final=1e-3, warmup_steps=3),
        batch_windows=8,
        seq_len=16,
        seed=0,
        max_epochs=100,
    )
    second = dataclasses.replace(first, mixture={"c": 1.0}, seed=1)
    third = dataclasses.replace(first, seed=2, schedule=Schedule(peak=3e-3, final=0.0))
    child = dataclasses.replace(first, parent=first, tokens=first.tokens // 2, name="child")
    return [first, second, third, child]


def graph_of(phases):
    """A graph of phases without arms."""
    names = {phase: phase_identity(phase, STORES.identities, STORES.tokens) for phase in phases}
    parents = {names[p]: names[p.parent] if p.parent else None for p in phases}
    return PhaseGraph({names[p]: p for p in phases}, parents, {}, {})


def runs_in(directory, graph):
    return {name: RunDirectory.of(directory, phase, name) for name, phase in graph.phases.items()}


def signal_itself(number, after):
    """Sends this process a signal, once, when it has shown a line with the text `after`."""
    write = tqdm.write
    sent = []

    def write_and_signal(text, **options):
        write(text, **options)
        if after and after in text and not sent:
            sent.append(number)
            os.kill(os.getpid(), number)

    tqdm.write = write_and_signal


def train_fleet(directory, members=2):
    """Trains the four phases side by side."""
    graph = graph_of(phases_of())
    runs = runs_in(directory, graph)
    with Workers(members, SURROUNDINGS) as workers:
        execute(graph, InProcesses(runs, workers, members), lambda work: None)


def train_stopped(directory, number, after):
    """The same in a process that stops itself."""
    signal_itself(number, after)
    train_fleet(directory)


def fingerprints(directory):
    runs = runs_in(directory, graph_of(phases_of()))
    return {name: run.status["fingerprint"] for name, run in runs.items()}


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Fingerprints of the phases trained one after another in this process."""
    directory, graph = tmp_path_factory.mktemp("alone"), graph_of(phases_of())
    execute(graph, OneByOne(runs_in(directory, graph), SURROUNDINGS), lambda work: None)
    assert all(run.complete for run in runs_in(directory, graph).values())
    return fingerprints(directory)


@needs_two_cores
def test_members_end_with_the_bits_of_single_runs(tmp_path, alone, capfd):
    train_fleet(tmp_path)
    assert fingerprints(tmp_path) == alone
    runs = runs_in(tmp_path, graph_of(phases_of()))
    assert [len(metrics_of(run)) for run in runs.values()] == [3, 3, 3, 2]
    lines = capfd.readouterr().err.splitlines()
    for number, phase in enumerate(phases_of(), 1):  # each line says whose it is
        assert f"[{number}/4] {phase.name} {phase.mixture} seed {phase.seed}" in lines
        assert any(line.startswith(f"[{number}/4] step 8/") for line in lines)


@needs_two_cores
@pytest.mark.parametrize(("devices", "killed"), [(1, True), (8, False)])
def test_a_fleet_that_is_stopped_goes_on_to_the_same_bits(tmp_path, alone, devices, killed):
    def train(directory, number=0, after=""):
        arguments = {"directory": str(tmp_path / directory), "number": number, "after": after}
        job = start_job("tests.study.test_trainers:train_stopped", arguments, devices=devices)
        return finish_job(job)[0]

    if killed:
        code, output = train("stopped", signal.SIGKILL, "step 8/24")
        assert code == -signal.SIGKILL, output
    code, output = train("stopped", signal.SIGINT, "step 16/24")
    assert code != 0 and "the same command goes on" in output, output
    states = [
        run.status["state"] for run in runs_in(tmp_path / "stopped", graph_of(phases_of())).values()
    ]
    # All had time to save; those that were nearly done may have ended first.
    assert "running" not in states and {"interrupted", "new"} & set(states)
    code, output = train("stopped")
    assert code == 0, output
    expected = alone
    if devices > 1:
        code, output = train("never")
        assert code == 0, output
        expected = fingerprints(tmp_path / "never")
    assert fingerprints(tmp_path / "stopped") == expected


@needs_two_cores
def test_a_member_that_fails_stops_alone(tmp_path, alone, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "etils.py").write_text("raise SystemExit('theirs')")  # is no module of a worker
    first, second, third, child = phases_of()
    wild = dataclasses.replace(second, schedule=Schedule(shape="constant", peak=1e30))
    graph = graph_of([first, wild, third, child])
    runs = runs_in(tmp_path, graph)
    with Workers(2, SURROUNDINGS) as workers, pytest.raises(Failed, match="learning rate"):
        execute(graph, InProcesses(runs, workers, 2), lambda work: None)
    states = [run.status["state"] for run in runs.values()]
    assert states == ["complete", "failed", "complete", "complete"]
    others = [name for name, phase in graph.phases.items() if phase != wild]
    assert {name: runs[name].status["fingerprint"] for name in others}.items() <= alone.items()


def test_a_worker_that_is_killed_fails_its_member_alone(tmp_path, alone, monkeypatch):
    graph = graph_of(phases_of()[1:3])
    runs = runs_in(tmp_path, graph)
    victim, other = runs.values()
    started, start, write = [], subprocess.Popen, tqdm.write

    def popen(*arguments, **options):
        started.append(start(*arguments, **options))
        return started[-1]

    def write_and_kill(text, **options):
        write(text, **options)
        if "[1/2] step 8/24" in text:
            started[0].kill()

    monkeypatch.setattr(subprocess, "Popen", popen)
    monkeypatch.setattr(tqdm, "write", write_and_kill)
    with (
        Workers(1, SURROUNDINGS) as workers,
        pytest.raises(Failed, match="ended by signal 9"),
    ):
        execute(graph, InProcesses(runs, workers, 1), lambda work: None)
    assert other.complete and not victim.complete
    execute(graph, OneByOne(runs, SURROUNDINGS), lambda work: None)
    assert victim.status["fingerprint"] == alone[victim.identity]


def test_cores_are_shared_out_whole(monkeypatch):
    monkeypatch.setattr("code_ablate.training.workers.available_cores", lambda: {0, 1, 2, 5, 7})
    assert shares(1) == [[0, 1, 2, 5, 7]]
    assert shares(2) == [[0, 1], [2, 5, 7]]
    assert shares(5) == [[0], [1], [2], [5], [7]]


@pytest.fixture
def many_cores(monkeypatch):
    monkeypatch.setattr(trainers, "available_cores", lambda: set(range(16)))
    monkeypatch.setattr(trainers, "available_memory", lambda: 2**40)
    return monkeypatch


def test_as_many_members_as_cores_memory_and_the_study_allow(tmp_path, many_cores):
    graph = graph_of(phases_of())
    runs = runs_in(tmp_path, graph)
    assert width(graph, runs) == 3
    assert fleet_members(graph, runs, "auto", seconds=1e4) == 3
    assert fleet_members(graph, runs, "auto", seconds=10) == 1
    assert fleet_members(graph, runs, 2, seconds=10) == 2
    assert fleet_members(graph, runs, 16, seconds=10) == 3
    with pytest.raises(UserError, match="there are 16 cores"):
        fleet_members(graph, runs, 17, seconds=10)
    two = 2 * (2**30 + 32 * count_parameters(TINY).total)
    many_cores.setattr(trainers, "available_memory", lambda: two)
    assert fleet_members(graph, runs, "auto", seconds=1e4) == 2
    many_cores.setattr(trainers, "available_memory", lambda: two - 1)
    assert fleet_members(graph, runs, "auto", seconds=1e4) == 1
    for name, run in runs.items():
        run.set_status("complete", step=STEPS)
        run.write_config({}, {}, "", vocabulary="v", device="cpu")
        assert run.identity == name
    assert fleet_members(graph, runs, 16, seconds=10) == 1
    # Results are written where there are fewer devices than there were for training.
    assert fleet_members(graph, runs, 17, seconds=10) == 1


def test_on_accelerators_members_are_asked_for_and_divide_the_devices(tmp_path, monkeypatch):
    graph = graph_of(phases_of())
    runs = runs_in(tmp_path, graph)
    monkeypatch.setattr("jax.default_backend", lambda: "tpu")
    monkeypatch.setattr("jax.device_count", lambda: 8)
    assert fleet_members(graph, runs, "auto", seconds=1e4) == 1
    assert fleet_members(graph, runs, 4, seconds=10) == 4
    with pytest.raises(UserError, match="a divisor of 8"):
        fleet_members(graph, runs, 3, seconds=10)
    surroundings = dataclasses.replace(SURROUNDINGS, execution=Execution(fleet=FleetConfig(4)))
    with trainers.choose_trainer(graph, runs, surroundings, seconds=1e4) as trainer:
        assert (trainer.together, trainer.at_once) == (4, 1)
    monkeypatch.setattr("code_ablate.distributed.process_count", lambda: 2)
    assert fleet_members(graph, runs, "auto", seconds=1e4) == 1
    with pytest.raises(UserError, match="several processes"):
        fleet_members(graph, runs, 4, seconds=10)
