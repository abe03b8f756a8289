"""Which checkpoints nothing needs, and what is left when they are deleted."""

import dataclasses
import random
import shutil
from types import SimpleNamespace

import pandas as pd
import pytest
from etils import epath

from code_ablate import locks
from code_ablate.errors import UserError
from code_ablate.evaluation.records import Key, Records
from code_ablate.identity import to_plain
from code_ablate.jobs.clean_study import clean_study
from code_ablate.own_file import Damaged
from code_ablate.study.describe_phases import describe_phases
from code_ablate.study.executor import require_parameters
from code_ablate.study.garbage import find_garbage, garbage_text
from code_ablate.study.graph import PhaseGraph
from code_ablate.training.phase import describe
from code_ablate.training.rundir import RunDirectory

KEY = Key("quiz", "0123")
SUITES = SimpleNamespace(by_seq_len={16: SimpleNamespace(parts=[SimpleNamespace(key=KEY)])})


@pytest.fixture
def study(study):
    return dataclasses.replace(study, seeds=(0,))


@pytest.fixture
def graph(study, many_stores):
    return PhaseGraph.of(study, many_stores.identities)


@pytest.fixture
def runs(graph, many_stores, tmp_path):
    """All complete and scored, each with its last checkpoint and one before."""
    runs = RunDirectory.reserve(tmp_path, graph.phases, graph.labels)
    for identity, phase in graph.phases.items():
        run = runs[identity]
        description = describe(phase, many_stores.identities)
        run.write_config(description, to_plain(phase), "", vocabulary="v", device="cpu")
        finish(run, phase)
        Records(run.evaluation(phase.steps)).save(KEY, {}, pd.DataFrame({"item": ["1"]}))
    return runs


@pytest.fixture
def directory(study, graph, runs, tmp_path):
    """The folder of the study."""
    directory = epath.Path(tmp_path) / "study-small"
    describe_phases(study, graph, runs, SUITES).write(directory)
    return directory


def finish(run, phase) -> None:
    for step in (phase.steps - 10, phase.steps):
        checkpoint(run, step)
    run.set_status("complete", step=phase.steps, steps=phase.steps)


def checkpoint(run, step: int) -> None:
    (run.checkpoints / str(step) / "params").mkdir(parents=True, exist_ok=True)
    (run.checkpoints / str(step) / "params" / "data").write_bytes(b"x" * 1000)


def begin_anew(run) -> None:
    """As before its first step."""
    shutil.rmtree(run.checkpoints, ignore_errors=True)
    run.set_status("running", step=0, steps=100)


def steps_of(run) -> list[int]:
    there = run.checkpoints.exists()
    return sorted(int(path.name) for path in run.checkpoints.iterdir()) if there else []


def with_child(graph) -> tuple[str, str]:
    """A phase that is no arm's last, and one that starts from it."""
    return next(
        (parent, child)
        for child, parent in graph.parents.items()
        if parent and parent not in graph.evaluated
    )


def test_looking_deletes_nothing(directory, graph, runs):
    before = {name: steps_of(run) for name, run in runs.items()}
    assert clean_study(directory, arms=True).deletable
    assert {name: steps_of(run) for name, run in runs.items()} == before


def test_of_a_finished_study_the_models_of_arms_stay_unless_asked(directory, graph, runs):
    garbage = clean_study(directory, delete=True)
    for identity, phase in graph.phases.items():
        kept = [phase.steps] if identity in graph.evaluated else []
        assert steps_of(runs[identity]) == kept
    assert garbage.bytes == 1000 * len(garbage.deletable)
    clean_study(directory, arms=True, delete=True)
    assert all(steps_of(run) == [] for run in runs.values())
    require_parameters(graph, runs, set())


def test_what_an_unfinished_phase_starts_from_stays(directory, graph, runs):
    parent, child = with_child(graph)
    begin_anew(runs[child])
    clean_study(directory, arms=True, delete=True)
    assert steps_of(runs[parent]) == [graph.phases[parent].steps]
    require_parameters(graph, runs, {child})


def test_what_a_lost_parent_would_be_trained_from_again_stays(directory, graph, runs):
    child = next(name for name in graph.phases if graph.parents[graph.parents[name] or name])
    parent = graph.parents[child]
    grandparent = graph.parents[parent]
    begin_anew(runs[child])
    shutil.rmtree(runs[parent].checkpoints)
    clean_study(directory, arms=True, delete=True)
    assert steps_of(runs[grandparent]) == [graph.phases[grandparent].steps]


def test_a_run_that_is_not_complete_keeps_all_it_has(directory, graph, runs):
    _, child = with_child(graph)
    runs[child].set_status("interrupted", step=20, steps=graph.phases[child].steps)
    before = steps_of(runs[child])
    assert len(before) == 2
    clean_study(directory, arms=True, delete=True)
    assert steps_of(runs[child]) == before


def test_what_is_still_to_be_evaluated_stays(directory, graph, runs):
    arm, phase = next(iter(graph.evaluated.items()))
    shutil.rmtree(runs[arm].evaluation(phase.steps))
    clean_study(directory, arms=True, delete=True)
    assert steps_of(runs[arm]) == [phase.steps]
    assert [name for name, run in runs.items() if steps_of(run)] == [arm]


def test_an_earlier_checkpoint_stays_until_it_is_evaluated(study, directory, graph, runs):
    arm, phase = next(iter(graph.evaluated.items()))
    early = phase.steps - 10
    describe_phases(study, graph, runs, SUITES, {arm: (early,)}).write(directory)
    clean_study(directory, arms=True, delete=True)
    assert steps_of(runs[arm]) == [early]
    Records(runs[arm].evaluation(early)).save(KEY, {}, pd.DataFrame({"item": ["1"]}))
    clean_study(directory, arms=True, delete=True)
    assert steps_of(runs[arm]) == []


def test_scores_that_no_job_has_named_yet_are_missing(study, directory, graph, runs):
    shutil.rmtree(directory)
    describe_phases(study, graph, runs, SimpleNamespace(by_seq_len={})).write(directory)
    clean_study(directory, arms=True, delete=True)
    assert {name for name, run in runs.items() if steps_of(run)} == set(graph.evaluated)


def other_study(study, directory, graph, runs, **changes) -> None:
    record = describe_phases(study, graph, runs, SUITES)
    dataclasses.replace(record, study="other", **changes).write(directory.parent / "study-other")


def test_what_another_study_starts_from_stays(study, directory, graph, runs):
    parent, _ = with_child(graph)
    record = describe_phases(study, graph, runs, SUITES)
    planned = dataclasses.replace(record.phases[0], identity="new", run="new", parent=parent)
    other_study(study, directory, graph, runs, phases=(planned,))
    garbage = clean_study(directory, arms=True, delete=True)
    assert steps_of(runs[parent]) == [graph.phases[parent].steps]
    assert garbage.kept == {"a phase of study other starts from it": 1}


def test_what_another_study_evaluates_stays(study, directory, graph, runs):
    other_study(study, directory, graph, runs, scores={"16": (KEY, Key("more", "4567"))})
    clean_study(directory, arms=True, delete=True)
    assert {name for name, run in runs.items() if steps_of(run)} == set(graph.evaluated)


def test_an_arm_of_another_study_is_one(study, directory, graph, runs):
    parent, _ = with_child(graph)
    phases = describe_phases(study, graph, runs, SUITES).phases
    as_arm = [dataclasses.replace(p, evaluated=True) for p in phases if p.identity == parent]
    other_study(study, directory, graph, runs, phases=tuple(as_arm))
    clean_study(directory, delete=True)
    assert steps_of(runs[parent]) == [graph.phases[parent].steps]


def test_what_a_run_of_no_study_starts_from_stays(directory, graph, runs, many_stores, tmp_path):
    parent, child = with_child(graph)
    phase = dataclasses.replace(graph.phases[child], tokens=graph.phases[child].tokens * 2)
    stray = RunDirectory.of(tmp_path, phase, "stray")
    description = describe(phase, many_stores.identities)
    stray.write_config(description, to_plain(phase), "", vocabulary="v", device="cpu")
    stray.set_status("running", step=0, steps=phase.steps)
    clean_study(directory, arms=True, delete=True)
    assert steps_of(runs[parent]) == [graph.phases[parent].steps]


def test_where_something_cannot_be_read_nothing_is_deleted(directory, graph, runs, tmp_path):
    before = {name: steps_of(run) for name, run in runs.items()}
    broken = [next(iter(runs.values())).path / "config.json", tmp_path / "study-x" / "phases.json"]
    for file in broken:
        text = file.read_text() if file.exists() else ""
        file.parent.mkdir(exist_ok=True)
        file.write_text("{")
        with pytest.raises(Damaged, match=str(file)):
            clean_study(directory, arms=True, delete=True)
        file.write_text(text)
    assert {name: steps_of(run) for name, run in runs.items()} == before


def test_a_last_checkpoint_that_is_lost_leaves_the_one_before(directory, graph, runs):
    arm, phase = next(iter(graph.evaluated.items()))
    shutil.rmtree(runs[arm].checkpoints / str(phase.steps))
    clean_study(directory, delete=True)
    assert steps_of(runs[arm]) == [phase.steps - 10]


def test_a_study_that_is_running_is_left_alone(directory):
    with locks.held(directory, "run"), pytest.raises(UserError, match="cannot be cleaned now"):
        clean_study(directory, delete=True)


def test_what_a_killed_deletion_left_is_deleted_and_is_no_checkpoint(directory, graph, runs):
    arm, phase = next(iter(graph.evaluated.items()))
    folder = runs[arm].checkpoints
    (folder / str(phase.steps - 10)).rename(folder / f"{phase.steps - 10}.deleted")
    assert not runs[arm].has_parameters(phase.steps - 10)
    clean_study(directory, delete=True)
    assert [path.name for path in folder.iterdir()] == [str(phase.steps)]


@pytest.mark.parametrize("seed", range(20))
def test_whatever_the_state_nothing_that_is_needed_goes(study, directory, graph, runs, seed):
    """Runs in random states, as kills and losses leave them: what could go on, still can."""
    chance = random.Random(seed)
    for identity, phase in graph.phases.items():
        run, state = runs[identity], chance.choice(["complete", "new", "begun", "lost", "unscored"])
        if state == "new":
            begin_anew(run)
        elif state == "begun":
            begin_anew(run)
            checkpoint(run, 5)
            run.set_status("interrupted", step=5, steps=phase.steps)
        elif state == "lost":
            shutil.rmtree(run.checkpoints / str(phase.steps))
        elif state == "unscored":
            shutil.rmtree(run.evaluation(phase.steps))
    unscored = {
        name
        for name, phase in graph.evaluated.items()
        if not Records(runs[name].evaluation(phase.steps)).has(KEY)
    }

    def refused() -> str:
        try:
            require_parameters(graph, runs, unscored)
        except UserError as error:
            return str(error)
        return ""

    before = refused()
    clean_study(directory, arms=True, delete=True)
    assert refused() == before
    for name, run in runs.items():
        if not run.complete and run.status["step"]:
            assert steps_of(run) == [5], name


def test_the_text_says_what_goes_and_what_stays(directory, runs):
    text = garbage_text(find_garbage(directory))
    assert "older than the last" in text and "nothing starts from it" in text
    assert "the model of an arm" in text and "MiB" in text.splitlines()[-1]
