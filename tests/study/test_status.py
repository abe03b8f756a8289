"""How far a study has come, by the files of its runs."""

import dataclasses
import io
import json
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pandas as pd
import pytest
from etils import epath

from code_ablate import locks
from code_ablate.cli import main
from code_ablate.evaluation.records import Key, Records
from code_ablate.identity import to_plain
from code_ablate.jobs.study_status import configuration_note, follow_study
from code_ablate.study.describe_phases import describe_phases
from code_ablate.study.graph import PhaseGraph
from code_ablate.study.status import StudyStatus
from code_ablate.study.status_text import status_text
from code_ablate.study.study_phases import StudyPhases
from code_ablate.training.rundir import RunDirectory

KEY = Key("quiz", "0123")
SUITES = SimpleNamespace(by_seq_len={16: SimpleNamespace(parts=[SimpleNamespace(key=KEY)])})


@pytest.fixture
def graph(study, many_stores):
    return PhaseGraph.of(dataclasses.replace(study, seeds=(0,)), many_stores.identities)


@pytest.fixture
def runs(graph, tmp_path):
    return RunDirectory.reserve(tmp_path, graph.phases, graph.labels)


@pytest.fixture
def directory(study, graph, runs, tmp_path):
    directory = epath.Path(tmp_path) / "study-small"
    describe_phases(study, graph, runs, SUITES).write(directory)
    return directory


def complete(run, phase, *, scored: bool = True) -> None:
    run.write_config({}, to_plain(phase), "", vocabulary="v", device="cpu")
    run.append_metrics({"step": phase.steps, "loss": 2.5, "seconds": 10.0})
    run.set_status("complete", step=phase.steps, steps=phase.steps, seconds=10.0)
    if scored:
        Records(run.evaluation(phase.steps)).save(KEY, {}, pd.DataFrame({"item": ["1"]}))


def state_of(directory, identity) -> tuple[str, int]:
    status = {phase.phase.identity: phase for phase in StudyStatus.read(directory).phases}
    return status[identity].state, status[identity].step


def parent_and_child(graph) -> tuple[str, str]:
    return next((parent, child) for child, parent in graph.parents.items() if parent)


def test_a_phase_waits_for_its_parent(directory, graph, runs):
    parent, child = parent_and_child(graph)
    assert state_of(directory, child) == ("waiting", 0)
    assert state_of(directory, parent) == ("to do", 0)
    complete(runs[parent], graph.phases[parent])
    assert state_of(directory, child) == ("to do", 0)


def test_a_phase_that_is_trained_is_seen_by_its_last_line(directory, graph, runs):
    parent, _ = parent_and_child(graph)
    with runs[parent].locked():
        runs[parent].set_status("running", step=20, steps=400, seconds=2.0)
        runs[parent].append_metrics(
            {"step": 40, "loss": 3.25, "tokens_per_second": 12_000.0, "seconds": 4.0}
        )
        assert state_of(directory, parent) == ("running", 40)
        text = status_text(StudyStatus.read(directory))
    (line,) = (line for line in text.splitlines() if "40/400" in line)
    assert "loss 3.250" in line and "12.0k tok/s" in line and "left 36 s" in line
    assert "[#..........." in line


def test_a_process_that_was_killed_is_told_from_one_that_runs(directory, graph, runs):
    parent, _ = parent_and_child(graph)
    run = runs[parent]
    script = f"import os; from code_ablate import locks; from etils import epath\n\
with locks.held(epath.Path({str(run.path)!r}), 'trained'): os._exit(9)"
    subprocess.run([sys.executable, "-c", script], check=False, env=dict(os.environ))
    run.set_status("running", step=20, steps=400)
    assert locks.holder(run.path).state == "dead"
    assert state_of(directory, parent) == ("stopped", 20)
    assert "its process was killed" in status_text(StudyStatus.read(directory))


def test_a_phase_that_failed_says_why_in_one_line(directory, graph, runs):
    parent, _ = parent_and_child(graph)
    runs[parent].set_status("failed", step=7, steps=400, reason="the disk\nis full\x1b[2J")
    text = status_text(StudyStatus.read(directory))
    assert text.splitlines()[0].endswith("1 failed")
    (line,) = (line for line in text.splitlines() if "the disk" in line)
    assert "is full" in line and "\x1b" not in line


def test_what_is_trained_and_not_scored_is_evaluating(directory, graph, runs):
    arm, phase = next(iter(graph.evaluated.items()))
    complete(runs[arm], phase, scored=False)
    assert state_of(directory, arm) == ("evaluating", phase.steps)
    assert "1 to score" in status_text(StudyStatus.read(directory))
    complete(runs[arm], phase)
    assert state_of(directory, arm) == ("complete", phase.steps)


def test_time_left_is_of_the_flops_left(directory, graph, runs):
    assert StudyStatus.read(directory).seconds_left is None
    for identity, phase in graph.phases.items():
        complete(runs[identity], phase)
    _, child = parent_and_child(graph)
    steps = graph.phases[child].steps
    (runs[child].path / "metrics.jsonl").unlink()
    runs[child].set_status("interrupted", step=steps // 2, steps=steps, seconds=5.0)
    status = StudyStatus.read(directory)
    flops = {phase.phase.identity: phase.phase.flops for phase in status.phases}
    speeds = sorted(value / 10 for value in flops.values())
    median = (speeds[len(speeds) // 2] + speeds[(len(speeds) - 1) // 2]) / 2
    assert status.seconds_left == pytest.approx(flops[child] / 2 / median)


def test_time_left_is_at_least_that_of_the_longest_chain(directory, graph, runs):
    """However many run at a time, a phase begins after its parent."""
    status = StudyStatus.read(directory)
    begun = [
        dataclasses.replace(
            phase, state="running", step=1, seconds=phase.phase.flops / phase.phase.steps
        )
        for phase in status.phases
    ]
    left = dataclasses.replace(status, phases=tuple(begun)).seconds_left
    chains = [
        sum(p.flops_left for p in begun if p.phase.identity in graph.chain(arm))
        for arm in graph.arms
    ]
    assert left == pytest.approx(max(chains))


def test_the_tree_has_every_phase_below_its_parent(directory, graph):
    text = status_text(StudyStatus.read(directory))
    lines = text.splitlines()[2:]
    assert len(lines) == len(graph.phases)
    for line in lines:
        label = line.split("  ")[0].strip() or line.strip().split(" ")[0]
        assert any(name == label for name in graph.labels.values()), line
    depth = {line.strip().split(" ")[0]: len(line) - len(line.lstrip()) for line in lines}
    for child, parent in graph.parents.items():
        expected = depth[graph.labels[parent]] + 2 if parent else 0
        assert depth[graph.labels[child]] == expected


def test_on_a_small_terminal_what_is_complete_is_left_out_first(directory, graph, runs):
    parent, _ = parent_and_child(graph)
    complete(runs[parent], graph.phases[parent])
    status = StudyStatus.read(directory)
    whole, small = status_text(status), status_text(status, lines=8)
    assert graph.labels[parent] + " " in whole and graph.labels[parent] + " " not in small
    assert len(small.splitlines()) == 8
    assert f"and {len(graph.phases) - 5} more phases" in small
    assert status_text(status, lines=1000) == whole


def finish_everything(directory, graph, runs) -> None:
    for identity, phase in graph.phases.items():
        complete(runs[identity], phase)
    configuration = StudyPhases.read(directory).configuration
    (directory / "study.json").write_text(json.dumps({"configuration": configuration}))


def test_results_of_another_configuration_are_none(directory, graph, runs):
    finish_everything(directory, graph, runs)
    assert StudyStatus.read(directory).finished
    for text in ('{"configuration": "other"}', "{}", "[]", "{"):
        (directory / "study.json").write_text(text)
        assert not StudyStatus.read(directory).finished


def test_following_ends_when_all_is_written_and_says_what_changed(directory, graph, runs):
    out, waits = io.StringIO(), []

    def wait() -> None:
        waits.append(out.getvalue().count("Study small"))
        if len(waits) == 2:
            finish_everything(directory, graph, runs)

    follow_study(directory, wait, out)
    assert waits == [1, 1]  # nothing changed in between, and nothing was written
    assert out.getvalue().count("Study small") == 2
    assert "results are written" in out.getvalue()


def test_on_a_terminal_it_is_drawn_in_place(directory, graph, runs, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("LINES", "12")

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    out = Terminal()
    follow_study(directory, lambda: finish_everything(directory, graph, runs), out)
    first, second = re.split("\x1b\\[(?:[0-9]+)F\x1b\\[J", out.getvalue())
    drawn = int(re.search("\x1b\\[([0-9]+)F", out.getvalue())[1])
    assert drawn == first.count("\n") <= 11
    assert max(map(len, first.splitlines())) <= 60
    assert second.startswith("Study small: 12 of 12 phases trained, 10 of 10 evaluated")


def test_the_command_goes_by_the_folder_alone(directory, capsys):
    assert main(["status", str(directory)]) == 0
    assert "Study small" in capsys.readouterr().out
    assert main(["status", str(directory), "--scale", "demo"]) == 2
    assert "give no scale" in capsys.readouterr().err
    (directory / "phases.json").unlink()
    assert main(["status", str(directory)]) == 2
    assert "has not begun there" in capsys.readouterr().err


def test_a_study_that_was_edited_since_is_said_to_be(directory, study):
    as_it_was = StudyPhases.read(directory).configuration
    assert configuration_note(directory, "small.gin", as_it_was) == ""
    edited = dataclasses.replace(study, seeds=(0, 1, 2)).configuration
    note = configuration_note(directory, "small.gin", edited)
    assert "have changed since" in note and "`code-ablate study small.gin`" in note


def test_it_needs_neither_jax_nor_gin(directory):
    script = f"""
import sys
from etils import epath
from code_ablate.jobs import clean_study, study_status
from code_ablate.study.status import StudyStatus
StudyStatus.read(epath.Path({str(directory)!r}))
clean_study.clean_study(epath.Path({str(directory)!r}))
print([name for name in ("jax", "gin", "seqio", "tensorflow") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
