"""config.json, status.json and metrics.jsonl of a run, damaged in every way that a file can be."""

import concurrent.futures
import dataclasses
import json
import shutil

import pytest

from code_ablate import own_file
from code_ablate.errors import UserError
from code_ablate.identity import to_plain
from code_ablate.training import rundir
from code_ablate.training.execution import Execution, LoopConfig
from code_ablate.training.loop import train
from code_ablate.training.metrics_file import MetricsFile
from code_ablate.training.phase import phase_identity
from code_ablate.training.run_files import CONFIG, FORMAT, STATUS, RunStatus
from code_ablate.training.rundir import RunDirectory, phase_of_run

OFTEN = Execution(loop=LoopConfig(log_every=5, checkpoint_every=4))


@pytest.fixture
def run(tmp_path, phase, stores):
    """A run that says that it is complete, with two checkpoints by name."""
    made = RunDirectory.of(tmp_path / "runs", phase, phase_identity(phase, stores.identities))
    made.write_config({"a": 1}, to_plain(phase), "", vocabulary="v", device="cpu")
    made.set_status("complete", step=20, steps=20, seconds=1.5, final_loss=2.25, fingerprint="f")
    for step in ("16", "20", "24.orbax-checkpoint-tmp-3"):
        (made.checkpoints / step).mkdir(parents=True)
    return made


def test_a_run_is_found_by_its_identity_whatever_its_name_begins_with(tmp_path, phase):
    runs = tmp_path / "runs"
    made = RunDirectory.reserve(runs, {"0f3c": phase}, {"0f3c": "text_only-pretraining-seed0"})
    assert made["0f3c"].path.name == "text_only-pretraining-seed0-0f3c"
    assert RunDirectory.reserve(runs, {"0f3c": phase}, {"0f3c": "code_0-pretraining-seed0"}) == made
    assert RunDirectory.of(runs, phase, "0f3c") == made["0f3c"]
    assert made["0f3c"].status["state"] == "new" and RunDirectory.all_in(runs) == []
    other = RunDirectory.of(runs, phase, "1f3c")
    assert other.path.name == f"{phase.name}-seed{phase.seed}-1f3c" and not other.path.exists()


def test_studies_that_begin_at_once_agree_on_the_folders(tmp_path, phase):
    phases = {f"{i:04x}": phase for i in range(40)}

    def reserve(label):
        return RunDirectory.reserve(tmp_path, phases, dict.fromkeys(phases, label))

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        found = list(pool.map(reserve, "abcdef"))
    assert all(runs == found[0] for runs in found)
    assert sum(path.is_dir() for path in tmp_path.iterdir()) == 40


def bit_flips(content):
    for place in range(0, len(content), max(1, len(content) // 100)):
        flipped = bytearray(content)
        flipped[place] ^= 1 << place % 8
        yield bytes(flipped)


def other_fields(content):
    """With a digest that fits: written by another version, if by anybody."""
    fields = json.loads(content)
    del fields["digest"], fields["format"]
    for name in fields:
        if name in ("state", "identity", "phase"):
            yield own_file.text_of({k: v for k, v in fields.items() if k != name}, FORMAT).encode()
        yield own_file.text_of(fields | {name: [True]}, FORMAT).encode()
    yield own_file.text_of(fields | {"more": 1}, FORMAT).encode()
    yield own_file.text_of(fields, FORMAT + 1).encode()


def damages(content):
    yield from (content[: len(content) * part // 9] for part in range(9))
    yield from (b'{"format": ' + b"9" * 5000 + b"}", b"[" * 100_000)
    yield from (b"[]", b"null", b"3", b'"x"', b"{}", b'{"state": "complete"}', b"\xff\xfe")
    yield from bit_flips(content)
    yield from other_fields(content)


def test_a_damaged_status_is_rebuilt_from_the_checkpoints(run, capfd):
    file = run.path / STATUS
    content = file.read_bytes()
    for damaged in damages(content):
        file.write_bytes(damaged)
        assert run.status == dataclasses.asdict(RunStatus("interrupted", step=20)), damaged
        assert not run.complete
    assert "going by the checkpoints, the run is at step 20" in capfd.readouterr().err
    file.unlink()
    assert run.status["state"] == "interrupted" and run.status["step"] == 20
    shutil.rmtree(run.checkpoints)
    assert run.status["state"] == "new"
    file.write_bytes(content)
    assert run.status["final_loss"] == 2.25


def test_a_damaged_config_is_refused_and_the_run_counts_as_unfinished(run):
    file = run.path / CONFIG
    for damaged in damages(file.read_bytes()):
        file.write_bytes(damaged)
        with pytest.raises(UserError, match="give the command that trained this run"):
            RunDirectory.open(run.path)
        assert run.status["state"] == "interrupted", damaged
    assert RunDirectory.all_in(run.path.parent) == []  # plans and explanations go on without it
    run.write_config({}, {}, "", vocabulary="v", device="cpu")  # as the train command does
    assert RunDirectory.open(run.path).identity == run.identity and run.complete


def test_a_run_knows_the_commits_that_trained_it(run, phase, monkeypatch):
    def commits_after(*commits):
        for commit in commits:
            monkeypatch.setattr(rundir, "source_commit", lambda commit=commit: commit)
            run.write_config({}, to_plain(phase), "", vocabulary="v", device="cpu")
        return run.config["commits"]

    (run.path / CONFIG).unlink()
    assert commits_after("") == ()  # no clone
    assert commits_after("a", "a") == ("a",)
    assert commits_after("b+", "") == ("a", "b+")
    assert commits_after("a") == ("a", "b+", "a")  # it went on with each


def test_a_phase_of_another_version_is_said_to_be_one(run, phase):
    plain = to_plain(phase)
    for wrong in (plain | {"more": 1}, {k: v for k, v in plain.items() if k != "model"}, {}):
        run.write_config({}, wrong, "", vocabulary="v", device="cpu")
        with pytest.raises(UserError, match="another version of code-ablate"):
            phase_of_run(str(run.path))


@pytest.mark.parametrize("name", [CONFIG, STATUS])
def test_the_train_command_mends_what_is_damaged(tmp_path, phase, stores, name):
    run = RunDirectory.of(tmp_path, phase, phase_identity(phase, stores.identities))
    status = train(phase, stores, run, execution=OFTEN)
    content = (run.path / name).read_bytes()
    (run.path / name).write_bytes(content[:40])
    again = train(phase, stores, run, execution=OFTEN)
    assert again["fingerprint"] == status["fingerprint"] and run.complete
    assert again["final_loss"] == status["final_loss"]
    assert phase_of_run(str(run.path)) == phase


def test_a_complete_run_without_its_checkpoints_is_refused_where_they_are_needed(
    tmp_path, phase, child, stores
):
    parent, run = (
        RunDirectory.of(tmp_path, part, phase_identity(part, stores.identities))
        for part in (phase, child)
    )
    train(phase, stores, parent, execution=OFTEN)
    parent.require_parameters(phase.steps)
    shutil.rmtree(parent.checkpoints)
    with pytest.raises(UserError, match="is complete, but its parameters are gone"):
        train(child, stores, run, parent=parent, execution=OFTEN)
    assert not run.path.exists()
    (parent.path / STATUS).unlink()
    train(phase, stores, parent, execution=OFTEN)
    assert train(child, stores, run, parent=parent, execution=OFTEN)["state"] == "complete"


def test_lines_that_were_lost_are_noticed(tmp_path, capfd):
    file = MetricsFile(tmp_path / "metrics.jsonl")
    for step in (2, 4, 6):
        file.append({"step": step, "loss": 1.0})
    written = file.save()
    file.append({"step": 8, "loss": 1.0})  # after the checkpoint: done again
    file.trim(6, written)
    assert capfd.readouterr().err == ""
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert len(lines) == 3
    (tmp_path / "metrics.jsonl").write_text("\n".join([lines[0], lines[2]]) + "\n")
    file.trim(6, written)
    assert "has 2 of the 3 lines that were written up to step 6" in capfd.readouterr().err
    (tmp_path / "metrics.jsonl").unlink()
    file.trim(6, written)
    assert "has 0 of the 3 lines" in capfd.readouterr().err


def test_a_restart_says_that_lines_of_metrics_were_lost(tmp_path, phase, stores, capfd):
    run = RunDirectory.of(tmp_path, phase, phase_identity(phase, stores.identities))
    train(phase, stores, run, execution=OFTEN)
    run.set_status("running", step=20)  # as a kill before the end would have left it
    train(phase, stores, run, execution=OFTEN)
    assert "curves have a hole" not in capfd.readouterr().err
    run.set_status("running", step=20)
    run.metrics.write_text("".join(run.metrics.read_text().splitlines(keepends=True)[1:]))
    train(phase, stores, run, execution=OFTEN)
    assert "has 3 of the 4 lines" in capfd.readouterr().err


@pytest.mark.parametrize("line", ["[]", "3", "null", '"x"', "{}", '{"step": "4"}', '{"st', "\xff"])
def test_what_is_no_line_of_metrics_is_dropped(tmp_path, line):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step": 2}\n' + line.encode("latin-1") + b"\n")
    file = MetricsFile(path)
    assert file.last() == {"step": 2}
    file.trim(10)
    assert path.read_text() == '{"step": 2}\n'
