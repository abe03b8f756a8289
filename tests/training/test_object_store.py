"""Runs and token stores on an object store: the same bits as on a disk, killed or not."""

import dataclasses
import json
import os
import signal

import numpy as np
import pytest
from etils import epath

from code_ablate import storage
from code_ablate.data.store import StoreWriter, TokenStore
from code_ablate.errors import Interrupted, UserError
from code_ablate.jobs.workspace import Paths
from code_ablate.training import metrics_file
from code_ablate.training.feed import Feed
from code_ablate.training.metrics_file import MetricsFile
from code_ablate.training.rundir import RunDirectory
from code_ablate.training.tracking import TrackingConfig
from tests.object_store import emulated_bucket
from tests.training import test_faults
from tests.training.jobs import finish_job, start_job
from tests.training.test_faults import run_in

pytestmark = pytest.mark.slow

# Without TensorBoard, whose writer waits minutes at exit for a store that is gone.
EXECUTION = dataclasses.replace(test_faults.EXECUTION, tracking=TrackingConfig(tensorboard=False))


def train_in(directory):
    return test_faults.train_in(directory, EXECUTION)


@pytest.fixture(scope="module")
def bucket():
    pytest.importorskip("gcsfs", reason="gcsfs is not installed")
    pytest.importorskip("gcp_storage_emulator", reason="gcp-storage-emulator is not installed")
    with emulated_bucket() as environment, pytest.MonkeyPatch.context() as patched:
        for name, value in environment.items():
            patched.setenv(name, value)
        storage.require("gs://bucket", "this test")
        yield "gs://bucket"


@pytest.fixture(scope="module")
def on_a_disk(tmp_path_factory):
    return train_in(tmp_path_factory.mktemp("disk"))["fingerprint"]


def steps_in_metrics(run):
    return [json.loads(line)["step"] for line in run.metrics.read_text().splitlines()]


def test_stopped_and_resumed_it_ends_with_the_bits_of_a_run_on_a_disk(
    bucket, on_a_disk, monkeypatch
):
    directory = f"{bucket}/stopped"
    read = Feed.read

    def read_and_stop(feed, step):
        if step == 7:
            os.kill(os.getpid(), signal.SIGTERM)
        return read(feed, step)

    with monkeypatch.context() as patched:
        patched.setattr(Feed, "read", read_and_stop)
        with pytest.raises(Interrupted, match="goes on from there"):
            train_in(directory)
    run = run_in(directory)
    stopped_at = run.status["step"]
    assert run.status["state"] == "interrupted" and 0 < stopped_at < 12
    assert max(steps_in_metrics(run)) == stopped_at
    assert train_in(directory)["fingerprint"] == on_a_disk
    assert steps_in_metrics(run) == sorted({2, 4, 6, 8, 10, 12, stopped_at})
    assert not (run.path / "running.json").exists()
    assert RunDirectory.open(run.path).status == run.status


def test_killed_while_a_checkpoint_is_written_it_ends_with_the_same_bits(bucket, on_a_disk, capfd):
    directory = f"{bucket}/killed"
    moment = "while a checkpoint is written"
    arguments = {"directory": directory, "moment": moment, "tensorboard": False}
    ((code, output),) = finish_job(start_job("tests.training.test_faults:killed_at", arguments))
    assert code == -signal.SIGKILL, output
    assert train_in(directory)["fingerprint"] == on_a_disk
    assert "orderly" not in capfd.readouterr().err  # that process is known to be gone
    assert steps_in_metrics(run_in(directory)) == [2, 4, 6, 8, 10, 12]


def test_a_damaged_checkpoint_is_set_aside(bucket, on_a_disk, capfd):
    directory = f"{bucket}/damaged"
    train_in(directory)
    run = run_in(directory)
    run.set_status("running", step=12)  # as a kill before the end would have left it
    data = max((run.checkpoints / "12/params/d").iterdir(), key=lambda path: path.stat().length)
    flipped = bytearray(data.read_bytes())
    flipped[len(flipped) // 2] ^= 1
    data.write_bytes(bytes(flipped))
    assert train_in(directory)["fingerprint"] == on_a_disk
    assert "12 is damaged" in capfd.readouterr().err
    assert (run.path / "damaged/12/params/d" / data.name).read_bytes() == flipped
    assert (run.path / "damaged/12.txt").exists()


def test_a_token_store(bucket):
    path = f"{bucket}/data/stores/corpus"
    lengths = np.array([300, 500, 200])
    tokens = np.random.default_rng(0).integers(0, 256, 1000).astype(np.uint16)
    vocabulary = {"name": "v", "size": 256, "digest": "d", "eos_id": 1}
    epath.Path(path, "train/tokens/zarr.json").write_text("left by a writer that was killed")
    writer = StoreWriter(path, vocabulary)
    for split in ("train", "validation"):
        writer.write_split(split, [tokens], lengths, lengths)
    with pytest.raises(UserError, match="half-written"):
        TokenStore.open(path)
    fields = {"corpus": "c", "key": "k", "key_fields": {}, "source_digest": "s", "seed": 0}
    counts = {"validation_fraction": 0.0, "read": {}, "dropped": {}, "added": {}}
    writer.finish(**fields, **counts)
    store = TokenStore.open(path)
    store.verify()
    np.testing.assert_array_equal(store.read_windows([3], 100), [tokens[300:401]])


def test_metrics_are_written_anew_once_in_a_while_and_when_asked(bucket, monkeypatch):
    written = []
    replace = storage.replace

    def counted(path, content):
        written.append(content)
        replace(path, content)

    monkeypatch.setattr(storage, "replace", counted)
    now = [0.0]
    monkeypatch.setattr(metrics_file.time, "monotonic", lambda: now[0])
    path = epath.Path(f"{bucket}/metrics.jsonl")
    file = MetricsFile(path)
    for step in range(1, 501):
        file.append({"step": step})
    assert len(written) == 1 and file.last() == {"step": 500}
    assert MetricsFile(path).last() == {"step": 1}  # what another process sees
    file.save()
    file.save()
    assert len(written) == 2 and MetricsFile(path).last() == {"step": 500}
    now[0] += metrics_file.SECONDS_BETWEEN
    file.append({"step": 501})
    assert len(written) == 3
    restarted = MetricsFile(path)
    restarted.trim(400)
    restarted.append({"step": 401})
    restarted.save()
    assert len(path.read_text().splitlines()) == 401


@pytest.mark.parametrize(
    "paths, message",
    [
        ({"runs": "s3://bucket/runs"}, "one on gs://"),
        ({"data": "http://host/data"}, "one on gs:// and s3://"),
    ],
)
def test_a_store_that_cannot_be_used_is_refused_at_once(paths, message):
    with pytest.raises(UserError, match=message):
        Paths(**paths)


def test_a_store_whose_client_is_missing_is_refused_with_the_way_to_install_it(monkeypatch):
    monkeypatch.setitem(storage._CLIENTS, "gs", ("no_such_module", "no-such-package"))
    with pytest.raises(UserError, match="pip install no-such-package"):
        Paths(data="gs://bucket/data")
