"""Which array axis lies on which mesh axis: one mesh, one table of rules.

    mesh = make_mesh(MeshConfig(data=-1, fsdp=4))
    params = jax.jit(init, out_shardings=named_shardings(mesh, param_axes(config)))()
    with jax.set_mesh(mesh): ...  # inside, constrain(x_BTD, "batch", "time", "embed") takes effect

Arrays name their axes by meaning ("embed", "heads"); only RULES knows the mesh. The values of a
computation do not depend on the mesh, only where its parts lie.
"""

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import jax
import numpy as np
from jax.experimental.layout import Layout, with_layout_constraint
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, PyTree

from code_ablate.errors import UserError, unknown_name
from code_ablate.model.config import MeshConfig

RULES: Mapping[str, tuple[str, ...]] = {
    "batch": ("data", "fsdp"),
    "time": (),
    "layers": (),
    "vocabulary": ("tensor",),
    "embed": ("fsdp",),
    "heads": ("tensor",),
    "kv_heads": ("tensor",),
    "head_dim": (),
    "feed_forward": ("tensor",),
    "norm": (),
}
"""Logical axis -> mesh axes. Each mesh axis serves one axis of an array, the first that asks: the
batch takes fsdp from activations, so their "embed" is whole, while that of parameters is split."""


def make_mesh(config: MeshConfig, devices: list[jax.Device] | None = None) -> Mesh:
    """The mesh over the given devices (None: all). UserError if the sizes do not fit them."""
    devices = jax.devices() if devices is None else devices
    sizes = config.sizes()
    fixed = prod(size for size in sizes.values() if size != -1)
    sizes = {name: len(devices) // fixed if size == -1 else size for name, size in sizes.items()}
    if prod(sizes.values()) != len(devices):
        shown = ", ".join(f"{name}={size}" for name, size in config.sizes().items())
        raise UserError(
            f"mesh {shown} does not fit {len(devices)} devices: the product of the axes must be "
            f"{len(devices)}; set one axis to -1, and the others so that they divide it."
        )
    # Auto: XLA places what the rules leave open, so a missing constraint costs speed, not meaning.
    axis_types = (AxisType.Auto,) * len(sizes)
    return jax.make_mesh(tuple(sizes.values()), tuple(sizes), axis_types, devices=devices)


def partition_spec(axes: tuple[str | None, ...]) -> PartitionSpec:
    """Where the axes of one array lie, by RULES. None is an axis that is never split."""
    used: set[str] = set()
    entries: list[str | tuple[str, ...] | None] = []
    for axis in axes:
        if axis is not None and axis not in RULES:
            raise unknown_name("logical axis", axis, RULES)
        free = tuple(name for name in RULES[axis] if name not in used) if axis else ()
        used.update(free)
        entries.append(free[0] if len(free) == 1 else (free or None))
    return PartitionSpec(*entries)


def partition_specs(axes: PyTree) -> PyTree:
    """A tree of axis tuples (`param_axes(config)`) -> the same tree of partition specs."""
    return jax.tree.map(partition_spec, axes, is_leaf=_is_axes)


def named_shardings(mesh: Mesh, axes: PyTree, shapes: PyTree | None = None) -> PyTree:
    """A tree of axis tuples -> the same tree of shardings on the mesh.

    With shapes (a tree of arrays or jax.ShapeDtypeStruct), raises UserError where an axis is not
    divisible by the devices that are to split it.
    """
    specs = partition_specs(axes)
    if shapes is not None:
        jax.tree.map_with_path(
            lambda path, spec, array: _check_divisible(mesh, path, spec, array.shape),
            specs,
            shapes,
            is_leaf=lambda node: isinstance(node, PartitionSpec),
        )
    return jax.tree.map(
        lambda spec: NamedSharding(mesh, spec),
        specs,
        is_leaf=lambda node: isinstance(node, PartitionSpec),
    )


def state_shardings(mesh: Mesh, state: PyTree, params: PyTree, shardings: PyTree) -> PyTree:
    """Shardings of an optimizer state: what has a parameter's name and shape lies as it does.

    `state` and `params` are arrays or shapes (`jax.eval_shape(optimizer.init, params)`). Optax
    keeps its moments in trees shaped like the parameters, so a leaf belongs to the parameter whose
    path ends its own. Counts and factored moments, which have another shape, are replicated.
    """
    by_path = {
        path: (leaf.shape, sharding)
        for (path, leaf), sharding in zip(
            jax.tree_util.tree_leaves_with_path(params), jax.tree.leaves(shardings), strict=True
        )
    }

    def place(path: tuple[Any, ...], leaf: Any) -> NamedSharding:
        for start in range(len(path)):
            shape, sharding = by_path.get(path[start:], (None, None))
            if shape == leaf.shape:
                return sharding
        return NamedSharding(mesh, PartitionSpec())

    return jax.tree_util.tree_map_with_path(place, state)


def batch_sharding(mesh: Mesh) -> NamedSharding:
    """Where the rows of a [batch, time] array lie."""
    return NamedSharding(mesh, partition_spec(("batch", "time")))


def check_batch(mesh: Mesh, batch_windows: int, microbatches: int) -> None:
    """Raises UserError if the rows of a batch do not divide over the mesh, in each microbatch."""
    shards = prod(mesh.shape[name] for name in RULES["batch"])
    if batch_windows % (shards * microbatches):
        raise UserError(
            f"{batch_windows} windows in a batch do not divide over {shards} devices (mesh axes "
            f"data x fsdp) times {microbatches} microbatches: change batch_windows, MeshConfig or "
            "LoopConfig.microbatches."
        )


def place_batch(mesh: Mesh, x_BT: np.ndarray) -> Array:
    """A [batch, time] array that every process holds whole, as an array over the mesh."""
    return jax.make_array_from_callback(
        x_BT.shape, batch_sharding(mesh), lambda index: x_BT[() if index is None else index]
    )


def constrain(x: Array, *axes: str | None) -> Array:
    """Lays an activation out by RULES on the mesh of `jax.set_mesh`; without a mesh, returns it."""
    if len(axes) != x.ndim:
        raise ValueError(f"{len(axes)} axis names {axes} for an array of shape {x.shape}")
    spec = partition_spec(axes)
    if jax.sharding.get_abstract_mesh().empty:
        return x
    return jax.lax.with_sharding_constraint(x, spec)


def row_major(x: Array, *axes: str | None) -> Array:
    """On TPUs: keeps the last axis innermost in memory, of x and of its gradient.

    Left alone, the compiler lays the backward pass of the blocks out with time innermost, and
    copies queries, keys, values and outputs back and forth (a tenth of a step; docs/log.md).
    """
    if platform() != "tpu":
        return x
    layout = Layout(tuple(range(x.ndim)))
    # On each device, for the partitioner does not know what a layout is and would gather x first.
    return on_each_device(lambda x: with_layout_constraint(x, layout), (axes,), axes)(x)


def materialized(x: PyTree) -> PyTree:
    """On TPUs: computes x, an array or several, on its own, not again and again inside its users.

    Left alone, the compiler fuses x into the matrix products that read it, which then wait for it:
    by its own estimate they take up to 1.6 times as long (docs/log.md).
    """
    return jax.lax.optimization_barrier(x) if platform() == "tpu" else x


def platform() -> str:
    """ "cpu", "gpu" or "tpu": of the mesh of `jax.set_mesh`, without one of JAX's default."""
    device = jax.sharding.get_abstract_mesh().abstract_device
    return jax.default_backend() if device is None else device.platform


def on_each_device(function: Callable, inputs: tuple, outputs: Any) -> Callable:
    """`function` on the parts of its arguments that lie on each device of `jax.set_mesh`'s mesh.

    `inputs` and `outputs` name the axes of the arrays, as for constrain. What the function returns
    for an axis that is not split must be equal on all devices. Without a mesh, returns it as it is.
    """
    if jax.sharding.get_abstract_mesh().empty:
        return function
    return jax.shard_map(
        function,
        in_specs=partition_specs(inputs),
        out_specs=partition_specs(outputs),
        # It cannot follow loops that devices repeat unequally often, as the loss has one.
        check_vma=False,
    )


def _is_axes(node: Any) -> bool:
    return isinstance(node, tuple) and all(axis is None or isinstance(axis, str) for axis in node)


def _check_divisible(mesh: Mesh, path: Any, spec: PartitionSpec, shape: tuple[int, ...]) -> None:
    for size, names in zip(shape, spec, strict=True):
        names = (names,) if isinstance(names, str) else names or ()
        parts = prod(mesh.shape[name] for name in names)
        if size % parts:
            raise UserError(
                f"parameter {jax.tree_util.keystr(path)} of shape {shape}: {size} is not divisible "
                f"by the {parts} devices of mesh axis {'*'.join(names)}; choose a mesh whose "
                f"{'*'.join(names)} divides it, or change the model's shape."
            )
