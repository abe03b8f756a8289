"""What the devices can do at most: of a CPU by the time of its cores, which others cannot take."""

import itertools

import jax
import pytest

from code_ablate.training import devices


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="an accelerator is measured by the wall")
def test_what_others_take_of_the_cores_time_does_not_lower_the_peak(monkeypatch):
    on_cores, on_wall = itertools.count(0, 2), itertools.count(0, 50)  # seconds
    monkeypatch.setattr(devices, "process_time", lambda: float(next(on_cores)))
    monkeypatch.setattr(devices, "perf_counter", lambda: float(next(on_wall)))
    monkeypatch.setattr(devices, "cores_at_once", lambda: 3.0)
    # Two seconds of three cores' time are as long as two thirds of a second on all of them.
    assert devices.measure_peak.__wrapped__(64) == pytest.approx(3 * 2 * 64**3 / 2)


@pytest.mark.parametrize(
    ("written", "cores"),
    [("max 100000\n", 6), ("250000 100000\n", 2.5), ("900000 100000\n", 6), ("", 6), (None, 6)],
)
def test_a_containers_share_of_the_cores_is_what_it_may_keep_busy(
    monkeypatch, tmp_path, written, cores
):
    quota = tmp_path / "cpu.max"
    if written is not None:
        quota.write_text(written)
    monkeypatch.setattr(devices, "_CPU_QUOTA", quota)
    monkeypatch.setattr(devices, "available_cores", lambda: set(range(6)))
    assert devices.cores_at_once() == cores
