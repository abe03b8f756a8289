"""Compiles a train step for a TPU pod that is not here, and reads what it will cost.

    cost = estimate_step(model, Optimizer(), 1e-4, batch_windows=512, seq_len=8192,
                         topology="v5e:8x8", mesh=MeshConfig(data=1, fsdp=-1))
    print(cost)
    cost.chip_hours(200e9)

It is the real train step, compiled by the real compiler; nothing runs. code_ablate.pods.step_cost
says how the time is estimated. Needs libtpu (`make plan-tpu`).
"""

import os
import re
import time
from dataclasses import replace

import jax
import jax.numpy as jnp
from jax.experimental import topologies

from code_ablate import chips
from code_ablate.chips import Chip
from code_ablate.errors import UserError
from code_ablate.model.config import MeshConfig, ModelConfig
from code_ablate.model.flops import flops_per_token
from code_ablate.model.sharding import batch_sharding, check_batch, make_mesh
from code_ablate.pods.hlo import Program
from code_ablate.pods.step_cost import StepCost, price
from code_ablate.training.phase import Optimizer
from code_ablate.training.step import abstract_state, make_train_step

WITHOUT_A_TPU = {
    "TPU_SKIP_MDS_QUERY": "1",
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",
    "TPU_ACCELERATOR_TYPE": "v5litepod-4",
    "TPU_WORKER_HOSTNAMES": "localhost",
    "TPU_WORKER_ID": "0",
}
"""Environment in which libtpu compiles where there is no TPU: it asks no metadata server, complains
of no hosts, and minds no other program that compiles. What it compiles for does not depend on it.
"""


def estimate_step(
    model: ModelConfig,
    optimizer: Optimizer,
    z_loss: float,
    *,
    batch_windows: int,
    seq_len: int,
    topology: str,
    mesh: MeshConfig,
    microbatches: int = 1,
    document_masks: bool = False,
) -> StepCost:
    """Compiles the train step for a topology: chip, and chips along each axis, as in "v5e:8x8".

    A step that does not fit a chip's memory is a finding: StepCost.out_of_memory. Raises UserError
    if libtpu is missing, the topology is unknown, or the model or batch does not divide over it.
    """
    chip, devices = _devices(topology)
    placed = make_mesh(mesh, devices)
    rows = batch_sharding(placed)
    check_batch(placed, batch_windows, microbatches)
    tokens_BT = jax.ShapeDtypeStruct((batch_windows, seq_len + 1), jnp.int32, sharding=rows)
    learning_rate = jax.ShapeDtypeStruct((), jnp.float32)
    eos_id = 1 if document_masks else None  # which token it is changes nothing
    step = make_train_step(
        model, optimizer, z_loss, placed, microbatches=microbatches, eos_id=eos_id
    )
    begin = time.perf_counter()
    with jax.set_mesh(placed):
        lowered = step.lower(abstract_state(model, optimizer, placed), tokens_BT, learning_rate)
        try:
            compiled, out_of_memory = lowered.compile(), ""
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error):
                raise
            compiled, out_of_memory = None, _first_lines(error)
    cost = StepCost(
        topology=topology,
        chip=chip,
        chips=len(devices),
        mesh=dict(placed.shape),
        batch_windows=batch_windows,
        seq_len=seq_len,
        flops_per_step=flops_per_token(model, seq_len) * batch_windows * seq_len,
        compile_seconds=time.perf_counter() - begin,
        out_of_memory=out_of_memory,
    )
    if compiled is None:
        return cost
    return replace(
        cost,
        memory_bytes=compiled.memory_analysis().peak_memory_in_bytes,
        price=price(Program(compiled.as_text()), chip, len(devices)),
    )


def _devices(topology: str) -> tuple[Chip, list]:
    """The chip and the devices, one a chip, of a topology."""
    name, _, shape = topology.partition(":")
    chip = chips.find(name)
    if chip.clock_hz is None or not re.fullmatch(r"\d+(x\d+){1,2}", shape):
        tpus = ", ".join(c.name for c in chips.CHIPS.values() if c.clock_hz)
        raise UserError(
            f"topology {topology!r} is not that of a TPU pod: name a chip ({tpus}) and its axes, "
            "for example v5e:8x8 or v5p:4x4x8."
        )
    for variable, value in WITHOUT_A_TPU.items():
        os.environ.setdefault(variable, value)
    megacore = {"chip_config_name": "megacore"} if name in ("v4", "v5p") else {}
    try:
        devices = list(topologies.get_topology_desc(topology, "tpu", **megacore).devices)
    except Exception as error:  # libtpu missing or damaged, or it refuses the topology
        if "INVALID_ARGUMENT" in str(error):
            raise UserError(f"there is no topology {topology!r}: {_first_lines(error)}") from error
        raise UserError(
            f"the TPU compiler cannot be loaded ({_first_lines(error)}): install libtpu with "
            "`make plan-tpu`."
        ) from error
    return chip, devices


def _first_lines(error: Exception, lines: int = 3) -> str:
    return " ".join(str(error).split("\n")[:lines])[:500]
