import dataclasses

import pytest

from code_ablate import chips
from code_ablate.pods import step_cost
from code_ablate.pods.hlo import Program
from tests.pods.test_hlo import TPU_TEXT

V5E = chips.find("v5e")


@pytest.fixture
def cost():
    return step_cost.StepCost(
        topology="v5e:8x8",
        chip=V5E,
        chips=64,
        mesh={"data": 1, "fsdp": 64, "tensor": 1},
        batch_windows=512,
        seq_len=8192,
        flops_per_step=64 * V5E.peak_flops,  # one second at the peak rate
        compile_seconds=20.0,
        memory_bytes=12 * 2**30,
        price=step_cost.price(Program(TPU_TEXT), V5E, 64),
    )


def test_time_is_cycles_kernels_and_what_nothing_hides(cost):
    parts = dict(cost.price.parts)
    loss = 16 * 3_000_000 / V5E.clock_hz
    assert parts["loss"] == pytest.approx(loss)
    # No cycles are given for the copy: 8 x 1024 bfloat16, read and written.
    copied = 2 * 2 * 8 * 1024 / (V5E.memory_bytes_per_second * step_cost.MEMORY_EFFICIENCY)
    assert parts["other"] == pytest.approx(copied)
    # 2 products of [512, 512] scores for 2 x 8 heads of 128 channels, half of them hidden.
    flops = 16 * 2 * (2 * 512 * 512 / 2 * 128) * 16
    kernel = flops / (V5E.peak_flops * step_cost.KERNEL_EFFICIENCY)
    assert dict(cost.price.kernels) == {"splash_mha_fwd": pytest.approx(kernel)}

    by_kind = sorted(cost.price.exchanges, key=lambda exchange: exchange.kind)
    gather, reduce, scatter = by_kind
    links = V5E.interconnect_bytes_per_second * step_cost.LINK_EFFICIENCY
    assert (gather.kind, gather.count, gather.bytes) == ("all-gather", 1, 2 * 1024 * 4096)
    assert gather.seconds == pytest.approx(63 / 64 * gather.bytes / links)
    assert gather.exposed_seconds == 0, "the loop hides it"
    assert (reduce.kind, reduce.count, reduce.bytes) == ("all-reduce", 16, 16 * 4 * 1024 * 16)
    # 16 of 64 chips lie along one axis, which has two of a chip's four links.
    assert reduce.seconds == pytest.approx(2 * 15 / 16 * reduce.bytes / (links / 2))
    assert reduce.exposed_seconds == reduce.seconds
    assert scatter.seconds == pytest.approx(15 * scatter.bytes / (links / 2))

    assert cost.step_seconds == pytest.approx(
        loss + copied + kernel + reduce.seconds + scatter.seconds
    )


def test_derived_figures_follow_from_the_step(cost):
    seconds = cost.step_seconds
    assert cost.mfu == pytest.approx(1 / seconds)
    assert cost.tokens_per_second == pytest.approx(512 * 8192 / seconds)
    tokens = 512 * 8192 * 3600 / seconds  # an hour of 64 chips
    assert cost.chip_hours(tokens) == pytest.approx(64)
    kernel = dict(cost.price.kernels)["splash_mha_fwd"]
    at_a_tenth = cost.price.seconds(step_cost.KERNEL_EFFICIENCY / 10)
    assert at_a_tenth - seconds == pytest.approx(9 * kernel)
    for shown in ("v5e:8x8", "64 chips", "12.0 of 16 GiB", "loss", "all-reduce", "MFU"):
        assert shown in str(cost)


def test_what_does_not_fit_is_a_finding(cost):
    too_large = dataclasses.replace(
        cost, memory_bytes=0, out_of_memory="Used 20.11G of 15.75G hbm."
    )
    assert not too_large.fits and "DOES NOT FIT    Used 20.11G" in str(too_large)
    assert not too_large.step_seconds > 0


def test_a_kernel_that_is_unknown_is_named():
    text = TPU_TEXT.replace("splash_mha_fwd", "mystery")
    priced = step_cost.price(Program(text), V5E, 64)
    assert priced.unknown_kernels == ("mystery",) and not priced.kernels
