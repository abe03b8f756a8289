import pytest

from code_ablate import distributed
from code_ablate.errors import UserError

GIVEN = {
    "JAX_COORDINATOR_ADDRESS": "10.0.0.1:1234",
    "JAX_NUM_PROCESSES": "4",
    "JAX_PROCESS_ID": "3",
}
SLURM = {"SLURM_STEP_NODELIST": "node[1-2]", "SLURM_NTASKS": "2"}


def test_an_ordinary_environment_is_a_job_of_one_process():
    assert distributed.arguments({"HOME": "/root"}) is None
    assert distributed.arguments({**SLURM, "SLURM_NTASKS": "1"}) is None  # srun -n 1
    assert distributed.arguments({"SLURM_NTASKS": "2"}) is None  # a shell of salloc, no job step


def test_given_addresses_come_first():
    wanted = {"coordinator_address": "10.0.0.1:1234", "num_processes": 4, "process_id": 3}
    assert distributed.arguments(GIVEN) == wanted
    assert distributed.arguments({**SLURM, **GIVEN}) == wanted


def test_jax_finds_the_addresses_of_a_slurm_step():
    assert distributed.arguments(SLURM) == {}


@pytest.mark.parametrize("missing", GIVEN)
def test_half_an_address_is_refused(missing):
    environment = {name: value for name, value in GIVEN.items() if name != missing}
    with pytest.raises(UserError, match=f"set {missing} as well"):
        distributed.arguments(environment)


def test_numbers_that_are_none_are_refused():
    with pytest.raises(UserError, match="whole numbers"):
        distributed.arguments({**GIVEN, "JAX_PROCESS_ID": "three"})


def test_a_tpu_host_joins_its_pod(monkeypatch):
    monkeypatch.setattr(distributed.glob, "glob", lambda pattern: ["/dev/accel0"])
    monkeypatch.setattr(distributed.importlib.util, "find_spec", lambda name: object())
    assert distributed.arguments({}) == {}
    assert distributed.arguments({"JAX_PLATFORMS": "cpu"}) is None


def test_one_process_does_everything_itself():
    assert distributed.is_first() and distributed.process_count() == 1
    assert distributed.from_first(lambda: object) is object  # nothing is sent
    agreement = distributed.Agreement(mesh=None, lag=2)
    assert [agreement.reached(asked) for asked in (False, True, False)] == [False, True, True]
