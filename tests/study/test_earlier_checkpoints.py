"""Which checkpoints of the baseline are evaluated beside its last one."""

import dataclasses

import pytest
from etils import epath

from code_ablate.errors import UserError
from code_ablate.study.analysis_plan import AnalysisPlan
from code_ablate.study.earlier_checkpoints import (
    baseline_phases,
    found_steps,
    planned_steps,
    require_kept,
)
from code_ablate.study.graph import PhaseGraph
from code_ablate.training.execution import LoopConfig
from code_ablate.training.rundir import RunDirectory


def with_plan(study, **fields):
    return dataclasses.replace(study, analysis=AnalysisPlan(**fields))


def graph_of(study, stores, folder):
    graph = PhaseGraph.of(study, stores.identities, stores.tokens)
    runs = {name: RunDirectory(epath.Path(folder) / name, name) for name in graph.phases}
    return graph, runs


def test_the_last_of_the_checkpoints_that_training_leaves_are_planned(study, many_stores, tmp_path):
    study = with_plan(study, earlier_checkpoints=2)
    graph, runs = graph_of(study, many_stores, tmp_path)
    phases = baseline_phases(study, graph)
    # Pre-training of each seed; the cooldown starts from it, and has no curve.
    assert len(phases) == len(study.seeds)
    assert all(phase.parent is None for phase in phases.values())
    steps = next(iter(phases.values())).steps
    loop = LoopConfig(checkpoint_every=150, keep_checkpoints=3)
    assert steps == 400
    assert planned_steps(study, graph, runs, loop) == dict.fromkeys(phases, (150, 300))
    # One that lies there from a training with another setting may be evaluated too.
    name = next(iter(phases))
    (runs[name].checkpoints / "123").mkdir(parents=True)
    assert planned_steps(study, graph, runs, loop)[name] == (123, 150, 300)
    none = with_plan(study, earlier_checkpoints=0)
    assert planned_steps(none, graph, runs, loop) == {}


class NothingOnRecord:
    """Suites of which no checkpoint has scores yet."""

    def of_phase(self, phase):
        return self

    def result(self, records):
        return None


def test_a_curve_has_the_checkpoints_that_every_seed_has(study, many_stores, tmp_path, capsys):
    study = with_plan(study, earlier_checkpoints=2)
    graph, runs = graph_of(study, many_stores, tmp_path)
    first, second = baseline_phases(study, graph)
    for name, steps in ((first, (100, 150, 300, 400)), (second, (100, 200, 300, 400))):
        for step in steps:
            (runs[name].checkpoints / str(step)).mkdir(parents=True)
    found = found_steps(study, graph, runs, NothingOnRecord())
    assert found == {first: (100, 300), second: (100, 300)}
    assert capsys.readouterr().out == ""
    more = with_plan(study, earlier_checkpoints=3)
    assert found_steps(more, graph, runs, NothingOnRecord())[first] == (100, 300)
    assert "has 2 of 3 earlier checkpoints with every seed" in capsys.readouterr().out


def test_checkpoints_that_would_be_deleted_are_refused_before_training(study):
    study = with_plan(study, earlier_checkpoints=3)
    require_kept(study, LoopConfig(keep_checkpoints=4))
    with pytest.raises(UserError, match=r"LoopConfig\.keep_checkpoints = 3: give it 4 or more"):
        require_kept(study, LoopConfig(keep_checkpoints=3))
    require_kept(with_plan(study), LoopConfig(keep_checkpoints=1))


def test_the_analysis_changes_no_identity(study, many_stores, tmp_path):
    planned = with_plan(study, hypotheses=("code_* accuracy/* better",), earlier_checkpoints=2)
    assert planned.configuration == study.configuration
    assert graph_of(planned, many_stores, tmp_path)[0].identities == (
        graph_of(study, many_stores, tmp_path)[0].identities
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"hypotheses": ("code_25 accuracy/x good",)}, "write 'RECIPE METRIC CLAIM'"),
        ({"primary_scores": {"a": "bitz"}}, "bits"),
        ({"earlier_checkpoints": -1}, "earlier_checkpoints"),
    ],
)
def test_a_plan_that_cannot_be_meant_is_refused(fields, message):
    with pytest.raises(UserError, match=message):
        AnalysisPlan(**fields)


def test_a_score_of_a_task_that_the_study_does_not_have_is_refused(study):
    with pytest.raises(UserError, match=r"task in AnalysisPlan\.primary_scores"):
        with_plan(study, primary_scores={"no_such_task": "bits"})
