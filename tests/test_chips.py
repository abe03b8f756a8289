import subprocess
import sys

import pytest

from code_ablate import chips
from code_ablate.errors import UserError


@pytest.mark.parametrize(
    ("device_kind", "name"),
    [
        ("TPU v4", "v4"),
        ("TPU v5 lite", "v5e"),
        ("TPU v5", "v5p"),
        ("TPU v6 lite", "v6e"),
        ("NVIDIA H100 80GB HBM3", "h100"),
        ("NVIDIA H200", "h200"),
        ("NVIDIA A100-SXM4-80GB", "a100"),
    ],
)
def test_what_jax_calls_a_device_finds_its_chip(device_kind, name):
    assert chips.of_device_kind(device_kind) is chips.find(name)


def test_other_devices_have_no_chip():
    for device_kind in ("cpu", "TPU v9", "NVIDIA GeForce RTX 4090"):
        assert chips.of_device_kind(device_kind) is None


def test_a_wrong_name_is_answered_with_close_ones():
    with pytest.raises(UserError, match="did you mean 'v5"):
        chips.find("v5")


def test_the_peak_of_a_tpu_is_a_whole_number_of_matrix_units_times_its_clock():
    """In multiply-adds of 128 x 128 units: catches a wrong clock or peak."""
    for chip in chips.CHIPS.values():
        if chip.clock_hz:
            units = chip.peak_flops / chip.clock_hz / (2 * 128 * 128)
            assert units == pytest.approx(round(units), rel=0.01), chip.name


def test_the_table_needs_no_jax():
    program = "import sys, code_ablate.chips; assert 'jax' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
