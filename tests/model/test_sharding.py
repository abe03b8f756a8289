import jax
import jax.numpy as jnp
import optax
import pytest
from jax.sharding import PartitionSpec as P

from code_ablate.errors import UserError
from code_ablate.model import (
    MeshConfig,
    init_params,
    make_mesh,
    param_axes,
    param_shardings,
    sharding,
)
from tests.eight_devices import run_on_eight_devices


def test_the_rules_lay_out_parameters_and_activations(config):
    specs = sharding.partition_specs(param_axes(config))
    assert specs["embedding"] == P("tensor", "fsdp")
    assert specs["blocks"]["attention"]["query"] == P(None, "fsdp", "tensor")
    assert specs["blocks"]["feed_forward"]["down"] == P(None, "tensor", "fsdp")
    assert specs["final_norm"]["scale"] == P(None)
    # The batch takes fsdp, so the embed axis of an activation stays whole.
    assert sharding.partition_spec(("batch", "time", "embed")) == P(("data", "fsdp"), None, None)
    with pytest.raises(UserError, match="did you mean 'embed'"):
        sharding.partition_spec(("embd",))


def test_a_mesh_that_does_not_fit_is_refused():
    one = jax.devices()[:1]
    assert make_mesh(MeshConfig(), one).shape == {"data": 1, "fsdp": 1, "tensor": 1}
    with pytest.raises(UserError, match=r"fsdp=3.* does not fit 1 device"):
        make_mesh(MeshConfig(fsdp=3), one)
    with pytest.raises(UserError, match="does not fit"):
        make_mesh(MeshConfig(data=2), one)
    with pytest.raises(UserError, match="only one mesh axis"):
        MeshConfig(data=-1, fsdp=-1)
    with pytest.raises(UserError, match="tensor is 0"):
        MeshConfig(tensor=0)


def test_constrain_does_nothing_without_a_mesh_but_checks_names():
    x = jnp.ones((2, 3))
    assert sharding.constrain(x, "batch", "time") is x
    with pytest.raises(ValueError, match="axis names"):
        sharding.constrain(x, "batch")
    with pytest.raises(UserError, match="logical axis"):
        sharding.constrain(x, "batch", "tiem")


def test_without_a_mesh_a_device_has_all():
    def function(x):
        return x + 1

    assert sharding.on_each_device(function, (("batch",),), ("batch",)) is function
    assert sharding.platform() == jax.default_backend()
    x = jnp.ones((2, 3, 4))
    assert sharding.row_major(x, "batch", "time", "embed") is x


def test_optimizer_state_lies_where_its_parameter_does(config):
    mesh = make_mesh(MeshConfig(), jax.devices()[:1])
    params = jax.eval_shape(lambda: init_params(config, 0))
    shardings = param_shardings(config, mesh)
    optimizer = optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.inject_hyperparams(optax.adamw)(learning_rate=1e-3),
        optax.masked(optax.ema(0.9), jax.tree.map(lambda p: p.ndim > 2, params)),
    )
    state = jax.eval_shape(optimizer.init, params)
    placed = sharding.state_shardings(mesh, state, params, shardings)
    assert jax.tree.structure(placed) == jax.tree.structure(state)
    adam = placed[1].inner_state[0]
    assert adam.mu == shardings and adam.nu == shardings
    assert adam.count.spec == P()
    assert placed[1].hyperparams["learning_rate"].spec == P()
    average = placed[2].inner_state.ema["blocks"]["attention"]["query"]
    assert average.spec == P(None, "fsdp", "tensor")
    factored = jax.eval_shape(optax.adafactor(min_dim_size_to_factor=8).init, params)
    placed = sharding.state_shardings(mesh, factored, params, shardings)
    for (path, leaf), where in zip(
        jax.tree_util.tree_leaves_with_path(factored), jax.tree.leaves(placed), strict=True
    ):
        assert len(where.spec) <= leaf.ndim, path


EIGHT_DEVICES = """
import dataclasses, jax, jax.numpy as jnp, numpy as np, optax
from code_ablate.errors import UserError
from code_ablate.model import *
from code_ablate.model import sharding
from tests.tolerance import assert_close

jax.config.update("jax_numpy_rank_promotion", "raise")
assert len(jax.devices()) == 8
config = ModelConfig(d_model=32, layers=2, heads=4, kv_heads=2, head_dim=8, feed_forward=48,
                     vocabulary_size=64)
tokens_BT = jax.random.randint(jax.random.key(1), (8, 21), 0, 64)

def loss_and_gradient(params, tokens_BT):
    def loss_of(params):
        hidden_BTD = apply(config, params, tokens_BT[:, :-1])
        loss, _ = cross_entropy(hidden_BTD, params["embedding"], tokens_BT[:, 1:],
                                jnp.ones((8, 20)), z_loss=1e-3, chunk_tokens=6)
        return loss / 160
    return jax.value_and_grad(loss_of)(params)

init = lambda: init_params(config, 0)
whole = jax.jit(init)()
expected = jax.jit(loss_and_gradient)(whole, tokens_BT)
for sizes in [(-1, 4, 1), (2, 2, 2)]:
    mesh = make_mesh(MeshConfig(*sizes))
    placed = param_shardings(config, mesh)
    params = jax.jit(init, out_shardings=placed)()
    jax.tree.map(np.testing.assert_array_equal, params, whole)
    down = params["blocks"]["feed_forward"]["down"]
    parts = mesh.shape["fsdp"] * mesh.shape["tensor"]
    assert down.addressable_shards[0].data.size * parts == down.size, sizes
    optimizer = optax.adamw(1e-3)
    state = jax.eval_shape(optimizer.init, params)
    state = jax.jit(optimizer.init,
                    out_shardings=sharding.state_shardings(mesh, state, params, placed))(params)
    assert state[0].mu["blocks"]["feed_forward"]["down"].sharding == down.sharding
    batch = jax.sharding.NamedSharding(mesh, sharding.partition_spec(("batch", "time")))
    with jax.set_mesh(mesh):
        step = jax.jit(loss_and_gradient, out_shardings=(None, placed))
        found = step(params, jax.device_put(tokens_BT, batch))
    jax.tree.map(lambda a, b: assert_close(a, b, 1e-5), found, expected)
    print("equal", sizes)

try:
    param_shardings(config, make_mesh(MeshConfig(data=1, tensor=8)))
except UserError as error:
    print("refused:", error)
try:
    wide = dataclasses.replace(config, d_model=36)
    param_shardings(wide, make_mesh(MeshConfig(data=1, fsdp=8)))
except UserError as error:
    print("refused:", error)
"""


def test_eight_devices_equal_one():
    printed = run_on_eight_devices(EIGHT_DEVICES)
    assert printed.count("equal") == 2
    assert "2 key-value heads do not divide over 8 devices" in printed
    assert "36 is not divisible by the 8 devices of mesh axis fsdp" in printed
