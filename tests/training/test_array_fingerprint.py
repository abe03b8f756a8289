import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from code_ablate.training.array_fingerprint import STRIDE, _words, fingerprint, state_fingerprint
from tests.eight_devices import run_on_eight_devices

DTYPES = ["float32", "bfloat16", "float16", "int32", "uint8", "bool"]


def array_of(dtype, shape=(6, 10), seed=0):
    values = np.random.default_rng(seed).normal(size=shape) * 50
    return jnp.asarray(values > 0 if dtype == "bool" else np.abs(values)).astype(dtype)


def words_of(x):
    return fingerprint({"x": x})["x"][2]


def words_by_hand(x):
    """The definition, element by element, in integers of any size."""
    total = parity = 0
    for index, value in np.ndenumerate(np.asarray(x)):
        position = sum((c + 1) * STRIDE ** (axis + 1) for axis, c in enumerate(index)) % 2**32
        h = int.from_bytes(value.tobytes(), "little") ^ position
        h = (h ^ (h >> 16)) * 0x85EBCA6B % 2**32
        h = (h ^ (h >> 13)) * 0xC2B2AE35 % 2**32
        h ^= h >> 16
        total, parity = (total + h) % 2**32, parity ^ h
    return f"{total:08x}{parity:08x}"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (7,), (3, 5), (2, 3, 4)])
def test_the_words_are_what_their_definition_says(dtype, shape):
    x = array_of(dtype, shape)
    assert fingerprint({"x": x}) == {"x": [dtype, list(shape), words_by_hand(x)]}


CHANGES = {
    "one bit": lambda b: b.at[2, 3].set(b[2, 3] ^ 1),
    "two signs": lambda b: b.at[2, 3:5].set(b[2, 3:5] ^ b.dtype.type(1 << (b.itemsize * 8 - 1))),
    "all signs": lambda b: b ^ b.dtype.type(1 << (b.itemsize * 8 - 1)),
    "zeroed part": lambda b: b.at[:2].set(0),
    "swapped elements": lambda b: b.at[0, 0].set(b[5, 9]).at[5, 9].set(b[0, 0]),
    "swapped rows": lambda b: b[jnp.array([3, 1, 2, 0, 4, 5])],
    "shifted": lambda b: jnp.roll(b, 1),
    "reversed": lambda b: b[::-1, ::-1],
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "uint8"])
def test_changed_bits_and_places_change_the_words(dtype, change):
    x = array_of(dtype)
    unsigned = {1: jnp.uint8, 2: jnp.uint16, 4: jnp.uint32}[x.itemsize]
    bits = CHANGES[change](jax.lax.bitcast_convert_type(x, unsigned))
    changed = jax.lax.bitcast_convert_type(bits, x.dtype)
    assert np.asarray(changed).tobytes() != np.asarray(x).tobytes()
    assert words_of(changed) != words_of(x)


def test_values_that_compare_equal_are_told_apart_by_their_bits():
    assert words_of(jnp.array([0.0])) != words_of(jnp.array([-0.0]))
    assert words_of(jnp.array([jnp.nan])) == words_of(jnp.array([jnp.nan]))


def test_a_digest_tells_names_shapes_and_dtypes_apart():
    x = jnp.zeros((2, 8), jnp.float32)
    states = [{"a": x}, {"b": x}, {"a": x[0]}, {"a": x.astype(jnp.int32)}, {"a": x, "b": x}]
    assert len({state_fingerprint(state) for state in states}) == len(states)
    assert state_fingerprint({"a": x}) == state_fingerprint({"a": jnp.zeros((2, 8))})


def test_nothing_the_size_of_an_array_is_allocated():
    leaves = [jnp.ones((1024, 1024)), jnp.ones((512, 1024), jnp.bfloat16)]
    memory = _words.lower(leaves).compile().memory_analysis()
    assert memory.temp_size_in_bytes < 1024


MESHES = """
import json, sys
import jax, jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec
from code_ablate.model.config import MeshConfig
from code_ablate.model.sharding import make_mesh
from code_ablate.training.checkpoint import Checkpoints
from code_ablate.training.array_fingerprint import fingerprint
from code_ablate.training.step import TrainState

def state_on(mesh, spec):
    rng = np.random.default_rng(0)
    params = {"w": rng.normal(size=(16, 24)), "b": rng.normal(size=16)}
    params = {"w": params["w"].astype(np.float32), "b": params["b"].astype(jnp.bfloat16)}
    put = lambda x, spec: jax.device_put(x, NamedSharding(mesh, spec))
    params = {"w": put(params["w"], spec), "b": put(params["b"], PartitionSpec(*spec[:1]))}
    return TrainState(params, {"count": put(np.int32(7), PartitionSpec())})

meshes = [
    (make_mesh(MeshConfig(data=8)), PartitionSpec(None, None)),
    (make_mesh(MeshConfig(data=1, fsdp=8)), PartitionSpec("fsdp", None)),
    (make_mesh(MeshConfig(data=1, tensor=8)), PartitionSpec(None, "tensor")),
    (make_mesh(MeshConfig(data=2, fsdp=2, tensor=2)), PartitionSpec("fsdp", "tensor")),
    (make_mesh(MeshConfig(data=1), jax.devices()[:1]), PartitionSpec(None, None)),
]
states = [state_on(*mesh) for mesh in meshes]
print(json.dumps([fingerprint(state) for state in states]))
with Checkpoints(sys.argv[1]) as checkpoints:
    checkpoints.save(1, states[1], {})
    checkpoints.wait()
    for state in states:  # what one mesh saved agrees with its fingerprint on every other
        checkpoints.restore(state, 1)
"""


def test_the_fingerprint_is_the_same_on_every_mesh(tmp_path):
    printed = run_on_eight_devices(MESHES, str(tmp_path))
    first, *others = json.loads(printed)
    assert sorted(first) == ["moments/count", "params/b", "params/w"]
    assert others == [first] * 4
