"""Which parameters of complete runs a study needs."""

import shutil

import pytest

from code_ablate.errors import UserError
from code_ablate.identity import to_plain
from code_ablate.study.executor import require_parameters
from code_ablate.study.graph import PhaseGraph
from code_ablate.study.plan import make_plan
from code_ablate.training.rundir import RunDirectory
from tests.study.test_plan import HARDWARE


@pytest.fixture
def graph(study, many_stores):
    return PhaseGraph.of(study, many_stores.identities)


@pytest.fixture
def runs(graph, tmp_path):
    """All complete, each with its last checkpoint by name."""
    runs = {}
    for identity, phase in graph.phases.items():
        run = RunDirectory.of(tmp_path, phase, identity)
        run.write_config({}, to_plain(phase), "", vocabulary="v", device="cpu")
        run.set_status("complete", step=phase.steps, steps=phase.steps)
        (run.checkpoints / str(phase.steps)).mkdir(parents=True)
        runs[identity] = run
    return runs


def test_parameters_that_nobody_needs_may_be_gone(graph, runs):
    for run in runs.values():
        shutil.rmtree(run.checkpoints)
    require_parameters(graph, runs, set())


def test_parameters_that_are_needed_are_asked_for_before_any_work(graph, runs):
    child = next(name for name in graph.phases if graph.parents[graph.parents[name] or name])
    parent = graph.parents[child]
    grandparent = graph.parents[parent]
    for name in (parent, grandparent):
        shutil.rmtree(runs[name].checkpoints)
    require_parameters(graph, runs, {child})  # has its own
    with pytest.raises(UserError, match=str(runs[parent].path)) as refused:
        require_parameters(graph, runs, {parent})
    assert str(runs[grandparent].path) in str(refused.value)  # to train the parent again
    (runs[child].path / "status.json").unlink()
    require_parameters(graph, runs, {child})  # goes on from its own
    shutil.rmtree(runs[child].checkpoints)
    with pytest.raises(UserError, match="have lost their checkpoints"):
        require_parameters(graph, runs, set())


def test_the_plan_says_that_parameters_are_gone(study, many_stores, graph, runs, tmp_path):
    first, *_ = graph.phases
    shutil.rmtree(runs[first].checkpoints)
    rows = {row.identity: row for row in make_plan(study, many_stores, HARDWARE, tmp_path).phases}
    assert rows.pop(first).state == "params gone"
    assert {row.state for row in rows.values()} == {"complete"}
