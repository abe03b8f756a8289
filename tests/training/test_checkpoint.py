"""A run whose storage fails: real orbax files, really damaged, and a disk that is really full."""

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from code_ablate.errors import UserError
from code_ablate.training.checkpoint import Checkpoints
from code_ablate.training.step import TrainState
from tests.training.jobs import finish_job

# Reads that are under way when another one fails end in coroutines that nobody awaits, in orbax.
UNAWAITED = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
pytestmark = [UNAWAITED, pytest.mark.slow]


def state_of(seed, width=64):
    rng = np.random.default_rng(seed)

    def array(*shape, dtype=jnp.float32):
        return jnp.asarray(rng.normal(size=shape), dtype)

    params = {"embedding": array(128, width), "norm": {"scale": array(width, dtype=jnp.bfloat16)}}
    moments = (jnp.int32(seed), {"embedding": array(128, width)}, {"frozen": jnp.bool_(True)})
    return TrainState(params, moments)


def progress_of(seed):
    return {"seconds": 1.25, "counts": {"a": 1000 + seed}}


LIKE = jax.tree.map(
    lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding), state_of(0)
)


@pytest.fixture(scope="module")
def intact(tmp_path_factory):
    """A run directory with the checkpoints of steps 1 and 2."""
    run = tmp_path_factory.mktemp("intact")
    with Checkpoints(run / "checkpoints") as checkpoints:
        for step in (1, 2):
            checkpoints.save(step, state_of(step), progress_of(step))
    return run


@pytest.fixture
def run(intact, tmp_path):
    return shutil.copytree(intact, tmp_path / "run")


def assert_is(restored, step):
    """The (step, state, progress) that were saved at `step`, bit for bit."""
    found, state, progress = restored
    assert found == step and progress == progress_of(step)
    for a, b in zip(jax.tree.leaves(state), jax.tree.leaves(state_of(step)), strict=True):
        assert a.dtype == b.dtype and np.asarray(a).tobytes() == np.asarray(b).tobytes()


def restore(run, step=None, **options):
    with Checkpoints(run / "checkpoints", **options) as checkpoints:
        return checkpoints.restore(LIKE, step)


def flip(file: Path):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0x10
    file.write_bytes(data)


def truncate(file: Path):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def empty(file: Path):
    file.write_bytes(b"")


DAMAGE = {"flip": flip, "truncate": truncate, "empty": empty, "remove": Path.unlink}

NEEDED = {
    "arrays of params": "params/ocdbt.process_0/d/*",
    "arrays of moments": "moments/ocdbt.process_0/d/*",
    "index of params": "params/d/*",
    "index of moments": "moments/d/*",
    "manifest of params": "params/manifest.ocdbt",
    "manifest of moments": "moments/manifest.ocdbt",
    "tree of moments": "moments/_METADATA",
    "record": "progress/metadata",
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("kind", NEEDED)
def test_a_damaged_file_makes_the_checkpoint_before_be_used(run, capfd, kind, damage):
    newest = run / "checkpoints" / "2"
    file = max(newest.glob(NEEDED[kind]), key=lambda file: file.stat().st_size)
    DAMAGE[damage](file)
    assert_is(restore(run), step=1)
    warnings = [line for line in capfd.readouterr().err.splitlines() if "warning: " in line]
    assert len(warnings) == 1
    assert f"{newest} is damaged (" in warnings[0] and "using step 1 instead" in warnings[0]
    assert (run / "damaged" / "2").is_dir() and not newest.exists()


@pytest.mark.parametrize("folder", ["params", "moments", "progress", "params/d", "."])
def test_so_does_a_missing_folder(run, folder):
    shutil.rmtree(run / "checkpoints" / "2" / folder)
    (run / "checkpoints" / "2").mkdir(exist_ok=True)
    assert_is(restore(run), step=1)


@pytest.mark.parametrize("damage", ["flip", "remove"])
def test_whatever_file_is_damaged_what_is_restored_is_what_was_saved(intact, tmp_path, damage):
    # Orbax keeps files that a restore does not need; then the newest checkpoint may be used.
    newest = intact / "checkpoints" / "2"
    for number, file in enumerate(sorted(newest.rglob("*"))):
        if file.is_file():
            run = shutil.copytree(intact, tmp_path / str(number))
            DAMAGE[damage](run / "checkpoints" / "2" / file.relative_to(newest))
            restored = restore(run)
            assert_is(restored, step=restored[0])


def test_arrays_of_another_step_are_noticed_by_their_fingerprint(run, capsys):
    newest = run / "checkpoints" / "2"
    shutil.rmtree(newest / "moments")
    shutil.copytree(run / "checkpoints" / "1" / "moments", newest / "moments")
    assert_is(restore(run), step=1)
    assert "moments/0 does not have the fingerprint" in capsys.readouterr().err


def test_a_changed_number_in_the_record_is_noticed(run, capsys):
    record = run / "checkpoints" / "2" / "progress" / "metadata"
    assert '"a": 1002' in record.read_text()
    record.write_text(record.read_text().replace('"a": 1002', '"a": 1003'))
    assert_is(restore(run), step=1)
    assert "does not have the hash" in capsys.readouterr().err


def test_a_damaged_step_can_be_saved_again_and_nothing_is_lost(run):
    for aside in ("2", "2-2"):
        flip(run / "checkpoints" / "2" / "params" / "manifest.ocdbt")
        broken = (run / "checkpoints" / "2" / "params" / "manifest.ocdbt").read_bytes()
        with Checkpoints(run / "checkpoints") as checkpoints:
            assert_is(checkpoints.restore(LIKE), step=1)
            assert checkpoints.steps == [1] and checkpoints.latest == 1
            checkpoints.save(2, state_of(2), progress_of(2))
        assert_is(restore(run), step=2)
        assert (run / "damaged" / aside / "params" / "manifest.ocdbt").read_bytes() == broken


def test_a_reader_goes_on_but_moves_nothing(run):
    empty(run / "checkpoints" / "2" / "progress" / "metadata")
    assert_is(restore(run, read_only=True), step=1)
    assert (run / "checkpoints" / "2").exists() and not (run / "damaged").exists()


def test_a_damaged_step_that_was_asked_for_is_an_error(run):
    flip(run / "checkpoints" / "2" / "params" / "manifest.ocdbt")
    with pytest.raises(UserError, match=r"checkpoints/2 is damaged.*Delete .*status\.json"):
        restore(run, step=2)
    with (
        Checkpoints(run / "checkpoints", read_only=True) as checkpoints,
        pytest.raises(UserError, match=r"checkpoints/2 is damaged"),
    ):
        checkpoints.restore_params(LIKE.params, 2)
    assert not (run / "damaged").exists()
    assert_is(restore(run, step=1), step=1)


def test_if_none_can_be_read_nothing_is_moved(run):
    for step in ("1", "2"):
        truncate(run / "checkpoints" / step / "moments" / "manifest.ocdbt")
    with pytest.raises(UserError, match=r"no checkpoint .* can be read \(step 2.*step 1.*Move"):
        restore(run)
    assert not (run / "damaged").exists()


@pytest.mark.parametrize("step", [None, 2])
def test_another_model_is_not_taken_for_damage(run, step):
    wider = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding), state_of(0, width=80)
    )
    fewer = TrainState(LIKE.params, LIKE.moments[:2])
    with Checkpoints(run / "checkpoints") as checkpoints:
        expected = r"another model.*params/embedding: float32\[128, 64\] -> float32\[128, 80\]"
        with pytest.raises(UserError, match=expected):
            checkpoints.restore(wider, step)
        with pytest.raises(UserError, match=r"moments/2/frozen: bool\[\] -> \(absent\)"):
            checkpoints.restore(fewer, step)
    assert not (run / "damaged").exists() and (run / "checkpoints" / "2").exists()


def test_parameters_alone_need_no_moments(run):
    shutil.rmtree(run / "checkpoints" / "2" / "moments")
    with Checkpoints(run / "checkpoints", read_only=True) as checkpoints:
        params = checkpoints.restore_params(LIKE.params, 2)
    np.testing.assert_array_equal(params["embedding"], state_of(2).params["embedding"])


def test_a_relative_path_will_do(run, monkeypatch):
    monkeypatch.chdir(run.parent)
    assert_is(restore(Path(run.name)), step=2)


def test_a_state_that_is_donated_while_it_is_written_is_saved_as_it_was(tmp_path):
    next_state = jax.jit(lambda state: jax.tree.map(lambda x: x + x, state), donate_argnums=0)
    state = state_of(1)
    with Checkpoints(tmp_path / "checkpoints") as checkpoints:
        checkpoints.save(1, state, progress_of(1))
        for _ in range(3):
            state = next_state(state)
        checkpoints.wait()
        assert_is(checkpoints.restore(LIKE), step=1)


# ---------------------------------------------------------------------------------- two processes

PAIR = """
import json, os, sys
from pathlib import Path
import jax
process, address, run = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
jax.config.update("jax_cpu_collectives_implementation", "gloo")
jax.distributed.initialize(address, 2, process)
import numpy as np
from jax.experimental.multihost_utils import sync_global_devices
from jax.sharding import NamedSharding, PartitionSpec
from code_ablate.errors import UserError
from code_ablate.model.config import MeshConfig
from code_ablate.model.sharding import make_mesh
from code_ablate.training.checkpoint import Checkpoints
from code_ablate.training.array_fingerprint import state_fingerprint
from code_ablate.training.step import TrainState

rows = NamedSharding(make_mesh(MeshConfig(data=1, fsdp=2)), PartitionSpec("fsdp"))

def state_of(seed):
    x = np.random.default_rng(seed).normal(size=(64, 128)).astype(np.float32)
    w = jax.make_array_from_callback(x.shape, rows, lambda i: x[i])
    return TrainState({"w": w}, {"w": w})

with Checkpoints(run / "checkpoints") as checkpoints:
    for step in (1, 2):
        checkpoints.save(step, state_of(step), {"step": step})
if process == 0:  # what only the other process reads
    files = (run / "checkpoints/2/params/ocdbt.process_1/d").iterdir()
    os.truncate(max(files, key=lambda file: file.stat().st_size), 100)
sync_global_devices("one part is damaged")
result = {}
with Checkpoints(run / "checkpoints", read_only=True) as checkpoints:
    try:
        checkpoints.restore(state_of(0), 2)
    except UserError as error:
        result["asked"] = str(error)
with Checkpoints(run / "checkpoints") as checkpoints:
    step, state, progress = checkpoints.restore(state_of(0))
    result |= {"step": step, "progress": progress, "fingerprint": state_fingerprint(state)}
    result["same"] = result["fingerprint"] == state_fingerprint(state_of(1))
    checkpoints.save(2, state_of(2), {"step": 2})
    checkpoints.wait()
    checkpoints.check_for_errors()
    result["steps"] = checkpoints.steps
print("result:", json.dumps(result), flush=True)
"""


def test_two_processes_agree_where_one_cannot_read_its_part(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    pair = [
        subprocess.Popen(
            [sys.executable, "-c", PAIR, str(process), address, str(tmp_path)],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            stdout=subprocess.PIPE,
            stderr=(tmp_path / f"{process}.err").open("w"),
            text=True,
        )
        for process in (0, 1)
    ]
    done = finish_job(pair)
    errors = [(tmp_path / f"{process}.err").read_text() for process in (0, 1)]
    assert [code for code, _ in done] == [0, 0], errors
    first, second = (json.loads(output.split("result:")[1]) for _, output in done)
    assert "process 1 cannot read its part" in first.pop("asked")
    assert "OUT_OF_RANGE" in second.pop("asked")
    assert first == second
    assert first["step"] == 1 and first["progress"] == {"step": 1} and first["same"]
    assert first["steps"] == [1, 2]
    assert "using step 1 instead" in errors[0] and "using step 1 instead" not in errors[1]
    assert sorted(path.name for path in (tmp_path / "damaged").iterdir()) == ["2", "2.txt"]


# ------------------------------------------------------------------------------------ a full disk

FULL = """
import contextlib, json, os, resource, sys
from pathlib import Path
from code_ablate.training.checkpoint import Checkpoints, SaveFailed
from tests.training.test_checkpoint import assert_is, progress_of, restore, state_of

run, kind = Path(sys.argv[1]), sys.argv[2]
BIG = 4096  # columns: arrays of 2 MiB, which do not compress

@contextlib.contextmanager
def no_room():
    if kind == "tmpfs":
        disk = os.statvfs(run)
        (run / "filler").write_bytes(bytes(disk.f_bavail * disk.f_frsize - 500_000))
        yield
        (run / "filler").unlink()
    else:
        everything = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, everything[1]))
        yield
        resource.setrlimit(resource.RLIMIT_FSIZE, everything)

def notice_by_checking(checkpoints):
    while True:  # as the loop does, step after step
        checkpoints.check_for_errors()

def notice_by_saving(checkpoints):
    checkpoints.save(3, state_of(3), progress_of(3))

def notice_by_leaving(checkpoints):
    pass

def notice_beside_another_error(checkpoints):
    raise KeyError("another")

with Checkpoints(run / "checkpoints", keep=1) as checkpoints:
    checkpoints.save(1, state_of(1), progress_of(1))
messages = []
for notice in (notice_by_checking, notice_by_saving, notice_by_leaving):
    with no_room():
        try:
            with Checkpoints(run / "checkpoints", keep=1) as checkpoints:
                assert_is(checkpoints.restore(state_of(0)), step=1)
                checkpoints.save(2, state_of(2, BIG), progress_of(2))
                notice(checkpoints)
        except SaveFailed as error:
            messages.append(str(error))
        assert_is(restore(run, read_only=True), step=1)
with no_room():
    try:
        with Checkpoints(run / "checkpoints", keep=1) as checkpoints:
            checkpoints.save(2, state_of(2, BIG), progress_of(2))
            notice_beside_another_error(checkpoints)
    except KeyError:
        messages.append("KeyError")
with Checkpoints(run / "checkpoints", keep=1) as checkpoints:
    assert_is(checkpoints.restore(state_of(0)), step=1)
    checkpoints.save(2, state_of(2), progress_of(2))
assert_is(restore(run), step=2)
print(json.dumps({"messages": messages, "left": sorted(os.listdir(run / "checkpoints"))}))
"""


def run_full(command):
    return subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
    )


def assert_says(done, why):
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["left"] == ["2"]  # neither the old one, nor what was half-written
    *messages, other = result["messages"]
    assert other == "KeyError" and f"warning: {messages[0]}" in done.stderr
    assert len(messages) == 3 and len(set(messages)) == 1
    assert messages[0].startswith("the checkpoint of step 2 could not be written to ")
    assert why in messages[0] and "The last good one is of step 1. " in messages[0]


def test_a_full_disk_is_one_message_and_the_last_good_checkpoint_survives(tmp_path):
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(tmp_path)]
    if shutil.which("unshare") is None or run_full(["unshare", "-rm", *mount]).returncode:
        pytest.skip("no user namespaces, in which a small disk could be mounted")
    python = [sys.executable, "-c", FULL, str(tmp_path), "tmpfs"]
    both = f"{shlex.join(mount)} && exec {shlex.join(python)}"
    assert_says(run_full(["unshare", "-rm", "sh", "-c", both]), "disk is full. ")


def test_so_is_a_limit_on_the_size_of_files(tmp_path):
    done = run_full([sys.executable, "-c", FULL, str(tmp_path), "limit"])
    assert_says(done, "larger than the system allows. ")
