"""What the devices can do at most: of a CPU by the time of its cores, which others cannot take."""

import itertools

import jax
import pytest

from code_ablate.training import devices


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="an accelerator is measured by the wall")
def test_what_others_take_of_the_cores_does_not_lower_the_peak(monkeypatch):
    on_cores, on_wall = itertools.count(0, 2), itertools.count(0, 50)  # seconds
    monkeypatch.setattr(devices.time, "process_time", lambda: float(next(on_cores)))
    monkeypatch.setattr(devices.time, "perf_counter", lambda: float(next(on_wall)))
    monkeypatch.setattr(devices, "available_cores", lambda: {1, 4, 5})
    # Two seconds of three cores' time are as long as two thirds of a second on all of them.
    assert devices.measure_peak.__wrapped__(64) == pytest.approx(3 * 2 * 64**3 / 2)
