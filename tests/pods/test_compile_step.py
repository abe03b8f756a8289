import importlib.util

import pytest

from code_ablate import chips
from code_ablate.errors import UserError
from code_ablate.model.config import MeshConfig, ModelConfig
from code_ablate.pods import compile_step
from code_ablate.pods.step_cost import StepCost
from code_ablate.training.phase import Optimizer

V5E = chips.find("v5e")

needs_libtpu = pytest.mark.skipif(
    importlib.util.find_spec("libtpu") is None, reason="libtpu is not installed (make plan-tpu)"
)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("v5x:8x8", "did you mean 'v5"),
        ("v5e", "for example v5e:8x8"),
        ("h100:8x8", "not that of a TPU pod"),
        ("v5e:8by8", "for example v5e:8x8"),
    ],
)
def test_a_wrong_topology_is_refused_before_anything_is_loaded(name, message):
    with pytest.raises(UserError, match=message):
        step_of(name)


def test_without_libtpu_the_fix_is_named(monkeypatch):
    def missing(*_, **__):
        raise RuntimeError("no libtpu")

    monkeypatch.setattr(compile_step.topologies, "get_topology_desc", missing)
    with pytest.raises(UserError, match="make plan-tpu"):
        step_of("v5e:2x2")


def step_of(name: str, **changes) -> StepCost:
    model = ModelConfig(
        d_model=256, layers=2, heads=2, head_dim=128, feed_forward=512, vocabulary_size=4096,
        compute_dtype="bfloat16", attention="splash", remat="attention",
    )  # fmt: skip
    sizes = {"batch_windows": 8, "seq_len": 1024, "mesh": MeshConfig(data=1, fsdp=-1), **changes}
    return compile_step.estimate_step(model, Optimizer(), 1e-4, topology=name, **sizes)


@needs_libtpu
def test_a_small_step_compiles_for_a_pod():
    with pytest.raises(UserError, match="no topology 'v5e:3x3'"):
        step_of("v5e:3x3")
    with pytest.raises(UserError, match="multiple of the 4 parts"):
        step_of("v5e:2x2", batch_windows=6)
    cost = step_of("v5e:2x2")
    assert cost.fits and 0 < cost.memory_bytes < V5E.memory_gib * 2**30
    assert 0 < cost.mfu < 1
    assert {name for name, _ in cost.price.parts} >= {"loss", "attention", "feed_forward"}
    # Forward, its two backward kernels, and no second forward run: the remat policy keeps it.
    assert len(cost.price.kernels) == 3 and not cost.price.unknown_kernels
    assert cost.price.exchanges
