"""Several processes on loopback, with the collectives of the CPU, against one process."""

import json
import os
import signal

import jax
import numpy as np
import pytest

from code_ablate.cli import fail
from code_ablate.data.mixing import Mixture
from code_ablate.data.store import Stores
from code_ablate.errors import Interrupted, UserError
from code_ablate.model.config import MeshConfig
from code_ablate.model.sharding import make_mesh
from code_ablate.training.checkpoint import Checkpoints
from code_ablate.training.execution import Execution, LoopConfig
from code_ablate.training.feed import Feed
from code_ablate.training.loop import train
from code_ablate.training.phase import Optimizer, Phase, Schedule, phase_identity
from code_ablate.training.rundir import RunDirectory
from code_ablate.training.step import abstract_state
from tests.conftest import TINY, FakeStore
from tests.tolerance import assert_close
from tests.training.jobs import complete_job, finish_job, start_job

pytestmark = pytest.mark.slow

STORES = Stores({"a": FakeStore(1, 4001), "b": FakeStore(2, 3001)})


def phase_of(steps):
    return Phase(
        Mixture.of({"a": 0.6, "b": 0.4}),
        steps * 8 * 16,
        TINY,
        Optimizer(),
        Schedule(peak=1e-2, final=1e-3, warmup_steps=3),
        batch_windows=8,
        seq_len=16,
        seed=0,
        max_epochs=1000.0,
    )


def job(directory, mesh, signal_process=None, signal_step=None, signal_number=None, broken=None):
    """Trains, and notes which rows this process read in each step."""
    phase = phase_of(12)
    stores = Stores({"a": STORES["a"]}) if broken == jax.process_index() else STORES
    run = RunDirectory.of(directory, phase, phase_identity(phase, STORES.identities))
    rows = []
    read = Feed.read

    def noting(feed, step):
        if (jax.process_index(), step) == (signal_process, signal_step):
            os.kill(os.getpid(), signal_number)
        rows.append((step, feed.rows_R, feed.batches.read(step, feed.rows_R).tokens_RT))
        return read(feed, step)

    Feed.read = noting
    loop = LoopConfig(log_every=1, checkpoint_every=5)
    try:
        train(phase, stores, run, execution=Execution(MeshConfig(**mesh), loop))
    except Interrupted:
        return 130
    except UserError as error:
        return fail(f"error: {error}", 2)
    finally:
        np.savez(
            f"{directory}/rows-{jax.process_index()}-of-{jax.process_count()}.npz",
            steps=[step for step, _, _ in rows],
            rows=[rows_R for _, rows_R, _ in rows],
            tokens=[tokens_RT for _, _, tokens_RT in rows],
        )
    return 0


JOB = "tests.training.test_multihost:job"


def metrics_of(directory):
    (file,) = directory.glob("*/metrics.jsonl")
    return [json.loads(line) for line in file.read_text().splitlines()]


def params_of(directory, steps=12):
    phase = phase_of(steps)
    run = RunDirectory.of(directory, phase, phase_identity(phase, STORES.identities))
    like = abstract_state(phase.model, phase.optimizer, make_mesh(MeshConfig()))
    with Checkpoints(run.checkpoints, read_only=True) as checkpoints:
        return jax.tree.leaves(jax.device_get(checkpoints.restore(like)[1].params))


def batches_of(directory, processes):
    """The global batches, put together from what the processes read; every row agrees."""
    batches = np.full((12, 8, 17), -1)
    for index in range(processes):
        file = np.load(directory / f"rows-{index}-of-{processes}.npz")
        for step, rows_R, tokens_RT in zip(
            file["steps"], file["rows"], file["tokens"], strict=True
        ):
            known = batches[step, rows_R]
            assert ((known == tokens_RT) | (known == -1)).all()
            batches[step, rows_R] = tokens_RT
    return batches


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """One process with one device."""
    directory = tmp_path_factory.mktemp("alone")
    complete_job(JOB, {"directory": str(directory), "mesh": {}})
    return directory


@pytest.mark.parametrize(
    ("processes", "devices", "mesh"),
    [
        (2, 2, {"data": 2, "fsdp": 2}),
        (4, 1, {"data": 1, "fsdp": 4}),
        (2, 1, {"data": 1, "tensor": 2}),  # both processes hold every row
    ],
)
def test_processes_train_as_one_does(tmp_path, alone, processes, devices, mesh):
    complete_job(
        JOB, {"directory": str(tmp_path), "mesh": mesh}, processes=processes, devices=devices
    )
    np.testing.assert_array_equal(batches_of(tmp_path, processes), batches_of(alone, 1))
    assert_trained_alike(tmp_path, alone)


def assert_trained_alike(directory, alone):
    one, many = metrics_of(alone), metrics_of(directory)
    assert [line["step"] for line in many] == [line["step"] for line in one]
    for name in ("loss", "grad_norm", "loss/a", "loss/b"):
        np.testing.assert_allclose(
            [line[name] for line in many], [line[name] for line in one], rtol=2e-5, err_msg=name
        )
    for ours, theirs in zip(params_of(directory), params_of(alone), strict=True):
        assert_close(ours, theirs, 2e-5)


def test_sigterm_to_one_process_stops_all_at_one_step_and_fewer_go_on(tmp_path, alone):
    signalled = {"signal_process": 1, "signal_step": 6, "signal_number": signal.SIGTERM}
    arguments = {"directory": str(tmp_path), "mesh": {"fsdp": 2}}
    for code, output in finish_job(start_job(JOB, arguments | signalled, processes=2)):
        assert code == 130, output
    (status,) = tmp_path.glob("*/status.json")
    stopped = json.loads(status.read_text())
    assert stopped["state"] == "interrupted" and 0 < stopped["step"] < 12
    complete_job(JOB, {"directory": str(tmp_path), "mesh": {}})
    assert_trained_alike(tmp_path, alone)


def test_the_death_of_one_process_ends_the_job_and_a_restart_goes_on(tmp_path, alone):
    signalled = {"signal_process": 1, "signal_step": 9, "signal_number": signal.SIGKILL}
    arguments = {"directory": str(tmp_path), "mesh": {"fsdp": 2}}
    survivor, killed = finish_job(start_job(JOB, arguments | signalled, processes=2))
    assert killed[0] == -signal.SIGKILL and survivor[0] != 0, survivor[1]
    complete_job(JOB, arguments, processes=2)
    assert_trained_alike(tmp_path, alone)


def test_bad_input_on_one_host_ends_all(tmp_path):
    started = start_job(JOB, {"directory": str(tmp_path), "mesh": {}, "broken": 1}, processes=2)
    (code, _), (broken_code, broken_output) = finish_job(started)
    assert broken_code == 2 and "process 1: error: no token store of 'b'" in broken_output
    assert code != 0
