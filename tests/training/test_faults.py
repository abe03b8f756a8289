"""Processes killed at chosen moments, damaged files, failing disks: what is left, what follows."""

import dataclasses
import os
import signal

import pytest

from code_ablate.errors import Failed
from code_ablate.training.checkpoint import Checkpoints
from code_ablate.training.execution import Execution, LoopConfig
from code_ablate.training.loop import train
from code_ablate.training.phase import phase_identity
from code_ablate.training.rundir import RunDirectory
from code_ablate.training.tracking import TrackingConfig
from tests.training.jobs import finish_job, start_job
from tests.training.test_multihost import STORES, metrics_of, phase_of

pytestmark = pytest.mark.slow

EXECUTION = Execution(loop=LoopConfig(log_every=2, checkpoint_every=3))


def run_in(directory):
    phase = phase_of(12)
    return RunDirectory.of(directory, phase, phase_identity(phase, STORES.identities))


def train_in(directory, execution=EXECUTION):
    return train(phase_of(12), STORES, run_in(directory), execution=execution)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def killed_at(directory, moment, tensorboard=True):
    """Trains, and kills its own process at the moment."""
    save, set_status = Checkpoints.save, RunDirectory.set_status
    append_metrics = RunDirectory.append_metrics

    def save_and_die(checkpoints, step, state, progress):
        save(checkpoints, step, state, progress)
        if step == 6:
            die()  # the write goes on in threads of this process

    def half_a_line_and_die(run, line):
        append_metrics(run, line)
        if line["step"] == 8:
            with run.metrics.open("a") as file:
                file.write('{"step": 9, "lo')
            die()

    def die_before_it_is_noted(run, state, **fields):
        if state == "complete":
            die()
        set_status(run, state, **fields)

    def die_after_it_is_noted(run, state, **fields):
        set_status(run, state, **fields)
        if state == "complete":
            die()

    if moment == "while a checkpoint is written":
        Checkpoints.save = save_and_die
    elif moment == "while a line is written":
        RunDirectory.append_metrics = half_a_line_and_die
    elif moment == "before the end is noted":
        RunDirectory.set_status = die_before_it_is_noted
    elif moment == "after the end is noted":
        RunDirectory.set_status = die_after_it_is_noted
    tracking = TrackingConfig(tensorboard=tensorboard)
    train_in(directory, dataclasses.replace(EXECUTION, tracking=tracking))


@pytest.fixture(scope="module")
def never_killed(tmp_path_factory):
    return train_in(tmp_path_factory.mktemp("never"))


@pytest.mark.parametrize(
    "moment",
    [
        "while a checkpoint is written",
        "while a line is written",
        "before the end is noted",
        "after the end is noted",
    ],
)
def test_killed_at_a_bad_moment_it_ends_with_the_same_bits(tmp_path, never_killed, moment):
    arguments = {"directory": str(tmp_path), "moment": moment}
    ((code, output),) = finish_job(start_job("tests.training.test_faults:killed_at", arguments))
    assert code == -signal.SIGKILL, output
    status = train_in(tmp_path)
    assert status["fingerprint"] == never_killed["fingerprint"]
    last = run_in(tmp_path).last_metrics()
    assert last["tokens/a"] + last["tokens/b"] == phase_of(12).realised_tokens
    assert [line["step"] for line in metrics_of(tmp_path)] == [2, 4, 6, 8, 10, 12]


def test_a_damaged_checkpoint_costs_time_and_changes_nothing(tmp_path, never_killed, capfd):
    status = train_in(tmp_path)
    run = run_in(tmp_path)
    run.set_status("running", step=12)  # as a kill before the end would have left it
    data = max((run.checkpoints / "12" / "params" / "d").iterdir(), key=os.path.getsize)
    flipped = bytearray(data.read_bytes())
    flipped[len(flipped) // 2] ^= 1
    data.write_bytes(flipped)
    again = train_in(tmp_path)
    assert "12 is damaged" in capfd.readouterr().err
    assert (run.path / "damaged" / "12").exists()
    assert again["fingerprint"] == status["fingerprint"] == never_killed["fingerprint"]


def test_a_failed_save_ends_training_and_a_restart_goes_on(tmp_path, never_killed, monkeypatch):
    from code_ablate.training.checkpoint import SaveFailed

    save = Checkpoints.save

    def full(checkpoints, step, state, progress):
        if step == 9:
            raise SaveFailed("the disk is full")
        save(checkpoints, step, state, progress)

    with monkeypatch.context() as patched:
        patched.setattr(Checkpoints, "save", full)
        with pytest.raises(Failed, match="the disk is full"):
            train_in(tmp_path)
    assert run_in(tmp_path).status["state"] == "failed"
    assert run_in(tmp_path).status["reason"] == "the disk is full"
    assert train_in(tmp_path)["fingerprint"] == never_killed["fingerprint"]
