import jax
import jax.numpy as jnp
import pytest

from code_ablate.model import sharding
from code_ablate.model.products import weigh
from tests.tolerance import assert_close

SPECS = {
    "BTD,DF->BTF": ((2, 5, 7), (7, 11)),
    "BTD,DHC->BTHC": ((2, 5, 7), (7, 3, 4)),
    "BTHC,HCD->BTD": ((2, 5, 3, 4), (3, 4, 7)),
}


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("platform", ["cpu", "tpu"])
def test_value_and_gradients_are_the_einsums(spec, platform, monkeypatch):
    monkeypatch.setattr(sharding, "platform", lambda: platform)
    keys = jax.random.split(jax.random.key(0), 3)
    x, weights = map(jax.random.normal, keys[:2], SPECS[spec])
    pull = jax.random.normal(keys[2], jnp.einsum(spec, x, weights).shape)

    def pulled(product):
        value = jax.value_and_grad(lambda x, w: (product(spec, x, w) * pull).sum(), (0, 1))
        return jax.tree.leaves(value(x, weights))

    for found, expected in zip(pulled(weigh), pulled(jnp.einsum), strict=True):
        assert_close(found, expected, share=1e-5)


def test_a_cpu_makes_the_gradient_of_weights_without_a_transpose():
    def pulled(x, weights):
        return weigh("BTD,DF->BTF", x, weights).sum()

    shapes = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in SPECS["BTD,DF->BTF"]]
    with jax.set_mesh(jax.make_mesh((1,), ("data",), devices=jax.devices("cpu")[:1])):
        traced = jax.make_jaxpr(jax.grad(pulled, 1))(*shapes)
    assert "transpose" not in str(traced)
    plain = jax.make_jaxpr(jax.grad(lambda x, w: jnp.einsum("BTD,DF->BTF", x, w).sum(), 1))(*shapes)
    assert "transpose" in str(plain), "JAX has learned it: weigh is not needed any more"
