import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax._src.cudnn import fused_attention_stablehlo
from jax.interpreters import partial_eval
from jax.sharding import AbstractDevice, AbstractMesh, AxisType

from code_ablate.errors import UserError
from code_ablate.model import attention, splash
from code_ablate.model.rope import rotary_angles, rotate
from tests.eight_devices import run_on_eight_devices
from tests.tolerance import assert_close

pytestmark = pytest.mark.slow

attend = jax.jit(attention.attend, static_argnames="backend")

HERE = ["blocked", "dot_product", "reference", "splash_interpret"]
"""What computes on any machine. The other backends are kernels of one kind of accelerator."""


def needs(platform):
    absent = jax.default_backend() != platform
    return pytest.mark.skipif(absent, reason=f"its kernel runs on a {platform} only")


def qkv(B, T, H, K, C, dtype=jnp.float32):
    keys = jax.random.split(jax.random.key(0), 3)
    return [
        jax.random.normal(key, (B, T, heads, C), dtype)
        for key, heads in zip(keys, (H, K, K), strict=True)
    ]


def written_out(q, k, v, segments=None):
    """Attention in float64 numpy, one query at a time."""
    q, k, v = (np.asarray(x, np.float64) for x in (q, k, v))
    B, T, H, C = q.shape
    out = np.zeros_like(q)
    for b, t, h in np.ndindex(B, T, H):
        seen = np.arange(t + 1)
        if segments is not None:
            seen = seen[segments[b, : t + 1] == segments[b, t]]
        g = h // (H // k.shape[2])
        scores = k[b, seen, g] @ q[b, t, h] / np.sqrt(C)
        weights = np.exp(scores - scores.max())
        out[b, t, h] = weights @ v[b, seen, g] / weights.sum()
    return out


def packed_rows(B, T):
    """Document numbers of rows cut at random places, other ones in each row."""
    cuts = jax.random.uniform(jax.random.key(1), (B, T)) < 6 / T
    return jnp.cumsum(cuts, axis=1).astype(jnp.int32)


def gradients(backend, arrays, segments):
    """Gradients of a random weighting of the output, with respect to q, k and v."""
    pull = jax.random.normal(jax.random.key(9), arrays[0].shape)

    def score(q, k, v):
        out = attend(q, k, v, backend=backend, segments_BT=segments)
        return (out.astype(jnp.float32) * pull).sum()

    return jax.jit(jax.grad(score, (0, 1, 2)))(*arrays)


@pytest.mark.parametrize("backend", HERE)
@pytest.mark.parametrize(("T", "heads"), [(1, (4, 2)), (131, (3, 3)), (131, (6, 1))])
def test_every_backend_is_the_formula(backend, T, heads):
    q, k, v = qkv(2, T, *heads, 8)
    out = attend(q, k, v, backend=backend)
    assert_close(out, written_out(q, k, v), 1e-5)


@pytest.mark.parametrize("backend", HERE)
def test_documents_attend_within_themselves(backend):
    q, k, v = qkv(2, 131, 4, 2, 8)
    segments = packed_rows(2, 131)
    out = attend(q, k, v, backend=backend, segments_BT=segments)
    assert_close(out, written_out(q, k, v, np.asarray(segments)), 1e-5)


@pytest.mark.parametrize("backend", sorted(set(HERE) - {"reference"}))
@pytest.mark.parametrize(("heads", "packed"), [((2, 2), False), ((1, 1), True), ((4, 2), True)])
def test_gradients_equal_those_of_the_reference(backend, heads, packed):
    """Over two blocks of the kernel, at the head size that TPUs are made for."""
    arrays = qkv(2, 256, *heads, 128)
    segments = packed_rows(2, 256) if packed else None
    for found, expected in zip(
        gradients(backend, arrays, segments), gradients("reference", arrays, segments), strict=True
    ):
        assert_close(found, expected, 2e-5)


@pytest.mark.parametrize(
    ("backend", "packed"),
    [(name, True) for name in HERE]
    + [pytest.param("cudnn", packed, marks=needs("gpu")) for packed in (False, True)]
    + [pytest.param("splash", packed, marks=needs("tpu")) for packed in (False, True)],
)
def test_bfloat16_is_close_forwards_and_backwards(backend, packed):
    arrays = qkv(1, 131, 4, 2, 64, jnp.bfloat16)
    segments = packed_rows(1, 131) if packed else None
    out = attend(*arrays, backend=backend, segments_BT=segments)
    assert out.dtype == jnp.bfloat16
    exact = written_out(*arrays, segments if segments is None else np.asarray(segments))
    assert_close(np.float64(out), exact, 3e-2)
    exact = gradients("reference", [x.astype(jnp.float32) for x in arrays], segments)
    for found, expected in zip(gradients(backend, arrays, segments), exact, strict=True):
        error = jnp.linalg.norm(found.astype(jnp.float32) - expected)
        assert error < 2e-2 * jnp.linalg.norm(expected)


@pytest.mark.parametrize("backend", [*HERE, pytest.param("splash", marks=needs("tpu"))])
def test_a_position_reads_its_own_document_up_to_itself(backend):
    """Through the gradient: exactly zero on what is hidden, and on nothing that is not."""
    q, k, v = qkv(1, 256, 2, 1, 128)
    segments = packed_rows(1, 256)

    @jax.jit
    @functools.partial(jax.grad, argnums=(0, 1))
    def influence_on(k, v, t):
        out = attention.attend(q, k, v, backend=backend, segments_BT=segments)
        return jnp.square(out[0, t]).sum()

    for t in (0, 127, 128, 255):
        visible_S = (np.arange(256) <= t) & (np.asarray(segments[0]) == segments[0, t])
        keys_S, values_S = (np.abs(x_BSKC).sum(axis=(0, 2, 3)) for x_BSKC in influence_on(k, v, t))
        np.testing.assert_array_equal(values_S > 0, visible_S)
        assert (keys_S[~visible_S] == 0).all()


def test_a_remat_policy_can_keep_the_outputs_of_the_kernel():
    q, k, v = qkv(1, 128, 1, 1, 128)

    def runs_of_the_kernel(policy):
        def score(q, k, v):
            return jnp.square(attention.attend(q, k, v, backend="splash_interpret")).sum()

        both = jax.value_and_grad(jax.checkpoint(score, policy=policy), (0, 1, 2))
        # The compiler drops what nothing reads, so only what is left then counts.
        used, _ = partial_eval.dce_jaxpr(jax.make_jaxpr(both)(q, k, v).jaxpr, [True] * 4)
        return str(used).count(" pallas_call[")

    policies = jax.checkpoint_policies
    assert runs_of_the_kernel(policies.everything_saveable) == 3  # forward, and dq and dkv
    assert runs_of_the_kernel(policies.nothing_saveable) == 4
    assert runs_of_the_kernel(policies.save_only_these_names(splash.OUTPUT)) == 3


@pytest.mark.parametrize("T", [128, 384, 2048, 8192])
def test_the_kernels_blocks_divide_the_row(T):
    for position_bytes in (128, 256, 512, 1024):
        sizes = splash.block_sizes(T, position_bytes)
        assert T % sizes.block_q == 0 and sizes.block_kv % sizes.block_kv_compute == 0
        assert sizes.has_backward_blocks
    assert splash.block_sizes(T, 256).block_q == {128: 128, 384: 128}.get(T, 1024)
    assert splash.block_sizes(8192, 1024).block_q == 512


def test_splash_becomes_the_real_kernel_on_a_mesh_of_tpus_and_is_refused_elsewhere():
    shapes = jax.eval_shape(lambda: qkv(4, 256, 4, 2, 128, jnp.bfloat16))

    @jax.jit
    def step(q, k, v):
        def score(q, k, v):
            return attention.attend(q, k, v, backend="splash").astype(jnp.float32).sum()

        return jax.grad(score, (0, 1, 2))(q, k, v)

    def mesh_of(kind, platform):
        device = AbstractDevice(device_kind=kind, num_cores=1, platform=platform)
        axes = ("data", "fsdp", "tensor")
        return AbstractMesh((2, 1, 2), axes, (AxisType.Auto,) * 3, abstract_device=device)

    with jax.sharding.use_abstract_mesh(mesh_of("TPU v5 lite", "tpu")):
        lowered = step.trace(*shapes).lower(lowering_platforms=("tpu",)).as_text()
    assert lowered.count("@tpu_custom_call") == 3
    with (
        jax.sharding.use_abstract_mesh(mesh_of("H100", "gpu")),
        pytest.raises(UserError, match=r"for TPUs .* for gpu: set attention to"),
    ):
        step.trace(*shapes)
    if jax.default_backend() == "cpu":
        with pytest.raises(UserError, match=r"for TPUs .* for cpu: set attention to"):
            step.trace(*shapes)


@pytest.mark.parametrize("packed", [False, True])
def test_cudnn_is_asked_for_causal_flash_attention(packed, monkeypatch):
    # Stands in for the library, which is asked for its version but not run.
    monkeypatch.setattr(fused_attention_stablehlo, "check_cudnn_version", lambda: 91_000)
    shapes = jax.eval_shape(lambda: qkv(2, 256, 4, 2, 64, jnp.bfloat16))
    segments = jax.ShapeDtypeStruct((2, 256), jnp.int32) if packed else None

    def score(q, k, v, segments):
        out = attention.attend(q, k, v, backend="cudnn", segments_BT=segments)
        return out.astype(jnp.float32).sum()

    traced = jax.jit(jax.grad(score, (0, 1, 2))).trace(*shapes, segments)
    lowered = traced.lower(lowering_platforms=("cuda",)).as_text()
    # Documents go in as what is added to the scores ("Bias").
    call = "__cudnn$fmhaScaleBiasSoftmax" if packed else "__cudnn$fmhaSoftmax"
    assert f"{call}(" in lowered and f"{call}Backward(" in lowered
    assert lowered.count("mask_type") == lowered.count("CAUSAL") == 2


def test_cudnn_refuses_what_it_cannot_compute(monkeypatch):
    with pytest.raises(UserError, match="not in float32: set compute_dtype to 'bfloat16'"):
        attention.attend(*qkv(1, 4, 2, 2, 8), backend="cudnn")
    if jax.default_backend() != "gpu":
        with pytest.raises(UserError, match=r"cuDNN is not detected.*'blocked'"):
            attention.attend(*qkv(1, 4, 2, 2, 8, jnp.bfloat16), backend="cudnn")
    monkeypatch.setattr(fused_attention_stablehlo, "check_cudnn_version", lambda: 91_000)
    with pytest.raises(UserError, match=r"multiple of 8, but got 12.*'dot_product'"):
        attention.attend(*qkv(1, 4, 2, 2, 12, jnp.bfloat16), backend="cudnn")


EIGHT_DEVICES = """
import jax, jax.numpy as jnp, numpy as np
from code_ablate.model import MeshConfig, make_mesh, sharding
from code_ablate.model.attention import attend
from tests.tolerance import assert_close

assert len(jax.devices()) == 8
keys = jax.random.split(jax.random.key(0), 3)
arrays = [jax.random.normal(key, (8, 130, heads, 16)) for key, heads in zip(keys, (4, 2, 2))]
segments = jnp.sort(jax.random.randint(jax.random.key(1), (8, 130), 0, 5))

def run(backend, arrays, segments):
    def score(*arrays):
        out = attend(*arrays, backend=backend, segments_BT=segments)
        return jnp.square(out).sum(), out
    return jax.jit(jax.grad(score, (0, 1, 2), has_aux=True))(*arrays)

for sizes, given in [((-1, 4, 1), None), ((2, 2, 2), segments)]:
    expected = run("reference", arrays, given)
    mesh = make_mesh(MeshConfig(*sizes))
    axes = [("batch", "time", heads, "head_dim") for heads in ("heads", "kv_heads", "kv_heads")]
    placed = jax.device_put(arrays, sharding.named_shardings(mesh, axes))
    with jax.set_mesh(mesh):
        found = run("splash_interpret", placed, given)
    assert found[1].sharding.is_equivalent_to(placed[0].sharding, 4), found[1].sharding
    jax.tree.map(lambda a, b: assert_close(a, b, 1e-5), found, expected)
    print("equal", sizes)
"""


def test_a_kernel_on_eight_devices_equals_the_reference_on_one():
    printed = run_on_eight_devices(EIGHT_DEVICES)
    assert printed.count("equal") == 2


def test_wrong_names_and_head_counts_are_refused():
    q, k, v = qkv(1, 4, 4, 3, 8)
    with pytest.raises(UserError, match="did you mean 'reference'"):
        attention.attend(q, k, v, backend="refrence")
    with pytest.raises(UserError, match="do not divide"):
        attention.attend(q, k, v, backend="reference")


def test_rotary_scores_depend_on_the_distance_alone():
    C = 16
    q_C, k_C = jax.random.normal(jax.random.key(0), (2, C))
    positions_T = jnp.arange(40)
    angles_TP = rotary_angles(positions_T, C, 10_000.0)

    def turn(x_C):
        return rotate(jnp.broadcast_to(x_C, (1, 40, 1, C)), angles_TP)[0, :, 0]

    scores_TS = turn(q_C) @ turn(k_C).T
    for distance in (0, 1, 7, 30):
        diagonal = jnp.diagonal(scores_TS, offset=-distance)
        assert_close(diagonal, diagonal[0], 1e-4)
    assert jnp.abs(scores_TS[5, 5] - scores_TS[5, 0]) > 1e-2
    np.testing.assert_allclose(scores_TS[0, 0], q_C @ k_C, rtol=1e-5)
    np.testing.assert_allclose(jnp.linalg.norm(turn(q_C), axis=-1), jnp.linalg.norm(q_C), rtol=1e-5)


def test_rotary_pairs_are_interleaved():
    """Channels 0 and 1 are one pair, and turn by one radian per position."""
    x_BTHC = jnp.zeros((1, 3, 1, 8)).at[..., 0].set(1.0)
    turned_TC = rotate(x_BTHC, rotary_angles(jnp.arange(3), 8, 10_000.0))[0, :, 0]
    expected = np.zeros((3, 8))
    expected[:, 0], expected[:, 1] = np.cos(np.arange(3)), np.sin(np.arange(3))
    assert_close(turned_TC, expected, 1e-6)
