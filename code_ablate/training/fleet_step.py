"""The train step of several members as one program: each on devices of its own, no exchange.

    mesh = make_fleet_mesh(MeshConfig(), members=8)
    step = make_fleet_step(model, optimizer, z_loss, mesh)
    state = stack([initial_state(model, optimizer, seed, part) for part in parts_of(mesh)], mesh)
    state, metrics = step(state, tokens_KBT, rates_K)       # K members
    member_of(state, 3, mesh)

A leading axis over members lies on a mesh axis of its own. On its part of the mesh a member runs
the program of a single run on as many devices, so that it has the same bits where the compiler
makes the same of it (on a CPU it does). All are compiled at once.
"""

import functools
from collections.abc import Sequence

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec, Sharding

from code_ablate.errors import UserError
from code_ablate.model.config import MeshConfig, ModelConfig
from code_ablate.model.sharding import batch_sharding, make_mesh
from code_ablate.training.phase import Optimizer
from code_ablate.training.step import TrainState, abstract_state, step_function

MEMBER = "member"
"""Mesh axis of the members, the outermost."""


def make_fleet_mesh(
    config: MeshConfig, members: int, devices: Sequence[jax.Device] | None = None
) -> Mesh:
    """`members` meshes of `config`, each over its share of the devices, with an axis over them.

    Raises UserError if the devices cannot be shared out.
    """
    devices = list(jax.devices() if devices is None else devices)
    if len(devices) % members:
        raise UserError(
            f"{len(devices)} devices cannot be shared out to {members} members: set "
            f"FleetConfig.members to a divisor of {len(devices)}."
        )
    own = len(devices) // members
    parts = [make_mesh(config, devices[k * own : (k + 1) * own]) for k in range(members)]
    axes = (MEMBER, *parts[0].axis_names)
    return Mesh(
        np.stack([part.devices for part in parts]), axes, axis_types=(AxisType.Auto,) * len(axes)
    )


def parts_of(mesh: Mesh) -> list[Mesh]:
    """The mesh of each member."""
    types = (AxisType.Auto,) * (len(mesh.axis_names) - 1)
    return [Mesh(part, mesh.axis_names[1:], axis_types=types) for part in mesh.devices]


def stack(states: Sequence, mesh: Mesh):
    """Trees of arrays, each on its member's mesh, as one tree with a leading axis over members."""

    def together(*leaves: jax.Array) -> jax.Array:
        shards = [shard.data[None] for leaf in leaves for shard in leaf.addressable_shards]
        shape, where = (len(leaves), *leaves[0].shape), _stacked(leaves[0].sharding, mesh)
        return jax.make_array_from_single_device_arrays(shape, where, shards)

    return jax.tree.map(together, *states)


def member_of(tree, number: int, mesh: Mesh):
    """Copies of the arrays of one member, on its own mesh: the inverse of `stack`."""
    own = parts_of(mesh)[number]
    devices = set(own.devices.flat)

    def alone(leaf: jax.Array) -> jax.Array:
        shards = [s.data[0] for s in leaf.addressable_shards if s.device in devices]
        assert isinstance(leaf.sharding, NamedSharding), leaf.sharding
        where = NamedSharding(own, PartitionSpec(*leaf.sharding.spec[1:]))
        return jax.make_array_from_single_device_arrays(leaf.shape[1:], where, shards)

    return jax.tree.map(alone, tree)


def abstract_fleet_state(model: ModelConfig, optimizer: Optimizer, mesh: Mesh) -> TrainState:
    """Shapes, dtypes and shardings of the states of all members, without the arrays."""
    members = mesh.shape[MEMBER]
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(
            (members, *leaf.shape), leaf.dtype, sharding=_stacked(leaf.sharding, mesh)
        ),
        abstract_state(model, optimizer, parts_of(mesh)[0]),
    )


def fleet_batch_sharding(mesh: Mesh) -> NamedSharding:
    """Where a [member, batch, time] array lies."""
    return _stacked(batch_sharding(parts_of(mesh)[0]), mesh)


def _stacked(sharding: Sharding, mesh: Mesh) -> NamedSharding:
    assert isinstance(sharding, NamedSharding), sharding
    return NamedSharding(mesh, PartitionSpec(MEMBER, *sharding.spec))


@functools.lru_cache(maxsize=8)
def make_fleet_step(
    model: ModelConfig,
    optimizer: Optimizer,
    z_loss: float,
    mesh: Mesh,
    *,
    microbatches: int = 1,
    eos_id: int | None = None,
):
    """The compiled step of all members.

    Returns step(state, tokens_KBT, rates_K) -> (state, metrics), all with a leading axis over the K
    members, else as `step.make_train_step`. The state is donated.
    """
    step = step_function(model, optimizer, z_loss, microbatches, eos_id)

    def of_member(state: TrainState, tokens_1BT, rate_1):
        own = jax.tree.map(lambda leaf: leaf[0], state)
        outcome = step(own, tokens_1BT[0], rate_1[0])
        return jax.tree.map(lambda leaf: leaf[None], outcome)

    members = PartitionSpec(MEMBER)
    # The other axes of the mesh are left to the step, which places its arrays on them.
    of_all = jax.shard_map(
        of_member,
        mesh=mesh,
        in_specs=members,
        out_specs=members,
        axis_names={MEMBER},
        check_vma=False,
    )
    placed = jax.tree.map(lambda leaf: leaf.sharding, abstract_fleet_state(model, optimizer, mesh))
    each_its_own = NamedSharding(mesh, members)
    return jax.jit(of_all, donate_argnums=0, out_shardings=(placed, each_its_own))
