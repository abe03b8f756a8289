import jax
import jax.numpy as jnp
import pytest

from code_ablate.pods.hlo import Operation, Program

# As the TPU compiler writes, cut down: a loop of 16 turns, in it a kernel whose attributes run over
# several lines and an exchange; an asynchronous exchange around the loop; on-chip results.
TPU_TEXT = """\
HloModule jit_step, is_scheduled=true

%fused_gather (param_0.1: bf16[16,4096]) -> bf16[1024,4096] {
  %param_0.1 = bf16[16,4096]{1,0:T(8,128)(2,1)} parameter(0)
  ROOT %all-gather.7 = bf16[1024,4096]{1,0:T(8,128)(2,1)} all-gather(%param_0.1), channel_id=1, \
replica_groups=mesh['axis_0'=1,'axis_1'=64] {'axis_1'}, dimensions={0}
}

%all-reduce-scatter.1.clone (param_0.2: bf16[1024,64]) -> bf16[64,64] {
  %param_0.2 = bf16[1024,64]{1,0:T(8,128)(2,1)} parameter(0)
  %all-reduce.9 = bf16[1024,64]{1,0} all-reduce(%param_0.2), channel_id=3, \
replica_groups=[4,16]<=[64], to_apply=%add
  ROOT %dynamic-slice.1 = bf16[64,64]{1,0} dynamic-slice(%all-reduce.9)
}

%body.1 (wide.param: (s32[], bf16[8,1024])) -> (s32[], bf16[8,1024]) {
  %wide.param = (s32[]{:T(128)}, bf16[8,1024]{1,0}) parameter(0)
  %get-tuple-element.1 = bf16[8,1024]{1,0} get-tuple-element(%wide.param), index=1
  %fusion.5 = bf16[8,1024]{1,0:T(8,128)(2,1)S(1)} fusion(%get-tuple-element.1), kind=kOutput, \
calls=%inner, metadata={op_name="jit(step)/jvp(loss)/while/body/dot_general"}, \
backend_config={"window_config":{"estimated_cycles":"3000000","iteration_bounds":["1"]}}
  %splash_mha_fwd.2 = (f32[8,128]{1,0}, /*index=1*/bf16[2,8,512,128]{3,2,1,0}) \
custom-call(%fusion.5), custom_call_target="tpu_custom_call", \
operand_layout_constraints={s8[1,8]{1,0}, bf16[2,8,512,128]{3,2,1,0}}, \
frontend_attributes={kernel_metadata={
"xprof_metadata":"{\\"block_q\\": 1024}"
}}, metadata={op_name="jit(step)/attention/pallas_call"}
  %all-reduce.3 = f32[1024,16]{1,0} all-reduce(%fusion.5), channel_id=2, \
replica_groups=[4,16]<=[64], to_apply=%add
  ROOT %tuple.1 = (s32[], bf16[8,1024]{1,0}) tuple(%get-tuple-element.1, %fusion.5)
}

%condition.1 (param.9: (s32[], bf16[8,1024])) -> pred[] {
  %param.9 = (s32[]{:T(128)}, bf16[8,1024]{1,0}) parameter(0)
  %counter = s32[]{:T(128)} get-tuple-element(%param.9), index=0
  %constant.16 = s32[]{:T(128)} constant(16)
  ROOT %compare.1 = pred[]{:T(512)} compare(%counter, %constant.16), direction=LT
}

ENTRY %main.1 (param.1: bf16[16,4096]) -> bf16[8,1024] {
  %param.1 = bf16[16,4096]{1,0:T(8,128)(2,1)} parameter(0)
  %async-collective-start.4 = (bf16[16,4096]{1,0}, bf16[1024,4096]{1,0}) fusion(%param.1), \
kind=kCustom, calls=%fused_gather
  %tuple.2 = (s32[], bf16[8,1024]{1,0}) tuple(%param.1)
  %while.1 = (s32[]{:T(128)}, bf16[8,1024]{1,0}) while(%tuple.2), condition=%condition.1, \
body=%body.1
  %async-collective-done.4 = bf16[1024,4096]{1,0} fusion(%async-collective-start.4), kind=kCustom, \
calls=%fused_gather
  %fusion.8 = bf16[64,64]{1,0} fusion(%while.1), kind=kCustom, calls=%all-reduce-scatter.1.clone
  ROOT %copy.1 = bf16[8,1024]{1,0} copy(%while.1)
}
"""


@pytest.fixture(scope="module")
def operations():
    return {op.name: op for op in Program(TPU_TEXT).executed()}


def test_cycles_are_multiplied_by_the_turns_of_their_loop(operations):
    fusion = operations["fusion.5"]
    assert (fusion.cycles, fusion.times) == (3_000_000, 16)
    assert fusion.op_name.startswith("jit(step)/jvp(loss)")
    assert operations["copy.1"].cycles is None and operations["copy.1"].times == 1
    assert "param_0.1" not in operations, "what a fusion contains is in the fusion's estimate"


def test_results_have_sizes_and_places(operations):
    (result,) = operations["fusion.5"].results
    assert (result.dtype, result.shape, result.bytes, result.on_chip) == (
        "bf16", (8, 1024), 16384, True,
    )  # fmt: skip
    assert not operations["copy.1"].results[0].on_chip
    kernel = operations["splash_mha_fwd.2"]
    assert [array.shape for array in kernel.results] == [(8, 128), (2, 8, 512, 128)]
    assert (kernel.kernel, kernel.times, operations["fusion.5"].kernel) == (
        "splash_mha_fwd", 16, None,
    )  # fmt: skip


def test_exchanges_have_a_kind_a_group_and_a_count(operations):
    reduce, gather = operations["all-reduce.3"], operations["async-collective-start.4"]
    assert (reduce.collective, reduce.group_size, reduce.times) == ("all-reduce", 16, 16)
    assert (gather.collective, gather.group_size, gather.opcode) == (
        "all-gather", 64, "all-gather-start",
    )  # fmt: skip
    assert operations["async-collective-done.4"].collective is None
    scatter = operations["fusion.8"]
    assert (scatter.collective, scatter.group_size, scatter.bytes) == (
        "reduce-scatter", 16, 2 * 64 * 64,
    )  # fmt: skip


def test_text_that_is_no_program_is_refused():
    with pytest.raises(ValueError, match="no ENTRY"):
        Program("HloModule nothing")


def test_loops_of_a_real_program_nest():
    def inner(x, _):
        return jnp.sin(x @ x), None

    def outer(x, _):
        return jax.lax.scan(inner, x, None, length=5)[0], None

    def step(x):
        return jax.lax.scan(outer, x, None, length=3)[0]

    text = jax.jit(step).lower(jnp.ones((64, 64))).compile().as_text()
    products = [op for op in Program(text).executed() if op.op_name.endswith("dot_general")]
    assert sum(op.times for op in products) == 15, [op.text for op in products]


def test_a_loop_until_something_happens_counts_once():
    def step(x):
        return jax.lax.while_loop(lambda x: (x[0, 0] < 10) | (x[1, 1] < 3), lambda x: x @ x, x)

    text = jax.jit(step).lower(jnp.ones((64, 64))).compile().as_text()
    products = [op for op in Program(text).executed() if op.op_name.endswith("dot_general")]
    assert sum(op.times for op in products) == 1


@pytest.mark.parametrize(
    ("groups", "size"),
    [
        ("replica_groups=mesh['axis_0'=1,'axis_1'=64] {'axis_1'}, dimensions={0}", 64),
        ("replica_groups=mesh['a'=2,'b'=4], device_ids=([4,2]T(1,0)) {'a','b'}, dimensions={2}", 8),
        ("replica_groups=[4,16]<=[64], to_apply=%add", 16),
        ("replica_groups={{0,1,2},{3,4,5}}, to_apply=%add", 3),
        ("source_target_pairs={{0,1},{1,0}}", 1),
    ],
)
def test_the_size_of_groups_is_read_in_every_form(groups, size):
    text = f"  %x.1 = f32[4]{{0}} all-reduce(%y), channel_id=2, {groups}"
    assert Operation("x.1", "all-reduce", (), "", ("y",), text).group_size == size


def test_groups_in_an_unknown_form_are_not_free():
    operation = Operation("x.1", "all-reduce", (), "", ("y",), "replica_groups=new_form(3)")
    with pytest.raises(ValueError, match="form that is unknown"):
        _ = operation.group_size
