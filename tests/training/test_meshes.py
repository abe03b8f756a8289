"""One phase on many meshes of simulated devices, against one device."""

import numpy as np
import pytest

from code_ablate.data.store import Stores
from code_ablate.errors import Interrupted
from code_ablate.model.config import MeshConfig
from code_ablate.training.execution import Execution, LoopConfig
from code_ablate.training.loop import train
from code_ablate.training.phase import phase_identity
from code_ablate.training.rundir import RunDirectory
from tests.tolerance import assert_close
from tests.training.jobs import complete_job
from tests.training.test_loop import StopsAfter
from tests.training.test_multihost import STORES, metrics_of, params_of, phase_of

pytestmark = pytest.mark.slow

MESHES = {
    "data": {"data": 8},
    "fsdp": {"data": 1, "fsdp": 8},
    "tensor": {"data": 4, "tensor": 2},
    "mixed": {"data": 2, "fsdp": 2, "tensor": 2},
}


def train_on(directory, mesh, stores=STORES, microbatches=1):
    phase = phase_of(12)
    run = RunDirectory.of(directory, phase, phase_identity(phase, STORES.identities))
    loop = LoopConfig(log_every=1, checkpoint_every=5, microbatches=microbatches)
    train(phase, stores, run, execution=Execution(MeshConfig(**mesh), loop))


def all_meshes(directory):
    for name, mesh in MESHES.items():
        train_on(f"{directory}/{name}", mesh)
    train_on(f"{directory}/accumulated", {"data": 2, "fsdp": 2, "tensor": 2}, microbatches=2)
    # Stopped on one mesh, gone on with on another.
    stopping = Stores({**STORES, "a": StopsAfter(1, 4001, reads=7)})
    try:
        train_on(f"{directory}/changed", MESHES["fsdp"], stopping)
        raise AssertionError("it was not stopped")
    except Interrupted:
        train_on(f"{directory}/changed", MESHES["mixed"])


def one_device(directory):
    train_on(f"{directory}/one", {})


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    directory = tmp_path_factory.mktemp("meshes")
    module = "tests.training.test_meshes"
    complete_job(f"{module}:all_meshes", {"directory": str(directory)}, devices=8)
    complete_job(f"{module}:one_device", {"directory": str(directory)})
    return directory


@pytest.mark.parametrize("mesh", ["data", "fsdp", "tensor", "mixed", "accumulated", "changed"])
def test_every_mesh_trains_as_one_device_does(trained, mesh):
    one, many = metrics_of(trained / "one"), metrics_of(trained / mesh)
    assert [line["step"] for line in many] == list(range(1, 13))
    for name in ("loss", "grad_norm", "loss/a", "loss/b"):
        np.testing.assert_allclose(
            [line[name] for line in many], [line[name] for line in one], rtol=2e-5, err_msg=name
        )
    for name in ("tokens/a", "tokens/b", "epochs/a"):
        assert [line[name] for line in many] == [line[name] for line in one]
    for ours, theirs in zip(params_of(trained / mesh), params_of(trained / "one"), strict=True):
        assert_close(ours, theirs, 2e-5)
